//! A model of a stack of layers: a node for each, with any batch and length.
//!
//! ONNX Runtime's nodes take the time first (`layout` 0) and give `[time, directions, batch, hidden]`, which
//! is turned and joined between layers. Operator set 14 (2021) is the first in which nodes have a layout
//! and all operators used have their present form.

use prost::Message;

use super::LARGEST;
use super::messages::{Size, float_tensor, int, ints, string, value};
use super::node::to_onnx;
use super::proto::{Attribute, Graph, Model, Node, OperatorSet, Tensor, data_type};
use crate::recurrent::Cell;
use crate::weights::array::Array;
use crate::weights::error::WeightsError;
use crate::weights::format::Format;
use crate::weights::recurrent::{DirectionArrays, RecurrentWeights};
use crate::weights::stacked::stack;

const OPERATOR_SET: i64 = 14;
/// The one that came with that operator set.
const IR_VERSION: i64 = 7;

/// What a model that is written takes beside `input`; by default nothing: then every sequence is as long
/// as the batch, and states start at zero.
///
/// An input that a model has must always be given: ONNX has no default that follows the size of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OnnxInputs {
    /// `lengths` `[batch]`, int32: how long each sequence is.
    pub lengths: bool,
    /// `initial_h`, and of an LSTM `initial_c`, `[layers * directions, batch, d_hidden]`.
    pub initial_state: bool,
}

/// The bytes of a model.
pub fn to_bytes(
    weights: &RecurrentWeights,
    prefix: &str,
    inputs: OnnxInputs,
) -> Result<Vec<u8>, WeightsError> {
    if weights.d_projection().is_some() {
        return Err(no_place("projection of the hidden state"));
    }
    let model = Model {
        ir_version: Some(IR_VERSION),
        producer_name: Some("lstm-core".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        graph: Some(Builder::new(weights, prefix, inputs).graph()),
        opset_import: vec![OperatorSet {
            domain: Some(String::new()),
            version: Some(OPERATOR_SET),
        }],
    };
    if model.encoded_len() as u64 > LARGEST {
        return Err(no_place("place for more than 2 GiB in one file"));
    }
    Ok(model.encode_to_vec())
}

fn no_place(what: &str) -> WeightsError {
    WeightsError::NoPlace {
        format: Format::Onnx,
        what: what.to_owned(),
    }
}

/// A graph on the way. Values are named after what they are, with the layer's number behind.
struct Builder<'a> {
    weights: &'a RecurrentWeights,
    prefix: &'a str,
    inputs: OnnxInputs,
    nodes: Vec<Node>,
    initializers: Vec<Tensor>,
}

impl<'a> Builder<'a> {
    fn new(weights: &'a RecurrentWeights, prefix: &'a str, inputs: OnnxInputs) -> Self {
        Self {
            weights,
            prefix,
            inputs,
            nodes: Vec::new(),
            initializers: Vec::new(),
        }
    }

    fn graph(mut self) -> Graph {
        let layers = self.weights.layers.len();
        let (directions, d_hidden) = (self.weights.directions(), self.weights.d_hidden());
        let states = self.states();
        self.integers("features", &[0, 0, (directions * d_hidden) as i64]);
        if self.inputs.initial_state {
            self.split_states();
        }
        self.node(
            "Transpose",
            &["input"],
            &["x_0"],
            vec![ints("perm", &[1, 0, 2])],
        );
        for layer in 0..layers {
            self.layer(layer);
        }
        for (_, last, result) in states {
            let parts: Vec<String> = (0..layers).map(|layer| format!("{last}_{layer}")).collect();
            let joined = match self.keeps_empty() {
                true => format!("{result}_computed"),
                false => (*result).to_owned(),
            };
            self.node("Concat", &parts, &[joined], vec![int("axis", 0)]);
        }
        if self.keeps_empty() {
            self.keep_empty();
        }

        let rows = Size::Number(layers * directions);
        let state = |name: &str| {
            let sizes = [rows, Size::Named("batch"), Size::Number(d_hidden)];
            value(name, data_type::FLOAT, &sizes)
        };
        let sequence = |name: &str, features| {
            let sizes = [
                Size::Named("batch"),
                Size::Named("time"),
                Size::Number(features),
            ];
            value(name, data_type::FLOAT, &sizes)
        };
        let mut input = vec![sequence("input", self.weights.d_input())];
        if self.inputs.lengths {
            input.push(value("lengths", data_type::INT32, &[Size::Named("batch")]));
        }
        if self.inputs.initial_state {
            input.extend(states.iter().map(|(initial, ..)| state(initial)));
        }
        let mut output = vec![sequence("output", directions * d_hidden)];
        output.extend(states.iter().map(|(.., result)| state(result)));
        Graph {
            node: self.nodes,
            name: Some(format!("{}stack", self.prefix)),
            initializer: self.initializers,
            input,
            output,
        }
    }

    /// Of each state: the input that it starts from, the layers' values after the last step, and the
    /// output.
    fn states(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        const STATES: [(&str, &str, &str); 2] =
            [("initial_h", "y_h", "h_n"), ("initial_c", "y_c", "c_n")];
        match self.weights.cell {
            Cell::Lstm => &STATES,
            Cell::Gru | Cell::GruResetBefore => &STATES[..1],
        }
    }

    /// States of all layers, cut into those of each.
    fn split_states(&mut self) {
        let layers = self.weights.layers.len();
        let each = vec![self.weights.directions() as i64; layers];
        self.integers("layers", &each);
        for (initial, ..) in self.states() {
            let parts: Vec<String> = (0..layers)
                .map(|layer| format!("{initial}_{layer}"))
                .collect();
            self.node("Split", &[*initial, "layers"], &parts, vec![int("axis", 0)]);
        }
    }

    fn layer(&mut self, layer: usize) {
        let directions = &self.weights.layers[layer];
        let [operator, name] = match self.weights.cell {
            Cell::Lstm => ["LSTM", "lstm"],
            Cell::Gru | Cell::GruResetBefore => ["GRU", "gru"],
        };
        let name = format!("{}{name}_{layer}", self.prefix);
        let order = to_onnx(self.weights.cell);
        let own = |part: &str| format!("{name}.{part}");

        let matrix = |part: fn(&DirectionArrays) -> &Array| {
            let matrices = directions
                .iter()
                .map(|arrays| part(arrays).with_gates(order).transposed());
            stack(&matrices.collect::<Vec<_>>())
        };
        let mut inputs = vec![format!("x_{layer}"), own("W"), own("R")];
        let tensors = [
            float_tensor(&own("W"), &matrix(|arrays| &arrays.input_weight)),
            float_tensor(&own("R"), &matrix(|arrays| &arrays.recurrent_weight)),
        ];
        self.initializers.extend(tensors);
        let biases = directions.iter().map(|arrays| {
            let (input, recurrent) = (arrays.input_bias.as_ref()?, arrays.recurrent_bias.as_ref()?);
            let both = [input.with_gates(order), recurrent.with_gates(order)];
            let values = both.map(|bias| bias.values).concat();
            Some(Array::new([values.len()], values))
        });
        match biases.collect::<Option<Vec<_>>>() {
            Some(biases) => {
                inputs.push(own("B"));
                self.initializers
                    .push(float_tensor(&own("B"), &stack(&biases)));
            }
            None => inputs.push(String::new()),
        }
        inputs.push(if self.inputs.lengths { "lengths" } else { "" }.to_owned());
        let mut outputs = vec![format!("y_{layer}")];
        for (initial, last, _) in self.states() {
            inputs.push(match self.inputs.initial_state {
                true => format!("{initial}_{layer}"),
                false => String::new(),
            });
            outputs.push(format!("{last}_{layer}"));
        }
        while inputs.last().is_some_and(String::is_empty) {
            inputs.pop();
        }

        let direction = match directions.len() {
            1 => "forward",
            _ => "bidirectional",
        };
        let mut attributes = vec![
            int("hidden_size", self.weights.d_hidden() as i64),
            string("direction", direction),
        ];
        if self.weights.cell == Cell::Gru {
            attributes.push(int("linear_before_reset", 1));
        }
        self.node(operator, &inputs, &outputs, attributes);
        self.nodes.last_mut().expect("a node was added").name = Some(name);

        // [time, directions, batch, hidden] to the next layer's [time, batch, features], or at last to
        // [batch, time, features].
        let (order, result) = match layer + 1 == self.weights.layers.len() {
            false => ([0, 2, 1, 3], format!("x_{}", layer + 1)),
            true => ([2, 0, 1, 3], "output".to_owned()),
        };
        let turned = format!("y_turned_{layer}");
        self.node(
            "Transpose",
            &[&outputs[0]],
            &[&turned],
            vec![ints("perm", &order)],
        );
        self.node("Reshape", &[&turned, "features"], &[&result], Vec::new());
    }

    /// Whether the states of empty sequences must be kept: ONNX Runtime makes them zero.
    fn keeps_empty(&self) -> bool {
        self.inputs.lengths && self.inputs.initial_state
    }

    /// Gives back the initial states of empty sequences.
    fn keep_empty(&mut self) {
        self.integer("nothing", 0);
        self.integers("state_axes", &[0, 2]);
        self.node("Equal", &["lengths", "nothing"], &["empty"], Vec::new());
        self.node(
            "Unsqueeze",
            &["empty", "state_axes"],
            &["empty_states"],
            Vec::new(),
        );
        for (initial, _, result) in self.states() {
            let computed = format!("{result}_computed");
            self.node(
                "Where",
                &["empty_states", *initial, &computed],
                &[*result],
                Vec::new(),
            );
        }
    }

    fn node(
        &mut self,
        operator: &str,
        inputs: &[impl AsRef<str>],
        outputs: &[impl AsRef<str>],
        attribute: Vec<Attribute>,
    ) {
        fn owned(names: &[impl AsRef<str>]) -> Vec<String> {
            names.iter().map(|name| name.as_ref().to_owned()).collect()
        }
        self.nodes.push(Node {
            name: Some(format!("{}{operator}_{}", self.prefix, self.nodes.len())),
            op_type: Some(operator.to_owned()),
            input: owned(inputs),
            output: owned(outputs),
            attribute,
            domain: None,
        });
    }

    /// A list of sizes or axes.
    fn integers(&mut self, name: &str, values: &[i64]) {
        self.initializers.push(Tensor {
            dims: vec![values.len() as i64],
            data_type: Some(data_type::INT64),
            name: Some(name.to_owned()),
            raw_data: Some(
                values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect(),
            ),
            ..Tensor::default()
        });
    }

    /// A single length.
    fn integer(&mut self, name: &str, value: i32) {
        self.initializers.push(Tensor {
            data_type: Some(data_type::INT32),
            name: Some(name.to_owned()),
            raw_data: Some(value.to_le_bytes().to_vec().into()),
            ..Tensor::default()
        });
    }
}
