//! The language model's network: embedding, LSTM or GRU, decoder.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use lstm_core::{
    CarriedState, DropoutMask, Lengths, Mode, Purpose, Recurrent, RecurrentConfig, RecurrentState,
    RecurrentTrace, WeightDraws, dropout,
};

use super::architecture::LanguageModelConfig;
#[cfg(feature = "flex")]
use super::next_token::PreparedNetwork;
#[cfg(feature = "flex")]
use crate::host;
use crate::look_up::look_up;
use crate::loss::{Loss, VocabularyTargets, vocabulary_cross_entropy, vocabulary_losses};

/// The language model's network, from token ids to the probabilities of what follows each.
#[derive(Module, Debug)]
pub struct LanguageModelNetwork {
    /// `[vocab, d_embedding]`
    embedding: Param<Tensor<2>>,
    /// All layers, or those below a last one of another size.
    recurrent: Recurrent,
    /// The last layer, where it has another size than the others.
    last: Option<Recurrent>,
    /// `[d_output, d_embedding]`: before a tied decoder of another size.
    projection: Option<Param<Tensor<2>>>,
    /// `[vocab, d_output]`; none if it is that of the embedding.
    decoder_weight: Option<Param<Tensor<2>>>,
    /// `[vocab]`
    decoder_bias: Param<Tensor<1>>,
    #[module(skip)]
    embedding_dropout: f64,
    #[module(skip)]
    input_dropout: f64,
    #[module(skip)]
    output_dropout: f64,
    #[module(skip)]
    dropout_mask: DropoutMask,
    #[module(skip)]
    activation_regularization: f64,
    #[module(skip)]
    temporal_activation_regularization: f64,
}

/// Stretches of the same length of several streams, and what follows each of their tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// How many streams there are.
    pub streams: usize,
    /// The tokens of each stream, one stream after the other: `streams * time` ids.
    pub inputs: Vec<u32>,
    /// The token that follows each of them.
    pub targets: Vec<u32>,
}

impl LanguageModelNetwork {
    /// A network with the next weights of `draws`; the configuration has been checked.
    pub(super) fn new(config: &LanguageModelConfig, draws: &mut WeightDraws) -> Self {
        let parts = &config.architecture;
        let stack = |d_input, d_hidden| {
            RecurrentConfig::new(parts.cell, d_input, d_hidden)
                .with_dropout(parts.layer_dropout)
                .with_dropout_mask(parts.dropout_mask)
                .with_recurrent_dropout(parts.recurrent_dropout)
                .with_weight_dropout(parts.weight_dropout)
                .with_init(parts.init)
        };
        let below_last = match parts.d_last {
            Some(_) => parts.layers - 1,
            None => parts.layers,
        };
        let recurrent = stack(parts.d_embedding, parts.d_hidden).with_layers(below_last);
        let last = parts
            .d_last
            .map(|d_last| stack(parts.d_hidden, d_last).with_layers_below(below_last));
        let d_output = parts.d_output();
        let projected = parts.tied && d_output != parts.d_embedding;
        let bound = (6.0 / (d_output + parts.d_embedding) as f64).sqrt();
        Self {
            embedding: draws.uniform([config.vocab, parts.d_embedding], parts.range),
            recurrent: recurrent.init_with(draws),
            last: last.map(|last| last.init_with(draws)),
            projection: projected.then(|| draws.uniform([d_output, parts.d_embedding], bound)),
            decoder_weight: (!parts.tied)
                .then(|| draws.uniform([config.vocab, parts.d_decoder()], parts.range)),
            decoder_bias: draws.parameter([config.vocab], vec![0.0; config.vocab]),
            embedding_dropout: parts.embedding_dropout,
            input_dropout: parts.input_dropout,
            output_dropout: parts.output_dropout,
            dropout_mask: parts.dropout_mask,
            activation_regularization: parts.activation_regularization,
            temporal_activation_regularization: parts.temporal_activation_regularization,
        }
    }

    /// Features of each token for the decoder, `[streams * time, d_decoder]`, and the state after the last
    /// token.
    ///
    /// `ids` are those of a [`Window`]'s inputs; without a `state` the streams begin.
    pub fn forward(
        &self,
        ids: &[u32],
        streams: usize,
        state: Option<Vec<RecurrentState>>,
        mode: Mode,
    ) -> (Tensor<2>, Vec<RecurrentState>) {
        let embedded = self.embed(ids, streams, mode);
        let (output, state) = self.recur(embedded, state, mode);
        (self.features(self.drop_output(output, mode)), state)
    }

    /// Token ids of streams, one stream after the other, to vectors: `[streams, time, d_embedding]`.
    pub fn embed(&self, ids: &[u32], streams: usize, mode: Mode) -> Tensor<3> {
        let embedded = self.look_up(ids, mode);
        let [_, d_embedding] = embedded.dims();
        self.dropout(
            embedded.reshape([streams, ids.len() / streams, d_embedding]),
            self.input_dropout,
            Purpose::named("input dropout"),
            mode,
        )
    }

    /// Embedded tokens `[streams, time, d_embedding]` through the recurrent layers: the last one's output
    /// `[streams, time, d_output]`, and the state after the last token.
    ///
    /// A network's state is that of its layers; where the last has another size, its own comes after it.
    ///
    /// # Panics
    ///
    /// If `state` is not of this network.
    pub fn recur(
        &self,
        embedded: Tensor<3>,
        state: Option<Vec<RecurrentState>>,
        mode: Mode,
    ) -> (Tensor<3>, Vec<RecurrentState>) {
        let [streams, time, _] = embedded.dims();
        let lengths = Lengths::full(streams, time);
        let stacks = self.stacks().count();
        let before: Vec<Option<RecurrentState>> = match state {
            Some(state) => state.into_iter().map(Some).collect(),
            None => vec![None; stacks],
        };
        assert_eq!(
            before.len(),
            stacks,
            "a state has one part for each stack of layers"
        );
        let mut output = embedded;
        let mut after = Vec::with_capacity(stacks);
        for (stack, before) in self.stacks().zip(before) {
            let (above, state) = stack.forward(output, &lengths, before, mode);
            output = above;
            after.push(state);
        }
        (output, after)
    }

    /// Layers of one size each, the lowest first.
    fn stacks(&self) -> impl Iterator<Item = &Recurrent> {
        std::iter::once(&self.recurrent).chain(&self.last)
    }

    fn drop_output(&self, output: Tensor<3>, mode: Mode) -> Tensor<3> {
        let purpose = Purpose::named("output dropout");
        self.dropout(output, self.output_dropout, purpose, mode)
    }

    /// From the recurrent layers' output `[streams, time, d_output]` to what the decoder reads,
    /// `[streams * time, d_decoder]`.
    fn features(&self, output: Tensor<3>) -> Tensor<2> {
        let [streams, time, d_output] = output.dims();
        let output = output.reshape([streams * time, d_output]);
        match &self.projection {
            Some(projection) => output.matmul(projection.val()),
            None => output,
        }
    }

    /// What every layer of every stack does with the tokens of one stream, `[1, ids, …]`, and −ln p of all but
    /// the first in nats; there are at least two.
    pub(super) fn trace(&self, ids: &[u32]) -> (Vec<RecurrentTrace>, Vec<f32>) {
        let mut output = self.embed(ids, 1, Mode::Inference);
        let mut traces = Vec::new();
        for stack in self.stacks() {
            let trace = stack.trace(output, None);
            output = trace.output().clone();
            traces.push(trace);
        }
        // Nothing is known of what follows the last.
        let output = output.slice([0..1, 0..ids.len() - 1]);
        let losses = self.output_losses(self.features(output), &ids[1..]);
        (traces, losses)
    }

    /// The loss of a window, and the state after it, which gradients go through.
    pub fn loss(
        &self,
        window: &Window,
        state: Option<Vec<RecurrentState>>,
        mode: Mode,
    ) -> (Loss, Vec<RecurrentState>) {
        let embedded = self.embed(&window.inputs, window.streams, mode);
        let (output, state) = self.recur(embedded, state, mode);
        (self.output_loss(output, &window.targets, mode), state)
    }

    /// From the recurrent layers' output `[streams, time, d_output]` to the loss of the targets, one stream
    /// after the other.
    pub fn output_loss(&self, output: Tensor<3>, targets: &[u32], mode: Mode) -> Loss {
        let dropped = self.drop_output(output.clone(), mode);
        let (weight, bias) = self.decoder();
        let features = self.features(dropped.clone());
        let mut loss =
            vocabulary_cross_entropy(features, weight, bias, VocabularyTargets::exact(targets));
        for penalty in self.penalties(output, dropped) {
            loss.objective = loss.objective + penalty * loss.count;
        }
        loss
    }

    /// What the recurrent layers' output, before and after its dropout, adds to the loss of a token.
    fn penalties(&self, output: Tensor<3>, dropped: Tensor<3>) -> Vec<Tensor<1>> {
        let mut penalties = Vec::new();
        if self.activation_regularization > 0.0 {
            penalties.push(mean_square(dropped) * self.activation_regularization);
        }
        let [_, time, _] = output.dims();
        if self.temporal_activation_regularization > 0.0 && time > 1 {
            let later = output.clone().slice([0..output.dims()[0], 1..time]);
            let earlier = output.clone().slice([0..output.dims()[0], 0..time - 1]);
            let change = mean_square(later - earlier);
            penalties.push(change * self.temporal_activation_regularization);
        }
        penalties
    }

    /// −ln p of each target in nats, given what the decoder reads for it, `[targets, d_decoder]`.
    pub(super) fn output_losses(&self, output: Tensor<2>, targets: &[u32]) -> Vec<f32> {
        let (weight, bias) = self.decoder();
        vocabulary_losses(output, weight, bias, targets)
    }

    /// The logits of what follows the last of `ids`, which one stream has, in inference.
    ///
    /// # Panics
    ///
    /// If there is no token.
    pub fn next_logits(
        &self,
        ids: &[u32],
        state: Option<Vec<RecurrentState>>,
    ) -> (Vec<f32>, Vec<RecurrentState>) {
        assert!(!ids.is_empty(), "something follows at least one token");
        let (output, state) = self.forward(ids, 1, state, Mode::Inference);
        let last = output.slice([ids.len() - 1..ids.len()]);
        let (weight, bias) = self.decoder();
        let logits = last.matmul(weight.transpose()) + bias.unsqueeze();
        (logits.into_data().iter().collect(), state.detach())
    }

    /// The network for single steps on the CPU, as a copy; `None` where it is on another device, and of a cell
    /// that has no such form.
    #[cfg(feature = "flex")]
    pub(super) fn prepare(&self) -> Option<PreparedNetwork> {
        let embedding = self.embedding.val();
        if !host::holds(&embedding) {
            return None;
        }
        let streams = self.stacks().map(|stack| Some(stack.prepare()?.stream(1)));
        let transposed = |projection: &Param<Tensor<2>>| values(projection.val().transpose());
        let own = |weight: &Param<Tensor<2>>| values(weight.val());
        Some(PreparedNetwork {
            embedding: values(embedding),
            streams: streams.collect::<Option<_>>()?,
            projection: self.projection.as_ref().map(transposed),
            decoder_weight: self.decoder_weight.as_ref().map(own),
            decoder_bias: values(self.decoder_bias.val()),
        })
    }

    /// Weight `[vocab, d_decoder]` and bias `[vocab]`.
    fn decoder(&self) -> (Tensor<2>, Tensor<1>) {
        let weight = self.decoder_weight.as_ref().unwrap_or(&self.embedding);
        (weight.val(), self.decoder_bias.val())
    }

    /// Token ids to vectors: `[ids, d_embedding]`; a token that is dropped is zero wherever it is.
    fn look_up(&self, ids: &[u32], mode: Mode) -> Tensor<2> {
        let table = self.embedding.val();
        let [vocab, _] = table.dims();
        let factors = self.token_factors(vocab, mode).map(|factors| {
            let of_each = ids.iter().map(|id| factors[*id as usize]);
            of_each.collect::<Vec<f32>>()
        });
        look_up(table, ids, factors.as_deref())
    }

    /// What each token's embedding is multiplied by; `None` where nothing is dropped.
    fn token_factors(&self, vocab: usize, mode: Mode) -> Option<Vec<f32>> {
        match mode {
            Mode::Training(source) if self.embedding_dropout > 0.0 => {
                let mut factors = vec![0.0; vocab];
                let purpose = Purpose::named("embedding dropout");
                let mut stream = source.stream(purpose, 0);
                stream.dropout_mask(self.embedding_dropout, &mut factors);
                Some(factors)
            }
            Mode::Training(_) | Mode::Inference => None,
        }
    }

    fn dropout(&self, x: Tensor<3>, probability: f64, purpose: Purpose, mode: Mode) -> Tensor<3> {
        dropout(x, probability, self.dropout_mask, purpose, mode)
    }
}

/// Row by row, then over the rows: burn adds up a large tensor in the order in which its threads finish.
fn mean_square(x: Tensor<3>) -> Tensor<1> {
    let [streams, time, features] = x.dims();
    let rows = x.square().reshape([streams * time, features]).sum_dim(1);
    rows.sum() / (streams * time * features) as f64
}

/// A tensor's values, row by row.
#[cfg(feature = "flex")]
fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let values = tensor.into_data().try_into_vec();
    values.expect("a network on the CPU is in 32-bit floats")
}
