//! Texts that may have several lines: lines of a file, or JSON lines.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::segments::Text;
use crate::Failure;

/// How the names of JSON lines end.
const JSON_LINES: [&str; 2] = [".jsonl", ".jsonl.gz"];

/// All texts of a file.
pub struct Summaries {
    /// What the file is called.
    pub name: String,
    /// Its texts; line feeds stand between sentences.
    pub texts: Vec<String>,
}

impl Summaries {
    /// Reads a file; `separator` stands between sentences too.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, a line that is not the JSON that is expected.
    pub fn read(path: &Path, separator: Option<&str>) -> Result<Self, Failure> {
        let (path, key) = file_and_key(path);
        let text = Text::read(&path)?;
        let is_json = JSON_LINES.iter().any(|end| text.name.ends_with(end));
        let lines = text.lines().into_iter().enumerate();
        let texts = lines.map(|(index, line)| -> Result<String, Failure> {
            let text_of_line = match is_json {
                true => string(line, key.as_deref())
                    .map_err(|wrong| format!("{}:{}: {wrong}", text.name, index + 1))?,
                false => line.to_owned(),
            };
            Ok(match separator {
                Some(separator) => text_of_line.replace(separator, "\n"),
                None => text_of_line,
            })
        });
        Ok(Self {
            texts: texts.collect::<Result<_, _>>()?,
            name: text.name.clone(),
        })
    }
}

/// `FILE.jsonl:KEY` apart; the key of any other path is none.
fn file_and_key(path: &Path) -> (PathBuf, Option<String>) {
    let text = path.to_str().unwrap_or_default();
    match text.rsplit_once(':') {
        Some((file, key)) if JSON_LINES.iter().any(|end| file.ends_with(end)) => {
            (file.into(), Some(key.to_owned()))
        }
        _ => (path.to_owned(), None),
    }
}

/// The string of a line, or of the key of its object.
fn string(line: &str, key: Option<&str>) -> Result<String, String> {
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
            return Err("an object, but no key was named: expected FILE.jsonl:KEY".to_owned());
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
