//! How a translator's network writes: one token after the other, for many sources at once.

use burn::tensor::{Int, Tensor, TensorData};
use lstm_core::Mode;

use super::TranslatorNetwork;
use crate::attention::Memory;
use crate::decoding::{Decoder, Step};
use crate::encoder_decoder::{DecoderState, EncodedSource, Sentences};

/// Targets that are being written, the *rows*.
pub(super) struct TargetWriter<'a> {
    network: &'a TranslatorNetwork,
    memory: Memory,
    /// The source of each row.
    sources: Vec<usize>,
    /// `None` only during a step.
    state: Option<DecoderState>,
}

impl<'a> TargetWriter<'a> {
    /// One row for each source, of which nothing is written yet.
    pub fn new(network: &'a TranslatorNetwork, sources: &Sentences) -> Self {
        let EncodedSource { memory, state } = network.encode(sources, Mode::Inference);
        Self {
            network,
            memory,
            sources: (0..sources.dims()[0]).collect(),
            state: Some(state),
        }
    }

    fn rows(&self, rows: &[usize]) -> Tensor<1, Int> {
        let rows: Vec<i64> = rows.iter().map(|row| *row as i64).collect();
        let count = rows.len();
        Tensor::from_data(TensorData::new(rows, [count]), &self.network.device())
    }
}

impl Decoder for TargetWriter<'_> {
    fn step(&mut self, tokens: &[u32]) -> Step {
        let state = self.state.take().expect("it is put back after each step");
        let (likely, weights, state) = self.network.step(tokens, &self.memory, state);
        self.state = Some(state);
        Step {
            log_probabilities: likely.into_data().iter().collect(),
            attention: Some(weights.into_data().iter().collect()),
            copied: None,
        }
    }

    fn select(&mut self, rows: &[usize]) {
        let places = self.rows(rows);
        let state = self.state.take();
        self.state = state.map(|state| state.select_rows(&places));
        let sources: Vec<usize> = rows.iter().map(|row| self.sources[*row]).collect();
        // Hypotheses of a source change places among themselves at every step, and see the same.
        if sources != self.sources {
            self.memory = self.memory.select_rows(&places);
            self.sources = sources;
        }
    }
}
