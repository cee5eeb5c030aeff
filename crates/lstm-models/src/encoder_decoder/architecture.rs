//! What an encoder-decoder is made of.

use lstm_core::{Cell, DropoutMask, RecurrentInit};
use serde::{Deserialize, Serialize};

use crate::attention::AttentionScore;
use crate::bundle::WeightsFile;
use crate::ranges::{MAX_FEATURES, MAX_LAYERS, check_initial, check_probabilities, check_sizes};

/// What an encoder-decoder is made of, apart from the sizes of its vocabularies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderDecoderArchitecture {
    /// Features of a token's embedding, of the source as of the target.
    pub d_embedding: usize,
    /// Which recurrent cell, in encoder and decoder.
    pub cell: Cell,
    /// Features of the encoder's hidden state in one direction of one layer; it reads in both directions.
    pub d_encoder: usize,
    /// Features of the decoder's hidden state of one layer.
    pub d_decoder: usize,
    /// How many recurrent layers are stacked, in encoder and decoder alike.
    pub layers: usize,
    /// How well a decoder's state fits a place of the source.
    pub attention: AttentionScore,
    /// Whether the decoder also reads what attention gave at the step before (Luong et al. 2015): then it runs
    /// step by step, and not over the whole target as one sequence.
    pub input_feeding: bool,
    /// How the encoder's last states become the decoder's first.
    pub bridge: Bridge,
    /// Which embeddings are the same weights.
    pub tied: Tied,
    /// How the recurrent weights start.
    pub init: RecurrentInit,
    /// Embeddings and output weights start uniform in ± this; the output bias is 0.
    pub range: f64,
    /// Probability that a token's embedding is dropped (word dropout, Iyyer et al. 2015), of the source as of the
    /// target.
    pub word_dropout: f64,
    /// Probability of dropout on the embeddings, of the source as of the target.
    pub input_dropout: f64,
    /// Probability of dropout between recurrent layers.
    pub layer_dropout: f64,
    /// Probability of dropout on what the output weights read.
    pub output_dropout: f64,
    /// Probability of dropout on the hidden state that the gates read (Gal and Ghahramani 2016).
    pub recurrent_dropout: f64,
    /// Whether the masks on embeddings, between layers and on the output are the same for all tokens of a
    /// sentence.
    pub dropout_mask: DropoutMask,
}

/// How the encoder's last states, of both directions side by side, become the decoder's first: layer by layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bridge {
    /// By a linear layer, the hidden state through tanh (Bahdanau et al. 2014).
    #[default]
    Dense,
    /// As they are: the decoder is twice as wide as one direction of the encoder.
    Copy,
    /// Not at all: the decoder starts from zero, and knows the source by attention only.
    Zero,
}

/// Which embeddings are the same weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tied {
    /// None.
    None,
    /// The decoder's embedding and its output weights (Press and Wolf 2017).
    #[default]
    Decoder,
    /// These and the encoder's embedding (three-way tying, Press and Wolf 2017): source and target have one
    /// vocabulary.
    All,
}

impl Default for EncoderDecoderArchitecture {
    fn default() -> Self {
        Self {
            d_embedding: 256,
            cell: Cell::Lstm,
            d_encoder: 256,
            d_decoder: 256,
            layers: 1,
            attention: AttentionScore::Multiplicative,
            input_feeding: false,
            bridge: Bridge::Dense,
            tied: Tied::Decoder,
            init: RecurrentInit::Orthogonal,
            range: 0.1,
            word_dropout: 0.0,
            input_dropout: 0.0,
            layer_dropout: 0.0,
            output_dropout: 0.0,
            recurrent_dropout: 0.0,
            dropout_mask: DropoutMask::Element,
        }
    }
}

impl EncoderDecoderArchitecture {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        check_sizes([
            ("d_embedding", self.d_embedding, MAX_FEATURES),
            ("d_encoder", self.d_encoder, MAX_FEATURES),
            ("d_decoder", self.d_decoder, MAX_FEATURES),
            ("layers", self.layers, MAX_LAYERS),
        ])?;
        check_probabilities([
            ("word_dropout", self.word_dropout),
            ("input_dropout", self.input_dropout),
            ("layer_dropout", self.layer_dropout),
            ("output_dropout", self.output_dropout),
            ("recurrent_dropout", self.recurrent_dropout),
        ])?;
        check_initial(self.range, self.init)?;
        self.check_parts_fit()
    }

    fn check_parts_fit(&self) -> Result<(), (&'static str, String)> {
        let (d_decoder, d_memory) = (self.d_decoder, self.d_memory());
        if d_decoder != d_memory {
            let needs =
                format!("needs d_decoder to be twice d_encoder, {d_memory}, not {d_decoder}");
            if self.attention == AttentionScore::Dot {
                return Err(("attention", format!("\"dot\" {needs}")));
            }
            if self.bridge == Bridge::Copy {
                return Err(("bridge", format!("\"copy\" {needs}")));
            }
        }
        let by_element = self.layer_dropout > 0.0 && self.dropout_mask != DropoutMask::Sequence;
        if self.input_feeding && self.layers > 1 && by_element {
            let message =
                "needs dropout_mask = \"sequence\" where layer_dropout is above 0: its steps have \
                           one mask"
                    .to_owned();
            return Err(("input_feeding", message));
        }
        Ok(())
    }

    /// Each size of the network, and the greatest that a model with these weights can have.
    pub(crate) fn sizes(&self, weights: &WeightsFile) -> [(&'static str, usize, usize); 4] {
        let (values, tensors) = (weights.values(), weights.tensors());
        [
            ("architecture.d_embedding", self.d_embedding, values),
            ("architecture.d_encoder", self.d_encoder, values),
            ("architecture.d_decoder", self.d_decoder, values),
            ("architecture.layers", self.layers, tensors),
        ]
    }

    /// Features of what the encoder gives for each token: of both directions.
    pub(crate) fn d_memory(&self) -> usize {
        2 * self.d_encoder
    }

    /// Features of what the output weights read.
    pub(crate) fn d_attentional(&self) -> usize {
        match self.tied {
            Tied::None => self.d_decoder,
            Tied::Decoder | Tied::All => self.d_embedding,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_do_not_fit_are_named() {
        let default = EncoderDecoderArchitecture::default;
        for (key, needs, parts) in [
            (
                "attention",
                "twice d_encoder, 512, not 256",
                EncoderDecoderArchitecture {
                    attention: AttentionScore::Dot,
                    ..default()
                },
            ),
            (
                "bridge",
                "twice d_encoder, 512, not 256",
                EncoderDecoderArchitecture {
                    bridge: Bridge::Copy,
                    ..default()
                },
            ),
            (
                "input_feeding",
                "dropout_mask",
                EncoderDecoderArchitecture {
                    input_feeding: true,
                    layers: 2,
                    layer_dropout: 0.1,
                    ..default()
                },
            ),
            (
                "output_dropout",
                "[0, 1), not 1",
                EncoderDecoderArchitecture {
                    output_dropout: 1.0,
                    ..default()
                },
            ),
            (
                "layers",
                "at least 1 and at most 64, not 0",
                EncoderDecoderArchitecture {
                    layers: 0,
                    ..default()
                },
            ),
        ] {
            let (found, message) = parts.check().unwrap_err();
            assert_eq!(found, key);
            assert!(message.contains(needs), "{message}");
        }
    }
}
