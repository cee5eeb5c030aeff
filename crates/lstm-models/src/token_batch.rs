//! A padded batch of token sequences.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use lstm_core::Lengths;

use crate::tokenizer::PAD;

/// A batch of token sequences, padded at the end to the longest.
#[derive(Debug, Clone)]
pub struct TokenBatch {
    /// `[batch, time]`, with at least one time step.
    pub ids: Tensor<2, Int>,
    /// How long each sequence is; 0 is allowed.
    pub lengths: Lengths,
}

impl TokenBatch {
    /// Pads `sequences`.
    pub fn new<S: AsRef<[u32]>>(sequences: &[S], device: &Device) -> Self {
        let lengths: Vec<usize> = sequences
            .iter()
            .map(|sequence| sequence.as_ref().len())
            .collect();
        let time = lengths.iter().copied().max().unwrap_or(0).max(1);
        let mut ids = vec![i64::from(PAD); sequences.len() * time];
        for (row, sequence) in ids.chunks_exact_mut(time).zip(sequences) {
            for (place, &id) in row.iter_mut().zip(sequence.as_ref()) {
                *place = i64::from(id);
            }
        }
        Self {
            ids: Tensor::from_data(TensorData::new(ids, [sequences.len(), time]), device),
            lengths: Lengths::new(lengths, time).expect("no sequence is longer than the longest"),
        }
    }

    /// The padding as `true`: `[batch, time]`.
    pub fn padding(&self) -> Tensor<2, Bool> {
        let (batch, time) = (self.lengths.batch(), self.lengths.time());
        let padding: Vec<bool> = self
            .lengths
            .as_slice()
            .iter()
            .flat_map(|&length| (0..time).map(move |step| step >= length))
            .collect();
        Tensor::from_data(TensorData::new(padding, [batch, time]), &self.ids.device())
    }
}
