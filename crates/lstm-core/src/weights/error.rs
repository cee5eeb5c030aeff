//! What can be wrong with weights that come from a file, or go to one.

use std::path::{Path, PathBuf};

use super::format::Format;
use crate::Cell;

/// What can be wrong with weights that come from a file, or go to one.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
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
    /// A file is damaged, or not what its beginning says.
    #[error("{path} is not a complete {container}: {message}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        container: &'static str,
        /// What is wrong.
        message: String,
    },
    /// A file is of no kind that is known.
    #[error("{path} holds no weights that can be read: {message}")]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// What it begins with, and what was expected.
        message: String,
    },
    /// A file is of a kind that this build does not read.
    #[error(
        "{path} is a {container}, which only builds with the feature `{feature}` of lstm-core read"
    )]
    Feature {
        /// The file.
        path: PathBuf,
        /// What it is.
        container: &'static str,
        /// What builds that read it have.
        feature: &'static str,
    },
    /// There is no layer where one was looked for.
    #[error(
        "{path} has no LSTM or GRU of {format} at `{prefix}`; {}",
        found_layers(found)
    )]
    NoLayer {
        /// The file.
        path: PathBuf,
        /// Whose names were looked for.
        format: Format,
        /// Where.
        prefix: String,
        /// Where layers were found.
        found: Vec<String>,
    },
    /// A file has no tensor of a name.
    #[error("{path} has no tensor `{tensor}`, only {found:?}")]
    NoTensor {
        /// The file.
        path: PathBuf,
        /// The name.
        tensor: String,
        /// All names.
        found: Vec<String>,
    },
    /// A layer lacks tensors, or has some that are not known.
    #[error(
        "{path}: the layer at `{prefix}` is not complete: missing {missing:?}, unknown {unknown:?}, \
         found {found:?}"
    )]
    Names {
        /// The file.
        path: PathBuf,
        /// Where the layer is.
        prefix: String,
        /// Tensors that the others ask for.
        missing: Vec<String>,
        /// Tensors of the layer that no layer has.
        unknown: Vec<String>,
        /// All tensors of the layer.
        found: Vec<String>,
    },
    /// A tensor has another shape than the others ask for.
    #[error("{path}: tensor `{tensor}` has the shape {found:?}, expected {expected}")]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// What the others ask for.
        expected: String,
    },
    /// A tensor holds another kind of numbers, such as integers in the place of weights.
    #[error("{path}: tensor `{tensor}` is of type {found}, expected {expected}")]
    Element {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// What its elements are.
        found: String,
        /// What they may be.
        expected: &'static str,
    },
    /// A layer does what no layer here does.
    #[error("{path}: the layer at `{prefix}` {what}")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Where the layer is.
        prefix: String,
        /// What it does, and what was expected.
        what: String,
    },
    /// The weights are those of another cell.
    #[error("the weights are those of {found}, expected {expected}")]
    Cell {
        /// Whose weights they are.
        found: Cell,
        /// The cell that they were to be put into.
        expected: Cell,
    },
    /// The sizes of a layer's weights do not fit each other, or the layer.
    #[error("{what} is {found}, expected {expected}")]
    Size {
        /// Which size.
        what: String,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A layer in a file is not what it should be.
    #[error("{path}: the layer at `{prefix}`: {source}")]
    InFile {
        /// The file.
        path: PathBuf,
        /// Where the layer is.
        prefix: String,
        /// What is wrong with it.
        source: Box<WeightsError>,
    },
    /// A file is named after another container than it would be.
    #[error("weights for {format} are not written to {path}, but to a file named .{expected}")]
    Extension {
        /// The file.
        path: PathBuf,
        /// The format.
        format: Format,
        /// How such files are named.
        expected: String,
    },
    /// A format is only read.
    #[error("layers of {format} are read, but not written")]
    NotWritten {
        /// The format.
        format: Format,
    },
    /// A format has no place for a layer.
    #[error("{format} has no {what}")]
    NoPlace {
        /// The format.
        format: Format,
        /// What the layer has.
        what: String,
    },
}

impl WeightsError {
    /// What is wrong with weights, of those that a file has at `prefix`.
    pub(super) fn in_file(self, path: &Path, prefix: &str) -> Self {
        Self::InFile {
            path: path.to_owned(),
            prefix: prefix.to_owned(),
            source: Box::new(self),
        }
    }
}

fn found_layers(found: &[String]) -> String {
    if found.is_empty() {
        "it has none anywhere".to_owned()
    } else {
        let places: Vec<String> = found.iter().map(|prefix| format!("`{prefix}`")).collect();
        format!("it has layers at {}", places.join(", "))
    }
}
