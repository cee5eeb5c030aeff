//! What the training loop asks of a task.

use burn::module::Module;
use lstm_core::{Mode, RecurrentState};
use lstm_models::Loss;

use crate::metrics::Metrics;

/// A part of a corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What is learned from.
    Train,
    /// What decisions during training are made on.
    Valid,
    /// What the final score is computed on, once.
    Test,
}

impl Part {
    /// What logs and reports call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

/// A model with its data: what the training loop needs to know.
pub trait Task {
    /// The network.
    type Model: Module;

    /// Which training examples go together.
    type Batch;

    /// What a loss counts: `examples`, `tokens`.
    const COUNTED: &'static str;

    /// The batches of an epoch, counted from 1. A pure function of the task and the epoch.
    fn batches(&self, epoch: u64) -> Vec<Self::Batch>;

    /// How many batches an epoch has.
    fn batch_count(&self, epoch: u64) -> usize;

    /// What the learning rate is multiplied by for a batch of another size than usual.
    fn rate_factor(&self, _batch: &Self::Batch) -> f64 {
        1.0
    }

    /// The loss of a batch, and what is carried to the next batch of the epoch: the state in which streams
    /// of text go on (truncated back-propagation through time), one for each stack of layers, or nothing.
    /// `carried` is what the batch before gave, detached; nothing in an epoch's first one.
    fn loss(
        &self,
        model: &Self::Model,
        batch: &Self::Batch,
        carried: Option<Vec<RecurrentState>>,
        mode: Mode,
    ) -> (Loss, Option<Vec<RecurrentState>>);

    /// Whether there is such a part of the data.
    fn has(&self, part: Part) -> bool;

    /// Scores on a part of the data; `None` if there is no such part.
    fn evaluate(&self, model: &Self::Model, part: Part) -> Option<Metrics>;

    /// A number that changes when the task's data change: a run is resumed on its own data only.
    fn fingerprint(&self) -> u32;
}

/// Whether a larger value of the metric is a better one.
pub fn higher_is_better(metric: &str) -> bool {
    !["loss", "perplexity", "bits_per_character"].contains(&metric)
}
