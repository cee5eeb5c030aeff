//! Dropout between the layers of a stack.

use burn::tensor::Tensor;

use super::{CELLS, device, layer, random, tensors_of, values};
use crate::{DropoutMask, Lengths, Mode, RandomSource, Recurrent, RecurrentConfig, WeightDraws};

fn stack(cell: crate::Cell, dropout: f64, mask: DropoutMask) -> Recurrent {
    let config = RecurrentConfig::new(cell, 8, 32)
        .with_layers(2)
        .with_dropout(dropout)
        .with_dropout_mask(mask);
    layer(&config)
}

fn output(layer: &Recurrent, x: &Tensor<3>, mode: Mode) -> Vec<f32> {
    let [batch, time, _] = x.dims();
    values(
        &layer
            .forward(x.clone(), &Lengths::full(batch, time), None, mode)
            .0,
    )
}

#[test]
fn the_same_source_repeats_and_another_step_differs() {
    for cell in CELLS {
        for mask in [
            DropoutMask::Element,
            DropoutMask::Sequence,
            DropoutMask::Step,
        ] {
            let layer = stack(cell, 0.5, mask);
            let x = random(1, "x", [4, 3, 8]);
            let run = Mode::Training(RandomSource::new(1).at_step(7));
            let next = Mode::Training(RandomSource::new(1).at_step(8));
            assert_eq!(output(&layer, &x, run), output(&layer, &x, run));
            assert_ne!(output(&layer, &x, run), output(&layer, &x, next));
            assert_ne!(output(&layer, &x, run), output(&layer, &x, Mode::Inference));
        }
    }
}

#[test]
fn training_without_dropout_is_inference() {
    for cell in CELLS {
        let layer = stack(cell, 0.0, DropoutMask::Element);
        let x = random(2, "x", [4, 3, 8]);
        let training = Mode::Training(RandomSource::new(1));
        assert_eq!(
            output(&layer, &x, training),
            output(&layer, &x, Mode::Inference)
        );
    }
}

#[test]
fn a_single_layer_drops_nothing() {
    let layer = layer(&RecurrentConfig::new(crate::Cell::Lstm, 8, 32).with_dropout(0.9));
    let x = random(3, "x", [4, 3, 8]);
    let training = Mode::Training(RandomSource::new(1));
    assert_eq!(
        output(&layer, &x, training),
        output(&layer, &x, Mode::Inference)
    );
}

#[test]
fn the_mean_over_many_masks_is_near_the_output_without_dropout() {
    for cell in CELLS {
        let layer = stack(cell, 0.3, DropoutMask::Element);
        // The same sequence in every row: each has a mask of its own.
        let x = random(4, "x", [1, 3, 8]);
        let plain = output(&layer, &x, Mode::Inference);
        let many = x.expand([512, 3, 8]);
        let trained = output(&layer, &many, Mode::Training(RandomSource::new(1)));
        for (place, expected) in plain.iter().enumerate() {
            let masked = trained.iter().skip(place).step_by(plain.len());
            let mean = masked.sum::<f32>() / 512.0;
            // Not exactly, because the upper layer is not linear.
            assert!(
                (mean - expected).abs() < 0.02,
                "{cell:?}: mean {mean}, without dropout {expected}"
            );
        }
    }
}

#[test]
fn a_stack_above_another_drops_as_if_both_were_one() {
    let lengths = Lengths::full(4, 3);
    let training = Mode::Training(RandomSource::new(1));
    for cell in CELLS {
        for bidirectional in [false, true] {
            let config = |d_input: usize, layers: usize| {
                RecurrentConfig::new(cell, d_input, 32)
                    .with_layers(layers)
                    .with_bidirectional(bidirectional)
                    .with_dropout(0.5)
                    .with_dropout_mask(DropoutMask::Sequence)
                    .with_recurrent_dropout(0.3)
                    .with_weight_dropout(0.4)
            };
            let whole = config(8, 3).init(&device());
            let mut draws = WeightDraws::new(0, &device());
            let lower = config(8, 2).init_with(&mut draws);
            let upper = config(lower.d_output(), 1)
                .with_layers_below(2)
                .init_with(&mut draws);

            let x = random(5, "x", [4, 3, 8]);
            let (expected, finals) = whole.forward(x.clone(), &lengths, None, training);
            let (between, below) = lower.forward(x, &lengths, None, training);
            let (found, above) = upper.forward(between, &lengths, None, training);
            assert_eq!(values(&found), values(&expected), "{cell:?}");
            let both = tensors_of(below).into_iter().zip(tensors_of(above));
            for ((below, above), expected) in both.zip(tensors_of(finals)) {
                let found = Tensor::cat(vec![below, above], 0);
                assert_eq!(values(&found), values(&expected), "{cell:?}");
            }
        }
    }
}
