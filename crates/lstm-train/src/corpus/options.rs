//! How a corpus file is to be read: what a recipe's `[data]` section says about it.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use super::error::CorpusError;

/// How a file holds its examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Columns separated by tabs, one example a line; neither quotes nor a header.
    Tsv,
    /// Comma-separated values with a header; quotes as in RFC 4180.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Bracketed trees of the Stanford Sentiment Treebank (Socher et al. 2013).
    Sst,
    /// `LABEL:sublabel text`, as in the question corpus of TREC (Li and Roth 2002).
    Trec,
}

/// A name in a recipe or on the command line that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {found:?}; expected {expected}")]
pub struct UnknownName {
    what: &'static str,
    found: String,
    expected: &'static str,
}

impl Format {
    /// The format that a file's extension tells (`.tsv`, `.csv`, `.jsonl`, `.ndjson`, each perhaps
    /// with `.gz` behind it); none for others, `.txt` for instance.
    pub fn from_path(path: &Path) -> Option<Self> {
        let lower = path.file_name()?.to_str()?.to_lowercase();
        let (_, extension) = lower
            .strip_suffix(".gz")
            .unwrap_or(&lower)
            .rsplit_once('.')?;
        match extension {
            "tsv" => Some(Self::Tsv),
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

impl FromStr for Format {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "tsv" => Ok(Self::Tsv),
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::Jsonl),
            "sst" => Ok(Self::Sst),
            "trec" => Ok(Self::Trec),
            _ => Err(UnknownName {
                what: "format",
                found: name.to_owned(),
                expected: "tsv, csv, jsonl, sst or trec",
            }),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tsv => "tsv",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Sst => "sst",
            Self::Trec => "trec",
        })
    }
}

/// How the bytes of a file stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8; a byte order mark at the beginning is skipped.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO 8859-1: each byte is the character of that number.
    #[serde(rename = "latin-1")]
    Latin1,
}

impl FromStr for Encoding {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "utf-8" => Ok(Self::Utf8),
            "latin-1" => Ok(Self::Latin1),
            _ => Err(UnknownName {
                what: "encoding",
                found: name.to_owned(),
                expected: "utf-8 or latin-1",
            }),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "utf-8",
            Self::Latin1 => "latin-1",
        })
    }
}

/// Where a table keeps something: a column's number, or its name in the header; a JSON object's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Column {
    /// A column by its number, from 1.
    Number(usize),
    /// A column by its name in the first line, or a JSON object's key.
    Name(String),
}

impl From<&str> for Column {
    /// Digits alone are a number; anything else is a name.
    fn from(text: &str) -> Self {
        match text.parse() {
            Ok(number) if text.bytes().all(|byte| byte.is_ascii_digit()) => Self::Number(number),
            _ => Self::Name(text.to_owned()),
        }
    }
}

impl FromStr for Column {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(text))
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => write!(f, "{name:?}"),
        }
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ColumnVisitor;

        impl Visitor<'_> for ColumnVisitor {
            type Value = Column;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column's number, from 1, or its name")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Column, E> {
                match usize::try_from(number) {
                    Ok(number) if number > 0 => Ok(Column::Number(number)),
                    _ => Err(E::invalid_value(de::Unexpected::Unsigned(number), &self)),
                }
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Column, E> {
                match u64::try_from(number) {
                    Ok(number) => self.visit_u64(number),
                    Err(_) => Err(E::invalid_value(de::Unexpected::Signed(number), &self)),
                }
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Column, E> {
                Ok(Column::Name(name.to_owned()))
            }
        }

        deserializer.deserialize_any(ColumnVisitor)
    }
}

/// One of the two things that a row or an object holds, and where it is said to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    /// What it is: the key of a recipe's `[data]` section that names its column.
    pub role: &'static str,
    /// Its column, if that is named.
    pub column: Option<&'a Column>,
}

impl<'a> Field<'a> {
    pub fn new(role: &'static str, column: Option<&'a Column>) -> Self {
        Self { role, column }
    }
}

/// How a corpus file is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorpusOptions {
    /// How the file holds its examples.
    pub format: Format,
    /// How its bytes stand for characters.
    pub encoding: Encoding,
    /// Where the label is: by default column 1 of a TSV, and the column or key `label` otherwise.
    pub label: Option<Column>,
    /// Where the text is: by default column 2 of a TSV, and the column or key `text` otherwise.
    pub text: Option<Column>,
    /// What is made of sentiment trees.
    pub sst: SstOptions,
}

impl CorpusOptions {
    /// The two things that an example is made of.
    pub(super) fn fields(&self) -> [Field<'_>; 2] {
        [
            Field::new("label", self.label.as_ref()),
            Field::new("text", self.text.as_ref()),
        ]
    }

    /// The defaults of a format: UTF-8, and label and text where they usually are.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            encoding: Encoding::default(),
            label: None,
            text: None,
            sst: SstOptions::default(),
        }
    }
}

/// For formats whose lines say themselves what is label and what is text.
pub(super) fn refuse_columns(options: &CorpusOptions) -> Result<(), CorpusError> {
    for Field { role, column } in options.fields() {
        if let Some(column) = column {
            return Err(CorpusError::UnfitColumn {
                role,
                column: column.clone(),
                reason: "the formats sst and trec have no columns to choose",
            });
        }
    }
    Ok(())
}

/// What is made of the trees of the Stanford Sentiment Treebank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SstOptions {
    /// How many classes the five degrees become.
    pub classes: SstClasses,
    /// Which parts of a tree are examples.
    pub examples: SstExamples,
}

/// How many classes the five degrees of sentiment become; in recipes 2 or 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum SstClasses {
    /// `negative` (0 and 1) and `positive` (3 and 4); neutral (2) is left out.
    #[default]
    Two,
    /// `very negative`, `negative`, `neutral`, `positive`, `very positive`.
    Five,
}

impl TryFrom<u8> for SstClasses {
    type Error = UnknownName;

    fn try_from(number: u8) -> Result<Self, UnknownName> {
        match number {
            2 => Ok(Self::Two),
            5 => Ok(Self::Five),
            _ => Err(UnknownName {
                what: "number of classes",
                found: number.to_string(),
                expected: "2 or 5",
            }),
        }
    }
}

impl From<SstClasses> for u8 {
    fn from(classes: SstClasses) -> Self {
        match classes {
            SstClasses::Two => 2,
            SstClasses::Five => 5,
        }
    }
}

/// Which parts of a sentiment tree are examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SstExamples {
    /// Only whole sentences: what is tested on.
    #[default]
    Sentences,
    /// Every labelled phrase, the sentence and single words among them. A phrase that comes again
    /// with the same label, in whichever sentence, is kept once.
    Phrases,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_tells_the_format_through_gz() {
        for (path, format) in [
            ("a/train.tsv", Some(Format::Tsv)),
            ("a/train.TSV.gz", Some(Format::Tsv)),
            ("b.csv", Some(Format::Csv)),
            ("b.jsonl.gz", Some(Format::Jsonl)),
            ("b.ndjson", Some(Format::Jsonl)),
            ("b.txt", None),
            ("b.gz", None),
            ("tsv", None),
            ("", None),
        ] {
            assert_eq!(Format::from_path(Path::new(path)), format, "{path}");
        }
    }

    #[test]
    fn names_are_the_same_in_recipes_and_on_the_command_line() {
        for format in [
            Format::Tsv,
            Format::Csv,
            Format::Jsonl,
            Format::Sst,
            Format::Trec,
        ] {
            let name = format.to_string();
            assert_eq!(name.parse(), Ok(format));
            assert_eq!(serde_json::to_value(format).unwrap(), name);
        }
        for encoding in [Encoding::Utf8, Encoding::Latin1] {
            let name = encoding.to_string();
            assert_eq!(name.parse(), Ok(encoding));
            assert_eq!(serde_json::to_value(encoding).unwrap(), name);
        }
        assert_eq!(
            "xml".parse::<Format>().unwrap_err().to_string(),
            "unknown format \"xml\"; expected tsv, csv, jsonl, sst or trec"
        );
    }

    #[test]
    fn a_column_is_a_number_or_a_name() {
        assert_eq!(Column::from("4"), Column::Number(4));
        assert_eq!(Column::from("+4"), Column::Name("+4".into()));
        assert_eq!(Column::from("text"), Column::Name("text".into()));
        assert_eq!(
            serde_json::from_str::<Column>("4").unwrap(),
            Column::Number(4)
        );
        assert_eq!(
            serde_json::from_str::<Column>("\"4\"").unwrap(),
            Column::Name("4".into())
        );
        for wrong in ["0", "-1", "true", "1.5"] {
            let error = serde_json::from_str::<Column>(wrong)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("expected a column's number, from 1, or its name"),
                "{error}"
            );
        }
    }

    #[test]
    fn tree_options_are_read_as_recipes_write_them() {
        let options: SstOptions =
            serde_json::from_str(r#"{"classes": 5, "examples": "phrases"}"#).unwrap();
        assert_eq!(options.classes, SstClasses::Five);
        assert_eq!(options.examples, SstExamples::Phrases);
        let error = serde_json::from_str::<SstOptions>(r#"{"classes": 3}"#).unwrap_err();
        assert!(error.to_string().contains("expected 2 or 5"), "{error}");
    }
}
