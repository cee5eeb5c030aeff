//! Texts in JSON lines: a string a line, or an object with one.

use serde_json::Value;

/// How the names of such files end.
const ENDS: [&str; 2] = [".jsonl", ".jsonl.gz"];

/// Whether a file of this name holds JSON lines.
pub fn is_named(name: &str) -> bool {
    ENDS.iter().any(|end| name.ends_with(end))
}

/// The string of a line, or of the key of its object; `naming` is how people name a key.
///
/// # Errors
///
/// What the line is instead.
pub fn text(line: &str, key: Option<&str>, naming: &str) -> Result<String, String> {
    let value = serde_json::from_str(line).map_err(not_json)?;
    let value: Value = match (value, key) {
        (Value::Object(mut object), Some(key)) => match object.remove(key) {
            Some(value) => value,
            None => {
                let keys = object.keys().map(String::as_str).collect::<Vec<_>>();
                return Err(format!("no key `{key}`, only `{}`", keys.join("`, `")));
            }
        },
        (Value::Object(_), None) => {
            return Err(format!(
                "an object, but no key was named: expected {naming}"
            ));
        }
        (value, None) => value,
        (value, Some(key)) => {
            return Err(format!(
                "expected an object with `{key}`, found {}",
                kind(&value)
            ));
        }
    };
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!("expected a string, found {}", kind(&other))),
    }
}

/// What is wrong with a line by itself, which the reader calls line 1.
fn not_json(error: serde_json::Error) -> String {
    let place = error.to_string().replace("at line 1 column", "at column");
    format!("not JSON: {place}")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
