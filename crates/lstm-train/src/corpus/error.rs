//! What can be wrong with a corpus, and where.

use std::fmt;
use std::io;

use super::options::{Column, Format};

/// A line of a corpus file; shown as `file:line`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's path, or the name of the embedded data.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A corpus that cannot be read: what is wrong, where, and what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// The file does not exist, or may not be read.
    #[error("{file}: cannot read the file: {reason}")]
    Unreadable {
        /// The path that was given.
        file: String,
        /// What the system says.
        reason: io::Error,
    },

    /// A directory stands where a file was expected.
    #[error("{file}: is a directory; expected a file with examples")]
    Directory {
        /// The path that was given.
        file: String,
    },

    /// A compressed file ends too early.
    #[error("{file}: the .gz file is truncated; only {lines} complete lines could be unpacked")]
    Truncated {
        /// The path that was given.
        file: String,
        /// The number of lines before the end.
        lines: usize,
    },

    /// A file that should be gzip data, but is not or is damaged.
    #[error("{file}: not a sound .gz file, after {lines} complete lines: {reason}")]
    Gzip {
        /// The path that was given.
        file: String,
        /// The number of lines before the damage.
        lines: usize,
        /// What the decompressor says.
        reason: io::Error,
    },

    /// Bytes that are not UTF-8.
    #[error(
        "{place}: byte {byte} of the line (0x{found:02X}) is not valid UTF-8; \
         a file in Latin-1 needs the encoding latin-1 (data.encoding in a recipe)"
    )]
    NotUtf8 {
        /// Where.
        place: Place,
        /// The first wrong byte's place in its line, from 1.
        byte: usize,
        /// That byte.
        found: u8,
    },

    /// The file is encoded as UTF-16, as some spreadsheets save text.
    #[error("{file}: is UTF-16; expected UTF-8, please convert the file")]
    Utf16 {
        /// The path that was given.
        file: String,
    },

    /// There is not a single example.
    #[error("{file}: has no examples; expected {format} data")]
    Empty {
        /// The path that was given.
        file: String,
        /// How the file was read.
        format: Format,
    },

    /// A line without anything in it.
    #[error("{place}: the line is empty; expected one example a line")]
    EmptyLine {
        /// Where.
        place: Place,
    },

    /// An example whose label is nothing.
    #[error("{place}: the label is empty; found {found}")]
    EmptyLabel {
        /// Where.
        place: Place,
        /// The beginning of the line.
        found: Shortened,
    },

    /// A label that the model does not have.
    #[error("{place}: unknown label {label}; expected one of {known}")]
    UnknownLabel {
        /// Where.
        place: Place,
        /// The label that was found.
        label: Shortened,
        /// The labels that are known.
        known: Choices,
    },

    /// A line with fewer columns than are needed.
    #[error(
        "{place}: expected at least {expected} columns separated by tabs, found {found}: {text}"
    )]
    TooFewColumns {
        /// Where.
        place: Place,
        /// The number of columns that are needed.
        expected: usize,
        /// The number of columns of the line.
        found: usize,
        /// The beginning of the line.
        text: Shortened,
    },

    /// A line that is only a label.
    #[error("{place}: expected \"LABEL text\", found {found}")]
    NoText {
        /// Where.
        place: Place,
        /// The beginning of the line.
        found: Shortened,
    },

    /// A CSV row that is not as long as the header.
    #[error("{place}: expected {expected} fields as in the header, found {found}: {text}")]
    RowLength {
        /// Where the row begins.
        place: Place,
        /// The number of fields of the header.
        expected: usize,
        /// The number of fields of the row.
        found: usize,
        /// The beginning of the row.
        text: Shortened,
    },

    /// A quoted CSV field that runs to the end of the file.
    #[error("{place}: a quote (\") that is opened in this row is never closed: {text}")]
    OpenQuote {
        /// Where the row begins.
        place: Place,
        /// The beginning of the row.
        text: Shortened,
    },

    /// A column that the header does not have.
    #[error("{place}: no column {column} for the {role} (data.{role}); the header has {present}")]
    NoSuchColumn {
        /// Where the header is.
        place: Place,
        /// What the column is for: `label`, `text`, `source` or `target`.
        role: &'static str,
        /// The column that was asked for.
        column: Column,
        /// The columns that there are.
        present: Choices,
    },

    /// A setting that does not fit the format.
    #[error("data.{role} = {column}: {reason}")]
    UnfitColumn {
        /// What the column is for: `label`, `text`, `source` or `target`.
        role: &'static str,
        /// The setting.
        column: Column,
        /// Why it does not fit.
        reason: &'static str,
    },

    /// Two things that are said to be in one column, or under one key.
    #[error("data.{role} = {column}: this is the column of the {other}")]
    SameColumn {
        /// What the column is for.
        role: &'static str,
        /// The setting.
        column: Column,
        /// What is in that column already.
        other: &'static str,
    },

    /// A format that has no place for a translation.
    #[error(
        "{file}: {format} data are texts with labels; expected pairs of texts in tsv, csv or jsonl"
    )]
    NoPairs {
        /// The path that was given.
        file: String,
        /// The format that was asked for.
        format: Format,
    },

    /// Two files whose lines should belong together, but one has more than the other.
    #[error(
        "{source_file} has {source_lines} lines and {target_file} has {target_lines}; \
         expected each line of one to be the translation of the same line of the other"
    )]
    Unaligned {
        /// The path of the source texts.
        source_file: String,
        /// Their number.
        source_lines: usize,
        /// The path of the target texts.
        target_file: String,
        /// Their number.
        target_lines: usize,
    },

    /// Two files without a line.
    #[error("{source_file} and {target_file} have no lines; expected one text a line")]
    NoLines {
        /// The path of the source texts.
        source_file: String,
        /// The path of the target texts.
        target_file: String,
    },

    /// A line that is not a JSON object.
    #[error("{place}: column {column}: expected a JSON object ({problem}), found {text}")]
    Json {
        /// Where.
        place: Place,
        /// The column of the line, in bytes from 1.
        column: usize,
        /// What is wrong there.
        problem: String,
        /// The beginning of the line.
        text: Shortened,
    },

    /// A JSON object without one of the two things that make an example.
    #[error("{place}: no key {key:?} for the {role} (data.{role}); the object has {present}")]
    NoSuchKey {
        /// Where.
        place: Place,
        /// What the key is for: `label`, `text`, `source` or `target`.
        role: &'static str,
        /// The key that was asked for.
        key: String,
        /// The keys that there are.
        present: Choices,
    },

    /// A JSON value of the wrong type.
    #[error("{place}: key {key:?}: expected {expected}, found {found}")]
    JsonType {
        /// Where.
        place: Place,
        /// The key.
        key: String,
        /// Which types are right.
        expected: &'static str,
        /// The value that was found.
        found: Shortened,
    },

    /// A line that is not one bracketed tree.
    #[error("{place}: column {column}: {problem}")]
    Tree {
        /// Where.
        place: Place,
        /// The column of the line, in characters from 1.
        column: usize,
        /// What was expected, and what was found.
        problem: String,
    },

    /// A share that is no share, or leaves one side of a split without examples.
    #[error(
        "cannot hold out a share of {share} of {examples} examples; \
         expected a share between 0 and 1 that leaves examples on both sides"
    )]
    Split {
        /// The share that was asked for.
        share: f64,
        /// The number of examples.
        examples: usize,
    },
}

/// The beginning of a text, for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortened(String);

impl Shortened {
    const CHARACTERS: usize = 60;

    pub(super) fn new(text: &str) -> Self {
        match text.char_indices().nth(Self::CHARACTERS) {
            Some((end, _)) => Self(format!("{:?}…", &text[..end])),
            None => Self(format!("{text:?}")),
        }
    }

    /// Without quotes around it, for what has its own.
    pub(super) fn plain(text: &str) -> Self {
        match text.char_indices().nth(Self::CHARACTERS) {
            Some((end, _)) => Self(format!("{}…", &text[..end])),
            None => Self(text.to_owned()),
        }
    }
}

impl fmt::Display for Shortened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What there would have been to choose from, for a message: the first few by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices {
    named: Vec<Shortened>,
    others: usize,
}

impl Choices {
    const NAMED: usize = 20;

    pub(super) fn new<T: AsRef<str>>(all: &[T]) -> Self {
        Self {
            named: all
                .iter()
                .take(Self::NAMED)
                .map(|one| Shortened::new(one.as_ref()))
                .collect(),
            others: all.len().saturating_sub(Self::NAMED),
        }
    }
}

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.named.is_empty() {
            return f.write_str("none");
        }
        for (index, one) in self.named.iter().enumerate() {
            write!(f, "{}{one}", if index == 0 { "" } else { ", " })?;
        }
        match self.others {
            0 => Ok(()),
            others => write!(f, " and {others} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_and_lists_are_shortened_in_messages() {
        assert_eq!(Shortened::new("tab\there").to_string(), r#""tab\there""#);
        assert_eq!(
            Shortened::new(&"é".repeat(61)).to_string(),
            format!("\"{}\"…", "é".repeat(60))
        );
        let numbers: Vec<String> = (0..23).map(|number| number.to_string()).collect();
        let choices = Choices::new(&numbers).to_string();
        assert!(
            choices.starts_with(r#""0", "1", "#) && choices.ends_with(r#""19" and 3 more"#),
            "{choices}"
        );
        assert_eq!(Choices::new::<&str>(&[]).to_string(), "none");
    }
}
