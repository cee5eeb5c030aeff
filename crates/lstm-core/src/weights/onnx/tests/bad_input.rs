//! Nodes and weights that are not what is read: an error names file, node and tensor.

use super::{
    counted, error, floats, input_weight, int, integers, lstm, model, named, node,
    recurrent_weight, says, string, weights,
};
use crate::weights::onnx::proto::{Attribute, Tensor, data_type};

fn with_attribute(attribute: Attribute) -> String {
    error(&model(
        vec![lstm(vec![attribute])],
        vec![input_weight(), recurrent_weight()],
    ))
}

fn with_weight(weight: Tensor) -> String {
    error(&model(vec![lstm(vec![])], vec![weight, recurrent_weight()]))
}

#[test]
fn what_no_layer_does_is_refused_by_name() {
    let mut clip = int("clip", 0);
    clip.f = Some(3.0);
    says(&with_attribute(clip), &["`rnn`", "±3 (clip)"]);
    says(
        &with_attribute(int("input_forget", 1)),
        &["`rnn`", "input_forget"],
    );
    says(
        &with_attribute(int("layout", 2)),
        &["`rnn`", "unknown attribute `layout` = 2"],
    );
    says(
        &with_attribute(int("speed", 7)),
        &["`rnn`", "unknown attribute `speed`"],
    );
    says(
        &with_attribute(string("direction", "up")),
        &["`rnn`", "direction `up`"],
    );
    says(
        &with_attribute(int("hidden_size", -1)),
        &["`rnn`", "hidden_size -1"],
    );
    let mut activations = string("activations", "");
    activations.strings = vec![b"Sigmoid".to_vec(), b"Relu".to_vec(), b"Tanh".to_vec()];
    says(
        &with_attribute(activations),
        &["`rnn`", "Relu", "[\"Sigmoid\", \"Tanh\", \"Tanh\"]"],
    );
}

#[test]
fn the_usual_activations_are_no_reason_to_refuse() {
    let mut activations = string("activations", "");
    activations.strings = ["sigmoid", "Tanh", "tanh"]
        .map(|name| name.as_bytes().to_vec())
        .into();
    let nodes = vec![lstm(vec![activations])];
    assert!(weights(&model(nodes, vec![input_weight(), recurrent_weight()])).is_ok());
}

fn with_inputs(inputs: &[&str], constants: Vec<Tensor>) -> Result<(), String> {
    let node = named(
        "rnn",
        node("LSTM", inputs, &["y"], vec![int("hidden_size", 2)]),
    );
    let constants = [constants, vec![input_weight(), recurrent_weight()]].concat();
    let found = weights(&model(vec![node], constants));
    found.map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn peepholes_are_refused_unless_they_are_zero() {
    let inputs = ["x", "W", "R", "", "", "", "", "P"];
    let peepholes = |value: f32| vec![floats("P", &[1, 6], &[value; 6])];
    assert_eq!(with_inputs(&inputs, peepholes(0.0)), Ok(()));
    let message = with_inputs(&inputs, peepholes(0.1)).unwrap_err();
    says(&message, &["`rnn`", "peephole"]);
}

#[test]
fn missing_weights_are_listed() {
    let message = with_inputs(&["x", "", "R"], vec![]).unwrap_err();
    says(
        &message,
        &["`rnn`", "missing [\"W\"]", "found [\"X\", \"R\"]"],
    );
    let message = with_inputs(&["x"], vec![]).unwrap_err();
    says(&message, &["missing [\"W\", \"R\"]"]);
}

#[test]
fn sizes_that_disagree_are_refused_with_both() {
    let message = with_weight(counted("W", &[1, 7, 3]));
    says(&message, &["W of rnn, W", "[1, 7, 3]", "[1, 8, 3]"]);
    let message = with_weight(counted("W", &[8, 3]));
    says(&message, &["W of rnn, W", "[8, 3]"]);
    let message = with_weight(floats("W", &[1, 8, 0], &[]));
    says(&message, &["W of rnn, W", "[1, 8, 0]"]);
    let nodes = vec![lstm(vec![string("direction", "bidirectional")])];
    let message = error(&model(nodes, vec![input_weight(), recurrent_weight()]));
    says(&message, &["R of rnn, R", "[1, 8, 2]", "[2, 8, 2]"]);
    let nodes = vec![lstm(vec![int("hidden_size", 5)])];
    let message = error(&model(nodes, vec![input_weight(), recurrent_weight()]));
    says(&message, &["R of rnn, R", "[1, 8, 2]", "[1, 20, 5]"]);
    let inputs = ["x", "W", "R", "B"];
    let message = with_inputs(&inputs, vec![counted("B", &[1, 8])]).unwrap_err();
    says(&message, &["B of rnn, B", "[1, 8]", "[1, 16]"]);
    let huge = vec![lstm(vec![int("hidden_size", i64::MAX)])];
    let message = error(&model(huge, vec![input_weight(), recurrent_weight()]));
    says(&message, &["R of rnn, R"]);
}

#[test]
fn weights_that_are_no_floats_are_refused_by_type() {
    let quantised = Tensor {
        data_type: Some(3),
        float_data: vec![],
        raw_data: Some(vec![1; 24].into()),
        ..input_weight()
    };
    says(
        &with_weight(quantised.clone()),
        &["W of rnn, W", "int8", "expected f32"],
    );
    says(
        &with_weight(integers("W", &[1; 24])),
        &["W of rnn, W", "int64", "expected f32"],
    );
    let nodes = vec![
        node("DequantizeLinear", &["quantised", "scale"], &["W"], vec![]),
        lstm(vec![]),
    ];
    let quantised = Tensor {
        name: Some("quantised".to_owned()),
        ..quantised
    };
    let message = error(&model(nodes, vec![quantised, recurrent_weight()]));
    says(
        &message,
        &[
            "`rnn`",
            "no constant W",
            "DequantizeLinear",
            "expected an initializer",
        ],
    );
    let mut quantised = named(
        "q",
        node("DynamicQuantizeLSTM", &["x", "W"], &["y"], vec![]),
    );
    quantised.domain = Some("com.microsoft".to_owned());
    says(
        &error(&model(vec![quantised], vec![])),
        &["`q` is a DynamicQuantizeLSTM"],
    );
}

#[test]
fn weights_from_outside_are_refused_by_name() {
    let message = error(&model(vec![lstm(vec![])], vec![recurrent_weight()]));
    says(
        &message,
        &["`rnn`", "no constant W: `W` comes from outside"],
    );
}

#[test]
fn a_tensor_whose_size_is_a_lie_is_refused_without_room_for_it() {
    let lies = |dims: &[i64]| Tensor {
        dims: dims.to_vec(),
        ..input_weight()
    };
    says(
        &with_weight(lies(&[1, 8, 4])),
        &["W of rnn, W", "holds 24 elements", "32"],
    );
    says(
        &with_weight(lies(&[1, -8, 3])),
        &["W of rnn, W", "dims are [1, -8, 3]"],
    );
    says(
        &with_weight(lies(&[1 << 40, 1 << 40, 3])),
        &["W of rnn, W", "overflow"],
    );
    says(
        &with_weight(lies(&[1 << 40, 1 << 40, 0])),
        &["W of rnn, W", "overflow"],
    );
    says(
        &with_weight(lies(&[1, 8, 1 << 50])),
        &["W of rnn, W", "holds 24 elements"],
    );
    says(
        &with_weight(lies(&[1; 1000])),
        &["W of rnn, W", "1000 axes"],
    );
    let raw = |dims: &[i64], bytes: usize| Tensor {
        float_data: vec![],
        raw_data: Some(vec![0; bytes].into()),
        ..lies(dims)
    };
    says(
        &with_weight(raw(&[1, 8, 3], 95)),
        &["W of rnn, W", "95 bytes", "96"],
    );
    says(
        &with_weight(raw(&[1, 8, 1 << 50], 96)),
        &["W of rnn, W", "96 bytes"],
    );
    let empty = Tensor {
        data_type: None,
        ..input_weight()
    };
    says(&with_weight(empty), &["W of rnn, W", "number 0 of ONNX"]);
    let doubles = Tensor {
        data_type: Some(data_type::DOUBLE),
        ..input_weight()
    };
    says(&with_weight(doubles), &["W of rnn, W", "holds 0 elements"]);
}
