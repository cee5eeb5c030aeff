//! What a summarizer's network is built from.

use burn::tensor::Device;
use lstm_core::WeightDraws;
use serde::{Deserialize, Serialize};

use super::network::SummarizerNetwork;
use crate::bundle::WeightsFile;
use crate::encoder_decoder::EncoderDecoderArchitecture;

/// Everything that a summarizer's network is built from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummarizerConfig {
    /// How many tokens documents and summaries have.
    pub vocab: usize,
    /// The rest.
    pub architecture: EncoderDecoderArchitecture,
}

impl SummarizerConfig {
    /// Checks the architecture and the vocabulary.
    ///
    /// # Errors
    ///
    /// The first key whose value is not in its range, and what it must be.
    pub fn check(&self) -> Result<(), (String, String)> {
        let within = |(key, message)| (format!("architecture.{key}"), message);
        self.architecture.check().map_err(within)?;
        match self.vocab {
            // The last token is the boundary; padding and the unknown word are others.
            0..3 => Err((
                "vocab".to_owned(),
                format!("must be at least 3, not {}", self.vocab),
            )),
            _ => Ok(()),
        }
    }

    /// A network with weights of seed 0.
    ///
    /// # Panics
    ///
    /// If [`check`](Self::check) fails.
    pub fn init(&self, device: &Device) -> SummarizerNetwork {
        self.init_with(&mut WeightDraws::new(0, device))
    }

    /// A network with the next weights of `draws`.
    ///
    /// # Panics
    ///
    /// As [`init`](Self::init).
    pub fn init_with(&self, draws: &mut WeightDraws) -> SummarizerNetwork {
        if let Err((key, message)) = self.check() {
            panic!("{key} {message}");
        }
        SummarizerNetwork::new(self, draws)
    }

    /// Checks that every size is one that a model with these weights can have, so that none is
    /// large enough to run out of memory or overflow; that the shapes fit is checked later.
    pub(super) fn check_fits(&self, weights: &WeightsFile) -> Result<(), (&'static str, String)> {
        weights.check_sizes([("vocab", self.vocab, weights.values())])?;
        weights.check_sizes(self.architecture.sizes(weights))
    }
}
