//! From weights on the host to a layer, and back.

use std::path::Path;

use burn::tensor::{Device, Gradients};

use super::error::WeightsError;
use super::file;
use super::format::{Format, dotted};
use super::onnx::{self, OnnxInputs};
use super::parameters::{packed, replaced, unpacked};
use super::recurrent::RecurrentWeights;
use crate::gate::ResetGate;
use crate::recurrent::{Cell, Recurrent};
use crate::{Gru, GruConfig, Lstm, LstmConfig, WeightDraws};

/// From a file and to a file: the same for every kind of layer.
macro_rules! in_and_out {
    ($layer:ident, $kind:literal) => {
        impl $layer {
            #[doc = concat!("The ", $kind, " that PyTorch's names and layouts describe, in a `.safetensors`, `.pt` or")]
            /// `.pth` file: `{prefix}weight_ih_l0` and its siblings. All sizes follow from the tensors;
            /// dropout, which has none, is 0.
            ///
            /// ```no_run
            /// # use burn::tensor::Device;
            #[doc = concat!("# use lstm_core::", stringify!($layer), ";")]
            #[doc = concat!("let layer = ", stringify!($layer), "::from_pytorch(\"model.pt\", \"encoder.rnn.\", &Device::flex())?;")]
            /// layer.to_pytorch("back.safetensors", "encoder.rnn.")?;
            /// # Ok::<(), lstm_core::WeightsError>(())
            /// ```
            ///
            /// # Errors
            ///
            /// A file that cannot be read, is damaged, or has no such layer at `prefix`; a tensor that is
            /// missing, unknown, misshapen, or not of floating-point numbers.
            pub fn from_pytorch(
                path: impl AsRef<Path>,
                prefix: &str,
                device: &Device,
            ) -> Result<Self, WeightsError> {
                Self::from_file(Format::PyTorch, path, prefix, device)
            }

            /// Writes the weights to a safetensors file under PyTorch's names, which
            /// `load_state_dict` accepts; reading it gives the same bits.
            ///
            /// # Errors
            ///
            /// A file that cannot be written or is named after another container; a layer that PyTorch does
            /// not have: a GRU with the reset gate before the product, or a limit of the cell state.
            pub fn to_pytorch(&self, path: impl AsRef<Path>, prefix: &str) -> Result<(), WeightsError> {
                self.unlimited(Format::PyTorch)?;
                Format::PyTorch.write(&self.weights(), path, prefix)
            }

            #[doc = concat!("The ", $kind, " of an ONNX model: the node of that name, with the layers that follow it, or the")]
            /// only one whose name begins like this; `""` where the model has no other. Dropout, which models for
            /// inference have not, is 0.
            ///
            /// ```no_run
            /// # use burn::tensor::Device;
            #[doc = concat!("# use lstm_core::{OnnxInputs, ", stringify!($layer), "};")]
            #[doc = concat!("let layer = ", stringify!($layer), "::from_onnx(\"model.onnx\", \"/rnn/LSTM\", &Device::flex())?;")]
            /// layer.to_onnx("back.onnx", "rnn.", OnnxInputs { lengths: true, initial_state: true })?;
            /// # Ok::<(), lstm_core::WeightsError>(())
            /// ```
            ///
            /// # Errors
            ///
            /// A file that cannot be read, is damaged, or has no such node; a tensor that is missing,
            /// misshapen, not constant, or not of floating-point numbers; a node that does what no layer
            /// here does.
            pub fn from_onnx(
                path: impl AsRef<Path>,
                name: &str,
                device: &Device,
            ) -> Result<Self, WeightsError> {
                Self::from_file(Format::Onnx, path, name, device)
            }

            /// Writes an ONNX model of the layer for inference; nodes' names begin with `prefix`. Reading it
            /// gives the same bits.
            ///
            /// It takes `input` `[batch, time, d_input]` and what `inputs` asks for, and gives `output`
            /// `[batch, time, d_output]`, zero in the padding, `h_n` and, of an LSTM, `c_n`
            /// `[layers * directions, batch, d_hidden]`. Batch and time may be of any size.
            ///
            /// # Errors
            ///
            /// A file that cannot be written or is named after another container; a layer that ONNX does not
            /// have: with a projection or a limit of the cell state.
            pub fn to_onnx(
                &self,
                path: impl AsRef<Path>,
                prefix: &str,
                inputs: OnnxInputs,
            ) -> Result<(), WeightsError> {
                self.unlimited(Format::Onnx)?;
                Format::Onnx.check_extension(path.as_ref())?;
                let weights = self.weights();
                weights.check()?;
                let bytes = onnx::to_bytes(&weights, &dotted(prefix), inputs)?;
                file::write(path.as_ref(), &bytes)
            }

            #[doc = concat!("The ", $kind, " of Keras 3 at `prefix` in an `.npz` or `.safetensors` file, and with the")]
            /// feature `hdf5` in a `.weights.h5`, `.keras` or `.h5` file: the layer's path in the file, such
            /// as `sequential/lstm` or `layers/bidirectional`. All sizes follow from the tensors; dropout,
            /// which has none, is 0. What else is not in them: see [`Format::Keras`].
            ///
            /// ```no_run
            /// # use burn::tensor::Device;
            #[doc = concat!("# use lstm_core::", stringify!($layer), ";")]
            #[doc = concat!("let layer = ", stringify!($layer), "::from_keras(\"model.npz\", \"sequential/encoder\", &Device::flex())?;")]
            /// # Ok::<(), lstm_core::WeightsError>(())
            /// ```
            ///
            /// # Errors
            ///
            /// As [`from_pytorch`](Self::from_pytorch), and a layer whose configuration asks for what no
            /// layer here does.
            pub fn from_keras(
                path: impl AsRef<Path>,
                prefix: &str,
                device: &Device,
            ) -> Result<Self, WeightsError> {
                Self::from_file(Format::Keras, path, prefix, device)
            }

            /// That there is no limit of the cell state, which is no weight: a file of `format` would be
            /// another layer.
            fn unlimited(&self, format: Format) -> Result<(), WeightsError> {
                match self.limit() {
                    None => Ok(()),
                    Some(_) => Err(WeightsError::NoPlace {
                        format,
                        what: "limit of the cell state".to_owned(),
                    }),
                }
            }

            #[doc = concat!("The ", $kind, " at `prefix` in a file of any [`Format`].")]
            ///
            /// # Errors
            ///
            /// As [`from_pytorch`](Self::from_pytorch).
            pub fn from_file(
                format: Format,
                path: impl AsRef<Path>,
                prefix: &str,
                device: &Device,
            ) -> Result<Self, WeightsError> {
                let path = path.as_ref();
                let weights = format.open(path)?.read(prefix)?;
                Self::from_weights(&weights, device).map_err(|error| error.in_file(path, prefix))
            }
        }
    };
}

in_and_out!(Lstm, "LSTM");
in_and_out!(Gru, "GRU");
in_and_out!(Recurrent, "LSTM or GRU");

impl Lstm {
    /// The layer of the given weights, without dropout.
    ///
    /// # Errors
    ///
    /// The weights of another cell, or sizes that do not fit each other.
    pub fn from_weights(weights: &RecurrentWeights, device: &Device) -> Result<Self, WeightsError> {
        weights.check()?;
        lstm_expected(weights.cell)?;
        let config = LstmConfig::new(weights.d_input(), weights.d_hidden())
            .with_projection(weights.d_projection())
            .with_layers(weights.layers.len())
            .with_bidirectional(weights.directions() == 2)
            .with_bias(weights.bias());
        let mut lstm = config.init_with(&mut WeightDraws::placeholders(device));
        lstm.layers = packed(weights, device);
        Ok(lstm)
    }

    /// This layer, with its dropout and limits, with other weights.
    ///
    /// # Errors
    ///
    /// The weights of another cell, or of other sizes than the layer's.
    pub fn with_weights(mut self, weights: &RecurrentWeights) -> Result<Self, WeightsError> {
        weights.check()?;
        lstm_expected(weights.cell)?;
        self.layers = replaced(&self.layers, weights)?;
        Ok(self)
    }

    /// A copy of the weights on the host.
    pub fn weights(&self) -> RecurrentWeights {
        unpacked(Cell::Lstm, &self.layers, None)
    }

    /// The gradients of the weights in `gradients`, each in the place of its weight; zero where there is
    /// none.
    pub fn weight_gradients(&self, gradients: &Gradients) -> RecurrentWeights {
        unpacked(Cell::Lstm, &self.layers, Some(gradients))
    }

    /// What the cell state is limited to, which is no weight.
    fn limit(&self) -> Option<f32> {
        self.cell_clip
    }
}

impl Gru {
    /// The layer of the given weights, without dropout.
    ///
    /// # Errors
    ///
    /// The weights of another cell, or sizes that do not fit each other.
    pub fn from_weights(weights: &RecurrentWeights, device: &Device) -> Result<Self, WeightsError> {
        weights.check()?;
        let config = GruConfig::new(weights.d_input(), weights.d_hidden())
            .with_layers(weights.layers.len())
            .with_bidirectional(weights.directions() == 2)
            .with_bias(weights.bias())
            .with_reset(reset_gate(weights.cell)?);
        let mut gru = config.init_with(&mut WeightDraws::placeholders(device));
        gru.layers = packed(weights, device);
        Ok(gru)
    }

    /// This layer, with its dropout, with other weights.
    ///
    /// # Errors
    ///
    /// The weights of another cell (or with the reset gate elsewhere), or of other sizes than the layer's.
    pub fn with_weights(mut self, weights: &RecurrentWeights) -> Result<Self, WeightsError> {
        weights.check()?;
        if reset_gate(weights.cell)? != self.reset {
            return Err(other_cell(weights.cell, self.cell()));
        }
        self.layers = replaced(&self.layers, weights)?;
        Ok(self)
    }

    /// A copy of the weights on the host.
    pub fn weights(&self) -> RecurrentWeights {
        unpacked(self.cell(), &self.layers, None)
    }

    /// The gradients of the weights in `gradients`, each in the place of its weight; zero where there is
    /// none.
    pub fn weight_gradients(&self, gradients: &Gradients) -> RecurrentWeights {
        unpacked(self.cell(), &self.layers, Some(gradients))
    }

    fn limit(&self) -> Option<f32> {
        None
    }

    fn cell(&self) -> Cell {
        match self.reset {
            ResetGate::AfterProduct => Cell::Gru,
            ResetGate::BeforeProduct => Cell::GruResetBefore,
        }
    }
}

impl Recurrent {
    /// The layer of the given weights, without dropout.
    ///
    /// # Errors
    ///
    /// Sizes that do not fit each other.
    pub fn from_weights(weights: &RecurrentWeights, device: &Device) -> Result<Self, WeightsError> {
        match weights.cell {
            Cell::Lstm => Lstm::from_weights(weights, device).map(Self::Lstm),
            Cell::Gru | Cell::GruResetBefore => Gru::from_weights(weights, device).map(Self::Gru),
        }
    }

    /// This layer, with its dropout, with other weights.
    ///
    /// # Errors
    ///
    /// The weights of another cell, or of other sizes than the layer's.
    pub fn with_weights(self, weights: &RecurrentWeights) -> Result<Self, WeightsError> {
        match self {
            Self::Lstm(lstm) => lstm.with_weights(weights).map(Self::Lstm),
            Self::Gru(gru) => gru.with_weights(weights).map(Self::Gru),
        }
    }

    /// A copy of the weights on the host.
    pub fn weights(&self) -> RecurrentWeights {
        match self {
            Self::Lstm(lstm) => lstm.weights(),
            Self::Gru(gru) => gru.weights(),
        }
    }

    /// The gradients of the weights in `gradients`, each in the place of its weight; zero where there is
    /// none.
    pub fn weight_gradients(&self, gradients: &Gradients) -> RecurrentWeights {
        match self {
            Self::Lstm(lstm) => lstm.weight_gradients(gradients),
            Self::Gru(gru) => gru.weight_gradients(gradients),
        }
    }

    fn limit(&self) -> Option<f32> {
        match self {
            Self::Lstm(lstm) => lstm.limit(),
            Self::Gru(gru) => gru.limit(),
        }
    }
}

fn lstm_expected(cell: Cell) -> Result<(), WeightsError> {
    match cell {
        Cell::Lstm => Ok(()),
        Cell::Gru | Cell::GruResetBefore => Err(other_cell(cell, Cell::Lstm)),
    }
}

fn reset_gate(cell: Cell) -> Result<ResetGate, WeightsError> {
    match cell {
        Cell::Gru => Ok(ResetGate::AfterProduct),
        Cell::GruResetBefore => Ok(ResetGate::BeforeProduct),
        Cell::Lstm => Err(other_cell(cell, Cell::Gru)),
    }
}

fn other_cell(found: Cell, expected: Cell) -> WeightsError {
    WeightsError::Cell { found, expected }
}
