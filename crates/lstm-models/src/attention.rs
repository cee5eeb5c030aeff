//! Attention: which places of a source a decoder's state looks at.

mod coverage;

use burn::module::{Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor, TensorData};
use lstm_core::{Lengths, WeightDraws};
use serde::{Deserialize, Serialize};

pub(crate) use coverage::Coverage;

/// How well a decoder's state fits a place of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttentionScore {
    /// vᵀ tanh(W_q q + W_k m + b) (Bahdanau et al. 2014).
    Additive,
    /// qᵀ W m (Luong et al. 2015, "general").
    #[default]
    Multiplicative,
    /// qᵀ m (Luong et al. 2015): without weights, for queries as wide as the memory.
    Dot,
}

/// Sizes of an [`Attention`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttentionSizes {
    /// Features of what the source is remembered as.
    pub d_memory: usize,
    /// Features of a decoder's state.
    pub d_query: usize,
}

/// Scores a decoder's states against all places of a source, and gives the mean of the memory there.
#[derive(Module, Debug)]
pub struct Attention {
    /// W `[d_memory, d_query]`, or W_k `[d_memory, d_query]`; none for the dot product.
    key_weight: Option<Param<Tensor<2>>>,
    additive: Option<AdditiveScore>,
}

/// What only the additive score has.
#[derive(Module, Debug)]
struct AdditiveScore {
    /// W_q `[d_query, d_query]`
    query_weight: Param<Tensor<2>>,
    /// b `[1, d_query]`
    bias: Param<Tensor<2>>,
    /// v `[d_query, 1]`
    score_weight: Param<Tensor<2>>,
}

/// What a decoder looks back at: a batch of sources, prepared for [`Attention::forward`].
#[derive(Debug, Clone)]
pub struct Memory {
    /// `[batch, source_time, d_memory]`
    values: Tensor<3>,
    /// What scores are computed from: `[batch, source_time, d_query]`.
    keys: Tensor<3>,
    /// Added to the scores: 0, and in the padding so little that its weight is 0. `[batch, 1, source_time]`
    mask: Tensor<3>,
}

/// e to this is 0 in 32-bit floats.
const NEVER: f32 = -1e9;

/// A place whose score is this much below the best one's has a weight below e^−60, and gets none: its part of the
/// mean is far below rounding, but weights and gradients below 10⁻³⁸ (denormal numbers) slow a processor's products
/// down by a factor of ten and more.
const NEGLIGIBLE: f32 = -60.0;

impl Memory {
    /// The memory whose source `i` is this one's source `rows[i]`; rows may repeat.
    pub fn select_rows(&self, rows: &Tensor<1, Int>) -> Self {
        let select = |tensor: &Tensor<3>| tensor.clone().select(0, rows.clone());
        Self {
            values: select(&self.values),
            keys: select(&self.keys),
            mask: select(&self.mask),
        }
    }
}

impl Attention {
    /// Attention with the next weights of `draws`.
    ///
    /// # Panics
    ///
    /// If the score is the dot product, and queries are not as wide as the memory.
    pub(crate) fn new(
        score: AttentionScore,
        sizes: AttentionSizes,
        draws: &mut WeightDraws,
    ) -> Self {
        let AttentionSizes { d_memory, d_query } = sizes;
        let weight = |draws: &mut WeightDraws, rows: usize, columns: usize| {
            let bound = (6.0 / (rows + columns) as f64).sqrt();
            draws.uniform([rows, columns], bound)
        };
        let key_weight = match score {
            AttentionScore::Dot => {
                assert_eq!(d_query, d_memory, "a dot product is of vectors of one size");
                None
            }
            AttentionScore::Additive | AttentionScore::Multiplicative => {
                Some(weight(draws, d_memory, d_query))
            }
        };
        let additive = (score == AttentionScore::Additive).then(|| AdditiveScore {
            query_weight: weight(draws, d_query, d_query),
            bias: draws.parameter([1, d_query], vec![0.0; d_query]),
            score_weight: weight(draws, d_query, 1),
        });
        Self {
            key_weight,
            additive,
        }
    }

    /// Prepares a batch of sources.
    ///
    /// # Shapes
    ///
    /// - `values`: `[batch, source_time, d_memory]`, zero in the padding
    pub fn remember(&self, values: Tensor<3>, lengths: &Lengths) -> Memory {
        let [batch, time, d_memory] = values.dims();
        let keys = match &self.key_weight {
            None => values.clone(),
            Some(weight) => {
                let weight = weight.val();
                let [_, d_query] = weight.dims();
                let flat = values.clone().reshape([batch * time, d_memory]);
                flat.matmul(weight).reshape([batch, time, d_query])
            }
        };
        let mask = lengths.as_slice().iter().flat_map(|length| {
            (0..time).map(move |place| if place < *length { 0.0 } else { NEVER })
        });
        let mask = TensorData::new(mask.collect::<Vec<f32>>(), [batch, 1, time]);
        Memory {
            mask: Tensor::from_data(mask, &values.device()),
            values,
            keys,
        }
    }

    /// The mean of the memory with the weights softmax(score), and these weights.
    ///
    /// A source without a place gives a mean of zero.
    ///
    /// # Shapes
    ///
    /// - `queries`: `[batch, time, d_query]`
    /// - the mean, the *context*: `[batch, time, d_memory]`
    /// - the weights: `[batch, time, source_time]`; those of a query add up to 1
    pub fn forward(&self, queries: Tensor<3>, memory: &Memory) -> (Tensor<3>, Tensor<3>) {
        let scores = match &self.additive {
            None => queries.matmul(memory.keys.clone().transpose()),
            Some(additive) => additive.scores(queries, memory.keys.clone()),
        };
        let weights = weights_of(scores + memory.mask.clone());
        (weights.clone().matmul(memory.values.clone()), weights)
    }
}

/// The weights of places with these scores, along the last dimension.
fn weights_of<const D: usize>(scores: Tensor<D>) -> Tensor<D> {
    let below_best = scores.clone().detach() - scores.clone().detach().max_dim(D - 1);
    let scores = scores.mask_fill(below_best.lower_elem(NEGLIGIBLE), NEVER);
    softmax(scores, D - 1)
}

impl AdditiveScore {
    /// W_q q + b: `[batch, time, d_query]`.
    fn queries(&self, queries: Tensor<3>) -> Tensor<3> {
        let [batch, time, d_query] = queries.dims();
        let queries = queries.reshape([batch * time, d_query]);
        let queries = queries.matmul(self.query_weight.val()) + self.bias.val();
        queries.reshape([batch, time, d_query])
    }

    /// vᵀ tanh(W_q q + W_k m + b) of each query and place: `[batch, time, source_time]`.
    fn scores(&self, queries: Tensor<3>, keys: Tensor<3>) -> Tensor<3> {
        let [batch, time, d_query] = queries.dims();
        let [_, places, _] = keys.dims();
        let queries = self.queries(queries).reshape([batch, time, 1, d_query]);
        let sums = queries + keys.reshape([batch, 1, places, d_query]);
        let sums = sums.tanh().reshape([batch * time * places, d_query]);
        sums.matmul(self.score_weight.val())
            .reshape([batch, time, places])
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tolerance};

    use super::*;

    pub(super) const SCORES: [AttentionScore; 3] = [
        AttentionScore::Additive,
        AttentionScore::Multiplicative,
        AttentionScore::Dot,
    ];

    pub(super) fn attention(score: AttentionScore) -> Attention {
        let sizes = AttentionSizes {
            d_memory: 4,
            d_query: 4,
        };
        Attention::new(score, sizes, &mut WeightDraws::new(2, &Device::flex()))
    }

    pub(super) fn numbers<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        let count = shape.iter().product::<usize>();
        let numbers = (0..count).map(|at| ((at * 37) % 29) as f32 / 7.0 - 2.0);
        let data = TensorData::new(numbers.collect::<Vec<f32>>(), shape);
        Tensor::from_data(data, &Device::flex())
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_into_vec().unwrap()
    }

    #[test]
    fn weights_are_the_softmax_of_the_equation() {
        let queries = numbers([1, 1, 4]);
        let places = numbers([1, 3, 4]) * 0.5;
        for score in SCORES {
            let attention = attention(score);
            let memory = attention.remember(places.clone(), &Lengths::full(1, 3));
            let (context, weights) = attention.forward(queries.clone(), &memory);
            let query = queries.clone().reshape([1, 4]);
            let scores: Vec<f32> = (0..3)
                .map(|place| {
                    let m = places
                        .clone()
                        .slice([0..1, place..place + 1])
                        .reshape([1, 4]);
                    let key = attention.key_weight.as_ref().map(|weight| weight.val());
                    let key = key.map_or(m.clone(), |weight| m.matmul(weight));
                    let score = match &attention.additive {
                        None => (query.clone() * key).sum(),
                        Some(parts) => {
                            let sum = query.clone().matmul(parts.query_weight.val()) + key;
                            let sum = (sum + parts.bias.val()).tanh();
                            sum.matmul(parts.score_weight.val()).reshape([1])
                        }
                    };
                    score.into_scalar::<f32>()
                })
                .collect();
            let whole: f32 = scores.iter().map(|score| score.exp()).sum();
            let expected: Vec<f32> = scores.iter().map(|score| score.exp() / whole).collect();
            let mut mean = Tensor::<2>::zeros([1, 4], &Device::flex());
            for (place, weight) in expected.iter().enumerate() {
                let m = places.clone().slice([0..1, place..place + 1]);
                mean = mean + m.reshape([1, 4]) * *weight;
            }
            for (found, expected) in values(weights).iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-6, "{score:?}");
            }
            let mean = mean.reshape([1, 1, 4]).into_data();
            let tolerance = Tolerance::<f32>::absolute(1e-5);
            context.into_data().assert_approx_eq(&mean, tolerance);
        }
    }

    #[test]
    fn padding_never_gets_a_weight_and_never_changes_one() {
        for score in SCORES {
            let attention = attention(score);
            let queries = numbers([1, 2, 4]);
            let real = numbers([1, 3, 4]);
            let alone = attention.remember(real.clone(), &Lengths::full(1, 3));
            let (context, weights) = attention.forward(queries.clone(), &alone);
            let padded = Tensor::cat(vec![real, Tensor::zeros([1, 2, 4], &Device::flex())], 1);
            let padded = attention.remember(padded, &Lengths::new([3], 5).unwrap());
            let (same_context, padded_weights) = attention.forward(queries, &padded);
            let tolerance = Tolerance::<f32>::absolute(1e-6);
            let (context, same) = (context.into_data(), same_context.into_data());
            same.assert_approx_eq(&context, tolerance);
            let padding = padded_weights.clone().slice([0..1, 0..2, 3..5]);
            assert_eq!(values(padding), [0.0; 4]);
            let kept = padded_weights.slice([0..1, 0..2, 0..3]).into_data();
            kept.assert_approx_eq(&weights.into_data(), tolerance);
        }
    }

    #[test]
    fn weights_and_their_gradients_are_zero_or_normal_numbers() {
        let attention = attention(AttentionScore::Dot);
        let device = Device::flex().autodiff();
        // Scores from 0 to 120: e^−120 is no 32-bit float, and e^−90 a denormal one.
        let places = (0..13).flat_map(|place| [10.0 * place as f32, 0.5, 0.0, 0.0]);
        let places = TensorData::new(places.collect::<Vec<f32>>(), [1, 13, 4]);
        let places = Tensor::<3>::from_data(places, &device).require_grad();
        let query = Tensor::<3>::from_floats([[[1.0, 0.0, 0.0, 0.0]]], &device);
        let memory = attention.remember(places.clone(), &Lengths::full(1, 13));
        let (context, weights) = attention.forward(query, &memory);
        let gradients = context.sum().backward();
        let gradient = places.grad(&gradients).unwrap();
        let weights = values(weights);
        for value in weights.iter().chain(&values(gradient)) {
            assert!(*value == 0.0 || value.is_normal(), "{value}");
        }
        // Those up to 60 below the best one.
        assert_eq!(weights.iter().filter(|weight| **weight > 0.0).count(), 7);
        assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_source_without_a_place_gives_zero() {
        for score in SCORES {
            let attention = attention(score);
            let nothing = Tensor::zeros([1, 2, 4], &Device::flex());
            let memory = attention.remember(nothing, &Lengths::new([0], 2).unwrap());
            let (context, _) = attention.forward(numbers([1, 1, 4]), &memory);
            assert_eq!(values(context), [0.0; 4]);
        }
    }

    #[test]
    fn rows_of_a_memory_are_selected_in_every_part() {
        let attention = attention(AttentionScore::Multiplicative);
        let lengths = Lengths::new([3, 1], 3).unwrap();
        let real = Tensor::from_floats(
            [[[1.0], [1.0], [1.0]], [[1.0], [0.0], [0.0]]],
            &Device::flex(),
        );
        let memory = attention.remember(numbers([2, 3, 4]) * real, &lengths);
        let rows = Tensor::from_ints([1, 0, 1], &Device::flex());
        let selected = memory.select_rows(&rows);
        let queries = numbers([2, 1, 4]);
        let [first, second] = [0, 1].map(|row| queries.clone().slice([row..row + 1]));
        let (context, _) = attention.forward(queries, &memory);
        let [of_first, of_second] = [0, 1].map(|row| context.clone().slice([row..row + 1]));
        let queries = Tensor::cat(vec![second.clone(), first, second], 0);
        let (found, _) = attention.forward(queries, &selected);
        let expected = Tensor::cat(vec![of_second.clone(), of_first, of_second], 0);
        let tolerance = Tolerance::<f32>::absolute(1e-6);
        found
            .into_data()
            .assert_approx_eq(&expected.into_data(), tolerance);
    }
}
