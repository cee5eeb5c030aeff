//! Documents with their summaries: what a summarizer learns from.

use crate::encoder_decoder::Sentences;
use crate::tokenizer::UNKNOWN;

use super::texts::EncodedDocument;

/// A padded batch of documents with their summaries.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryBatch {
    /// The documents as they are read, each with its end: words outside the vocabulary are unknown.
    pub documents: Sentences,
    /// The same as they are copied from: these words have ids of their own.
    pub copied: Sentences,
    /// What the decoder reads: the token that summaries begin after, then the summary.
    pub inputs: Sentences,
    /// What follows each of these, without padding: the summary, then the token that ends it. Words that only the
    /// document has are at or beyond the vocabulary.
    pub targets: Vec<u32>,
}

impl SummaryBatch {
    /// A batch of documents and summaries; `boundary`, the last token of the vocabulary, is what summaries begin
    /// after and end with.
    pub fn new(pairs: &[(&EncodedDocument, &[u32])], boundary: u32) -> Self {
        let copied: Vec<&[u32]> = pairs
            .iter()
            .map(|(document, _)| &document.ids[..])
            .collect();
        let read: Vec<Vec<u32>> = copied.iter().map(|ids| as_read(ids, boundary)).collect();
        let inputs: Vec<Vec<u32>> = pairs
            .iter()
            .map(|(_, summary)| [vec![boundary], as_read(summary, boundary)].concat())
            .collect();
        let targets = pairs
            .iter()
            .flat_map(|(_, summary)| summary.iter().copied().chain([boundary]));
        Self {
            documents: Sentences::new(&read),
            copied: Sentences::new(&copied),
            inputs: Sentences::new(&inputs),
            targets: targets.collect(),
        }
    }

    /// 1 where a place of the document holds what follows an input, and 0 elsewhere: `[batch, time, document_time]`.
    pub(super) fn matches(&self) -> Vec<f32> {
        let ([batch, time], [_, document_time]) = (self.inputs.dims(), self.copied.dims());
        let mut matches = vec![0.0; batch * time * document_time];
        let lengths = self.copied.lengths().as_slice();
        for (place, target) in self.inputs.places().into_iter().zip(&self.targets) {
            let place = place as usize;
            let row = place / time;
            let document = &self.copied.ids()[row * document_time..][..lengths[row]];
            let of_target = &mut matches[place * document_time..][..lengths[row]];
            for (matches, id) in of_target.iter_mut().zip(document) {
                if id == target {
                    *matches = 1.0;
                }
            }
        }
        matches
    }
}

/// The ids that the network has embeddings for.
pub(super) fn as_read(ids: &[u32], boundary: u32) -> Vec<u32> {
    let read = |id: &u32| if *id > boundary { UNKNOWN } else { *id };
    ids.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::super::texts::DocumentLength;
    use super::*;
    use crate::tokenizer::PAD;

    #[test]
    fn lent_words_are_read_as_unknown_and_matched_as_themselves() {
        let document = |ids: &[u32]| EncodedDocument {
            ids: ids.to_vec(),
            unknown: Vec::new(),
            length: DocumentLength { read: 0, of: 0 },
        };
        // 8 is the boundary, and 9 and 10 are lent.
        let [long, short] = [&[9, 5, 9, 10, 8][..], &[5, 8]].map(document);
        let pairs = [(&long, &[9, 5][..]), (&short, &[1])];
        let batch = SummaryBatch::new(&pairs, 8);
        let read = [UNKNOWN, 5, UNKNOWN, UNKNOWN, 8, 5, 8, PAD, PAD, PAD];
        assert_eq!(batch.documents.ids(), read);
        assert_eq!(batch.inputs.ids(), [8, UNKNOWN, 5, 8, UNKNOWN, PAD]);
        assert_eq!(batch.targets, [9, 5, 8, 1, 8]);
        let expected = [
            [1.0, 0.0, 1.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, 1.0],
            [0.0; 5],
            [0.0, 1.0, 0.0, 0.0, 0.0],
            [0.0; 5],
        ];
        assert_eq!(batch.matches(), expected.as_flattened());
    }
}
