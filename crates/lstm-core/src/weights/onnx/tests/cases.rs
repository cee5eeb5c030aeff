//! The ONNX project's own cases of LSTM and GRU nodes, from `onnx/cases.json` in the folder that the
//! environment's LSTM_FIXTURES names.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use prost::Message;
use serde::Deserialize;

use super::{Numbers, floats, int, ints, model, named, node, string, written};
use crate::weights::onnx::OnnxModel;
use crate::weights::onnx::proto::{Attribute, Tensor as Constant};
use crate::{GruState, LstmState, RecurrentState};

#[derive(Deserialize)]
struct Case {
    op: String,
    /// Empty where an input is left out.
    node_inputs: Vec<String>,
    node_outputs: Vec<String>,
    attributes: BTreeMap<String, serde_json::Value>,
    inputs: BTreeMap<String, Numbers>,
    expected: BTreeMap<String, Numbers>,
}

#[test]
fn the_onnx_projects_own_cases_give_what_they_should() {
    let Some(folder) = std::env::var_os("LSTM_FIXTURES") else {
        say("skipped the ONNX project's own cases: LSTM_FIXTURES names no folder with them");
        return;
    };
    let path = PathBuf::from(folder).join("onnx/cases.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    let cases: BTreeMap<String, Case> = serde_json::from_str(&text).unwrap();
    assert!(!cases.is_empty(), "{} has no cases", path.display());
    for (name, case) in &cases {
        case.check(name);
    }
    say(&format!(
        "checked {} of the ONNX project's own cases",
        cases.len()
    ));
}

/// Says it whatever the test harness captures of tests that pass.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("standard error is open");
}

impl Case {
    /// Writes the case as a model of one node, reads it, runs it, and compares all outputs.
    fn check(&self, name: &str) {
        const FED: [&str; 4] = ["X", "sequence_lens", "initial_h", "initial_c"];
        let attributes = self.attributes.iter();
        let attributes = attributes
            .map(|(name, value)| attribute(name, value))
            .collect();
        let inputs: Vec<&str> = self.node_inputs.iter().map(String::as_str).collect();
        let outputs: Vec<&str> = self.node_outputs.iter().map(String::as_str).collect();
        let node = named(name, node(&self.op, &inputs, &outputs, attributes));
        let constants: Vec<Constant> = self
            .inputs
            .iter()
            .filter(|(input, _)| !FED.contains(&input.as_str()))
            .map(|(input, numbers)| floats(input, &numbers.shape, &numbers.data))
            .collect();
        let (_folder, path) = written(&model(vec![node], constants).encode_to_vec());

        let layer = OnnxModel::open(path)
            .unwrap()
            .layer(name, &Device::flex())
            .unwrap();
        let tensor = |input: &str| {
            let Numbers { shape, data } = self.inputs.get(input)?;
            let data = TensorData::new(data.clone(), shape.clone());
            Some(Tensor::<3>::from_data(data, &Device::flex()))
        };
        let lengths = self.inputs.get("sequence_lens");
        let lengths: Option<Vec<usize>> =
            lengths.map(|lengths| lengths.data.iter().map(|x| *x as usize).collect());
        let state = match (tensor("initial_h"), tensor("initial_c")) {
            (Some(hidden), Some(cell)) => Some(RecurrentState::Lstm(LstmState { hidden, cell })),
            (Some(hidden), None) => Some(RecurrentState::Gru(GruState { hidden })),
            (None, _) => None,
        };
        let found = layer
            .forward(tensor("X").unwrap(), lengths.as_deref(), state)
            .unwrap();
        for (output, expected) in &self.expected {
            match output.as_str() {
                "Y" => same(&found.y, expected, name),
                "Y_h" => same(&found.y_h, expected, name),
                "Y_c" => same(found.y_c.as_ref().unwrap(), expected, name),
                other => panic!("{name}: unknown output {other}"),
            }
        }
    }
}

fn attribute(name: &str, value: &serde_json::Value) -> Attribute {
    use serde_json::Value;
    match value {
        Value::Number(number) if number.is_i64() => int(name, number.as_i64().unwrap()),
        Value::Number(number) => Attribute {
            name: Some(name.to_owned()),
            f: Some(number.as_f64().unwrap() as f32),
            ..Attribute::default()
        },
        Value::String(text) => string(name, text),
        Value::Array(list) if list.iter().all(Value::is_i64) => {
            let list: Vec<i64> = list.iter().filter_map(Value::as_i64).collect();
            ints(name, &list)
        }
        other => panic!("attribute {name} is {other}"),
    }
}

fn same<const D: usize>(found: &Tensor<D>, expected: &Numbers, name: &str) {
    assert_eq!(found.dims().to_vec(), expected.shape, "{name}");
    for (found, expected) in found.to_data().iter::<f32>().zip(&expected.data) {
        let difference = (found - expected).abs();
        assert!(difference <= 1e-6, "{name}: {found}, expected {expected}");
    }
}
