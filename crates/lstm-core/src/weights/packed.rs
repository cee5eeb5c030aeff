//! The packed weights of one layer.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};

/// The weights of one layer: all gates side by side, both directions one above the other.
///
/// The two biases stay apart, because PyTorch has a gradient for each and a GRU with the reset
/// gate after the product needs both.
#[derive(Module, Debug)]
pub(crate) struct PackedWeights {
    /// `[directions, d_input, gates * d_hidden]`
    pub input_weight: Param<Tensor<3>>,
    /// `[directions, d_recurrent, gates * d_hidden]`, where d_recurrent is d_projection, or d_hidden
    /// without a projection
    pub recurrent_weight: Param<Tensor<3>>,
    /// `[directions, gates * d_hidden]`
    pub input_bias: Option<Param<Tensor<2>>>,
    /// `[directions, gates * d_hidden]`
    pub recurrent_bias: Option<Param<Tensor<2>>>,
    /// `[directions, d_hidden, d_projection]`
    pub projection_weight: Option<Param<Tensor<3>>>,
}

/// The weights of one direction of one layer.
pub(crate) struct DirectionWeights {
    /// `[d_input, gates * d_hidden]`
    pub input_weight: Tensor<2>,
    /// `[d_recurrent, gates * d_hidden]`
    pub recurrent_weight: Tensor<2>,
    /// `[1, gates * d_hidden]`
    pub input_bias: Option<Tensor<2>>,
    /// `[1, gates * d_hidden]`
    pub recurrent_bias: Option<Tensor<2>>,
    /// `[d_hidden, d_projection]`
    pub projection_weight: Option<Tensor<2>>,
}

impl PackedWeights {
    /// The weights of one direction.
    pub fn direction(&self, direction: usize) -> DirectionWeights {
        let bias = |bias: &Option<Param<Tensor<2>>>| {
            bias.as_ref()
                .map(|bias| bias.val().slice([direction..direction + 1]))
        };
        DirectionWeights {
            input_weight: matrix(self.input_weight.val(), direction),
            recurrent_weight: matrix(self.recurrent_weight.val(), direction),
            input_bias: bias(&self.input_bias),
            recurrent_bias: bias(&self.recurrent_bias),
            projection_weight: self
                .projection_weight
                .as_ref()
                .map(|weight| matrix(weight.val(), direction)),
        }
    }

    /// The same weights, but the recurrent ones times `mask`, of their shape: gradients go through the
    /// product to the weights themselves.
    pub fn with_masked_recurrent(&self, mask: TensorData) -> Self {
        let weight = self.recurrent_weight.val();
        let mask = Tensor::from_data(mask, (&weight.device(), weight.dtype()));
        Self {
            recurrent_weight: Param::initialized(self.recurrent_weight.id, weight * mask),
            ..self.clone()
        }
    }

    pub fn directions(&self) -> usize {
        self.input_weight.shape()[0]
    }

    pub fn d_input(&self) -> usize {
        self.input_weight.shape()[1]
    }

    /// Features of the cell state of one direction, and of the hidden state where it is not
    /// projected.
    pub fn d_hidden(&self) -> usize {
        match &self.projection_weight {
            Some(weight) => weight.shape()[1],
            None => self.d_recurrent(),
        }
    }

    /// Features of the projected hidden state of one direction, if it is projected.
    pub fn d_projection(&self) -> Option<usize> {
        self.projection_weight
            .as_ref()
            .map(|weight| weight.shape()[2])
    }

    /// Features of the hidden state of one direction, and of its output.
    pub fn d_recurrent(&self) -> usize {
        self.recurrent_weight.shape()[1]
    }
}

fn matrix(stacked: Tensor<3>, index: usize) -> Tensor<2> {
    let [_, rows, columns] = stacked.dims();
    stacked.slice([index..index + 1]).reshape([rows, columns])
}
