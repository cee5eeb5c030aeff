//! Layers as ONNX models. What ONNX Runtime gives for them is compared by
//! `tests/golden/compare_with_onnx_runtime.py`.

use burn::tensor::Device;
use proptest::prelude::*;
use prost::Message;

use super::written;
use crate::weights::format::Format;
use crate::weights::onnx::proto::Model;
use crate::weights::onnx::{OnnxInputs, OnnxModel, to_bytes};
use crate::weights::recurrent::RecurrentWeights;
use crate::weights::tests::{gru_weights, lstm_weights};
use crate::{LstmConfig, Recurrent, ResetGate};

/// What is read of what is written, under a prefix.
fn back(weights: &RecurrentWeights, inputs: OnnxInputs) -> RecurrentWeights {
    let (_folder, path) = written(&to_bytes(weights, "encoder.rnn.", inputs).unwrap());
    let file = Format::Onnx.open(&path).unwrap();
    assert_eq!(file.prefixes().len(), 1, "{:?}", file.prefixes());
    let layer = Recurrent::from_weights(&file.read("encoder.rnn").unwrap(), &Device::flex());
    layer.unwrap().weights()
}

fn any_inputs() -> impl Strategy<Value = OnnxInputs> {
    (any::<bool>(), any::<bool>()).prop_map(|(lengths, initial_state)| OnnxInputs {
        lengths,
        initial_state,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn lstms_come_back_bit_for_bit(weights in lstm_weights(), inputs in any_inputs()) {
        prop_assume!(weights.d_projection().is_none());
        prop_assert_eq!(&back(&weights, inputs), &weights);
    }

    #[test]
    fn grus_come_back_bit_for_bit(
        after in gru_weights(ResetGate::AfterProduct),
        before in gru_weights(ResetGate::BeforeProduct),
        inputs in any_inputs(),
    ) {
        prop_assert_eq!(&back(&after, inputs), &after);
        prop_assert_eq!(&back(&before, inputs), &before);
    }
}

fn layer() -> LstmConfig {
    LstmConfig::new(3, 4)
        .with_layers(2)
        .with_bidirectional(true)
}

/// The names of a model's inputs and outputs.
fn interface(inputs: OnnxInputs) -> [Vec<String>; 2] {
    let weights = layer().init(&Device::flex()).weights();
    let model = Model::decode(&to_bytes(&weights, "", inputs).unwrap()[..]).unwrap();
    let graph = model.graph.unwrap();
    [graph.input, graph.output]
        .map(|values| values.iter().map(|value| value.name().to_owned()).collect())
}

#[test]
fn a_model_takes_what_was_asked_for_and_nothing_else() {
    let outputs = ["output", "h_n", "c_n"];
    let [input, output] = interface(OnnxInputs::default());
    assert_eq!(
        (&input[..], &output[..]),
        (&["input".to_owned()][..], &outputs.map(str::to_owned)[..])
    );
    let [input, output] = interface(OnnxInputs {
        lengths: true,
        initial_state: true,
    });
    assert_eq!(input, ["input", "lengths", "initial_h", "initial_c"]);
    assert_eq!(output, outputs);
}

#[test]
fn a_stack_is_called_after_its_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    layer()
        .init(&Device::flex())
        .to_onnx(&path, "encoder.rnn", OnnxInputs::default())
        .unwrap();
    let model = OnnxModel::open(&path).unwrap();
    assert_eq!(model.nodes(), ["encoder.rnn.lstm_0", "encoder.rnn.lstm_1"]);
    assert_eq!(model.stacks(), ["encoder.rnn.lstm_0"]);
}

#[test]
fn what_onnx_has_not_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let refused = |config: LstmConfig| {
        let layer = config.init(&Device::flex());
        let error = layer.to_onnx(&path, "", OnnxInputs::default()).unwrap_err();
        assert!(!path.exists());
        error.to_string()
    };
    assert_eq!(
        refused(layer().with_projection(Some(2))),
        "ONNX has no projection of the hidden state"
    );
    assert_eq!(
        refused(layer().with_cell_clip(Some(1.0))),
        "ONNX has no limit of the cell state"
    );
    let error = layer()
        .init(&Device::flex())
        .to_onnx(path.with_extension("pt"), "", OnnxInputs::default())
        .unwrap_err();
    assert!(error.to_string().contains("a file named .onnx"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
