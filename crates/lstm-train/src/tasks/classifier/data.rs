//! The `[data]` section of a classifier's recipe, and the corpora that it names.

use std::path::{Path, PathBuf};

use lstm_core::{Purpose, RandomSource};
use serde::{Deserialize, Serialize};

use crate::corpus::{
    self, Column, Corpus, CorpusOptions, Encoding, Format, Labels, SstClasses, SstExamples,
    SstOptions,
};
use crate::tasks::files::{DataError, DataSource, Located};

/// Which corpora a classifier is trained, validated and tested on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataOptions {
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
    /// The share of the training file that is held out as validation part; 0 for none.
    pub valid_share: f64,
    /// The share of the training file that is held out as test part; 0 for none.
    pub test_share: f64,
    /// Which random examples are held out.
    pub split: u64,
    /// The files' format; by default what their extension says.
    pub format: Option<Format>,
    /// The files' encoding.
    pub encoding: Encoding,
    /// The column number, column name or key of the label.
    pub label: Option<Column>,
    /// The column number, column name or key of the text.
    pub text: Option<Column>,
    /// Of `sst`: how many classes.
    pub classes: SstClasses,
    /// Of `sst`: which parts of the training trees are examples.
    pub examples: SstExamples,
}

impl Default for DataOptions {
    fn default() -> Self {
        Self {
            about: String::new(),
            shipped: String::new(),
            directory: None,
            train: "train.tsv".to_owned(),
            valid: String::new(),
            test: String::new(),
            valid_share: 0.0,
            test_share: 0.0,
            split: 1,
            format: None,
            encoding: Encoding::default(),
            label: None,
            text: None,
            classes: SstClasses::default(),
            examples: SstExamples::default(),
        }
    }
}

/// The parts of a corpus; all have the same labels.
#[derive(Debug, Clone)]
pub struct Corpora {
    /// What is learned from.
    pub train: Corpus,
    /// What decisions during training are made on.
    pub valid: Option<Corpus>,
    /// What the final score is computed on.
    pub test: Option<Corpus>,
}

impl DataOptions {
    /// A set that ships with the program, all three parts.
    pub fn shipped(name: &str) -> Self {
        Self {
            shipped: name.to_owned(),
            valid: "valid.tsv".to_owned(),
            test: "test.tsv".to_owned(),
            ..Self::default()
        }
    }

    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, share) in [
            ("valid_share", self.valid_share),
            ("test_share", self.test_share),
        ] {
            if !(0.0..1.0).contains(&share) {
                return Err((key, format!("must be in [0, 1), not {share}")));
            }
        }
        if self.train.is_empty() {
            return Err(("train", "must name a file".to_owned()));
        }
        for (key, share, file) in [
            ("valid_share", self.valid_share, &self.valid),
            ("test_share", self.test_share, &self.test),
        ] {
            if share > 0.0 && !file.is_empty() {
                let other = key.trim_end_matches("_share");
                let message = format!(
                    "and the file `{file}` exclude each other; set data.{other} to nothing as well"
                );
                return Err((key, message));
            }
        }
        Ok(())
    }

    /// Reads all parts. Of the training file, the test share is held out first, then the
    /// validation share of the rest.
    ///
    /// # Errors
    ///
    /// Missing files, and whatever is wrong with what is in them.
    pub fn load(&self) -> Result<Corpora, DataError> {
        let mut train = self.read(&self.train, Labels::Learn, self.examples)?;
        let labels = train.labels.clone();
        let read_other = |file: &str| -> Result<Option<Corpus>, DataError> {
            if file.is_empty() {
                return Ok(None);
            }
            let labels = Labels::Known(&labels);
            Ok(Some(self.read(file, labels, SstExamples::Sentences)?))
        };
        let mut valid = read_other(&self.valid)?;
        let mut test = read_other(&self.test)?;
        for (share, part, purpose) in [
            (self.test_share, &mut test, "held-out test part"),
            (self.valid_share, &mut valid, "held-out validation part"),
        ] {
            if share > 0.0 {
                let source = RandomSource::new(self.split);
                let order = source.permutation(Purpose::named(purpose), train.len());
                let (rest, held_out) = train.split_off(share, &order)?;
                train = rest;
                *part = Some(held_out);
            }
        }
        Ok(Corpora { train, valid, test })
    }

    fn read(&self, file: &str, labels: Labels, examples: SstExamples) -> Result<Corpus, DataError> {
        let format = match self.format.or_else(|| Format::from_path(Path::new(file))) {
            Some(format) => format,
            None => {
                return Err(DataError::NoFormat {
                    path: file.into(),
                    formats: "tsv, csv, jsonl, sst or trec",
                });
            }
        };
        let options = CorpusOptions {
            format,
            encoding: self.encoding,
            label: self.label.clone(),
            text: self.text.clone(),
            sst: SstOptions {
                classes: self.classes,
                examples,
            },
        };
        Ok(match self.source().locate(file)? {
            Located::Path(path) => corpus::read(&path, &options, labels)?,
            Located::Shipped(contents) => corpus::read_text(file, contents, &options, labels)?,
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
