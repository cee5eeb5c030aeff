//! Which parameters learn.

use super::{layers, parameter_gradients, random, tensors_of, weighted_sum};
use crate::{Lengths, Mode, Recurrent};

#[test]
fn every_single_weight_gets_a_gradient() {
    let lengths = Lengths::new([4, 2, 3], 5).unwrap();
    for (layer_name, layer) in layers(3, 4) {
        let x = random(1, "x", [3, 5, 3]);
        let (output, finals) = layer.forward(x, &lengths, None, Mode::Inference);
        let gradients = weighted_sum(&output, &tensors_of(finals)).backward();
        let gradients = parameter_gradients(&layer, &gradients);
        let each = match &layer {
            Recurrent::Lstm(lstm) if lstm.d_projection().is_some() => 5,
            _ => 4,
        };
        assert_eq!(gradients.len(), 2 * each, "{layer_name}: two layers");
        for (name, gradient) in gradients {
            assert!(
                gradient.iter().all(|value| *value != 0.0),
                "{layer_name}: {name} has a gradient of {gradient:?}"
            );
        }
    }
}
