//! The summarizer's network: an encoder-decoder that points at words of its source.

use burn::module::Module;
use burn::tensor::Device;
use lstm_core::{Mode, WeightDraws};

use super::batch::SummaryBatch;
use super::config::SummarizerConfig;
use crate::encoder_decoder::{EncoderDecoderNetwork, Vocabularies};
use crate::loss::Loss;

/// The summarizer's network.
#[derive(Module, Debug)]
pub struct SummarizerNetwork {
    encoder_decoder: EncoderDecoderNetwork,
}

/// What a summarizer's training minimises.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SummaryObjective {
    /// The share of the truth that is moved to all tokens evenly.
    pub smoothing: f32,
    /// λ, what attending to the same places again costs; without it, coverage is neither read nor learned.
    pub coverage: Option<f32>,
}

impl SummarizerNetwork {
    /// A network with the next weights of `draws`; the configuration has been checked.
    pub(super) fn new(config: &SummarizerConfig, draws: &mut WeightDraws) -> Self {
        let vocabularies = Vocabularies {
            source: config.vocab,
            target: config.vocab,
        };
        let parts = &config.architecture;
        Self {
            encoder_decoder: EncoderDecoderNetwork::new(vocabularies, parts, draws),
        }
    }

    /// The loss of a batch of documents and summaries, summed over the tokens of the summaries.
    pub fn loss(&self, _: &SummaryBatch, _: SummaryObjective, _: Mode) -> Loss {
        unimplemented!()
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.encoder_decoder.device()
    }
}
