//! Training a model, in memory or in a run directory.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::checkpoint::Best;
use super::error::TrainError;
use super::options::TrainingOptions;
use super::session::Run;
use super::task::Task;
use crate::run::{CurvesError, EventLog, RunDirectory, draw_curves};

/// A trained model.
#[derive(Debug)]
pub struct Trained<M> {
    /// The model with its best weights (its last ones, where there is no validation), without
    /// autodiff.
    pub model: M,
    /// The validation that picked them.
    pub best: Option<Best>,
    /// Steps of the optimizer.
    pub steps: u64,
    /// The last epoch that was trained, counted from 1.
    pub epoch: u64,
    /// Seconds of training, summed over interruptions.
    pub seconds: f64,
}

/// How a training ended.
#[derive(Debug)]
pub enum Outcome<M> {
    /// It is over.
    Finished(Trained<M>),
    /// It was interrupted after this step, and a checkpoint was written if there is a run
    /// directory.
    Interrupted {
        /// The last step that was done.
        step: u64,
    },
}

/// Where a training leaves its traces: its run directory's log, which goes on after a resume.
pub struct Recorder<'a> {
    /// The run directory.
    pub directory: &'a RunDirectory,
    /// Its log of events.
    pub log: &'a mut EventLog,
}

impl Recorder<'_> {
    /// Draws the curves of what is in the log.
    ///
    /// # Errors
    ///
    /// A log that cannot be read, curves that cannot be written.
    pub fn draw_curves(&self) -> Result<(), CurvesError> {
        draw_curves(&self.directory.events(), &self.directory.curves())
    }
}

/// Trains models by [`TrainingOptions`].
pub struct Trainer {
    options: TrainingOptions,
    interrupted: Arc<AtomicBool>,
    quiet: bool,
}

impl Trainer {
    /// A trainer with these options, which must be within their ranges
    /// ([`TrainingOptions::check`]).
    pub fn new(options: TrainingOptions) -> Self {
        Self {
            options,
            interrupted: Arc::new(AtomicBool::new(false)),
            quiet: false,
        }
    }

    /// Stops after the current step, with a checkpoint, once `flag` is set.
    pub fn interrupted_by(mut self, flag: Arc<AtomicBool>) -> Self {
        self.interrupted = flag;
        self
    }

    /// Shows no progress.
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Trains `model`, whose parameters are on an autodiff device, in memory only.
    ///
    /// # Errors
    ///
    /// Empty training data, an unknown metric, a loss that is not a number, an interruption.
    pub fn fit<T: Task>(&self, task: &T, model: T::Model) -> Result<Trained<T::Model>, TrainError> {
        let mut run = self.start(task, model, None)?;
        if !run.train()? {
            return Err(TrainError::Interrupted { step: run.steps() });
        }
        run.into_trained()
    }

    /// Trains `model`, whose parameters are on an autodiff device, with a log and checkpoints in a
    /// run directory; goes on from the newest checkpoint if there is one.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), and a run directory that cannot be written to or whose checkpoint
    /// does not fit.
    pub fn fit_recorded<T: Task>(
        &self,
        task: &T,
        model: T::Model,
        recorder: Recorder<'_>,
    ) -> Result<Outcome<T::Model>, TrainError> {
        let mut run = self.start(task, model, Some(recorder))?;
        if run.train()? {
            Ok(Outcome::Finished(run.into_trained()?))
        } else {
            Ok(Outcome::Interrupted { step: run.steps() })
        }
    }

    fn start<'a, T: Task>(
        &'a self,
        task: &'a T,
        model: T::Model,
        recorder: Option<Recorder<'a>>,
    ) -> Result<Run<'a, T>, TrainError> {
        Run::start(
            task,
            model,
            &self.options,
            &self.interrupted,
            recorder,
            !self.quiet,
        )
    }
}
