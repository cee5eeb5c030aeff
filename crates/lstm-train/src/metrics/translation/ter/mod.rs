//! TER, the translation edit rate (Snover et al. 2006), as sacreBLEU defines it.

mod edit_distance;
mod normalize;
mod shifts;

use serde::Serialize;

use super::ngrams::Interner;
use super::white_space::{trim_end, words};
use super::{Case, Score, TranslationMetric};

/// Whether a text is tokenized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Normalization {
    /// At white space only.
    #[default]
    None,
    /// Punctuation apart, escapes of XML undone, as in Tercom.
    Tercom,
}

/// Whether punctuation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Punctuation {
    /// It does.
    #[default]
    Kept,
    /// It is taken out.
    Removed,
}

/// What normalization and removal of punctuation do with East Asian text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AsianSupport {
    /// Nothing.
    #[default]
    None,
    /// Ideographs become words; full-width punctuation counts as such.
    Characters,
}

/// TER: how many edits make the reference of a hypothesis.
///
/// ```text
/// TER = Σ (insertions + deletions + substitutions + shifts of phrases) / Σ words of the references
/// ```
///
/// (Snover et al. 2006). Of several references the one with the fewest edits counts, and the mean of
/// their lengths. Less is better; a score may be above 100. The default is that of Tercom and sacreBLEU:
/// lower case, no tokenization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ter {
    /// Whether capital letters are letters of their own.
    pub case: Case,
    /// Whether the texts are tokenized.
    pub normalization: Normalization,
    /// Whether punctuation counts.
    pub punctuation: Punctuation,
    /// What is done with East Asian text.
    pub asian: AsianSupport,
}

impl Default for Ter {
    fn default() -> Self {
        Self {
            case: Case::Lower,
            normalization: Normalization::None,
            punctuation: Punctuation::Kept,
            asian: AsianSupport::None,
        }
    }
}

/// A TER score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TerScore {
    /// From 0, without limit.
    pub score: f64,
    /// How it was computed.
    pub signature: String,
    /// All edits.
    pub edits: u64,
    /// Words of the references, the mean of each segment's.
    pub reference_length: f64,
}

impl Score for TerScore {
    fn value(&self) -> f64 {
        self.score
    }

    fn signature(&self) -> &str {
        &self.signature
    }
}

impl TranslationMetric for Ter {
    type Score = TerScore;
    type Resampled = f32;

    fn name(&self) -> String {
        "TER".to_owned()
    }

    fn options(&self) -> String {
        let yes = |is_so| if is_so { "yes" } else { "no" };
        format!(
            "case:{}|tok:tercom|norm:{}|punct:{}|asian:{}",
            self.case.name(),
            yes(self.normalization == Normalization::Tercom),
            yes(self.punctuation == Punctuation::Kept),
            yes(self.asian == AsianSupport::Characters)
        )
    }

    fn width(&self) -> usize {
        2
    }

    fn segment(&self, hypothesis: &str, references: &[&str]) -> Vec<f64> {
        assert!(!references.is_empty(), "a segment without reference");
        let texts = [hypothesis].into_iter().chain(references.iter().copied());
        let texts: Vec<String> = texts
            .map(|text| normalize::normalized(self, trim_end(text)))
            .collect();
        let mut interner = Interner::new();
        let texts = texts.iter().map(|text| interner.numbers(words(text)));
        let texts: Vec<Vec<u32>> = texts.collect();
        let (hypothesis, references) = (&texts[0], &texts[1..]);

        let edits = references
            .iter()
            .map(|reference| shifts::edits(hypothesis, reference));
        let fewest = edits.min().unwrap_or(0);
        let words: usize = references.iter().map(Vec::len).sum();
        vec![f64::from(fewest), words as f64 / references.len() as f64]
    }

    fn score(&self, sums: &[f64], signature: String) -> TerScore {
        TerScore {
            score: rate(sums[0], sums[1]),
            signature,
            edits: sums[0] as u64,
            reference_length: sums[1],
        }
    }

    fn resampled(&self, sums: &[f32]) -> f32 {
        rate(sums[0], sums[1])
    }
}

/// Edits in percent of the references' words. Edits of empty references are 100 %.
fn rate<F: super::Real>(edits: F, words: F) -> F {
    let zero = F::nearest(0.0);
    let rate = if words > zero {
        edits / words
    } else if edits > zero {
        F::nearest(1.0)
    } else {
        zero
    };
    F::nearest(100.0) * rate
}
