//! One vector for a whole sequence.

#[cfg(feature = "flex")]
mod over_time;

use burn::module::{Module, Param};
use burn::tensor::activation::{softmax, tanh};
use burn::tensor::{Bool, Tensor, TensorData};
use lstm_core::{Lengths, RecurrentState, WeightDraws};
use serde::{Deserialize, Serialize};

#[cfg(feature = "flex")]
use crate::host;

/// How the outputs of all time steps become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The last layer's hidden state after the last step of each direction.
    #[default]
    Last,
    /// The mean over the real time steps.
    Mean,
    /// The largest value of each feature over the real time steps.
    Max,
    /// A weighted mean, with learned weights (Yang et al. 2016): u_t = tanh(W·h_t + b),
    /// α = softmax(u·q), the vector is Σ α_t h_t.
    Attention,
}

/// One or several [`Pooling`]s side by side, with their parameters if they have any.
#[derive(Module, Debug)]
pub struct PoolingLayer {
    attention: Option<AttentionPooling>,
    #[module(skip)]
    kinds: Vec<Pooling>,
}

/// The parameters of [`Pooling::Attention`].
#[derive(Module, Debug)]
pub struct AttentionPooling {
    /// W: `[features, features]`
    weight: Param<Tensor<2>>,
    /// b: `[1, features]`
    bias: Param<Tensor<2>>,
    /// q: `[features, 1]`
    query: Param<Tensor<2>>,
}

/// Stands for minus infinity where a softmax or a maximum must not see the padding: finite, so
/// that a sequence of padding only gives numbers.
const MASKED: f32 = -1e30;

impl PoolingLayer {
    /// Poolings of `features` features each.
    pub fn new(kinds: &[Pooling], features: usize, draws: &mut WeightDraws) -> Self {
        let attention = kinds.contains(&Pooling::Attention).then(|| {
            let bound = (6.0 / (2 * features) as f64).sqrt();
            AttentionPooling {
                weight: draws.uniform([features, features], bound),
                bias: draws.parameter([1, features], vec![0.0; features]),
                query: draws.uniform([features, 1], (6.0 / (features + 1) as f64).sqrt()),
            }
        });
        Self {
            attention,
            kinds: kinds.to_vec(),
        }
    }

    /// The vectors `[batch, poolings * features]` of `outputs` `[batch, time, features]`, which are
    /// zero in the `padding` `[batch, time]`; a sequence of length 0 gives zeros.
    pub fn forward(
        &self,
        outputs: Tensor<3>,
        state: &RecurrentState,
        lengths: &Lengths,
        padding: Tensor<2, Bool>,
    ) -> Tensor<2> {
        let mut over_time = self.over_time(&outputs, lengths, &padding).into_iter();
        let pooled = self.kinds.iter().map(|kind| match kind {
            Pooling::Last => last(outputs.dims()[2], state),
            Pooling::Mean | Pooling::Max => over_time.next().expect("there is one for each"),
            Pooling::Attention => self
                .attention
                .as_ref()
                .expect("attention has its parameters")
                .forward(outputs.clone(), padding.clone()),
        });
        Tensor::cat(pooled.collect(), 1)
    }

    /// The means and maxima, in their order: `[batch, features]` each.
    fn over_time(
        &self,
        outputs: &Tensor<3>,
        lengths: &Lengths,
        padding: &Tensor<2, Bool>,
    ) -> Vec<Tensor<2>> {
        let is_over_time = |kind: &Pooling| matches!(kind, Pooling::Mean | Pooling::Max);
        let kinds: Vec<Pooling> = self.kinds.iter().copied().filter(is_over_time).collect();
        #[cfg(feature = "flex")]
        if !kinds.is_empty() && host::holds(outputs) {
            let pooled = over_time::pool(outputs.clone(), &kinds, lengths);
            return pooled.chunk(kinds.len(), 1);
        }
        let pool = |kind: &Pooling| match kind {
            Pooling::Mean => mean(outputs.clone(), lengths),
            _ => max(outputs.clone(), lengths, padding.clone()),
        };
        kinds.iter().map(pool).collect()
    }
}

/// The last layer's states, one direction beside the other.
fn last(features: usize, state: &RecurrentState) -> Tensor<2> {
    let hidden = state.hidden();
    let [rows, batch, d_hidden] = hidden.dims();
    let directions = features / d_hidden;
    hidden
        .clone()
        .slice([rows - directions..rows])
        .swap_dims(0, 1)
        .reshape([batch, features])
}

fn mean(outputs: Tensor<3>, lengths: &Lengths) -> Tensor<2> {
    let [batch, _, features] = outputs.dims();
    let device = outputs.device();
    let shares: Vec<f32> = lengths
        .as_slice()
        .iter()
        .map(|&length| 1.0 / length.max(1) as f32)
        .collect();
    let shares = Tensor::<2>::from_data(TensorData::new(shares, [batch, 1]), &device);
    outputs.sum_dim(1).reshape([batch, features]) * shares
}

fn max(outputs: Tensor<3>, lengths: &Lengths, padding: Tensor<2, Bool>) -> Tensor<2> {
    let [batch, time, features] = outputs.dims();
    // An empty sequence keeps its zeros.
    let some: Vec<bool> = lengths
        .as_slice()
        .iter()
        .map(|&length| length > 0)
        .collect();
    let some = Tensor::<2, Bool>::from_data(TensorData::new(some, [batch, 1]), &outputs.device());
    let hidden = padding.bool_and(some.expand([batch, time]));
    outputs
        .mask_fill(
            hidden.unsqueeze_dim::<3>(2).expand([batch, time, features]),
            MASKED,
        )
        .max_dim(1)
        .reshape([batch, features])
}

impl AttentionPooling {
    fn forward(&self, outputs: Tensor<3>, padding: Tensor<2, Bool>) -> Tensor<2> {
        let [batch, time, features] = outputs.dims();
        let flat = outputs.clone().reshape([batch * time, features]);
        // u_t = tanh(W·h_t + b)
        let keys = tanh(flat.matmul(self.weight.val()) + self.bias.val());
        let scores = keys.matmul(self.query.val()).reshape([batch, time]);
        // α = softmax(u·q) over the real steps
        let weights = softmax(scores.mask_fill(padding, MASKED), 1);
        // Σ α_t h_t
        weights
            .reshape([batch, 1, time])
            .matmul(outputs)
            .reshape([batch, features])
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use lstm_core::GruState;

    use super::*;

    fn pooled(kinds: &[Pooling]) -> Vec<f32> {
        let device = Device::flex();
        // Two features, three steps; lengths 2 and 0.
        let outputs = Tensor::<3>::from_floats(
            [
                [[-1.0, 2.0], [-3.0, 4.0], [0.0, 0.0]],
                [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]],
            ],
            &device,
        );
        let state = RecurrentState::Gru(GruState {
            hidden: Tensor::from_floats(
                [[[9.0, 9.0], [9.0, 9.0]], [[-3.0, 4.0], [0.0, 0.0]]],
                &device,
            ),
        });
        let lengths = Lengths::new([2, 0], 3).unwrap();
        let padding = Tensor::<2, Bool>::from_data(
            TensorData::new(vec![false, false, true, true, true, true], [2, 3]),
            &device,
        );
        let layer = PoolingLayer::new(kinds, 2, &mut WeightDraws::new(1, &device));
        layer
            .forward(outputs, &state, &lengths, padding)
            .into_data()
            .try_to_vec()
            .unwrap()
    }

    #[test]
    fn each_kind_pools_the_real_steps_only() {
        assert_eq!(pooled(&[Pooling::Last]), [-3.0, 4.0, 0.0, 0.0]);
        assert_eq!(pooled(&[Pooling::Mean]), [-2.0, 3.0, 0.0, 0.0]);
        assert_eq!(pooled(&[Pooling::Max]), [-1.0, 4.0, 0.0, 0.0]);
        let both = pooled(&[Pooling::Max, Pooling::Last]);
        assert_eq!(both, [-1.0, 4.0, -3.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
        let attention = pooled(&[Pooling::Attention]);
        assert!((-3.0..=-1.0).contains(&attention[0]), "{attention:?}");
        assert!((2.0..=4.0).contains(&attention[1]), "{attention:?}");
        assert_eq!(attention[2..], [0.0, 0.0]);
    }
}
