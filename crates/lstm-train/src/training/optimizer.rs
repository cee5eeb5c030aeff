//! burn's optimizers with the field's defaults: burn's Adam has an epsilon of 1e-5 and its
//! momentum a dampening of 0.1, where the publications and PyTorch have 1e-8 and 0.

use burn::module::ParamGroup;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, ModuleOptimizer, SgdConfig};
use serde::{Deserialize, Serialize};

use super::options::TrainingOptions;

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
}

/// The optimizer of a training.
pub(super) fn init(options: &TrainingOptions) -> ModuleOptimizer {
    let decay =
        (options.weight_decay > 0.0).then(|| WeightDecayConfig::new(options.weight_decay as f32));
    match options.optimizer {
        OptimizerKind::Adam => AdamConfig::new()
            .with_epsilon(ADAM_EPSILON)
            .with_weight_decay(decay)
            .init(),
        OptimizerKind::Adamw => {
            let adamw = |decay: f64| {
                AdamWConfig::new()
                    .with_epsilon(ADAM_EPSILON)
                    .with_weight_decay(decay as f32)
            };
            let optimizer = adamw(options.weight_decay).init();
            match options.embedding_weight_decay {
                None => optimizer,
                Some(decay) => {
                    let embeddings = ParamGroup::from_predicate("embedding");
                    optimizer.with_group(embeddings, adamw(decay).build(), None)
                }
            }
        }
        OptimizerKind::Sgd => {
            let momentum = (options.momentum > 0.0).then(|| {
                MomentumConfig::new()
                    .with_momentum(options.momentum)
                    .with_dampening(0.0)
            });
            SgdConfig::new()
                .with_momentum(momentum)
                .with_weight_decay(decay)
                .init()
        }
    }
}

const ADAM_EPSILON: f32 = 1e-8;
