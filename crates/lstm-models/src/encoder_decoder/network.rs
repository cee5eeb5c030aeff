//! The network of an encoder-decoder: encoder, bridge, decoder with attention, output.

use burn::module::{Module, Param};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor};
use lstm_core::{
    DropoutMask, Mode, Purpose, Recurrent, RecurrentConfig, WeightDraws, dropout, dropout_factors,
};

use super::architecture::{EncoderDecoderArchitecture, Tied};
use super::bridge::BridgeLayer;
use super::decoder::{Attended, AttentionDecoder, DecoderState};
use super::sentences::{PairBatch, Sentences};
use crate::attention::Memory;
use crate::look_up::look_up;
use crate::loss::{Loss, VocabularyTargets, vocabulary_cross_entropy};

/// The network of an encoder-decoder, from token ids of a source to the probabilities of those of a target.
#[derive(Module, Debug)]
pub struct EncoderDecoderNetwork {
    /// `[source_vocab, d_embedding]`
    source_embedding: Param<Tensor<2>>,
    encoder: Recurrent,
    bridge: BridgeLayer,
    /// `[target_vocab, d_embedding]`; none if it is that of the source.
    target_embedding: Option<Param<Tensor<2>>>,
    decoder: AttentionDecoder,
    /// `[target_vocab, d_attentional]`; none if it is the target's embedding.
    output_weight: Option<Param<Tensor<2>>>,
    /// `[target_vocab]`
    output_bias: Param<Tensor<1>>,
    #[module(skip)]
    word_dropout: f64,
    #[module(skip)]
    input_dropout: f64,
    #[module(skip)]
    output_dropout: f64,
    #[module(skip)]
    dropout_mask: DropoutMask,
}

/// How many tokens there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vocabularies {
    pub source: usize,
    pub target: usize,
}

/// A batch of sources as the decoder sees them.
#[derive(Debug, Clone)]
pub(crate) struct EncodedSource {
    pub memory: Memory,
    pub state: DecoderState,
}

/// Source or target, as random numbers for its tokens are drawn.
#[derive(Clone, Copy)]
enum Side {
    Source,
    Target,
}

impl EncoderDecoderNetwork {
    /// A network with the next weights of `draws`; the configuration has been checked.
    pub(crate) fn new(
        vocabularies: Vocabularies,
        parts: &EncoderDecoderArchitecture,
        draws: &mut WeightDraws,
    ) -> Self {
        let encoder = RecurrentConfig::new(parts.cell, parts.d_embedding, parts.d_encoder)
            .with_layers(parts.layers)
            .with_bidirectional(true)
            .with_dropout(parts.layer_dropout)
            .with_dropout_mask(parts.dropout_mask)
            .with_recurrent_dropout(parts.recurrent_dropout)
            .with_init(parts.init);
        let target_vocab = vocabularies.target;
        let embedding = [target_vocab, parts.d_embedding];
        let output = [target_vocab, parts.d_attentional()];
        Self {
            source_embedding: draws.uniform([vocabularies.source, parts.d_embedding], parts.range),
            encoder: encoder.init_with(draws),
            bridge: BridgeLayer::new(parts, draws),
            target_embedding: (parts.tied != Tied::All)
                .then(|| draws.uniform(embedding, parts.range)),
            decoder: AttentionDecoder::new(parts, draws),
            output_weight: (parts.tied == Tied::None).then(|| draws.uniform(output, parts.range)),
            output_bias: draws.parameter([target_vocab], vec![0.0; target_vocab]),
            word_dropout: parts.word_dropout,
            input_dropout: parts.input_dropout,
            output_dropout: parts.output_dropout,
            dropout_mask: parts.dropout_mask,
        }
    }

    /// The loss of a batch of pairs, summed over the tokens of the targets. `smoothing` is the share of the
    /// truth that is moved to all tokens evenly.
    pub fn loss(&self, batch: &PairBatch, smoothing: f32, mode: Mode) -> Loss {
        let encoded = self.encode(&batch.source, mode);
        let (_, attended) = self.decode(&batch.inputs, encoded, mode);
        let real = self.read_by_output(attended.attentional, &batch.inputs, mode);
        let (weight, bias) = self.output();
        let targets = VocabularyTargets {
            tokens: &batch.targets,
            smoothing,
        };
        vocabulary_cross_entropy(real, weight, bias, targets)
    }

    /// All tokens that a decoder reads: their embeddings `[batch, time, d_embedding]`, and what attention makes of
    /// them.
    pub(crate) fn decode(
        &self,
        inputs: &Sentences,
        encoded: EncodedSource,
        mode: Mode,
    ) -> (Tensor<3>, Attended) {
        let embedded = self.embed(inputs, Side::Target, mode);
        let EncodedSource { memory, state } = encoded;
        let lengths = inputs.lengths();
        let decoder = &self.decoder;
        let attended = decoder.forward(embedded.clone(), lengths, &memory, state, mode);
        (embedded, attended)
    }

    /// What the output weights read of h̃ `[batch, time, d_attentional]`: `[real tokens, d_attentional]`.
    pub(crate) fn read_by_output(
        &self,
        attentional: Tensor<3>,
        inputs: &Sentences,
        mode: Mode,
    ) -> Tensor<2> {
        let purpose = Purpose::named("output dropout");
        inputs.real_rows(self.dropout(attentional, self.output_dropout, purpose, mode))
    }

    /// Reads sources.
    pub(crate) fn encode(&self, source: &Sentences, mode: Mode) -> EncodedSource {
        let embedded = self.embed(source, Side::Source, mode);
        let (outputs, state) = self.encoder.forward(embedded, source.lengths(), None, mode);
        EncodedSource {
            memory: self.decoder.remember(outputs, source.lengths()),
            state: DecoderState::start(self.bridge.forward(state)),
        }
    }

    /// One token of each target in inference: ln p of what follows it, `[batch, target_vocab]`, the weights of the
    /// source's places `[batch, source_time]`, and the state after it.
    pub(crate) fn step(
        &self,
        tokens: &[u32],
        memory: &Memory,
        state: DecoderState,
    ) -> (Tensor<2>, Tensor<2>, DecoderState) {
        let (_, attended, state) = self.decode_step(tokens, memory, state);
        let [batch, _, places] = attended.weights.dims();
        let weights = attended.weights.reshape([batch, places]);
        (self.log_probabilities(attended.attentional), weights, state)
    }

    /// One token of each target in inference: its embedding `[batch, 1, d_embedding]`, what attention makes of it, and
    /// the state after it.
    pub(crate) fn decode_step(
        &self,
        tokens: &[u32],
        memory: &Memory,
        state: DecoderState,
    ) -> (Tensor<3>, Attended, DecoderState) {
        let rows: Vec<[u32; 1]> = tokens.iter().map(|token| [*token]).collect();
        let embedded = self.embed(&Sentences::new(&rows), Side::Target, Mode::Inference);
        let decoder = &self.decoder;
        let (attended, state) = decoder.step(embedded.clone(), memory, state, Mode::Inference);
        (embedded, attended, state)
    }

    /// ln p of what follows one token of each target, whose h̃ are `[batch, 1, d_attentional]`: `[batch,
    /// target_vocab]`.
    pub(crate) fn log_probabilities(&self, attentional: Tensor<3>) -> Tensor<2> {
        let [batch, _, features] = attentional.dims();
        let (weight, bias) = self.output();
        let logits = attentional
            .reshape([batch, features])
            .matmul(weight.transpose())
            + bias.unsqueeze();
        log_softmax(logits, 1)
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.output_bias.val().device()
    }

    /// Weight `[target_vocab, d_attentional]` and bias `[target_vocab]`.
    pub(crate) fn output(&self) -> (Tensor<2>, Tensor<1>) {
        let weight = match &self.output_weight {
            Some(weight) => weight.val(),
            None => self.table(Side::Target),
        };
        (weight, self.output_bias.val())
    }

    fn table(&self, side: Side) -> Tensor<2> {
        match (side, &self.target_embedding) {
            (Side::Target, Some(embedding)) => embedding.val(),
            (Side::Source, _) | (Side::Target, None) => self.source_embedding.val(),
        }
    }

    /// Token ids to vectors: `[batch, time, d_embedding]`.
    fn embed(&self, sentences: &Sentences, side: Side, mode: Mode) -> Tensor<3> {
        let [batch, time] = sentences.dims();
        let [words, features] = match side {
            Side::Source => ["source word dropout", "source input dropout"],
            Side::Target => ["target word dropout", "target input dropout"],
        }
        .map(Purpose::named);
        let shape = [batch, time, 1];
        let step = DropoutMask::Step;
        let factors = dropout_factors(shape, self.word_dropout, step, words, mode);
        let factors: Option<Vec<f32>> = factors.map(|factors| factors.iter().collect());
        let vectors = look_up(self.table(side), sentences.ids(), factors.as_deref());
        let [_, d_embedding] = vectors.dims();
        let vectors = vectors.reshape([batch, time, d_embedding]);
        self.dropout(vectors, self.input_dropout, features, mode)
    }

    fn dropout(&self, x: Tensor<3>, probability: f64, purpose: Purpose, mode: Mode) -> Tensor<3> {
        dropout(x, probability, self.dropout_mask, purpose, mode)
    }
}
