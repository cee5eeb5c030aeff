//! The weights of a layer: packed for the sequence operation, and as other programs store them.
//!
//! ```text
//! file ─ checkpoint/ ─> tensors by name ─ a format ─> RecurrentWeights ─> Lstm, Gru, Recurrent
//!        the container                    names, gate   on the host
//!                                         orders, layouts
//! ```
//!
//! The way back is the same in reverse. A container says how bytes become tensors (safetensors,
//! PyTorch's archives, NumPy's, HDF5, burnpack), a format says what the tensors are called and how they
//! lie. Everything that is not `packed.rs` needs the feature `weights`.

mod packed;

#[cfg(feature = "weights")]
mod array;
#[cfg(feature = "weights")]
mod burn_layers;
#[cfg(feature = "weights")]
mod checkpoint;
#[cfg(feature = "weights")]
mod error;
#[cfg(feature = "weights")]
mod file;
#[cfg(feature = "weights")]
mod format;
#[cfg(feature = "weights")]
mod keras;
#[cfg(feature = "weights")]
mod layers;
#[cfg(feature = "weights")]
mod native;
#[cfg(feature = "weights")]
mod onnx;
#[cfg(feature = "weights")]
mod parameters;
#[cfg(feature = "weights")]
mod pytorch;
#[cfg(feature = "weights")]
mod recurrent;
#[cfg(feature = "weights")]
mod stacked;
#[cfg(all(test, feature = "weights"))]
mod tests;

pub(crate) use packed::{DirectionWeights, PackedWeights};

#[cfg(feature = "weights")]
pub use {
    array::{Array, ElementType},
    checkpoint::{Checkpoint, Converted, Entry, write_safetensors},
    error::WeightsError,
    format::{Format, LayerFile},
    onnx::{OnnxDirection, OnnxInputs, OnnxLayer, OnnxLayout, OnnxModel, OnnxOutput},
    recurrent::{DirectionArrays, RecurrentWeights},
};
