//! One time step, in plain tensor operations: the readable truth that every faster body is tested
//! against.

mod gru;
mod lstm;
#[cfg(test)]
mod tests;

use burn::tensor::Tensor;

use crate::initial::PackedSizes;

pub(crate) use gru::GruStep;
pub use gru::{GruCell, GruCellConfig};
pub use lstm::{LstmCell, LstmCellConfig};
pub(crate) use lstm::{LstmStep, checked_cell_clip, limited};

fn cell_sizes(gates: usize, d_input: usize, d_hidden: usize, bias: bool) -> PackedSizes {
    PackedSizes {
        directions: 1,
        gates,
        d_input,
        d_hidden,
        d_projection: None,
        bias,
    }
}

pub(crate) fn add_bias(x: Tensor<2>, bias: &Option<Tensor<2>>) -> Tensor<2> {
    match bias {
        Some(bias) => x + bias.clone(),
        None => x,
    }
}

/// h_{t-1} as the recurrent products read it: `mask ⊙ hidden`, if there is a mask.
pub(crate) fn masked(hidden: Tensor<2>, mask: Option<&Tensor<2>>) -> Tensor<2> {
    match mask {
        Some(mask) => hidden * mask.clone(),
        None => hidden,
    }
}
