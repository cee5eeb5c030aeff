//! The layers against their cells, stepped one sequence and one time step at a time.

use burn::tensor::{Gradients, Tensor, TensorData};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{
    CELLS, assert_close, device, gradient, parameter_gradients, random, random_state, state_of,
    tensors_of, values, weighted_sum, weights_of,
};
use crate::cell::{GruStep, LstmStep};
use crate::dropout::recurrent_mask;
use crate::weights::{DirectionWeights, PackedWeights};
use crate::{
    Cell, GruCell, GruConfig, GruState, Lengths, LstmCell, LstmConfig, LstmState, Mode,
    RandomSource, Recurrent, RecurrentInit, ResetGate, WeightDraws,
};

#[derive(Debug, Clone)]
struct Case {
    cell: Cell,
    layers: usize,
    bidirectional: bool,
    bias: bool,
    d_input: usize,
    d_hidden: usize,
    /// Of an LSTM.
    d_projection: Option<usize>,
    /// Of an LSTM.
    cell_clip: Option<f64>,
    recurrent_dropout: f64,
    lengths: Vec<usize>,
    padding: usize,
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let layer = (
        prop::sample::select(&CELLS[..]),
        1..=3_usize,
        any::<bool>(),
        any::<bool>(),
        1..=3_usize,
        1..=4_usize,
        0..=3_usize,
        // This limit acts: the initial cell states lie in ±1.
        prop::sample::select(&[None, Some(0.3)][..]),
        prop::sample::select(&[0.0, 0.5][..]),
    );
    // Without a step, nothing that learns has an effect; `padding.rs` has that.
    let lengths = vec(0..=5_usize, 1..=4).prop_filter("a step", |all| all.iter().any(|x| *x > 0));
    (layer, lengths, 0..=2_usize, any::<u64>()).prop_map(|(layer, lengths, padding, seed)| {
        let (cell, layers, bidirectional, bias, d_input, d_hidden, d_projection, clip, drop) =
            layer;
        let projected = cell == Cell::Lstm && (1..d_hidden).contains(&d_projection);
        Case {
            cell,
            layers,
            bidirectional,
            bias,
            d_input,
            d_hidden,
            d_projection: projected.then_some(d_projection),
            cell_clip: clip.filter(|_| cell == Cell::Lstm),
            recurrent_dropout: drop,
            lengths,
            padding,
            seed,
        }
    })
}

impl Case {
    /// Training, with no other dropout than the recurrent one.
    fn mode(&self) -> Mode {
        Mode::Training(RandomSource::new(self.seed))
    }

    fn layer(&self) -> Recurrent {
        let mut draws = WeightDraws::new(self.seed, &device());
        let gru = |reset| {
            GruConfig::new(self.d_input, self.d_hidden)
                .with_layers(self.layers)
                .with_bidirectional(self.bidirectional)
                .with_recurrent_dropout(self.recurrent_dropout)
                .with_bias(self.bias)
                .with_init(RecurrentInit::Uniform)
                .with_reset(reset)
        };
        match self.cell {
            Cell::Lstm => Recurrent::Lstm(
                LstmConfig::new(self.d_input, self.d_hidden)
                    .with_projection(self.d_projection)
                    .with_cell_clip(self.cell_clip)
                    .with_layers(self.layers)
                    .with_bidirectional(self.bidirectional)
                    .with_recurrent_dropout(self.recurrent_dropout)
                    .with_bias(self.bias)
                    .with_init(RecurrentInit::Uniform)
                    .init_with(&mut draws),
            ),
            Cell::Gru => Recurrent::Gru(gru(ResetGate::AfterProduct).init_with(&mut draws)),
            Cell::GruResetBefore => {
                Recurrent::Gru(gru(ResetGate::BeforeProduct).init_with(&mut draws))
            }
        }
    }
}

/// The cell of one layer in one direction.
enum AnyCell {
    Lstm(LstmCell),
    Gru(GruCell),
}

impl AnyCell {
    /// One time step of one sequence, with its recurrent mask `[1, d_recurrent]`, if there is one.
    fn forward(
        &self,
        x: Tensor<2>,
        state: Vec<Tensor<2>>,
        mask: Option<&Tensor<2>>,
    ) -> Vec<Tensor<2>> {
        match (self, &state[..]) {
            (Self::Lstm(cell), [hidden, memory]) => {
                let state = LstmState {
                    hidden: hidden.clone(),
                    cell: memory.clone(),
                };
                let state = match mask {
                    Some(mask) => {
                        let weights = dropped(&cell.weights, mask);
                        let step = LstmStep::new(&weights, cell.cell_clip);
                        step.forward(step.project(x), state, None)
                    }
                    None => cell.forward(x, state),
                };
                vec![state.hidden, state.cell]
            }
            (Self::Gru(cell), [hidden]) => {
                let state = GruState {
                    hidden: hidden.clone(),
                };
                let state = match mask {
                    Some(mask) => {
                        let step = GruStep::new(&dropped(&cell.weights, mask), cell.reset);
                        step.forward(step.project(x), state, None)
                    }
                    None => cell.forward(x, state),
                };
                vec![state.hidden]
            }
            _ => unreachable!("the state is of the cell's kind"),
        }
    }

    fn gradients(&self, gradients: &Gradients) -> Vec<Vec<f32>> {
        let by_name = match self {
            Self::Lstm(cell) => parameter_gradients(&cell.weights, gradients),
            Self::Gru(cell) => parameter_gradients(&cell.weights, gradients),
        };
        by_name.into_values().collect()
    }
}

/// Weights that take of h_{t-1} what `mask` `[1, d_recurrent]` leaves: masking what a product reads
/// is scaling the rows of its matrix.
fn dropped(weights: &PackedWeights, mask: &Tensor<2>) -> DirectionWeights {
    let mut weights = weights.direction(0);
    weights.recurrent_weight = weights.recurrent_weight * mask.clone().transpose();
    weights
}

/// The recurrent masks `[directions, batch, d_recurrent]` of each layer.
fn masks(case: &Case, layer: &Recurrent) -> Vec<Option<Tensor<3>>> {
    weights_of(layer)
        .iter()
        .enumerate()
        .map(|(index, weights)| {
            let batch = case.lengths.len();
            let shape = [weights.directions(), batch, weights.d_recurrent()];
            let mask = recurrent_mask(case.recurrent_dropout, index, shape, case.mode())?;
            Some(Tensor::from_data(TensorData::new(mask, shape), &device()))
        })
        .collect()
}

/// Copies of the weights of each layer, cut into a cell for each direction.
fn cells(layer: &Recurrent) -> Vec<Vec<AnyCell>> {
    let cell = |weights| match layer {
        Recurrent::Lstm(lstm) => AnyCell::Lstm(LstmCell {
            weights,
            cell_clip: lstm.cell_clip,
        }),
        Recurrent::Gru(gru) => AnyCell::Gru(GruCell {
            weights,
            reset: gru.reset,
        }),
    };
    weights_of(layer)
        .iter()
        .map(|packed| {
            (0..packed.directions())
                .map(|direction| cell(one_direction(packed, direction)))
                .collect()
        })
        .collect()
}

fn one_direction(packed: &PackedWeights, direction: usize) -> PackedWeights {
    let draws = WeightDraws::new(0, &device());
    let weights = packed.direction(direction);
    let matrix = |weight: Tensor<2>| {
        let [rows, columns] = weight.dims();
        draws.parameter([1, rows, columns], values(&weight))
    };
    let bias =
        |bias: Option<Tensor<2>>| bias.map(|bias| draws.parameter(bias.dims(), values(&bias)));
    PackedWeights {
        input_weight: matrix(weights.input_weight),
        recurrent_weight: matrix(weights.recurrent_weight),
        input_bias: bias(weights.input_bias),
        recurrent_bias: bias(weights.recurrent_bias),
        projection_weight: weights.projection_weight.map(matrix),
    }
}

/// What the layer of these cells gives, by its definition: one sequence, one layer, one direction,
/// one time step after the other.
fn stepped(
    cells: &[Vec<AnyCell>],
    x: &Tensor<3>,
    lengths: &Lengths,
    initial: &[Tensor<3>],
    masks: &[Option<Tensor<3>>],
) -> (Tensor<3>, Vec<Tensor<3>>) {
    let [batch, time, d_input] = x.dims();
    let [rows, _, d_recurrent] = initial[0].dims();
    let features = cells[0].len() * d_recurrent;
    let mut outputs = Vec::new();
    let mut finals = vec![Vec::new(); initial.len()];
    for (sequence, &length) in lengths.as_slice().iter().enumerate() {
        let mut shown: Vec<Tensor<2>> = (0..length)
            .map(|step| at(x, sequence, step).reshape([1, d_input]))
            .collect();
        for (layer, directions) in cells.iter().enumerate() {
            let mut hidden = vec![Vec::new(); length];
            for (direction, cell) in directions.iter().enumerate() {
                let row = layer * directions.len() + direction;
                let mut state: Vec<_> = initial.iter().map(|all| at(all, row, sequence)).collect();
                let mask = masks[layer]
                    .as_ref()
                    .map(|all| at(all, direction, sequence));
                let mut steps: Vec<usize> = (0..length).collect();
                if direction == 1 {
                    steps.reverse();
                }
                for step in steps {
                    state = cell.forward(shown[step].clone(), state, mask.as_ref());
                    hidden[step].push(state[0].clone());
                }
                for (all, state) in finals.iter_mut().zip(state) {
                    all.push(state);
                }
            }
            shown = hidden
                .into_iter()
                .map(|sides| Tensor::cat(sides, 1))
                .collect();
        }
        outputs.extend(shown);
        outputs.extend((length..time).map(|_| Tensor::zeros([1, features], &x.device())));
    }
    let finals = finals
        .into_iter()
        .zip(initial)
        .map(|(all, initial)| {
            Tensor::cat(all, 0)
                .reshape([batch, rows, initial.dims()[2]])
                .swap_dims(0, 1)
        })
        .collect();
    (
        Tensor::cat(outputs, 0).reshape([batch, time, features]),
        finals,
    )
}

/// `tensor[first, second]` as a row.
fn at(tensor: &Tensor<3>, first: usize, second: usize) -> Tensor<2> {
    let features = tensor.dims()[2];
    tensor
        .clone()
        .slice([first..first + 1, second..second + 1])
        .reshape([1, features])
}

fn agree(case: &Case) {
    let batch = case.lengths.len();
    // At least one time step, also for a batch of empty sequences.
    let time = (case.lengths.iter().max().unwrap_or(&0) + case.padding).max(1);
    let lengths = Lengths::new(case.lengths.clone(), time).unwrap();
    let layer = case.layer();
    let masks = masks(case, &layer);
    let leaves = || {
        let x = random(case.seed, "x", [batch, time, case.d_input]).require_grad();
        let initial: Vec<_> = random_state(&layer, case.seed, batch)
            .into_iter()
            .map(Tensor::require_grad)
            .collect();
        (x, initial)
    };

    let (x, initial) = leaves();
    let state = Some(state_of(&initial));
    let (output, finals) = layer.forward(x.clone(), &lengths, state, case.mode());
    let finals = tensors_of(finals);
    let gradients = weighted_sum(&output, &finals).backward();

    let cells = cells(&layer);
    let (cell_x, cell_initial) = leaves();
    let (cell_output, cell_finals) = stepped(&cells, &cell_x, &lengths, &cell_initial, &masks);
    let cell_gradients = weighted_sum(&cell_output, &cell_finals).backward();

    assert_close(&values(&output), &values(&cell_output), "output");
    for (found, expected) in finals.iter().zip(&cell_finals) {
        assert_close(&values(found), &values(expected), "final state");
    }
    assert_close(
        &gradient(&x, &gradients),
        &gradient(&cell_x, &cell_gradients),
        "gradient of the input",
    );
    for (found, expected) in initial.iter().zip(&cell_initial) {
        assert_close(
            &gradient(found, &gradients),
            &gradient(expected, &cell_gradients),
            "gradient of the initial state",
        );
    }
    for (weights, cells) in weights_of(&layer).iter().zip(&cells) {
        // Each parameter has its directions one above the other.
        let mut expected: Vec<Vec<f32>> = Vec::new();
        for cell in cells {
            let gradients = cell.gradients(&cell_gradients);
            expected.resize(gradients.len(), Vec::new());
            for (all, direction) in expected.iter_mut().zip(gradients) {
                all.extend(direction);
            }
        }
        let found = parameter_gradients(weights, &gradients);
        let biases = if case.bias { 2 } else { 0 };
        assert_eq!(
            found.len(),
            2 + biases + usize::from(case.d_projection.is_some())
        );
        for ((name, found), expected) in found.iter().zip(&expected) {
            assert_close(found, expected, &format!("gradient of {name}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_layer_agrees_with_its_cells_forward_and_backward(case in cases()) {
        agree(&case);
    }
}
