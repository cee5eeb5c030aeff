//! Translations beside reference translations: BLEU, chrF and TER, equal to sacreBLEU's.
//!
//! A metric is a function of sums: each segment gives some numbers (matches and lengths, say), and the
//! score of a corpus is that of their sums. So a bootstrap resample is the sums over other segments,
//! and a million lines are segments that threads share.
//!
//! What is equal to sacreBLEU, and how that was found out, is in `docs/metrics.md`.

mod bleu;
mod chrf;
mod ngrams;
pub(in crate::metrics) mod numpy;
mod real;
mod resampling;
mod statistics;
mod ter;
mod tokenizer;
mod white_space;

use serde::Serialize;

pub use bleu::{Bleu, BleuScore, Orders, Smoothing};
pub use chrf::{Chrf, ChrfScore, ChrfSmoothing, Spaces};
pub use real::Real;
pub use resampling::{Bootstrap, Comparison, Confidence, Randomization};
pub use statistics::{ReferenceCount, References, Statistics};
pub use ter::{AsianSupport, Normalization, Punctuation, Ter, TerScore};
pub use tokenizer::Tokenizer;

/// The version of sacreBLEU that scores are equal to.
pub const SACREBLEU: &str = "2.6.0";

/// The lines of a file as sacreBLEU reads them: between line feeds, without white space at their
/// ends, which a carriage return is too.
pub fn lines(text: &str) -> Vec<&str> {
    text.split_terminator('\n')
        .map(white_space::trim_end)
        .collect()
}

/// Whether capital letters are letters of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Case {
    /// They are.
    #[default]
    Mixed,
    /// All is compared in lower case.
    Lower,
}

impl Case {
    /// As signatures have it.
    fn name(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Lower => "lc",
        }
    }

    fn apply(self, text: &str) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Mixed => text.into(),
            Self::Lower => text.to_lowercase().into(),
        }
    }
}

/// A metric of translations whose score is a function of sums over segments.
pub trait TranslationMetric: Sync {
    /// A score and what it is made of.
    type Score: Score;
    /// What the scores of resamples are computed in.
    type Resampled: Real;

    /// What the score is called: `BLEU`, `chrF2`, `chrF2++`, `TER`.
    fn name(&self) -> String;

    /// Its part of a signature: the options, as `case:mixed|eff:no|tok:13a|smooth:exp`.
    fn options(&self) -> String;

    /// How many numbers a segment gives.
    fn width(&self) -> usize;

    /// The numbers of a segment, `[width]`.
    ///
    /// # Panics
    ///
    /// If there is no reference.
    fn segment(&self, hypothesis: &str, references: &[&str]) -> Vec<f64>;

    /// The score of sums, `[width]`.
    fn score(&self, sums: &[f64], signature: String) -> Self::Score;

    /// The score of a resample's sums, `[width]`.
    fn resampled(&self, sums: &[f32]) -> Self::Resampled;

    /// How a score was computed, so that others can compute the same: sacreBLEU's signature (Post
    /// 2018), with this program's version and that of sacreBLEU whose score it is equal to; with the
    /// random numbers behind an interval or a test.
    fn signature(
        &self,
        references: ReferenceCount,
        bootstrap: Option<Bootstrap>,
        randomization: Option<Randomization>,
    ) -> String {
        let mut parts = vec![format!("nrefs:{references}")];
        parts.extend(bootstrap.map(|Bootstrap { resamples, .. }| format!("bs:{resamples}")));
        parts.extend(randomization.map(|Randomization { trials, .. }| format!("ar:{trials}")));
        let seeds = [bootstrap.map(|it| it.seed), randomization.map(|it| it.seed)];
        let seed = seeds.into_iter().flatten().next();
        parts.extend(seed.map(|seed| format!("seed:{seed}")));
        parts.push(self.options());
        let version = env!("CARGO_PKG_VERSION");
        parts.push(format!("version:lstm-{version}=sacrebleu-{SACREBLEU}"));
        parts.join("|")
    }

    /// The score of gathered statistics.
    fn score_of(&self, statistics: &Statistics) -> Self::Score {
        let signature = self.signature(statistics.references(), None, None);
        self.score(&statistics.sums(), signature)
    }

    /// The score of a corpus: each hypothesis beside its reference or references. No segments score 0.
    ///
    /// ```
    /// use lstm_train::metrics::{Bleu, TranslationMetric};
    ///
    /// let hypotheses = ["The dog bit the man.", "It was not unexpected."];
    /// let references = [
    ///     ["The dog bit the man.", "The dog had bit the man."],
    ///     ["It was not unexpected.", "No one was surprised."],
    /// ];
    /// let score = Bleu::default().corpus(&hypotheses, &references);
    /// assert_eq!(format!("{:.2}", score.score), "100.00");
    /// ```
    ///
    /// # Panics
    ///
    /// If there are more hypotheses or less than segments with references, or a segment has none.
    fn corpus<H: AsRef<str> + Sync, R: References>(
        &self,
        hypotheses: &[H],
        references: &[R],
    ) -> Self::Score
    where
        Self: Sized,
    {
        self.score_of(&Statistics::gather(self, hypotheses, references))
    }

    /// The score of one segment. For BLEU it is meant with [`Orders::Effective`].
    ///
    /// # Panics
    ///
    /// If there is no reference.
    fn sentence<R: References>(&self, hypothesis: &str, references: &R) -> Self::Score {
        let references: Vec<&str> = references.texts().collect();
        let count = ReferenceCount::Fixed(references.len());
        let signature = self.signature(count, None, None);
        self.score(&self.segment(hypothesis, &references), signature)
    }
}

/// A score and what it is made of.
pub trait Score: Serialize {
    /// The score, in percent.
    fn value(&self) -> f64;

    /// How it was computed.
    fn signature(&self) -> &str;

    /// What stands behind the score in sacreBLEU's line; nothing for most metrics.
    fn details(&self) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests;
