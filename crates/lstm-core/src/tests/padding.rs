//! Ragged batches: padding is never read, order and company never matter.

use burn::tensor::{Int, Tensor, TensorData};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{
    assert_close, device, gradient, layer, layers, parameter_gradients, random, random_state,
    state_of, tensors_of, values, weighted_sum,
};
use crate::{CarriedState, Cell, Lengths, Mode, Recurrent, RecurrentConfig};

const D_INPUT: usize = 3;
const D_HIDDEN: usize = 4;

/// The output and the final states, by sequence: each sequence's real outputs and its states.
fn by_sequence(
    layer: &Recurrent,
    x: Tensor<3>,
    lengths: &Lengths,
    initial: &[Tensor<3>],
) -> Vec<Vec<f32>> {
    let (output, finals) = layer.forward(x, lengths, Some(state_of(initial)), Mode::Inference);
    let finals = tensors_of(finals);
    lengths
        .as_slice()
        .iter()
        .enumerate()
        .map(|(row, &length)| {
            let real = output.clone().slice([row..row + 1, 0..length]);
            let mut all = if length == 0 { vec![] } else { values(&real) };
            for state in &finals {
                let [rows, _, _] = state.dims();
                all.extend(values(&state.clone().slice([0..rows, row..row + 1])));
            }
            all
        })
        .collect()
}

#[test]
fn a_sequence_gives_the_same_alone_and_beside_longer_ones() {
    let lengths = [2, 6, 0, 4];
    for (name, layer) in layers(D_INPUT, D_HIDDEN) {
        let x = random(1, "x", [4, 6, D_INPUT]);
        let initial = random_state(&layer, 1, 4);
        let together = by_sequence(
            &layer,
            x.clone(),
            &Lengths::new(lengths, 6).unwrap(),
            &initial,
        );
        for (row, &length) in lengths
            .iter()
            .enumerate()
            .filter(|(_, length)| **length > 0)
        {
            let initial: Vec<_> = initial
                .iter()
                .map(|state| state.clone().narrow(1, row, 1))
                .collect();
            let alone = by_sequence(
                &layer,
                x.clone().slice([row..row + 1, 0..length]),
                &Lengths::full(1, length),
                &initial,
            );
            assert_close(&together[row], &alone[0], &format!("{name}, row {row}"));
        }
    }
}

#[test]
fn not_even_nan_leaks_out_of_the_padding() {
    let lengths = Lengths::new([2, 5, 0, 4], 6).unwrap();
    let real: Vec<bool> = lengths
        .as_slice()
        .iter()
        .flat_map(|&length| (0..6).map(move |step| step < length))
        .collect();
    let padded_with = |padding: f32| {
        let mut x = values(&random(2, "x", [4, 6, D_INPUT]));
        for (step, real) in x.chunks_mut(D_INPUT).zip(&real) {
            if !real {
                step.fill(padding);
            }
        }
        Tensor::<3>::from_data(TensorData::new(x, [4, 6, D_INPUT]), &device()).require_grad()
    };
    for (name, layer) in layers(D_INPUT, D_HIDDEN) {
        let initial = random_state(&layer, 2, 4);
        let run = |padding: f32| {
            let x = padded_with(padding);
            let state = Some(state_of(&initial));
            let (output, finals) = layer.forward(x.clone(), &lengths, state, Mode::Inference);
            let finals = tensors_of(finals);
            let gradients = weighted_sum(&output, &finals).backward();
            (
                values(&output),
                finals.iter().flat_map(values).collect::<Vec<_>>(),
                gradient(&x, &gradients),
                parameter_gradients(&layer, &gradients),
            )
        };
        let with_nan = run(f32::NAN);
        assert_eq!(with_nan, run(0.0), "{name}");
        let (output, _, input_gradient, _) = with_nan;
        let features = output.len() / real.len();
        for (step, real) in real.iter().enumerate() {
            let all_zero = |values: &[f32], width: usize| {
                values[step * width..(step + 1) * width]
                    .iter()
                    .all(|value| *value == 0.0)
            };
            assert_eq!(all_zero(&output, features), !real, "{name}, output {step}");
            assert_eq!(
                all_zero(&input_gradient, D_INPUT),
                !real,
                "{name}, gradient {step}"
            );
        }
    }
}

#[test]
fn an_empty_sequence_passes_its_state_and_gradient_on_unchanged() {
    let lengths = Lengths::new([3, 0], 3).unwrap();
    for (name, layer) in layers(D_INPUT, D_HIDDEN) {
        let initial: Vec<_> = random_state(&layer, 3, 2)
            .into_iter()
            .map(Tensor::require_grad)
            .collect();
        let x = random(3, "x", [2, 3, D_INPUT]);
        let (_, finals) = layer.forward(x, &lengths, Some(state_of(&initial)), Mode::Inference);
        let finals = tensors_of(finals);
        let weights: Vec<_> = finals
            .iter()
            .map(|state| random(3, "weights", state.dims()))
            .collect();
        let gradients = finals
            .iter()
            .zip(&weights)
            .map(|(state, weights)| (state.clone() * weights.clone()).sum())
            .reduce(|a, b| a + b)
            .unwrap()
            .backward();
        for ((initial, last), weights) in initial.iter().zip(&finals).zip(&weights) {
            let empty = |state: &Tensor<3>| values(&state.clone().narrow(1, 1, 1));
            assert_eq!(empty(last), empty(initial), "{name}");
            let gradient = initial.grad(&gradients).unwrap();
            assert_eq!(empty(&gradient), empty(weights), "{name}");
        }
    }
}

#[test]
fn a_batch_of_empty_sequences_gives_zeros_and_its_state() {
    for (name, layer) in layers(D_INPUT, D_HIDDEN) {
        for (batch, time) in [(2, 3), (2, 0)] {
            let initial = random_state(&layer, 4, batch);
            let lengths = Lengths::new(vec![0; batch], time).unwrap();
            let x = Tensor::full([batch, time, D_INPUT], f32::NAN, &device());
            let (output, finals) =
                layer.forward(x, &lengths, Some(state_of(&initial)), Mode::Inference);
            assert_eq!(output.dims(), [batch, time, layer.d_output()], "{name}");
            assert!(values(&output).iter().all(|value| *value == 0.0), "{name}");
            for (initial, last) in initial.iter().zip(&tensors_of(finals)) {
                assert_eq!(values(last), values(initial), "{name}");
            }
        }
    }
}

/// Training may meet such a batch: what comes back is zeros, and the states' own gradient.
#[test]
fn gradients_go_back_through_batches_without_a_step() {
    for (name, layer) in layers(D_INPUT, D_HIDDEN) {
        for (batch, time) in [(2, 3), (2, 0), (0, 3), (0, 0)] {
            let leaves: Vec<_> = random_state(&layer, 4, batch)
                .into_iter()
                .map(|state| state.set_require_grad(true))
                .collect();
            let x = Tensor::<3>::ones([batch, time, D_INPUT], &device()).set_require_grad(true);
            let lengths = Lengths::new(vec![0; batch], time).unwrap();
            let initial = Some(state_of(&leaves));
            let (output, finals) = layer.forward(x.clone(), &lengths, initial, Mode::Inference);
            let states = tensors_of(finals)
                .into_iter()
                .map(|state| state.sum() * 3.0);
            let loss = states.fold(output.sum(), |sum, state| sum + state);
            let gradients = loss.backward();
            // burn has no gradient of what it has cut from a tensor without a number.
            for leaf in leaves.iter().filter(|_| batch > 0) {
                let gradient = gradient(leaf, &gradients);
                assert!(gradient.iter().all(|value| *value == 3.0), "{name}");
                assert_eq!(gradient.len(), leaf.shape().num_elements(), "{name}");
            }
            let d_x = x.grad(&gradients).map_or_else(Vec::new, |d_x| values(&d_x));
            assert!(d_x.iter().all(|value| *value == 0.0), "{name}");
            let all = parameter_gradients(&layer, &gradients);
            assert!(all.values().flatten().all(|value| *value == 0.0), "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 30,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_order_of_a_batch_does_not_matter(
        lengths in vec(0..=5_usize, 2..=5),
        seed in any::<u64>(),
        cell in prop::sample::select(&super::CELLS[..]),
    ) {
        let layer = bidirectional(cell);
        let batch = lengths.len();
        let order = crate::RandomSource::new(seed)
            .permutation(crate::Purpose::named("order"), batch);
        let x = random(seed, "x", [batch, 5, D_INPUT]);
        let initial = random_state(&layer, seed, batch);
        let before = by_sequence(
            &layer,
            x.clone(),
            &Lengths::new(lengths.clone(), 5).unwrap(),
            &initial,
        );

        let rows: Vec<i64> = order.iter().map(|&row| row as i64).collect();
        let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [batch]), &device());
        let moved = state_of(&initial).select_rows(&rows);
        let lengths: Vec<usize> = order.iter().map(|&row| lengths[row]).collect();
        let after = by_sequence(
            &layer,
            x.select(0, rows),
            &Lengths::new(lengths, 5).unwrap(),
            &tensors_of(moved),
        );
        for (place, &row) in order.iter().enumerate() {
            assert_close(&after[place], &before[row], "moved sequence");
        }
    }
}

fn bidirectional(cell: Cell) -> Recurrent {
    layer(&RecurrentConfig::new(cell, D_INPUT, D_HIDDEN).with_bidirectional(true))
}

#[test]
fn a_batch_of_no_sequences_gives_nothing() {
    for cell in super::CELLS {
        let layer = bidirectional(cell);
        let x = Tensor::zeros([0, 3, D_INPUT], &device());
        let lengths = Lengths::full(0, 3);
        let (output, finals) = layer.forward(x, &lengths, None, Mode::Inference);
        assert_eq!(output.dims(), [0, 3, layer.d_output()]);
        for state in tensors_of(finals) {
            assert_eq!(state.dims(), [2, 0, D_HIDDEN]);
        }
    }
}
