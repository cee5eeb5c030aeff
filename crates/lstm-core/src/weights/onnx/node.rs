//! LSTM and GRU nodes: what their attributes say, and the weights among their inputs.
//!
//! A node's weights are `W` `[directions, gates * hidden_size, input_size]`, `R`
//! `[directions, gates * hidden_size, hidden_size]`, and both biases in one, `B`
//! `[directions, 2 * gates * hidden_size]`, with the gates in ONNX' order: LSTM i, o, f, c; GRU z, r, h.

use super::graph::Graph;
use super::proto::{Attribute, Node};
use super::tensor::{Fault, Value};
use crate::recurrent::Cell;
use crate::weights::array::Array;
use crate::weights::error::WeightsError;
use crate::weights::recurrent::{DirectionArrays, gates};

/// Which way a node reads its sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnnxDirection {
    /// From the first time step to the last.
    Forward,
    /// From the last time step to the first.
    Reverse,
    /// Both: the outputs lie side by side.
    Bidirectional,
}

impl OnnxDirection {
    /// 2 if a node reads both ways, else 1.
    pub fn count(self) -> usize {
        match self {
            Self::Forward | Self::Reverse => 1,
            Self::Bidirectional => 2,
        }
    }
}

/// Which dimension of a node's tensors is which: its `layout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnnxLayout {
    /// 0: `X` is `[time, batch, input_size]`, `Y` `[time, directions, batch, hidden_size]`, and states are
    /// `[directions, batch, hidden_size]`.
    TimeFirst,
    /// 1: `X` is `[batch, time, input_size]`, `Y` `[batch, time, directions, hidden_size]`, and states are
    /// `[batch, directions, hidden_size]`.
    BatchFirst,
}

/// Which input of a node is which.
pub mod input {
    pub const X: usize = 0;
    pub const W: usize = 1;
    pub const R: usize = 2;
    pub const B: usize = 3;
    pub const SEQUENCE_LENS: usize = 4;
    pub const INITIAL_H: usize = 5;
    pub const INITIAL_C: usize = 6;
    pub const P: usize = 7;

    pub const NAMES: [&str; 8] = [
        "X",
        "W",
        "R",
        "B",
        "sequence_lens",
        "initial_h",
        "initial_c",
        "P",
    ];
}

/// ONNX' gates in our order: gate `i` of ours is gate `from_onnx(cell)[i]` of ONNX.
fn from_onnx(cell: Cell) -> &'static [usize] {
    match cell {
        Cell::Lstm => &[0, 2, 3, 1],
        Cell::Gru | Cell::GruResetBefore => &[1, 0, 2],
    }
}

/// Our gates in ONNX' order.
pub fn to_onnx(cell: Cell) -> &'static [usize] {
    match cell {
        Cell::Lstm => &[0, 3, 1, 2],
        Cell::Gru | Cell::GruResetBefore => &[1, 0, 2],
    }
}

/// Whether a node is an LSTM or a GRU, possibly one of ONNX Runtime's own that are not read.
pub fn is_recurrent(node: &Node) -> bool {
    matches!(node.operator(), Some("LSTM" | "GRU"))
        || matches!(node.op_type(), "DynamicQuantizeLSTM")
}

/// What the attributes of a node say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub cell: Cell,
    pub direction: OnnxDirection,
    pub layout: OnnxLayout,
    pub hidden_size: Option<usize>,
}

impl Settings {
    /// Those of a node, or what about it no layer here does.
    pub fn of(node: &Node) -> Result<Self, String> {
        let lstm = match node.operator() {
            Some("LSTM") => true,
            Some("GRU") => false,
            _ => {
                return Err(format!(
                    "is a {}, expected an LSTM or a GRU",
                    node.op_type()
                ));
            }
        };
        let mut settings = Self {
            cell: if lstm {
                Cell::Lstm
            } else {
                Cell::GruResetBefore
            },
            direction: OnnxDirection::Forward,
            layout: OnnxLayout::TimeFirst,
            hidden_size: None,
        };
        let mut activations = None;
        for attribute in &node.attribute {
            match (attribute.name(), attribute.i()) {
                ("hidden_size", size) => {
                    let size = usize::try_from(size).ok().filter(|size| *size > 0);
                    let size = size.ok_or_else(|| {
                        format!("has the hidden_size {}, expected above 0", attribute.i())
                    })?;
                    settings.hidden_size = Some(size);
                }
                ("direction", _) => settings.direction = direction(attribute)?,
                ("layout", 0) | ("input_forget", 0) => {}
                ("layout", 1) => settings.layout = OnnxLayout::BatchFirst,
                ("linear_before_reset", 0) if !lstm => {}
                ("linear_before_reset", _) if !lstm => settings.cell = Cell::Gru,
                ("activations", _) => activations = Some(strings(attribute)),
                // Of activations that sigmoid and tanh are not; whether Y is wanted, in old versions.
                ("activation_alpha" | "activation_beta" | "output_sequence", _) => {}
                ("clip", _) => {
                    return Err(format!(
                        "limits what its gates read to ±{} (clip), expected no limit",
                        attribute.f()
                    ));
                }
                ("input_forget", _) => {
                    return Err(
                        "couples its input and forget gates (input_forget), expected them apart"
                            .to_owned(),
                    );
                }
                (name, i) => return Err(format!("has an unknown attribute `{name}` = {i}")),
            }
        }
        // h = tanh of an LSTM's cell state has a third one.
        let usual = if lstm { &USUAL[..] } else { &USUAL[..2] };
        let usual = usual.repeat(settings.direction.count());
        if let Some(activations) = activations
            && !activations
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .eq(usual.iter().map(|name| name.to_ascii_lowercase()))
        {
            return Err(format!(
                "has the activations {activations:?}, expected {usual:?}"
            ));
        }
        Ok(settings)
    }
}

const USUAL: [&str; 3] = ["Sigmoid", "Tanh", "Tanh"];

fn direction(attribute: &Attribute) -> Result<OnnxDirection, String> {
    Ok(match attribute.s() {
        b"forward" => OnnxDirection::Forward,
        b"reverse" => OnnxDirection::Reverse,
        b"bidirectional" => OnnxDirection::Bidirectional,
        other => {
            return Err(format!(
                "has the direction `{}`, expected forward, reverse or bidirectional",
                other.escape_ascii()
            ));
        }
    })
}

fn strings(attribute: &Attribute) -> Vec<String> {
    let strings = attribute.strings.iter();
    strings
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .collect()
}

/// A recurrent node in its graph.
#[derive(Clone, Copy)]
pub struct RecurrentNode<'a> {
    pub graph: &'a Graph,
    pub node: &'a Node,
    /// What the node is called in errors.
    pub name: &'a str,
}

impl RecurrentNode<'_> {
    pub fn settings(&self) -> Result<Settings, WeightsError> {
        Settings::of(self.node).map_err(|what| self.unsupported(what))
    }

    /// The error that the node does what no layer here does.
    pub fn unsupported(&self, what: String) -> WeightsError {
        WeightsError::Unsupported {
            path: self.graph.path().to_owned(),
            prefix: self.name.to_owned(),
            what,
        }
    }

    /// Each direction's weights.
    pub fn weights(&self, settings: &Settings) -> Result<Vec<DirectionArrays>, WeightsError> {
        let missing: Vec<usize> = [input::X, input::W, input::R]
            .into_iter()
            .filter(|input| self.node.given(*input).is_none())
            .collect();
        if !missing.is_empty() {
            return Err(self.incomplete(&missing));
        }
        self.no_peepholes()?;
        let directions = settings.direction.count();
        let gates = gates(settings.cell);
        let recurrent = self.floats(input::R)?;
        let d_hidden = match recurrent.shape[..] {
            [_, _, d_hidden] if d_hidden > 0 => settings.hidden_size.unwrap_or(d_hidden),
            _ => settings.hidden_size.unwrap_or(1),
        };
        let rows = gates.saturating_mul(d_hidden);
        self.expect(input::R, &recurrent, &[directions, rows, d_hidden])?;
        let weights = self.floats(input::W)?;
        let d_input = match weights.shape[..] {
            [_, _, d_input] if d_input > 0 => d_input,
            _ => 1,
        };
        self.expect(input::W, &weights, &[directions, rows, d_input])?;
        let biases = match self.node.given(input::B) {
            Some(_) => {
                let biases = self.floats(input::B)?;
                self.expect(input::B, &biases, &[directions, 2 * rows])?;
                Some(biases)
            }
            None => None,
        };

        let order = from_onnx(settings.cell);
        let matrix = |stacked: &Array, direction: usize| {
            let (rows, columns) = (stacked.shape[1], stacked.shape[2]);
            let count = rows * columns;
            let part = &stacked.values[direction * count..(direction + 1) * count];
            Array::new([rows, columns], part.to_vec())
                .transposed()
                .with_gates(order)
        };
        let bias = |direction: usize, which: usize| {
            let start = (2 * direction + which) * rows;
            let part = &biases.as_ref()?.values[start..start + rows];
            Some(Array::new([rows], part.to_vec()).with_gates(order))
        };
        Ok((0..directions)
            .map(|direction| DirectionArrays {
                input_weight: matrix(&weights, direction),
                recurrent_weight: matrix(&recurrent, direction),
                input_bias: bias(direction, 0),
                recurrent_bias: bias(direction, 1),
                projection_weight: None,
            })
            .collect())
    }

    fn no_peepholes(&self) -> Result<(), WeightsError> {
        if self.node.given(input::P).is_none() {
            return Ok(());
        }
        let peepholes = self.floats(input::P)?;
        match peepholes.values.iter().all(|weight| *weight == 0.0) {
            true => Ok(()),
            false => Err(self.unsupported(
                "has peephole weights P that are not 0, expected none or zeros".to_owned(),
            )),
        }
    }

    fn incomplete(&self, missing: &[usize]) -> WeightsError {
        let name = |input: usize| input::NAMES[input].to_owned();
        let found = (0..input::NAMES.len()).filter(|input| self.node.given(*input).is_some());
        WeightsError::Names {
            path: self.graph.path().to_owned(),
            prefix: self.name.to_owned(),
            missing: missing.iter().copied().map(name).collect(),
            unknown: Vec::new(),
            found: found.map(name).collect(),
        }
    }

    /// The floating-point numbers of an input that must be a constant.
    fn floats(&self, index: usize) -> Result<Array, WeightsError> {
        let value = self.constant(index)?;
        let element = value.element();
        value
            .floats()
            .ok_or_else(|| self.fault(index, Fault::Element(element.to_owned())))
    }

    /// The value of an input that is there and must be a constant.
    pub fn constant(&self, index: usize) -> Result<Value, WeightsError> {
        let name = self.node.given(index).unwrap_or_default();
        self.graph
            .constant(name)
            .map_err(|fault| self.fault(index, fault))
    }

    /// What is wrong with an input, with the names of file, node, input and tensor.
    pub fn fault(&self, index: usize, fault: Fault) -> WeightsError {
        let path = self.graph.path().to_owned();
        match fault {
            Fault::NotConstant(why) => self.unsupported(format!(
                "has no constant {}: {why}, expected an initializer",
                input::NAMES[index]
            )),
            Fault::Damaged(message) => WeightsError::Damaged {
                path,
                container: super::CONTAINER,
                message: format!("{}: {message}", self.tensor(index)),
            },
            Fault::Element(found) => WeightsError::Element {
                path,
                tensor: self.tensor(index),
                found,
                expected: "f32, f64, f16 or bf16",
            },
            Fault::Read(path, source) => WeightsError::Read { path, source },
        }
    }

    /// That an input has the shape that the others ask for.
    pub fn expect(&self, index: usize, array: &Array, shape: &[usize]) -> Result<(), WeightsError> {
        if array.shape == shape {
            return Ok(());
        }
        Err(self.misshapen(index, &array.shape, shape))
    }

    /// The error that an input has another shape.
    pub fn misshapen(&self, index: usize, found: &[usize], expected: &[usize]) -> WeightsError {
        WeightsError::Shape {
            path: self.graph.path().to_owned(),
            tensor: self.tensor(index),
            found: found.to_vec(),
            expected: format!("{expected:?}"),
        }
    }

    /// What an input is called in errors: `W of /rnn/LSTM, onnx::LSTM_352`.
    fn tensor(&self, index: usize) -> String {
        format!(
            "{} of {}, {}",
            input::NAMES[index],
            self.name,
            self.node.given(index).unwrap_or_default()
        )
    }
}
