//! The norm of the gradients of a whole module, and what follows from it.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use rayon::prelude::*;

use super::host::{self, CHUNK};

/// The Euclidean norm of all gradients together (Pascanu et al. 2013).
pub fn global_norm<M: Module>(model: &M, gradients: &mut GradientsParams) -> f64 {
    let mut visitor = SquaredNorms {
        gradients,
        host: 0.0,
        device: Vec::new(),
    };
    model.visit(&mut visitor);
    let mut sum = visitor.host;
    if !visitor.device.is_empty() {
        // One transfer from the device for all parameters.
        let sums = Tensor::cat(visitor.device, 0).into_data();
        let sums: Vec<f64> = sums.iter().collect();
        sum += sums.chunks_exact(2).map(scaled_back).sum::<f64>();
    }
    sum.sqrt()
}

/// What gradients of a norm are multiplied by, so that it is at most `limit`; 0 for no limit.
pub fn clipping(norm: f64, limit: f64) -> f64 {
    if limit > 0.0 && norm > limit {
        limit / norm
    } else {
        1.0
    }
}

struct SquaredNorms<'a> {
    gradients: &'a mut GradientsParams,
    host: f64,
    device: Vec<Tensor<1>>,
}

impl ModuleVisitor for SquaredNorms<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // Taken out, because what only one holds is read without a copy.
        let Some(mut gradient) = self.gradients.remove::<D>(param.id) else {
            return;
        };
        if host::holds(&gradient) {
            let device = gradient.device();
            let data = gradient.into_data();
            self.host += squares(host::floats(&data));
            gradient = Tensor::from_data(data, &device);
        } else {
            self.device.push(squares_elsewhere(gradient.clone()));
        }
        self.gradients.register(param.id, gradient);
    }
}

/// Σ x², added up in chunks whatever the number of threads.
fn squares(values: &[f32]) -> f64 {
    if values.len() <= CHUNK {
        return chunk_squares(values);
    }
    let sums: Vec<f64> = values.par_chunks(CHUNK).map(chunk_squares).collect();
    sums.iter().sum()
}

/// Side by side, so that one instruction adds several.
const LANES: usize = 16;

/// Additions in single precision, before their sum is taken in double.
const RUN: usize = 32 * LANES;

fn chunk_squares(values: &[f32]) -> f64 {
    let mut sum = 0.0;
    for run in values.chunks(RUN) {
        let mut lanes = [0.0_f32; LANES];
        let mut groups = run.chunks_exact(LANES);
        for group in &mut groups {
            for (lane, value) in lanes.iter_mut().zip(group) {
                *lane += value * value;
            }
        }
        let rest: f32 = groups.remainder().iter().map(|value| value * value).sum();
        let run_sum = lanes.iter().sum::<f32>() + rest;
        sum += match run_sum.is_finite() {
            true => f64::from(run_sum),
            // Beyond 1.8e19 a square is no number of single precision.
            false => run.iter().map(|value| f64::from(*value).powi(2)).sum(),
        };
    }
    sum
}

/// Σ (x / m)² and m, the largest |x|, in the device's operations: a square may be too large for single
/// precision where x is not. Row by row, then over rows: burn adds up a large tensor in the order in
/// which its threads finish, a row in its own order.
fn squares_elsewhere<const D: usize>(gradient: Tensor<D>) -> Tensor<1> {
    let count = gradient.shape().num_elements();
    let columns = gradient.dims()[D - 1].max(1);
    let rows = gradient.reshape([count / columns, columns]);
    let largest = rows.clone().abs().max();
    // Zeros are divided by 1.
    let scale = largest.clone().mask_fill(largest.equal_elem(0.0), 1.0);
    let scaled = rows / scale.clone().unsqueeze();
    Tensor::cat(vec![scaled.square().sum_dim(1).sum(), scale], 0)
}

/// Σ x² from what [`squares_elsewhere`] gives.
fn scaled_back(sum_and_scale: &[f64]) -> f64 {
    sum_and_scale[0] * sum_and_scale[1].powi(2)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use lstm_models::ClassifierConfig;
    use proptest::prelude::*;

    use super::*;

    #[derive(Module, Debug)]
    struct Pair {
        first: Param<Tensor<2>>,
        second: Param<Tensor<1>>,
    }

    #[test]
    fn the_norm_runs_over_all_parameters() {
        let device = Device::flex().autodiff();
        let pair = Pair {
            first: Param::from_tensor(Tensor::from_floats([[1.0, 2.0], [3.0, 4.0]], &device)),
            second: Param::from_tensor(Tensor::from_floats([5.0, 6.0], &device)),
        };
        // The gradient of half the sum of squares is the parameter itself.
        let loss = (pair.first.val().square().sum() + pair.second.val().square().sum()) * 0.5;
        let mut gradients = GradientsParams::from_grads(loss.backward(), &pair);
        for _ in 0..2 {
            let norm = global_norm(&pair, &mut gradients);
            assert!((norm - 91.0_f64.sqrt()).abs() < 1e-6);
        }
        assert_eq!(gradients.len(), 2);
    }

    #[test]
    fn no_gradients_have_norm_0() {
        let model = ClassifierConfig::new(5, 2).init(&Device::flex());
        assert_eq!(global_norm(&model, &mut GradientsParams::new()), 0.0);
    }

    fn elsewhere(tensor: Tensor<1>) -> f64 {
        let found: Vec<f64> = squares_elsewhere(tensor).into_data().iter().collect();
        scaled_back(&found)
    }

    #[test]
    fn large_gradients_have_a_norm_and_others_show() {
        let device = Device::flex();
        let of = |values: &[f32]| {
            let found = squares(values);
            let there = elsewhere(Tensor::from_floats(values, &device));
            (found.sqrt(), there.sqrt())
        };
        let large = 1e30_f32;
        for count in [1, 3, 700] {
            let values = vec![large; count];
            let expected = f64::from(large) * (count as f64).sqrt();
            let (here, there) = of(&values);
            assert!((here / expected - 1.0).abs() < 1e-6, "{here}");
            assert!((there / expected - 1.0).abs() < 1e-6, "{there}");
        }
        assert_eq!(of(&[0.0; 5]), (0.0, 0.0));
        for bad in [f32::NAN, f32::INFINITY] {
            let (here, there) = of(&[1.0, bad, 0.0]);
            assert!(!here.is_finite() && !there.is_finite());
        }
    }

    proptest! {
        #[test]
        fn squares_are_added_up_alike_everywhere(
            values in prop::collection::vec(-10.0_f32..10.0, 1..3000),
        ) {
            let naive: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
            let close = |sum: f64| (sum - naive).abs() <= 1e-5 * naive;
            prop_assert!(close(squares(&values)));
            let tensor = Tensor::<1>::from_floats(values.as_slice(), &Device::flex());
            prop_assert!(close(elsewhere(tensor)));
        }
    }
}
