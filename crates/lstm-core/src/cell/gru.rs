//! The GRU: one time step.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Device, Tensor};

use super::{add_bias, cell_sizes, masked};
use crate::draws::WeightDraws;
use crate::gate::{GruGate, GruGates, ResetGate};
use crate::initial::RecurrentInit;
use crate::state::GruState;
use crate::weights::{DirectionWeights, PackedWeights};

/// Configuration of a [`GruCell`].
#[derive(Config, Debug)]
pub struct GruCellConfig {
    /// Features of the input.
    pub d_input: usize,
    /// Features of the state.
    pub d_hidden: usize,
    /// Whether the gates have biases.
    #[config(default = true)]
    pub bias: bool,
    /// Where the reset gate acts.
    #[config(default = "ResetGate::AfterProduct")]
    pub reset: ResetGate,
    /// How the weights start.
    #[config(default = "RecurrentInit::Orthogonal")]
    pub init: RecurrentInit,
}

impl GruCellConfig {
    /// A cell with weights of seed 0.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init(&self, device: &Device) -> GruCell {
        self.init_with(&mut WeightDraws::new(0, device))
    }

    /// A cell with the next weights of `draws`.
    ///
    /// # Panics
    ///
    /// As [`init`](Self::init).
    pub fn init_with(&self, draws: &mut WeightDraws) -> GruCell {
        let sizes = cell_sizes(GruGate::COUNT, self.d_input, self.d_hidden, self.bias);
        GruCell {
            weights: PackedWeights::draw(&sizes, self.init, None, draws),
            reset: self.reset,
        }
    }
}

/// A single GRU cell: one time step of one layer in one direction (Cho et al. 2014).
#[derive(Module, Debug)]
pub struct GruCell {
    pub(crate) weights: PackedWeights,
    #[module(skip)]
    pub(crate) reset: ResetGate,
}

impl GruCell {
    /// One time step.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, d_input]`
    /// - `state`, and what is returned: `hidden` of `[batch, d_hidden]`
    pub fn forward(&self, x: Tensor<2>, state: GruState<2>) -> GruState<2> {
        let weights = self.weights.direction(0);
        let step = GruStep::new(&weights, self.reset);
        step.forward(step.project(x), state, None)
    }

    /// [`forward`](Self::forward), and what the gates were: each `[batch, d_hidden]`.
    pub fn forward_with_gates(&self, x: Tensor<2>, state: GruState<2>) -> (GruState<2>, GruGates) {
        let weights = self.weights.direction(0);
        let step = GruStep::new(&weights, self.reset);
        step.forward_with_gates(step.project(x), state)
    }
}

/// The GRU's equations, with one direction's weights at hand.
pub(crate) struct GruStep {
    input_weight: Tensor<2>,
    input_bias: Option<Tensor<2>>,
    recurrent: GruRecurrent,
}

/// U and b' of a GRU, cut as its reset gate wants them.
enum GruRecurrent {
    /// `[d_hidden, 3 * d_hidden]` and `[1, 3 * d_hidden]`
    AfterProduct(Tensor<2>, Option<Tensor<2>>),
    /// Of r and z: `[d_hidden, 2 * d_hidden]` and `[1, 2 * d_hidden]`; of h̃: `[d_hidden,
    /// d_hidden]` and `[1, d_hidden]`
    BeforeProduct {
        gates: (Tensor<2>, Option<Tensor<2>>),
        candidate: (Tensor<2>, Option<Tensor<2>>),
    },
}

impl GruStep {
    pub fn new(weights: &DirectionWeights, reset: ResetGate) -> Self {
        let weight = weights.recurrent_weight.clone();
        let bias = weights.recurrent_bias.clone();
        let d_hidden = weight.dims()[0];
        let recurrent = match reset {
            ResetGate::AfterProduct => GruRecurrent::AfterProduct(weight, bias),
            ResetGate::BeforeProduct => {
                let candidate = GruGate::Candidate.columns(d_hidden);
                let gates = 0..candidate.start;
                let part = |columns: std::ops::Range<usize>| {
                    (
                        weight.clone().slice([0..d_hidden, columns.clone()]),
                        bias.clone().map(|bias| bias.slice([0..1, columns])),
                    )
                };
                GruRecurrent::BeforeProduct {
                    gates: part(gates),
                    candidate: part(candidate),
                }
            }
        };
        Self {
            input_weight: weights.input_weight.clone(),
            input_bias: weights.input_bias.clone(),
            recurrent,
        }
    }

    /// W·x_t + b of all gates, for any number of rows: `[rows, d_input]` to `[rows, 3 * d_hidden]`.
    pub fn project(&self, x: Tensor<2>) -> Tensor<2> {
        add_bias(x.matmul(self.input_weight.clone()), &self.input_bias)
    }

    /// The rest of the step, from the projected input `[batch, 3 * d_hidden]`.
    ///
    /// The products with U read `recurrent_mask` `[batch, d_hidden]` ⊙ h_{t-1}. What the update gate
    /// keeps is h_{t-1} itself: dropped there, a feature would be forgotten for good, and one scaled
    /// up grow at every step.
    pub fn forward(
        &self,
        projected: Tensor<2>,
        state: GruState<2>,
        recurrent_mask: Option<&Tensor<2>>,
    ) -> GruState<2> {
        let previous = masked(state.hidden.clone(), recurrent_mask);
        let (update, candidate) = self.update_and_candidate(projected, previous, |_| ());
        advance(update, candidate, state.hidden)
    }

    /// [`forward`](Self::forward) without a mask, and what the gates were.
    pub fn forward_with_gates(
        &self,
        projected: Tensor<2>,
        state: GruState<2>,
    ) -> (GruState<2>, GruGates) {
        let mut seen = None;
        let see = |reset: &Tensor<2>| seen = Some(reset.clone());
        let (update, candidate) = self.update_and_candidate(projected, state.hidden.clone(), see);
        let gates = GruGates {
            reset: seen.expect("a step has a reset gate"),
            update: update.clone(),
            candidate: candidate.clone(),
        };
        (advance(update, candidate, state.hidden), gates)
    }

    /// z_t and h̃_t from h_{t-1} as the products read it. `see` is shown r_t, which nothing keeps where
    /// nobody looks at it.
    fn update_and_candidate(
        &self,
        projected: Tensor<2>,
        previous: Tensor<2>,
        see: impl FnOnce(&Tensor<2>),
    ) -> (Tensor<2>, Tensor<2>) {
        match &self.recurrent {
            GruRecurrent::AfterProduct(weight, bias) => {
                let recurrent = add_bias(previous.matmul(weight.clone()), bias);
                let gate = |gate: GruGate| sigmoid(gate.of(&projected) + gate.of(&recurrent));
                let reset = gate(GruGate::Reset);
                see(&reset);
                // h̃_t = tanh(W_h·x_t + b_h + r_t ⊙ (U_h·h_{t-1} + b'_h))
                let candidate = tanh(
                    GruGate::Candidate.of(&projected) + reset * GruGate::Candidate.of(&recurrent),
                );
                (gate(GruGate::Update), candidate)
            }
            GruRecurrent::BeforeProduct { gates, candidate } => {
                let recurrent = add_bias(previous.clone().matmul(gates.0.clone()), &gates.1);
                let d_hidden = previous.dims()[1];
                let gate = |gate: GruGate| {
                    let columns = gate.columns(d_hidden);
                    let rows = 0..recurrent.dims()[0];
                    sigmoid(gate.of(&projected) + recurrent.clone().slice([rows, columns]))
                };
                // h̃_t = tanh(W_h·x_t + b_h + U_h·(r_t ⊙ h_{t-1}) + b'_h)
                let reset = gate(GruGate::Reset);
                see(&reset);
                let recalled = (reset * previous).matmul(candidate.0.clone());
                let recalled = add_bias(recalled, &candidate.1);
                let candidate = tanh(GruGate::Candidate.of(&projected) + recalled);
                (gate(GruGate::Update), candidate)
            }
        }
    }
}

fn advance(update: Tensor<2>, candidate: Tensor<2>, previous: Tensor<2>) -> GruState<2> {
    // h_t = (1 - z_t) ⊙ h̃_t + z_t ⊙ h_{t-1} = h̃_t + z_t ⊙ (h_{t-1} - h̃_t)
    let hidden = candidate.clone() + update * (previous - candidate);
    GruState { hidden }
}
