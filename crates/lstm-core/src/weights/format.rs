//! Whose names and layouts a file's layers have.

use std::path::Path;

use super::checkpoint::Checkpoint;
use super::error::WeightsError;
use super::recurrent::RecurrentWeights;
use super::{burn_layers, file, keras, native, onnx, pytorch};

/// Whose names, gate orders and layouts the layers of a file have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `torch.nn.LSTM`'s and `torch.nn.GRU`'s: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, … in
    /// `.safetensors`, `.pt` or `.pth`; written as `.safetensors`.
    PyTorch,
    /// Keras': `kernel`, `recurrent_kernel` and `bias` by their variables' paths in `.npz` or `.safetensors`,
    /// and with the feature `hdf5` in `.weights.h5`, `.keras` and `.h5`; read, not written.
    ///
    /// Every layer of a model is one layer here, also where several follow each other. Settings that no
    /// tensor shows are taken for Keras' defaults (a GRU without biases has its reset gate after the
    /// product; both directions' outputs are put side by side), unless the file has the model's
    /// configuration (`.keras`, and `.h5` of a whole model) and that describes the layer: then what no
    /// layer here does is an error. The configuration of a model class of one's own describes none.
    Keras,
    /// burn's own `Lstm`, `Gru`, `BiLstm` and `BiGru`: `input_gate.input_transform.weight`, … in `.bpk` or
    /// `.safetensors`; written as the one that the file is named after.
    Burn,
    /// LSTM and GRU nodes of an ONNX model. What other formats call the beginning of the tensors' names is
    /// here the name of the first layer's node, or any beginning of it that no other stack has. Written as a
    /// model that takes `input` only; [`OnnxInputs`](super::OnnxInputs) adds others.
    Onnx,
    /// This crate's own: `layers.0.input_weight`, … in `.safetensors`, as in a bundle.
    Native,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::PyTorch,
        Self::Keras,
        Self::Onnx,
        Self::Burn,
        Self::Native,
    ];

    /// Opens a file to look for its layers.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is of no known container, cut short, or damaged; a directory.
    pub fn open(self, path: impl AsRef<Path>) -> Result<LayerFile, WeightsError> {
        let path = path.as_ref();
        let reader: Box<dyn ReadLayers> = match self {
            Self::PyTorch => Box::new(pytorch::Layers(Checkpoint::open(path)?)),
            Self::Keras => Box::new(keras::Layers::new(Checkpoint::open(path)?)?),
            Self::Burn => Box::new(burn_layers::Layers(Checkpoint::open(path)?)),
            Self::Onnx => Box::new(onnx::OnnxModel::open(path)?),
            Self::Native => Box::new(native::Layers(Checkpoint::open(path)?)),
        };
        Ok(LayerFile {
            path: path.to_owned(),
            format: self,
            reader,
        })
    }

    /// Writes a layer to a file, whole or not at all; its tensors' names begin with `prefix`.
    ///
    /// # Errors
    ///
    /// A file that cannot be written, sizes that do not fit each other, a layer for which the format has
    /// no place, a format that is only read.
    pub fn write(
        self,
        weights: &RecurrentWeights,
        path: impl AsRef<Path>,
        prefix: &str,
    ) -> Result<(), WeightsError> {
        weights.check()?;
        let path = path.as_ref();
        self.check_extension(path)?;
        let prefix = dotted(prefix);
        let bytes = match self {
            Self::PyTorch => pytorch::to_bytes(weights, &prefix)?,
            Self::Keras => return Err(WeightsError::NotWritten { format: self }),
            Self::Burn => burn_layers::to_bytes(weights, &prefix, path)?,
            Self::Onnx => onnx::to_bytes(weights, &prefix, onnx::OnnxInputs::default())?,
            Self::Native => native::to_bytes(weights, &prefix),
        };
        file::write(path, &bytes)
    }

    /// That a file is not named after another container than it will be: whoever reads it goes by that.
    pub(super) fn check_extension(self, path: &Path) -> Result<(), WeightsError> {
        const KNOWN: [&str; 10] = [
            "bin",
            "bpk",
            "h5",
            "keras",
            "npz",
            "onnx",
            "pkl",
            "pt",
            "pth",
            "safetensors",
        ];
        let written: &[&str] = match self {
            Self::PyTorch | Self::Native => &["safetensors"],
            Self::Onnx => &["onnx"],
            Self::Keras => return Ok(()),
            Self::Burn => &["bpk", "safetensors"],
        };
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some(other) if KNOWN.contains(&other) && !written.contains(&other) => {
                Err(WeightsError::Extension {
                    path: path.to_owned(),
                    format: self,
                    expected: written.join(" or ."),
                })
            }
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::PyTorch => "PyTorch",
            Self::Keras => "Keras",
            Self::Burn => "burn",
            Self::Onnx => "ONNX",
            Self::Native => "this crate",
        })
    }
}

/// A file whose layers have the names and layouts of one [`Format`].
pub struct LayerFile {
    path: std::path::PathBuf,
    format: Format,
    reader: Box<dyn ReadLayers>,
}

/// How a format finds and reads layers.
pub(super) trait ReadLayers {
    /// Where there are layers, sorted.
    fn prefixes(&self) -> Vec<String>;

    /// Which of these places is meant: what separates it from names may be missing at the end.
    fn place(&self, prefix: &str) -> Option<String> {
        let mut found = self.prefixes().into_iter();
        found.find(|found| bare(found) == bare(prefix))
    }

    /// The layer at one of these places.
    fn read(&self, prefix: &str) -> Result<RecurrentWeights, WeightsError>;
}

impl LayerFile {
    /// Where there are layers: what their tensors' names begin with.
    pub fn prefixes(&self) -> Vec<String> {
        self.reader.prefixes()
    }

    /// The weights of the layer whose tensors' names begin with `prefix`; the dot or slash at its end may be
    /// missing.
    ///
    /// # Errors
    ///
    /// No such layer; a tensor that is missing, unknown, misshapen, or not of floating-point numbers.
    pub fn read(&self, prefix: &str) -> Result<RecurrentWeights, WeightsError> {
        let place = self.reader.place(prefix);
        let place = place.ok_or_else(|| WeightsError::NoLayer {
            path: self.path.clone(),
            format: self.format,
            prefix: prefix.to_owned(),
            found: self.prefixes(),
        })?;
        let weights = self.reader.read(&place)?;
        let checked = weights.check();
        checked.map_err(|error| error.in_file(&self.path, &place))?;
        Ok(weights)
    }
}

/// A prefix without what separates it from names.
fn bare(prefix: &str) -> &str {
    prefix.strip_suffix(['.', '/']).unwrap_or(prefix)
}

/// A prefix that ends with a dot, unless it is empty.
pub(super) fn dotted(prefix: &str) -> String {
    if prefix.is_empty() || prefix.ends_with('.') {
        prefix.to_owned()
    } else {
        format!("{prefix}.")
    }
}
