//! Labelled texts, texts with their translations, and the files they come from.
//!
//! | format | one example is | made of |
//! | --- | --- | --- |
//! | [`Format::Tsv`] | a line | columns separated by tabs: label, then text |
//! | [`Format::Csv`] | a row | comma-separated fields under a header |
//! | [`Format::Jsonl`] | a line | a JSON object with a label and a text |
//! | [`Format::Sst`] | a tree, or each phrase of it | brackets: `(3 (2 very) (3 good))` |
//! | [`Format::Trec`] | a line | `LABEL:sublabel text` |
//!
//! Texts with their translations are in two files, line by line ([`read_aligned`]), or in the first three of
//! these formats, a source and a target in place of label and text ([`read_pairs`]).
//!
//! Any of them may be packed with gzip. Everything that can be wrong with a file is a
//! [`CorpusError`] that names the place; a file is read whole or not at all.

mod collector;
mod delimited;
mod error;
mod json_lines;
mod options;
mod parallel;
mod source;
mod sst;
mod trec;

use std::path::Path;

use collector::Collector;
pub use error::{Choices, CorpusError, Place, Shortened};
pub use options::{
    Column, CorpusOptions, Encoding, Format, SstClasses, SstExamples, SstOptions, UnknownName,
};
pub use parallel::{
    Dropped, Filtered, LengthFilter, Pair, PairOptions, ParallelCorpus, read_aligned,
    read_aligned_text, read_pairs, read_pairs_text,
};
pub use source::GZIP_MAGIC;
use source::Source;

/// A text and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The text; it may be empty.
    pub text: String,
    /// The place of its label in [`Corpus::labels`].
    pub label: usize,
    /// Whether the label holds only somewhat: of `sst`, degrees 1 and 3.
    pub weak: bool,
}

/// Labelled texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corpus {
    /// The names of the labels: sorted, or from negative to positive, or as they were given.
    pub labels: Vec<String>,
    /// The examples in the order of the file.
    pub examples: Vec<Example>,
}

/// Which labels a file may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels<'a> {
    /// Whichever it has: for training.
    Learn,
    /// These and no others, in this order: what a model knows already.
    Known(&'a [String]),
}

/// Reads a corpus from a file.
///
/// # Errors
///
/// A file that cannot be opened, unpacked or decoded, one without examples, and everything in it
/// that is not as its format says, by file and line.
pub fn read(path: &Path, options: &CorpusOptions, labels: Labels) -> Result<Corpus, CorpusError> {
    let contents = source::read_file(path, options.encoding)?;
    read_text(&path.display().to_string(), &contents, options, labels)
}

/// Reads a text without labels: its characters, without a byte order mark, every line end a single `\n`.
///
/// # Errors
///
/// A file that cannot be opened, unpacked or decoded.
pub fn read_plain(path: &Path, encoding: Encoding) -> Result<String, CorpusError> {
    let contents = source::read_file(path, encoding)?;
    Ok(Source::from_text(&path.display().to_string(), &contents)
        .contents
        .into_owned())
}

/// The same of bytes that are in memory, such as standard input. Errors call them `name`.
///
/// # Errors
///
/// Bytes that cannot be unpacked or decoded.
pub fn read_plain_bytes(
    name: &str,
    bytes: Vec<u8>,
    encoding: Encoding,
) -> Result<String, CorpusError> {
    let contents = source::read_bytes(name, bytes, encoding)?;
    Ok(Source::from_text(name, &contents).contents.into_owned())
}

/// Reads a corpus that is in memory: data that ships inside the program, for instance. Errors call
/// it `name`.
///
/// ```
/// use lstm_train::corpus::{self, CorpusOptions, Format, Labels};
///
/// let reviews = "negative\tnot good at all\npositive\tnot bad at all\n";
/// let options = CorpusOptions::new(Format::Tsv);
/// let corpus = corpus::read_text("reviews.tsv", reviews, &options, Labels::Learn)?;
/// assert_eq!(corpus.labels, ["negative", "positive"]);
/// assert_eq!(corpus.examples[1].text, "not bad at all");
/// # Ok::<(), corpus::CorpusError>(())
/// ```
///
/// # Errors
///
/// Those of [`read`], but for opening and decoding.
pub fn read_text(
    name: &str,
    contents: &str,
    options: &CorpusOptions,
    labels: Labels,
) -> Result<Corpus, CorpusError> {
    let source = Source::from_text(name, contents);
    let mut collector = match (labels, options.format) {
        (Labels::Known(names), _) => Collector::knowing(&source, names),
        (Labels::Learn, Format::Sst) => {
            Collector::knowing(&source, sst::label_names(options.sst.classes))
        }
        (Labels::Learn, _) => Collector::learning(&source),
    };
    let fields = options.fields();
    let add = |line, label: &str, text: &str| collector.add(line, label, text);
    match options.format {
        Format::Tsv => delimited::read_tsv(&source, fields, add)?,
        Format::Csv => delimited::read_csv(&source, fields, add)?,
        Format::Jsonl => json_lines::read(&source, fields, &mut collector)?,
        Format::Sst => sst::read(&source, options, &mut collector)?,
        Format::Trec => trec::read(&source, options, &mut collector)?,
    }
    collector.finish(options.format)
}

impl Corpus {
    /// The number of examples.
    pub fn len(&self) -> usize {
        self.examples.len()
    }

    /// Whether there are no examples; never so for a corpus that was read from a file.
    pub fn is_empty(&self) -> bool {
        self.examples.is_empty()
    }

    /// The texts alone.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = &str> {
        self.examples.iter().map(|example| example.text.as_str())
    }

    /// How many examples each label has.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.labels.len()];
        for example in &self.examples {
            counts[example.label] += 1;
        }
        counts
    }

    /// Each label's share of the examples; they add up to 1. All the same if there are no examples.
    pub fn prior(&self) -> Vec<f64> {
        if self.is_empty() {
            return vec![1.0 / self.labels.len() as f64; self.labels.len()];
        }
        let share = |count| count as f64 / self.len() as f64;
        self.counts().into_iter().map(share).collect()
    }

    /// Holds out a share of the examples: those that come first in `order`, a permutation of
    /// `0..len`. Returns the rest and the held-out part, each in the order of this corpus; both keep
    /// all labels.
    ///
    /// # Errors
    ///
    /// A share outside (0, 1), or one that leaves either side without examples.
    ///
    /// # Panics
    ///
    /// If `order` is not a permutation of this corpus.
    pub fn split_off(self, share: f64, order: &[usize]) -> Result<(Self, Self), CorpusError> {
        let examples = self.len();
        assert_eq!(
            order.len(),
            examples,
            "the order must name each of {examples} examples once"
        );
        let count = (share * examples as f64).round() as usize;
        // A share that is not a number fails this as well.
        let inside = share > 0.0 && share < 1.0;
        if !inside || count == 0 || count == examples {
            return Err(CorpusError::Split { share, examples });
        }
        let mut held_out = vec![false; examples];
        for &index in &order[..count] {
            held_out[index] = true;
        }
        let found = held_out.iter().filter(|&&out| out).count();
        assert_eq!(found, count, "the order names an example twice");
        let mut sides = (
            Vec::with_capacity(examples - count),
            Vec::with_capacity(count),
        );
        for (example, out) in self.examples.into_iter().zip(held_out) {
            if out { &mut sides.1 } else { &mut sides.0 }.push(example);
        }
        let side = |examples| Self {
            labels: self.labels.clone(),
            examples,
        };
        Ok((side(sides.0), side(sides.1)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn learn(contents: &str) -> Corpus {
        let options = CorpusOptions::new(Format::Tsv);
        read_text("a.tsv", contents, &options, Labels::Learn).unwrap()
    }

    #[test]
    fn an_empty_corpus_is_an_error_in_every_format() {
        for format in [
            Format::Tsv,
            Format::Csv,
            Format::Jsonl,
            Format::Sst,
            Format::Trec,
        ] {
            let options = CorpusOptions::new(format);
            let error = read_text("a.txt", "", &options, Labels::Learn).unwrap_err();
            assert!(
                matches!(error, CorpusError::Empty { .. }),
                "{format}: {error}"
            );
        }
    }

    #[test]
    fn an_empty_line_is_an_error_in_every_format() {
        for (format, contents, line) in [
            (Format::Tsv, "a\tb\n\nc\td\n", 2),
            (Format::Csv, "label,text\na,b\n\nc,d\n", 3),
            (Format::Csv, "label,text\na,b\n\n", 3),
            (Format::Csv, "label,text\r\na,b\r\n\r\nc,d\r\n", 3),
            (Format::Csv, "\nlabel,text\na,b\n", 1),
            (Format::Jsonl, "{\"label\":1,\"text\":\"\"}\n\n", 2),
            (Format::Sst, "(3 yes)\n\n", 2),
            (Format::Trec, "\nA:b c\n", 1),
        ] {
            let options = CorpusOptions::new(format);
            match read_text("a.txt", contents, &options, Labels::Learn).unwrap_err() {
                CorpusError::EmptyLine { place } => assert_eq!(place.line, line, "{contents:?}"),
                other => panic!("{contents:?}: {other}"),
            }
        }
    }

    #[test]
    fn a_line_of_a_million_characters_is_a_line_in_every_format() {
        let long = "é ".repeat(500_000);
        for (format, contents) in [
            (Format::Tsv, format!("a\t{long}\n")),
            (Format::Csv, format!("label,text\na,\"{long}\"\n")),
            (
                Format::Jsonl,
                format!("{{\"label\":\"a\",\"text\":\"{long}\"}}\n"),
            ),
            (Format::Trec, format!("a {long}\n")),
        ] {
            let options = CorpusOptions::new(format);
            let corpus = read_text("a.txt", &contents, &options, Labels::Learn).unwrap();
            assert_eq!(corpus.examples[0].text, long, "{format}");
        }
    }

    #[test]
    fn nul_is_a_character_like_others() {
        let corpus = learn("a\tone\0two\n");
        assert_eq!(corpus.examples[0].text, "one\0two");
    }

    #[test]
    fn a_packed_latin1_file_reads_like_its_text() {
        use std::io::Write;
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("questions.txt.gz");
        let file = std::fs::File::create(&path).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        encoder
            .write_all(b"HUM:ind Who was Andr\xe9 ?\nLOC Where ?\n")
            .unwrap();
        encoder.finish().unwrap();
        let options = CorpusOptions {
            encoding: Encoding::Latin1,
            ..CorpusOptions::new(Format::Trec)
        };
        let corpus = read(&path, &options, Labels::Learn).unwrap();
        assert_eq!(corpus.labels, ["HUM", "LOC"]);
        assert!(corpus.texts().eq(["Who was André ?", "Where ?"]));
    }

    #[test]
    fn a_split_keeps_order_labels_and_every_example() {
        let lines: String = (0..10).map(|n| format!("{}\t{n}\n", n % 2)).collect();
        let order = [7, 2, 4, 9, 0, 1, 3, 5, 6, 8];
        let (rest, held_out) = learn(&lines).split_off(0.3, &order).unwrap();
        assert!(held_out.texts().eq(["2", "4", "7"]));
        assert!(rest.texts().eq(["0", "1", "3", "5", "6", "8", "9"]));
        assert_eq!(rest.labels, ["0", "1"]);
        assert_eq!(held_out.labels, ["0", "1"]);
    }

    #[test]
    fn a_split_that_leaves_a_side_empty_is_an_error() {
        for share in [0.0, 1.0, -0.5, 2.0, f64::NAN, f64::INFINITY, 0.1, 0.9] {
            let error = learn("a\tb\nc\td\n").split_off(share, &[0, 1]).unwrap_err();
            assert!(
                matches!(error, CorpusError::Split { examples: 2, .. }),
                "{share}: {error}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_contents_make_a_reader_panic(
            contents in "[()0-5a,:\"\\\\{}\\[\\]\t\r\n é\u{0}\u{feff}]{0,60}",
            known in any::<bool>(),
        ) {
            let names = ["a".to_owned()];
            let labels = if known { Labels::Known(&names) } else { Labels::Learn };
            for format in [Format::Tsv, Format::Csv, Format::Jsonl, Format::Sst, Format::Trec] {
                for column in [None, Some(Column::Name("a".into())), Some(Column::Number(3))] {
                    let mut options = CorpusOptions::new(format);
                    options.label = column;
                    options.sst.examples = SstExamples::Phrases;
                    match read_text("a.txt", &contents, &options, labels) {
                        Ok(corpus) => prop_assert!(!corpus.is_empty()),
                        Err(error) => prop_assert!(!error.to_string().is_empty()),
                    }
                }
            }
        }

        #[test]
        fn no_bytes_make_a_file_reader_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            packed in any::<bool>(),
        ) {
            let directory = tempfile::TempDir::new().unwrap();
            let path = directory.path().join(if packed { "a.gz" } else { "a" });
            std::fs::write(&path, &bytes).unwrap();
            for encoding in [Encoding::Utf8, Encoding::Latin1] {
                let options = CorpusOptions { encoding, ..CorpusOptions::new(Format::Tsv) };
                let _ = read(&path, &options, Labels::Learn);
            }
        }
    }
}
