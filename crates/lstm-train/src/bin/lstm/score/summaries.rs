//! Texts that may have several lines: lines of a file, or JSON lines.

use std::path::{Path, PathBuf};

use super::segments::Text;
use crate::Failure;
use crate::json_lines;

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
        let is_json = json_lines::is_named(&text.name);
        let lines = text.lines().into_iter().enumerate();
        let texts = lines.map(|(index, line)| -> Result<String, Failure> {
            let text_of_line = match is_json {
                true => json_lines::text(line, key.as_deref(), "FILE.jsonl:KEY")
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
        Some((file, key)) if json_lines::is_named(file) => (file.into(), Some(key.to_owned())),
        _ => (path.to_owned(), None),
    }
}
