//! The LSTM's derivative.

use std::ops::Range;

use burn::tensor::Tensor;
use burn::tensor::activation::{sigmoid, tanh};

use super::{CellGradient, Given, StepGradients, rows_of, sigmoid_slope, tanh_slope};
use crate::cell::{limited, masked};
use crate::gate::LstmGate;
use crate::weights::DirectionWeights;

/// An LSTM over a stretch of packed steps, ready to go back. All but the weights are `[rows, …]`.
pub(super) struct LstmGradient {
    /// What the recurrent product read: the masked h_{t-1}.
    read: Tensor<2>,
    mask: Option<Tensor<2>>,
    /// Uᵀ
    recurrent_weight: Tensor<2>,
    /// W_pᵀ
    projection_weight: Option<Tensor<2>>,
    /// What ∂c_t, for o_t that of what is shown, is multiplied by to be the gradient of each gate.
    slopes: Tensor<2>,
    /// What ∂c_t is multiplied by to be ∂c_{t-1}.
    forget: Tensor<2>,
    /// What the gradient of o_t ⊙ tanh(c_t) is multiplied by on its way to c_t.
    shown_slope: Tensor<2>,
    /// o_t ⊙ tanh(c_t), if it is projected.
    shown: Option<Tensor<2>>,
}

impl LstmGradient {
    /// `cells` are those before each step, or before the first; `active` the rows of each.
    pub fn new(
        weights: &DirectionWeights,
        cell_clip: Option<f32>,
        given: Given,
        cells: Vec<Tensor<2>>,
        active: &[usize],
    ) -> Self {
        let read = masked(given.hidden, given.mask.as_ref());
        let gates = given.projected + read.clone().matmul(weights.recurrent_weight.clone());
        // i_t = σ(…), f_t = σ(…), c̃_t = tanh(…), o_t = σ(…)
        let input = sigmoid(LstmGate::Input.of(&gates));
        let forget = sigmoid(LstmGate::Forget.of(&gates));
        let candidate = tanh(LstmGate::Candidate.of(&gates));
        let output = sigmoid(LstmGate::Output.of(&gates));
        drop(gates);

        let added = input.clone() * candidate.clone();
        let cells = match cells.len() == active.len() {
            true => cells,
            false => cells_between(&cells[0], &forget, &added, active, cell_clip),
        };
        let before = Tensor::cat(cells, 0);
        // c_t = f_t ⊙ c_{t-1} + i_t ⊙ c̃_t
        let unlimited = forget.clone() * before.clone() + added;
        let beyond = cell_clip.map(|limit| unlimited.clone().abs().greater_elem(limit));
        let cell = match cell_clip {
            Some(limit) => limited(unlimited, limit),
            None => unlimited,
        };
        // A limit lets no gradient through where it acts.
        let through = |slope: Tensor<2>| match &beyond {
            Some(beyond) => slope.mask_fill(beyond.clone(), 0.0),
            None => slope,
        };
        let shown = tanh(cell);
        let slopes = vec![
            through(candidate.clone() * sigmoid_slope(&input)),
            through(before * sigmoid_slope(&forget)),
            through(input * tanh_slope(&candidate)),
            shown.clone() * sigmoid_slope(&output),
        ];
        Self {
            read,
            mask: given.mask,
            recurrent_weight: weights.recurrent_weight.clone().transpose(),
            projection_weight: weights.projection_weight.clone().map(Tensor::transpose),
            slopes: Tensor::cat(slopes, 1),
            forget: through(forget),
            shown_slope: output.clone() * tanh_slope(&shown),
            shown: weights.projection_weight.as_ref().map(|_| output * shown),
        }
    }
}

/// The cell states before each of some steps, from those before the first.
fn cells_between(
    first: &Tensor<2>,
    forget: &Tensor<2>,
    added: &Tensor<2>,
    active: &[usize],
    cell_clip: Option<f32>,
) -> Vec<Tensor<2>> {
    let mut cell = first.clone();
    let mut cells = vec![cell.clone()];
    let mut start = 0;
    for step in active.windows(2) {
        let rows = start..start + step[0];
        start = rows.end;
        cell = rows_of(forget, &rows) * cell + rows_of(added, &rows);
        if let Some(limit) = cell_clip {
            cell = limited(cell, limit);
        }
        if step[1] < step[0] {
            cell = rows_of(&cell, &(0..step[1]));
        }
        cells.push(cell.clone());
    }
    cells
}

impl CellGradient for LstmGradient {
    fn step(&self, rows: Range<usize>, after: Vec<Tensor<2>>) -> (Tensor<2>, Vec<Tensor<2>>) {
        let Ok([d_hidden, d_cell]) = <[Tensor<2>; 2]>::try_from(after) else {
            unreachable!("an LSTM's state has two parts")
        };
        // LSTMP: h_t = W_p·(o_t ⊙ tanh(c_t))
        let d_shown = match &self.projection_weight {
            Some(weight) => d_hidden.matmul(weight.clone()),
            None => d_hidden,
        };
        // ∂c_t = what comes from t + 1, and what h_t shows of it
        let d_cell = d_cell + d_shown.clone() * rows_of(&self.shown_slope, &rows);
        let d_gates = vec![d_cell.clone(), d_cell.clone(), d_cell.clone(), d_shown];
        let d_gates = Tensor::cat(d_gates, 1) * rows_of(&self.slopes, &rows);
        // ∂c_{t-1} = ∂c_t ⊙ f_t
        let d_cell = d_cell * rows_of(&self.forget, &rows);
        // ∂h_{t-1} = Uᵀ·∂gates
        let d_hidden = d_gates.clone().matmul(self.recurrent_weight.clone());
        let mask = self.mask.as_ref().map(|mask| rows_of(mask, &rows));
        (d_gates, vec![masked(d_hidden, mask.as_ref()), d_cell])
    }

    fn projected(&self, steps: &StepGradients) -> Tensor<2> {
        steps.recurrent.clone()
    }

    fn recurrent_weight(&self, steps: &StepGradients) -> Tensor<2> {
        self.read
            .clone()
            .transpose()
            .matmul(steps.recurrent.clone())
    }

    fn projection_weight(&self, steps: &StepGradients) -> Option<Tensor<2>> {
        let shown = self.shown.clone()?;
        Some(shown.transpose().matmul(steps.hidden()))
    }
}
