//! Why a training could not go on.

use std::path::PathBuf;

use lstm_models::bundle::BundleError;

use super::checkpoint::CheckpointError;
use crate::run::{CurvesError, EventError};

/// Why a training could not go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The interrupt flag was set in a training that has no run directory to go on from.
    #[error("interrupted after step {step}")]
    Interrupted {
        /// The last step that was done.
        step: u64,
    },
    /// The loss is no number any more.
    #[error(
        "the training loss is {loss} at step {step} (epoch {epoch}): lower \
         training.learning_rate, or limit the gradients with training.clip_norm"
    )]
    Diverged {
        /// The loss.
        loss: f64,
        /// The step whose loss it is.
        step: u64,
        /// The epoch of that step.
        epoch: u64,
    },
    /// A gradient is no number any more.
    #[error(
        "the gradient's norm is {norm} at step {step} (epoch {epoch}): lower \
         training.learning_rate, or limit the gradients with training.clip_norm"
    )]
    GradientDiverged {
        /// The norm.
        norm: f64,
        /// The step whose gradient it is.
        step: u64,
        /// The epoch of that step.
        epoch: u64,
    },
    /// A weight is no number any more.
    #[error(
        "a weight of `{tensor}` is {value} after step {step} (epoch {epoch}): lower \
         training.learning_rate, or limit the gradients with training.clip_norm"
    )]
    WeightDiverged {
        /// The tensor.
        tensor: String,
        /// The weight.
        value: f32,
        /// The step that gave it this value.
        step: u64,
        /// The epoch of that step.
        epoch: u64,
    },
    /// There is nothing to train on.
    #[error("the training part of the corpus is empty")]
    NoData,
    /// The optimizer needs validations, and there is nothing to validate on.
    #[error(
        "training.optimizer: `nt_asgd` begins to average when validation gets no better, and there is no \
         validation part; name one in data.valid, or hold one out with data.valid_share"
    )]
    NoValidation,
    /// The metric that picks the best weights is not one of the task's.
    #[error("training.metric: the validation has no metric `{metric}`, only {known:?}")]
    UnknownMetric {
        /// The metric that was asked for.
        metric: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A run is resumed on other data than it began with.
    #[error(
        "{run}: the training data are not those that the run began with; restore them, or start \
         a new run"
    )]
    OtherData {
        /// The run directory.
        run: PathBuf,
    },
    /// A checkpoint cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log of events cannot be written or read.
    #[error(transparent)]
    Events(#[from] EventError),
    /// The curves cannot be drawn.
    #[error(transparent)]
    Curves(#[from] CurvesError),
    /// The best weights cannot be read back.
    #[error(transparent)]
    Weights(#[from] BundleError),
}

impl TrainError {
    /// Whether numbers ran away, so that the same steps would end the same way again.
    pub fn is_divergence(&self) -> bool {
        matches!(
            self,
            Self::Diverged { .. } | Self::GradientDiverged { .. } | Self::WeightDiverged { .. }
        )
    }
}
