//! Adam and AdamW: on the CPU in one pass over each parameter, elsewhere burn's.
//!
//! burn's own make about 13 passes, each of which allocates a tensor as large as the parameter; of
//! a large embedding that is most of a short step's time.

use burn::optim::{
    AdamConfig, AdamWConfig, AdamWState, AdaptiveMomentumState, LearningRate, Optimizer,
};
use burn::optim::{AdamState, decay::WeightDecayConfig};
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::host::{self, CHUNK};
use super::optimizer::Factor;

// The publications' and PyTorch's defaults.
const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// What a weight decay shrinks the weights by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Decay {
    /// It is added to the gradient (Adam with L2: Kingma and Ba 2015).
    Gradient(f64),
    /// It is apart from the gradient (AdamW: Loshchilov and Hutter 2019).
    Weights(f64),
}

/// Adam or AdamW.
#[derive(Debug, Clone)]
pub(super) struct Adam {
    pub decay: Decay,
    /// What every gradient is multiplied by first.
    pub factor: Factor,
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamWState<D>>,
    ) -> (Tensor<D>, Option<AdamWState<D>>) {
        if host::holds(&tensor) && host::holds(&gradient) {
            self.step_on_host(rate, tensor, gradient, state)
        } else {
            self.step_elsewhere(rate, tensor, gradient, state)
        }
    }

    fn to_device<const D: usize>(mut state: AdamWState<D>, device: &Device) -> AdamWState<D> {
        state.momentum = state.momentum.to_device(device);
        state
    }
}

impl Adam {
    fn step_on_host<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamWState<D>>,
    ) -> (Tensor<D>, Option<AdamWState<D>>) {
        let device = tensor.device();
        let shape = tensor.shape();
        let (time, moments) = match state.map(|state| state.momentum) {
            Some(state) => (
                state.time + 1,
                [state.moment_1.into_data(), state.moment_2.into_data()],
            ),
            None => {
                let zeros = || TensorData::new(vec![0.0_f32; shape.num_elements()], shape.clone());
                (1, [zeros(), zeros()])
            }
        };
        let [mut moment_1, mut moment_2] = moments;
        let (mut weights, gradient) = (tensor.into_data(), gradient.into_data());
        Update::new(self, rate, time).all(
            host::floats_mut(&mut weights),
            host::floats(&gradient),
            host::floats_mut(&mut moment_1),
            host::floats_mut(&mut moment_2),
        );
        let moment = |data| Tensor::from_data(data, &device);
        let state = AdaptiveMomentumState::new(time, moment(moment_1), moment(moment_2));
        (moment(weights), Some(AdamWState::new(state)))
    }

    /// With burn's own, which is as good where an operation is a kernel on a device.
    pub(super) fn step_elsewhere<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamWState<D>>,
    ) -> (Tensor<D>, Option<AdamWState<D>>) {
        let gradient = gradient.mul_scalar(self.factor.get());
        match self.decay {
            Decay::Gradient(decay) => {
                let decay = (decay > 0.0).then(|| WeightDecayConfig::new(decay as f32));
                let adam = AdamConfig::new()
                    .with_epsilon(EPSILON as f32)
                    .with_weight_decay(decay)
                    .build();
                let state = state.map(|state| AdamState::new(state.momentum));
                let (tensor, state) = adam.step(rate, tensor, gradient, state);
                (tensor, state.map(|state| AdamWState::new(state.momentum)))
            }
            Decay::Weights(decay) => AdamWConfig::new()
                .with_epsilon(EPSILON as f32)
                .with_weight_decay(decay as f32)
                .build()
                .step(rate, tensor, gradient, state),
        }
    }
}

/// The numbers of one step, the same for every element.
#[derive(Clone, Copy)]
struct Update {
    /// What the gradient is multiplied by first.
    factor: f32,
    /// What the weight is multiplied by and added to the gradient.
    decay: f32,
    /// What the weight is multiplied by.
    keep: f32,
    /// η / (1 − β₁ᵗ)
    rate: f32,
    /// 1 / √(1 − β₂ᵗ)
    root: f32,
}

impl Update {
    fn new(adam: &Adam, rate: f64, time: usize) -> Self {
        let time = time.min(i32::MAX as usize) as i32;
        let (decay, keep) = match adam.decay {
            Decay::Gradient(decay) => (decay, 1.0),
            Decay::Weights(decay) => (0.0, 1.0 - rate * decay),
        };
        Self {
            factor: adam.factor.get(),
            decay: decay as f32,
            keep: keep as f32,
            rate: (rate / (1.0 - BETA_1.powi(time))) as f32,
            root: (1.0 / (1.0 - BETA_2.powi(time)).sqrt()) as f32,
        }
    }

    /// Updates all elements. No element depends on another, so that any number of threads gives
    /// the same.
    fn all(
        self,
        weights: &mut [f32],
        gradient: &[f32],
        moment_1: &mut [f32],
        moment_2: &mut [f32],
    ) {
        if weights.len() <= CHUNK {
            return self.some(weights, gradient, moment_1, moment_2);
        }
        weights
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .zip(moment_1.par_chunks_mut(CHUNK))
            .zip(moment_2.par_chunks_mut(CHUNK))
            .for_each(|(((weights, gradient), moment_1), moment_2)| {
                self.some(weights, gradient, moment_1, moment_2);
            });
    }

    fn some(
        self,
        weights: &mut [f32],
        gradient: &[f32],
        moment_1: &mut [f32],
        moment_2: &mut [f32],
    ) {
        let moments = moment_1.iter_mut().zip(moment_2);
        for ((weight, gradient), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
            let g = gradient * self.factor + self.decay * *weight;
            // m_t = β₁ m_{t-1} + (1 − β₁) g
            *m = BETA_1 as f32 * *m + (1.0 - BETA_1) as f32 * g;
            // v_t = β₂ v_{t-1} + (1 − β₂) g²
            *v = BETA_2 as f32 * *v + (1.0 - BETA_2) as f32 * (g * g);
            // w_t = w_{t-1} (1 − η λ) − η (m_t / (1 − β₁ᵗ)) / (√(v_t / (1 − β₂ᵗ)) + ε)
            *weight =
                *weight * self.keep - self.rate * (*m / (v.sqrt() * self.root + EPSILON as f32));
        }
    }
}
