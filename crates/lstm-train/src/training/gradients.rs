//! Gradients of a whole module: their norm, and scaling them all by one factor.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// The Euclidean norm of all gradients together (Pascanu et al. 2013).
///
/// Summed row by row, then over rows: burn adds up a large tensor in the order in which its
/// threads finish, a row in its own order.
pub fn global_norm<M: Module>(model: &M, gradients: &GradientsParams) -> f64 {
    let mut visitor = SquaredNorms {
        gradients,
        sums: Vec::new(),
    };
    model.visit(&mut visitor);
    if visitor.sums.is_empty() {
        return 0.0;
    }
    // One transfer from the device for all parameters.
    let sums = Tensor::cat(visitor.sums, 0).into_data();
    sums.iter::<f64>().sum::<f64>().sqrt()
}

struct SquaredNorms<'a> {
    gradients: &'a GradientsParams,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for SquaredNorms<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let count = gradient.shape().num_elements();
            let columns = gradient.dims()[D - 1].max(1);
            let rows = gradient.square().reshape([count / columns, columns]);
            self.sums.push(rows.sum_dim(1).sum());
        }
    }
}

/// All gradients times `factor`.
pub fn scale<M: Module>(model: &M, gradients: GradientsParams, factor: f64) -> GradientsParams {
    let mut visitor = Scale {
        gradients,
        scaled: GradientsParams::new(),
        factor,
    };
    model.visit(&mut visitor);
    visitor.scaled
}

struct Scale {
    gradients: GradientsParams,
    scaled: GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.scaled
                .register(param.id, gradient.mul_scalar(self.factor));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use lstm_models::ClassifierConfig;

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
        let gradients = GradientsParams::from_grads(loss.backward(), &pair);
        let expected = 91.0_f64.sqrt();
        assert!((global_norm(&pair, &gradients) - expected).abs() < 1e-6);
        let scaled = scale(&pair, gradients, 0.5);
        assert!((global_norm(&pair, &scaled) - expected / 2.0).abs() < 1e-6);
    }

    #[test]
    fn no_gradients_have_norm_0() {
        let model = ClassifierConfig::new(5, 2).init(&Device::flex());
        assert_eq!(global_norm(&model, &GradientsParams::new()), 0.0);
    }
}
