//! What a translator's network is built from.

use burn::tensor::Device;
use lstm_core::WeightDraws;
use serde::{Deserialize, Serialize};

use crate::bundle::WeightsFile;
use crate::encoder_decoder::{
    EncoderDecoderArchitecture, EncoderDecoderNetwork, Tied, Vocabularies,
};

/// Everything that a translator's network is built from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranslatorConfig {
    /// How many tokens the source language has.
    pub source_vocab: usize,
    /// How many tokens the target language has.
    pub target_vocab: usize,
    /// The rest.
    pub architecture: EncoderDecoderArchitecture,
}

impl TranslatorConfig {
    /// Checks the architecture, and that it fits the vocabularies.
    ///
    /// # Errors
    ///
    /// The first key whose value does not, and what it must be.
    pub fn check(&self) -> Result<(), (String, String)> {
        let within = |(key, message)| (format!("architecture.{key}"), message);
        self.architecture.check().map_err(within)?;
        for (key, size) in [
            ("source_vocab", self.source_vocab),
            ("target_vocab", self.target_vocab),
        ] {
            if size == 0 {
                return Err((key.to_owned(), "must be at least 1".to_owned()));
            }
        }
        if self.architecture.tied == Tied::All && self.source_vocab != self.target_vocab {
            let message = format!(
                "\"all\" needs one vocabulary for both languages, not one of {} and one of {} tokens",
                self.source_vocab, self.target_vocab
            );
            return Err(("architecture.tied".to_owned(), message));
        }
        Ok(())
    }

    /// A network with weights of seed 0.
    ///
    /// # Panics
    ///
    /// If [`check`](Self::check) fails.
    pub fn init(&self, device: &Device) -> EncoderDecoderNetwork {
        self.init_with(&mut WeightDraws::new(0, device))
    }

    /// A network with the next weights of `draws`.
    ///
    /// # Panics
    ///
    /// As [`init`](Self::init).
    pub fn init_with(&self, draws: &mut WeightDraws) -> EncoderDecoderNetwork {
        if let Err((key, message)) = self.check() {
            panic!("{key} {message}");
        }
        let vocabularies = Vocabularies {
            source: self.source_vocab,
            target: self.target_vocab,
        };
        EncoderDecoderNetwork::new(vocabularies, &self.architecture, draws)
    }

    /// Checks that every size is one that a model with these weights can have, so that none is
    /// large enough to run out of memory or overflow; that the shapes fit is checked later.
    pub(super) fn check_fits(&self, weights: &WeightsFile) -> Result<(), (&'static str, String)> {
        let values = weights.values();
        weights.check_sizes([
            ("source_vocab", self.source_vocab, values),
            ("target_vocab", self.target_vocab, values),
        ])?;
        weights.check_sizes(self.architecture.sizes(weights))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_way_tying_needs_one_vocabulary() {
        let config = |source_vocab| TranslatorConfig {
            source_vocab,
            target_vocab: 20,
            architecture: EncoderDecoderArchitecture {
                tied: Tied::All,
                ..EncoderDecoderArchitecture::default()
            },
        };
        assert_eq!(config(20).check(), Ok(()));
        let (key, message) = config(30).check().unwrap_err();
        assert_eq!(key, "architecture.tied");
        assert!(message.contains("one of 30 and one of 20"), "{message}");
    }
}
