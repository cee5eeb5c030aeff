//! The gate between generating a word and copying one.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use lstm_core::WeightDraws;

use crate::encoder_decoder::{Attended, EncoderDecoderArchitecture};

/// p_gen = σ(w_m·context + w_h·hidden + w_x·input + b), the probability that a word is generated (See et al. 2017).
#[derive(Module, Debug)]
pub(super) struct PointerGate {
    /// w_m `[d_memory, 1]`
    context_weight: Param<Tensor<2>>,
    /// w_h `[d_decoder, 1]`
    hidden_weight: Param<Tensor<2>>,
    /// w_x `[d_embedding, 1]`
    input_weight: Param<Tensor<2>>,
    /// b `[1, 1]`
    bias: Param<Tensor<2>>,
}

impl PointerGate {
    pub fn new(parts: &EncoderDecoderArchitecture, draws: &mut WeightDraws) -> Self {
        let sizes = [parts.d_memory(), parts.d_decoder, parts.d_embedding];
        let bound = (6.0 / (sizes.iter().sum::<usize>() + 1) as f64).sqrt();
        let [context_weight, hidden_weight, input_weight] =
            sizes.map(|features| draws.uniform([features, 1], bound));
        Self {
            context_weight,
            hidden_weight,
            input_weight,
            bias: draws.parameter([1, 1], vec![0.0]),
        }
    }

    /// What p_gen is the sigmoid of, for tokens with these embeddings `[batch, time, d_embedding]`: `[batch, time, 1]`.
    pub fn forward(&self, embedded: Tensor<3>, attended: &Attended) -> Tensor<3> {
        let [batch, time, _] = embedded.dims();
        let product = |values: Tensor<3>, weight: &Param<Tensor<2>>| {
            let [_, _, features] = values.dims();
            values
                .reshape([batch * time, features])
                .matmul(weight.val())
        };
        // w_m·context + w_h·hidden + w_x·input + b
        let sum = product(attended.context.clone(), &self.context_weight)
            + product(attended.hidden.clone(), &self.hidden_weight)
            + product(embedded, &self.input_weight)
            + self.bias.val();
        sum.reshape([batch, time, 1])
    }
}
