//! Which gates there are, where each lies in the packed weights, and its equation.
//!
//! The weights of all gates of a layer lie side by side in one matrix
//! `[d_input, gates * d_hidden]`, in PyTorch's order, so that importing a PyTorch layer is a
//! rename and a transpose.

use std::ops::Range;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// The gates of an LSTM in packed order (Hochreiter and Schmidhuber 1997; Gers et al. 2000).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LstmGate {
    /// i_t = σ(W_i·[h_{t-1}, x_t] + b_i): how much of the candidate enters the cell.
    Input,
    /// f_t = σ(W_f·[h_{t-1}, x_t] + b_f): how much of the old cell stays.
    Forget,
    /// c̃_t = tanh(W_c·[h_{t-1}, x_t] + b_c): the candidate for the cell.
    Candidate,
    /// o_t = σ(W_o·[h_{t-1}, x_t] + b_o): how much of the cell is shown.
    Output,
}

impl LstmGate {
    /// How many gates there are.
    pub const COUNT: usize = 4;

    /// The columns of this gate in a matrix of `4 * d_hidden` packed columns.
    pub fn columns(self, d_hidden: usize) -> Range<usize> {
        block(self as usize, d_hidden)
    }

    /// This gate's part `[rows, d_hidden]` of `packed` `[rows, 4 * d_hidden]`.
    pub(crate) fn of(self, packed: &Tensor<2>) -> Tensor<2> {
        columns_of(packed, self.columns(packed.dims()[1] / Self::COUNT))
    }
}

/// The gates of a GRU in packed order (Cho et al. 2014).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GruGate {
    /// r_t = σ(W_r·[h_{t-1}, x_t] + b_r): how much of the old state the candidate sees.
    Reset,
    /// z_t = σ(W_z·[h_{t-1}, x_t] + b_z): how much of the old state stays.
    Update,
    /// h̃_t: the candidate for the state; see [`ResetGate`] for its equation.
    Candidate,
}

impl GruGate {
    /// How many gates there are.
    pub const COUNT: usize = 3;

    /// The columns of this gate in a matrix of `3 * d_hidden` packed columns.
    pub fn columns(self, d_hidden: usize) -> Range<usize> {
        block(self as usize, d_hidden)
    }

    /// This gate's part `[rows, d_hidden]` of `packed` `[rows, 3 * d_hidden]`.
    pub(crate) fn of(self, packed: &Tensor<2>) -> Tensor<2> {
        columns_of(packed, self.columns(packed.dims()[1] / Self::COUNT))
    }
}

/// What an LSTM's gates were: at one time step (`D` = 2, `[batch, d_hidden]`) or at all of them (`D` = 3,
/// `[batch, time, d_hidden]`).
#[derive(Debug, Clone)]
pub struct LstmGates<const D: usize = 2> {
    /// i, in (0, 1).
    pub input: Tensor<D>,
    /// f, in (0, 1).
    pub forget: Tensor<D>,
    /// c̃, in (-1, 1).
    pub candidate: Tensor<D>,
    /// o, in (0, 1).
    pub output: Tensor<D>,
}

/// What a GRU's gates were: at one time step (`D` = 2, `[batch, d_hidden]`) or at all of them (`D` = 3,
/// `[batch, time, d_hidden]`).
#[derive(Debug, Clone)]
pub struct GruGates<const D: usize = 2> {
    /// r, in (0, 1).
    pub reset: Tensor<D>,
    /// z, in (0, 1).
    pub update: Tensor<D>,
    /// h̃, in (-1, 1).
    pub candidate: Tensor<D>,
}

/// Where a GRU applies its reset gate: the two published forms of the candidate differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetGate {
    /// h̃_t = tanh(W_h·x_t + b_h + r_t ⊙ (U_h·h_{t-1} + b'_h)): after the product, as in PyTorch,
    /// cuDNN, and Keras' `reset_after=True`. All three recurrent products are then one.
    #[default]
    AfterProduct,
    /// h̃_t = tanh(W_h·x_t + b_h + U_h·(r_t ⊙ h_{t-1}) + b'_h): before it, as in the paper
    /// (Cho et al. 2014) and Keras' `reset_after=False`. Slower: it takes two recurrent products one
    /// after the other at each step, and has no fused body on the CPU and no stream.
    BeforeProduct,
}

fn block(index: usize, d_hidden: usize) -> Range<usize> {
    index * d_hidden..(index + 1) * d_hidden
}

fn columns_of(packed: &Tensor<2>, columns: Range<usize>) -> Tensor<2> {
    let rows = packed.dims()[0];
    packed.clone().slice([0..rows, columns])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_lie_in_pytorchs_order() {
        assert_eq!(LstmGate::Input.columns(3), 0..3);
        assert_eq!(LstmGate::Forget.columns(3), 3..6);
        assert_eq!(LstmGate::Candidate.columns(3), 6..9);
        assert_eq!(LstmGate::Output.columns(3), 9..12);
        assert_eq!(GruGate::Reset.columns(2), 0..2);
        assert_eq!(GruGate::Update.columns(2), 2..4);
        assert_eq!(GruGate::Candidate.columns(2), 4..6);
    }
}
