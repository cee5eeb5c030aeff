//! How a symbol can go on, written in per cent.

use super::rules::Symbol;

/// The whole of a symbol's weights: a choice of weight w has the probability w / `ONE`.
pub const ONE: u32 = 1_000_000;
const PER_CENT: u32 = ONE / 100;

/// One way to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The word.
    pub word: &'static str,
    /// How likely, of [`ONE`].
    pub weight: u32,
    /// What it calls for, in the order of the text.
    pub then: Vec<Symbol>,
}

/// Every way to go on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choices {
    /// The weight of becoming nothing, of [`ONE`].
    pub skip: u32,
    /// The words.
    pub words: Vec<Choice>,
}

/// How likely each word of a list is, in tenths.
fn shares(words: usize) -> &'static [u32] {
    match words {
        1 => &[10],
        2 => &[6, 4],
        3 => &[5, 3, 2],
        _ => unreachable!("no list of the grammar has {words} words"),
    }
}

impl Choices {
    /// Becomes nothing in `percent` of all cases.
    pub fn skip(mut self, percent: u32) -> Self {
        self.skip += percent * PER_CENT;
        self
    }

    /// One of these words in `percent` of all cases; all call for the same.
    pub fn words(mut self, percent: u32, words: &[&'static str], then: &[Symbol]) -> Self {
        for (&word, &share) in words.iter().zip(shares(words.len())) {
            self.words.push(Choice {
                word,
                weight: percent * PER_CENT / 10 * share,
                then: then.to_vec(),
            });
        }
        self
    }

    /// This word in `percent` of all cases.
    pub fn word(self, percent: u32, word: &'static str, then: &[Symbol]) -> Self {
        self.words(percent, &[word], then)
    }

    /// What `other` would do, in `percent` of all cases, and `then` after it.
    pub fn mix(mut self, percent: u32, other: Choices, then: &[Symbol]) -> Self {
        assert_eq!(other.skip, 0, "only choices of words can be mixed");
        for mut choice in other.words {
            choice.weight = choice.weight / 100 * percent;
            choice.then.extend(then);
            self.words.push(choice);
        }
        self
    }
}
