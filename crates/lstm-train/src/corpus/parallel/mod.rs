//! Texts with their translations: two files line by line, or two columns of one file.

mod length_filter;

use std::path::Path;

use super::delimited;
use super::error::CorpusError;
use super::json_lines;
use super::options::{Column, Encoding, Field, Format};
use super::source::{Source, read_file};

pub use length_filter::{Dropped, Filtered, LengthFilter};

/// A text and its translation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// What is translated; it may be empty.
    pub source: String,
    /// What it becomes; it may be empty.
    pub target: String,
}

/// Texts with their translations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParallelCorpus {
    /// The pairs in the order of the file.
    pub pairs: Vec<Pair>,
}

impl ParallelCorpus {
    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are no pairs; never so for a corpus that was read from a file.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The texts that are translated.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = &str> {
        self.pairs.iter().map(|pair| pair.source.as_str())
    }

    /// Their translations.
    pub fn targets(&self) -> impl ExactSizeIterator<Item = &str> {
        self.pairs.iter().map(|pair| pair.target.as_str())
    }
}

/// How a file that holds both sides is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairOptions {
    /// How the file holds its pairs: `tsv`, `csv` or `jsonl`.
    pub format: Format,
    /// How its bytes stand for characters.
    pub encoding: Encoding,
    /// Where the source is: by default column 1 of a TSV, and the column or key `source` otherwise.
    pub source: Option<Column>,
    /// Where the target is: by default column 2 of a TSV, and the column or key `target` otherwise.
    pub target: Option<Column>,
}

impl PairOptions {
    /// The defaults of a format: UTF-8, and source and target where they usually are.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            encoding: Encoding::default(),
            source: None,
            target: None,
        }
    }
}

/// Reads pairs from a file that holds both sides.
///
/// # Errors
///
/// A file that cannot be opened, unpacked or decoded, one without pairs, a format that holds no
/// pairs, and everything in the file that is not as its format says, by file and line.
pub fn read_pairs(path: &Path, options: &PairOptions) -> Result<ParallelCorpus, CorpusError> {
    let contents = read_file(path, options.encoding)?;
    read_pairs_text(&path.display().to_string(), &contents, options)
}

/// Reads pairs that are in memory. Errors call them `name`.
///
/// ```
/// use lstm_train::corpus::{self, Format, PairOptions};
///
/// let texts = "guten tag\tgood day\nbis morgen\tsee you tomorrow\n";
/// let corpus = corpus::read_pairs_text("greetings.tsv", texts, &PairOptions::new(Format::Tsv))?;
/// assert_eq!(corpus.pairs[1].source, "bis morgen");
/// assert!(corpus.targets().eq(["good day", "see you tomorrow"]));
/// # Ok::<(), corpus::CorpusError>(())
/// ```
///
/// # Errors
///
/// Those of [`read_pairs`], but for opening and decoding.
pub fn read_pairs_text(
    name: &str,
    contents: &str,
    options: &PairOptions,
) -> Result<ParallelCorpus, CorpusError> {
    let file = Source::from_text(name, contents);
    let fields = [
        Field::new("source", options.source.as_ref()),
        Field::new("target", options.target.as_ref()),
    ];
    let mut pairs = Vec::new();
    let mut add = |source: &str, target: &str| pairs.push(pair(source, target));
    let add_row = |_line, source: &str, target: &str| {
        add(source, target);
        Ok(())
    };
    match options.format {
        Format::Tsv => delimited::read_tsv(&file, fields, add_row)?,
        Format::Csv => delimited::read_csv(&file, fields, add_row)?,
        Format::Jsonl => json_lines::read_texts(&file, fields, add)?,
        format @ (Format::Sst | Format::Trec) => {
            return Err(CorpusError::NoPairs {
                file: name.to_owned(),
                format,
            });
        }
    }
    match pairs.is_empty() {
        false => Ok(ParallelCorpus { pairs }),
        true => Err(CorpusError::Empty {
            file: name.to_owned(),
            format: options.format,
        }),
    }
}

/// Reads pairs from two files of lines: each line of `target` is the translation of the same line of
/// `source`. A line may be empty.
///
/// # Errors
///
/// Files that cannot be opened, unpacked or decoded, that have no line, or not equally many.
pub fn read_aligned(
    source: &Path,
    target: &Path,
    encoding: Encoding,
) -> Result<ParallelCorpus, CorpusError> {
    let contents = [read_file(source, encoding)?, read_file(target, encoding)?];
    let [source, target] = [source, target].map(|path| path.display().to_string());
    read_aligned_text([&source, &target], [&contents[0], &contents[1]])
}

/// Reads pairs whose two sides are in memory, source and target. Errors call them by their `names`.
///
/// # Errors
///
/// Sides without a line, or of which one has more lines than the other.
pub fn read_aligned_text(
    names: [&str; 2],
    contents: [&str; 2],
) -> Result<ParallelCorpus, CorpusError> {
    let source = Source::from_text(names[0], contents[0]);
    let target = Source::from_text(names[1], contents[1]);
    let [source_file, target_file] = names.map(str::to_owned);
    match (source.all_lines().count(), target.all_lines().count()) {
        (0, 0) => Err(CorpusError::NoLines {
            source_file,
            target_file,
        }),
        (source_lines, target_lines) if source_lines != target_lines => {
            Err(CorpusError::Unaligned {
                source_file,
                source_lines,
                target_file,
                target_lines,
            })
        }
        _ => {
            let lines = source.all_lines().zip(target.all_lines());
            let pairs = lines.map(|(source, target)| pair(source, target)).collect();
            Ok(ParallelCorpus { pairs })
        }
    }
}

fn pair(source: &str, target: &str) -> Pair {
    Pair {
        source: source.to_owned(),
        target: target.to_owned(),
    }
}

#[cfg(test)]
mod tests;
