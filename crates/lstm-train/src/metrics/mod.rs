//! How good a model's answers are, by the field's definitions.

pub mod classification;

pub use classification::{Classification, ClassificationScores, ConfusionMatrix, ConfusionTable};
