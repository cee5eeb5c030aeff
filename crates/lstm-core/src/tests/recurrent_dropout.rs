//! Dropout on the hidden state that the recurrent products read.

use burn::tensor::Tensor;

use super::{
    CELLS, assert_close, device, layer, random, random_state, state_of, tensors_of, values,
};
use crate::dropout::recurrent_mask;
use crate::weights::PackedWeights;
use crate::{Cell, GruGate, Lengths, Mode, RandomSource, Recurrent, RecurrentConfig, WeightDraws};

const D_HIDDEN: usize = 16;

fn training() -> Mode {
    Mode::Training(RandomSource::new(1).at_step(7))
}

fn one_layer(cell: Cell, recurrent_dropout: f64) -> Recurrent {
    layer(&RecurrentConfig::new(cell, 8, D_HIDDEN).with_recurrent_dropout(recurrent_dropout))
}

fn output(layer: &Recurrent, x: &Tensor<3>, mode: Mode) -> Vec<f32> {
    let [batch, time, _] = x.dims();
    let lengths = Lengths::full(batch, time);
    values(&layer.forward(x.clone(), &lengths, None, mode).0)
}

/// The weights of a layer's only stack level, to be changed.
fn weights(layer: &mut Recurrent) -> &mut PackedWeights {
    match layer {
        Recurrent::Lstm(lstm) => &mut lstm.layers[0],
        Recurrent::Gru(gru) => &mut gru.layers[0],
    }
}

#[test]
fn the_same_source_repeats_and_another_step_differs() {
    for cell in CELLS {
        let layer = one_layer(cell, 0.5);
        let x = random(1, "x", [4, 3, 8]);
        let next = Mode::Training(RandomSource::new(1).at_step(8));
        assert_eq!(
            output(&layer, &x, training()),
            output(&layer, &x, training())
        );
        assert_ne!(output(&layer, &x, training()), output(&layer, &x, next));
    }
}

#[test]
fn inference_and_training_without_it_drop_nothing() {
    for cell in CELLS {
        let x = random(2, "x", [4, 3, 8]);
        let without = one_layer(cell, 0.0);
        let expected = output(&without, &x, Mode::Inference);
        assert_eq!(output(&without, &x, training()), expected);
        let with = one_layer(cell, 0.5);
        assert_eq!(output(&with, &x, Mode::Inference), expected);
        assert_ne!(output(&with, &x, training()), expected);
    }
}

/// A mask that does not change over time scales the rows of the recurrent weights.
#[test]
fn a_mask_is_the_same_at_every_step() {
    for cell in CELLS {
        let x = random(3, "x", [1, 6, 8]);
        let mut layer = one_layer(cell, 0.5);
        let dropped = output(&layer, &x, training());

        let mask = recurrent_mask(0.5, 0, [1, 1, D_HIDDEN], training()).unwrap();
        assert!(mask.contains(&0.0) && mask.contains(&2.0));
        let weight = &mut weights(&mut layer).recurrent_weight;
        let shape: [usize; 3] = weight.dims();
        let scaled: Vec<f32> = values(&weight.val())
            .chunks(shape[2])
            .zip(&mask)
            .flat_map(|(row, factor)| row.iter().map(move |value| value * factor))
            .collect();
        *weight = WeightDraws::new(0, &device()).parameter(shape, scaled);
        let expected = output(&layer, &x, Mode::Inference);
        assert_close(&dropped, &expected, &format!("{cell:?}"));
    }
}

#[test]
fn the_first_step_from_zero_has_nothing_to_drop() {
    for cell in CELLS {
        let layer = one_layer(cell, 0.5);
        let x = random(4, "x", [4, 1, 8]);
        assert_eq!(
            output(&layer, &x, training()),
            output(&layer, &x, Mode::Inference)
        );
    }
}

#[test]
fn what_the_update_gate_keeps_is_not_dropped() {
    for cell in [Cell::Gru, Cell::GruResetBefore] {
        let mut layer = one_layer(cell, 0.5);
        // z_t = σ(100 + …) = 1: all of h_{t-1} stays.
        let bias = weights(&mut layer).input_bias.as_mut().unwrap();
        let mut wide_open = values(&bias.val());
        wide_open[GruGate::Update.columns(D_HIDDEN)].fill(100.0);
        *bias = WeightDraws::new(0, &device()).parameter([1, 3 * D_HIDDEN], wide_open);

        let initial = random_state(&layer, 5, 4);
        let x = random(5, "x", [4, 6, 8]);
        let state = Some(state_of(&initial));
        let (_, finals) = layer.forward(x, &Lengths::full(4, 6), state, training());
        let finals = tensors_of(finals);
        assert_close(&values(&finals[0]), &values(&initial[0]), "what stays");
    }
}
