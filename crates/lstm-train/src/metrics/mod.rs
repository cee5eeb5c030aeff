//! How good a model's answers are, by the field's definitions.

pub mod classification;
pub mod confusion;

pub use classification::{Classification, ClassificationScores};
pub use confusion::{ConfusionMatrix, ConfusionTable};
