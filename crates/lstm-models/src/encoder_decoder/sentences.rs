//! Padded batches of sentences, alone and in pairs.

use burn::tensor::{Int, Tensor, TensorData};
use lstm_core::Lengths;

use crate::tokenizer::PAD;

/// Sentences of one language, padded at the end to the longest.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentences {
    /// The tokens of each sentence, one sentence after the other: `batch * time` ids.
    ids: Vec<u32>,
    lengths: Lengths,
}

impl Sentences {
    /// Pads sentences; there is at least one time step.
    pub fn new<S: AsRef<[u32]>>(sentences: &[S]) -> Self {
        let lengths: Vec<usize> = sentences.iter().map(|ids| ids.as_ref().len()).collect();
        let time = lengths.iter().copied().max().unwrap_or(0).max(1);
        let mut ids = vec![PAD; sentences.len() * time];
        for (row, sentence) in ids.chunks_exact_mut(time).zip(sentences) {
            let sentence = sentence.as_ref();
            row[..sentence.len()].copy_from_slice(sentence);
        }
        Self {
            ids,
            lengths: Lengths::new(lengths, time).expect("no sentence is longer than the longest"),
        }
    }

    /// The tokens, padding among them: `batch * time` ids.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// How long each sentence is.
    pub fn lengths(&self) -> &Lengths {
        &self.lengths
    }

    /// Sentences and time steps.
    pub fn dims(&self) -> [usize; 2] {
        [self.lengths.batch(), self.lengths.time()]
    }

    /// The places of the real tokens among all `batch * time`.
    pub(crate) fn places(&self) -> Vec<i64> {
        let time = self.lengths.time();
        let rows = self.lengths.as_slice().iter().enumerate();
        rows.flat_map(|(row, length)| row * time..row * time + length)
            .map(|place| place as i64)
            .collect()
    }

    /// The rows of the real tokens, one sentence after the other: of `[batch, time, features]` those of `[real tokens,
    /// features]`.
    pub(crate) fn real_rows(&self, all: Tensor<3>) -> Tensor<2> {
        let [batch, time, features] = all.dims();
        let places = self.places();
        let count = places.len();
        let places = Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &all.device());
        all.reshape([batch * time, features]).select(0, places)
    }
}

/// Sentences with their translations: what a translator learns from.
#[derive(Debug, Clone, PartialEq)]
pub struct PairBatch {
    /// The sources, each with [the token that ends it](crate::Languages::end_of_source).
    pub source: Sentences,
    /// What the decoder reads: the token that targets begin after, then the target.
    pub inputs: Sentences,
    /// What follows each of these, without padding: the target, then the token that ends it.
    pub targets: Vec<u32>,
}

impl PairBatch {
    /// A batch of pairs of source and target; `boundary` is what targets begin after and end with.
    pub fn new<S: AsRef<[u32]>>(pairs: &[(S, S)], boundary: u32) -> Self {
        let source: Vec<&[u32]> = pairs.iter().map(|(source, _)| source.as_ref()).collect();
        let inputs: Vec<Vec<u32>> = pairs
            .iter()
            .map(|(_, target)| [&[boundary], target.as_ref()].concat())
            .collect();
        let targets = pairs.iter().flat_map(|(_, target)| {
            let target = target.as_ref().iter().copied();
            target.chain([boundary])
        });
        Self {
            source: Sentences::new(&source),
            inputs: Sentences::new(&inputs),
            targets: targets.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_shifted_by_one_and_packed() {
        let pairs = [(vec![5, 6, 9], vec![7]), (vec![9], vec![2, 3])];
        let batch = PairBatch::new(&pairs, 8);
        assert_eq!(batch.source.ids(), [5, 6, 9, 9, PAD, PAD]);
        assert_eq!(batch.source.lengths().as_slice(), [3, 1]);
        assert_eq!(batch.inputs.ids(), [8, 7, PAD, 8, 2, 3]);
        assert_eq!(batch.targets, [7, 8, 2, 3, 8]);
        assert_eq!(batch.inputs.places(), [0, 1, 3, 4, 5]);
    }
}
