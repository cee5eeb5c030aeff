//! The `[data]` section of a language model's recipe, and the texts that it names.

use std::path::PathBuf;

use lstm_models::Unit;
use serde::{Deserialize, Serialize};

use crate::corpus::{self, Encoding};
use crate::tasks::files::{DataError, DataSource, Located};

/// Which texts a language model is trained, validated and tested on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextOptions {
    /// What the data are, in a few words.
    pub about: String,
    /// The name of a set that is part of the program, used where no directory is given.
    pub shipped: String,
    /// The folder of the files; what `--data` sets.
    pub directory: Option<PathBuf>,
    /// The file that is learned from.
    pub train: String,
    /// The file that decisions during training are made on; empty for none.
    pub valid: String,
    /// The file that the final score is computed on; empty for none.
    pub test: String,
    /// The share of the training file, at its end, that is held out as validation part; 0 for none.
    pub valid_share: f64,
    /// The files' encoding.
    pub encoding: Encoding,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self {
            about: String::new(),
            shipped: String::new(),
            directory: None,
            train: "train.txt".to_owned(),
            valid: String::new(),
            test: String::new(),
            valid_share: 0.0,
            encoding: Encoding::default(),
        }
    }
}

/// The parts of a text.
#[derive(Debug, Clone)]
pub struct Texts {
    /// What is learned from.
    pub train: String,
    /// What decisions during training are made on.
    pub valid: Option<String>,
    /// What the final score is computed on.
    pub test: Option<String>,
}

impl TextOptions {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let share = self.valid_share;
        if !(0.0..1.0).contains(&share) {
            return Err(("valid_share", format!("must be in [0, 1), not {share}")));
        }
        if self.train.is_empty() {
            return Err(("train", "must name a file".to_owned()));
        }
        if share > 0.0 && !self.valid.is_empty() {
            let message = format!(
                "and the file `{}` exclude each other; set data.valid to nothing as well",
                self.valid
            );
            return Err(("valid_share", message));
        }
        Ok(())
    }

    /// Reads all parts.
    ///
    /// # Errors
    ///
    /// Missing files, a part without a token, and whatever is wrong with what is in them.
    pub fn load(&self, unit: Unit) -> Result<Texts, DataError> {
        let mut train = self.read(&self.train)?;
        let other = |file: &str| -> Result<Option<String>, DataError> {
            match file {
                "" => Ok(None),
                file => self.read(file).map(Some),
            }
        };
        let mut valid = other(&self.valid)?;
        let test = other(&self.test)?;
        if self.valid_share > 0.0 {
            let end = held_out(&train, self.valid_share, unit);
            valid = Some(train.split_off(end));
        }
        for (file, text) in [
            (&self.train, Some(&train)),
            (&self.valid, valid.as_ref()),
            (&self.test, test.as_ref()),
        ] {
            if text.is_some_and(|text| text.trim().is_empty()) {
                // A part that was held out has the name of the whole.
                let file = if file.is_empty() { &self.train } else { file };
                return Err(DataError::NoToken { file: file.clone() });
            }
        }
        Ok(Texts { train, valid, test })
    }

    fn read(&self, file: &str) -> Result<String, DataError> {
        Ok(match self.source().locate(file)? {
            Located::Path(path) => corpus::read_plain(&path, self.encoding)?,
            Located::Shipped(contents) => contents.to_owned(),
        })
    }

    fn source(&self) -> DataSource<'_> {
        DataSource {
            shipped: &self.shipped,
            directory: self.directory.as_deref(),
            files: vec![&self.train, &self.valid, &self.test],
        }
    }

    /// The files, as a reader needs them.
    pub fn files(&self) -> String {
        self.source().names()
    }
}

/// Where a share of the characters at a text's end begins; of words, at the beginning of a line.
fn held_out(text: &str, share: f64, unit: Unit) -> usize {
    let characters = text.chars().count();
    let kept = (characters as f64 * (1.0 - share)) as usize;
    let place = text.char_indices().nth(kept);
    let place = place.map_or(text.len(), |(place, _)| place);
    match unit {
        Unit::Words => text[..place].rfind('\n').map_or(0, |end| end + 1),
        Unit::Characters | Unit::BytePairs | Unit::Bytes => place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_text_is_held_out() {
        let text = "äbcdefghi\nk lm nop q";
        assert_eq!(&text[held_out(text, 0.1, Unit::Characters)..], " q");
        assert_eq!(&text[held_out(text, 0.1, Unit::Words)..], "k lm nop q");
        assert_eq!(&text[..held_out("one line", 0.5, Unit::Words)], "");
    }
}
