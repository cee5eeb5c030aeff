//! DropConnect: dropout on the recurrent weights.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::module::Param;
use burn::tensor::{FloatDType, Gradients, Tensor};

use super::{
    CELLS, assert_close, device, layer, lstm_layer, parameter_gradients, projected_and_limited,
    random, random_state, state_of, tensors_of, values, weighted_sum, weights_of,
};
use crate::dropout::weight_mask;
use crate::weights::PackedWeights;
use crate::{Cell, Lengths, Mode, RandomSource, Recurrent, RecurrentConfig, Stream, WeightDraws};

const D_INPUT: usize = 8;
const D_HIDDEN: usize = 16;
const PROBABILITY: f64 = 0.4;

fn training() -> Mode {
    Mode::Training(RandomSource::new(1).at_step(7))
}

fn config(cell: Cell, weight_dropout: f64) -> RecurrentConfig {
    RecurrentConfig::new(cell, D_INPUT, D_HIDDEN)
        .with_layers(2)
        .with_weight_dropout(weight_dropout)
}

/// Every cell, in one direction and in both, with all states kept and with some.
fn stacks() -> Vec<(String, Recurrent)> {
    let mut stacks = Vec::new();
    for cell in CELLS {
        for (bidirectional, checkpoint_every) in [(false, None), (true, None), (false, Some(2))] {
            let config = config(cell, PROBABILITY)
                .with_bidirectional(bidirectional)
                .with_checkpoint_every(checkpoint_every);
            let name = format!("{cell:?}, {bidirectional}, {checkpoint_every:?}");
            stacks.push((name, layer(&config)));
        }
    }
    let config = projected_and_limited(D_INPUT, D_HIDDEN).with_weight_dropout(PROBABILITY);
    stacks.push(("projected and limited Lstm".to_owned(), lstm_layer(&config)));
    stacks
}

fn weights_of_mut(layer: &mut Recurrent) -> &mut [PackedWeights] {
    match layer {
        Recurrent::Lstm(lstm) => &mut lstm.layers,
        Recurrent::Gru(gru) => &mut gru.layers,
    }
}

/// The masks of [`training`], a layer each.
fn masks(layer: &Recurrent) -> Vec<Vec<f32>> {
    let weights = weights_of(layer).iter().enumerate();
    weights
        .map(|(index, weights)| {
            let shape = weights.recurrent_weight.dims();
            weight_mask(PROBABILITY, index, shape, training()).unwrap()
        })
        .collect()
}

/// A layer of its own whose recurrent weights are what [`training`] leaves of them.
fn masked(layer: &Recurrent) -> Recurrent {
    let mut copy = layer.clone();
    for (weights, mask) in weights_of_mut(&mut copy).iter_mut().zip(masks(layer)) {
        let shape: [usize; 3] = weights.recurrent_weight.dims();
        let kept = values(&weights.recurrent_weight.val());
        let kept = kept
            .iter()
            .zip(&mask)
            .map(|(weight, factor)| weight * factor);
        weights.recurrent_weight = WeightDraws::new(0, &device()).parameter(shape, kept.collect());
    }
    copy
}

/// Output and final states of a ragged batch from a random state, and the gradients.
fn run(layer: &Recurrent, mode: Mode) -> (Vec<Vec<f32>>, Gradients) {
    let lengths = Lengths::new([5, 2, 0, 6], 7).unwrap();
    let dtype: FloatDType = weights_of(layer)[0].input_weight.val().dtype().into();
    let x = random(1, "x", [4, 7, D_INPUT]).cast(dtype);
    let initial = random_state(layer, 2, 4);
    let initial: Vec<_> = initial.into_iter().map(|state| state.cast(dtype)).collect();
    let (output, finals) = layer.forward(x, &lengths, Some(state_of(&initial)), mode);
    let [output, finals] = [vec![output], tensors_of(finals)]
        .map(|all| all.into_iter().map(|tensor| tensor.cast(FloatDType::F32)));
    let (output, finals): (Vec<_>, Vec<_>) = (output.collect(), finals.collect());
    let gradients = weighted_sum(&output[0], &finals).backward();
    let found = output.iter().chain(&finals).map(values).collect();
    (found, gradients)
}

#[test]
fn all_steps_and_sequences_have_the_layer_with_the_masked_weights() {
    for (name, layer) in stacks() {
        let (found, _) = run(&layer, training());
        let (expected, _) = run(&masked(&layer), Mode::Inference);
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn gradients_are_those_of_the_masked_weights_times_the_mask() {
    for (name, layer) in stacks() {
        let with_masked_weights = masked(&layer);
        let (_, found) = run(&layer, training());
        let (_, expected) = run(&with_masked_weights, Mode::Inference);
        let both = weights_of(&layer)
            .iter()
            .zip(weights_of(&with_masked_weights));
        for ((weights, masked), mask) in both.zip(masks(&layer)) {
            let found = parameter_gradients(weights, &found);
            let mut expected = parameter_gradients(masked, &expected);
            let recurrent = expected.get_mut("recurrent_weight").unwrap();
            assert!(recurrent.iter().all(|gradient| *gradient != 0.0));
            for (gradient, factor) in recurrent.iter_mut().zip(&mask) {
                // 0 where the weight was dropped, else divided by 1 - p.
                *gradient *= factor;
            }
            assert!(mask.contains(&0.0) && mask.contains(&(1.0 / 0.6)));
            assert_eq!(found, expected, "{name}");
        }
    }
}

#[test]
fn the_fused_and_the_plain_body_drop_the_same() {
    for (name, layer) in stacks() {
        let mut wide = layer.clone();
        for weights in weights_of_mut(&mut wide) {
            in_doubles(&mut weights.input_weight);
            in_doubles(&mut weights.recurrent_weight);
            weights.input_bias.iter_mut().for_each(in_doubles);
            weights.recurrent_bias.iter_mut().for_each(in_doubles);
            weights.projection_weight.iter_mut().for_each(in_doubles);
        }
        let (found, gradients) = run(&layer, training());
        let (expected, wide_gradients) = run(&wide, training());
        for (found, expected) in found.iter().zip(&expected) {
            assert_close(found, expected, &name);
        }
        let found = parameter_gradients(&layer, &gradients);
        let expected = parameter_gradients(&wide, &wide_gradients);
        for (path, found) in &found {
            assert_close(found, &expected[path], &format!("{name}: {path}"));
        }
    }
}

fn in_doubles<const D: usize>(parameter: &mut Param<Tensor<D>>) {
    let tensor = parameter.val().set_require_grad(false);
    *parameter = Param::from_tensor(tensor.cast(FloatDType::F64));
}

#[test]
fn the_same_source_repeats_and_another_step_differs() {
    for (name, layer) in stacks() {
        let next = Mode::Training(RandomSource::new(1).at_step(8));
        let first = run(&layer, training()).0;
        assert_eq!(first, run(&layer, training()).0, "{name}");
        assert_ne!(first, run(&layer, next).0, "{name}");
    }
}

#[test]
fn any_number_of_threads_draws_the_same_mask() {
    let draw = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let draw = || weight_mask(PROBABILITY, 1, [2, 300, 1200], training());
        pool.build().unwrap().install(draw)
    };
    assert!(draw(1) == draw(3));
}

#[test]
fn training_without_it_is_inference_to_the_bit() {
    for cell in CELLS {
        let layer = layer(&config(cell, 0.0));
        let (found, found_gradients) = run(&layer, training());
        let (expected, expected_gradients) = run(&layer, Mode::Inference);
        assert_eq!(found, expected);
        assert_eq!(
            parameter_gradients(&layer, &found_gradients),
            parameter_gradients(&layer, &expected_gradients)
        );
    }
}

#[test]
fn inference_streams_and_traces_drop_nothing() {
    for cell in CELLS {
        let [with, without] = [PROBABILITY, 0.0].map(|dropout| layer(&config(cell, dropout)));
        let inferred = [&with, &without].map(|layer| run(layer, Mode::Inference).0);
        assert_eq!(inferred[0], inferred[1]);
        assert_ne!(inferred[0], run(&with, training()).0);

        let x = random(3, "x", [1, 4, D_INPUT]);
        let traced = [&with, &without].map(|layer| values(layer.trace(x.clone(), None).output()));
        assert_eq!(traced[0], traced[1]);

        let stream = |layer: &Recurrent| match layer {
            Recurrent::Lstm(lstm) => lstm.stream(1),
            Recurrent::Gru(gru) => gru.stream(1),
        };
        if cell != Cell::GruResetBefore {
            let step = values(&x)[..D_INPUT].to_vec();
            let streamed = [&with, &without].map(|layer| stream(layer).step(&step).to_vec());
            assert_eq!(streamed[0], streamed[1]);
        }
    }
}

#[test]
fn the_mean_over_many_masks_is_near_the_weights() {
    let layer = layer(&config(Cell::Lstm, PROBABILITY));
    let weights = &weights_of(&layer)[0];
    let shape: [usize; 3] = weights.recurrent_weight.dims();
    let expected = values(&weights.recurrent_weight.val());
    let mut sums = vec![0.0; expected.len()];
    let masks = 4000;
    for step in 0..masks {
        let mode = Mode::Training(RandomSource::new(1).at_step(step));
        let mask = weight_mask(PROBABILITY, 0, shape, mode).unwrap();
        for ((sum, weight), factor) in sums.iter_mut().zip(&expected).zip(mask) {
            *sum += weight * factor;
        }
    }
    for (sum, weight) in sums.iter().zip(&expected) {
        // Five standard deviations of a factor's mean, √(p / (1 - p) / masks) = 0.013.
        let mean = sum / masks as f32;
        assert!(
            (mean - weight).abs() <= 0.065 * weight.abs(),
            "mean {mean}, weight {weight}"
        );
    }
}

#[test]
fn a_probability_outside_its_range_is_refused() {
    for cell in CELLS {
        for probability in [-0.1, 1.0, 1.5, f64::NAN] {
            let init = || config(cell, probability).init(&device());
            let panic = catch_unwind(AssertUnwindSafe(init)).unwrap_err();
            let message = panic.downcast_ref::<String>().unwrap();
            for part in ["[0, 1)", &probability.to_string()] {
                assert!(message.contains(part), "{message}");
            }
        }
    }
}
