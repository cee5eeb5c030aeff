//! State carried from one call to the next.

use super::{
    CELLS, assert_close, device, layer, lstm_layer, projected_and_limited, random, random_state,
    state_of, tensors_of, values, weighted_sum,
};
use crate::{CarriedState, Lengths, Mode, Recurrent, RecurrentConfig, RecurrentState};
use burn::tensor::Tensor;

fn two_layers() -> impl Iterator<Item = Recurrent> {
    CELLS
        .map(|cell| layer(&RecurrentConfig::new(cell, 3, 4).with_layers(2)))
        .into_iter()
        .chain([lstm_layer(&projected_and_limited(3, 4))])
}

fn step(
    layer: &Recurrent,
    x: Tensor<2>,
    state: Option<RecurrentState>,
) -> (Tensor<2>, RecurrentState) {
    match (layer, state) {
        (Recurrent::Lstm(lstm), Some(RecurrentState::Lstm(state))) => {
            let (output, state) = lstm.step(x, Some(state));
            (output, RecurrentState::Lstm(state))
        }
        (Recurrent::Gru(gru), Some(RecurrentState::Gru(state))) => {
            let (output, state) = gru.step(x, Some(state));
            (output, RecurrentState::Gru(state))
        }
        (Recurrent::Lstm(lstm), _) => {
            let (output, state) = lstm.step(x, None);
            (output, RecurrentState::Lstm(state))
        }
        (Recurrent::Gru(gru), _) => {
            let (output, state) = gru.step(x, None);
            (output, RecurrentState::Gru(state))
        }
    }
}

#[test]
fn single_steps_add_up_to_the_whole_sequence() {
    for layer in two_layers() {
        let x = random(1, "x", [2, 5, 3]);
        let (whole, finals) = layer.forward(x.clone(), &Lengths::full(2, 5), None, Mode::Inference);
        let mut state = None;
        for time in 0..5 {
            let (output, next) = step(&layer, x.clone().narrow(1, time, 1).reshape([2, 3]), state);
            let expected = whole.clone().narrow(1, time, 1);
            assert_close(&values(&output), &values(&expected), "output of a step");
            state = Some(next);
        }
        let stepped = state.expect("five steps were made");
        for (found, expected) in tensors_of(stepped).iter().zip(&tensors_of(finals)) {
            assert_close(&values(found), &values(expected), "final state");
        }
    }
}

#[test]
fn two_windows_with_carried_state_equal_one_pass() {
    // One sequence ends in the first window, one in the second, one is empty.
    let lengths = [5, 2, 0];
    let lengths_of = |lengths: [usize; 3], time| Lengths::new(lengths, time).unwrap();
    for layer in two_layers() {
        let x = random(2, "x", [3, 6, 3]);
        let initial = random_state(&layer, 2, 3);
        let state = || Some(state_of(&initial));
        let (whole, finals) =
            layer.forward(x.clone(), &lengths_of(lengths, 6), state(), Mode::Inference);

        let (first, carried) = layer.forward(
            x.clone().narrow(1, 0, 3),
            &lengths_of(lengths.map(|length| length.min(3)), 3),
            state(),
            Mode::Inference,
        );
        let (second, windows) = layer.forward(
            x.narrow(1, 3, 3),
            &lengths_of(lengths.map(|length| length.saturating_sub(3)), 3),
            Some(carried),
            Mode::Inference,
        );
        let output = Tensor::cat(vec![first, second], 1);
        assert_close(&values(&output), &values(&whole), "output");
        for (found, expected) in tensors_of(windows).iter().zip(&tensors_of(finals)) {
            assert_close(&values(found), &values(expected), "final state");
        }
    }
}

#[test]
fn a_detached_state_keeps_its_values_and_stops_gradients() {
    for layer in two_layers() {
        let lengths = Lengths::full(2, 3);
        let second = random(4, "x", [2, 3, 3]);
        let run = |carry: fn(RecurrentState) -> RecurrentState| {
            let first = random(3, "x", [2, 3, 3]).require_grad();
            let (_, state) = layer.forward(first.clone(), &lengths, None, Mode::Inference);
            let state = Some(carry(state));
            let (output, finals) = layer.forward(second.clone(), &lengths, state, Mode::Inference);
            let gradients = weighted_sum(&output, &tensors_of(finals)).backward();
            (values(&output), first.grad(&gradients))
        };
        let (carried, gradient_through) = run(|state| state);
        let (detached, no_gradient) = run(CarriedState::detach);
        assert_eq!(carried, detached);
        let through = values(&gradient_through.unwrap());
        assert!(through.iter().all(|value| *value != 0.0));
        assert!(no_gradient.is_none());
    }
}

#[test]
fn no_state_is_a_state_of_zeros() {
    for layer in two_layers() {
        let x = random(5, "x", [2, 3, 3]);
        let lengths = Lengths::full(2, 3);
        let zeros: Vec<_> = random_state(&layer, 5, 2)
            .iter()
            .map(|state| Tensor::zeros(state.dims(), &device()))
            .collect();
        let (without, _) = layer.forward(x.clone(), &lengths, None, Mode::Inference);
        let (with, _) = layer.forward(x, &lengths, Some(state_of(&zeros)), Mode::Inference);
        assert_eq!(values(&without), values(&with));
    }
}
