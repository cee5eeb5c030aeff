//! The layers against PyTorch 2.15: `tests/golden/generate.py` made the numbers.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};
use serde::Deserialize;

use super::{assert_close, device, gradient, parameter_gradients, state_of, tensors_of, values};
use crate::weights::PackedWeights;
use crate::{GruConfig, Lengths, LstmConfig, Mode, Recurrent, WeightDraws};

/// A bidirectional stack in PyTorch, a ragged batch, and the loss that weighs each element of the
/// output and of the final states with [`loss_weight`].
#[derive(Deserialize)]
struct Golden {
    d_input: usize,
    d_hidden: usize,
    d_projection: Option<usize>,
    layers: usize,
    lengths: Vec<usize>,
    time: usize,
    x: Vec<f32>,
    initial: Vec<Vec<f32>>,
    parameters: BTreeMap<String, Vec<f32>>,
    output: Vec<f32>,
    #[serde(rename = "final")]
    finals: Vec<Vec<f32>>,
    x_gradient: Vec<f32>,
    initial_gradients: Vec<Vec<f32>>,
    parameter_gradients: BTreeMap<String, Vec<f32>>,
}

fn loss_weight(index: usize) -> f32 {
    (index % 7) as f32 / 4.0 - 0.75
}

fn weighed(tensor: &Tensor<3>) -> Tensor<1> {
    let weights: Vec<f32> = (0..tensor.shape().num_elements())
        .map(loss_weight)
        .collect();
    let weights = TensorData::new(weights, tensor.dims());
    (tensor.clone() * Tensor::from_data(weights, &device())).sum()
}

impl Golden {
    /// PyTorch's parameters of one layer, or their gradients, in our layout: of each matrix
    /// `[columns, rows]` the transpose, and both directions in one.
    fn packed(&self, parameters: &BTreeMap<String, Vec<f32>>, layer: usize) -> PackedWeights {
        let draws = WeightDraws::new(0, &device());
        let both = |name: &str| {
            let forward = &parameters[&format!("{name}_l{layer}")];
            let reverse = &parameters[&format!("{name}_l{layer}_reverse")];
            [&forward[..], reverse].concat()
        };
        let packed_columns = both("bias_ih").len() / 2;
        let weight = |name: &str, columns: usize| {
            let values = both(name);
            let rows = values.len() / 2 / columns;
            let data = TensorData::new(values, [2, columns, rows]);
            let tensor = Tensor::<3>::from_data(data, &device()).swap_dims(1, 2);
            draws.parameter([2, rows, columns], super::values(&tensor))
        };
        let bias = |name: &str| Some(draws.parameter([2, packed_columns], both(name)));
        PackedWeights {
            input_weight: weight("weight_ih", packed_columns),
            recurrent_weight: weight("weight_hh", packed_columns),
            input_bias: bias("bias_ih"),
            recurrent_bias: bias("bias_hh"),
            projection_weight: self
                .d_projection
                .map(|columns| weight("weight_hr", columns)),
        }
    }

    fn all_packed(&self, parameters: &BTreeMap<String, Vec<f32>>) -> Vec<PackedWeights> {
        (0..self.layers)
            .map(|layer| self.packed(parameters, layer))
            .collect()
    }

    /// Runs `layer`, which has the golden parameters, and compares everything.
    fn check(&self, layer: &Recurrent, stack: &[PackedWeights]) {
        let batch = self.lengths.len();
        let leaf = |values: &[f32], shape: [usize; 3]| {
            let data = TensorData::new(values.to_vec(), shape);
            Tensor::<3>::from_data(data, &device()).require_grad()
        };
        let x = leaf(&self.x, [batch, self.time, self.d_input]);
        let d_recurrent = self.d_projection.unwrap_or(self.d_hidden);
        let initial: Vec<_> = self
            .initial
            .iter()
            .zip([d_recurrent, self.d_hidden])
            .map(|(state, features)| leaf(state, [2 * self.layers, batch, features]))
            .collect();
        let lengths = Lengths::new(self.lengths.clone(), self.time).unwrap();
        let state = Some(state_of(&initial));
        let (output, finals) = layer.forward(x.clone(), &lengths, state, Mode::Inference);
        let finals = tensors_of(finals);
        assert_close(&values(&output), &self.output, "output");
        for (found, expected) in finals.iter().zip(&self.finals) {
            assert_close(&values(found), expected, "final state");
        }

        let loss = finals
            .iter()
            .fold(weighed(&output), |loss, state| loss + weighed(state));
        let gradients = loss.backward();
        assert_close(
            &gradient(&x, &gradients),
            &self.x_gradient,
            "gradient of the input",
        );
        for (initial, expected) in initial.iter().zip(&self.initial_gradients) {
            let found = gradient(initial, &gradients);
            assert_close(&found, expected, "gradient of the initial state");
        }
        for (index, weights) in stack.iter().enumerate() {
            let found = parameter_gradients(weights, &gradients);
            let expected = self.packed(&self.parameter_gradients, index);
            let mut named = vec![
                ("input_weight", values(&expected.input_weight.val())),
                ("recurrent_weight", values(&expected.recurrent_weight.val())),
                ("input_bias", values(&expected.input_bias.unwrap().val())),
                (
                    "recurrent_bias",
                    values(&expected.recurrent_bias.unwrap().val()),
                ),
            ];
            if let Some(weight) = expected.projection_weight {
                named.push(("projection_weight", values(&weight.val())));
            }
            assert_eq!(found.len(), named.len());
            for (name, expected) in named {
                let what = format!("gradient of {name} of layer {index}");
                assert_close(&found[name], &expected, &what);
            }
        }
    }
}

fn lstm_agrees(golden: &str) {
    let golden: Golden = serde_json::from_str(golden).unwrap();
    let mut lstm = LstmConfig::new(golden.d_input, golden.d_hidden)
        .with_projection(golden.d_projection)
        .with_layers(golden.layers)
        .with_bidirectional(true)
        .init(&device());
    lstm.layers = golden.all_packed(&golden.parameters);
    golden.check(&Recurrent::Lstm(lstm.clone()), &lstm.layers);
}

#[test]
fn lstm_agrees_with_pytorch() {
    lstm_agrees(include_str!("../../tests/golden/lstm.json"));
}

#[test]
fn projected_lstm_agrees_with_pytorch() {
    lstm_agrees(include_str!("../../tests/golden/lstm_projected.json"));
}

#[test]
fn gru_agrees_with_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("../../tests/golden/gru.json")).unwrap();
    let mut gru = GruConfig::new(golden.d_input, golden.d_hidden)
        .with_layers(golden.layers)
        .with_bidirectional(true)
        .init(&device());
    gru.layers = golden.all_packed(&golden.parameters);
    golden.check(&Recurrent::Gru(gru.clone()), &gru.layers);
}
