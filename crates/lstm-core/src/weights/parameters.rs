//! A layer's parameters from weights on the host, and back.

use burn::module::Param;
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use super::array::Array;
use super::error::WeightsError;
use super::packed::PackedWeights;
use super::recurrent::RecurrentWeights;
use super::stacked::StackedArrays;
use crate::recurrent::Cell;

/// The weights of each layer on `device`.
pub fn packed(weights: &RecurrentWeights, device: &Device) -> Vec<PackedWeights> {
    fn param<const D: usize>(array: Array, device: &Device) -> Param<Tensor<D>> {
        let data = TensorData::new(array.values, array.shape);
        Param::from_tensor(Tensor::from_data(data, device))
    }
    let layers = weights.layers.iter().map(|layer| StackedArrays::of(layer));
    layers
        .map(|layer| PackedWeights {
            input_weight: param(layer.input_weight, device),
            recurrent_weight: param(layer.recurrent_weight, device),
            input_bias: layer.input_bias.map(|bias| param(bias, device)),
            recurrent_bias: layer.recurrent_bias.map(|bias| param(bias, device)),
            projection_weight: layer.projection_weight.map(|weight| param(weight, device)),
        })
        .collect()
}

/// The weights of each layer, in the place of those of `layers`, which have the same sizes.
pub fn replaced(
    layers: &[PackedWeights],
    weights: &RecurrentWeights,
) -> Result<Vec<PackedWeights>, WeightsError> {
    let ours = Sizes::of_layers(layers);
    let theirs = Sizes::of_weights(weights);
    if ours != theirs {
        return Err(WeightsError::Size {
            what: "a layer's weights".to_owned(),
            found: format!("{theirs:?}"),
            expected: format!("{ours:?}"),
        });
    }
    Ok(packed(weights, &layers[0].input_weight.val().device()))
}

/// What a layer's sizes are called in an error.
#[derive(Debug, PartialEq)]
struct Sizes {
    layers: usize,
    directions: usize,
    d_input: usize,
    d_hidden: usize,
    d_projection: Option<usize>,
    bias: bool,
}

impl Sizes {
    fn of_layers(layers: &[PackedWeights]) -> Self {
        let first = &layers[0];
        Self {
            layers: layers.len(),
            directions: first.directions(),
            d_input: first.d_input(),
            d_hidden: first.d_hidden(),
            d_projection: first.d_projection(),
            bias: first.input_bias.is_some(),
        }
    }

    fn of_weights(weights: &RecurrentWeights) -> Self {
        Self {
            layers: weights.layers.len(),
            directions: weights.directions(),
            d_input: weights.d_input(),
            d_hidden: weights.d_hidden(),
            d_projection: weights.d_projection(),
            bias: weights.bias(),
        }
    }
}

/// The weights of each layer on the host, or their gradients in the same places.
pub fn unpacked(
    cell: Cell,
    layers: &[PackedWeights],
    gradients: Option<&Gradients>,
) -> RecurrentWeights {
    fn array<const D: usize>(param: &Param<Tensor<D>>, gradients: Option<&Gradients>) -> Array {
        let weight = param.val();
        let tensor = match gradients {
            None => weight,
            Some(gradients) => weight
                .grad(gradients)
                .unwrap_or_else(|| weight.inner().zeros_like()),
        };
        let data = tensor.into_data();
        let shape: Vec<usize> = data.shape().iter().copied().collect();
        Array::new(shape, data.iter::<f32>().collect())
    }
    let maybe = |bias: &Option<Param<Tensor<2>>>| bias.as_ref().map(|bias| array(bias, gradients));
    let stacked = |layer: &PackedWeights| StackedArrays {
        input_weight: array(&layer.input_weight, gradients),
        recurrent_weight: array(&layer.recurrent_weight, gradients),
        input_bias: maybe(&layer.input_bias),
        recurrent_bias: maybe(&layer.recurrent_bias),
        projection_weight: layer
            .projection_weight
            .as_ref()
            .map(|weight| array(weight, gradients)),
    };
    RecurrentWeights {
        cell,
        layers: layers
            .iter()
            .map(|layer| stacked(layer).directions())
            .collect(),
        converted: Vec::new(),
    }
}
