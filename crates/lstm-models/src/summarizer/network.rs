//! The summarizer's network: an encoder-decoder that can point at words of its source.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use lstm_core::{Mode, WeightDraws};

use super::batch::SummaryBatch;
use super::config::SummarizerConfig;
use super::gate::PointerGate;
use crate::attention::{Coverage, Memory};
use crate::encoder_decoder::{
    Attended, DecoderState, EncodedSource, EncoderDecoderNetwork, Sentences, Vocabularies,
};
use crate::loss::{Loss, VocabularyTargets, pointer_cross_entropy};

/// The summarizer's network, from token ids of documents to the probabilities of those of summaries: a
/// pointer-generator with coverage (See et al. 2017).
///
/// ```text
/// P(w) = p_gen P_vocab(w) + (1 − p_gen) Σ_{i: w_i = w} a_i
/// ```
///
/// where a_i is how much attention word i of the document gets.
#[derive(Module, Debug)]
pub struct SummarizerNetwork {
    pub(super) encoder_decoder: EncoderDecoderNetwork,
    pub(super) gate: PointerGate,
    /// w_c, by which scores of attention read coverage: `[1, d_decoder]` of an additive score, else `[1, 1]`. It starts
    /// at 0, so that nothing changes when coverage is switched on.
    pub(super) coverage_weight: Param<Tensor<2>>,
}

/// What a summarizer's training minimises.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SummaryObjective {
    /// The share of the truth that is moved to all tokens of the vocabulary evenly.
    pub smoothing: f32,
    /// λ, what attending again to the same places costs. Without it coverage is neither read nor learned, and its
    /// weight has no gradient.
    pub coverage: Option<f32>,
}

/// What a network says of one token of each summary.
pub(super) struct SummaryStep {
    /// ln P_vocab of what follows: `[batch, vocab]`.
    pub generated: Tensor<2>,
    /// What p_gen is the sigmoid of: `[batch, 1]`.
    pub gate: Tensor<2>,
    /// How much each place of the document is attended to: `[batch, document_time]`.
    pub attention: Tensor<2>,
}

impl SummarizerNetwork {
    /// A network with the next weights of `draws`; the configuration has been checked.
    pub(super) fn new(config: &SummarizerConfig, draws: &mut WeightDraws) -> Self {
        let vocabularies = Vocabularies {
            source: config.vocab,
            target: config.vocab,
        };
        let parts = &config.architecture;
        let features = Coverage::features(parts.attention, parts.d_decoder);
        Self {
            encoder_decoder: EncoderDecoderNetwork::new(vocabularies, parts, draws),
            gate: PointerGate::new(parts, draws),
            coverage_weight: draws.parameter([1, features], vec![0.0; features]),
        }
    }

    /// The loss of a batch of documents and summaries, summed over the tokens of the summaries. The likelihood that is
    /// reported knows nothing of smoothing and of what coverage costs.
    pub fn loss(&self, batch: &SummaryBatch, objective: SummaryObjective, mode: Mode) -> Loss {
        let network = &self.encoder_decoder;
        let inputs = &batch.inputs;
        let encoded = self.encode(&batch.documents, objective.coverage.is_some(), mode);
        let (embedded, attended) = network.decode(inputs, encoded, mode);
        let pointer = inputs.real_rows(self.pointer(embedded, &attended, batch));
        let repeated = attended
            .coverage
            .map(|coverage| repeated(attended.weights, coverage, inputs));
        let hidden = network.read_by_output(attended.attentional, inputs, mode);
        let (weight, bias) = network.output();
        let targets = VocabularyTargets {
            tokens: &batch.targets,
            smoothing: objective.smoothing,
        };
        let loss = pointer_cross_entropy(hidden, weight, bias, pointer, targets);
        match repeated.zip(objective.coverage) {
            None => loss,
            Some((repeated, weight)) => Loss {
                objective: loss.objective + repeated * weight,
                ..loss
            },
        }
    }

    /// Reads documents.
    pub(super) fn encode(
        &self,
        documents: &Sentences,
        covering: bool,
        mode: Mode,
    ) -> EncodedSource {
        let EncodedSource { memory, state } = self.encoder_decoder.encode(documents, mode);
        let state = match covering {
            true => state.covering(Coverage::start(self.coverage_weight.val(), &memory)),
            false => state,
        };
        EncodedSource { memory, state }
    }

    /// Of each input the gate, and how much attention the places get that hold what follows it: `[batch, time, 2]`.
    fn pointer(&self, embedded: Tensor<3>, attended: &Attended, batch: &SummaryBatch) -> Tensor<3> {
        let weights = attended.weights.clone();
        let matches = TensorData::new(batch.matches(), weights.dims());
        let matches = Tensor::<3>::from_data(matches, &weights.device());
        // Σ_{i: w_i = y_t} a_{t,i}
        let copied = (weights * matches).sum_dim(2);
        let gate = self.gate.forward(embedded, attended);
        Tensor::cat(vec![gate, copied], 2)
    }

    /// One token of each summary in inference, and the state after it.
    pub(super) fn step(
        &self,
        tokens: &[u32],
        memory: &Memory,
        state: DecoderState,
    ) -> (SummaryStep, DecoderState) {
        let network = &self.encoder_decoder;
        let (embedded, attended, state) = network.decode_step(tokens, memory, state);
        let [batch, _, document_time] = attended.weights.dims();
        let step = SummaryStep {
            gate: self.gate.forward(embedded, &attended).reshape([batch, 1]),
            generated: network.log_probabilities(attended.attentional),
            attention: attended.weights.reshape([batch, document_time]),
        };
        (step, state)
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.encoder_decoder.device()
    }
}

/// Σ_t Σ_i min(a_{t,i}, c_{t,i}), over the real tokens: `[1]`.
fn repeated(weights: Tensor<3>, coverage: Tensor<3>, inputs: &Sentences) -> Tensor<1> {
    inputs
        .real_rows(weights.min_pair(coverage).sum_dim(2))
        .sum()
}
