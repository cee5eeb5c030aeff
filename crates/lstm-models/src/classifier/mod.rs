//! The text classifier: text in, label out.

mod architecture;
mod network;

use std::path::Path;

use burn::tensor::Device;
use lstm_core::WeightDraws;
use serde::{Deserialize, Serialize};

use crate::bundle::{self, BundleConfig, BundleError, FORMAT_VERSION, WeightsFile};
use crate::text_encoder::TextEncoder;
use crate::token_batch::TokenBatch;
use crate::tokenizer::{Tokenizer, TokenizerError};

pub use architecture::{ClassifierArchitecture, ClassifierConfig};
pub use network::ClassifierModel;

/// The classifier's part of `config.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierBundle {
    /// The network.
    pub config: ClassifierConfig,
    /// The names of the classes.
    pub labels: Vec<String>,
    /// The share of each class in the training data: the answer for an empty text.
    pub prior: Vec<f32>,
    /// Texts are cut after this many tokens; 0 for never.
    pub max_tokens: usize,
}

impl ClassifierBundle {
    /// Checks what the files beside it have no say in.
    ///
    /// # Errors
    ///
    /// The first key whose value is not in its range, and what it must be.
    pub fn check(&self) -> Result<(), (String, String)> {
        let within = |(key, message)| (format!("config.architecture.{key}"), message);
        self.config.architecture.check().map_err(within)?;
        let classes = self.config.classes;
        if classes == 0 {
            return Err(("config.classes".to_owned(), "must be at least 1".to_owned()));
        }
        for (key, count) in [("labels", self.labels.len()), ("prior", self.prior.len())] {
            if count != classes {
                let message = format!("has {count} entries for {classes} classes");
                return Err((key.to_owned(), message));
            }
        }
        if let Some(place) = (1..classes).find(|&at| self.labels[..at].contains(&self.labels[at])) {
            let message = format!("has `{}` twice", self.labels[place]);
            return Err(("labels".to_owned(), message));
        }
        let whole: f32 = self.prior.iter().sum();
        let shares = self.prior.iter().all(|share| (0.0..=1.0).contains(share));
        if !shares || (whole - 1.0).abs() > 1e-3 {
            let message = format!("must be shares that add up to 1, not {:?}", self.prior);
            return Err(("prior".to_owned(), message));
        }
        Ok(())
    }

    /// How texts are encoded for this classifier.
    pub fn encoder(&self, tokenizer: Tokenizer) -> TextEncoder {
        let buckets = self.config.architecture.subword_buckets;
        TextEncoder::new(tokenizer, self.max_tokens, buckets)
    }
}

/// A trained classifier: text in, label out.
#[derive(Debug)]
pub struct Classifier {
    encoder: TextEncoder,
    model: ClassifierModel,
    parts: ClassifierBundle,
    device: Device,
}

/// What a classifier says about one text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The most probable label.
    pub label: String,
    /// Its place in `probabilities`.
    pub class: usize,
    /// The probability of each class; they add up to 1.
    pub probabilities: Vec<f32>,
}

impl Answer {
    /// The probability of the label.
    pub fn probability(&self) -> f32 {
        self.probabilities[self.class]
    }
}

impl Classifier {
    /// The name of the task in a bundle.
    pub const TASK: &str = "classifier";

    /// Puts a classifier together.
    ///
    /// # Panics
    ///
    /// If the numbers of labels, prior shares and classes differ.
    pub fn new(
        tokenizer: Tokenizer,
        model: ClassifierModel,
        parts: ClassifierBundle,
        device: &Device,
    ) -> Self {
        let classes = parts.config.classes;
        assert_eq!(
            (parts.labels.len(), parts.prior.len()),
            (classes, classes),
            "a classifier has a label and a prior share for each class"
        );
        Self {
            encoder: parts.encoder(tokenizer),
            model,
            parts,
            device: device.clone(),
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
        let config: BundleConfig<ClassifierBundle> = bundle::read_config(directory, Self::TASK)?;
        let parts = config.model;
        let invalid = |message: String| BundleError::Config {
            path: directory.join(bundle::CONFIG_FILE),
            message,
        };
        parts
            .check()
            .map_err(|(key, message)| invalid(format!("model.{key}: {message}")))?;
        let tokenizer = Tokenizer::load(directory.join(bundle::TOKENIZER_FILE))?;
        if tokenizer.size() != parts.config.vocab {
            return Err(invalid(format!(
                "model.config.vocab: {}, but {} has {} tokens",
                parts.config.vocab,
                bundle::TOKENIZER_FILE,
                tokenizer.size()
            )));
        }
        let weights = WeightsFile::read(directory)?;
        parts
            .config
            .check_fits(&weights)
            .map_err(|(key, message)| invalid(format!("model.config.{key}: {message}")))?;
        let model = parts
            .config
            .init_with(&mut WeightDraws::placeholders(device));
        Ok(Self::new(
            tokenizer,
            weights.put_into(model)?,
            parts,
            device,
        ))
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
            &[(bundle::TOKENIZER_FILE, self.tokenizer())],
            &self.model,
            readme,
        )
    }

    /// The names of the classes.
    pub fn labels(&self) -> &[String] {
        &self.parts.labels
    }

    /// What the classifier was built from.
    pub fn parts(&self) -> &ClassifierBundle {
        &self.parts
    }

    /// The network.
    pub fn model(&self) -> &ClassifierModel {
        &self.model
    }

    /// The vocabulary.
    pub fn tokenizer(&self) -> &Tokenizer {
        self.encoder.tokenizer()
    }

    /// Classifies one text. A text without a token gets the class prior.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn classify(&self, text: &str) -> Result<Answer, TokenizerError> {
        let mut answers = self.classify_all(&[text])?;
        Ok(answers.remove(0))
    }

    /// Classifies texts as one batch: the same answers as one by one, sooner.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn classify_all(&self, texts: &[&str]) -> Result<Vec<Answer>, TokenizerError> {
        let texts = self.encoder.encode_all(texts)?;
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let batch = TokenBatch::new(&texts.iter().collect::<Vec<_>>(), &self.device);
        let probabilities = self.model.probabilities(&batch);
        Ok(texts
            .iter()
            .zip(probabilities)
            .map(|(text, probabilities)| {
                self.answer(if text.is_empty() {
                    self.parts.prior.clone()
                } else {
                    probabilities
                })
            })
            .collect())
    }

    fn answer(&self, probabilities: Vec<f32>) -> Answer {
        let class = most_probable(&probabilities);
        Answer {
            label: self.parts.labels[class].clone(),
            class,
            probabilities,
        }
    }
}

/// The place of the largest value, the first of equals.
fn most_probable(probabilities: &[f32]) -> usize {
    let mut best = 0;
    for (class, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[best] {
            best = class;
        }
    }
    best
}
