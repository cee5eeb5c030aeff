//! A padded batch of token sequences.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use lstm_core::Lengths;

use crate::text_encoder::EncodedText;
use crate::tokenizer::PAD;

/// A batch of token sequences, padded at the end to the longest.
#[derive(Debug, Clone)]
pub struct TokenBatch {
    /// `[batch, time]`, with at least one time step.
    pub ids: Tensor<2, Int>,
    /// How long each sequence is; 0 is allowed.
    pub lengths: Lengths,
    /// The pieces of the words, where the model reads them.
    pub subwords: Option<SubwordBatch>,
}

/// The subwords of all tokens of a batch, one after the other.
#[derive(Debug, Clone)]
pub struct SubwordBatch {
    /// The bucket of each subword: `[subwords]`.
    pub buckets: Tensor<1, Int>,
    /// The token that it is a piece of, as a place in `[batch * time]`: `[subwords]`.
    pub tokens: Tensor<1, Int>,
    /// 1 / the number of that token's pieces: `[subwords, 1]`.
    pub shares: Tensor<2>,
}

impl TokenBatch {
    /// Pads `texts`, and gathers their subwords if they have any.
    pub fn new(texts: &[&EncodedText], device: &Device) -> Self {
        let lengths: Vec<usize> = texts.iter().map(|text| text.len()).collect();
        let time = lengths.iter().copied().max().unwrap_or(0).max(1);
        let mut ids = vec![i64::from(PAD); texts.len() * time];
        for (row, text) in ids.chunks_exact_mut(time).zip(texts) {
            for (place, &id) in row.iter_mut().zip(&text.ids) {
                *place = i64::from(id);
            }
        }
        Self {
            ids: Tensor::from_data(TensorData::new(ids, [texts.len(), time]), device),
            lengths: Lengths::new(lengths, time).expect("no sequence is longer than the longest"),
            subwords: SubwordBatch::new(texts, time, device),
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

impl SubwordBatch {
    /// `None` if there are none.
    fn new(texts: &[&EncodedText], time: usize, device: &Device) -> Option<Self> {
        let (mut buckets, mut tokens, mut shares) = (Vec::new(), Vec::new(), Vec::new());
        for (row, text) in texts.iter().enumerate() {
            for (step, pieces) in text.subwords.iter().flatten().enumerate() {
                for &bucket in pieces.iter() {
                    buckets.push(i64::from(bucket));
                    tokens.push((row * time + step) as i64);
                    shares.push(1.0 / pieces.len() as f32);
                }
            }
        }
        let count = buckets.len();
        (count > 0).then(|| Self {
            buckets: Tensor::from_data(TensorData::new(buckets, [count]), device),
            tokens: Tensor::from_data(TensorData::new(tokens, [count]), device),
            shares: Tensor::from_data(TensorData::new(shares, [count, 1]), device),
        })
    }
}
