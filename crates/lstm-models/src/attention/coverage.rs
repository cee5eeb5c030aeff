//! Attention that is told what it attended to before.

use burn::tensor::{Int, Tensor};
use lstm_core::split_rows;

use super::{Attention, AttentionScore, Memory, weights_of};

/// How much attention each place of a source got so far, c_t = Σ_{t' < t} a_{t'}, and how a score reads it (Tu et al.
/// 2016; See et al. 2017):
///
/// - additive: vᵀ tanh(W_q q + W_k m + w_c c + b), as See et al. have it
/// - multiplicative and dot: qᵀ W m + w_c c, with one number w_c, so that all scores remain one product
#[derive(Debug, Clone)]
pub(crate) struct Coverage {
    /// c `[batch, source_time]`
    places: Tensor<2>,
    /// w_c: `[1, d_query]` of an additive score, else `[1, 1]`
    weight: Tensor<2>,
}

impl Coverage {
    /// How many numbers w_c has.
    pub fn features(score: AttentionScore, d_query: usize) -> usize {
        match score {
            AttentionScore::Additive => d_query,
            AttentionScore::Multiplicative | AttentionScore::Dot => 1,
        }
    }

    /// Nothing is covered yet.
    pub fn start(weight: Tensor<2>, memory: &Memory) -> Self {
        let [batch, time, _] = memory.values.dims();
        let options = (&memory.values.device(), memory.values.dtype());
        Self {
            places: Tensor::zeros([batch, time], options),
            weight,
        }
    }

    /// The coverage whose row `i` is this one's row `rows[i]`; rows may repeat.
    pub fn select_rows(self, rows: &Tensor<1, Int>) -> Self {
        Self {
            places: self.places.select(0, rows.clone()),
            ..self
        }
    }
}

/// What attention gives to queries that come one after the other.
pub(crate) struct Covered {
    /// `[batch, time, d_memory]`
    pub context: Tensor<3>,
    /// a_t `[batch, time, source_time]`
    pub weights: Tensor<3>,
    /// c_t `[batch, time, source_time]`
    pub coverage: Tensor<3>,
    /// After the last query.
    pub after: Coverage,
}

impl Attention {
    /// As [`forward`](Self::forward), where each query's score reads what those before it attended to. Only what
    /// depends on that is computed query by query.
    pub(crate) fn forward_covering(
        &self,
        queries: Tensor<3>,
        memory: &Memory,
        coverage: Coverage,
    ) -> Covered {
        let [batch, time, _] = queries.dims();
        let [_, source_time, _] = memory.values.dims();
        let Coverage { places, weight } = coverage;
        let mut places = places;
        let (mut all_weights, mut all_places) = (Vec::new(), Vec::new());
        for query in by_time(self.without_coverage(queries, memory)) {
            let scores = self.with_coverage(query, memory, &places, &weight);
            let weights = weights_of(scores);
            all_places.push(places.clone());
            all_weights.push(weights.clone());
            // c_{t+1} = c_t + a_t
            places = places + weights;
        }
        let [weights, coverage] = [all_weights, all_places].map(|all| {
            let all = Tensor::cat(all, 0).reshape([time, batch, source_time]);
            all.swap_dims(0, 1)
        });
        Covered {
            context: weights.clone().matmul(memory.values.clone()),
            weights,
            coverage,
            after: Coverage { places, weight },
        }
    }

    /// What scores have without coverage, of all queries at once: `[batch, time, source_time]`, or of an additive score
    /// W_q q + b, `[batch, time, d_query]`.
    fn without_coverage(&self, queries: Tensor<3>, memory: &Memory) -> Tensor<3> {
        match &self.additive {
            None => queries.matmul(memory.keys.clone().transpose()) + memory.mask.clone(),
            Some(additive) => additive.queries(queries),
        }
    }

    /// The scores of a query of each row: `[batch, source_time]`.
    fn with_coverage(
        &self,
        query: Tensor<2>,
        memory: &Memory,
        places: &Tensor<2>,
        weight: &Tensor<2>,
    ) -> Tensor<2> {
        let [batch, source_time] = places.dims();
        let Some(additive) = &self.additive else {
            return query + places.clone() * weight.clone();
        };
        let [_, d_query] = query.dims();
        let sums = memory.keys.clone()
            + query.reshape([batch, 1, d_query])
            + places.clone().reshape([batch, source_time, 1])
                * weight.clone().reshape([1, 1, d_query]);
        let sums = sums.tanh().reshape([batch * source_time, d_query]);
        let scores = sums.matmul(additive.score_weight.val());
        scores.reshape([batch, source_time]) + memory.mask.clone().reshape([batch, source_time])
    }
}

/// `[batch, time, features]` to `[batch, features]` of each time step.
fn by_time(all: Tensor<3>) -> Vec<Tensor<2>> {
    let [batch, time, features] = all.dims();
    let rows = all.swap_dims(0, 1).reshape([time * batch, features]);
    split_rows(rows, &vec![batch; time])
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::{Device, Tolerance};
    use lstm_core::Lengths;

    use super::super::tests::{SCORES, attention, numbers};
    use super::*;

    /// Two sources of three places and of two, three queries for each, and w_c of this size.
    fn covered(score: AttentionScore, size: f32) -> (Covered, Tensor<3>, Memory, Attention) {
        let attention = attention(score);
        let lengths = Lengths::new([3, 2], 3).unwrap();
        let memory = attention.remember(numbers([2, 3, 4]), &lengths);
        let queries = numbers([2, 3, 4]) * 0.3;
        let weight = Tensor::full([1, Coverage::features(score, 4)], size, &Device::flex());
        let start = Coverage::start(weight, &memory);
        let covered = attention.forward_covering(queries.clone(), &memory, start);
        (covered, queries, memory, attention)
    }

    #[test]
    fn a_score_that_does_not_read_coverage_is_the_one_without() {
        let tolerance = Tolerance::<f32>::absolute(1e-6);
        for score in SCORES {
            let (covered, queries, memory, attention) = covered(score, 0.0);
            let (context, weights) = attention.forward(queries, &memory);
            for (found, expected) in [(covered.context, context), (covered.weights, weights)] {
                let expected = expected.into_data();
                found.into_data().assert_approx_eq(&expected, tolerance);
            }
        }
    }

    #[test]
    fn coverage_is_the_sum_of_the_weights_before() {
        let tolerance = Tolerance::<f32>::absolute(1e-6);
        for score in SCORES {
            let (covered, ..) = covered(score, 0.7);
            let mut sum = Tensor::<3>::zeros([2, 1, 3], &Device::flex());
            for time in 0..3 {
                let at = [0..2, time..time + 1, 0..3];
                let found = covered.coverage.clone().slice(at.clone()).into_data();
                found.assert_approx_eq(&sum.clone().into_data(), tolerance);
                sum = sum + covered.weights.clone().slice(at);
            }
            let after = covered.after.places.into_data();
            after.assert_approx_eq(&sum.reshape([2, 3]).into_data(), tolerance);
        }
    }

    #[test]
    fn queries_one_by_one_get_what_they_get_together() {
        let tolerance = Tolerance::<f32>::absolute(1e-6);
        for score in SCORES {
            let (covered, queries, memory, attention) = covered(score, -1.5);
            let weight = covered.after.weight.clone();
            let mut coverage = Coverage::start(weight, &memory);
            for time in 0..3 {
                let query = queries.clone().slice([0..2, time..time + 1, 0..4]);
                let step = attention.forward_covering(query, &memory, coverage);
                let together = covered.context.clone().slice([0..2, time..time + 1, 0..4]);
                let together = together.into_data();
                step.context
                    .into_data()
                    .assert_approx_eq(&together, tolerance);
                coverage = step.after;
            }
        }
    }

    #[test]
    fn a_second_query_scores_by_the_equation() {
        for score in SCORES {
            let (covered, queries, memory, attention) = covered(score, 0.7);
            let c = covered.weights.clone().slice([0..1, 0..1, 0..3]);
            let c: Vec<f32> = c.into_data().iter().collect();
            let query = queries.slice([0..1, 1..2, 0..4]).reshape([1, 4]);
            let scores: Vec<f32> = (0..3)
                .map(|place| {
                    let key = memory.keys.clone().slice([0..1, place..place + 1, 0..4]);
                    let key = key.reshape([1, 4]);
                    match &attention.additive {
                        None => (query.clone() * key).sum().into_scalar::<f32>() + 0.7 * c[place],
                        Some(parts) => {
                            let sum = query.clone().matmul(parts.query_weight.val()) + key;
                            let sum = (sum + parts.bias.val() + 0.7 * c[place]).tanh();
                            let score = sum.matmul(parts.score_weight.val());
                            score.into_scalar::<f32>()
                        }
                    }
                })
                .collect();
            let whole: f32 = scores.iter().map(|score| score.exp()).sum();
            let found = covered.weights.slice([0..1, 1..2, 0..3]);
            let found: Vec<f32> = found.into_data().iter().collect();
            for (found, score) in found.iter().zip(&scores) {
                assert!((found - score.exp() / whole).abs() < 1e-5, "{score:?}");
            }
        }
    }
}
