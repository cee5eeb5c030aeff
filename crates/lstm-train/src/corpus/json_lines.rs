//! One JSON object a line.

use serde_json::{Map, Value};

use super::collector::Collector;
use super::error::{Choices, CorpusError, Shortened};
use super::options::{Column, Field};
use super::source::Source;

/// Objects with a label (a string, a whole number, true or false) and a text (a string); other keys
/// are ignored.
pub(super) fn read(
    source: &Source,
    [label, text]: [Field; 2],
    collector: &mut Collector,
) -> Result<(), CorpusError> {
    let (label_key, text_key) = (key(label)?, key(text)?);
    for object in objects(source) {
        let object = object?;
        let value = object.value(label.role, label_key)?;
        let name = label_text(value).ok_or_else(|| {
            object.wrong_type(label_key, "a string, a whole number, true or false", value)
        })?;
        collector.add(object.line, &name, object.text(text.role, text_key)?)?;
    }
    Ok(())
}

/// Objects with two texts, both of them strings; other keys are ignored. `add` gets them.
pub(super) fn read_texts(
    source: &Source,
    fields: [Field; 2],
    mut add: impl FnMut(&str, &str),
) -> Result<(), CorpusError> {
    let [first, second] = fields;
    let keys = [key(first)?, key(second)?];
    if let (true, Some(column)) = (keys[0] == keys[1], second.column.or(first.column)) {
        return Err(CorpusError::SameColumn {
            role: second.role,
            column: column.clone(),
            other: first.role,
        });
    }
    for object in objects(source) {
        let object = object?;
        add(
            object.text(first.role, keys[0])?,
            object.text(second.role, keys[1])?,
        );
    }
    Ok(())
}

/// What stands in one line.
struct Object<'a> {
    source: &'a Source<'a>,
    line: usize,
    values: Map<String, Value>,
}

fn objects<'a>(source: &'a Source) -> impl Iterator<Item = Result<Object<'a>, CorpusError>> {
    source.lines().map(move |line| {
        let (number, line) = line?;
        let values = serde_json::from_str(line).map_err(|error| CorpusError::Json {
            place: source.place(number),
            column: error.column(),
            problem: without_place(&error),
            text: Shortened::new(line),
        })?;
        Ok(Object {
            source,
            line: number,
            values,
        })
    })
}

impl Object<'_> {
    fn value(&self, role: &'static str, key: &str) -> Result<&Value, CorpusError> {
        self.values.get(key).ok_or_else(|| CorpusError::NoSuchKey {
            place: self.source.place(self.line),
            role,
            key: key.to_owned(),
            present: Choices::new(&self.values.keys().collect::<Vec<_>>()),
        })
    }

    fn text(&self, role: &'static str, key: &str) -> Result<&str, CorpusError> {
        let value = self.value(role, key)?;
        let text = value.as_str();
        text.ok_or_else(|| self.wrong_type(key, "a string", value))
    }

    fn wrong_type(&self, key: &str, expected: &'static str, value: &Value) -> CorpusError {
        CorpusError::JsonType {
            place: self.source.place(self.line),
            key: key.to_owned(),
            expected,
            found: Shortened::plain(&value.to_string()),
        }
    }
}

fn key(field: Field<'_>) -> Result<&str, CorpusError> {
    match field.column {
        None => Ok(field.role),
        Some(Column::Name(name)) => Ok(name),
        Some(column @ Column::Number(_)) => Err(CorpusError::UnfitColumn {
            role: field.role,
            column: column.clone(),
            reason: "JSON objects have keys, not numbered columns; expected a name",
        }),
    }
}

fn label_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// The message without its "at line 1 column 7": the line is ours to name.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rsplit_once(" at line ") {
        Some((problem, _)) => problem.to_owned(),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use crate::corpus::{Column, Corpus, CorpusError, CorpusOptions, Format, Labels, read_text};

    fn read(contents: &str) -> Result<Corpus, CorpusError> {
        read_text(
            "a.jsonl",
            contents,
            &CorpusOptions::new(Format::Jsonl),
            Labels::Learn,
        )
    }

    fn message(contents: &str) -> String {
        read(contents).unwrap_err().to_string()
    }

    #[test]
    fn labels_are_strings_whole_numbers_or_truths() {
        let corpus = read(concat!(
            r#"{"text": "caf\u00e9\n", "label": "pos"}"#,
            "\r\n",
            r#" {"label": -1, "id": 7, "text": ""} "#,
            "\n",
            r#"{"label": true, "text": "yes"}"#,
        ))
        .unwrap();
        assert_eq!(corpus.labels, ["-1", "pos", "true"]);
        assert!(corpus.texts().eq(["café\n", "", "yes"]));
    }

    #[test]
    fn keys_are_chosen_by_name() {
        let options = CorpusOptions {
            label: Some("emotion".into()),
            text: Some(Column::Name("2".into())),
            ..CorpusOptions::new(Format::Jsonl)
        };
        let corpus = read_text(
            "a",
            r#"{"emotion":"joy","2":"ha"}"#,
            &options,
            Labels::Learn,
        )
        .unwrap();
        assert_eq!(
            (corpus.labels[0].as_str(), corpus.examples[0].text.as_str()),
            ("joy", "ha")
        );
    }

    #[test]
    fn broken_json_is_named_by_line_and_column() {
        assert_eq!(
            message("{\"label\":\"a\",\"text\":\"b\"}\n{\"label\":\"a\",\"text\":\"b}\n"),
            "a.jsonl:2: column 23: expected a JSON object \
             (EOF while parsing a string), found \"{\\\"label\\\":\\\"a\\\",\\\"text\\\":\\\"b}\""
        );
        for other in ["[1, 2]", "\"text\"", "{\"label\":1}{}", "label\ttext"] {
            let text = message(other);
            assert!(
                text.contains("a.jsonl:1: column ") && text.contains("a JSON object"),
                "{text}"
            );
        }
        let deep = format!("{{\"text\":{}", "[".repeat(1_000_000));
        assert!(message(&deep).contains("recursion limit"));
    }

    #[test]
    fn a_missing_key_is_named_with_those_present() {
        assert_eq!(
            message(r#"{"label":"a","body":"b"}"#),
            r#"a.jsonl:1: no key "text" for the text (data.text); the object has "body", "label""#
        );
        assert!(message("{}").ends_with("the object has none"));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named() {
        for (value, shown) in [("1.5", "1.5"), ("null", "null"), ("[1, 2]", "[1,2]")] {
            assert_eq!(
                message(&format!(r#"{{"label":{value},"text":"b"}}"#)),
                format!(
                    "a.jsonl:1: key \"label\": expected a string, a whole number, true or false, \
                     found {shown}"
                )
            );
        }
        assert_eq!(
            message(r#"{"label":"a","text":5}"#),
            "a.jsonl:1: key \"text\": expected a string, found 5"
        );
    }

    #[test]
    fn a_column_number_is_refused() {
        let options = CorpusOptions {
            text: Some(Column::Number(2)),
            ..CorpusOptions::new(Format::Jsonl)
        };
        let error = read_text("a", "{}", &options, Labels::Learn).unwrap_err();
        assert!(
            matches!(error, CorpusError::UnfitColumn { role: "text", .. }),
            "{error}"
        );
    }
}
