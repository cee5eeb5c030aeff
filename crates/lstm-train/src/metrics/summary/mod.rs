//! Summaries beside reference summaries: ROUGE (Lin 2004), equal to google-research's rouge-score.
//!
//! Precision, recall and F1 of a text are computed for each reference, and a corpus has the means over its
//! pairs. What is equal to rouge-score, and how that was found out, is in `docs/metrics.md`.

mod bootstrap;
mod lcs;
mod novelty;
mod porter;
mod tokens;

use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;
use serde::Serialize;

pub use bootstrap::RougeInterval;
pub use novelty::Novelty;
pub use tokens::Stemming;

use super::translation::References;
use lcs::Columns;
use tokens::{Numbers, Tokens};

/// The version of rouge-score that scores are equal to.
pub const ROUGE_SCORE: &str = "0.1.2";

/// What texts have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RougeVariant {
    /// ROUGE-N: n-grams, each as often as both texts have it. 1 to 9 words.
    Ngrams(u8),
    /// ROUGE-L: the longest common subsequence of the whole texts.
    Subsequence,
    /// ROUGE-Lsum: of each sentence of the reference the words that are in its longest common subsequence with
    /// any sentence of the text; sentences stand between line feeds. The ROUGE-L of most papers on summaries.
    SentenceSubsequences,
}

impl RougeVariant {
    /// What is usually reported: `rouge1`, `rouge2`, `rougeL`, `rougeLsum`.
    pub const USUAL: [Self; 4] = [
        Self::Ngrams(1),
        Self::Ngrams(2),
        Self::Subsequence,
        Self::SentenceSubsequences,
    ];
}

impl fmt::Display for RougeVariant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ngrams(order) => write!(formatter, "rouge{order}"),
            Self::Subsequence => formatter.write_str("rougeL"),
            Self::SentenceSubsequences => formatter.write_str("rougeLsum"),
        }
    }
}

impl FromStr for RougeVariant {
    type Err = String;

    /// By rouge-score's names: `rouge1` to `rouge9`, `rougeL`, `rougeLsum`.
    fn from_str(name: &str) -> Result<Self, String> {
        match name.strip_prefix("rouge").map(str::as_bytes) {
            Some(b"L") => Ok(Self::Subsequence),
            Some(b"Lsum") => Ok(Self::SentenceSubsequences),
            Some(&[order @ b'1'..=b'9']) => Ok(Self::Ngrams(order - b'0')),
            _ => Err(format!(
                "`{name}` is none of rouge1 to rouge9, rougeL, rougeLsum"
            )),
        }
    }
}

/// What the score of a text with several references is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SeveralReferences {
    /// That beside the reference with the best F1, for each variant by itself: rouge-score's `score_multi`.
    #[default]
    Best,
    /// The mean over the references.
    Mean,
}

/// A score in 0–1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct RougeScore {
    /// The part of the text that the reference has too.
    pub precision: f64,
    /// The part of the reference that the text has too.
    pub recall: f64,
    /// The harmonic mean of both; in a mean over pairs, the mean of theirs.
    pub f1: f64,
}

impl RougeScore {
    /// Of so many units in common, of the text and of the reference. Without units it is 0.
    fn new(common: usize, text: usize, reference: usize) -> Self {
        let precision = common as f64 / text.max(1) as f64;
        let recall = common as f64 / reference.max(1) as f64;
        // F1 = 2PR / (P + R)
        let f1 = match precision + recall {
            sum if sum > 0.0 => 2.0 * precision * recall / sum,
            _ => 0.0,
        };
        Self {
            precision,
            recall,
            f1,
        }
    }

    fn numbers(self) -> [f64; 3] {
        [self.precision, self.recall, self.f1]
    }

    fn of_numbers([precision, recall, f1]: [f64; 3]) -> Self {
        Self {
            precision,
            recall,
            f1,
        }
    }

    /// The mean of scores; of none it is 0.
    fn mean(scores: impl Iterator<Item = Self>) -> Self {
        let (mut sums, mut count) = ([0.0; 3], 0_usize);
        for score in scores {
            count += 1;
            for (sum, number) in sums.iter_mut().zip(score.numbers()) {
                *sum += number;
            }
        }
        Self::of_numbers(sums.map(|sum| sum / count.max(1) as f64))
    }
}

/// ROUGE: what is compared, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rouge {
    /// What texts have in common, a score each.
    pub variants: Vec<RougeVariant>,
    /// Whether words are compared by their stems.
    pub stemming: Stemming,
    /// What is done with several references.
    pub several: SeveralReferences,
}

impl Default for Rouge {
    fn default() -> Self {
        Self {
            variants: RougeVariant::USUAL.to_vec(),
            stemming: Stemming::default(),
            several: SeveralReferences::default(),
        }
    }
}

impl Rouge {
    /// The scores of one text, one a variant.
    ///
    /// ```
    /// use lstm_train::metrics::Rouge;
    ///
    /// let reference = "The quick brown fox jumps over the lazy dog";
    /// let scores = Rouge::default().score("The quick brown dog jumps on the log.", &reference);
    /// assert_eq!(scores[0].precision, 0.75);
    /// assert_eq!(scores[2].recall, 5.0 / 9.0);
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no reference.
    pub fn score<R: References>(&self, hypothesis: &str, references: &R) -> Vec<RougeScore> {
        let mut numbers = Numbers::default();
        let text = Tokens::new(hypothesis, self.stemming, &mut numbers);
        let references = references
            .texts()
            .map(|reference| Tokens::new(reference, self.stemming, &mut numbers));
        let references: Vec<Tokens> = references.collect();
        assert!(!references.is_empty(), "a text without a reference");
        let beside_all = |&variant| {
            let scores = references
                .iter()
                .map(|reference| score(variant, &text, reference, numbers.count()));
            match self.several {
                SeveralReferences::Best => first_best(scores),
                SeveralReferences::Mean => RougeScore::mean(scores),
            }
        };
        self.variants.iter().map(beside_all).collect()
    }

    /// The scores of all pairs of a corpus, on all threads.
    ///
    /// # Panics
    ///
    /// If there are more hypotheses or less than segments with references, or a segment has none.
    pub fn scores<H: AsRef<str> + Sync, R: References>(
        &self,
        hypotheses: &[H],
        references: &[R],
    ) -> RougeScores {
        let (ours, theirs) = (hypotheses.len(), references.len());
        assert_eq!(ours, theirs, "{ours} texts beside {theirs} with references");
        let pairs = hypotheses.par_iter().zip(references);
        let scores = pairs
            .flat_map_iter(|(hypothesis, references)| self.score(hypothesis.as_ref(), references));
        RougeScores {
            all: scores.collect(),
            pairs: ours,
            variants: self.variants.len(),
        }
    }
}

/// The first of the scores with the best F1.
fn first_best(scores: impl Iterator<Item = RougeScore>) -> RougeScore {
    let better =
        |best: RougeScore, score: RougeScore| if score.f1 > best.f1 { score } else { best };
    scores.reduce(better).unwrap_or_default()
}

/// A text beside one reference; `distinct` is the number of different tokens.
fn score(variant: RougeVariant, text: &Tokens, reference: &Tokens, distinct: usize) -> RougeScore {
    let (ours, theirs) = (text.all(), reference.all());
    match variant {
        RougeVariant::Ngrams(order) => {
            let order = usize::from(order);
            let total = |tokens: &[u32]| (tokens.len() + 1).saturating_sub(order);
            RougeScore::new(
                common_ngrams(ours, theirs, order),
                total(ours),
                total(theirs),
            )
        }
        RougeVariant::Subsequence => {
            let common = Columns::new(ours, distinct).length(theirs);
            RougeScore::new(common, ours.len(), theirs.len())
        }
        RougeVariant::SentenceSubsequences => {
            let common = common_of_sentences(text, reference, distinct);
            RougeScore::new(common, ours.len(), theirs.len())
        }
    }
}

/// How many n-grams two texts have in common, each as often as it is in both.
fn common_ngrams(one: &[u32], other: &[u32], order: usize) -> usize {
    let [one, other] = [one, other].map(|tokens| {
        let mut ngrams: Vec<&[u32]> = tokens.windows(order).collect();
        ngrams.sort_unstable();
        ngrams
    });
    let mut other = other.into_iter().peekable();
    let mut is_in_other = |ngram: &&[u32]| {
        while other.next_if(|other| other < ngram).is_some() {}
        other.next_if_eq(ngram).is_some()
    };
    one.iter().filter(|ngram| is_in_other(ngram)).count()
}

/// The words of the reference that are in the union of each sentence's subsequences (Lin 2004, section 3.2),
/// each at most as often as the text has it: so do ROUGE-1.5.5 and rouge-score, not the paper.
fn common_of_sentences(text: &Tokens, reference: &Tokens, distinct: usize) -> usize {
    let mut is_common = vec![false; reference.all().len()];
    for (_, ours) in text.sentences().filter(|(_, ours)| !ours.is_empty()) {
        let columns = Columns::new(ours, distinct);
        for (start, theirs) in reference.sentences() {
            columns.subsequence(theirs, |place| is_common[start + place] = true);
        }
    }
    let mut left = vec![0_u32; distinct];
    for &token in text.all() {
        left[token as usize] += 1;
    }
    let mut common = 0;
    for (&token, _) in reference.all().iter().zip(is_common).filter(|(_, it)| *it) {
        if let Some(fewer) = left[token as usize].checked_sub(1) {
            left[token as usize] = fewer;
            common += 1;
        }
    }
    common
}

/// The scores of a corpus, pair by pair.
#[derive(Debug, Clone, PartialEq)]
pub struct RougeScores {
    /// `[pairs, variants]`
    all: Vec<RougeScore>,
    pairs: usize,
    variants: usize,
}

impl RougeScores {
    /// The scores of each pair, one a variant.
    pub fn rows(&self) -> impl Iterator<Item = &[RougeScore]> {
        (0..self.pairs).map(|pair| &self.all[pair * self.variants..][..self.variants])
    }

    /// The means over the pairs, one a variant. Without pairs they are 0.
    pub fn means(&self) -> Vec<RougeScore> {
        let mean = |variant| RougeScore::mean(self.rows().map(|row| row[variant]));
        (0..self.variants).map(mean).collect()
    }

    /// The number of pairs.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// The number of scores of a pair.
    pub fn variants(&self) -> usize {
        self.variants
    }

    fn all(&self) -> &[RougeScore] {
        &self.all
    }
}

#[cfg(test)]
mod tests;
