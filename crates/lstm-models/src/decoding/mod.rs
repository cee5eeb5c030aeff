//! How sequences are written: which of all that a model could write is searched for, by beam search or by
//! sampling. Nothing here knows tensors: a model is what implements [`Decoder`].
//!
//! - [`Beam`]: beam search (Sutskever, Vinyals and Le 2014) with the length and coverage penalties of
//!   Wu et al. 2016 ("Google's neural machine translation system") and the blocked n-grams of Paulus, Xiong and
//!   Socher 2017 ("A deep reinforced model for abstractive summarization"). Of size 1 it is greedy search.
//! - [`Sampler`]: each token is drawn, among the most probable ones only if wanted (top-k: Fan, Lewis and
//!   Dauphin 2018; top-p: Holtzman et al. 2020).
//! - [`Ensemble`]: several models that decide together (Sutskever, Vinyals and Le 2014).
//!
//! All sources of a batch are searched at once, and each as if it were alone: what is found for one does not
//! depend on the others.

mod beam;
mod constraints;
mod coverage;
mod ensemble;
mod length;
mod options;
mod sampler;
mod sampling;
mod search;
#[cfg(test)]
mod tests;
mod top;
mod trellis;

use crate::tokenizer::{PAD, UNKNOWN};

pub use constraints::{Constraints, RelativeLength};
pub use coverage::CoveragePenalty;
pub use ensemble::{Ensemble, EnsembleMean};
pub use length::LengthPenalty;
pub use options::{Beam, Stopping};
pub use sampler::Sampler;
pub use sampling::Sampling;
pub use search::Search;

/// A model that writes: what may follow each of several unfinished sequences, the *rows*.
///
/// It starts with one row for each source of a batch, of which nothing is read yet.
pub trait Decoder {
    /// Reads the next token of each row, and says what may follow it.
    ///
    /// # Shapes
    ///
    /// - `tokens`: `[rows]`; an id at or beyond the model's vocabulary is a copied word of that row's source
    fn step(&mut self, tokens: &[u32]) -> Step;

    /// From now on row `i` is what row `rows[i]` was. Rows may come more than once, and rows may be left out.
    /// It is called between steps, and only if something changes.
    fn select(&mut self, rows: &[usize]);
}

impl<D: Decoder + ?Sized> Decoder for &mut D {
    fn step(&mut self, tokens: &[u32]) -> Step {
        (**self).step(tokens)
    }

    fn select(&mut self, rows: &[usize]) {
        (**self).select(rows);
    }
}

impl<D: Decoder + ?Sized> Decoder for Box<D> {
    fn step(&mut self, tokens: &[u32]) -> Step {
        (**self).step(tokens)
    }

    fn select(&mut self, rows: &[usize]) {
        (**self).select(rows);
    }
}

/// What a decoder says after a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// ln p of each next token, row after row: `[rows, vocab]`; −∞ for one that cannot follow.
    ///
    /// The vocabulary is as large as the model's, and larger by the words that a source lends. It is the same
    /// for all rows. NaN counts as −∞, and what is above 0 (rounding may leave that) counts as 0.
    pub log_probabilities: Vec<f32>,
    /// How much each row attends to each place of its source, `[rows, source_time]`, nothing beyond the
    /// source's length; `None` of a model without attention.
    pub attention: Option<Vec<f32>>,
    /// How much of what each row may write is copied from its source, whatever it writes (1 − p_gen), `[rows]`; `None` of
    /// a model that copies nothing.
    pub copied: Option<Vec<f32>>,
}

impl Step {
    /// How many tokens there are.
    ///
    /// # Panics
    ///
    /// If the sizes do not fit `rows`: then the decoder is wrong.
    fn vocab(&self, rows: usize) -> usize {
        for (what, size) in [
            ("log-probabilities", Some(self.log_probabilities.len())),
            ("attention", self.attention.as_ref().map(Vec::len)),
            ("shares of copies", self.copied.as_ref().map(Vec::len)),
        ] {
            let fits = size.is_none_or(|size| size.is_multiple_of(rows));
            assert!(fits, "a decoder of {rows} rows gave {size:?} {what}");
        }
        self.log_probabilities.len() / rows
    }
}

/// Has a decoder of `before` rows go on with these.
fn select_rows<D: Decoder + ?Sized>(decoder: &mut D, before: usize, rows: &[usize]) {
    let all = rows.len() == before && rows.iter().copied().eq(0..before);
    if !all && !rows.is_empty() {
        decoder.select(rows);
    }
}

/// The tokens that a search treats in a way of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecialTokens {
    /// What every sequence is read after.
    pub start: u32,
    /// What ends a sequence. It may be the same token as `start`.
    pub end: u32,
    /// What is never written. `end` is not affected.
    pub forbidden: Vec<u32>,
}

impl SpecialTokens {
    /// Padding and the start are never written.
    pub fn new(start: u32, end: u32) -> Self {
        Self {
            start,
            end,
            forbidden: vec![PAD, start],
        }
    }

    /// Nor is this token.
    pub fn forbid(mut self, token: u32) -> Self {
        self.forbidden.push(token);
        self
    }

    /// All that is never written under these constraints.
    fn never(&self, constraints: &Constraints) -> Vec<u32> {
        let unknown = constraints.forbid_unknown.then_some(UNKNOWN);
        let forbidden = self.forbidden.iter().copied().chain(unknown);
        forbidden.filter(|token| *token != self.end).collect()
    }
}

/// A sequence that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// Its tokens, without start and end: `[time]`.
    pub tokens: Vec<u32>,
    /// ln p(tokens, end | source), as the decoder has it.
    pub log_probability: f64,
    /// What hypotheses were compared by: `log_probability` under the length and the coverage penalty.
    pub score: f64,
    /// ln p of each token after those before it, `[time]`; that of the end is not among them.
    pub log_probabilities: Vec<f64>,
    /// How much each place of the source was attended to when each token was chosen, `[time][source_length]`;
    /// `None` of a model without attention.
    pub attention: Option<Vec<Vec<f32>>>,
    /// How much was to be copied before it was known which token is chosen (1 − p_gen), `[time]`; `None` of a model that
    /// copies nothing.
    pub copied: Option<Vec<f32>>,
}

/// Why there was no search.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodingError {
    /// An option is not in its range.
    #[error("{key} {message}")]
    Option {
        /// Which.
        key: &'static str,
        /// What it must be, and what was found.
        message: String,
    },
    /// A coverage penalty is asked for of a model without attention.
    #[error("coverage_penalty needs a model with attention, and this one has none")]
    NoAttention,
}

impl From<(&'static str, String)> for DecodingError {
    fn from((key, message): (&'static str, String)) -> Self {
        Self::Option { key, message }
    }
}
