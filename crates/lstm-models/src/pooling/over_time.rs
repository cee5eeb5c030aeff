//! Mean and maximum over time in one pass, forward and backward, on the CPU.

use std::sync::OnceLock;

use burn::tensor::{Tensor, TensorData};
use lstm_core::Lengths;
use rayon::prelude::*;

use super::Pooling;
use crate::host::{self, HostOperation};

/// What [`Pooling::Mean`] and [`Pooling::Max`], side by side in the order of `kinds`, make of
/// `outputs` `[batch, time, features]`, which this process holds: `[batch, kinds * features]`.
pub(super) fn pool(outputs: Tensor<3>, kinds: &[Pooling], lengths: &Lengths) -> Tensor<2> {
    let [_, time, features] = outputs.dims();
    let operation = OverTime {
        kinds: kinds.to_vec(),
        lengths: lengths.as_slice().to_vec(),
        time,
        features,
        largest: OnceLock::new(),
    };
    host::apply(outputs, operation)
}

#[derive(Debug)]
struct OverTime {
    /// Only means and maxima.
    kinds: Vec<Pooling>,
    lengths: Vec<usize>,
    time: usize,
    features: usize,
    /// The step of each feature's maximum, the first of several: `[batch, features]`.
    largest: OnceLock<Vec<u32>>,
}

impl HostOperation for OverTime {
    fn forward(&self, outputs: &[f32]) -> TensorData {
        let (batch, features) = (self.lengths.len(), self.features);
        let width = self.kinds.len() * features;
        let mut pooled = vec![0.0; batch * width];
        let mut largest = vec![0; batch * features];
        outputs
            .par_chunks_exact(self.time * features)
            .zip(&self.lengths)
            .zip(pooled.par_chunks_exact_mut(width))
            .zip(largest.par_chunks_exact_mut(features))
            .for_each(|(((outputs, &length), pooled), largest)| {
                let outputs = &outputs[..length * features];
                for (kind, pooled) in self.kinds.iter().zip(pooled.chunks_exact_mut(features)) {
                    match kind {
                        Pooling::Mean => mean_of_steps(outputs, pooled),
                        _ => max_of_steps(outputs, pooled, largest),
                    }
                }
            });
        self.largest.get_or_init(|| largest);
        TensorData::new(pooled, [batch, width])
    }

    fn backward(&self, gradient: &[f32]) -> TensorData {
        let (batch, features) = (self.lengths.len(), self.features);
        let width = self.kinds.len() * features;
        let mut input = vec![0.0; batch * self.time * features];
        let largest = self.largest.get().expect("forward comes before backward");
        input
            .par_chunks_exact_mut(self.time * features)
            .zip(&self.lengths)
            .zip(gradient.par_chunks_exact(width))
            .zip(largest.par_chunks_exact(features))
            .for_each(|(((input, &length), gradient), largest)| {
                let input = &mut input[..length * features];
                for (kind, gradient) in self.kinds.iter().zip(gradient.chunks_exact(features)) {
                    match kind {
                        Pooling::Mean => mean_gradient(gradient, input),
                        _ => max_gradient(gradient, largest, input),
                    }
                }
            });
        TensorData::new(input, [batch, self.time, features])
    }
}

/// The mean of the steps of one sequence; 0 for none.
fn mean_of_steps(steps: &[f32], mean: &mut [f32]) {
    let features = mean.len();
    for step in steps.chunks_exact(features) {
        for (sum, value) in mean.iter_mut().zip(step) {
            *sum += value;
        }
    }
    let share = share(steps.len() / features);
    mean.iter_mut().for_each(|sum| *sum *= share);
}

fn mean_gradient(gradient: &[f32], steps: &mut [f32]) {
    let features = gradient.len();
    let share = share(steps.len() / features);
    for step in steps.chunks_exact_mut(features) {
        for (step, gradient) in step.iter_mut().zip(gradient) {
            *step += share * gradient;
        }
    }
}

fn share(length: usize) -> f32 {
    1.0 / length.max(1) as f32
}

/// The maxima over the steps of one sequence, and where they are; 0 for none. What is no number
/// stays, so that a training that ran away is seen.
fn max_of_steps(steps: &[f32], maxima: &mut [f32], largest: &mut [u32]) {
    let features = maxima.len();
    let mut steps = steps.chunks_exact(features);
    let Some(first) = steps.next() else {
        return;
    };
    maxima.copy_from_slice(first);
    for (index, step) in (1..).zip(steps) {
        for ((maximum, largest), &value) in maxima.iter_mut().zip(&mut *largest).zip(step) {
            // By masks, because a choice by condition becomes a branch for each element.
            let is_larger = (value > *maximum) | value.is_nan();
            let taken = u32::from(is_larger).wrapping_neg();
            *maximum = f32::from_bits(value.to_bits() & taken | maximum.to_bits() & !taken);
            *largest = index & taken | *largest & !taken;
        }
    }
}

fn max_gradient(gradient: &[f32], largest: &[u32], steps: &mut [f32]) {
    if steps.is_empty() {
        return;
    }
    let features = gradient.len();
    for (feature, (gradient, &largest)) in gradient.iter().zip(largest).enumerate() {
        steps[largest as usize * features + feature] += gradient;
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Bool, Device};

    use super::super::{max, mean};
    use super::*;

    const KINDS: [Pooling; 3] = [Pooling::Max, Pooling::Mean, Pooling::Max];

    /// Outputs of three sequences with equal maxima among them, zero in the padding.
    fn outputs(lengths: &Lengths) -> Tensor<3> {
        let (time, features) = (lengths.time(), 5);
        let values: Vec<f32> = lengths
            .as_slice()
            .iter()
            .flat_map(|&length| (0..time * features).map(move |at| (at, at / features < length)))
            .map(|(at, is_real)| match is_real {
                true => ((at * 7919) % 11) as f32 / 11.0 - 0.7,
                false => 0.0,
            })
            .collect();
        let shape = [lengths.batch(), time, features];
        Tensor::from_data(TensorData::new(values, shape), &Device::flex().autodiff()).require_grad()
    }

    /// What is pooled, and a gradient that differs from place to place.
    fn pooled(
        lengths: &Lengths,
        pool: impl Fn(Tensor<3>) -> Tensor<2>,
    ) -> (TensorData, TensorData) {
        let outputs = outputs(lengths);
        let pooled = pool(outputs.clone());
        let [rows, columns] = pooled.dims();
        let weights: Vec<f32> = (0..rows * columns).map(|at| 1.0 + at as f32).collect();
        let weights = TensorData::new(weights, [rows, columns]);
        let objective = pooled.clone() * Tensor::from_data(weights, &pooled.device());
        let gradients = objective.sum().backward();
        let gradient = outputs.grad(&gradients).unwrap();
        (pooled.into_data(), gradient.into_data())
    }

    #[test]
    fn one_pass_pools_as_tensor_operations_do() {
        let lengths = Lengths::new([4, 0, 7], 9).unwrap();
        let (here, here_gradient) = pooled(&lengths, |outputs| pool(outputs, &KINDS, &lengths));
        let (elsewhere, elsewhere_gradient) = pooled(&lengths, |outputs| {
            let (time, lengths) = (lengths.time(), &lengths);
            let steps = lengths.as_slice().iter();
            let padding = steps.flat_map(|&length| (0..time).map(move |step| step >= length));
            let padding: Vec<bool> = padding.collect();
            let padding = TensorData::new(padding, [lengths.batch(), time]);
            let padding = Tensor::<2, Bool>::from_data(padding, &outputs.device());
            let pooled = KINDS.map(|kind| match kind {
                Pooling::Mean => mean(outputs.clone(), lengths),
                _ => max(outputs.clone(), lengths, padding.clone()),
            });
            Tensor::cat(pooled.to_vec(), 1)
        });
        let tolerance = burn::tensor::Tolerance::<f32>::absolute(1e-6);
        here.assert_approx_eq(&elsewhere, tolerance);
        // Of the real steps: nobody reads the gradient of the padding.
        let rows = |data: TensorData| -> Vec<f32> {
            let values: Vec<f32> = data.iter().collect();
            let sequences = values.chunks(9 * 5).zip(lengths.as_slice());
            sequences
                .flat_map(|(sequence, &length)| sequence[..length * 5].to_vec())
                .collect()
        };
        let (here, elsewhere) = (rows(here_gradient), rows(elsewhere_gradient));
        let count = here.len();
        TensorData::new(here, [count])
            .assert_approx_eq(&TensorData::new(elsewhere, [count]), tolerance);
    }

    #[test]
    fn a_maximum_that_is_no_number_is_seen() {
        let steps = [1.0, f32::NAN, f32::NAN, 0.0, 3.0, 2.0];
        let (mut maxima, mut largest) = ([0.0; 2], [0; 2]);
        max_of_steps(&steps, &mut maxima, &mut largest);
        assert!(maxima[0].is_nan() && maxima[1].is_nan());
    }
}
