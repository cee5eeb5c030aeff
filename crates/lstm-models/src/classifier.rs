//! The text classifier: embedding, LSTM or GRU, pooling, linear.

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::module::embedding;
use burn::tensor::{Device, IndexingUpdateOp, Tensor};
use lstm_core::{
    Cell, DropoutMask, Mode, Purpose, Recurrent, RecurrentConfig, RecurrentInit, WeightDraws,
    dropout,
};
use serde::{Deserialize, Serialize};

use crate::bundle::{self, BundleConfig, BundleError, FORMAT_VERSION, WeightsFile};
use crate::loss::{Loss, Target, cross_entropy};
use crate::pooling::{Pooling, PoolingLayer};
use crate::text_encoder::TextEncoder;
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
    /// Buckets for the pieces of words, whose mean vector is added to the word's own (Bojanowski
    /// et al. 2017): rare and unknown words get a meaning from how they are spelled. 0 for none.
    pub subword_buckets: usize,
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
    /// How the outputs of all tokens become one vector; several are put side by side.
    pub pooling: Vec<Pooling>,
    /// Probability that a whole token's own embedding is dropped in training; what is added for
    /// its pieces stays.
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
            subword_buckets: 0,
            cell: Cell::Lstm,
            d_hidden: 128,
            layers: 1,
            bidirectional: false,
            init: RecurrentInit::Orthogonal,
            pooling: vec![Pooling::Last],
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
#[serde(deny_unknown_fields)]
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
    /// If a size is 0 or [`ClassifierArchitecture::check`] fails.
    pub fn init(&self, device: &Device) -> ClassifierModel {
        self.init_with(&mut WeightDraws::new(0, device))
    }

    /// Checks that every size is one that a model with these weights can have, so that none is
    /// large enough to run out of memory or overflow; that the shapes fit is checked later.
    fn check_fits(&self, weights: &WeightsFile) -> Result<(), (&'static str, String)> {
        let parts = &self.architecture;
        for (key, size, most) in [
            ("vocab", self.vocab, weights.values()),
            ("classes", self.classes, weights.values()),
            (
                "architecture.d_embedding",
                parts.d_embedding,
                weights.values(),
            ),
            (
                "architecture.subword_buckets",
                parts.subword_buckets,
                weights.values(),
            ),
            ("architecture.d_hidden", parts.d_hidden, weights.values()),
            ("architecture.layers", parts.layers, weights.tensors()),
        ] {
            if size > most {
                let message = format!(
                    "{size}, but {} has {} tensors of {} values in all",
                    bundle::WEIGHTS_FILE,
                    weights.tensors(),
                    weights.values()
                );
                return Err((key, message));
            }
        }
        Ok(())
    }

    /// A model with the next weights of `draws`.
    ///
    /// # Panics
    ///
    /// As [`init`](Self::init).
    pub fn init_with(&self, draws: &mut WeightDraws) -> ClassifierModel {
        let parts = &self.architecture;
        assert!(
            self.vocab > 0 && self.classes > 0,
            "a classifier has at least one token and one class, not {} tokens and {} classes",
            self.vocab,
            self.classes
        );
        if let Err((key, message)) = parts.check() {
            panic!("{key} {message}");
        }
        let recurrent = RecurrentConfig::new(parts.cell, parts.d_embedding, parts.d_hidden)
            .with_layers(parts.layers)
            .with_bidirectional(parts.bidirectional)
            .with_dropout(parts.layer_dropout)
            .with_dropout_mask(parts.dropout_mask)
            .with_init(parts.init);
        let outputs = recurrent.d_output();
        let features = parts.pooling.len() * outputs;
        let bound = (6.0 / (features + self.classes) as f64).sqrt();
        ClassifierModel {
            embedding: draws.normal([self.vocab, parts.d_embedding], parts.embedding_deviation),
            subword_embedding: (parts.subword_buckets > 0).then(|| {
                let shape = [parts.subword_buckets, parts.d_embedding];
                draws.normal(shape, parts.embedding_deviation)
            }),
            recurrent: recurrent.init_with(draws),
            pooling: PoolingLayer::new(&parts.pooling, outputs, draws),
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
    /// `[subword_buckets, d_embedding]`
    subword_embedding: Option<Param<Tensor<2>>>,
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
        let embedded = self.add_subwords(embedded, batch);
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

    /// Adds to each token's vector the mean of its pieces' vectors.
    fn add_subwords(&self, embedded: Tensor<3>, batch: &TokenBatch) -> Tensor<3> {
        let (Some(table), Some(subwords)) = (&self.subword_embedding, &batch.subwords) else {
            return embedded;
        };
        let [rows, time, features] = embedded.dims();
        let pieces = table.val().select(0, subwords.buckets.clone()) * subwords.shares.clone();
        embedded
            .reshape([rows * time, features])
            .select_assign(0, subwords.tokens.clone(), pieces, IndexingUpdateOp::Add)
            .reshape([rows, time, features])
    }

    /// The loss of a batch of texts.
    pub fn loss(&self, batch: &TokenBatch, targets: &[Target], mode: Mode) -> Loss {
        cross_entropy(self.forward(batch, mode), targets)
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
            self.tokenizer(),
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
        if self.pooling.is_empty() {
            return Err(("pooling", "must name at least one".to_owned()));
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
