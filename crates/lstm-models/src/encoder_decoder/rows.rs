//! Targets that are being written, one token after the other, for many sources at once.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::decoder::DecoderState;
use super::network::EncodedSource;
use crate::attention::Memory;

/// Targets that are being written, the *rows*: what each remembers of its source, and its state.
pub(crate) struct WrittenRows {
    memory: Memory,
    /// The source of each row.
    sources: Vec<usize>,
    /// `None` only during a step.
    state: Option<DecoderState>,
}

impl WrittenRows {
    /// One row for each source, of which nothing is written yet.
    pub fn new(EncodedSource { memory, state }: EncodedSource, sources: usize) -> Self {
        Self {
            memory,
            sources: (0..sources).collect(),
            state: Some(state),
        }
    }

    /// The source of each row.
    pub fn sources(&self) -> &[usize] {
        &self.sources
    }

    /// Has all rows go on by a step, which gives the state after it.
    pub fn step<R>(&mut self, step: impl FnOnce(&Memory, DecoderState) -> (R, DecoderState)) -> R {
        let state = self.state.take().expect("it is put back after each step");
        let (result, state) = step(&self.memory, state);
        self.state = Some(state);
        result
    }

    /// From now on row `i` is what row `rows[i]` was.
    pub fn select(&mut self, rows: &[usize], device: &Device) {
        let places: Vec<i64> = rows.iter().map(|row| *row as i64).collect();
        let places = TensorData::new(places, [rows.len()]);
        let places = Tensor::<1, Int>::from_data(places, device);
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
