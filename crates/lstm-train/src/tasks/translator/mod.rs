//! Translating from one language into another.

mod profile;
pub mod recipe;
mod report;
mod train;

use lstm_core::{Mode, RecurrentState};
use lstm_models::{
    Languages, Loss, PairBatch, TokenizerError, TranslateError, TranslationSearch, Translator,
    TranslatorBundle, TranslatorNetwork,
};

use crate::corpus::{Dropped, LengthFilter, ParallelCorpus};
use crate::metrics::Metrics;
use crate::metrics::translation::{Bleu, BleuScore, Chrf, ChrfScore, TranslationMetric};
use crate::tasks::likelihood::mean_nll;
use crate::tasks::parallel::{HeldOut, ParallelTexts};
use crate::training::{Part, Task, batches};

pub use report::{Report, Scored};
pub use train::PreparedTranslator;

/// Pairs in a batch whose loss is evaluated.
const EVALUATION_BATCH: usize = 64;

/// The translation of a corpus: what the trainer works on.
#[derive(Debug)]
pub struct TranslatorTask {
    train: EncodedPairs,
    held_out: HeldOut,
    dropped: Dropped,
    languages: Languages,
    parts: TranslatorBundle,
    options: TaskOptions,
    fingerprint: u32,
}

/// How a [`TranslatorTask`] makes and weighs its batches.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOptions {
    /// Pairs in a training batch.
    pub batch_size: usize,
    /// Decides the order of pairs.
    pub seed: u64,
    /// The share of the truth that is moved to all tokens evenly.
    pub label_smoothing: f64,
}

/// A source with its end, and its target without boundary, as token ids.
type EncodedPair = (Vec<u32>, Vec<u32>);

/// Pairs as token ids.
#[derive(Debug, Clone)]
struct EncodedPairs {
    pairs: Vec<EncodedPair>,
    /// What batches are made of similar ones of: the lengths of target and source.
    lengths: Vec<[usize; 2]>,
}

/// How well a model translates a corpus.
#[derive(Debug, Clone, PartialEq)]
pub struct TranslationScores {
    /// Pairs.
    pub n: usize,
    /// Mean negative log-likelihood of a token of the references, their ends among them, in nats.
    pub loss: f64,
    /// BLEU of the translations as text.
    pub bleu: BleuScore,
    /// chrF of the translations as text.
    pub chrf: ChrfScore,
}

impl TranslationScores {
    /// e to the loss.
    pub fn perplexity(&self) -> f64 {
        self.loss.exp()
    }

    /// All of them by name.
    pub fn metrics(&self) -> Metrics {
        Metrics::from([
            ("loss".to_owned(), self.loss),
            ("perplexity".to_owned(), self.perplexity()),
            ("bleu".to_owned(), self.bleu.score),
            ("chrf".to_owned(), self.chrf.score),
        ])
    }
}

/// The names of a translator's scores.
pub(crate) const METRICS: [&str; 4] = ["loss", "perplexity", "bleu", "chrf"];

impl TranslatorTask {
    /// Encodes the texts; pairs that `filter` drops are not learned from.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses, in any part.
    pub fn new(
        texts: &ParallelTexts,
        filter: &LengthFilter,
        languages: &Languages,
        parts: TranslatorBundle,
        options: TaskOptions,
    ) -> Result<Self, TokenizerError> {
        for part in [&texts.valid, &texts.test].into_iter().flatten() {
            encode(part, languages)?;
        }
        // A source's end is no token of its text.
        let filtered = filter.apply(encode(&texts.train, languages)?, |(source, target)| {
            [source.len() - 1, target.len()]
        });
        let train = EncodedPairs::new(filtered.kept);
        let longest_source = train.lengths.iter().map(|[_, source]| *source).max();
        Ok(Self {
            train,
            held_out: texts.held_out(),
            dropped: filtered.dropped,
            languages: languages.clone(),
            parts: TranslatorBundle {
                longest_source: longest_source.unwrap_or(0),
                ..parts
            },
            options,
            fingerprint: texts.fingerprint(),
        })
    }

    /// Pairs that are learned from.
    pub fn pairs(&self) -> usize {
        self.train.pairs.len()
    }

    /// Which pairs are not learned from.
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    /// The translator with this network.
    pub(crate) fn translator(&self, network: TranslatorNetwork) -> Translator {
        Translator::new(self.languages.clone(), network, self.parts.clone())
    }

    /// A training batch as the model reads it.
    fn pair_batch(&self, pairs: &[usize]) -> PairBatch {
        self.train.batch(pairs, self.languages.boundary())
    }

    /// The loss that training minimises.
    fn loss_of(&self, model: &TranslatorNetwork, batch: &PairBatch, mode: Mode) -> Loss {
        model.loss(batch, self.smoothing(), mode)
    }

    fn smoothing(&self) -> f32 {
        self.options.label_smoothing as f32
    }

    /// All scores of `model`, which is without autodiff, on a part that is not learned from; `None` if there
    /// is none.
    ///
    /// # Panics
    ///
    /// If the search is one that [`TranslationSearch::check`] refuses.
    pub fn scores(
        &self,
        model: &TranslatorNetwork,
        part: Part,
        search: TranslationSearch,
    ) -> Option<TranslationScores> {
        let texts = self.held_out.part(part)?;
        let scores = score(&self.translator(model.clone()), texts, search);
        Some(scores.expect("all texts were encoded before, and the search was checked"))
    }
}

/// How well a translator, which is without autodiff, translates a corpus.
///
/// # Errors
///
/// What the tokenizer or the search refuses.
pub fn score(
    translator: &Translator,
    texts: &ParallelCorpus,
    search: TranslationSearch,
) -> Result<TranslationScores, TranslateError> {
    let languages = translator.languages();
    let encoded = EncodedPairs::new(encode(texts, languages)?);
    let loss = encoded.loss(translator.network(), languages.boundary());
    let sources: Vec<&str> = texts.sources().collect();
    let translations = translator.translate(&sources, search)?;
    let hypotheses: Vec<&str> = translations
        .iter()
        .map(|translation| translation.best().text.as_str())
        .collect();
    let references: Vec<&str> = texts.targets().collect();
    Ok(TranslationScores {
        n: texts.len(),
        loss,
        bleu: Bleu::default().corpus(&hypotheses, &references),
        chrf: Chrf::default().corpus(&hypotheses, &references),
    })
}

fn encode(
    texts: &ParallelCorpus,
    languages: &Languages,
) -> Result<Vec<EncodedPair>, TokenizerError> {
    let sources: Vec<&str> = texts.sources().collect();
    let targets: Vec<&str> = texts.targets().collect();
    let sources = languages.encode_sources(&sources)?;
    let targets = languages.encode_targets(&targets)?;
    Ok(sources.into_iter().zip(targets).collect())
}

impl EncodedPairs {
    fn new(pairs: Vec<EncodedPair>) -> Self {
        let lengths = pairs
            .iter()
            .map(|(source, target)| [target.len(), source.len()])
            .collect();
        Self { pairs, lengths }
    }

    fn batch(&self, pairs: &[usize], boundary: u32) -> PairBatch {
        let pairs: Vec<(&[u32], &[u32])> = pairs
            .iter()
            .map(|pair| &self.pairs[*pair])
            .map(|(source, target)| (&source[..], &target[..]))
            .collect();
        PairBatch::new(&pairs, boundary)
    }

    /// Mean negative log-likelihood of a token, in nats.
    fn loss(&self, model: &TranslatorNetwork, boundary: u32) -> f64 {
        mean_nll(&self.lengths, EVALUATION_BATCH, |pairs| {
            model.loss(&self.batch(pairs, boundary), 0.0, Mode::Inference)
        })
    }
}

impl Task for TranslatorTask {
    type Model = TranslatorNetwork;
    /// Which pairs.
    type Batch = Vec<usize>;

    const COUNTED: &'static str = "tokens";

    fn batches(&self, epoch: u64) -> Vec<Vec<usize>> {
        let TaskOptions {
            batch_size, seed, ..
        } = self.options;
        batches::bucketed(&self.train.lengths, batch_size, seed, epoch)
    }

    fn batch_count(&self, _epoch: u64) -> usize {
        self.train.pairs.len().div_ceil(self.options.batch_size)
    }

    fn loss(
        &self,
        model: &TranslatorNetwork,
        batch: &Vec<usize>,
        _carried: Option<Vec<RecurrentState>>,
        mode: Mode,
    ) -> (Loss, Option<Vec<RecurrentState>>) {
        (self.loss_of(model, &self.pair_batch(batch), mode), None)
    }

    fn has(&self, part: Part) -> bool {
        part == Part::Train || self.held_out.part(part).is_some()
    }

    fn evaluate(&self, model: &TranslatorNetwork, part: Part) -> Option<Metrics> {
        let scores = self.scores(model, part, TranslationSearch::greedy())?;
        Some(scores.metrics())
    }

    fn fingerprint(&self) -> u32 {
        self.fingerprint
    }
}
