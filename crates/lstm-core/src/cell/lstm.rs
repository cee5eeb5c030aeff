//! The LSTM: one time step.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Device, Tensor};

use super::{add_bias, cell_sizes, masked};
use crate::draws::WeightDraws;
use crate::gate::{LstmGate, LstmGates};
use crate::initial::{PackedSizes, RecurrentInit};
use crate::state::LstmState;
use crate::weights::{DirectionWeights, PackedWeights};

/// Configuration of an [`LstmCell`].
#[derive(Config, Debug)]
pub struct LstmCellConfig {
    /// Features of the input.
    pub d_input: usize,
    /// Features of the cell state, and of the hidden state where it is not projected.
    pub d_hidden: usize,
    /// Features that the hidden state is projected to (LSTMP, Sak et al. 2014; PyTorch's
    /// `proj_size`): fewer than `d_hidden`.
    pub projection: Option<usize>,
    /// What the cell state is limited to at each step: ± this, which must be above 0. Where
    /// |c_t| is beyond the limit, the gradient is zero; at the limit itself it passes, as in PyTorch's
    /// `clamp`.
    pub cell_clip: Option<f64>,
    /// Whether the gates have biases.
    #[config(default = true)]
    pub bias: bool,
    /// How the weights start.
    #[config(default = "RecurrentInit::Orthogonal")]
    pub init: RecurrentInit,
}

impl LstmCellConfig {
    /// A cell with weights of seed 0.
    ///
    /// # Panics
    ///
    /// If a size is 0, the projection not narrower than `d_hidden`, or the limit of the cell state
    /// not above 0.
    pub fn init(&self, device: &Device) -> LstmCell {
        self.init_with(&mut WeightDraws::new(0, device))
    }

    /// A cell with the next weights of `draws`.
    ///
    /// # Panics
    ///
    /// As [`init`](Self::init).
    pub fn init_with(&self, draws: &mut WeightDraws) -> LstmCell {
        let sizes = PackedSizes {
            d_projection: self.projection,
            ..cell_sizes(LstmGate::COUNT, self.d_input, self.d_hidden, self.bias)
        };
        let forget_gate = Some(LstmGate::Forget as usize);
        LstmCell {
            weights: PackedWeights::draw(&sizes, self.init, forget_gate, draws),
            cell_clip: checked_cell_clip(self.cell_clip),
        }
    }
}

/// A single LSTM cell: one time step of one layer in one direction (Hochreiter and Schmidhuber
/// 1997, with the forget gate of Gers et al. 2000, and the projection of Sak et al. 2014).
#[derive(Module, Debug)]
pub struct LstmCell {
    pub(crate) weights: PackedWeights,
    #[module(skip)]
    pub(crate) cell_clip: Option<f32>,
}

impl LstmCell {
    /// One time step.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, d_input]`
    /// - `state`, and what is returned: `cell` of `[batch, d_hidden]`, and `hidden` of the same, or
    ///   of `[batch, d_projection]` if it is projected
    pub fn forward(&self, x: Tensor<2>, state: LstmState<2>) -> LstmState<2> {
        let weights = self.weights.direction(0);
        let step = LstmStep::new(&weights, self.cell_clip);
        step.forward(step.project(x), state, None)
    }

    /// [`forward`](Self::forward), and what the gates were: each `[batch, d_hidden]`.
    pub fn forward_with_gates(
        &self,
        x: Tensor<2>,
        state: LstmState<2>,
    ) -> (LstmState<2>, LstmGates) {
        let weights = self.weights.direction(0);
        let step = LstmStep::new(&weights, self.cell_clip);
        step.forward_with_gates(step.project(x), state)
    }
}

/// The LSTM's equations, with one direction's weights at hand.
pub(crate) struct LstmStep {
    input_weight: Tensor<2>,
    recurrent_weight: Tensor<2>,
    bias: Option<Tensor<2>>,
    projection_weight: Option<Tensor<2>>,
    cell_clip: Option<f32>,
}

impl LstmStep {
    pub fn new(weights: &DirectionWeights, cell_clip: Option<f32>) -> Self {
        Self {
            input_weight: weights.input_weight.clone(),
            recurrent_weight: weights.recurrent_weight.clone(),
            // Both biases of a gate are only ever added up.
            bias: match (&weights.input_bias, &weights.recurrent_bias) {
                (Some(input), Some(recurrent)) => Some(input.clone() + recurrent.clone()),
                _ => None,
            },
            projection_weight: weights.projection_weight.clone(),
            cell_clip,
        }
    }

    /// W·x_t + b of all gates, for any number of rows: `[rows, d_input]` to `[rows, 4 * d_hidden]`.
    pub fn project(&self, x: Tensor<2>) -> Tensor<2> {
        add_bias(x.matmul(self.input_weight.clone()), &self.bias)
    }

    /// The rest of the step, from the projected input `[batch, 4 * d_hidden]`. The gates read
    /// `recurrent_mask` `[batch, d_recurrent]` ⊙ h_{t-1}.
    pub fn forward(
        &self,
        projected: Tensor<2>,
        state: LstmState<2>,
        recurrent_mask: Option<&Tensor<2>>,
    ) -> LstmState<2> {
        let gates = self.gates(projected, state.hidden, recurrent_mask);
        self.advance(gates, state.cell)
    }

    /// [`forward`](Self::forward) without a mask, and what the gates were.
    ///
    /// A way of its own, so that nothing keeps the gates where nobody looks at them.
    pub fn forward_with_gates(
        &self,
        projected: Tensor<2>,
        state: LstmState<2>,
    ) -> (LstmState<2>, LstmGates) {
        let gates = self.gates(projected, state.hidden, None);
        (self.advance(gates.clone(), state.cell), gates)
    }

    fn gates(
        &self,
        projected: Tensor<2>,
        hidden: Tensor<2>,
        recurrent_mask: Option<&Tensor<2>>,
    ) -> LstmGates {
        // W·[h_{t-1}, x_t] + b of all four gates at once.
        let previous = masked(hidden, recurrent_mask);
        let gates = projected + previous.matmul(self.recurrent_weight.clone());
        // i_t = σ(…), f_t = σ(…), c̃_t = tanh(…), o_t = σ(…)
        LstmGates {
            input: sigmoid(LstmGate::Input.of(&gates)),
            forget: sigmoid(LstmGate::Forget.of(&gates)),
            candidate: tanh(LstmGate::Candidate.of(&gates)),
            output: sigmoid(LstmGate::Output.of(&gates)),
        }
    }

    fn advance(&self, gates: LstmGates, cell: Tensor<2>) -> LstmState<2> {
        // c_t = f_t ⊙ c_{t-1} + i_t ⊙ c̃_t
        let cell = gates.forget * cell + gates.input * gates.candidate;
        // c_t limited to ±limit, before anything reads it
        let cell = match self.cell_clip {
            Some(limit) => limited(cell, limit),
            None => cell,
        };
        // h_t = o_t ⊙ tanh(c_t)
        let hidden = gates.output * tanh(cell.clone());
        // LSTMP: h_t = W_p·(o_t ⊙ tanh(c_t))
        let hidden = match &self.projection_weight {
            Some(weight) => hidden.matmul(weight.clone()),
            None => hidden,
        };
        LstmState { hidden, cell }
    }
}

/// `x` within ±`limit`. The gradient is zero where |x| > limit, and passes elsewhere.
///
/// Compared and filled, because a clamp on a GPU may turn NaN into a limit: a state that is not a
/// number must stay one that training notices.
pub(crate) fn limited(x: Tensor<2>, limit: f32) -> Tensor<2> {
    let above = x.clone().greater_elem(limit);
    let below = x.clone().lower_elem(-limit);
    x.mask_fill(above, limit).mask_fill(below, -limit)
}

/// Asserts that a cell state can be limited to ±`limit`.
pub(crate) fn checked_cell_clip(limit: Option<f64>) -> Option<f32> {
    limit.map(|limit| {
        assert!(
            limit as f32 > 0.0,
            "a cell state is limited to a number above 0, not to {limit}"
        );
        limit as f32
    })
}
