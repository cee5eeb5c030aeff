//! LSTM and GRU layers for [`burn`]: stacked, bidirectional, regularised, and ragged by nature.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use lstm_core::{Lengths, LstmConfig};
//!
//! let device = Device::flex();
//! let lstm = LstmConfig::new(8, 16).with_layers(2).with_bidirectional(true).init(&device);
//!
//! // x: [batch, time, d_input] -> output: [batch, time, 2 * d_hidden]
//! let x = Tensor::<3>::ones([4, 10, 8], &device);
//! let (output, state) = lstm.forward(x.clone(), None);
//! assert_eq!(output.dims(), [4, 10, 32]);
//! assert_eq!(state.hidden.dims(), [4, 4, 16]); // [layers * directions, batch, d_hidden]
//!
//! // Sequences of different lengths, in any order; one may be empty.
//! let lengths = Lengths::new([7, 3, 0, 10], 10)?;
//! let (_output, _state) = lstm.forward_ragged(x, &lengths, Some(state));
//! # Ok::<(), lstm_core::LengthsError>(())
//! ```
//!
//! # What is fast
//!
//! On the CPU (feature `flex`) a layer of 32-bit floats is one fused operation, forward and back, with
//! vectors of AVX-512, AVX2 or NEON; the environment variable `LSTM_SIMD` asks for one of `avx512`,
//! `avx2`, `neon` and `portable`. It shares its work with free threads of rayon's
//! pool. All else gives the same numbers by burn's tensor operations, more slowly: other devices, floats of
//! other sizes, and a GRU with [`ResetGate::BeforeProduct`].
//!
//! Where to start reading: `gate.rs` names the gates and says where each lies in the packed
//! weights, `cell/` has the equations of one time step, `sequence/` runs them over whole
//! sequences, and `lstm.rs` and `gru.rs` stack those into layers.

mod cell;
mod draws;
mod dropout;
mod gate;
mod gru;
mod initial;
mod lengths;
mod lstm;
mod random;
mod recurrent;
mod sequence;
mod state;
mod stream;
#[cfg(test)]
mod tests;
mod trace;
mod weights;

pub use cell::{GruCell, GruCellConfig, LstmCell, LstmCellConfig};
pub use draws::WeightDraws;
pub use dropout::{DropoutMask, Mode, dropout, dropout_factors};
pub use gate::{GruGate, GruGates, LstmGate, LstmGates, ResetGate};
pub use gru::{Gru, GruConfig};
pub use initial::RecurrentInit;
pub use lengths::{Lengths, LengthsError};
pub use lstm::{Lstm, LstmConfig};
pub use random::{Purpose, RandomSource, RandomStream};
pub use recurrent::{Cell, Recurrent, RecurrentConfig};
pub use sequence::split_rows;
pub use state::{CarriedState, GruState, LstmState, RecurrentState};
pub use stream::{PreparedLayer, PreparedStream, Stream, StreamState};
pub use trace::{GruTrace, LstmTrace, RecurrentTrace};
#[cfg(feature = "weights")]
pub use weights::{
    Array, Checkpoint, Converted, DirectionArrays, ElementType, Entry, Format, LayerFile,
    OnnxDirection, OnnxInputs, OnnxLayer, OnnxLayout, OnnxModel, OnnxOutput, RecurrentWeights,
    WeightsError, write_safetensors,
};
