//! What a training step spends its time on: the recurrent layers, and all that lies around them.

use std::fmt;
use std::time::Instant;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use lstm_core::{Mode, RandomSource, WeightDraws};
use lstm_models::Loss;

use super::{Prepared, TrainRequest, TrainRequestError, TrainingRecipe};
use crate::training::optimizer::Optimizer;
use crate::training::{Task, TrainingOptions, gradients};

type Model<P> = <<P as Prepared>::Task as Task>::Model;
type Batch<P> = <<P as Prepared>::Task as Task>::Batch;

/// A task whose training step can be timed part by part.
pub trait Profiled: Prepared {
    /// A batch as the model reads it.
    type Input;

    /// Makes it.
    fn input(&self, batch: &Batch<Self>, device: &Device) -> Self::Input;

    /// How many tokens it has.
    fn tokens(input: &Self::Input) -> usize;

    /// Its loss.
    fn loss(&self, model: &Model<Self>, input: &Self::Input, mode: Mode) -> Loss;

    /// Times all of the model that is not a recurrent layer, part by part.
    fn time_parts(
        &self,
        model: &Model<Self>,
        input: &Self::Input,
        mode: Mode,
        clock: &mut Clock<'_>,
    ) -> Vec<ModelPart>;
}

/// A part of a model beside its recurrent layers, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelPart {
    /// What people call it.
    pub name: &'static str,
    /// Its way forward.
    pub forward: f64,
    /// Its way back.
    pub backward: f64,
}

/// The time of each part of a training step, in milliseconds: means over batches, of each batch the
/// fastest of several rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct StepProfile {
    parts: Parts,
    /// Of a batch.
    tokens: f64,
}

/// The parts of a step, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
struct Parts {
    batch: f64,
    /// All of it.
    forward: f64,
    /// All of it.
    backward: f64,
    /// What of both is not a recurrent layer's.
    model: Vec<ModelPart>,
    norm: f64,
    optimizer: f64,
}

/// Times `batches` training steps of a recipe, from its first epoch, `rounds` times each.
///
/// What lies around the recurrent layers is timed without them, on the same batches; the recurrent layers' time
/// is the difference to the whole. No state is carried from batch to batch.
///
/// # Errors
///
/// A recipe or data that are not as they should be.
pub fn profile<P: Profiled>(
    request: &TrainRequest,
    device: &Device,
    batches: usize,
    rounds: usize,
) -> Result<StepProfile, TrainRequestError> {
    let prepared = P::new(request.recipe()?, device)?;
    let options = prepared.recipe().training();
    let device = device.clone().autodiff();
    let mut model = prepared.init(&mut WeightDraws::new(options.seed, &device));
    let mut optimizer = Optimizer::new(options);
    let all = prepared.task().batches(1);
    let count = batches.min(all.len()).max(1);
    let mut fastest: Vec<Option<Parts>> = vec![None; count];
    let mut tokens = 0;
    // The first round allocates, and gives the optimizer its state.
    for round in 0..=rounds {
        for (index, batch) in all.iter().take(count).enumerate() {
            let step = Step {
                prepared: &prepared,
                options,
                device: &device,
                mode: Mode::Training(RandomSource::new(options.seed).at_step(index as u64)),
            };
            let (next, parts, length) = step.time(batch, model, &mut optimizer);
            model = next;
            if round == 0 {
                tokens += length;
            } else {
                let fastest = &mut fastest[index];
                *fastest = Some(match fastest.take() {
                    Some(before) => before.with(&parts, f64::min),
                    None => parts,
                });
            }
        }
    }
    let sum = fastest
        .into_iter()
        .flatten()
        .reduce(|sum, parts| sum.with(&parts, |a, b| a + b));
    let sum = sum.expect("at least one round of at least one batch");
    Ok(StepProfile {
        parts: sum.with(&sum, |milliseconds, _| milliseconds / count as f64),
        tokens: tokens as f64 / count as f64,
    })
}

/// A training step on some batch.
struct Step<'a, P> {
    prepared: &'a P,
    options: &'a TrainingOptions,
    device: &'a Device,
    mode: Mode,
}

impl<P: Profiled> Step<'_, P> {
    /// Takes the step; the model after it, the milliseconds of each part, and the tokens.
    fn time(
        &self,
        batch: &Batch<P>,
        model: Model<P>,
        optimizer: &mut Optimizer,
    ) -> (Model<P>, Parts, usize) {
        let mut clock = Clock::new(self.device);
        let input = self.prepared.input(batch, self.device);
        let making = clock.lap();
        let loss = self.prepared.loss(&model, &input, self.mode);
        // The device has computed it when its value is here.
        loss.nll.into_scalar::<f32>();
        let forward = clock.lap();
        let mut gradients = GradientsParams::from_grads(loss.objective.backward(), &model);
        let backward = clock.lap();
        let norm = gradients::global_norm(&model, &mut gradients) / loss.divisor;
        let norming = clock.lap();
        let factor = gradients::clipping(norm, self.options.clip_norm) / loss.divisor;
        let model = optimizer.step(self.options.learning_rate, factor, model, gradients);
        let updating = clock.lap();
        let parts = Parts {
            batch: making,
            forward,
            backward,
            model: self
                .prepared
                .time_parts(&model, &input, self.mode, &mut clock),
            norm: norming,
            optimizer: updating,
        };
        (model, parts, P::tokens(&input))
    }
}

/// Milliseconds from one call to the next, the device's work included.
pub struct Clock<'a> {
    device: &'a Device,
    last: Instant,
}

impl<'a> Clock<'a> {
    fn new(device: &'a Device) -> Self {
        let mut clock = Self {
            device,
            last: Instant::now(),
        };
        clock.lap();
        clock
    }

    /// A part whose output `[…]` others read: the output without its graph, and the time of both ways.
    pub fn part<const D: usize>(
        &mut self,
        name: &'static str,
        forward: impl FnOnce() -> Tensor<D>,
    ) -> (Tensor<D>, ModelPart) {
        self.lap();
        let output = forward();
        let forward = self.lap();
        let value = output.clone().detach();
        // Some gradient of the output's shape.
        let objective = (output * value.clone()).sum();
        (value, self.timed_back(name, forward, objective))
    }

    /// The last part, which gives the loss: the time of both ways.
    pub fn loss(&mut self, name: &'static str, loss: impl FnOnce() -> Loss) -> ModelPart {
        self.lap();
        let loss = loss();
        // The device has computed it when its value is here.
        loss.nll.into_scalar::<f32>();
        let forward = self.lap();
        self.timed_back(name, forward, loss.objective)
    }

    fn timed_back(&mut self, name: &'static str, forward: f64, objective: Tensor<1>) -> ModelPart {
        self.lap();
        drop(objective.backward());
        ModelPart {
            name,
            forward,
            backward: self.lap(),
        }
    }

    /// Since the last call.
    fn lap(&mut self) -> f64 {
        self.device.sync().expect("the device works");
        let now = Instant::now();
        let milliseconds = (now - self.last).as_secs_f64() * 1e3;
        self.last = now;
        milliseconds
    }
}

impl Parts {
    /// Each part joined with the other's.
    fn with(&self, other: &Self, join: impl Fn(f64, f64) -> f64) -> Self {
        let model = self.model.iter().zip(&other.model);
        let model = model.map(|(part, other)| ModelPart {
            name: part.name,
            forward: join(part.forward, other.forward),
            backward: join(part.backward, other.backward),
        });
        Self {
            batch: join(self.batch, other.batch),
            forward: join(self.forward, other.forward),
            backward: join(self.backward, other.backward),
            model: model.collect(),
            norm: join(self.norm, other.norm),
            optimizer: join(self.optimizer, other.optimizer),
        }
    }
}

impl StepProfile {
    /// Milliseconds of a step.
    pub fn whole(&self) -> f64 {
        let parts = &self.parts;
        parts.batch + parts.forward + parts.backward + parts.norm + parts.optimizer
    }

    /// Milliseconds of a step in the recurrent layers, forward and backward.
    pub fn recurrence(&self) -> f64 {
        let parts = &self.parts;
        let around = parts.model.iter().map(|part| part.forward + part.backward);
        parts.forward + parts.backward - around.sum::<f64>()
    }
}

impl fmt::Display for StepProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.whole();
        let mut line = |name: &str, time: f64| {
            let share = 100.0 * time / whole;
            writeln!(f, "{name:<32} {time:>9.2} ms {share:>6.1} %")
        };
        let parts = &self.parts;
        line("a step", whole)?;
        line("recurrence", self.recurrence())?;
        line("all around it", whole - self.recurrence())?;
        line("  batch", parts.batch)?;
        for part in &parts.model {
            line(&format!("  {}, forward", part.name), part.forward)?;
            line(&format!("  {}, backward", part.name), part.backward)?;
        }
        line("  norm of the gradients", parts.norm)?;
        line("  optimizer", parts.optimizer)?;
        writeln!(f, "a batch has {:.0} tokens", self.tokens)
    }
}
