//! The classifier's network: embedding, LSTM or GRU, pooling, linear.

use burn::module::{Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::module::embedding;
use burn::tensor::{IndexingUpdateOp, Tensor};
use lstm_core::{DropoutMask, Mode, Purpose, Recurrent, RecurrentConfig, WeightDraws, dropout};

use super::architecture::ClassifierConfig;
use crate::loss::{Loss, Target, cross_entropy};
use crate::pooling::PoolingLayer;
use crate::token_batch::TokenBatch;

/// The classifier's network, from token ids to logits.
#[derive(Module, Debug)]
pub struct ClassifierModel {
    /// `[vocab, d_embedding]`
    embedding: Param<Tensor<2>>,
    /// `[subword_buckets, d_embedding]`
    subword_embedding: Option<Param<Tensor<2>>>,
    recurrent: Recurrent,
    pooling: PoolingLayer,
    /// `[features, classes]`
    output_weight: Param<Tensor<2>>,
    /// `[1, classes]`
    output_bias: Param<Tensor<2>>,
    #[module(skip)]
    word_dropout: f64,
    #[module(skip)]
    embedding_dropout: f64,
    #[module(skip)]
    dropout_mask: DropoutMask,
    #[module(skip)]
    output_dropout: f64,
}

impl ClassifierModel {
    /// A network with the next weights of `draws`; the configuration has been checked.
    pub(super) fn new(config: &ClassifierConfig, draws: &mut WeightDraws) -> Self {
        let parts = &config.architecture;
        let recurrent = RecurrentConfig::new(parts.cell, parts.d_embedding, parts.d_hidden)
            .with_layers(parts.layers)
            .with_bidirectional(parts.bidirectional)
            .with_dropout(parts.layer_dropout)
            .with_dropout_mask(parts.dropout_mask)
            .with_init(parts.init);
        let outputs = recurrent.d_output();
        let features = parts.pooling.len() * outputs;
        let bound = (6.0 / (features + config.classes) as f64).sqrt();
        Self {
            embedding: draws.normal([config.vocab, parts.d_embedding], parts.embedding_deviation),
            subword_embedding: (parts.subword_buckets > 0).then(|| {
                let shape = [parts.subword_buckets, parts.d_embedding];
                draws.normal(shape, parts.embedding_deviation)
            }),
            recurrent: recurrent.init_with(draws),
            pooling: PoolingLayer::new(&parts.pooling, outputs, draws),
            output_weight: draws.uniform([features, config.classes], bound),
            output_bias: draws.parameter([1, config.classes], vec![0.0; config.classes]),
            word_dropout: parts.word_dropout,
            embedding_dropout: parts.embedding_dropout,
            dropout_mask: parts.dropout_mask,
            output_dropout: parts.output_dropout,
        }
    }

    /// The logits `[batch, classes]` of a batch of texts.
    pub fn forward(&self, batch: &TokenBatch, mode: Mode) -> Tensor<2> {
        // Token ids to vectors: [batch, time, d_embedding]
        let embedded = embedding(self.embedding.val(), batch.ids.clone());
        let embedded = dropout(
            embedded,
            self.word_dropout,
            DropoutMask::Step,
            Purpose::named("word dropout"),
            mode,
        );
        let embedded = self.add_subwords(embedded, batch);
        let embedded = dropout(
            embedded,
            self.embedding_dropout,
            self.dropout_mask,
            Purpose::named("embedding dropout"),
            mode,
        );
        // [batch, time, features], and the last state
        let (outputs, state) = self.recurrent.forward(embedded, &batch.lengths, None, mode);
        // [batch, features]
        let pooled = self
            .pooling
            .forward(outputs, &state, &batch.lengths, batch.padding());
        let [batch, features] = pooled.dims();
        let pooled = dropout(
            pooled.reshape([batch, 1, features]),
            self.output_dropout,
            DropoutMask::Element,
            Purpose::named("output dropout"),
            mode,
        );
        pooled
            .reshape([batch, features])
            .matmul(self.output_weight.val())
            + self.output_bias.val()
    }

    /// Adds to each token's vector the mean of its pieces' vectors.
    fn add_subwords(&self, embedded: Tensor<3>, batch: &TokenBatch) -> Tensor<3> {
        let (Some(table), Some(subwords)) = (&self.subword_embedding, &batch.subwords) else {
            return embedded;
        };
        let [rows, time, features] = embedded.dims();
        let pieces = table.val().select(0, subwords.buckets.clone()) * subwords.shares.clone();
        embedded
            .reshape([rows * time, features])
            .select_assign(0, subwords.tokens.clone(), pieces, IndexingUpdateOp::Add)
            .reshape([rows, time, features])
    }

    /// The loss of a batch of texts.
    pub fn loss(&self, batch: &TokenBatch, targets: &[Target], mode: Mode) -> Loss {
        cross_entropy(self.forward(batch, mode), targets)
    }

    /// The probabilities of the classes for each text: `batch` rows of `classes`.
    pub fn probabilities(&self, batch: &TokenBatch) -> Vec<Vec<f32>> {
        let probabilities = softmax(self.forward(batch, Mode::Inference), 1);
        let [_, classes] = probabilities.dims();
        let values: Vec<f32> = probabilities.into_data().iter().collect();
        values.chunks(classes).map(<[f32]>::to_vec).collect()
    }
}
