//! Models against what ONNX Runtime 1.32 gives: `tests/golden/onnx/generate.py` made both, and PyTorch 2.15
//! exported some.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;

use super::Numbers;
use crate::weights::onnx::{OnnxLayer, OnnxModel};
use crate::{Cell, GruState, Lengths, LstmState, Mode, Recurrent, RecurrentState};

#[derive(Deserialize)]
struct Golden {
    inputs: BTreeMap<String, Numbers>,
    outputs: BTreeMap<String, Numbers>,
}

fn file(name: &str, extension: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/onnx")
        .join(format!("{name}.{extension}"))
}

impl Golden {
    fn read(name: &str) -> Self {
        serde_json::from_str(&std::fs::read_to_string(file(name, "json")).unwrap()).unwrap()
    }

    fn tensor(&self, name: &str) -> Option<Tensor<3>> {
        let Numbers { shape, data } = self.inputs.get(name)?;
        let data = TensorData::new(data.clone(), shape.clone());
        Some(Tensor::from_data(data, &Device::flex()))
    }

    fn expect<const D: usize>(&self, name: &str, found: &Tensor<D>) {
        let Numbers { shape, data } = &self.outputs[name];
        assert_eq!(found.dims().to_vec(), *shape, "shape of {name}");
        for (place, (found, expected)) in found.to_data().iter::<f32>().zip(data).enumerate() {
            let difference = (found - expected).abs();
            assert!(
                difference <= 1e-6,
                "{name}: {found} at {place}, expected {expected}"
            );
        }
    }
}

/// Runs the node of a model, and compares all its outputs.
fn node_agrees(name: &str) -> OnnxLayer {
    let golden = Golden::read(name);
    let model = OnnxModel::open(file(name, "onnx")).unwrap();
    let layer = model.layer(name, &Device::flex()).unwrap();
    let lengths: Option<Vec<usize>> = golden
        .inputs
        .get("sequence_lens")
        .map(|lengths| lengths.data.iter().map(|length| *length as usize).collect());
    let state = match (golden.tensor("initial_h"), golden.tensor("initial_c")) {
        (Some(hidden), Some(cell)) => Some(RecurrentState::Lstm(LstmState { hidden, cell })),
        (Some(hidden), None) => Some(RecurrentState::Gru(GruState { hidden })),
        (None, _) => None,
    };
    let x = golden.tensor("X").unwrap();
    let found = layer.forward(x, lengths.as_deref(), state).unwrap();
    golden.expect("Y", &found.y);
    golden.expect("Y_h", &found.y_h);
    assert_eq!(found.y_c.is_some(), golden.outputs.contains_key("Y_c"));
    if let Some(y_c) = &found.y_c {
        golden.expect("Y_c", y_c);
    }
    layer
}

#[test]
fn a_forward_lstm_node_agrees_with_onnx_runtime() {
    node_agrees("lstm_forward");
}

#[test]
fn a_reverse_lstm_node_with_lengths_and_states_agrees_with_onnx_runtime() {
    node_agrees("lstm_reverse");
}

#[test]
fn a_bidirectional_lstm_node_with_lengths_and_states_agrees_with_onnx_runtime() {
    node_agrees("lstm_bidirectional");
}

#[test]
fn an_lstm_node_with_lengths_and_states_of_its_own_agrees_with_onnx_runtime() {
    let layer = node_agrees("lstm_own_states");
    assert_eq!(layer.sequence_lens(), Some(&[3, 5, 1][..]));
    assert!(layer.state().is_some());
}

#[test]
fn an_lstm_node_with_the_batch_first_agrees_with_the_reference_of_onnx() {
    node_agrees("lstm_batch_first");
}

#[test]
fn a_gru_node_with_the_reset_gate_before_the_product_agrees_with_onnx_runtime() {
    node_agrees("gru_reset_before");
}

#[test]
fn a_gru_node_with_the_reset_gate_after_the_product_agrees_with_onnx_runtime() {
    node_agrees("gru_reset_after");
}

#[test]
fn a_reverse_gru_node_agrees_with_onnx_runtime() {
    node_agrees("gru_reverse");
}

#[test]
fn a_gru_node_with_the_batch_first_agrees_with_the_reference_of_onnx() {
    node_agrees("gru_batch_first");
}

/// Reads a model that PyTorch exported as a stack, and compares outputs and final states.
fn stack_agrees(name: &str, stack: &str, cell: Cell, [layers, directions]: [usize; 2]) {
    let golden = Golden::read(name);
    let model = OnnxModel::open(file(name, "onnx")).unwrap();
    assert_eq!(model.stacks(), [stack], "{:?}", model.nodes());
    let weights = model.weights(stack).unwrap();
    assert_eq!(
        (weights.cell, weights.layers.len(), weights.directions()),
        (cell, layers, directions)
    );
    let layer = Recurrent::from_onnx(file(name, "onnx"), stack, &Device::flex()).unwrap();
    let x = golden.tensor("input").unwrap();
    let [batch, time, _] = x.dims();
    let lengths = Lengths::full(batch, time);
    let (output, state) = layer.forward(x, &lengths, None, Mode::Inference);
    golden.expect("output", &output);
    golden.expect("h_n", state.hidden());
    if let RecurrentState::Lstm(state) = &state {
        golden.expect("c_n", &state.cell);
    }
}

#[test]
fn a_stacked_bidirectional_lstm_by_pytorchs_first_exporter_is_one_stack_that_agrees() {
    stack_agrees("pytorch_lstm", "/rnn/LSTM", Cell::Lstm, [2, 2]);
}

#[test]
fn a_stacked_bidirectional_lstm_by_pytorchs_second_exporter_is_one_stack_that_agrees() {
    stack_agrees(
        "pytorch_lstm_dynamo",
        &first_node("pytorch_lstm_dynamo"),
        Cell::Lstm,
        [2, 2],
    );
}

#[test]
fn a_stacked_gru_without_biases_by_pytorch_is_one_stack_that_agrees() {
    stack_agrees("pytorch_gru", "/rnn/GRU", Cell::Gru, [2, 1]);
}

#[test]
fn a_gru_whose_weights_the_first_exporter_computes_in_the_model_agrees() {
    stack_agrees("pytorch_gru_unfolded", "/rnn/GRU", Cell::Gru, [1, 1]);
}

#[test]
fn a_gru_whose_weights_the_second_exporter_computes_in_the_model_agrees() {
    let name = "pytorch_gru_dynamo_unfolded";
    stack_agrees(name, &first_node(name), Cell::Gru, [1, 1]);
}

/// The second exporter numbers its nodes.
fn first_node(name: &str) -> String {
    let model = OnnxModel::open(file(name, "onnx")).unwrap();
    model.nodes()[0].to_owned()
}
