//! What a training step spends its time on: the recurrent layer, and all that lies around it.

use std::fmt;
use std::time::Instant;

use burn::optim::GradientsParams;
use burn::tensor::Device;
use lstm_core::{CarriedState, Mode, RandomSource, WeightDraws};
use lstm_models::{ClassifierModel, Target, TokenBatch, cross_entropy};

use super::train::PreparedClassifier;
use crate::tasks::{Prepared, TrainRequest, TrainRequestError};
use crate::training::optimizer::Optimizer;
use crate::training::{Task, TrainingOptions, gradients};

/// What is timed, in the order of a step.
const PARTS: [&str; 9] = [
    "batch",
    "forward, all of it",
    "embedding, forward",
    "embedding, backward",
    "pooling to loss, forward",
    "pooling to loss, backward",
    "backward, all of it",
    "norm of the gradients",
    "optimizer",
];

/// Which of [`PARTS`] are the whole passes.
const PASSES: [usize; 2] = [1, 6];

/// Which of [`PARTS`] are within those.
const WITHIN: [usize; 4] = [2, 3, 4, 5];

/// The time of each part of a training step, in milliseconds: means over batches, of each batch the
/// fastest of several rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct StepProfile {
    parts: [f64; PARTS.len()],
    tokens: f64,
}

/// Times `batches` training steps of a recipe, from its first epoch, `rounds` times each.
///
/// What lies before and after the recurrent layer is timed without it, on the same batches; the
/// recurrent layer's time is the difference to the whole.
///
/// # Errors
///
/// A recipe or data that are not as they should be.
pub fn profile(
    request: &TrainRequest,
    device: &Device,
    batches: usize,
    rounds: usize,
) -> Result<StepProfile, TrainRequestError> {
    let prepared = PreparedClassifier::new(request.recipe()?, device)?;
    let options = &prepared.recipe.training;
    let device = device.clone().autodiff();
    let mut draws = WeightDraws::new(options.seed, &device);
    let mut model = prepared.config.init_with(&mut draws);
    let mut optimizer = Optimizer::new(options);
    let all = prepared.task.batches(1);
    let count = batches.min(all.len()).max(1);
    let mut fastest = vec![[f64::INFINITY; PARTS.len()]; count];
    let mut tokens = 0;
    // The first round allocates, and gives the optimizer its state.
    for round in 0..=rounds {
        for (index, batch) in all.iter().take(count).enumerate() {
            let texts = batch.iter().map(|&text| prepared.task.train.lengths[text]);
            tokens += if round == 0 { texts.sum() } else { 0 };
            let mode = Mode::Training(RandomSource::new(options.seed).at_step(index as u64));
            let step = Step {
                task: &prepared,
                options,
                device: &device,
                batch,
                mode,
            };
            let (next, parts) = step.time(model, &mut optimizer);
            model = next;
            if round > 0 {
                for (fastest, part) in fastest[index].iter_mut().zip(parts) {
                    *fastest = part.min(*fastest);
                }
            }
        }
    }
    let mean = |part: usize| fastest.iter().map(|parts| parts[part]).sum::<f64>() / count as f64;
    Ok(StepProfile {
        parts: std::array::from_fn(mean),
        tokens: tokens as f64 / count as f64,
    })
}

/// One training step.
struct Step<'a> {
    task: &'a PreparedClassifier,
    options: &'a TrainingOptions,
    device: &'a Device,
    batch: &'a [usize],
    mode: Mode,
}

impl Step<'_> {
    /// Takes the step; the model after it, and the milliseconds of each part.
    fn time(
        &self,
        model: ClassifierModel,
        optimizer: &mut Optimizer,
    ) -> (ClassifierModel, [f64; PARTS.len()]) {
        let mut clock = Clock::new(self.device);
        let train = &self.task.task.train;
        let tokens = train.token_batch(self.batch, self.device);
        let targets: Vec<Target> = self.batch.iter().map(|&text| train.targets[text]).collect();
        let making = clock.lap();
        let loss = model.loss(&tokens, &targets, self.mode);
        let nll = f64::from(loss.nll.into_scalar::<f32>());
        let forward = clock.lap();
        let mut gradients = GradientsParams::from_grads(loss.objective.backward(), &model);
        let backward = clock.lap();
        let norm = gradients::global_norm(&model, &mut gradients) / loss.count;
        let norming = clock.lap();
        let factor = gradients::clipping(norm, self.options.clip_norm) / loss.count;
        let model = optimizer.step(self.options.learning_rate, factor, model, gradients);
        let updating = clock.lap();
        assert!(nll.is_finite(), "the loss is {nll}");
        let [embedding, pooling] = self.time_ends(&model, &tokens, &targets);
        let parts = [
            making,
            forward,
            embedding[0],
            embedding[1],
            pooling[0],
            pooling[1],
            backward,
            norming,
            updating,
        ];
        (model, parts)
    }

    /// What lies before the recurrent layer and what follows it: each forward and backward.
    fn time_ends(
        &self,
        model: &ClassifierModel,
        tokens: &TokenBatch,
        targets: &[Target],
    ) -> [[f64; 2]; 2] {
        let mut clock = Clock::new(self.device);
        let embedded = model.embed(tokens, self.mode);
        let embedding_forward = clock.lap();
        let input = embedded.clone().detach();
        // Some gradient of the shape that the recurrent layer gives back.
        let objective = (embedded * input.clone()).sum();
        clock.lap();
        drop(GradientsParams::from_grads(objective.backward(), model));
        let embedding_backward = clock.lap();

        let recurrent = model.recurrent();
        let (outputs, state) = recurrent.forward(input, &tokens.lengths, None, self.mode);
        let outputs = outputs.detach().require_grad();
        let state = state.detach();
        clock.lap();
        let logits = model.classify(outputs, &state, tokens, self.mode);
        let loss = cross_entropy(logits, targets);
        loss.nll.into_scalar::<f32>();
        let pooling_forward = clock.lap();
        drop(loss.objective.backward());
        let pooling_backward = clock.lap();
        [
            [embedding_forward, embedding_backward],
            [pooling_forward, pooling_backward],
        ]
    }
}

/// Milliseconds from one call to the next, the device's work included.
struct Clock<'a> {
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

    fn lap(&mut self) -> f64 {
        self.device.sync().expect("the device works");
        let now = Instant::now();
        let milliseconds = (now - self.last).as_secs_f64() * 1e3;
        self.last = now;
        milliseconds
    }
}

impl StepProfile {
    fn sum(&self, is_in: impl Fn(usize) -> bool) -> f64 {
        let parts = self.parts.iter().enumerate();
        parts
            .filter(|&(part, _)| is_in(part))
            .map(|(_, time)| time)
            .sum()
    }

    /// Milliseconds of a step.
    pub fn whole(&self) -> f64 {
        self.sum(|part| !WITHIN.contains(&part))
    }

    /// Milliseconds of a step in the recurrent layer, forward and backward.
    pub fn recurrence(&self) -> f64 {
        self.sum(|part| PASSES.contains(&part)) - self.sum(|part| WITHIN.contains(&part))
    }
}

impl fmt::Display for StepProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.whole();
        let mut line = |name: &str, time: f64| {
            let share = 100.0 * time / whole;
            writeln!(f, "{name:<26} {time:>9.2} ms {share:>6.1} %")
        };
        line("a step", whole)?;
        line("recurrence", self.recurrence())?;
        line("all around it", whole - self.recurrence())?;
        for (part, (name, time)) in PARTS.iter().zip(self.parts).enumerate() {
            if !PASSES.contains(&part) {
                line(&format!("  {name}"), time)?;
            }
        }
        writeln!(f, "a batch has {:.0} tokens", self.tokens)
    }
}
