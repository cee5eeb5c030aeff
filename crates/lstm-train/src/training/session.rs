//! The training loop: one training under way, the same for every task.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use lstm_core::{CarriedState, Mode, RandomSource, RecurrentState};
use lstm_models::bundle;

use super::average::{self, Average};
use super::checkpoint::{self, Best, Parts, Position};
use super::error::TrainError;
use super::gradients;
use super::optimizer::{Optimizer, OptimizerKind};
use super::options::TrainingOptions;
use super::rate::Rate;
use super::schedule::Schedule;
use super::task::{Part, Task, higher_is_better};
use super::trainer::{Recorder, Trained};
use crate::metrics::Metrics;
use crate::run::{Event, EventKind, Progress};

/// Why a training has its model.
const HAS_MODEL: &str = "the optimizer gives the model back";

/// One training under way.
pub(super) struct Run<'a, T: Task> {
    task: &'a T,
    options: &'a TrainingOptions,
    interrupted: &'a AtomicBool,
    schedule: Schedule,
    optimizer: Optimizer,
    /// `None` only while the optimizer has it.
    model: Option<T::Model>,
    position: Position,
    best_weights: Option<Vec<u8>>,
    /// The mean of the weights, once it is taken.
    average: Option<Average>,
    /// What the last batch of this epoch left for the next.
    carried: Option<Vec<RecurrentState>>,
    recorder: Option<Recorder<'a>>,
    /// When this process's training began; earlier seconds are in the position.
    started: Instant,
    checkpointed: Instant,
    rate: Rate,
    progress: Option<Progress>,
}

impl<'a, T: Task> Run<'a, T> {
    /// Begins a training, or goes on with the one that the recorder's directory holds.
    pub fn start(
        task: &'a T,
        model: T::Model,
        options: &'a TrainingOptions,
        interrupted: &'a AtomicBool,
        recorder: Option<Recorder<'a>>,
        shows_progress: bool,
    ) -> Result<Self, TrainError> {
        if task.batch_count(1) == 0 {
            return Err(TrainError::NoData);
        }
        if options.optimizer == OptimizerKind::NtAsgd && !task.has(Part::Valid) {
            return Err(TrainError::NoValidation);
        }
        let steps = |epoch| task.batch_count(epoch).div_ceil(options.accumulate) as u64;
        let total_steps = (1..=options.epochs).map(steps).sum();
        let mut run = Self {
            task,
            options,
            interrupted,
            schedule: Schedule {
                kind: options.schedule,
                peak: options.learning_rate,
                warmup_steps: options.warmup_steps.min(total_steps / 2),
                total_steps,
                decay: options.decay,
                decay_after: options.decay_after,
                rise: options.rise,
            },
            optimizer: Optimizer::new(options),
            model: Some(model),
            position: Position::start(task.fingerprint()),
            best_weights: None,
            average: None,
            carried: None,
            recorder,
            started: Instant::now(),
            checkpointed: Instant::now(),
            rate: Rate::new(),
            progress: shows_progress.then(|| Progress::new(total_steps, T::COUNTED)),
        };
        run.restore()?;
        Ok(run)
    }

    fn model(&self) -> &T::Model {
        self.model.as_ref().expect(HAS_MODEL)
    }

    /// Steps of the optimizer that are done.
    pub fn steps(&self) -> u64 {
        self.position.step
    }

    /// Goes on from the newest checkpoint, or starts the log.
    fn restore(&mut self) -> Result<(), TrainError> {
        let device = self.model().devices()[0].clone();
        let Some(recorder) = &mut self.recorder else {
            return Ok(());
        };
        let restored = checkpoint::read_newest(
            &recorder.directory.checkpoints(),
            self.model.clone().expect(HAS_MODEL),
            self.optimizer.clone(),
            &device,
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
        self.model = Some(restored.model);
        self.optimizer = restored.optimizer;
        self.position = restored.position;
        self.best_weights = restored.best_weights;
        self.average = restored.average;
        self.carried = restored.carried;
        let step = self.position.step;
        self.say(&format!("going on after step {step}"));
        Ok(())
    }

    /// Trains to the end, or until interrupted: then `false`.
    pub fn train(&mut self) -> Result<bool, TrainError> {
        while !self.position.finished {
            let batches = self.task.batches(self.position.epoch);
            self.begin_average();
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

    /// Averages the weights from the first of the last `average_epochs` epochs on; from then on the best are those of
    /// the averaged ones.
    fn begin_average(&mut self) {
        let before = self.options.epochs - self.options.average_epochs;
        if self.position.epoch > before && self.average.is_none() {
            self.average = Some(Average::default());
            self.position.best = None;
            self.best_weights = None;
        }
    }

    /// One step of the optimizer on the gradients of `batches`: ∇Σobjective ÷ Σdivisor, then clipped.
    fn step(&mut self, batches: &[T::Batch]) -> Result<(), TrainError> {
        let step = self.position.step + 1;
        let epoch = self.position.epoch;
        // Each batch of an accumulated step has its own masks.
        let source = RandomSource::new(self.options.seed);
        let mut accumulator = GradientsAccumulator::new();
        let mut gradients = GradientsParams::new();
        let (mut nll, mut count, mut divisor) = (0.0, 0.0, 0.0);
        for (index, batch) in batches.iter().enumerate() {
            let draw = (step - 1).wrapping_mul(self.options.accumulate as u64) + index as u64;
            let mode = Mode::Training(source.at_step(draw));
            let carried = self.carried.take();
            let (loss, carried) = self.task.loss(self.model(), batch, carried, mode);
            self.carried = carried.map(CarriedState::detach);
            nll += loss.nll.into_scalar::<f32>() as f64;
            count += loss.count;
            divisor += loss.divisor;
            gradients = GradientsParams::from_grads(loss.objective.backward(), self.model());
            if batches.len() > 1 {
                accumulator.accumulate(self.model(), gradients);
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
        let norm = gradients::global_norm(self.model(), &mut gradients) / divisor;
        if !norm.is_finite() {
            return Err(TrainError::GradientDiverged { norm, step, epoch });
        }
        let factor = gradients::clipping(norm, self.options.clip_norm) / divisor;
        let rate = self.schedule.rate(step, epoch) * self.rate_factor(batches);
        // Taken out, so that the optimizer is the only one who holds it and can change it in place.
        let model = self.model.take().expect(HAS_MODEL);
        let mut model = self.optimizer.step(rate, factor, model, gradients);
        if let Some(average) = &mut self.average {
            model = average.add(model);
        }
        self.model = Some(model);

        self.position.step = step;
        let window = &mut self.position.window;
        window.nll += nll;
        window.count += count;
        window.gradient_norm += norm;
        window.steps += 1;
        self.rate.add(count);
        self.report(loss)
    }

    /// What the learning rate is multiplied by in a step on these batches.
    fn rate_factor(&self, batches: &[T::Batch]) -> f64 {
        let sum: f64 = batches
            .iter()
            .map(|batch| self.task.rate_factor(batch))
            .sum();
        sum / batches.len() as f64
    }

    /// Shows the step, and logs it if it is time.
    fn report(&mut self, loss: f64) -> Result<(), TrainError> {
        let position = &self.position;
        let per_second = self.rate.per_second();
        if let Some(progress) = &mut self.progress {
            progress.update(
                position.step,
                position.epoch,
                self.options.epochs,
                loss,
                per_second,
            );
        }
        if position.step.is_multiple_of(self.options.log_steps) {
            self.log_window()?;
        }
        Ok(())
    }

    /// Logs the steps since the last `train` event, if there are any.
    fn log_window(&mut self) -> Result<(), TrainError> {
        let window = std::mem::take(&mut self.position.window);
        if window.steps == 0 {
            return Ok(());
        }
        let steps = window.steps as f64;
        let metrics = Metrics::from([
            ("loss".to_owned(), window.nll / window.count),
            (T::COUNTED.to_owned(), window.count),
            ("gradient_norm".to_owned(), window.gradient_norm / steps),
            (
                "learning_rate".to_owned(),
                self.schedule.rate(self.position.step, self.position.epoch),
            ),
            (format!("{}_per_second", T::COUNTED), self.rate.per_second()),
        ]);
        self.log(EventKind::Train, metrics)
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
        let model = self.result();
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
            // What is not a number is better than nothing else.
            _ if !value.is_finite() => false,
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
        if self.options.optimizer == OptimizerKind::NtAsgd && self.average.is_none() {
            self.position.validations.push(value);
            let higher = higher_is_better(name);
            let patience = self.options.non_monotone;
            if average::is_due(&self.position.validations, patience, higher) {
                self.average = Some(Average::default());
                self.say("averaging the weights from here on");
            }
        }
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

    /// The model without autodiff: the mean of its weights, once that is taken.
    fn result(&self) -> T::Model {
        let model = self.model().valid();
        match &self.average {
            Some(average) if average.steps() > 0 => average.put_into(model),
            _ => model,
        }
    }

    fn end_epoch(&mut self) -> Result<(), TrainError> {
        self.log_window()?;
        if self.position.validated_step < self.position.step {
            self.validate()?;
        }
        self.announce_checkpoint()?;
        if self.position.epoch >= self.options.epochs {
            self.position.finished = true;
        } else if !self.position.finished {
            self.position.epoch += 1;
            self.position.batch = 0;
            self.carried = None;
        }
        self.write_checkpoint()?;
        match &self.recorder {
            Some(recorder) => Ok(recorder.draw_curves()?),
            None => Ok(()),
        }
    }

    fn checkpoint(&mut self) -> Result<(), TrainError> {
        self.announce_checkpoint()?;
        self.write_checkpoint()
    }

    /// Logs a checkpoint, which remembers the log's length, and refuses one that is no good.
    fn announce_checkpoint(&mut self) -> Result<(), TrainError> {
        self.check_weights()?;
        self.log(EventKind::Checkpoint, Metrics::new())
    }

    fn write_checkpoint(&mut self) -> Result<(), TrainError> {
        let Some(recorder) = &self.recorder else {
            return Ok(());
        };
        recorder.log.sync()?;
        let position = Position {
            seconds: self.seconds(),
            log_length: recorder.log.length(),
            averaged_steps: self.average.as_ref().map(Average::steps),
            ..self.position.clone()
        };
        let parts = Parts {
            model: self.model(),
            optimizer: &self.optimizer,
            best_weights: self.best_weights.as_deref(),
            average: self.average.as_ref(),
            carried: self.carried.as_deref(),
        };
        checkpoint::write(&recorder.directory.checkpoints(), parts, &position)?;
        self.checkpointed = Instant::now();
        Ok(())
    }

    /// Refuses weights that are not finite: the last checkpoint that is any good is to stay.
    fn check_weights(&self) -> Result<(), TrainError> {
        for (tensor, data) in bundle::parameters(self.model()) {
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

    pub fn into_trained(self) -> Result<Trained<T::Model>, TrainError> {
        let seconds = self.seconds();
        let model = match &self.best_weights {
            Some(bytes) => {
                let name = PathBuf::from("the best weights");
                bundle::weights_from_bytes(&name, bytes, self.model().valid())?
            }
            None => self.result(),
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
