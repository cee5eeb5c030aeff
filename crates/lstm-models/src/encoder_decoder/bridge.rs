//! From the encoder's last states to the decoder's first.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use lstm_core::{Cell, GruState, LstmState, RecurrentState, WeightDraws};

use super::architecture::{Bridge, EncoderDecoderArchitecture};

/// The encoder's last states, of both directions side by side, become the decoder's first.
#[derive(Module, Debug)]
pub(crate) struct BridgeLayer {
    dense: Option<DenseBridge>,
    #[module(skip)]
    kind: Bridge,
}

/// A linear layer for each layer of the decoder.
#[derive(Module, Debug)]
struct DenseBridge {
    hidden: Linear,
    /// Of an LSTM.
    cell: Option<Linear>,
}

#[derive(Module, Debug)]
struct Linear {
    /// `[layers, d_memory, d_decoder]`
    weight: Param<Tensor<3>>,
    /// `[layers, 1, d_decoder]`
    bias: Param<Tensor<3>>,
}

impl Linear {
    fn new(parts: &EncoderDecoderArchitecture, draws: &mut WeightDraws) -> Self {
        let (layers, d_memory, d_decoder) = (parts.layers, parts.d_memory(), parts.d_decoder);
        let bound = (6.0 / (d_memory + d_decoder) as f64).sqrt();
        Self {
            weight: draws.uniform([layers, d_memory, d_decoder], bound),
            bias: draws.parameter([layers, 1, d_decoder], vec![0.0; layers * d_decoder]),
        }
    }

    /// `[layers, batch, d_memory]` to `[layers, batch, d_decoder]`
    fn forward(&self, states: Tensor<3>) -> Tensor<3> {
        states.matmul(self.weight.val()) + self.bias.val()
    }
}

impl BridgeLayer {
    pub fn new(parts: &EncoderDecoderArchitecture, draws: &mut WeightDraws) -> Self {
        let dense = (parts.bridge == Bridge::Dense).then(|| DenseBridge {
            hidden: Linear::new(parts, draws),
            cell: (parts.cell == Cell::Lstm).then(|| Linear::new(parts, draws)),
        });
        Self {
            dense,
            kind: parts.bridge,
        }
    }

    /// The state that a decoder starts from; `None` for zero.
    pub fn forward(&self, encoder: RecurrentState) -> Option<RecurrentState> {
        if self.kind == Bridge::Zero {
            return None;
        }
        let dense = self.dense.as_ref();
        let hidden = |states: Tensor<3>| match dense {
            // h_0 = tanh(W_h [h→; h←] + b_h)
            Some(dense) => dense.hidden.forward(side_by_side(states)).tanh(),
            None => side_by_side(states),
        };
        let cell = |states: Tensor<3>| match dense.and_then(|dense| dense.cell.as_ref()) {
            // c_0 = W_c [c→; c←] + b_c
            Some(cell) => cell.forward(side_by_side(states)),
            None => side_by_side(states),
        };
        Some(match encoder {
            RecurrentState::Lstm(state) => RecurrentState::Lstm(LstmState {
                hidden: hidden(state.hidden),
                cell: cell(state.cell),
            }),
            RecurrentState::Gru(state) => RecurrentState::Gru(GruState {
                hidden: hidden(state.hidden),
            }),
        })
    }
}

/// `[layers * 2, batch, features]`, direction after direction, to `[layers, batch, 2 * features]`.
fn side_by_side(states: Tensor<3>) -> Tensor<3> {
    let [rows, batch, features] = states.dims();
    let layers = rows / 2;
    states
        .reshape([layers, 2, batch, features])
        .swap_dims(1, 2)
        .reshape([layers, batch, 2 * features])
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn directions_of_a_layer_come_side_by_side() {
        // Two layers, two sentences, one feature: 10 * layer + direction, and half for the second sentence.
        let states = vec![10.0, 10.5, 11.0, 11.5, 20.0, 20.5, 21.0, 21.5];
        let states = Tensor::from_data(TensorData::new(states, [4, 2, 1]), &Device::flex());
        let found: Vec<f32> = side_by_side(states).into_data().iter().collect();
        assert_eq!(found, [10.0, 11.0, 10.5, 11.5, 20.0, 21.0, 20.5, 21.5]);
    }
}
