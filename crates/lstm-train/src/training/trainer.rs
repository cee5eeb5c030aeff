//! The training loop: the same for every task.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use lstm_core::{Mode, RandomSource};
use lstm_models::bundle::{self, BundleError};

use super::checkpoint::{self, Best, CheckpointError, Position, Window};
use super::gradients;
use super::optimizer;
use super::options::TrainingOptions;
use super::schedule::Schedule;
use super::task::{Metrics, Part, Task, higher_is_better};
use crate::run::{Event, EventError, EventKind, EventLog, Progress, RunDirectory};

/// Why a training could not go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
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
    /// The best weights cannot be read back.
    #[error(transparent)]
    Weights(#[from] BundleError),
}

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
    /// Empty training data, an unknown metric, a loss that is not a number.
    pub fn fit<T: Task>(&self, task: &T, model: T::Model) -> Result<Trained<T::Model>, TrainError> {
        let mut run = self.start(task, model, None)?;
        run.train()?;
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
            Ok(Outcome::Interrupted {
                step: run.position.step,
            })
        }
    }

    fn start<'a, T: Task>(
        &'a self,
        task: &'a T,
        model: T::Model,
        recorder: Option<Recorder<'a>>,
    ) -> Result<Run<'a, T>, TrainError> {
        let options = &self.options;
        let batches_per_epoch = task.batches(1).len();
        if batches_per_epoch == 0 {
            return Err(TrainError::NoData);
        }
        let steps_per_epoch = batches_per_epoch.div_ceil(options.accumulate) as u64;
        let total_steps = options.epochs * steps_per_epoch;
        let mut run = Run {
            task,
            options,
            interrupted: &self.interrupted,
            schedule: Schedule {
                kind: options.schedule,
                peak: options.learning_rate,
                warmup_steps: options.warmup_steps,
                total_steps,
            },
            optimizer: optimizer::init(options),
            model,
            position: Position {
                step: 0,
                epoch: 1,
                batch: 0,
                finished: false,
                seconds: 0.0,
                log_length: 0,
                fingerprint: task.fingerprint(),
                window: Window::default(),
                best: None,
                stale_validations: 0,
                validated_step: 0,
            },
            best_weights: None,
            recorder,
            started: Instant::now(),
            checkpointed: Instant::now(),
            rate: Rate::new(),
            progress: (!self.quiet).then(|| Progress::new(total_steps)),
        };
        run.restore()?;
        Ok(run)
    }
}

/// One training under way.
struct Run<'a, T: Task> {
    task: &'a T,
    options: &'a TrainingOptions,
    interrupted: &'a AtomicBool,
    schedule: Schedule,
    optimizer: ModuleOptimizer,
    model: T::Model,
    position: Position,
    best_weights: Option<Vec<u8>>,
    recorder: Option<Recorder<'a>>,
    /// When this process's training began; earlier seconds are in the position.
    started: Instant,
    checkpointed: Instant,
    rate: Rate,
    progress: Option<Progress>,
}

impl<T: Task> Run<'_, T> {
    /// Goes on from the newest checkpoint, or starts the log.
    fn restore(&mut self) -> Result<(), TrainError> {
        let Some(recorder) = &mut self.recorder else {
            return Ok(());
        };
        let restored = checkpoint::read_newest(
            &recorder.directory.checkpoints(),
            self.model.clone(),
            self.optimizer.clone(),
        )?;
        let Some(restored) = restored else {
            recorder.log.truncate_to(0)?;
            return self.log(EventKind::Start, Metrics::new());
        };
        if restored.position.fingerprint != self.position.fingerprint {
            return Err(TrainError::OtherData {
                run: recorder.directory.path().to_owned(),
            });
        }
        recorder.log.truncate_to(restored.position.log_length)?;
        self.model = restored.model;
        self.optimizer = restored.optimizer;
        self.position = restored.position;
        self.best_weights = restored.best_weights;
        let step = self.position.step;
        self.say(&format!("going on after step {step}"));
        Ok(())
    }

    /// Trains to the end, or until interrupted: then `false`.
    fn train(&mut self) -> Result<bool, TrainError> {
        while !self.position.finished {
            let batches = self.task.batches(self.position.epoch);
            while self.position.batch < batches.len() {
                let end = (self.position.batch + self.options.accumulate).min(batches.len());
                self.step(&batches[self.position.batch..end])?;
                self.position.batch = end;
                if end < batches.len() && self.is_validation_due() {
                    self.validate()?;
                }
                // The end of an epoch has a checkpoint of its own.
                if self.position.finished || end == batches.len() {
                    break;
                }
                let interrupted = self.is_interrupted();
                if interrupted || self.is_checkpoint_due() {
                    self.checkpoint()?;
                }
                if interrupted {
                    return Ok(false);
                }
            }
            self.end_epoch()?;
            if self.is_interrupted() && !self.position.finished {
                return Ok(false);
            }
        }
        if let Some(progress) = self.progress.take() {
            progress.finish();
        }
        Ok(true)
    }

    /// One step of the optimizer on the gradients of `batches`: ∇Σobjective ÷ Σcount, then clipped.
    fn step(&mut self, batches: &[Vec<usize>]) -> Result<(), TrainError> {
        let step = self.position.step + 1;
        let epoch = self.position.epoch;
        // Each batch of an accumulated step has its own masks.
        let source = RandomSource::new(self.options.seed);
        let mut accumulator = GradientsAccumulator::new();
        let mut gradients = GradientsParams::new();
        let (mut nll, mut count, mut examples) = (0.0, 0.0, 0);
        for (index, batch) in batches.iter().enumerate() {
            let draw = (step - 1) * self.options.accumulate as u64 + index as u64;
            let mode = Mode::Training(source.at_step(draw));
            let loss = self.task.loss(&self.model, batch, mode);
            nll += loss.nll.into_scalar::<f32>() as f64;
            count += loss.count;
            examples += batch.len();
            gradients = GradientsParams::from_grads(loss.objective.backward(), &self.model);
            if batches.len() > 1 {
                accumulator.accumulate(&self.model, gradients);
                gradients = GradientsParams::new();
            }
        }
        if batches.len() > 1 {
            gradients = accumulator.grads();
        }
        let loss = nll / count;
        if !loss.is_finite() {
            return Err(TrainError::Diverged { loss, step, epoch });
        }
        let norm = gradients::global_norm(&self.model, &gradients) / count;
        if !norm.is_finite() {
            return Err(TrainError::GradientDiverged { norm, step, epoch });
        }
        let clip = self.options.clip_norm;
        let clipped = if clip > 0.0 && norm > clip {
            clip / norm
        } else {
            1.0
        };
        let gradients = gradients::scale(&self.model, gradients, clipped / count);
        let rate = self.schedule.rate(step);
        self.model = self.optimizer.step(rate, self.model.clone(), gradients);

        self.position.step = step;
        let window = &mut self.position.window;
        window.nll += nll;
        window.count += count;
        window.gradient_norm += norm;
        window.steps += 1;
        self.rate.add(examples);
        self.report(loss, rate)
    }

    /// Shows the step, and logs it if it is time.
    fn report(&mut self, loss: f64, learning_rate: f64) -> Result<(), TrainError> {
        let position = &self.position;
        let examples_per_second = self.rate.per_second();
        if let Some(progress) = &mut self.progress {
            progress.update(
                position.step,
                position.epoch,
                self.options.epochs,
                loss,
                examples_per_second,
            );
        }
        if position.step.is_multiple_of(self.options.log_steps) {
            let window = std::mem::take(&mut self.position.window);
            let metrics = Metrics::from([
                ("loss".to_owned(), window.nll / window.count),
                (
                    "gradient_norm".to_owned(),
                    window.gradient_norm / window.steps as f64,
                ),
                ("learning_rate".to_owned(), learning_rate),
                ("examples_per_second".to_owned(), examples_per_second),
            ]);
            self.log(EventKind::Train, metrics)?;
        }
        Ok(())
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    fn is_validation_due(&self) -> bool {
        let every = self.options.valid_steps;
        every > 0 && self.position.step.is_multiple_of(every)
    }

    fn is_checkpoint_due(&self) -> bool {
        let (steps, minutes) = (
            self.options.checkpoint_steps,
            self.options.checkpoint_minutes,
        );
        let enough_steps = steps > 0 && self.position.step.is_multiple_of(steps);
        let enough_minutes =
            minutes > 0.0 && self.checkpointed.elapsed().as_secs_f64() > 60.0 * minutes;
        enough_steps || enough_minutes
    }

    /// Scores the validation part, keeps the weights if they are the best, and ends the training
    /// if there have been no better ones for too long.
    fn validate(&mut self) -> Result<(), TrainError> {
        self.position.validated_step = self.position.step;
        let model = self.model.valid();
        let Some(metrics) = self.task.evaluate(&model, Part::Valid) else {
            return Ok(());
        };
        let name = &self.options.metric;
        let unknown = || TrainError::UnknownMetric {
            metric: name.clone(),
            known: metrics.keys().cloned().collect(),
        };
        let value = *metrics.get(name).ok_or_else(unknown)?;
        let better = match self.position.best.as_ref().map(|best| best.metrics[name]) {
            None => true,
            Some(best) if higher_is_better(name) => value > best,
            Some(best) => value < best,
        };
        let shown: Vec<String> = metrics
            .iter()
            .map(|(name, value)| format!("{name} {value:.4}"))
            .collect();
        self.say(&format!(
            "epoch {}/{}  step {}  valid: {}{}",
            self.position.epoch,
            self.options.epochs,
            self.position.step,
            shown.join("  "),
            if better { "  (best)" } else { "" }
        ));
        self.log(EventKind::Valid, metrics.clone())?;
        if better {
            self.best_weights = Some(bundle::weights_to_bytes(&model));
            self.position.best = Some(Best {
                step: self.position.step,
                epoch: self.position.epoch,
                metrics,
            });
            self.position.stale_validations = 0;
        } else {
            self.position.stale_validations += 1;
            let patience = self.options.patience;
            if patience > 0 && self.position.stale_validations >= patience {
                self.position.finished = true;
                self.say(&format!(
                    "stopping: no better {name} in {patience} validations"
                ));
            }
        }
        Ok(())
    }

    fn end_epoch(&mut self) -> Result<(), TrainError> {
        if self.position.validated_step < self.position.step {
            self.validate()?;
        }
        if self.position.epoch >= self.options.epochs {
            self.position.finished = true;
        } else if !self.position.finished {
            self.position.epoch += 1;
            self.position.batch = 0;
        }
        self.checkpoint()
    }

    fn checkpoint(&mut self) -> Result<(), TrainError> {
        self.check_weights()?;
        self.log(EventKind::Checkpoint, Metrics::new())?;
        let Some(recorder) = &self.recorder else {
            return Ok(());
        };
        recorder.log.sync()?;
        let position = Position {
            seconds: self.seconds(),
            log_length: recorder.log.length(),
            ..self.position.clone()
        };
        checkpoint::write(
            &recorder.directory.checkpoints(),
            &self.model,
            &self.optimizer,
            &position,
            self.best_weights.as_deref(),
        )?;
        self.checkpointed = Instant::now();
        Ok(())
    }

    /// Refuses weights that are not finite: the last checkpoint that is any good is to stay.
    fn check_weights(&self) -> Result<(), TrainError> {
        for (tensor, data) in bundle::parameters(&self.model) {
            if let Some(value) = data.iter::<f32>().find(|value| !value.is_finite()) {
                return Err(TrainError::WeightDiverged {
                    tensor,
                    value,
                    step: self.position.step,
                    epoch: self.position.epoch,
                });
            }
        }
        Ok(())
    }

    fn into_trained(self) -> Result<Trained<T::Model>, TrainError> {
        let seconds = self.seconds();
        let model = match &self.best_weights {
            Some(bytes) => {
                let name = PathBuf::from("the best weights");
                bundle::weights_from_bytes(&name, bytes, self.model.valid())?
            }
            None => self.model.valid(),
        };
        Ok(Trained {
            model,
            best: self.position.best,
            steps: self.position.step,
            epoch: self.position.epoch,
            seconds,
        })
    }

    fn seconds(&self) -> f64 {
        self.position.seconds + self.started.elapsed().as_secs_f64()
    }

    fn log(&mut self, kind: EventKind, metrics: Metrics) -> Result<(), TrainError> {
        let (step, epoch, seconds) = (self.position.step, self.position.epoch, self.seconds());
        if let Some(recorder) = &mut self.recorder {
            let event = Event::new(kind, step, epoch, seconds, &metrics);
            recorder.log.append(&event)?;
        }
        Ok(())
    }

    fn say(&self, line: &str) {
        if let Some(progress) = &self.progress {
            progress.line(line);
        }
    }
}

/// Examples per second, over this process's last hundreds of examples.
struct Rate {
    since: Instant,
    examples: usize,
    last: f64,
}

impl Rate {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            examples: 0,
            last: 0.0,
        }
    }

    fn add(&mut self, examples: usize) {
        self.examples += examples;
        let seconds = self.since.elapsed().as_secs_f64();
        if seconds > 1.0 || self.last == 0.0 {
            self.last = self.examples as f64 / seconds.max(1e-9);
            self.since = Instant::now();
            self.examples = 0;
        }
    }

    fn per_second(&self) -> f64 {
        self.last
    }
}
