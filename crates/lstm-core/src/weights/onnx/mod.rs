//! ONNX: LSTM and GRU nodes out of a model, and a model of a stack of layers.
//!
//! ```text
//! file ─ proto.rs ─> graph.rs ─> stacks.rs: which nodes are one stack ─ node.rs ─> RecurrentWeights
//!        messages    constants,  └> layer.rs: a single node, run as ONNX runs it
//!                    operators/, tensor.rs
//! RecurrentWeights ─ export.rs ─> messages.rs, proto.rs ─> file
//! ```
//!
//! Nodes of the main graph are found; those in the bodies of If, Loop and Scan, and in functions, are not.

mod export;
mod graph;
mod layer;
mod messages;
mod node;
mod operators;
mod proto;
mod stacks;
mod tensor;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;

use burn::tensor::Device;
use prost::Message;

pub use self::export::{OnnxInputs, to_bytes};
use self::graph::{Graph, Origin};
pub use self::layer::{OnnxLayer, OnnxOutput};
pub use self::node::{OnnxDirection, OnnxLayout};
use self::node::{OnnxDirection as Direction, RecurrentNode, input};
use super::checkpoint;
use super::error::WeightsError;
use super::format::ReadLayers;
use super::recurrent::RecurrentWeights;

/// What such a file is called in errors.
const CONTAINER: &str = "ONNX model";

/// What a file may begin with: the tag of any field of `ModelProto`. Nearly all begin with the first one.
const FIRST_BYTES: [u8; 12] = [
    0x08, 0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72, 0xa2, 0xca, 0xd2,
];

/// The largest message of protocol buffers.
const LARGEST: u64 = i32::MAX as u64;

/// An ONNX model, as far as it is made of LSTMs and GRUs.
///
/// Exporters write a node for each layer of a stack. Nodes whose outputs pass to the next one unchanged
/// but for the order and number of dimensions are one stack again, which is called like its first node:
/// PyTorch's `nn.LSTM(…, num_layers=2)` in a module `rnn` is `/rnn/LSTM`.
///
/// ```no_run
/// use burn::tensor::Device;
/// use lstm_core::{OnnxModel, Recurrent};
///
/// let model = OnnxModel::open("model.onnx")?;
/// println!("{:?}", model.stacks());
/// let weights = model.weights("/rnn/LSTM")?;
/// let layer = Recurrent::from_weights(&weights, &Device::flex())?;
/// # Ok::<(), lstm_core::WeightsError>(())
/// ```
pub struct OnnxModel {
    graph: Graph,
    /// The recurrent nodes, each with its place in the graph.
    nodes: Vec<(String, usize)>,
    /// Each stack's nodes, as places in `nodes`.
    stacks: Vec<Vec<usize>>,
}

impl OnnxModel {
    /// Opens a file.
    ///
    /// Weights that lie in other files, in the model's folder or below it, are read when they are asked
    /// for.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or is no ONNX model, or cut short; a directory.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        let path = path.as_ref();
        let unrecognised = |message: String| WeightsError::Unrecognised {
            path: path.to_owned(),
            message: format!("{message}, expected an ONNX model"),
        };
        // Before the whole of a file is read that is something else.
        let beginning = checkpoint::beginning(path)?;
        match beginning.first() {
            None => return Err(unrecognised("it is empty".to_owned())),
            Some(first) if !FIRST_BYTES.contains(first) => {
                let start = &beginning[..beginning.len().min(16)];
                return Err(unrecognised(format!(
                    "it begins with `{}`",
                    start.escape_ascii()
                )));
            }
            Some(_) if checkpoint::is_safetensors(&beginning) => {
                return Err(unrecognised("it is a safetensors file".to_owned()));
            }
            Some(_) => {}
        }
        let size = std::fs::metadata(path).map_err(|source| WeightsError::Read {
            path: path.to_owned(),
            source,
        })?;
        if size.len() > LARGEST {
            return Err(unrecognised(format!(
                "it has {} bytes, more than the {LARGEST} of the largest model (larger ones keep weights in \
                 files beside them)",
                size.len()
            )));
        }
        let bytes = std::fs::read(path).map_err(|source| WeightsError::Read {
            path: path.to_owned(),
            source,
        })?;
        let size = bytes.len();
        let model = proto::Model::decode(prost::bytes::Bytes::from(bytes));
        let model = model.map_err(|error| WeightsError::Damaged {
            path: path.to_owned(),
            container: CONTAINER,
            message: error.to_string(),
        })?;
        let graph = model
            .graph
            .ok_or_else(|| unrecognised("it has no graph".to_owned()))?;
        Ok(Self::of(Graph::new(path, graph, size)))
    }

    fn of(graph: Graph) -> Self {
        let mut taken = HashSet::new();
        let mut nodes = Vec::new();
        for (index, node) in graph.nodes().iter().enumerate() {
            if !node::is_recurrent(node) {
                continue;
            }
            let mut name = node.name().to_owned();
            let mut number = nodes.len();
            while name.is_empty() || taken.contains(&name) {
                name = format!("{}_{number}", node.op_type());
                number += 1;
            }
            taken.insert(name.clone());
            nodes.push((name, index));
        }
        let places: Vec<usize> = nodes.iter().map(|(_, index)| *index).collect();
        let stacks = stacks::find(&graph, &places)
            .into_iter()
            .map(|stack| {
                let place = |index| places.binary_search(&index).expect("a recurrent node");
                stack.into_iter().map(place).collect()
            })
            .collect();
        Self {
            graph,
            nodes,
            stacks,
        }
    }

    /// The names of all LSTM and GRU nodes, in the order of the graph. A node without a name, or with one
    /// that another has, is called after its operator and place among them: `LSTM_0`.
    pub fn nodes(&self) -> Vec<&str> {
        self.nodes.iter().map(|(name, _)| &name[..]).collect()
    }

    /// The names of all stacks: of each the name of its first node.
    pub fn stacks(&self) -> Vec<&str> {
        let first = self.stacks.iter().map(|stack| stack[0]);
        first.map(|node| &self.nodes[node].0[..]).collect()
    }

    /// The weights of the stack of that name.
    ///
    /// States and lengths that come from outside or from other nodes are not part of the weights, nor are
    /// zeros.
    ///
    /// # Errors
    ///
    /// No such stack; a tensor that is missing, misshapen, not constant, or not of floating-point numbers;
    /// a node that does what no layer here does: other activations, `clip`, `input_forget`, peepholes.
    /// Also what weights have no place for, but [`layer`](Self::layer) reads: a node that only reads in
    /// reverse, constant initial states that are not zero, constant `sequence_lens`.
    pub fn weights(&self, stack: &str) -> Result<RecurrentWeights, WeightsError> {
        self.graph.begin();
        let mut found = self.stacks.iter();
        let Some(stack) = found.find(|nodes| self.nodes[nodes[0]].0 == stack) else {
            return Err(self.no_layer(stack, self.stacks()));
        };
        let mut layers = Vec::with_capacity(stack.len());
        let mut cell = None;
        let mut d_below = None;
        for node in stack.iter().map(|node| self.node(*node)) {
            let settings = node.settings()?;
            if settings.direction == Direction::Reverse {
                return Err(node.unsupported(
                    "only reads in reverse, expected forward or bidirectional (OnnxModel::layer reads it)"
                        .to_owned(),
                ));
            }
            self.without_constants(&node)?;
            let layer = node.weights(&settings)?;
            let (d_input, columns) = layer[0].input_weight.rows_and_columns();
            let d_hidden = layer[0].recurrent_weight.shape[0];
            if let Some(d_below) = d_below.filter(|d_below| *d_below != d_input) {
                let shape = |d_input| [layer.len(), columns, d_input];
                return Err(node.misshapen(input::W, &shape(d_input), &shape(d_below)));
            }
            d_below = Some(layer.len() * d_hidden);
            cell = Some(settings.cell);
            layers.push(layer);
        }
        Ok(RecurrentWeights {
            cell: cell.expect("a stack has nodes"),
            layers,
            converted: self.graph.converted(),
        })
    }

    /// That a node starts from no numbers of the model's own, which would be lost.
    fn without_constants(&self, node: &RecurrentNode) -> Result<(), WeightsError> {
        for state in [input::INITIAL_H, input::INITIAL_C] {
            let given = node.node.given(state);
            if given.is_some_and(|name| self.graph.origin(name) == Origin::Constant) {
                return Err(node.unsupported(format!(
                    "has a constant {}, which weights have no place for, expected zeros or an input \
                     (OnnxModel::layer reads it)",
                    input::NAMES[state]
                )));
            }
        }
        let lengths = node.node.given(input::SEQUENCE_LENS);
        if lengths.is_some_and(|name| self.graph.origin(name) != Origin::Outside) {
            return Err(node.unsupported(
                "has constant sequence_lens, which weights have no place for, expected none or an input \
                 (OnnxModel::layer reads them)"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// The node of that name as a layer that runs as the node does.
    ///
    /// # Errors
    ///
    /// As [`weights`](Self::weights), but for what only this reads.
    pub fn layer(&self, node: &str, device: &Device) -> Result<OnnxLayer, WeightsError> {
        self.graph.begin();
        let Some(place) = self.nodes.iter().position(|(name, _)| name == node) else {
            return Err(self.no_layer(node, self.nodes()));
        };
        OnnxLayer::read(&self.node(place), device)
    }

    fn node(&self, place: usize) -> RecurrentNode<'_> {
        let (name, index) = &self.nodes[place];
        RecurrentNode {
            graph: &self.graph,
            node: &self.graph.nodes()[*index],
            name,
        }
    }

    fn no_layer(&self, name: &str, found: Vec<&str>) -> WeightsError {
        WeightsError::NoLayer {
            path: self.graph.path().to_owned(),
            format: super::Format::Onnx,
            prefix: name.to_owned(),
            found: found.into_iter().map(str::to_owned).collect(),
        }
    }
}

impl ReadLayers for OnnxModel {
    fn prefixes(&self) -> Vec<String> {
        let mut names: Vec<String> = self.stacks().into_iter().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// A stack by its name, or by what only its name begins with.
    fn place(&self, prefix: &str) -> Option<String> {
        let names = self.prefixes();
        let begun: Vec<&String> = names
            .iter()
            .filter(|name| name.starts_with(prefix))
            .collect();
        match begun[..] {
            [only] => Some(only.clone()),
            _ => names.into_iter().find(|name| name == prefix),
        }
    }

    fn read(&self, prefix: &str) -> Result<RecurrentWeights, WeightsError> {
        self.weights(prefix)
    }
}
