//! How a summarizer's network writes: one token after the other, for many documents at once.

use lstm_core::Mode;

use super::batch::as_read;
use super::network::SummarizerNetwork;
use super::texts::EncodedDocument;
use crate::decoding::{Decoder, Step};
use crate::encoder_decoder::{Sentences, WrittenRows};
use crate::pointer::log_sigmoid;

/// Summaries that are being written, the *rows*.
pub(super) struct SummaryWriter<'a> {
    network: &'a SummarizerNetwork,
    rows: WrittenRows,
    /// What may be copied from each document.
    documents: Vec<&'a [u32]>,
    boundary: u32,
    /// Of the vocabulary and of the words that any of the documents lends.
    extended_vocab: usize,
}

impl<'a> SummaryWriter<'a> {
    /// One row for each document, of which nothing is written yet; `boundary` is the last token of the vocabulary.
    pub fn new(
        network: &'a SummarizerNetwork,
        documents: &[&'a EncodedDocument],
        boundary: u32,
        covering: bool,
    ) -> Self {
        let read = documents
            .iter()
            .map(|document| as_read(&document.ids, boundary));
        let read = Sentences::new(&read.collect::<Vec<_>>());
        let encoded = network.encode(&read, covering, Mode::Inference);
        let documents: Vec<&[u32]> = documents.iter().map(|document| &document.ids[..]).collect();
        let greatest = documents.iter().copied().flatten().copied().max();
        Self {
            network,
            rows: WrittenRows::new(encoded, documents.len()),
            documents,
            boundary,
            extended_vocab: greatest.unwrap_or(0).max(boundary) as usize + 1,
        }
    }
}

impl Decoder for SummaryWriter<'_> {
    fn step(&mut self, tokens: &[u32]) -> Step {
        let read = as_read(tokens, self.boundary);
        let step = self
            .rows
            .step(|memory, state| self.network.step(&read, memory, state));
        let floats =
            |tensor: burn::tensor::Tensor<2>| -> Vec<f32> { tensor.into_data().iter().collect() };
        let [generated, gates, attention] = [step.generated, step.gate, step.attention].map(floats);
        let vocab = self.boundary as usize + 1;
        let document_time = attention.len() / tokens.len();
        let mut mixture = Mixture::new(self.extended_vocab);
        let mut log_probabilities = Vec::with_capacity(tokens.len() * self.extended_vocab);
        let rows = generated
            .chunks_exact(vocab)
            .zip(attention.chunks_exact(document_time));
        for ((generated, attention), (gate, source)) in
            rows.zip(gates.iter().zip(self.rows.sources()))
        {
            let document = self.documents[*source];
            mixture.extend(
                &mut log_probabilities,
                generated,
                *gate,
                document,
                attention,
            );
        }
        let copied = gates
            .iter()
            .map(|gate| log_sigmoid(-f64::from(*gate)).exp() as f32);
        Step {
            log_probabilities,
            attention: Some(attention),
            copied: Some(copied.collect()),
        }
    }

    fn select(&mut self, rows: &[usize]) {
        self.rows.select(rows, &self.network.device());
    }
}

/// ln P(w) = ln(p_gen P_vocab(w) + (1 − p_gen) Σ_{i: w_i = w} a_i), row by row.
struct Mixture {
    /// Σ_{i: w_i = w} a_i of each word, and 0 between rows: `[extended_vocab]`.
    copied: Vec<f32>,
}

impl Mixture {
    fn new(extended_vocab: usize) -> Self {
        Self {
            copied: vec![0.0; extended_vocab],
        }
    }

    /// Appends a row: `[extended_vocab]`.
    ///
    /// - `generated`: ln P_vocab, `[vocab]`
    /// - `gate`: what p_gen is the sigmoid of
    /// - `document`, `attention`: what may be copied, and with which weights; these may be more
    fn extend(
        &mut self,
        all: &mut Vec<f32>,
        generated: &[f32],
        gate: f32,
        document: &[u32],
        attention: &[f32],
    ) {
        let [generate, copy] = [gate, -gate].map(|gate| log_sigmoid(gate.into()) as f32);
        let first = all.len();
        all.extend(generated.iter().map(|x| generate + x));
        all.resize(first + self.copied.len(), f32::NEG_INFINITY);
        let row = &mut all[first..];
        for (word, attention) in document.iter().zip(attention) {
            self.copied[*word as usize] += attention;
        }
        for word in document {
            let (word, copied) = (*word as usize, &mut self.copied[*word as usize]);
            if *copied > 0.0 {
                row[word] = log_of_sum(row[word], copy + copied.ln());
            }
            *copied = 0.0;
        }
    }
}

/// ln(e^a + e^b), where b is finite.
fn log_of_sum(a: f32, b: f32) -> f32 {
    let greatest = a.max(b);
    greatest + ((a - greatest).exp() + (b - greatest).exp()).ln()
}
