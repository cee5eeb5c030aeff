//! The `[data]` section of a recipe whose texts come in pairs, and the texts that it names.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::files::{DataError, DataSource, Located};
use crate::corpus::{self, Column, Encoding, Format, PairOptions, ParallelCorpus};
use crate::training::Part;

/// Which pairs of texts a model is trained, validated and tested on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ParallelOptions {
    /// What the data are, in a few words.
    pub about: String,
    /// The name of a set that is part of the program, used where no directory is given.
    pub shipped: String,
    /// The folder of the files; what `--data` sets.
    pub directory: Option<PathBuf>,
    /// What is learned from.
    pub train: PairFiles,
    /// What decisions during training are made on; empty for none.
    pub valid: PairFiles,
    /// What the final score is computed on; empty for none.
    pub test: PairFiles,
    /// The files' encoding.
    pub encoding: Encoding,
    /// The format of files that hold both sides; by default what their extension says.
    pub format: Option<Format>,
    /// In such files, the column number, column name or key of the source.
    pub source: Option<Column>,
    /// In such files, the column number, column name or key of the target.
    pub target: Option<Column>,
}

impl Default for ParallelOptions {
    fn default() -> Self {
        Self {
            about: String::new(),
            shipped: String::new(),
            directory: None,
            train: PairFiles::Both("train.tsv".to_owned()),
            valid: PairFiles::none(),
            test: PairFiles::none(),
            encoding: Encoding::default(),
            format: None,
            source: None,
            target: None,
        }
    }
}

/// Where a part of the texts is; in recipes a name, `"train.tsv"`, or two, `["train.de", "train.en"]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PairFiles {
    /// A file that holds both sides; empty for none.
    Both(String),
    /// The file of the sources and the file of the targets, line by line.
    Sides([String; 2]),
}

impl PairFiles {
    /// No file.
    pub fn none() -> Self {
        Self::Both(String::new())
    }

    /// Whether this is no file.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Both(file) if file.is_empty())
    }

    fn names(&self) -> &[String] {
        match self {
            Self::Both(file) => std::slice::from_ref(file),
            Self::Sides(files) => files,
        }
    }
}

impl<'de> Deserialize<'de> for PairFiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FilesVisitor;

        impl<'de> Visitor<'de> for FilesVisitor {
            type Value = PairFiles;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file's name, or two: [\"SOURCE\", \"TARGET\"]")
            }

            fn visit_str<E: de::Error>(self, file: &str) -> Result<PairFiles, E> {
                Ok(PairFiles::Both(file.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<PairFiles, A::Error> {
                let mut files = Vec::new();
                while let Some(name) = names.next_element::<String>()? {
                    files.push(name);
                }
                let sides = files.try_into().map_err(|files: Vec<String>| {
                    de::Error::invalid_length(files.len(), &self as &dyn de::Expected)
                })?;
                Ok(PairFiles::Sides(sides))
            }
        }

        deserializer.deserialize_any(FilesVisitor)
    }
}

/// The parts of a parallel corpus.
#[derive(Debug, Clone)]
pub struct ParallelTexts {
    /// What is learned from.
    pub train: ParallelCorpus,
    /// What decisions during training are made on.
    pub valid: Option<ParallelCorpus>,
    /// What the final score is computed on.
    pub test: Option<ParallelCorpus>,
}

impl ParallelTexts {
    /// A number that changes with any text.
    pub(super) fn fingerprint(&self) -> u32 {
        let mut crc = flate2::Crc::new();
        for part in [Some(&self.train), self.valid.as_ref(), self.test.as_ref()] {
            for pair in part.map_or(&[][..], |part| &part.pairs) {
                crc.update(pair.source.as_bytes());
                crc.update(b"\t");
                crc.update(pair.target.as_bytes());
                crc.update(b"\n");
            }
            crc.update(b"\0");
        }
        crc.sum()
    }

    /// The parts that are not learned from.
    pub(super) fn held_out(&self) -> HeldOut {
        HeldOut {
            valid: self.valid.clone(),
            test: self.test.clone(),
        }
    }
}

/// The parts of a parallel corpus that are not learned from.
#[derive(Debug, Clone)]
pub(super) struct HeldOut {
    valid: Option<ParallelCorpus>,
    test: Option<ParallelCorpus>,
}

impl HeldOut {
    /// A part, if there is one.
    pub fn part(&self, part: Part) -> Option<&ParallelCorpus> {
        match part {
            Part::Train => None,
            Part::Valid => self.valid.as_ref(),
            Part::Test => self.test.as_ref(),
        }
    }

    /// The part that a trained model is scored on: the test part, or else the validation part.
    pub fn scored(&self) -> Option<Part> {
        [Part::Test, Part::Valid]
            .into_iter()
            .find(|part| self.part(*part).is_some())
    }
}

impl ParallelOptions {
    /// A set that ships with the program, all three parts.
    pub fn shipped(name: &str) -> Self {
        Self {
            shipped: name.to_owned(),
            valid: PairFiles::Both("valid.tsv".to_owned()),
            test: PairFiles::Both("test.tsv".to_owned()),
            ..Self::default()
        }
    }

    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.train.is_none() {
            return Err(("train", "must name a file, or two".to_owned()));
        }
        for (key, part) in self.parts() {
            if let PairFiles::Sides(files) = part
                && files.iter().any(String::is_empty)
            {
                return Err((key, "must name a file on both sides".to_owned()));
            }
        }
        if let Some(format @ (Format::Sst | Format::Trec)) = self.format {
            let message = format!("must be tsv, csv or jsonl, not {format}");
            return Err(("format", message));
        }
        let both =
            |(_, part): (_, &PairFiles)| matches!(part, PairFiles::Both(_)) && !part.is_none();
        if !self.parts().into_iter().any(both) {
            for (key, set) in [
                ("format", self.format.is_some()),
                ("source", self.source.is_some()),
                ("target", self.target.is_some()),
            ] {
                if set {
                    let message = "is for files that hold both sides; here each side has its own";
                    return Err((key, message.to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Reads all parts.
    ///
    /// # Errors
    ///
    /// Missing files, and whatever is wrong with what is in them.
    pub fn load(&self) -> Result<ParallelTexts, DataError> {
        let train = self.read(&self.train)?;
        let other = |files: &PairFiles| match files.is_none() {
            true => Ok(None),
            false => self.read(files).map(Some),
        };
        Ok(ParallelTexts {
            train,
            valid: other(&self.valid)?,
            test: other(&self.test)?,
        })
    }

    fn read(&self, files: &PairFiles) -> Result<ParallelCorpus, DataError> {
        match files {
            PairFiles::Both(file) => self.read_both(file),
            PairFiles::Sides([source, target]) => {
                let files = self.located();
                Ok(match [files.locate(source)?, files.locate(target)?] {
                    [Located::Path(source), Located::Path(target)] => {
                        corpus::read_aligned(&source, &target, self.encoding)?
                    }
                    [Located::Shipped(sources), Located::Shipped(targets)] => {
                        corpus::read_aligned_text([source, target], [sources, targets])?
                    }
                    _ => unreachable!("all files of a recipe are in one place"),
                })
            }
        }
    }

    fn read_both(&self, file: &str) -> Result<ParallelCorpus, DataError> {
        let format = self.format.or_else(|| Format::from_path(Path::new(file)));
        let options = PairOptions {
            format: format.ok_or_else(|| DataError::NoFormat {
                path: file.into(),
                formats: "tsv, csv or jsonl",
            })?,
            encoding: self.encoding,
            source: self.source.clone(),
            target: self.target.clone(),
        };
        Ok(match self.located().locate(file)? {
            Located::Path(path) => corpus::read_pairs(&path, &options)?,
            Located::Shipped(contents) => corpus::read_pairs_text(file, contents, &options)?,
        })
    }

    fn parts(&self) -> [(&'static str, &PairFiles); 3] {
        [
            ("train", &self.train),
            ("valid", &self.valid),
            ("test", &self.test),
        ]
    }

    fn located(&self) -> DataSource<'_> {
        let names = self.parts().into_iter().flat_map(|(_, part)| part.names());
        DataSource {
            shipped: &self.shipped,
            directory: self.directory.as_deref(),
            files: names.map(String::as_str).collect(),
        }
    }

    /// The files, as a reader needs them.
    pub fn files(&self) -> String {
        self.located().names()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn parse(text: &str) -> Result<ParallelOptions, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    /// The texts that a `[data]` section names, in a folder with these files.
    fn load(section: &str, files: &[(&str, &str)]) -> Result<ParallelTexts, String> {
        let directory = TempDir::new().unwrap();
        for (name, contents) in files {
            fs::write(directory.path().join(name), contents).unwrap();
        }
        let options = ParallelOptions {
            directory: Some(directory.path().to_owned()),
            ..parse(section)?
        };
        options
            .check()
            .map_err(|(key, message)| format!("data.{key} {message}"))?;
        options.load().map_err(|error| error.to_string())
    }

    fn sides(corpus: &ParallelCorpus) -> Vec<(&str, &str)> {
        corpus.sources().zip(corpus.targets()).collect()
    }

    #[test]
    fn a_part_is_a_file_with_both_sides_or_a_file_a_side() {
        let texts = load(
            r#"
                train = ["a.de", "a.en"]
                valid = "b.csv"
                test = ""
                target = "en"
            "#,
            &[
                ("a.de", "eins\nzwei\n"),
                ("a.en", "one\ntwo\n"),
                ("b.csv", "en,source\nthree,drei\n"),
            ],
        )
        .unwrap();
        assert_eq!(sides(&texts.train), [("eins", "one"), ("zwei", "two")]);
        assert_eq!(sides(&texts.valid.unwrap()), [("drei", "three")]);
        assert!(texts.test.is_none());
    }

    #[test]
    fn the_shipped_pairs_are_read_whole() {
        let options = ParallelOptions::shipped(datasets::pairs::NAME);
        assert_eq!(options.check(), Ok(()));
        let texts = options.load().unwrap();
        assert_eq!(texts.train.len(), datasets::pairs::TRAIN);
        assert_eq!(texts.valid.unwrap().len(), datasets::pairs::VALID);
        let test = texts.test.unwrap();
        assert_eq!(test.len(), datasets::pairs::TEST);
        for (source, target) in sides(&test) {
            assert_eq!(datasets::pairs::translate(source).as_deref(), Ok(target));
        }
    }

    #[test]
    fn what_is_missing_is_named_with_all_that_is_needed() {
        let section = "train = [\"a.de\", \"a.en\"]\ntest = \"b.tsv\"";
        let error = load(section, &[("a.de", "eins\n")]).unwrap_err();
        assert!(
            error.ends_with(
                "a.en is missing: --data must name the folder that holds a.de, a.en, b.tsv"
            ),
            "{error}"
        );
        let error = parse(section).unwrap().load().unwrap_err().to_string();
        assert!(error.contains("it must hold a.de, a.en, b.tsv."), "{error}");
    }

    #[test]
    fn a_section_that_names_no_pair_of_sides_is_refused() {
        for (section, expected) in [
            (
                "train = [\"a.de\"]",
                "invalid length 1, expected a file's name, or two: [\"SOURCE\", \"TARGET\"]",
            ),
            (
                "valid = [\"a\", \"b\", \"c\"]",
                "invalid length 3, expected a file's name, or two: [\"SOURCE\", \"TARGET\"]",
            ),
            (
                "train = 3",
                "invalid type: integer `3`, expected a file's name, or two: [\"SOURCE\", \"TARGET\"]",
            ),
            ("train = \"\"", "data.train must name a file, or two"),
            (
                "test = [\"a.de\", \"\"]",
                "data.test must name a file on both sides",
            ),
            (
                "format = \"trec\"",
                "data.format must be tsv, csv or jsonl, not trec",
            ),
            (
                "train = [\"a.de\", \"a.en\"]\nsource = 2",
                "data.source is for files that hold both sides; here each side has its own",
            ),
            (
                "train = \"pairs.txt\"",
                "the format of pairs.txt cannot be told from its name: set data.format to tsv, csv \
                 or jsonl",
            ),
        ] {
            let error = load(section, &[]).unwrap_err();
            assert!(error.trim_end().ends_with(expected), "{section}: {error}");
        }
    }

    #[test]
    fn options_are_written_as_they_are_read() {
        for section in [
            "",
            "train = [\"a.de\", \"a.en\"]\nencoding = \"latin-1\"",
            "valid = \"b.jsonl\"\nsource = \"de\"\ntarget = \"en\"\nformat = \"jsonl\"",
        ] {
            let options = parse(section).unwrap();
            let text = toml::to_string_pretty(&options).unwrap();
            assert_eq!(parse(&text).unwrap(), options, "{text}");
        }
    }
}
