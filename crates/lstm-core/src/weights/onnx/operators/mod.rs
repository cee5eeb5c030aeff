//! The operators that exporters write between a model's weights and its recurrent nodes, on constants.
//!
//! PyTorch's exporters fold constants unless they are told not to. If not, they cut PyTorch's gates apart
//! (Slice), put them into ONNX' order (Concat), add the dimension of the directions (Unsqueeze), and
//! compute the borders (Shape, Gather, Mul); zero states are expanded.

mod layout;
mod parts;
mod sizes;
mod strided;

pub use self::layout::{permutation, unsqueezed};
use super::proto::Node;
use super::tensor::{MOST_AXES, Value, count};

type Folded = Result<Value, String>;

type Operator = fn(&Node, &Inputs, usize) -> Folded;

/// The value of a node with constant inputs, of at most `largest` elements.
pub fn apply(
    operator: Operator,
    node: &Node,
    inputs: &[Option<Value>],
    largest: usize,
) -> Result<Value, String> {
    let value = operator(node, &Inputs(inputs), largest)?;
    match value.shape().len() <= MOST_AXES {
        true => Ok(value),
        false => Err(format!("its result has {} axes", value.shape().len())),
    }
}

/// The operator of a node, if it is followed.
pub fn operator(node: &Node) -> Option<Operator> {
    Some(match node.operator()? {
        "Identity" => identity,
        "Cast" => cast,
        "Transpose" => layout::transpose,
        "Reshape" => layout::reshape,
        "Squeeze" => layout::squeeze,
        "Unsqueeze" => layout::unsqueeze,
        "Slice" => parts::slice,
        "Concat" => parts::concat,
        "Expand" => parts::expand,
        "ConstantOfShape" => sizes::constant_of_shape,
        "Shape" => sizes::shape,
        "Gather" => sizes::gather,
        "Mul" => sizes::multiply,
        _ => return None,
    })
}

pub struct Inputs<'a>(&'a [Option<Value>]);

impl Inputs<'_> {
    fn get(&self, index: usize) -> Option<&Value> {
        self.0.get(index)?.as_ref()
    }

    fn value(&self, index: usize) -> Result<&Value, String> {
        self.get(index)
            .ok_or_else(|| format!("its input {index} is missing"))
    }

    /// Integers from an input, or from the attribute in which older versions have them.
    fn integers(&self, node: &Node, index: usize, name: &str) -> Result<Option<Vec<i64>>, String> {
        match self.get(index) {
            Some(value) => match value.integers() {
                Some(integers) => short(integers, name).map(Some),
                None => Err(format!("its {name} are of type f32, expected integers")),
            },
            None => node
                .attribute(name)
                .map(|attribute| short(&attribute.ints, name))
                .transpose(),
        }
    }
}

/// A list with one number for each axis.
fn short(list: &[i64], name: &str) -> Result<Vec<i64>, String> {
    match list.len() <= MOST_AXES {
        true => Ok(list.to_vec()),
        false => Err(format!("its {name} are {} numbers", list.len())),
    }
}

/// The place of an axis that may be counted from the end.
pub fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    let from_start = if axis < 0 {
        axis.checked_add(rank as i64)
    } else {
        Some(axis)
    };
    from_start
        .and_then(|axis| usize::try_from(axis).ok())
        .filter(|axis| *axis < rank)
        .ok_or_else(|| format!("it names the axis {axis} of {rank}"))
}

fn axes(list: &[i64], rank: usize) -> Result<Vec<usize>, String> {
    let mut found = Vec::with_capacity(list.len());
    for number in list {
        let axis = axis(*number, rank)?;
        if found.contains(&axis) {
            return Err(format!("it names the axis {number} twice"));
        }
        found.push(axis);
    }
    Ok(found)
}

/// How many elements a shape has, if they are not more than `largest`.
fn elements(shape: &[usize], largest: usize) -> Result<usize, String> {
    count(shape)
        .filter(|count| *count <= largest)
        .ok_or_else(|| {
            format!("its result has the shape {shape:?}, more than the file accounts for")
        })
}

fn identity(_: &Node, inputs: &Inputs, _: usize) -> Folded {
    Ok(inputs.value(0)?.clone())
}

fn cast(node: &Node, inputs: &Inputs, _: usize) -> Folded {
    use super::proto::data_type::{DOUBLE, FLOAT, INT32, INT64, name};
    let to = node.attribute("to").map_or(0, |to| to.i()) as i32;
    match (inputs.value(0)?, to) {
        // Doubles are read as 32-bit floats anyway.
        (value @ Value::Floats(_), FLOAT | DOUBLE) => Ok(value.clone()),
        (value @ Value::Integers { .. }, INT32 | INT64) => Ok(value.clone()),
        (value, _) => Err(format!("it casts {} to {}", value.element(), name(to))),
    }
}
