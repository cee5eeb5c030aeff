//! What can be trained, each from recipes: data, model, report.

pub mod classifier;
mod files;
pub mod language_model;
mod likelihood;
pub mod parallel;
mod profile;
mod provenance;
pub mod summarizer;
mod train;
pub mod translator;
pub mod vocabulary;

pub use files::DataError;
pub use profile::{Profiled, StepProfile, profile};
pub use train::{
    Prepared, StopCause, TrainEnd, TrainRequest, TrainRequestError, TrainingRecipe, resume, train,
};
