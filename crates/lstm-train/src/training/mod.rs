//! The training loop and its parts: one loop for all tasks.

mod adam;
mod average;
pub mod batches;
mod checkpoint;
mod error;
pub(crate) mod gradients;
mod host;
pub(crate) mod optimizer;
mod options;
mod rate;
mod schedule;
mod session;
mod sgd;
mod state;
mod task;
#[cfg(test)]
mod tests;
mod trainer;

pub use checkpoint::{Best, CheckpointError};
pub use error::TrainError;
pub use optimizer::OptimizerKind;
pub use options::TrainingOptions;
pub use schedule::{Schedule, ScheduleKind};
pub use task::{Part, Task, higher_is_better};
pub use trainer::{Outcome, Recorder, Trained, Trainer};
