//! What a language model is made of.

use burn::tensor::Device;
use lstm_core::{Cell, DropoutMask, RecurrentInit, WeightDraws};
use serde::{Deserialize, Serialize};

use super::network::LanguageModelNetwork;
use crate::bundle::WeightsFile;
use crate::ranges::{MAX_FEATURES, MAX_LAYERS, check_initial, check_probabilities, check_sizes};

/// What a language model is made of, apart from the size of its vocabulary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LanguageModelArchitecture {
    /// Features of a token's embedding.
    pub d_embedding: usize,
    /// Which recurrent cell.
    pub cell: Cell,
    /// Features of the hidden state of one layer.
    pub d_hidden: usize,
    /// How many recurrent layers are stacked.
    pub layers: usize,
    /// Features of the hidden state of the last layer; none: `d_hidden`. With those of a token's embedding,
    /// tied weights need no linear layer between (Merity et al. 2018).
    pub d_last: Option<usize>,
    /// Whether the decoder's weights are those of the embedding (Press and Wolf 2017; Inan et al. 2017).
    /// Where the last layer has another size than `d_embedding`, a linear layer lies between.
    pub tied: bool,
    /// How the recurrent weights start.
    pub init: RecurrentInit,
    /// The embedding and the decoder start uniform in ± this; the decoder's bias is 0.
    pub range: f64,
    /// Probability that a token's embedding is dropped wherever it occurs in a window (embedding dropout,
    /// Gal and Ghahramani 2016).
    pub embedding_dropout: f64,
    /// Probability of dropout on the input of the recurrent layers.
    pub input_dropout: f64,
    /// Probability of dropout between recurrent layers.
    pub layer_dropout: f64,
    /// Probability of dropout on the output of the recurrent layers.
    pub output_dropout: f64,
    /// Probability of dropout on the hidden state that the gates read (Gal and Ghahramani 2016).
    pub recurrent_dropout: f64,
    /// Probability that a recurrent weight is dropped for a whole window (DropConnect, Wan et al. 2013; Merity
    /// et al. 2018).
    pub weight_dropout: f64,
    /// What the mean square of the recurrent layers' output, after its dropout, adds to the loss of a token
    /// (activation regularization α, Merity et al. 2017).
    pub activation_regularization: f64,
    /// What the mean square of the change of that output, before its dropout, from each token to the next
    /// adds (temporal activation regularization β, Merity et al. 2017).
    pub temporal_activation_regularization: f64,
    /// Whether the masks on input, between layers and on output are the same for all tokens of a window.
    pub dropout_mask: DropoutMask,
}

impl Default for LanguageModelArchitecture {
    fn default() -> Self {
        Self {
            d_embedding: 128,
            cell: Cell::Lstm,
            d_hidden: 256,
            layers: 1,
            d_last: None,
            tied: false,
            init: RecurrentInit::Orthogonal,
            range: 0.1,
            embedding_dropout: 0.0,
            input_dropout: 0.0,
            layer_dropout: 0.0,
            output_dropout: 0.0,
            recurrent_dropout: 0.0,
            weight_dropout: 0.0,
            activation_regularization: 0.0,
            temporal_activation_regularization: 0.0,
            dropout_mask: DropoutMask::Element,
        }
    }
}

impl LanguageModelArchitecture {
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
            ("d_last", self.d_output(), MAX_FEATURES),
        ])?;
        if self.d_last.is_some() && self.layers == 1 {
            let message = "needs at least 2 layers: the size of the only one is d_hidden";
            return Err(("d_last", message.to_owned()));
        }
        check_probabilities([
            ("embedding_dropout", self.embedding_dropout),
            ("input_dropout", self.input_dropout),
            ("layer_dropout", self.layer_dropout),
            ("output_dropout", self.output_dropout),
            ("recurrent_dropout", self.recurrent_dropout),
            ("weight_dropout", self.weight_dropout),
        ])?;
        for (key, weight) in [
            ("activation_regularization", self.activation_regularization),
            (
                "temporal_activation_regularization",
                self.temporal_activation_regularization,
            ),
        ] {
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err((key, format!("must be at least 0, not {weight}")));
            }
        }
        check_initial(self.range, self.init)?;
        Ok(())
    }

    /// Features of the last layer's hidden state.
    pub(super) fn d_output(&self) -> usize {
        self.d_last.unwrap_or(self.d_hidden)
    }

    /// Features of the rows of the decoder's weight.
    pub(super) fn d_decoder(&self) -> usize {
        match self.tied {
            true => self.d_embedding,
            false => self.d_output(),
        }
    }
}

/// Everything that a language model is built from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageModelConfig {
    /// How many tokens there are.
    pub vocab: usize,
    /// The rest.
    pub architecture: LanguageModelArchitecture,
}

impl LanguageModelConfig {
    /// A model of texts of `vocab` kinds of tokens.
    pub fn new(vocab: usize, architecture: LanguageModelArchitecture) -> Self {
        Self {
            vocab,
            architecture,
        }
    }

    /// A model with weights of seed 0.
    ///
    /// # Panics
    ///
    /// If there is no token, or [`LanguageModelArchitecture::check`] fails.
    pub fn init(&self, device: &Device) -> LanguageModelNetwork {
        self.init_with(&mut WeightDraws::new(0, device))
    }

    /// A model with the next weights of `draws`.
    ///
    /// # Panics
    ///
    /// As [`init`](Self::init).
    pub fn init_with(&self, draws: &mut WeightDraws) -> LanguageModelNetwork {
        assert!(self.vocab > 0, "a language model has at least one token");
        if let Err((key, message)) = self.architecture.check() {
            panic!("{key} {message}");
        }
        LanguageModelNetwork::new(self, draws)
    }

    /// Checks that every size is one that a model with these weights can have, so that none is
    /// large enough to run out of memory or overflow; that the shapes fit is checked later.
    pub(super) fn check_fits(&self, weights: &WeightsFile) -> Result<(), (&'static str, String)> {
        let parts = &self.architecture;
        weights.check_sizes([
            ("vocab", self.vocab, weights.values()),
            (
                "architecture.d_embedding",
                parts.d_embedding,
                weights.values(),
            ),
            ("architecture.d_hidden", parts.d_hidden, weights.values()),
            ("architecture.layers", parts.layers, weights.tensors()),
            ("architecture.d_last", parts.d_output(), weights.values()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use lstm_core::{Mode, RandomSource};

    use super::*;
    use crate::Window;

    #[test]
    fn weight_dropout_changes_the_loss_in_training_only() {
        let window = Window {
            streams: 2,
            inputs: vec![1, 2, 3, 4, 5, 6],
            targets: vec![2, 3, 0, 5, 6, 0],
        };
        let loss = |weight_dropout, mode| {
            let parts = LanguageModelArchitecture {
                weight_dropout,
                ..LanguageModelArchitecture::default()
            };
            let model = LanguageModelConfig::new(10, parts).init(&Device::flex());
            model.loss(&window, None, mode).0.nll.into_scalar::<f32>()
        };
        let training = Mode::Training(RandomSource::new(1));
        let without = loss(0.0, Mode::Inference);
        assert_eq!(loss(0.5, Mode::Inference), without);
        assert_eq!(loss(0.0, training), without);
        assert_ne!(loss(0.5, training), without);
    }

    #[test]
    fn a_last_layer_of_a_size_of_its_own_needs_others_below() {
        let check = |layers, d_last| {
            let parts = LanguageModelArchitecture {
                layers,
                d_last,
                ..LanguageModelArchitecture::default()
            };
            parts.check().map_err(|(key, _)| key)
        };
        assert_eq!(check(2, Some(1)), Ok(()));
        assert_eq!(check(1, None), Ok(()));
        assert_eq!(check(1, Some(256)), Err("d_last"));
        assert_eq!(check(2, Some(0)), Err("d_last"));
        assert_eq!(check(2, Some(MAX_FEATURES + 1)), Err("d_last"));
    }

    #[test]
    fn a_probability_outside_its_range_is_named() {
        for probability in [-0.1, 1.0, f64::NAN] {
            let parts = LanguageModelArchitecture {
                weight_dropout: probability,
                ..LanguageModelArchitecture::default()
            };
            let (key, message) = parts.check().unwrap_err();
            assert_eq!(key, "weight_dropout");
            assert!(message.contains("[0, 1)"), "{message}");
            assert!(message.contains(&probability.to_string()), "{message}");
        }
    }
}
