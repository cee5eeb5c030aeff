//! What a training step spends its time on: the recurrent layer, and all that lies around it.

use std::fmt;
use std::time::Instant;

use burn::module::Module;
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

    /// What follows the recurrent layer.
    const AFTER: &'static str;

    /// Makes it.
    fn input(&self, batch: &Batch<Self>, device: &Device) -> Self::Input;

    /// How many tokens it has.
    fn tokens(input: &Self::Input) -> usize;

    /// Its loss.
    fn loss(&self, model: &Model<Self>, input: &Self::Input, mode: Mode) -> Loss;

    /// Milliseconds of what lies before the recurrent layer and of what follows it: each forward and back.
    fn time_ends(
        model: &Model<Self>,
        input: &Self::Input,
        mode: Mode,
        clock: &mut Clock<'_>,
    ) -> [[f64; 2]; 2];
}

/// The time of each part of a training step, in milliseconds: means over batches, of each batch the
/// fastest of several rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct StepProfile {
    parts: Parts,
    /// What follows the recurrent layer.
    after: &'static str,
    /// Of a batch.
    tokens: f64,
}

/// The parts of a step, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Parts {
    batch: f64,
    /// All of it.
    forward: f64,
    /// Forward and back.
    embedding: [f64; 2],
    /// Forward and back.
    after: [f64; 2],
    /// All of it.
    backward: f64,
    norm: f64,
    optimizer: f64,
}

/// Times `batches` training steps of a recipe, from its first epoch, `rounds` times each.
///
/// What lies before and after the recurrent layer is timed without it, on the same batches; the
/// recurrent layer's time is the difference to the whole. No state is carried from batch to batch.
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
                let before = fastest[index].unwrap_or(parts);
                fastest[index] = Some(before.with(parts, f64::min));
            }
        }
    }
    let sum = fastest
        .into_iter()
        .flatten()
        .reduce(|sum, parts| sum.with(parts, |a, b| a + b));
    let sum = sum.expect("at least one round of at least one batch");
    Ok(StepProfile {
        parts: sum.map(|milliseconds| milliseconds / count as f64),
        after: P::AFTER,
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
        let [embedding, after] = P::time_ends(&model, &input, self.mode, &mut clock);
        let parts = Parts {
            batch: making,
            forward,
            embedding,
            after,
            backward,
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

    /// What lies before the recurrent layer: its output, and the time of both ways.
    pub fn embedding<M: Module>(
        &mut self,
        model: &M,
        embed: impl FnOnce() -> Tensor<3>,
    ) -> (Tensor<3>, [f64; 2]) {
        self.lap();
        let embedded = embed();
        let forward = self.lap();
        let input = embedded.clone().detach();
        // Some gradient of the shape that the recurrent layer gives back.
        let objective = (embedded * input.clone()).sum();
        self.lap();
        drop(GradientsParams::from_grads(objective.backward(), model));
        (input, [forward, self.lap()])
    }

    /// What follows the recurrent layer: the time of both ways.
    pub fn loss(&mut self, loss: impl FnOnce() -> Loss) -> [f64; 2] {
        self.lap();
        let loss = loss();
        // The device has computed it when its value is here.
        loss.nll.into_scalar::<f32>();
        let forward = self.lap();
        drop(loss.objective.backward());
        [forward, self.lap()]
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
    fn map(self, change: impl Fn(f64) -> f64) -> Self {
        self.with(self, |milliseconds, _| change(milliseconds))
    }

    /// Each part joined with the other's.
    fn with(self, other: Self, join: impl Fn(f64, f64) -> f64) -> Self {
        let both = |a: [f64; 2], b: [f64; 2]| [join(a[0], b[0]), join(a[1], b[1])];
        Self {
            batch: join(self.batch, other.batch),
            forward: join(self.forward, other.forward),
            embedding: both(self.embedding, other.embedding),
            after: both(self.after, other.after),
            backward: join(self.backward, other.backward),
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

    /// Milliseconds of a step in the recurrent layer, forward and backward.
    pub fn recurrence(&self) -> f64 {
        let parts = &self.parts;
        let ends = parts.embedding.iter().chain(&parts.after).sum::<f64>();
        parts.forward + parts.backward - ends
    }
}

impl fmt::Display for StepProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.whole();
        let mut line = |name: &str, time: f64| {
            let share = 100.0 * time / whole;
            writeln!(f, "{name:<32} {time:>9.2} ms {share:>6.1} %")
        };
        let (parts, after) = (&self.parts, self.after);
        line("a step", whole)?;
        line("recurrence", self.recurrence())?;
        line("all around it", whole - self.recurrence())?;
        line("  batch", parts.batch)?;
        line("  embedding, forward", parts.embedding[0])?;
        line("  embedding, backward", parts.embedding[1])?;
        line(&format!("  {after}, forward"), parts.after[0])?;
        line(&format!("  {after}, backward"), parts.after[1])?;
        line("  norm of the gradients", parts.norm)?;
        line("  optimizer", parts.optimizer)?;
        writeln!(f, "a batch has {:.0} tokens", self.tokens)
    }
}
