//! Weights in and out.

mod bad_input;
#[cfg(feature = "hdf5")]
mod hdf5;
mod keras;
mod npz;
mod pytorch;
mod round_trips;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use proptest::prelude::*;

use super::{Checkpoint, Format, RecurrentWeights};
use crate::{GruConfig, LstmConfig, RecurrentInit, ResetGate, WeightDraws};

/// A path in a new directory that goes with the first value.
fn path(name: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join(name);
    (directory, path)
}

/// A file of Keras, or of h5py: `tests/golden/keras/generate.py` made them.
fn keras_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/keras")
        .join(name)
}

/// Changes a few bytes of a file, or where it ends: `damage` are places, as parts of the whole, and bytes.
fn damaged(bytes: &[u8], damage: &[(f64, u8)], end: Option<f64>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, byte) in damage {
        let place = (place * bytes.len() as f64) as usize;
        bytes[place] = *byte;
    }
    if let Some(end) = end {
        bytes.truncate((end * bytes.len() as f64) as usize);
    }
    bytes
}

/// What [`damaged`] is to do to a file.
fn damage() -> impl Strategy<Value = (Vec<(f64, u8)>, Option<f64>)> {
    let places = proptest::collection::vec((0.0..1.0, any::<u8>()), 1..6);
    (places, proptest::option::weighted(0.2, 0.0..1.0))
}

/// Reads whatever a file claims to have, as a container and as Keras' layers; that nothing panics is what
/// counts.
fn read_all(path: &Path) {
    if let Ok(checkpoint) = Checkpoint::open(path) {
        for name in checkpoint.entries().keys() {
            let _ = checkpoint.read(name);
        }
    }
    if let Ok(file) = Format::Keras.open(path) {
        for prefix in file.prefixes() {
            let _ = file.read(&prefix);
        }
    }
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
