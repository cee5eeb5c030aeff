//! A model's graph: who computes which value, and which values are constants.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::operators;
use super::proto::{self, Node, Tensor};
use super::tensor::{self, Fault, Value};
use crate::weights::array::{Array, ElementType};
use crate::weights::checkpoint::Converted;

/// How many nodes may lie between a recurrent node and its constants: a cycle has no end.
const DEEPEST: usize = 128;
/// What following a node costs of the work that a file accounts for, in elements.
const STEP: usize = 64;

/// The main graph of a model.
pub struct Graph {
    path: PathBuf,
    nodes: Vec<Node>,
    initializers: HashMap<String, Tensor>,
    /// Which output of which node each value is.
    producers: HashMap<String, (usize, usize)>,
    /// Bytes of the file, and of those that its tensors lie in.
    bytes: usize,
    /// How many elements may still be computed: a few nodes can ask for any number.
    work: Cell<usize>,
    converted: RefCell<BTreeMap<String, ElementType>>,
}

/// What a state that is no constant starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Zeros, however many.
    Zero,
    /// Numbers of the model.
    Constant,
    /// What comes from outside, or is computed.
    Outside,
}

impl Graph {
    pub fn new(path: &Path, graph: proto::Graph, file_bytes: usize) -> Self {
        let folder = path.parent().unwrap_or(Path::new(""));
        let files: BTreeSet<PathBuf> = graph
            .initializer
            .iter()
            .filter(|tensor| !tensor.external_data.is_empty())
            .filter_map(|tensor| tensor::external_file(tensor, folder).ok())
            .collect();
        let sizes = files
            .iter()
            .filter_map(|file| std::fs::metadata(file).ok())
            .map(|metadata| metadata.len() as usize);
        let bytes = sizes.fold(file_bytes, usize::saturating_add);

        let mut producers = HashMap::new();
        for (index, node) in graph.node.iter().enumerate() {
            for (output, name) in node.output.iter().enumerate() {
                if !name.is_empty() {
                    producers.entry(name.clone()).or_insert((index, output));
                }
            }
        }
        let initializers = graph.initializer.into_iter();
        let graph = Self {
            path: path.to_owned(),
            nodes: graph.node,
            initializers: initializers
                .map(|tensor| (tensor.name().to_owned(), tensor))
                .collect(),
            producers,
            bytes,
            work: Cell::new(0),
            converted: RefCell::default(),
        };
        graph.begin();
        graph
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Begins to read: as much work as the file accounts for, and nothing converted yet.
    pub fn begin(&self) {
        self.work.set((1 << 22) + self.bytes.saturating_mul(16));
        self.converted.borrow_mut().clear();
    }

    /// The tensors of other floating-point types that were read since [`begin`](Self::begin).
    pub fn converted(&self) -> Vec<Converted> {
        let converted = self.converted.borrow();
        let converted = converted.iter().map(|(tensor, from)| Converted {
            tensor: tensor.clone(),
            from: from.clone(),
        });
        converted.collect()
    }

    /// The node that a value comes from, and which of its outputs it is.
    pub fn producer(&self, name: &str) -> Option<(usize, usize)> {
        self.producers.get(name).copied()
    }

    /// The value of a constant: an initializer, a Constant node, or what is computed of them.
    pub fn constant(&self, name: &str) -> Result<Value, Fault> {
        self.constant_within(name, DEEPEST)
    }

    fn constant_within(&self, name: &str, depth: usize) -> Result<Value, Fault> {
        self.spend(STEP)?;
        if let Some(tensor) = self.initializers.get(name) {
            return self.read(name, tensor);
        }
        let Some((index, output)) = self.producer(name) else {
            return Err(Fault::NotConstant(format!("`{name}` comes from outside")));
        };
        let node = &self.nodes[index];
        let fault = |message: String| {
            Fault::Damaged(format!(
                "node `{}`, {} of `{name}`: {message}",
                node.name(),
                node.op_type()
            ))
        };
        if depth == 0 {
            return Err(fault(format!(
                "a cycle, or more than {DEEPEST} nodes one after the other"
            )));
        }
        if node.operator() == Some("Constant") {
            return self.constant_node(name, node).unwrap_or_else(|| {
                Err(fault("it has no value of a type that is read".to_owned()))
            });
        }
        let operator = operators::operator(node).filter(|_| output == 0);
        let operator = operator.ok_or_else(|| {
            Fault::NotConstant(format!(
                "`{name}` is computed by a node of type {}",
                node.op_type()
            ))
        })?;
        let inputs = (0..node.input.len())
            .map(|input| node.given(input))
            .map(|input| {
                input
                    .map(|name| self.constant_within(name, depth - 1))
                    .transpose()
            })
            .collect::<Result<Vec<_>, _>>()?;
        let largest = (1 << 20) + self.bytes;
        let value = operators::apply(operator, node, &inputs, largest).map_err(fault)?;
        self.spend(value.len())?;
        Ok(value)
    }

    fn constant_node(&self, name: &str, node: &Node) -> Option<Result<Value, Fault>> {
        let integers = |shape, values| Some(Ok(Value::Integers { shape, values }));
        let floats = |shape: Vec<usize>, values| Some(Ok(Value::Floats(Array::new(shape, values))));
        let attribute = node.attribute.first()?;
        match attribute.name() {
            "value" => Some(self.read(name, attribute.t.as_ref()?)),
            "value_int" => integers(Vec::new(), vec![attribute.i()]),
            "value_ints" => integers(vec![attribute.ints.len()], attribute.ints.clone()),
            "value_float" => floats(Vec::new(), vec![attribute.f()]),
            "value_floats" => floats(vec![attribute.floats.len()], attribute.floats.clone()),
            _ => None,
        }
    }

    fn read(&self, name: &str, tensor: &Tensor) -> Result<Value, Fault> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let value = tensor::read(tensor, folder)?;
        self.spend(value.len())?;
        if let Some(from) = tensor::converted_from(tensor) {
            self.converted.borrow_mut().insert(name.to_owned(), from);
        }
        Ok(value)
    }

    fn spend(&self, elements: usize) -> Result<(), Fault> {
        match self.work.get().checked_sub(elements) {
            Some(left) => {
                self.work.set(left);
                Ok(())
            }
            None => Err(Fault::Damaged(format!(
                "to compute it takes more work than the file's {} bytes account for",
                self.bytes
            ))),
        }
    }

    /// What a state that is no constant starts from, as far as it is passed on and not changed.
    pub fn origin(&self, name: &str) -> Origin {
        let mut name = name;
        for _ in 0..DEEPEST {
            if self.initializers.contains_key(name) {
                return self.zero_or_constant(name);
            }
            let Some((index, 0)) = self.producer(name) else {
                return Origin::Outside;
            };
            let node = &self.nodes[index];
            match node.operator() {
                Some("Constant") => return self.zero_or_constant(name),
                Some("ConstantOfShape") => {
                    let zero = match node.attribute("value").and_then(|value| value.t.as_ref()) {
                        Some(tensor) => self.read(name, tensor).is_ok_and(|value| all_zero(&value)),
                        None => true,
                    };
                    return if zero { Origin::Zero } else { Origin::Constant };
                }
                Some(
                    "Identity" | "Cast" | "Transpose" | "Reshape" | "Squeeze" | "Unsqueeze"
                    | "Slice" | "Expand" | "Tile" | "Gather",
                ) => match node.given(0) {
                    Some(input) => name = input,
                    None => return Origin::Outside,
                },
                _ => return Origin::Outside,
            }
        }
        Origin::Outside
    }

    fn zero_or_constant(&self, name: &str) -> Origin {
        match self.constant(name) {
            Ok(value) if all_zero(&value) => Origin::Zero,
            _ => Origin::Constant,
        }
    }
}

fn all_zero(value: &Value) -> bool {
    match value {
        Value::Floats(array) => array.values.iter().all(|x| *x == 0.0),
        Value::Integers { values, .. } => values.iter().all(|x| *x == 0),
    }
}
