//! The classifier's network: embedding, LSTM or GRU, pooling, linear.

use burn::module::{Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::module::embedding;
use burn::tensor::{IndexingUpdateOp, Tensor};
#[cfg(feature = "flex")]
use lstm_core::dropout_factors;
use lstm_core::{
    DropoutMask, Mode, Purpose, Recurrent, RecurrentConfig, RecurrentState, WeightDraws, dropout,
};

use super::architecture::ClassifierConfig;
#[cfg(feature = "flex")]
use crate::embedding::WeightedRows;
#[cfg(feature = "flex")]
use crate::host;
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

/// What word dropout drops, and by which numbers.
const WORD_MASK: (DropoutMask, Purpose) = (DropoutMask::Step, Purpose::named("word dropout"));

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
        // [batch, time, features], and the last state
        let embedded = self.embed(batch, mode);
        let (outputs, state) = self.recurrent.forward(embedded, &batch.lengths, None, mode);
        self.classify(outputs, &state, batch, mode)
    }

    /// Token ids to vectors: `[batch, time, d_embedding]`.
    pub fn embed(&self, batch: &TokenBatch, mode: Mode) -> Tensor<3> {
        let embedded = self.look_up(batch, mode);
        dropout(
            embedded,
            self.embedding_dropout,
            self.dropout_mask,
            Purpose::named("embedding dropout"),
            mode,
        )
    }

    /// The LSTM or GRU between [`embed`](Self::embed) and [`classify`](Self::classify).
    pub fn recurrent(&self) -> &Recurrent {
        &self.recurrent
    }

    /// The outputs `[batch, time, features]` of the LSTM or GRU, and its last state, to logits
    /// `[batch, classes]`.
    pub fn classify(
        &self,
        outputs: Tensor<3>,
        state: &RecurrentState,
        batch: &TokenBatch,
        mode: Mode,
    ) -> Tensor<2> {
        // [batch, features]
        let pooled = self
            .pooling
            .forward(outputs, state, &batch.lengths, batch.padding());
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

    /// The vectors of the words, some of them dropped, plus the means of their pieces' vectors.
    fn look_up(&self, batch: &TokenBatch, mode: Mode) -> Tensor<3> {
        #[cfg(feature = "flex")]
        if host::holds(&self.embedding.val()) {
            return self.look_up_on_host(batch, mode);
        }
        self.look_up_elsewhere(batch, mode)
    }

    fn look_up_elsewhere(&self, batch: &TokenBatch, mode: Mode) -> Tensor<3> {
        let embedded = embedding(self.embedding.val(), batch.ids.clone());
        let (mask, purpose) = WORD_MASK;
        let embedded = dropout(embedded, self.word_dropout, mask, purpose, mode);
        self.add_subwords(embedded, batch)
    }

    /// The same in one pass; zeros in the padding, which nobody reads.
    #[cfg(feature = "flex")]
    fn look_up_on_host(&self, batch: &TokenBatch, mode: Mode) -> Tensor<3> {
        let [rows, time] = batch.ids.dims();
        let tokens = rows * time;
        let (mask, purpose) = WORD_MASK;
        let factors = dropout_factors([rows, time, 1], self.word_dropout, mask, purpose, mode);
        let ids: Vec<u32> = batch.ids.clone().into_data().iter().collect();
        let factors: Option<Vec<f32>> = factors.map(|factors| factors.iter().collect());
        let mut words = WeightedRows::default();
        for (row, &length) in batch.lengths.as_slice().iter().enumerate() {
            for token in row * time..row * time + length {
                let factor = factors.as_ref().map_or(1.0, |factors| factors[token]);
                words.push(token as u32, ids[token], factor);
            }
        }
        let embedded = words.sums(self.embedding.val(), tokens);
        let embedded = match (&self.subword_embedding, &batch.subwords) {
            (Some(table), Some(subwords)) => {
                let places: Vec<u32> = subwords.tokens.clone().into_data().iter().collect();
                let buckets: Vec<u32> = subwords.buckets.clone().into_data().iter().collect();
                let shares: Vec<f32> = subwords.shares.clone().into_data().iter().collect();
                let mut pieces = WeightedRows::default();
                for ((token, bucket), share) in places.into_iter().zip(buckets).zip(shares) {
                    pieces.push(token, bucket, share);
                }
                embedded + pieces.sums(table.val(), tokens)
            }
            _ => embedded,
        };
        let [_, features] = embedded.dims();
        embedded.reshape([rows, time, features])
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

#[cfg(all(test, feature = "flex"))]
mod tests {
    use std::sync::Arc;

    use burn::tensor::{Device, Tolerance};
    use lstm_core::RandomSource;

    use super::*;
    use crate::ClassifierArchitecture;
    use crate::text_encoder::EncodedText;

    /// The vectors of the real tokens, and the gradients of both tables.
    fn embedded(
        look_up: impl Fn(&ClassifierModel, &TokenBatch, Mode) -> Tensor<3>,
    ) -> Vec<Vec<f32>> {
        let device = Device::flex().autodiff();
        let parts = ClassifierArchitecture {
            d_embedding: 6,
            subword_buckets: 9,
            word_dropout: 0.4,
            ..ClassifierArchitecture::default()
        };
        let config = ClassifierConfig::new(20, 2).with_architecture(parts);
        let model = config.init_with(&mut WeightDraws::new(3, &device));
        let text = |ids: &[u32]| EncodedText {
            ids: ids.to_vec(),
            subwords: Some(ids.iter().map(|id| Arc::from([id % 9, id % 4])).collect()),
            is_cut: false,
        };
        let texts = [text(&[3, 7, 3, 19]), text(&[]), text(&[5, 3])];
        let batch = TokenBatch::new(&texts.each_ref(), &device);
        let mode = Mode::Training(RandomSource::new(5));
        let vectors = look_up(&model, &batch, mode);
        let real = batch.padding().bool_not().float().unsqueeze_dim::<3>(2);
        let vectors = vectors * real;
        let gradients = vectors.clone().square().sum().backward();
        let subwords = model.subword_embedding.as_ref().unwrap();
        let tables = [&model.embedding, subwords];
        let gradients = tables.map(|table| table.val().grad(&gradients).unwrap().into_data());
        std::iter::once(vectors.into_data())
            .chain(gradients)
            .map(|data| data.iter().collect())
            .collect()
    }

    #[test]
    fn words_are_looked_up_alike_on_the_host_and_elsewhere() {
        let here = embedded(ClassifierModel::look_up_on_host);
        let elsewhere = embedded(ClassifierModel::look_up_elsewhere);
        for (here, elsewhere) in here.iter().zip(&elsewhere) {
            assert!(here.iter().any(|value| *value != 0.0));
            let here = Tensor::<1>::from_floats(here.as_slice(), &Device::flex()).into_data();
            let elsewhere = Tensor::<1>::from_floats(elsewhere.as_slice(), &Device::flex());
            here.assert_approx_eq(&elsewhere.into_data(), Tolerance::<f32>::absolute(1e-6));
        }
    }
}
