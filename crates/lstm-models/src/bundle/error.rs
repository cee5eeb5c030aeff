//! What can be wrong with a bundle.

use std::path::PathBuf;

use super::FORMAT_VERSION;
use crate::tokenizer::TokenizerError;

/// What can be wrong with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `config.json` is not what it should be.
    #[error("{path} is not a bundle's configuration: {message}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The bundle is of another format version.
    #[error("{path} has format version {found}, but this program reads version {FORMAT_VERSION}")]
    Version {
        /// The configuration file.
        path: PathBuf,
        /// The version found.
        found: u32,
    },
    /// The bundle is of another task.
    #[error("{path} is a bundle of the task `{found}`, not `{expected}`")]
    Task {
        /// The configuration file.
        path: PathBuf,
        /// The bundle's task.
        found: String,
        /// The task that was asked for.
        expected: &'static str,
    },
    /// The tokenizer is not what it should be.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// `model.safetensors` is damaged.
    #[error("{path} is not a complete safetensors file: {message}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// `model.safetensors` lacks tensors, or has some that the model does not know.
    #[error(
        "{path} does not fit its configuration: missing {missing:?}, unknown {unknown:?} \
         (config.json describes a model of {expected} tensors)"
    )]
    Names {
        /// The file.
        path: PathBuf,
        /// Tensors of the model that the file lacks.
        missing: Vec<String>,
        /// Tensors of the file that the model lacks.
        unknown: Vec<String>,
        /// How many tensors the model has.
        expected: usize,
    },
    /// A tensor has another shape or type than the model's.
    #[error("{path}: tensor `{tensor}` is {found}, expected {expected}")]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// Type and shape in the file.
        found: String,
        /// Type and shape of the model.
        expected: String,
    },
    /// A tensor holds something else than finite numbers.
    #[error("{path}: tensor `{tensor}` holds {value} at place {place}, expected finite numbers")]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// Where the first such value is, in row-major order from 0.
        place: usize,
        /// The value.
        value: f32,
    },
}
