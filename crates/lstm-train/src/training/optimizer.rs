//! The optimizer of a training: Adam, AdamW or SGD with the field's defaults.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use burn::module::{Module, ParamGroup};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::store::RecordError;
use serde::{Deserialize, Serialize};

use super::adam::{Adam, Decay};
use super::options::TrainingOptions;
use super::sgd::Sgd;

/// Which optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    /// Adam (Kingma and Ba 2015); a weight decay is added to the gradient (L2).
    #[default]
    Adam,
    /// AdamW (Loshchilov and Hutter 2019): the weight decay is apart from the gradient.
    Adamw,
    /// Stochastic gradient descent, with momentum if there is any.
    Sgd,
    /// Stochastic gradient descent whose weights are averaged from when validation gets no better
    /// (non-monotonically triggered averaged SGD, Merity et al. 2018): the mean is what is validated and kept.
    NtAsgd,
}

/// The optimizer of a training, with its state.
#[derive(Clone)]
pub(crate) struct Optimizer {
    rules: ModuleOptimizer,
    factor: Factor,
}

impl Optimizer {
    pub fn new(options: &TrainingOptions) -> Self {
        let factor = Factor::default();
        let adam = |decay| Adam {
            decay,
            factor: factor.clone(),
        };
        let rules = match options.optimizer {
            OptimizerKind::Adam => adam(Decay::Gradient(options.weight_decay)).into(),
            OptimizerKind::Adamw => {
                let rules = ModuleOptimizer::from(adam(Decay::Weights(options.weight_decay)));
                match options.embedding_weight_decay {
                    None => rules,
                    Some(decay) => {
                        let embeddings = ParamGroup::from_predicate("embedding");
                        rules.with_group(embeddings, adam(Decay::Weights(decay)), None)
                    }
                }
            }
            OptimizerKind::Sgd | OptimizerKind::NtAsgd => {
                Sgd::new(options.momentum, options.weight_decay, factor.clone()).into()
            }
        };
        Self { rules, factor }
    }

    /// The model after a step on the gradients times `factor`. A model that nobody else holds is
    /// changed in place.
    pub fn step<M: Module>(
        &mut self,
        rate: f64,
        factor: f64,
        model: M,
        gradients: GradientsParams,
    ) -> M {
        self.factor.set(factor);
        self.rules.step(rate, model, gradients)
    }

    /// Writes the state into a file.
    pub fn save(&self, path: &Path) -> Result<(), RecordError> {
        self.rules.save(path)
    }

    /// The same optimizer with the state that a file holds.
    pub fn load(self, path: &Path) -> Result<Self, RecordError> {
        Ok(Self {
            rules: self.rules.load(path)?,
            factor: self.factor,
        })
    }
}

/// What all gradients of the step under way are multiplied by: known only when their norm is, and
/// cheaper within the update than as a pass of its own.
#[derive(Debug, Clone)]
pub(super) struct Factor(Arc<AtomicU32>);

impl Default for Factor {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(1.0_f32.to_bits())))
    }
}

impl Factor {
    pub fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }

    pub fn set(&self, factor: f64) {
        self.0.store((factor as f32).to_bits(), Ordering::Relaxed);
    }
}
