//! The GRU's derivative, in both forms.

use std::ops::Range;

use burn::tensor::Tensor;
use burn::tensor::activation::{sigmoid, tanh};

use super::{CellGradient, Given, StepGradients, rows_of, sigmoid_slope, tanh_slope};
use crate::cell::{add_bias, masked};
use crate::gate::GruGate;
use crate::weights::DirectionWeights;

/// A GRU with the reset gate after the product over a stretch of packed steps, ready to go back. All
/// but the weights are `[rows, …]`.
pub(super) struct ResetAfterGradient {
    /// What the recurrent product read: the masked h_{t-1}.
    read: Tensor<2>,
    mask: Option<Tensor<2>>,
    /// Uᵀ
    recurrent_weight: Tensor<2>,
    /// What ∂h_t is multiplied by to be the gradient of each of U's columns.
    slopes: Tensor<2>,
    /// What ∂h_t is multiplied by on its way into h̃_t's tanh.
    candidate_slope: Tensor<2>,
    /// z_t: what ∂h_t is multiplied by on its straight way to h_{t-1}.
    update: Tensor<2>,
}

impl ResetAfterGradient {
    pub fn new(weights: &DirectionWeights, given: Given) -> Self {
        let kept = given.hidden;
        let read = masked(kept.clone(), given.mask.as_ref());
        let recurrent = read.clone().matmul(weights.recurrent_weight.clone());
        let recurrent = add_bias(recurrent, &weights.recurrent_bias);
        let gate = |gate: GruGate| sigmoid(gate.of(&given.projected) + gate.of(&recurrent));
        let (reset, update) = (gate(GruGate::Reset), gate(GruGate::Update));
        // h̃_t = tanh(W_h·x_t + b_h + r_t ⊙ (U_h·h_{t-1} + b'_h))
        let recalled = GruGate::Candidate.of(&recurrent);
        let candidate =
            tanh(GruGate::Candidate.of(&given.projected) + reset.clone() * recalled.clone());
        let candidate_slope = candidate_slope(&candidate, &update);
        let slopes = vec![
            recalled * sigmoid_slope(&reset) * candidate_slope.clone(),
            update_slope(kept, candidate, &update),
            reset * candidate_slope.clone(),
        ];
        Self {
            read,
            mask: given.mask,
            recurrent_weight: weights.recurrent_weight.clone().transpose(),
            slopes: Tensor::cat(slopes, 1),
            candidate_slope,
            update,
        }
    }
}

impl CellGradient for ResetAfterGradient {
    fn step(&self, rows: Range<usize>, after: Vec<Tensor<2>>) -> (Tensor<2>, Vec<Tensor<2>>) {
        let d_hidden = only(after);
        let d_gates = vec![d_hidden.clone(), d_hidden.clone(), d_hidden.clone()];
        let d_gates = Tensor::cat(d_gates, 1) * rows_of(&self.slopes, &rows);
        // ∂h_{t-1} = z_t ⊙ ∂h_t + Uᵀ·∂gates
        let d_read = d_gates.clone().matmul(self.recurrent_weight.clone());
        let mask = self.mask.as_ref().map(|mask| rows_of(mask, &rows));
        let before = d_hidden * rows_of(&self.update, &rows) + masked(d_read, mask.as_ref());
        (d_gates, vec![before])
    }

    fn projected(&self, steps: &StepGradients) -> Tensor<2> {
        let [gates, _] = cut(&steps.recurrent);
        let candidate = steps.hidden() * self.candidate_slope.clone();
        Tensor::cat(vec![gates, candidate], 1)
    }

    fn recurrent_weight(&self, steps: &StepGradients) -> Tensor<2> {
        self.read
            .clone()
            .transpose()
            .matmul(steps.recurrent.clone())
    }
}

/// A GRU with the reset gate before the product, likewise.
pub(super) struct ResetBeforeGradient {
    /// What the product of the gates read: the masked h_{t-1}.
    read: Tensor<2>,
    /// What the product of the candidate read: r_t ⊙ the same.
    reset_read: Tensor<2>,
    mask: Option<Tensor<2>>,
    /// Uᵀ of r and z, and of h̃.
    weights: [Tensor<2>; 2],
    /// What the gradient of `reset_read` is multiplied by to be r_t's.
    reset_slope: Tensor<2>,
    /// What the gradient of `reset_read` is multiplied by to be the one of `read`.
    reset: Tensor<2>,
    /// What ∂h_t is multiplied by to be z_t's.
    update_slope: Tensor<2>,
    /// What ∂h_t is multiplied by on its way into h̃_t's tanh.
    candidate_slope: Tensor<2>,
    /// z_t: what ∂h_t is multiplied by on its straight way to h_{t-1}.
    update: Tensor<2>,
}

impl ResetBeforeGradient {
    pub fn new(weights: &DirectionWeights, given: Given) -> Self {
        let kept = given.hidden;
        let read = masked(kept.clone(), given.mask.as_ref());
        let [gate_weights, candidate_weights] = cut(&weights.recurrent_weight);
        let biases = weights.recurrent_bias.as_ref().map(cut);
        let (gate_bias, candidate_bias) = biases.map(|[gates, h]| (gates, h)).unzip();
        let gates = add_bias(read.clone().matmul(gate_weights.clone()), &gate_bias);
        let d_hidden = read.dims()[1];
        let gate = |gate: GruGate| {
            let rows = 0..gates.dims()[0];
            let recurrent = gates.clone().slice([rows, gate.columns(d_hidden)]);
            sigmoid(gate.of(&given.projected) + recurrent)
        };
        let (reset, update) = (gate(GruGate::Reset), gate(GruGate::Update));
        // h̃_t = tanh(W_h·x_t + b_h + U_h·(r_t ⊙ h_{t-1}) + b'_h)
        let reset_read = reset.clone() * read.clone();
        let recalled = reset_read.clone().matmul(candidate_weights.clone());
        let recalled = add_bias(recalled, &candidate_bias);
        let candidate = tanh(GruGate::Candidate.of(&given.projected) + recalled);
        Self {
            reset_slope: read.clone() * sigmoid_slope(&reset),
            read,
            reset_read,
            mask: given.mask,
            weights: [gate_weights, candidate_weights].map(Tensor::transpose),
            reset,
            candidate_slope: candidate_slope(&candidate, &update),
            update_slope: update_slope(kept, candidate, &update),
            update,
        }
    }
}

impl CellGradient for ResetBeforeGradient {
    fn step(&self, rows: Range<usize>, after: Vec<Tensor<2>>) -> (Tensor<2>, Vec<Tensor<2>>) {
        let d_hidden = only(after);
        let of = |factor: &Tensor<2>| rows_of(factor, &rows);
        let [gate_weights, candidate_weights] = self.weights.clone();
        let d_candidate = d_hidden.clone() * of(&self.candidate_slope);
        let d_reset_read = d_candidate.clone().matmul(candidate_weights);
        let d_reset = d_reset_read.clone() * of(&self.reset_slope);
        let d_update = d_hidden.clone() * of(&self.update_slope);
        let d_gates = Tensor::cat(vec![d_reset, d_update], 1);
        let d_read = d_reset_read * of(&self.reset) + d_gates.clone().matmul(gate_weights);
        let mask = self.mask.as_ref().map(of);
        let before = d_hidden * of(&self.update) + masked(d_read, mask.as_ref());
        (Tensor::cat(vec![d_gates, d_candidate], 1), vec![before])
    }

    fn projected(&self, steps: &StepGradients) -> Tensor<2> {
        steps.recurrent.clone()
    }

    fn recurrent_weight(&self, steps: &StepGradients) -> Tensor<2> {
        let [gates, candidate] = cut(&steps.recurrent);
        let gates = self.read.clone().transpose().matmul(gates);
        let candidate = self.reset_read.clone().transpose().matmul(candidate);
        Tensor::cat(vec![gates, candidate], 1)
    }
}

/// Packed columns, cut into those of r and z, and those of h̃.
fn cut(packed: &Tensor<2>) -> [Tensor<2>; 2] {
    let [rows, columns] = packed.dims();
    let candidate = GruGate::Candidate.columns(columns / GruGate::COUNT);
    [0..candidate.start, candidate].map(|columns| packed.clone().slice([0..rows, columns]))
}

/// What ∂h_t, where h_t = h̃_t + z_t ⊙ (h_{t-1} - h̃_t), is multiplied by on its way into h̃_t's tanh.
fn candidate_slope(candidate: &Tensor<2>, update: &Tensor<2>) -> Tensor<2> {
    (1.0 - update.clone()) * tanh_slope(candidate)
}

/// The same on its way into z_t's sigmoid.
fn update_slope(kept: Tensor<2>, candidate: Tensor<2>, update: &Tensor<2>) -> Tensor<2> {
    (kept - candidate) * sigmoid_slope(update)
}

fn only(state: Vec<Tensor<2>>) -> Tensor<2> {
    let Ok([hidden]) = <[Tensor<2>; 1]>::try_from(state) else {
        unreachable!("a GRU's state has one part")
    };
    hidden
}
