//! How good a model's answers are, by the field's definitions.

pub mod classification;
pub mod confusion;
pub mod summary;
pub mod translation;

use std::collections::BTreeMap;

/// Scores by name, such as `accuracy` in 0–1 and `loss` in nats.
pub type Metrics = BTreeMap<String, f64>;

pub use classification::{Classification, ClassificationScores};
pub use confusion::{ConfusionMatrix, ConfusionTable};
pub use summary::{
    Novelty, Rouge, RougeInterval, RougeScore, RougeScores, RougeVariant, SeveralReferences,
    Stemming,
};
pub use translation::{
    Bleu, BleuScore, Case, Chrf, ChrfScore, Ter, TerScore, Tokenizer, TranslationMetric,
};
