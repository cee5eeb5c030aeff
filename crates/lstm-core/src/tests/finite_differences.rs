//! The gradients against what they mean: how much the result changes when a weight does.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};

use super::{
    CELLS, layer, lstm_layer, parameter_gradients, projected_and_limited, random, tensors_of,
    values, weighted_sum,
};
use crate::{Lengths, Mode, RandomSource, Recurrent, RecurrentConfig};

/// The truncation error of a central difference is about STEP² of the third derivative, here some
/// 1e-5. The rounding error is that of the result, 1e-7 of its few units, divided by 2·STEP: some
/// 1e-5 too. TOLERANCE leaves both a factor of 20, and is a thousandth of the largest gradients.
const STEP: f32 = 1e-2;
const TOLERANCE: f32 = 4e-4;

/// Adds `change` to element `element`, counted through all parameters in the order of the tree.
struct Nudge {
    element: usize,
    change: f32,
}

impl ModuleMapper for Nudge {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let count = param.shape().num_elements();
        let here = self.element;
        // Wraps for the parameters behind the element, and so stays beyond every one of them.
        self.element = self.element.wrapping_sub(count);
        if here >= count {
            return param;
        }
        param.map(|tensor| {
            let mut values: Vec<f32> = tensor.to_data().iter().collect();
            values[here] += self.change;
            Tensor::from_data(TensorData::new(values, tensor.dims()), &tensor.device())
        })
    }
}

/// In training, with masks that are the same each time.
fn result(layer: &Recurrent) -> Tensor<1> {
    let lengths = Lengths::new([3, 1], 3).unwrap();
    let x = random(1, "x", [2, 3, 2]);
    let mode = Mode::Training(RandomSource::new(1));
    let (output, finals) = layer.forward(x, &lengths, None, mode);
    weighted_sum(&output, &tensors_of(finals))
}

/// The limit acts on some of the cell states, and none of the others is so near to it that a
/// nudge carries it there: a difference across that kink would mean nothing.
fn limited() -> Recurrent {
    let config = projected_and_limited(2, 3)
        .with_layers(1)
        .with_bidirectional(true);
    let limited = lstm_layer(&config);
    let free = lstm_layer(&config.with_cell_clip(None));
    assert_ne!(values(&result(&limited)), values(&result(&free)));
    limited
}

#[test]
fn gradients_agree_with_central_differences() {
    let mut layers = Vec::new();
    for cell in CELLS {
        for recurrent_dropout in [0.0, 0.5] {
            let config = RecurrentConfig::new(cell, 2, 2)
                .with_bidirectional(true)
                .with_recurrent_dropout(recurrent_dropout);
            let name = format!("{cell:?}, recurrent dropout {recurrent_dropout}");
            layers.push((name, layer(&config)));
        }
    }
    layers.push(("projected and limited Lstm".to_owned(), limited()));
    for (layer_name, layer) in layers {
        let gradients = parameter_gradients(&layer, &result(&layer).backward());
        // The tree's order, not the alphabet's.
        let names = [
            "input_weight",
            "recurrent_weight",
            "input_bias",
            "recurrent_bias",
            "projection_weight",
        ];
        let flat = names.iter().flat_map(|wanted| {
            gradients
                .iter()
                .filter(move |(name, _)| name.ends_with(wanted))
                .flat_map(|(name, gradient)| gradient.iter().map(move |value| (name, *value)))
        });
        assert_eq!(flat.clone().count(), layer.num_params());
        for (element, (name, gradient)) in flat.enumerate() {
            let nudged = |change| {
                result(&layer.clone().map(&mut Nudge { element, change })).into_scalar::<f32>()
            };
            let difference = (nudged(STEP) - nudged(-STEP)) / (2.0 * STEP);
            assert!(
                (gradient - difference).abs() < TOLERANCE,
                "{layer_name} {name}: gradient {gradient}, difference {difference}"
            );
        }
    }
}
