//! What is written and read again has the same bits.

use burn::tensor::Device;
use proptest::prelude::*;

use super::{gru_weights, lstm_weights, path};
use crate::weights::{Format, RecurrentWeights};
use crate::{Recurrent, ResetGate};

/// What a format gives back of weights that it was given, under a prefix.
fn back(format: Format, file: &str, weights: &RecurrentWeights) -> RecurrentWeights {
    let (_directory, path) = path(file);
    format.write(weights, &path, "encoder.rnn").unwrap();
    let file = format.open(&path).unwrap();
    assert_eq!(file.prefixes(), ["encoder.rnn."]);
    let layer = Recurrent::from_weights(&file.read("encoder.rnn").unwrap(), &Device::flex());
    layer.unwrap().weights()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn lstms_come_back_bit_for_bit(weights in lstm_weights()) {
        prop_assert_eq!(&back(Format::PyTorch, "a.safetensors", &weights), &weights);
        prop_assert_eq!(&back(Format::Native, "a.safetensors", &weights), &weights);
        if weights.d_projection().is_none() {
            prop_assert_eq!(&back(Format::Burn, "a.safetensors", &weights), &weights);
            prop_assert_eq!(&back(Format::Burn, "a.bpk", &weights), &weights);
        }
    }

    #[test]
    fn grus_come_back_bit_for_bit(weights in gru_weights(ResetGate::AfterProduct)) {
        prop_assert_eq!(&back(Format::PyTorch, "a.safetensors", &weights), &weights);
        prop_assert_eq!(&back(Format::Native, "a.safetensors", &weights), &weights);
        prop_assert_eq!(&back(Format::Burn, "a.safetensors", &weights), &weights);
        prop_assert_eq!(&back(Format::Burn, "a.bpk", &weights), &weights);
    }

    #[test]
    fn grus_with_the_reset_gate_before_the_product_come_back(
        weights in gru_weights(ResetGate::BeforeProduct),
    ) {
        prop_assert_eq!(&back(Format::Native, "a.safetensors", &weights), &weights);
    }
}
