//! What a classifier is made of.

use std::fmt;

use burn::tensor::Device;
use lstm_core::{Cell, DropoutMask, RecurrentInit, WeightDraws};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::network::ClassifierModel;
use crate::bundle::WeightsFile;
use crate::pooling::Pooling;
use crate::ranges::{MAX_FEATURES, MAX_LAYERS, check_probabilities, check_sizes};

const MAX_BUCKETS: usize = 1 << 24;

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
    /// How the outputs of all tokens become one vector; several are put side by side. In a file
    /// a list, or one name.
    #[serde(deserialize_with = "one_or_several")]
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

impl ClassifierArchitecture {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        check_sizes([
            ("d_embedding", self.d_embedding, MAX_FEATURES),
            ("d_hidden", self.d_hidden, MAX_FEATURES),
            ("layers", self.layers, MAX_LAYERS),
        ])?;
        if self.subword_buckets > MAX_BUCKETS {
            let message = format!(
                "must be at most {MAX_BUCKETS}, not {}",
                self.subword_buckets
            );
            return Err(("subword_buckets", message));
        }
        if self.pooling.is_empty() {
            return Err(("pooling", "must name at least one".to_owned()));
        }
        check_probabilities([
            ("word_dropout", self.word_dropout),
            ("embedding_dropout", self.embedding_dropout),
            ("layer_dropout", self.layer_dropout),
            ("output_dropout", self.output_dropout),
        ])?;
        if !(self.embedding_deviation > 0.0 && self.embedding_deviation.is_finite()) {
            let message = format!("must be above 0, not {}", self.embedding_deviation);
            return Err(("embedding_deviation", message));
        }
        Ok(())
    }
}

fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Pooling>, D::Error> {
    struct OneOrSeveral;
    impl<'de> Visitor<'de> for OneOrSeveral {
        type Value = Vec<Pooling>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a pooling such as \"max\", or a list of them")
        }

        fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
            Pooling::deserialize(name.into_deserializer()).map(|pooling| vec![pooling])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(names))
        }
    }
    deserializer.deserialize_any(OneOrSeveral)
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
    pub(super) fn check_fits(&self, weights: &WeightsFile) -> Result<(), (&'static str, String)> {
        let parts = &self.architecture;
        weights.check_sizes([
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
        ])
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
        ClassifierModel::new(self, draws)
    }
}
