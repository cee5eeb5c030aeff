//! The summarizer: documents in, what they say in short out (pointer-generator network with coverage, See, Liu and
//! Manning 2017, "Get To The Point").

mod batch;
mod config;
mod gate;
mod network;
mod summary;
#[cfg(all(test, feature = "flex"))]
mod tests;
mod texts;
mod writing;

use std::path::Path;

use burn::tensor::Device;
use lstm_core::WeightDraws;
use serde::{Deserialize, Serialize};

use crate::bundle::{self, BundleConfig, BundleError, FORMAT_VERSION, WeightsFile};
use crate::decoding::Search;
use crate::token_unit::TokenUnit;
use crate::tokenizer::Tokenizer;

pub use batch::SummaryBatch;
pub use config::SummarizerConfig;
pub use network::{SummarizerNetwork, SummaryObjective};
pub use summary::{SummarizeError, Summary, SummaryCandidate, WrittenToken};
pub use texts::{DocumentLength, EncodedDocument, SummaryTexts};

/// The most tokens of a document that a summarizer can be asked to read.
pub const MAX_DOCUMENT: usize = 10_000;

/// The summarizer's part of `config.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummarizerBundle {
    /// The network.
    pub config: SummarizerConfig,
    /// What tokens are.
    pub unit: TokenUnit,
    /// Tokens of a document beyond these are not read: at least 1 and at most [`MAX_DOCUMENT`].
    pub max_document: usize,
    /// Whether it was trained with coverage from some epoch on, and so reads what it has covered when it writes. Weights
    /// that were kept may be of an epoch before that one; then w_c is still 0, and coverage changes nothing.
    pub coverage: bool,
}

impl SummarizerBundle {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (String, String)> {
        let within = |(key, message)| (format!("config.{key}"), message);
        self.config.check().map_err(within)?;
        if !(1..=MAX_DOCUMENT).contains(&self.max_document) {
            let message = format!(
                "must be at least 1 and at most {MAX_DOCUMENT}, not {}",
                self.max_document
            );
            return Err(("max_document".to_owned(), message));
        }
        Ok(())
    }
}

/// A trained summarizer: documents in, summaries out.
#[derive(Debug)]
pub struct Summarizer {
    texts: SummaryTexts,
    network: SummarizerNetwork,
    parts: SummarizerBundle,
}

impl Summarizer {
    /// The name of the task in a bundle.
    pub const TASK: &str = "summarizer";

    /// Puts a summarizer together.
    ///
    /// # Panics
    ///
    /// If the vocabulary has another size than the network.
    pub fn new(texts: SummaryTexts, network: SummarizerNetwork, parts: SummarizerBundle) -> Self {
        assert_eq!(
            texts.vocab(),
            parts.config.vocab,
            "a network has a row for each token"
        );
        Self {
            texts,
            network,
            parts,
        }
    }

    /// Reads a bundle.
    ///
    /// # Errors
    ///
    /// A file that is missing or damaged, a bundle of another task or format version, weights
    /// that do not fit the configuration.
    pub fn load(directory: impl AsRef<Path>, device: &Device) -> Result<Self, BundleError> {
        let directory = directory.as_ref();
        let config: BundleConfig<SummarizerBundle> = bundle::read_config(directory, Self::TASK)?;
        let parts = config.model;
        let invalid = |key: &str, message: String| BundleError::Config {
            path: directory.join(bundle::CONFIG_FILE),
            message: format!("model.{key}: {message}"),
        };
        parts
            .check()
            .map_err(|(key, message)| invalid(&key, message))?;
        let tokenizer = Tokenizer::load(directory.join(bundle::TOKENIZER_FILE))?;
        let texts = SummaryTexts::new(tokenizer, parts.unit, parts.max_document);
        let (vocab, found) = (parts.config.vocab, texts.vocab());
        if vocab != found {
            let message = format!(
                "{vocab}, but the tokenizer has {} tokens and one",
                found - 1
            );
            return Err(invalid("config.vocab", message));
        }
        let weights = WeightsFile::read(directory)?;
        parts
            .config
            .check_fits(&weights)
            .map_err(|(key, message)| invalid(&format!("config.{key}"), message))?;
        let network = parts
            .config
            .init_with(&mut WeightDraws::placeholders(device));
        Ok(Self::new(texts, weights.put_into(network)?, parts))
    }

    /// Writes the bundle's files into an existing directory. `training` says how the model came
    /// about, `readme` tells people.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn save(
        &self,
        directory: impl AsRef<Path>,
        training: serde_json::Map<String, serde_json::Value>,
        readme: &str,
    ) -> Result<(), BundleError> {
        let config = BundleConfig {
            format_version: FORMAT_VERSION,
            task: Self::TASK.to_owned(),
            model: self.parts.clone(),
            training,
        };
        bundle::write(
            directory.as_ref(),
            &config,
            &[(bundle::TOKENIZER_FILE, self.texts.tokenizer())],
            &self.network,
            readme,
        )
    }

    /// What the summarizer was built from.
    pub fn parts(&self) -> &SummarizerBundle {
        &self.parts
    }

    /// The network.
    pub fn network(&self) -> &SummarizerNetwork {
        &self.network
    }

    /// How text becomes tokens.
    pub fn texts(&self) -> &SummaryTexts {
        &self.texts
    }

    /// Sums up documents, in their order. An empty document has an empty summary. The token that stands for unknown
    /// words is never written.
    ///
    /// ```no_run
    /// # use lstm_models::{Beam, Summarizer};
    /// # let summarizer = Summarizer::load("bundle", &burn::tensor::Device::flex())?;
    /// let summaries = summarizer.summarize(&["Amanda: Ask Larry. Hannah: I'd rather text him."], Beam::new(4))?;
    /// println!("{}", summaries[0].best().text);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the tokenizer or [`Search::check`] refuses.
    pub fn summarize(
        &self,
        documents: &[&str],
        search: impl Into<Search>,
    ) -> Result<Vec<Summary>, SummarizeError> {
        summary::summarize(self, documents, search.into())
    }
}
