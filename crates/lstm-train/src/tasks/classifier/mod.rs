//! Classifying texts.

pub mod data;
mod profile;
pub mod recipe;
mod report;
mod train;

use burn::tensor::Device;
use lstm_core::{Mode, RecurrentState};
use lstm_models::{
    ClassifierModel, EncodedText, Loss, Target, TextEncoder, TokenBatch, TokenizerError,
};

use crate::corpus::{Corpus, Example};
use crate::metrics::{Classification, ClassificationScores, Metrics};
use crate::training::{Part, Task, batches};
use data::Corpora;

pub use report::{Baselines, Report, Scored};
pub use train::{PreparedClassifier, baselines};

/// Texts in an evaluation batch, at least.
const EVALUATION_BATCH: usize = 64;

/// The classification of a corpus: what the trainer works on.
#[derive(Debug)]
pub struct ClassifierTask {
    train: Encoded,
    valid: Option<Encoded>,
    test: Option<Encoded>,
    prior: Vec<f32>,
    batch_size: usize,
    seed: u64,
    device: Device,
    fingerprint: u32,
}

/// Texts as token ids, with their labels.
#[derive(Debug)]
struct Encoded {
    texts: Vec<EncodedText>,
    lengths: Vec<usize>,
    targets: Vec<Target>,
}

/// How a [`ClassifierTask`] makes and weighs its batches.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOptions {
    /// Texts in a training batch.
    pub batch_size: usize,
    /// Decides the order of texts.
    pub seed: u64,
    /// The share of the truth that is moved to all classes evenly.
    pub label_smoothing: f64,
    /// The same for examples whose label holds only somewhat.
    pub weak_smoothing: f64,
}

impl Default for TaskOptions {
    fn default() -> Self {
        Self {
            batch_size: 32,
            seed: 1,
            label_smoothing: 0.0,
            weak_smoothing: 0.0,
        }
    }
}

impl ClassifierTask {
    /// Encodes the corpora for models on `device`.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn new(
        corpora: &Corpora,
        encoder: &TextEncoder,
        options: &TaskOptions,
        device: &Device,
    ) -> Result<Self, TokenizerError> {
        let encode = |corpus: &Corpus| Encoded::new(corpus, encoder, options);
        let mut crc = flate2::Crc::new();
        let parts = [&corpora.valid, &corpora.test].into_iter().flatten();
        for corpus in std::iter::once(&corpora.train).chain(parts) {
            for label in &corpus.labels {
                crc.update(label.as_bytes());
                crc.update(b"\n");
            }
            for example in &corpus.examples {
                crc.update(example.text.as_bytes());
                crc.update(&(example.label as u64).to_le_bytes());
            }
        }
        Ok(Self {
            train: encode(&corpora.train)?,
            valid: corpora.valid.as_ref().map(encode).transpose()?,
            test: corpora.test.as_ref().map(encode).transpose()?,
            prior: prior(&corpora.train),
            batch_size: options.batch_size,
            seed: options.seed,
            device: device.clone(),
            fingerprint: crc.sum(),
        })
    }

    /// How many training texts are longer than the model reads.
    pub fn cut_texts(&self) -> usize {
        self.train.texts.iter().filter(|text| text.is_cut).count()
    }

    fn part(&self, part: Part) -> Option<&Encoded> {
        match part {
            Part::Train => Some(&self.train),
            Part::Valid => self.valid.as_ref(),
            Part::Test => self.test.as_ref(),
        }
    }

    /// All scores of `model`, which is without autodiff, on a part; `None` if there is none.
    pub fn scores(&self, model: &ClassifierModel, part: Part) -> Option<ClassificationScores> {
        let encoded = self.part(part)?;
        let mut classification = Classification::new(self.prior.len());
        let batch_size = self.batch_size.max(EVALUATION_BATCH);
        for batch in batches::sorted(&encoded.lengths, batch_size) {
            let tokens = encoded.token_batch(&batch, &self.device.clone().inner());
            for (probabilities, &text) in model.probabilities(&tokens).iter().zip(&batch) {
                let answer = match encoded.lengths[text] {
                    0 => &self.prior,
                    _ => probabilities,
                };
                classification.add(encoded.targets[text].class, answer);
            }
        }
        Some(classification.scores())
    }
}

/// Each label's share of a corpus.
pub(crate) fn prior(corpus: &Corpus) -> Vec<f32> {
    corpus
        .prior()
        .into_iter()
        .map(|share| share as f32)
        .collect()
}

impl Task for ClassifierTask {
    type Model = ClassifierModel;
    type Batch = Vec<usize>;

    const COUNTED: &'static str = "examples";

    fn batches(&self, epoch: u64) -> Vec<Vec<usize>> {
        batches::bucketed(&self.train.lengths, self.batch_size, self.seed, epoch)
    }

    fn batch_count(&self, _epoch: u64) -> usize {
        self.train.lengths.len().div_ceil(self.batch_size)
    }

    fn loss(
        &self,
        model: &ClassifierModel,
        batch: &Vec<usize>,
        _carried: Option<Vec<RecurrentState>>,
        mode: Mode,
    ) -> (Loss, Option<Vec<RecurrentState>>) {
        let tokens = self.train.token_batch(batch, &self.device);
        let targets: Vec<Target> = batch.iter().map(|&text| self.train.targets[text]).collect();
        (model.loss(&tokens, &targets, mode), None)
    }

    fn has(&self, part: Part) -> bool {
        self.part(part).is_some()
    }

    fn evaluate(&self, model: &ClassifierModel, part: Part) -> Option<Metrics> {
        self.scores(model, part).map(|scores| metrics(&scores))
    }

    fn fingerprint(&self) -> u32 {
        self.fingerprint
    }
}

/// The names of a classification's scores.
pub(crate) const METRICS: [&str; 3] = ["accuracy", "loss", "macro_f1"];

/// A classification's scores by name.
pub(crate) fn metrics(scores: &ClassificationScores) -> Metrics {
    let values = [scores.accuracy, scores.loss, scores.macro_f1];
    METRICS.map(str::to_owned).into_iter().zip(values).collect()
}

impl Encoded {
    fn new(
        corpus: &Corpus,
        encoder: &TextEncoder,
        options: &TaskOptions,
    ) -> Result<Self, TokenizerError> {
        let texts: Vec<&str> = corpus.texts().collect();
        let texts = encoder.encode_all(&texts)?;
        let target = |example: &Example| Target {
            class: example.label,
            smoothing: match example.weak {
                true => options.weak_smoothing as f32,
                false => options.label_smoothing as f32,
            },
        };
        Ok(Self {
            lengths: texts.iter().map(EncodedText::len).collect(),
            targets: corpus.examples.iter().map(target).collect(),
            texts,
        })
    }

    fn token_batch(&self, batch: &[usize], device: &Device) -> TokenBatch {
        let texts: Vec<&EncodedText> = batch.iter().map(|&text| &self.texts[text]).collect();
        TokenBatch::new(&texts, device)
    }
}
