//! How a translator's network writes: one token after the other, for many sources at once.

use lstm_core::Mode;

use super::TranslatorNetwork;
use crate::decoding::{Decoder, Step};
use crate::encoder_decoder::{Sentences, WrittenRows};

/// Targets that are being written, the *rows*.
pub(super) struct TargetWriter<'a> {
    network: &'a TranslatorNetwork,
    rows: WrittenRows,
}

impl<'a> TargetWriter<'a> {
    /// One row for each source, of which nothing is written yet.
    pub fn new(network: &'a TranslatorNetwork, sources: &Sentences) -> Self {
        let encoded = network.encode(sources, Mode::Inference);
        Self {
            network,
            rows: WrittenRows::new(encoded, sources.dims()[0]),
        }
    }
}

impl Decoder for TargetWriter<'_> {
    fn step(&mut self, tokens: &[u32]) -> Step {
        let (likely, weights) = self.rows.step(|memory, state| {
            let (likely, weights, state) = self.network.step(tokens, memory, state);
            ((likely, weights), state)
        });
        Step {
            log_probabilities: likely.into_data().iter().collect(),
            attention: Some(weights.into_data().iter().collect()),
            copied: None,
        }
    }

    fn select(&mut self, rows: &[usize]) {
        self.rows.select(rows, &self.network.device());
    }
}
