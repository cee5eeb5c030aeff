//! The set `pairs`: German sentences and their English translations, each of which has one right answer.
//!
//! A small grammar says both languages at once, so that the translation of every sentence is known, and
//! reads German as well: [`translate`] finds every reading of a sentence, and none of the sentences that ship
//! has two. Words change their places, agree with what stands far away, and names, numbers and dates are
//! copied or rewritten; `datasets/README.md` says how often.
//!
//! ```
//! use datasets::pairs;
//!
//! let english = pairs::translate("um halb acht hat die frau den alten hund gesucht .")?;
//! assert_eq!(english, "at 7:30 the woman looked for the old dog .");
//!
//! let error = pairs::translate("die frau sucht die hund .").unwrap_err();
//! assert!(error.to_string().starts_with("word 5, \"hund\""));
//! # Ok::<(), pairs::PairsError>(())
//! ```

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use crate::random::SplitMix64;
use derivation::Derived;
use names::Names;
pub use phenomena::Phenomenon;

mod adverbial;
mod clause;
mod derivation;
mod names;
mod numbers;
mod phenomena;
mod phrase;
mod predicate;
mod sentence;
mod words;

/// What the set is called.
pub const NAME: &str = "pairs";
/// The seed of the files that ship.
pub const SEED: u64 = 2014;
/// Pairs to train on.
pub const TRAIN: usize = 9_600;
/// Pairs to choose settings by.
pub const VALID: usize = 500;
/// Pairs to report a score on.
pub const TEST: usize = 500;

/// The fewest and the most words and marks of either side.
const WORDS: std::ops::RangeInclusive<usize> = 6..=18;

/// A sentence and its translation, words and marks separated by single spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// German.
    pub source: String,
    /// English.
    pub target: String,
}

/// A line of the files: source, tab, target, line end.
impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\t{}", self.source, self.target)
    }
}

/// The whole set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// [`TRAIN`] pairs.
    pub train: Vec<Pair>,
    /// [`VALID`] pairs.
    pub valid: Vec<Pair>,
    /// [`TEST`] pairs.
    pub test: Vec<Pair>,
}

impl Parts {
    /// The files: name and contents.
    pub fn files(&self) -> [(&'static str, String); 3] {
        let text = |part: &[Pair]| part.iter().map(Pair::to_string).collect::<String>();
        [
            ("train.tsv", text(&self.train)),
            ("valid.tsv", text(&self.valid)),
            ("test.tsv", text(&self.test)),
        ]
    }
}

/// Writes the whole set; equal seeds give equal sets.
///
/// No source stands twice in the set, and no name of the training part in another one.
pub fn generate(seed: u64) -> Parts {
    let mut random = SplitMix64::new(seed);
    let mut seen = HashSet::new();
    let mut part = |size: usize, names: Names| {
        let mut pairs = Vec::with_capacity(size);
        while pairs.len() < size {
            let Derived { source, target, .. } =
                derivation::draw(&mut random, names, sentence::sentence);
            let fits = |text: &str| WORDS.contains(&text.split(' ').count());
            if fits(&source) && fits(&target) && seen.insert(source.clone()) {
                pairs.push(Pair { source, target });
            }
        }
        pairs
    };
    Parts {
        train: part(TRAIN, Names::Training),
        valid: part(VALID, Names::HeldOut),
        test: part(TEST, Names::HeldOut),
    }
}

/// The translation of a German sentence of the grammar.
///
/// # Errors
/// [`PairsError::Unexpected`] at the first word that cannot stand where it stands;
/// [`PairsError::Ambiguous`] if the sentence has readings that are translated differently.
pub fn translate(source: &str) -> Result<String, PairsError> {
    understand(source).map(|derived| derived.target)
}

/// What it takes to translate a German sentence of the grammar.
///
/// # Errors
/// Those of [`translate`].
pub fn phenomena(source: &str) -> Result<BTreeSet<Phenomenon>, PairsError> {
    understand(source).map(|derived| derived.shows)
}

fn understand(source: &str) -> Result<Derived, PairsError> {
    let readings = derivation::read(source, sentence::sentence).map_err(|understood| {
        let word = source.split_whitespace().nth(understood);
        PairsError::Unexpected {
            place: understood + 1,
            word: word.map(str::to_owned),
        }
    })?;
    let targets: BTreeSet<&str> = readings.iter().map(|r| r.target.as_str()).collect();
    match targets.len() {
        1 => Ok(readings.into_iter().next().expect("there is a reading")),
        _ => Err(PairsError::Ambiguous {
            translations: targets.into_iter().map(str::to_owned).collect(),
        }),
    }
}

/// Why a text has no translation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairsError {
    /// The grammar has no sentence that goes on like this.
    Unexpected {
        /// Which word, from 1.
        place: usize,
        /// The word, or `None` for the end.
        word: Option<String>,
    },
    /// The sentence can be understood in several ways.
    Ambiguous {
        /// What it could mean.
        translations: Vec<String>,
    },
}

impl fmt::Display for PairsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PairsError::Unexpected { place, word } => {
                match word {
                    Some(word) => write!(f, "word {place}, {word:?}")?,
                    None => write!(f, "word {place}, the end of the line")?,
                }
                write!(f, ": no sentence of the grammar goes on like this")
            }
            PairsError::Ambiguous { translations } => {
                write!(
                    f,
                    "expected one meaning, found {}",
                    translations.join(" / ")
                )
            }
        }
    }
}

impl std::error::Error for PairsError {}

#[cfg(test)]
mod tests;
