//! Writing summaries of documents.

pub mod recipe;
mod report;
mod scores;
mod train;

use lstm_core::{Mode, RecurrentState};
use lstm_models::{
    EncodedDocument, Loss, SummarizeError, Summarizer, SummarizerBundle, SummarizerNetwork,
    SummaryBatch, SummaryObjective, SummaryTexts, TokenizerError, TranslationSearch,
};

use crate::corpus::{Dropped, LengthFilter, ParallelCorpus};
use crate::metrics::Metrics;
use crate::tasks::likelihood::mean_nll;
use crate::tasks::parallel::{HeldOut, ParallelTexts};
use crate::training::{Part, Task, batches};
use recipe::{CoverageOptions, SummaryFilter};

pub use report::{DECODING, Report};
pub use scores::{Baselines, Comparison, SummaryRouge, SummaryScores};
pub use train::{PreparedSummarizer, baselines};

pub(crate) use scores::METRICS;

/// Pairs in a batch whose loss is evaluated.
const EVALUATION_BATCH: usize = 32;

/// Documents and their summaries: what the trainer works on.
#[derive(Debug)]
pub struct SummarizerTask {
    train: EncodedPairs,
    held_out: HeldOut,
    dropped: Dropped,
    texts: SummaryTexts,
    parts: SummarizerBundle,
    options: TaskOptions,
    fingerprint: u32,
}

/// How a [`SummarizerTask`] makes and weighs its batches.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOptions {
    /// Pairs in a training batch.
    pub batch_size: usize,
    /// Decides the order of pairs.
    pub seed: u64,
    /// The share of the truth that is moved to all tokens evenly.
    pub label_smoothing: f64,
    /// When attention begins to know what it has read.
    pub coverage: CoverageOptions,
    /// How validations are summarized.
    pub validation: TranslationSearch,
}

/// Which pairs, and how their loss is computed.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchPlan {
    pairs: Vec<usize>,
    /// λ in this batch's epoch.
    coverage: Option<f32>,
}

/// A document, and its summary without boundary, as token ids.
type EncodedPair = (EncodedDocument, Vec<u32>);

/// Pairs as token ids.
#[derive(Debug, Clone)]
struct EncodedPairs {
    pairs: Vec<EncodedPair>,
    /// What batches are made of similar ones of: the lengths of document and summary.
    lengths: Vec<[usize; 2]>,
}

impl SummarizerTask {
    /// Encodes the texts; pairs that `filter` drops are not learned from.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses, in any part.
    pub fn new(
        corpora: &ParallelTexts,
        filter: &SummaryFilter,
        texts: &SummaryTexts,
        parts: SummarizerBundle,
        options: TaskOptions,
    ) -> Result<Self, TokenizerError> {
        for part in [&corpora.valid, &corpora.test].into_iter().flatten() {
            encode(part, texts)?;
        }
        let filter = LengthFilter::from(filter);
        let filtered = filter.apply(encode(&corpora.train, texts)?, |(document, summary)| {
            [document.length.read, summary.len()]
        });
        Ok(Self {
            train: EncodedPairs::new(filtered.kept),
            held_out: corpora.held_out(),
            dropped: filtered.dropped,
            texts: texts.clone(),
            parts,
            options,
            fingerprint: corpora.fingerprint(),
        })
    }

    /// Pairs that are learned from.
    pub fn pairs(&self) -> usize {
        self.train.pairs.len()
    }

    /// How many of their documents are not read to the end.
    pub fn cut(&self) -> usize {
        self.train.cut()
    }

    /// Which pairs are not learned from.
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    /// The summarizer with this network.
    pub(crate) fn summarizer(&self, network: SummarizerNetwork) -> Summarizer {
        Summarizer::new(self.texts.clone(), network, self.parts.clone())
    }

    /// All scores of `model`, which is without autodiff, on a part that is not learned from; `None` if there
    /// is none.
    ///
    /// # Panics
    ///
    /// If the search is one that [`TranslationSearch::check`] refuses.
    pub fn scores(
        &self,
        model: &SummarizerNetwork,
        part: Part,
        search: TranslationSearch,
    ) -> Option<SummaryScores> {
        let corpus = self.held_out.part(part)?;
        let scores = score(&self.summarizer(model.clone()), corpus, search);
        Some(scores.expect("all texts were encoded before, and the search was checked"))
    }
}

/// How well a summarizer, which is without autodiff, summarizes a corpus.
///
/// # Errors
///
/// What the tokenizer or the search refuses.
pub fn score(
    summarizer: &Summarizer,
    corpus: &ParallelCorpus,
    search: TranslationSearch,
) -> Result<SummaryScores, SummarizeError> {
    let encoded = EncodedPairs::new(encode(corpus, summarizer.texts())?);
    let loss = encoded.loss(summarizer);
    let documents: Vec<&str> = corpus.sources().collect();
    let summaries = summarizer.summarize(&documents, search)?;
    let written: Vec<&str> = summaries
        .iter()
        .map(|summary| summary.best().text.as_str())
        .collect();
    Ok(SummaryScores::new(loss, encoded.cut(), &written, corpus))
}

fn encode(
    corpus: &ParallelCorpus,
    texts: &SummaryTexts,
) -> Result<Vec<EncodedPair>, TokenizerError> {
    let documents: Vec<&str> = corpus.sources().collect();
    let documents = texts.encode_documents(&documents)?;
    documents
        .into_iter()
        .zip(corpus.targets())
        .map(|(document, summary)| {
            let summary = texts.encode_summary(summary, &document)?;
            Ok((document, summary))
        })
        .collect()
}

impl EncodedPairs {
    fn new(pairs: Vec<EncodedPair>) -> Self {
        let lengths = pairs
            .iter()
            .map(|(document, summary)| [document.ids.len(), summary.len()])
            .collect();
        Self { pairs, lengths }
    }

    /// How many of the documents are not read to the end.
    fn cut(&self) -> usize {
        let documents = self.pairs.iter().map(|(document, _)| document);
        documents
            .filter(|document| document.length.is_cut())
            .count()
    }

    fn batch(&self, pairs: &[usize], boundary: u32) -> SummaryBatch {
        let pairs: Vec<(&EncodedDocument, &[u32])> = pairs
            .iter()
            .map(|pair| &self.pairs[*pair])
            .map(|(document, summary)| (document, &summary[..]))
            .collect();
        SummaryBatch::new(&pairs, boundary)
    }

    /// Mean negative log-likelihood of a token, in nats.
    fn loss(&self, summarizer: &Summarizer) -> f64 {
        let boundary = summarizer.texts().boundary();
        let objective = SummaryObjective {
            smoothing: 0.0,
            // It is read, and adds nothing.
            coverage: summarizer.parts().coverage.then_some(0.0),
        };
        let network = summarizer.network();
        mean_nll(&self.lengths, EVALUATION_BATCH, |pairs| {
            network.loss(&self.batch(pairs, boundary), objective, Mode::Inference)
        })
    }
}

impl Task for SummarizerTask {
    type Model = SummarizerNetwork;
    type Batch = BatchPlan;

    const COUNTED: &'static str = "tokens";

    fn batches(&self, epoch: u64) -> Vec<BatchPlan> {
        let TaskOptions {
            batch_size, seed, ..
        } = self.options;
        let coverage = self.options.coverage.weight_in(epoch);
        batches::bucketed(&self.train.lengths, batch_size, seed, epoch)
            .into_iter()
            .map(|pairs| BatchPlan { pairs, coverage })
            .collect()
    }

    fn batch_count(&self, _epoch: u64) -> usize {
        self.train.pairs.len().div_ceil(self.options.batch_size)
    }

    fn loss(
        &self,
        model: &SummarizerNetwork,
        batch: &BatchPlan,
        _carried: Option<Vec<RecurrentState>>,
        mode: Mode,
    ) -> (Loss, Option<Vec<RecurrentState>>) {
        let objective = SummaryObjective {
            smoothing: self.options.label_smoothing as f32,
            coverage: batch.coverage,
        };
        let batch = self.train.batch(&batch.pairs, self.texts.boundary());
        (model.loss(&batch, objective, mode), None)
    }

    fn has(&self, part: Part) -> bool {
        part == Part::Train || self.held_out.part(part).is_some()
    }

    fn evaluate(&self, model: &SummarizerNetwork, part: Part) -> Option<Metrics> {
        let scores = self.scores(model, part, self.options.validation)?;
        Some(scores.metrics())
    }

    fn fingerprint(&self) -> u32 {
        self.fingerprint
    }
}
