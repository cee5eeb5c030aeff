//! The text classifier: embedding, LSTM or GRU, pooling, linear.

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::module::embedding;
use burn::tensor::{Device, Tensor};
use lstm_core::{
    Cell, DropoutMask, Mode, Purpose, Recurrent, RecurrentConfig, RecurrentInit, WeightDraws,
    dropout,
};
use serde::{Deserialize, Serialize};

use crate::bundle::{self, BundleConfig, BundleError, FORMAT_VERSION};
use crate::loss::{Loss, cross_entropy};
use crate::pooling::{Pooling, PoolingLayer};
use crate::token_batch::TokenBatch;
use crate::tokenizer::{Tokenizer, TokenizerError};

/// What a classifier is made of, apart from the sizes that its data decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassifierArchitecture {
    /// Features of a token's embedding.
    pub d_embedding: usize,
    /// Standard deviation of the initial embeddings.
    pub embedding_deviation: f64,
    /// Which recurrent cell.
    pub cell: Cell,
    /// Features of the hidden state of one layer in one direction.
    pub d_hidden: usize,
    /// How many recurrent layers are stacked.
    pub layers: usize,
    /// Whether the text is also read from its end.
    pub bidirectional: bool,
    /// How the recurrent weights start.
    pub init: RecurrentInit,
    /// How the outputs of all tokens become one vector.
    pub pooling: Pooling,
    /// Probability that the embedding of a whole token is dropped in training.
    pub word_dropout: f64,
    /// Probability of dropout on the embeddings.
    pub embedding_dropout: f64,
    /// Probability of dropout between recurrent layers.
    pub layer_dropout: f64,
    /// Whether the masks on embeddings and between layers are the same for all tokens of a text.
    pub dropout_mask: DropoutMask,
    /// Probability of dropout on the pooled vector.
    pub output_dropout: f64,
}

impl Default for ClassifierArchitecture {
    fn default() -> Self {
        Self {
            d_embedding: 128,
            embedding_deviation: 0.1,
            cell: Cell::Lstm,
            d_hidden: 128,
            layers: 1,
            bidirectional: false,
            init: RecurrentInit::Orthogonal,
            pooling: Pooling::Last,
            word_dropout: 0.0,
            embedding_dropout: 0.0,
            layer_dropout: 0.0,
            dropout_mask: DropoutMask::Element,
            output_dropout: 0.0,
        }
    }
}

/// Everything that decides the shape of a [`ClassifierModel`].
///
/// ```
/// use burn::tensor::Device;
/// use lstm_core::Cell;
/// use lstm_models::ClassifierConfig;
///
/// let config = ClassifierConfig::new(1000, 2).with_recurrent(Cell::Lstm, 64);
/// let model = config.init(&Device::flex());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassifierConfig {
    /// How many tokens there are.
    pub vocab: usize,
    /// How many classes there are.
    pub classes: usize,
    /// The rest.
    pub architecture: ClassifierArchitecture,
}

impl ClassifierConfig {
    /// A classifier of texts of `vocab` kinds of tokens into `classes` classes.
    pub fn new(vocab: usize, classes: usize) -> Self {
        Self {
            vocab,
            classes,
            architecture: ClassifierArchitecture::default(),
        }
    }

    /// The same with another architecture.
    pub fn with_architecture(mut self, architecture: ClassifierArchitecture) -> Self {
        self.architecture = architecture;
        self
    }

    /// The same with this recurrent cell and size.
    pub fn with_recurrent(mut self, cell: Cell, d_hidden: usize) -> Self {
        self.architecture.cell = cell;
        self.architecture.d_hidden = d_hidden;
        self
    }

    /// A model with weights of seed 0.
    ///
    /// # Panics
    ///
    /// If a size is 0 or a dropout probability outside `[0, 1)`.
    pub fn init(&self, device: &Device) -> ClassifierModel {
        self.init_with(&mut WeightDraws::new(0, device))
    }

    /// A model with the next weights of `draws`.
    ///
    /// # Panics
    ///
    /// As [`init`](Self::init).
    pub fn init_with(&self, draws: &mut WeightDraws) -> ClassifierModel {
        let parts = &self.architecture;
        let recurrent = RecurrentConfig::new(parts.cell, parts.d_embedding, parts.d_hidden)
            .with_layers(parts.layers)
            .with_bidirectional(parts.bidirectional)
            .with_dropout(parts.layer_dropout)
            .with_dropout_mask(parts.dropout_mask)
            .with_init(parts.init);
        let features = recurrent.d_output();
        let bound = (6.0 / (features + self.classes) as f64).sqrt();
        ClassifierModel {
            embedding: draws.normal([self.vocab, parts.d_embedding], parts.embedding_deviation),
            recurrent: recurrent.init_with(draws),
            pooling: PoolingLayer::new(parts.pooling, features, draws),
            output_weight: draws.uniform([features, self.classes], bound),
            output_bias: draws.parameter([1, self.classes], vec![0.0; self.classes]),
            word_dropout: parts.word_dropout,
            embedding_dropout: parts.embedding_dropout,
            dropout_mask: parts.dropout_mask,
            output_dropout: parts.output_dropout,
        }
    }
}

/// The classifier's network, from token ids to logits.
#[derive(Module, Debug)]
pub struct ClassifierModel {
    /// `[vocab, d_embedding]`
    embedding: Param<Tensor<2>>,
    recurrent: Recurrent,
    pooling: PoolingLayer,
    /// `[features, classes]`
    output_weight: Param<Tensor<2>>,
    /// `[1, classes]`
    output_bias: Param<Tensor<2>>,
    #[module(skip)]
    word_dropout: f64,
    #[module(skip)]
    embedding_dropout: f64,
    #[module(skip)]
    dropout_mask: DropoutMask,
    #[module(skip)]
    output_dropout: f64,
}

impl ClassifierModel {
    /// The logits `[batch, classes]` of a batch of texts.
    pub fn forward(&self, batch: &TokenBatch, mode: Mode) -> Tensor<2> {
        // Token ids to vectors: [batch, time, d_embedding]
        let embedded = embedding(self.embedding.val(), batch.ids.clone());
        let embedded = dropout(
            embedded,
            self.word_dropout,
            DropoutMask::Step,
            Purpose::named("word dropout"),
            mode,
        );
        let embedded = dropout(
            embedded,
            self.embedding_dropout,
            self.dropout_mask,
            Purpose::named("embedding dropout"),
            mode,
        );
        // [batch, time, features], and the last state
        let (outputs, state) = self.recurrent.forward(embedded, &batch.lengths, None, mode);
        // [batch, features]
        let pooled = self
            .pooling
            .forward(outputs, &state, &batch.lengths, batch.padding());
        let [batch, features] = pooled.dims();
        let pooled = dropout(
            pooled.reshape([batch, 1, features]),
            self.output_dropout,
            DropoutMask::Element,
            Purpose::named("output dropout"),
            mode,
        );
        pooled
            .reshape([batch, features])
            .matmul(self.output_weight.val())
            + self.output_bias.val()
    }

    /// The loss of a batch of texts whose true classes are `truth`.
    pub fn loss(
        &self,
        batch: &TokenBatch,
        truth: &[usize],
        label_smoothing: f64,
        mode: Mode,
    ) -> Loss {
        cross_entropy(self.forward(batch, mode), truth, label_smoothing)
    }

    /// The probabilities of the classes for each text: `batch` rows of `classes`.
    pub fn probabilities(&self, batch: &TokenBatch) -> Vec<Vec<f32>> {
        let probabilities = softmax(self.forward(batch, Mode::Inference), 1);
        let [_, classes] = probabilities.dims();
        let values: Vec<f32> = probabilities.into_data().iter().collect();
        values.chunks(classes).map(<[f32]>::to_vec).collect()
    }
}

/// The classifier's part of `config.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// A trained classifier: text in, label out.
#[derive(Debug)]
pub struct Classifier {
    tokenizer: Tokenizer,
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
            tokenizer,
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
            .config
            .architecture
            .check()
            .map_err(|(key, message)| {
                invalid(format!("model.config.architecture.{key}: {message}"))
            })?;
        let classes = parts.config.classes;
        if classes == 0 || parts.labels.len() != classes || parts.prior.len() != classes {
            return Err(invalid(format!(
                "{} labels and {} prior shares for {classes} classes",
                parts.labels.len(),
                parts.prior.len()
            )));
        }
        let tokenizer = Tokenizer::load(directory.join(bundle::TOKENIZER_FILE))?;
        if tokenizer.size() != parts.config.vocab {
            return Err(invalid(format!(
                "a vocabulary of {} tokens, but {} has {}",
                parts.config.vocab,
                bundle::TOKENIZER_FILE,
                tokenizer.size()
            )));
        }
        let model = bundle::read_weights(directory, parts.config.init(device))?;
        Ok(Self::new(tokenizer, model, parts, device))
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
            &self.tokenizer,
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
        &self.tokenizer
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
        let mut tokens = self.tokenizer.encode_all(texts)?;
        for tokens in &mut tokens {
            self.parts.cut(tokens);
        }
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        let batch = TokenBatch::new(&tokens, &self.device);
        let probabilities = self.model.probabilities(&batch);
        Ok(tokens
            .iter()
            .zip(probabilities)
            .map(|(tokens, probabilities)| {
                self.answer(if tokens.is_empty() {
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

impl ClassifierBundle {
    /// Cuts a text's tokens to the length that the classifier reads.
    pub fn cut(&self, tokens: &mut Vec<u32>) {
        if self.max_tokens > 0 {
            tokens.truncate(self.max_tokens);
        }
    }
}

impl ClassifierArchitecture {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, size) in [
            ("d_embedding", self.d_embedding),
            ("d_hidden", self.d_hidden),
            ("layers", self.layers),
        ] {
            if size == 0 {
                return Err((key, "must be at least 1".to_owned()));
            }
        }
        for (key, probability) in [
            ("word_dropout", self.word_dropout),
            ("embedding_dropout", self.embedding_dropout),
            ("layer_dropout", self.layer_dropout),
            ("output_dropout", self.output_dropout),
        ] {
            if !(0.0..1.0).contains(&probability) {
                let message = format!("must be a probability in [0, 1), not {probability}");
                return Err((key, message));
            }
        }
        if !(self.embedding_deviation > 0.0 && self.embedding_deviation.is_finite()) {
            let message = format!("must be above 0, not {}", self.embedding_deviation);
            return Err(("embedding_deviation", message));
        }
        Ok(())
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
