//! ONNX models in and out.

mod asked;
mod bad_constants;
mod bad_input;
mod cases;
mod constants;
mod export;
mod golden;
mod malformed;
mod stacks;

use std::path::PathBuf;

use prost::Message;
use serde::Deserialize;
use tempfile::TempDir;

use super::OnnxModel;
use super::messages::{int, ints, string};
use super::proto::{Attribute, Graph, Model, Node, Tensor, data_type};
use crate::weights::array::Array;
use crate::weights::error::WeightsError;
use crate::weights::format::Format;
use crate::weights::recurrent::RecurrentWeights;

/// A tensor as the JSON files have it.
#[derive(Deserialize)]
struct Numbers {
    shape: Vec<usize>,
    data: Vec<f32>,
}

/// A model in a folder that goes with the first value.
fn written(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn model(nodes: Vec<Node>, initializers: Vec<Tensor>) -> Model {
    Model {
        ir_version: Some(8),
        graph: Some(Graph {
            node: nodes,
            initializer: initializers,
            ..Graph::default()
        }),
        ..Model::default()
    }
}

/// The weights of the only stack of a model.
fn weights(model: &Model) -> Result<RecurrentWeights, WeightsError> {
    let (_folder, path) = written(&model.encode_to_vec());
    Format::Onnx.open(path)?.read("")
}

/// What is wrong with a model's only stack.
fn error(model: &Model) -> String {
    weights(model).unwrap_err().to_string()
}

/// That a message about the model names its file, and says all that it should.
fn says(message: &str, parts: &[&str]) {
    assert!(message.contains("model.onnx"), "{message}");
    for part in parts {
        assert!(message.contains(part), "{message} lacks {part}");
    }
}

/// The names of a model's stacks.
fn stacks(model: &Model) -> Vec<String> {
    let (_folder, path) = written(&model.encode_to_vec());
    let model = OnnxModel::open(path).unwrap();
    model.stacks().into_iter().map(str::to_owned).collect()
}

fn node(operator: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<Attribute>) -> Node {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Node {
        op_type: Some(operator.to_owned()),
        input: owned(inputs),
        output: owned(outputs),
        attribute: attributes,
        ..Node::default()
    }
}

fn named(name: &str, mut node: Node) -> Node {
    node.name = Some(name.to_owned());
    node
}

fn floats(name: &str, shape: &[usize], values: &[f32]) -> Tensor {
    Tensor {
        name: Some(name.to_owned()),
        dims: shape.iter().map(|size| *size as i64).collect(),
        data_type: Some(data_type::FLOAT),
        float_data: values.to_vec(),
        ..Tensor::default()
    }
}

fn integers(name: &str, values: &[i64]) -> Tensor {
    Tensor {
        name: Some(name.to_owned()),
        dims: vec![values.len() as i64],
        data_type: Some(data_type::INT64),
        int64_data: values.to_vec(),
        ..Tensor::default()
    }
}

/// 1, 2, 3, … of some shape.
fn counted(name: &str, shape: &[usize]) -> Tensor {
    let values: Vec<f32> = (1..=shape.iter().product())
        .map(|i: usize| i as f32)
        .collect();
    floats(name, shape, &values)
}

/// Features of the state, and of the input, of [`lstm`] and its weights.
const HIDDEN: usize = 2;
const INPUT: usize = 3;

/// An LSTM without biases that reads W and R, and with more attributes than `hidden_size`.
fn lstm(attributes: Vec<Attribute>) -> Node {
    let attributes = [vec![int("hidden_size", HIDDEN as i64)], attributes].concat();
    named(
        "rnn",
        node("LSTM", &["x", "W", "R"], &["y", "y_h", "y_c"], attributes),
    )
}

fn input_weight() -> Tensor {
    counted("W", &[1, 4 * HIDDEN, INPUT])
}

fn recurrent_weight() -> Tensor {
    counted("R", &[1, 4 * HIDDEN, HIDDEN])
}

/// What [`lstm`] gives as it is.
fn plain() -> RecurrentWeights {
    weights(&model(
        vec![lstm(vec![])],
        vec![input_weight(), recurrent_weight()],
    ))
    .unwrap()
}

/// The input weight `[INPUT, 4 * HIDDEN]` of the only direction of the only layer.
fn first_weight(weights: &RecurrentWeights) -> &Array {
    &weights.layers[0][0].input_weight
}
