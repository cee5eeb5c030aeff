//! Stochastic gradient descent: without momentum on the CPU in one pass over each parameter, all else by
//! burn's.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{LearningRate, Optimizer, SgdConfig, SgdState};
use burn::tensor::{Device, Tensor};
use rayon::prelude::*;

use super::host::{self, CHUNK};
use super::optimizer::Factor;

/// Stochastic gradient descent.
#[derive(Clone)]
pub(super) struct Sgd {
    /// burn's, with all options.
    rule: burn::optim::Sgd,
    has_momentum: bool,
    weight_decay: f64,
    /// What every gradient is multiplied by first.
    factor: Factor,
}

impl Sgd {
    /// With a momentum and a weight decay that is added to the gradient; 0 for none.
    pub fn new(momentum: f64, weight_decay: f64, factor: Factor) -> Self {
        // burn's momentum has a dampening of 0.1, where PyTorch has none.
        let of_momentum = || {
            MomentumConfig::new()
                .with_momentum(momentum)
                .with_dampening(0.0)
        };
        let of_decay = || WeightDecayConfig::new(weight_decay as f32);
        Self {
            rule: SgdConfig::new()
                .with_momentum((momentum > 0.0).then(of_momentum))
                .with_weight_decay((weight_decay > 0.0).then(of_decay))
                .build(),
            has_momentum: momentum > 0.0,
            weight_decay,
            factor,
        }
    }
}

impl Optimizer for Sgd {
    type State<const D: usize> = SgdState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<SgdState<D>>,
    ) -> (Tensor<D>, Option<SgdState<D>>) {
        if !self.has_momentum && host::holds(&tensor) && host::holds(&gradient) {
            let step = Step {
                rate: rate as f32,
                factor: self.factor.get(),
                decay: self.weight_decay as f32,
            };
            (step.descended(tensor, gradient), state)
        } else {
            let gradient = gradient.mul_scalar(self.factor.get());
            self.rule.step(rate, tensor, gradient, state)
        }
    }

    fn to_device<const D: usize>(state: SgdState<D>, device: &Device) -> SgdState<D> {
        burn::optim::Sgd::to_device(state, device)
    }
}

/// The numbers of one step, the same for every element.
struct Step {
    rate: f32,
    /// What the gradient is multiplied by first.
    factor: f32,
    /// What the weight is multiplied by and added to the gradient.
    decay: f32,
}

impl Step {
    /// w − η (g + λ w)
    fn descended<const D: usize>(&self, tensor: Tensor<D>, gradient: Tensor<D>) -> Tensor<D> {
        let device = tensor.device();
        let (mut weights, gradient) = (tensor.into_data(), gradient.into_data());
        host::floats_mut(&mut weights)
            .par_chunks_mut(CHUNK)
            .zip(host::floats(&gradient).par_chunks(CHUNK))
            .for_each(|(weights, gradient)| {
                for (weight, gradient) in weights.iter_mut().zip(gradient) {
                    *weight -= self.rate * (self.factor * gradient + self.decay * *weight);
                }
            });
        Tensor::from_data(weights, &device)
    }
}
