//! The mean of a model's weights over the steps of a training (Polyak and Juditsky 1992).

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use rayon::prelude::*;

use super::host::{self, CHUNK};

/// Whether the last of these validations is worse than the best of all but the last `patience` before it
/// (Merity et al. 2018, algorithm 1: the trigger of NT-ASGD, whose n is `patience`).
pub(super) fn is_due(validations: &[f64], patience: usize, higher_is_better: bool) -> bool {
    let Some((last, before)) = validations.split_last() else {
        return false;
    };
    let long_before = &before[..before.len().saturating_sub(patience)];
    long_before.iter().any(|earlier| match higher_is_better {
        true => last < earlier,
        false => last > earlier,
    })
}

/// The mean of a model's weights after each of some steps.
#[derive(Default)]
pub(super) struct Average {
    /// By parameter, without autodiff. A map of tensors is what gradients come in as well.
    means: GradientsParams,
    steps: u64,
}

impl Average {
    /// The mean over `steps` steps, which a model holds whose parameters are those of the trained one.
    pub fn restored<M: Module>(model: &M, steps: u64) -> Self {
        let mut collector = Collector(GradientsParams::new());
        model.visit(&mut collector);
        Self {
            means: collector.0,
            steps,
        }
    }

    /// Steps that the mean is taken over.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Counts the weights after a step; gives the model back.
    pub fn add<M: Module>(&mut self, model: M) -> M {
        self.steps += 1;
        model.map(&mut Adder {
            means: &mut self.means,
            share: (1.0 / self.steps as f64) as f32,
        })
    }

    /// `model`, which is without autodiff, with the means as its weights.
    pub fn put_into<M: Module>(&self, model: M) -> M {
        model.map(&mut Replacer(&self.means))
    }
}

struct Collector(GradientsParams);

impl ModuleVisitor for Collector {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.val());
    }
}

struct Adder<'a> {
    means: &'a mut GradientsParams,
    /// What the weights count for in the mean.
    share: f32,
}

impl ModuleMapper for Adder<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // Taken out of both, because what only one holds is worked on without a copy.
        let (id, tensor, mapper) = param.consume();
        let requires_gradient = tensor.is_require_grad();
        let weights = tensor.inner();
        // The first weights are the mean themselves, to the last bit.
        let mean = self.means.remove::<D>(id).filter(|_| self.share < 1.0);
        let (mean, weights) = match mean {
            // A copy, so that the next step finds the weights held by the model only.
            None => (weights.clone() * 1.0, weights),
            Some(mean) if host::holds(&mean) && host::holds(&weights) => {
                moved(mean, weights, self.share)
            }
            Some(mean) => {
                let difference = weights.clone() - mean.clone();
                (mean + difference * self.share, weights)
            }
        };
        self.means.register(id, mean);
        let tensor = Tensor::from_inner(weights).set_require_grad(requires_gradient);
        Param::from_mapped_value(id, tensor, mapper)
    }
}

/// The mean, moved by a share towards the weights, and the weights.
fn moved<const D: usize>(
    mean: Tensor<D>,
    weights: Tensor<D>,
    share: f32,
) -> (Tensor<D>, Tensor<D>) {
    let device = mean.device();
    let (mut mean, weights) = (mean.into_data(), weights.into_data());
    host::floats_mut(&mut mean)
        .par_chunks_mut(CHUNK)
        .zip(host::floats(&weights).par_chunks(CHUNK))
        .for_each(|(mean, weights)| {
            for (mean, weight) in mean.iter_mut().zip(weights) {
                *mean += share * (weight - *mean);
            }
        });
    let tensor = |data| Tensor::from_data(data, &device);
    (tensor(mean), tensor(weights))
}

struct Replacer<'a>(&'a GradientsParams);

impl ModuleMapper for Replacer<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let mean = self.0.get::<D>(id).unwrap_or(tensor);
        Param::from_mapped_value(id, mean, mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::toy::Line;
    use super::*;

    #[test]
    fn averaging_is_due_when_validation_has_got_no_better_for_long() {
        for (validations, patience, due) in [
            (&[][..], 0, false),
            (&[3.0], 0, false),
            (&[3.0, 3.0], 0, false),
            (&[3.0, 3.1], 0, true),
            (&[3.0, 3.1], 1, false),
            (&[3.0, 2.0, 2.5], 1, false),
            (&[3.0, 2.0, 3.5], 1, true),
            (&[5.0, 4.0, 4.5, 3.0, 4.25], 2, true),
            (&[5.0, 4.0, 4.5, 3.0, 3.9], 2, false),
        ] {
            assert_eq!(is_due(validations, patience, false), due, "{validations:?}");
            let opposite: Vec<f64> = validations.iter().map(|value| -value).collect();
            assert_eq!(is_due(&opposite, patience, true), due, "{validations:?}");
        }
    }

    /// After each step.
    const WEIGHTS: [[f32; 2]; 4] = [[0.5, -2.0], [1.5, 2.0], [1.0, 0.0], [-1.0, 8.0]];

    #[test]
    fn the_mean_is_that_of_all_steps_and_goes_on_where_it_was() {
        let mut model = Line::new([0.0, 0.0]);
        let (mut whole, mut first) = (Average::default(), Average::default());
        for weights in &WEIGHTS[..2] {
            model = model.with(*weights);
            model = first.add(whole.add(model));
            assert_eq!(model.weights(), *weights);
        }
        let halfway = first.put_into(model.valid());
        assert_eq!(halfway.weights(), [1.0, 0.0]);
        let mut second = Average::restored(&halfway, first.steps());
        for weights in &WEIGHTS[2..] {
            model = model.with(*weights);
            model = second.add(whole.add(model));
        }
        let [whole, second] =
            [whole, second].map(|average| average.put_into(model.valid()).weights());
        assert_eq!(whole, [0.5, 2.0]);
        assert_eq!(second, whole);
    }
}
