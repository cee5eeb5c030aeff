//! The decoder: a recurrent layer that looks back at the source at every step.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};
use lstm_core::{
    CarriedState, Lengths, Mode, Purpose, Recurrent, RecurrentConfig, RecurrentState, WeightDraws,
    split_rows,
};

use super::architecture::EncoderDecoderArchitecture;
use crate::attention::{Attention, AttentionSizes, Coverage, Memory};

/// The decoder, between the embeddings of a target's tokens and the output weights.
///
/// ```text
/// h_t = LSTM(y_{t-1}, h_{t-1})        with input feeding LSTM([y_{t-1}, h̃_{t-1}], h_{t-1})
/// c_t = attention(h_t, source)
/// h̃_t = tanh(W_c [c_t; h_t] + b)      (Luong et al. 2015)
/// ```
#[derive(Module, Debug)]
pub(crate) struct AttentionDecoder {
    recurrent: Recurrent,
    attention: Attention,
    /// The part of W_c for the context: `[d_memory, d_attentional]`.
    context_weight: Param<Tensor<2>>,
    /// The part for the hidden state: `[d_decoder, d_attentional]`.
    hidden_weight: Param<Tensor<2>>,
    /// b `[1, d_attentional]`
    bias: Param<Tensor<2>>,
    #[module(skip)]
    input_feeding: bool,
}

/// The encoder has layers of the same numbers: masks of the decoder are others.
const PART: Purpose = Purpose::named("decoder");

/// What a decoder carries from step to step.
#[derive(Debug, Clone)]
pub(crate) struct DecoderState {
    /// `None` at zero.
    recurrent: Option<RecurrentState>,
    /// h̃ of the step before, `[batch, d_attentional]`; `None` at the beginning, and without input feeding.
    fed: Option<Tensor<2>>,
    /// `None` where the scores of attention do not read it.
    coverage: Option<Coverage>,
}

/// What attention makes of the hidden states of targets.
#[derive(Debug, Clone)]
pub(crate) struct Attended {
    /// h̃ `[batch, time, d_attentional]`
    pub attentional: Tensor<3>,
    /// h `[batch, time, d_decoder]`
    pub hidden: Tensor<3>,
    /// `[batch, time, d_memory]`
    pub context: Tensor<3>,
    /// The weights of the source's places: `[batch, time, source_time]`.
    pub weights: Tensor<3>,
    /// How much attention the places had got before, `[batch, time, source_time]`; `None` where it is not read.
    pub coverage: Option<Tensor<3>>,
}

impl Attended {
    /// Steps one after the other; there is at least one.
    fn cat(steps: Vec<Self>) -> Self {
        let all = |part: fn(&Self) -> &Tensor<3>| {
            Tensor::cat(steps.iter().map(|step| part(step).clone()).collect(), 1)
        };
        let coverage: Option<Vec<Tensor<3>>> =
            steps.iter().map(|step| step.coverage.clone()).collect();
        Self {
            attentional: all(|step| &step.attentional),
            hidden: all(|step| &step.hidden),
            context: all(|step| &step.context),
            weights: all(|step| &step.weights),
            coverage: coverage.map(|steps| Tensor::cat(steps, 1)),
        }
    }
}

impl DecoderState {
    /// The state before the first token.
    pub fn start(recurrent: Option<RecurrentState>) -> Self {
        Self {
            recurrent,
            fed: None,
            coverage: None,
        }
    }

    /// The same, where scores read the coverage from now on.
    pub fn covering(mut self, coverage: Coverage) -> Self {
        self.coverage = Some(coverage);
        self
    }

    /// The state whose row `i` is this one's row `rows[i]`; rows may repeat.
    pub fn select_rows(self, rows: &Tensor<1, Int>) -> Self {
        Self {
            recurrent: self.recurrent.map(|state| state.select_rows(rows)),
            fed: self.fed.map(|fed| fed.select(0, rows.clone())),
            coverage: self.coverage.map(|coverage| coverage.select_rows(rows)),
        }
    }
}

impl AttentionDecoder {
    pub fn new(parts: &EncoderDecoderArchitecture, draws: &mut WeightDraws) -> Self {
        let d_attentional = parts.d_attentional();
        let d_input = match parts.input_feeding {
            true => parts.d_embedding + d_attentional,
            false => parts.d_embedding,
        };
        let recurrent = RecurrentConfig::new(parts.cell, d_input, parts.d_decoder)
            .with_layers(parts.layers)
            .with_dropout(parts.layer_dropout)
            .with_dropout_mask(parts.dropout_mask)
            .with_recurrent_dropout(parts.recurrent_dropout)
            .with_init(parts.init)
            .init_with(draws);
        let sizes = AttentionSizes {
            d_memory: parts.d_memory(),
            d_query: parts.d_decoder,
        };
        let both = parts.d_memory() + parts.d_decoder;
        let bound = (6.0 / (both + d_attentional) as f64).sqrt();
        Self {
            recurrent,
            attention: Attention::new(parts.attention, sizes, draws),
            context_weight: draws.uniform([parts.d_memory(), d_attentional], bound),
            hidden_weight: draws.uniform([parts.d_decoder, d_attentional], bound),
            bias: draws.parameter([1, d_attentional], vec![0.0; d_attentional]),
            input_feeding: parts.input_feeding,
        }
    }

    /// What the encoder's output `[batch, source_time, d_memory]` is remembered as.
    pub fn remember(&self, encoded: Tensor<3>, lengths: &Lengths) -> Memory {
        self.attention.remember(encoded, lengths)
    }

    /// All tokens of targets, whose embeddings are `[batch, time, d_embedding]`. In the padding what is found means
    /// nothing.
    pub fn forward(
        &self,
        embedded: Tensor<3>,
        lengths: &Lengths,
        memory: &Memory,
        state: DecoderState,
        mode: Mode,
    ) -> Attended {
        if !self.input_feeding {
            let mode = mode.of_part(PART);
            let (hidden, _) = self
                .recurrent
                .forward(embedded, lengths, state.recurrent, mode);
            return self.attend(hidden, memory, state.coverage).0;
        }
        let [batch, time, d_embedding] = embedded.dims();
        let by_time = embedded.swap_dims(0, 1);
        let tokens = by_time.reshape([time * batch, d_embedding]);
        let mut state = state;
        let mut all = Vec::with_capacity(time);
        for token in split_rows(tokens, &vec![batch; time]) {
            let token = token.reshape([batch, 1, d_embedding]);
            let (attended, next) = self.step(token, memory, state, mode);
            all.push(attended);
            state = next;
        }
        Attended::cat(all)
    }

    /// One token of each target, `[batch, 1, d_embedding]`, and the state after it.
    pub fn step(
        &self,
        embedded: Tensor<3>,
        memory: &Memory,
        state: DecoderState,
        mode: Mode,
    ) -> (Attended, DecoderState) {
        let [batch, _, _] = embedded.dims();
        let input = match self.input_feeding {
            true => Tensor::cat(vec![embedded.clone(), self.fed(&embedded, state.fed)], 2),
            false => embedded,
        };
        let lengths = Lengths::full(batch, 1);
        let mode = mode.of_part(PART);
        let (hidden, recurrent) = self
            .recurrent
            .forward(input, &lengths, state.recurrent, mode);
        let (attended, coverage) = self.attend(hidden, memory, state.coverage);
        let [_, _, d_attentional] = attended.attentional.dims();
        let fed = attended.attentional.clone().reshape([batch, d_attentional]);
        let state = DecoderState {
            recurrent: Some(recurrent),
            fed: self.input_feeding.then_some(fed),
            coverage,
        };
        (attended, state)
    }

    /// h̃ of the step before as an input `[batch, 1, d_attentional]`, zero at the beginning.
    fn fed(&self, embedded: &Tensor<3>, fed: Option<Tensor<2>>) -> Tensor<3> {
        let [batch, _, _] = embedded.dims();
        let [_, d_attentional] = self.bias.val().dims();
        let shape = [batch, 1, d_attentional];
        match fed {
            Some(fed) => fed.reshape(shape),
            None => Tensor::zeros(shape, (&embedded.device(), embedded.dtype())),
        }
    }

    /// What attention makes of hidden states `[batch, time, d_decoder]`, and the coverage after them.
    fn attend(
        &self,
        hidden: Tensor<3>,
        memory: &Memory,
        coverage: Option<Coverage>,
    ) -> (Attended, Option<Coverage>) {
        let (context, weights, coverage, after) = match coverage {
            None => {
                let (context, weights) = self.attention.forward(hidden.clone(), memory);
                (context, weights, None, None)
            }
            Some(coverage) => {
                let attention = &self.attention;
                let covered = attention.forward_covering(hidden.clone(), memory, coverage);
                let (before, after) = (Some(covered.coverage), Some(covered.after));
                (covered.context, covered.weights, before, after)
            }
        };
        let attended = Attended {
            attentional: self.attentional(context.clone(), hidden.clone()),
            hidden,
            context,
            weights,
            coverage,
        };
        (attended, after)
    }

    /// h̃_t = tanh(W_c [c_t; h_t] + b)
    fn attentional(&self, context: Tensor<3>, hidden: Tensor<3>) -> Tensor<3> {
        let [batch, time, d_decoder] = hidden.dims();
        let [_, _, d_memory] = context.dims();
        let context = context.reshape([batch * time, d_memory]);
        let hidden = hidden.reshape([batch * time, d_decoder]);
        let sum = context.matmul(self.context_weight.val())
            + hidden.matmul(self.hidden_weight.val())
            + self.bias.val();
        let [_, d_attentional] = sum.dims();
        sum.tanh().reshape([batch, time, d_attentional])
    }
}
