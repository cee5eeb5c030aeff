//! Weights in and out.

mod bad_input;
mod pytorch;
mod round_trips;

use std::path::PathBuf;

use burn::tensor::Device;
use proptest::prelude::*;

use super::RecurrentWeights;
use crate::{GruConfig, LstmConfig, RecurrentInit, ResetGate, WeightDraws};

/// A path in a new directory that goes with the first value.
fn path(name: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join(name);
    (directory, path)
}

/// The weights of random LSTMs: stacked, bidirectional, projected, without biases.
pub(super) fn lstm_weights() -> impl Strategy<Value = RecurrentWeights> {
    let sizes = (1usize..6, 2usize..7, 1usize..4);
    let kinds = (any::<bool>(), any::<bool>(), any::<bool>(), 0u64..1000);
    (sizes, kinds).prop_map(
        |((d_input, d_hidden, layers), (both, bias, projected, seed))| {
            LstmConfig::new(d_input, d_hidden)
                .with_projection(projected.then_some(d_hidden - 1))
                .with_layers(layers)
                .with_bidirectional(both)
                .with_bias(bias)
                .with_init(RecurrentInit::Uniform)
                .init_with(&mut WeightDraws::new(seed, &Device::flex()))
                .weights()
        },
    )
}

/// The weights of random GRUs with the reset gate at one place.
pub(super) fn gru_weights(reset: ResetGate) -> impl Strategy<Value = RecurrentWeights> {
    let sizes = (1usize..6, 1usize..7, 1usize..4);
    let kinds = (any::<bool>(), any::<bool>(), 0u64..1000);
    (sizes, kinds).prop_map(move |((d_input, d_hidden, layers), (both, bias, seed))| {
        GruConfig::new(d_input, d_hidden)
            .with_layers(layers)
            .with_bidirectional(both)
            .with_bias(bias)
            .with_reset(reset)
            .with_init(RecurrentInit::Uniform)
            .init_with(&mut WeightDraws::new(seed, &Device::flex()))
            .weights()
    })
}
