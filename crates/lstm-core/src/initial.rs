//! What the packed weights of a layer start from.

use serde::{Deserialize, Serialize};

use crate::draws::WeightDraws;
use crate::random::RandomStream;
use crate::weights::PackedWeights;

/// How the weights of a recurrent layer start.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecurrentInit {
    /// Recurrent weights orthogonal gate by gate (Saxe et al. 2014; behind a projection: orthonormal
    /// rows), input weights Xavier uniform gate by gate (Glorot and Bengio 2010), the projection
    /// Xavier uniform, biases 0 except the LSTM's forget gate, which starts at 1 (Gers et al. 2000;
    /// Jozefowicz et al. 2015). Keras starts much like this.
    #[default]
    Orthogonal,
    /// Everything uniform in ±1/√d_hidden, as `torch.nn.LSTM` and `torch.nn.GRU` do.
    Uniform,
    /// Weights uniform in ± this, biases 0, that of the forget gate too (Zaremba et al. 2014).
    Range(f64),
}

/// The sizes of one layer's packed weights.
pub(crate) struct PackedSizes {
    pub directions: usize,
    pub gates: usize,
    pub d_input: usize,
    pub d_hidden: usize,
    /// Features of the projected hidden state, if it is projected.
    pub d_projection: Option<usize>,
    pub bias: bool,
}

impl PackedSizes {
    /// Features of the hidden state of one direction: what the recurrent weights read.
    fn d_recurrent(&self) -> usize {
        self.d_projection.unwrap_or(self.d_hidden)
    }

    /// # Panics
    ///
    /// If a size is 0, or the projection not narrower than the hidden units.
    fn check(&self) {
        let d_hidden = self.d_hidden;
        assert!(
            self.d_input > 0 && d_hidden > 0,
            "a recurrent layer has at least one input and one hidden unit, not {} inputs and \
             {d_hidden} hidden units",
            self.d_input,
        );
        if let Some(d_projection) = self.d_projection {
            assert!(
                (1..d_hidden).contains(&d_projection),
                "a projection has at least one feature and fewer than the {d_hidden} hidden units, \
                 not {d_projection}"
            );
        }
    }
}

/// The sizes of a stack of layers.
pub(crate) struct StackSizes {
    pub layers: usize,
    pub bidirectional: bool,
    pub gates: usize,
    pub d_input: usize,
    pub d_hidden: usize,
    /// Features of the projected hidden state, if it is projected.
    pub d_projection: Option<usize>,
    pub bias: bool,
}

impl StackSizes {
    /// Draws the weights of all layers; `forget_gate` is the gate whose input bias starts at 1.
    pub fn draw(
        &self,
        init: RecurrentInit,
        forget_gate: Option<usize>,
        draws: &mut WeightDraws,
    ) -> Vec<PackedWeights> {
        assert!(self.layers > 0, "a stack has at least one layer");
        let directions = if self.bidirectional { 2 } else { 1 };
        (0..self.layers)
            .map(|layer| {
                let sizes = PackedSizes {
                    directions,
                    gates: self.gates,
                    d_input: match layer {
                        0 => self.d_input,
                        _ => directions * self.d_projection.unwrap_or(self.d_hidden),
                    },
                    d_hidden: self.d_hidden,
                    d_projection: self.d_projection,
                    bias: self.bias,
                };
                PackedWeights::draw(&sizes, init, forget_gate, draws)
            })
            .collect()
    }
}

impl PackedWeights {
    /// Draws the weights; `forget_gate` is the gate whose input bias starts at 1.
    ///
    /// # Panics
    ///
    /// If the sizes do not fit each other.
    pub fn draw(
        sizes: &PackedSizes,
        init: RecurrentInit,
        forget_gate: Option<usize>,
        draws: &mut WeightDraws,
    ) -> Self {
        sizes.check();
        match init {
            RecurrentInit::Orthogonal => Self::draw_orthogonal(sizes, forget_gate, draws),
            RecurrentInit::Uniform => {
                let bound = 1.0 / (sizes.d_hidden as f64).sqrt();
                Self::draw_uniform(sizes, bound, bound, draws)
            }
            RecurrentInit::Range(bound) => Self::draw_uniform(sizes, bound, 0.0, draws),
        }
    }

    /// Weights uniform in ±`bound`, biases in ±`bias_bound`.
    fn draw_uniform(
        sizes: &PackedSizes,
        bound: f64,
        bias_bound: f64,
        draws: &mut WeightDraws,
    ) -> Self {
        let columns = sizes.gates * sizes.d_hidden;
        let directions = sizes.directions;
        Self {
            input_weight: draws.uniform([directions, sizes.d_input, columns], bound),
            recurrent_weight: draws.uniform([directions, sizes.d_recurrent(), columns], bound),
            input_bias: sizes
                .bias
                .then(|| draws.uniform([directions, columns], bias_bound)),
            recurrent_bias: sizes
                .bias
                .then(|| draws.uniform([directions, columns], bias_bound)),
            projection_weight: sizes.d_projection.map(|d_projection| {
                draws.uniform([directions, sizes.d_hidden, d_projection], bound)
            }),
        }
    }

    fn draw_orthogonal(
        sizes: &PackedSizes,
        forget_gate: Option<usize>,
        draws: &mut WeightDraws,
    ) -> Self {
        let (directions, d_hidden) = (sizes.directions, sizes.d_hidden);
        let d_recurrent = sizes.d_recurrent();
        let columns = sizes.gates * d_hidden;
        // Xavier's bound for one gate: its fan-out is d_hidden, not the packed width.
        let bound = (6.0 / (sizes.d_input + d_hidden) as f64).sqrt();
        let input_weight = draws.uniform([directions, sizes.d_input, columns], bound);

        let recurrent_weight = draws.drawn([directions, d_recurrent, columns], |draws| {
            let mut recurrent = vec![0.0; directions * d_recurrent * columns];
            for direction in recurrent.chunks_exact_mut(d_recurrent * columns) {
                for gate in 0..sizes.gates {
                    let matrix = orthogonal([d_recurrent, d_hidden], &mut draws.next_stream());
                    for (row, values) in matrix.chunks_exact(d_hidden).enumerate() {
                        let start = row * columns + gate * d_hidden;
                        direction[start..start + d_hidden].copy_from_slice(values);
                    }
                }
            }
            recurrent
        });

        let mut bias = |ones: Option<usize>| {
            draws.drawn([directions, columns], |_| {
                let mut values = vec![0.0; directions * columns];
                if let Some(gate) = ones {
                    for direction in values.chunks_exact_mut(columns) {
                        direction[gate * d_hidden..(gate + 1) * d_hidden].fill(1.0);
                    }
                }
                values
            })
        };
        let input_bias = sizes.bias.then(|| bias(forget_gate));
        let recurrent_bias = sizes.bias.then(|| bias(None));

        let projection_weight = sizes.d_projection.map(|d_projection| {
            let bound = (6.0 / (d_hidden + d_projection) as f64).sqrt();
            draws.uniform([directions, d_hidden, d_projection], bound)
        });
        Self {
            input_weight,
            recurrent_weight,
            input_bias,
            recurrent_bias,
            projection_weight,
        }
    }
}

/// A random matrix `[rows, columns]` of orthonormal rows, uniform over all of them (Haar): the rows
/// of a Gaussian matrix made orthonormal by modified Gram–Schmidt. There are no more rows than
/// columns.
fn orthogonal([rows, columns]: [usize; 2], stream: &mut RandomStream) -> Vec<f32> {
    let mut rows: Vec<Vec<f64>> = (0..rows)
        .map(|_| (0..columns).map(|_| stream.normal()).collect())
        .collect();
    for index in 0..rows.len() {
        let (done, rest) = rows.split_at_mut(index);
        let row = &mut rest[0];
        for other in done.iter() {
            let along = dot(row, other);
            for (value, base) in row.iter_mut().zip(other) {
                *value -= along * base;
            }
        }
        let norm = dot(row, row).sqrt();
        row.iter_mut().for_each(|value| *value /= norm);
    }
    rows.into_iter().flatten().map(|x| x as f32).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::{Device, Tensor};

    use super::*;

    fn values<const D: usize>(parameter: &Param<Tensor<D>>) -> Vec<f32> {
        parameter.val().into_data().try_to_vec().unwrap()
    }

    fn lstm_weights(init: RecurrentInit, seed: u64) -> PackedWeights {
        projected_weights(init, seed, None)
    }

    fn projected_weights(
        init: RecurrentInit,
        seed: u64,
        d_projection: Option<usize>,
    ) -> PackedWeights {
        let sizes = PackedSizes {
            directions: 2,
            gates: 4,
            d_input: 5,
            d_hidden: 16,
            d_projection,
            bias: true,
        };
        PackedWeights::draw(
            &sizes,
            init,
            Some(1),
            &mut WeightDraws::new(seed, &Device::flex()),
        )
    }

    #[test]
    fn recurrent_weights_have_orthonormal_rows_gate_by_gate() {
        for d_projection in [None, Some(6)] {
            let weights = projected_weights(RecurrentInit::Orthogonal, 1, d_projection);
            let rows = d_projection.unwrap_or(16);
            for direction in 0..2 {
                let packed = weights.direction(direction).recurrent_weight;
                for gate in 0..4 {
                    let u = packed.clone().slice([0..rows, gate * 16..(gate + 1) * 16]);
                    let product = u.clone().matmul(u.transpose()).into_data();
                    for (place, value) in product.iter::<f32>().enumerate() {
                        let expected = if place % (rows + 1) == 0 { 1.0 } else { 0.0 };
                        assert!((value - expected).abs() < 1e-5, "{place}: {value}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_projection_starts_uniform_within_its_bound() {
        for (init, bound) in [
            (RecurrentInit::Orthogonal, (6.0_f32 / (16.0 + 6.0)).sqrt()),
            (RecurrentInit::Uniform, 0.25),
        ] {
            let weights = projected_weights(init, 1, Some(6));
            assert_eq!((weights.d_hidden(), weights.d_recurrent()), (16, 6));
            let drawn = values(weights.projection_weight.as_ref().unwrap());
            assert_eq!(drawn.len(), 2 * 16 * 6);
            let largest = drawn.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
            assert!(largest <= bound && largest > 0.95 * bound, "{largest}");
        }
    }

    #[test]
    fn only_the_forget_gates_bias_starts_at_1() {
        let weights = lstm_weights(RecurrentInit::Orthogonal, 1);
        let input_bias = values(weights.input_bias.as_ref().unwrap());
        for (place, bias) in input_bias.iter().enumerate() {
            let forget = (16..32).contains(&(place % 64));
            assert_eq!(*bias, if forget { 1.0 } else { 0.0 });
        }
        let recurrent_bias = values(weights.recurrent_bias.as_ref().unwrap());
        assert!(recurrent_bias.iter().all(|bias| *bias == 0.0));
    }

    #[test]
    fn uniform_weights_stay_within_pytorchs_bound() {
        let weights = lstm_weights(RecurrentInit::Uniform, 1);
        let drawn = values(&weights.recurrent_weight);
        let largest = drawn.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
        assert!(largest <= 0.25 && largest > 0.24, "{largest}");
    }

    #[test]
    fn placeholders_have_shapes_of_any_size_and_no_values_until_read() {
        let sizes = PackedSizes {
            directions: 2,
            gates: 4,
            d_input: 1 << 40,
            d_hidden: 1 << 40,
            d_projection: Some(1 << 39),
            bias: true,
        };
        for init in [RecurrentInit::Orthogonal, RecurrentInit::Uniform] {
            let mut draws = WeightDraws::placeholders(&Device::flex());
            let weights = PackedWeights::draw(&sizes, init, Some(1), &mut draws);
            assert_eq!(
                weights.recurrent_weight.lazy_shape().as_slice(),
                [2, 1 << 39, 1 << 42]
            );
            assert_eq!(values(&draws.uniform([2, 1], 0.1)), [0.0, 0.0]);
        }
    }

    #[test]
    fn the_seed_decides_the_weights() {
        let draw = |seed| values(&lstm_weights(RecurrentInit::Orthogonal, seed).input_weight);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
