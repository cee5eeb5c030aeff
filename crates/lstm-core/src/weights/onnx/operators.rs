//! The operators that exporters write between a model's weights and its recurrent nodes, on constants.
//!
//! PyTorch's exporters fold constants unless they are told not to. If not, they cut PyTorch's gates apart
//! (Slice), put them into ONNX' order (Concat), add the dimension of the directions (Unsqueeze), and
//! compute the borders (Shape, Gather, Mul); zero states are expanded.

use std::path::Path;

use super::proto::{Node, Tensor};
use super::tensor::{self, MOST_AXES, Value, count};
use crate::weights::array::Array;

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
        "Transpose" => transpose,
        "Reshape" => reshape,
        "Squeeze" => squeeze,
        "Unsqueeze" => unsqueeze,
        "Slice" => slice,
        "Concat" => concat,
        "Expand" => expand,
        "ConstantOfShape" => constant_of_shape,
        "Shape" => shape,
        "Gather" => gather,
        "Mul" => multiply,
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

/// The order of axes that a Transpose asks for.
pub fn permutation(node: &Node, rank: usize) -> Result<Vec<usize>, String> {
    match node.attribute("perm") {
        None => Ok((0..rank).rev().collect()),
        Some(perm) if perm.ints.len() == rank => axes(&perm.ints, rank),
        Some(perm) => Err(format!("its perm is {:?} of {rank} axes", perm.ints)),
    }
}

/// How many elements a shape has, if they are not more than `largest`.
fn elements(shape: &[usize], largest: usize) -> Result<usize, String> {
    count(shape)
        .filter(|count| *count <= largest)
        .ok_or_else(|| {
            format!("its result has the shape {shape:?}, more than the file accounts for")
        })
}

fn sizes(list: &[i64]) -> Result<Vec<usize>, String> {
    let sizes = list.iter().map(|size| usize::try_from(*size));
    sizes
        .collect::<Result<_, _>>()
        .map_err(|_| format!("it asks for the sizes {list:?}"))
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

/// A part of `value` in another order: along each axis of the result, how many elements there are, and how
/// far apart they lie; all within the value.
fn strided(value: &Value, start: usize, dimensions: &[(usize, isize)]) -> Value {
    fn collect<T: Copy>(values: &[T], start: usize, dimensions: &[(usize, isize)]) -> Vec<T> {
        let mut collected = Vec::with_capacity(dimensions.iter().map(|(size, _)| size).product());
        copy(values, start, dimensions, &mut collected);
        collected
    }
    fn copy<T: Copy>(values: &[T], start: usize, dimensions: &[(usize, isize)], to: &mut Vec<T>) {
        match dimensions {
            [] => to.push(values[start]),
            [(size, 1)] => to.extend_from_slice(&values[start..start + size]),
            [(size, stride), inner @ ..] => {
                for step in 0..*size {
                    let place = start.wrapping_add_signed(step as isize * stride);
                    copy(values, place, inner, to);
                }
            }
        }
    }
    let shape: Vec<usize> = dimensions.iter().map(|(size, _)| *size).collect();
    let empty = shape.contains(&0);
    match value {
        Value::Floats(_) if empty => Value::Floats(Array::new(shape, Vec::new())),
        Value::Floats(array) => {
            Value::Floats(Array::new(shape, collect(&array.values, start, dimensions)))
        }
        Value::Integers { values, .. } => Value::Integers {
            shape,
            values: match empty {
                true => Vec::new(),
                false => collect(values, start, dimensions),
            },
        },
    }
}

/// How far apart the elements along each axis lie.
fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1_isize; shape.len()];
    for axis in (1..shape.len()).rev() {
        // Never beyond the number of elements, unless that is 0.
        strides[axis - 1] = strides[axis].wrapping_mul(shape[axis] as isize);
    }
    strides
}

fn transpose(node: &Node, inputs: &Inputs, _: usize) -> Folded {
    let value = inputs.value(0)?;
    let shape = value.shape();
    let order = permutation(node, shape.len())?;
    let strides = strides(shape);
    let dimensions: Vec<_> = order
        .iter()
        .map(|axis| (shape[*axis], strides[*axis]))
        .collect();
    Ok(strided(value, 0, &dimensions))
}

fn reshape(node: &Node, inputs: &Inputs, _: usize) -> Folded {
    let value = inputs.value(0)?;
    let from = value.shape();
    let Some(asked) = inputs.integers(node, 1, "shape")? else {
        return Err("it has no shape".to_owned());
    };
    let keep_zero = node
        .attribute("allowzero")
        .is_some_and(|flag| flag.i() != 0);
    let fail = || format!("it reshapes {from:?} to {asked:?}");
    let mut shape = Vec::with_capacity(asked.len());
    let mut inferred = None;
    for (axis, size) in asked.iter().enumerate() {
        shape.push(match size {
            0 if !keep_zero => *from.get(axis).ok_or_else(fail)?,
            -1 if inferred.is_none() => {
                inferred = Some(axis);
                1
            }
            size => usize::try_from(*size).map_err(|_| fail())?,
        });
    }
    let known = elements(&shape, usize::MAX)?;
    if let Some(axis) = inferred {
        shape[axis] = value.len().checked_div(known).ok_or_else(fail)?;
    }
    if elements(&shape, usize::MAX)? != value.len() {
        return Err(fail());
    }
    Ok(value.clone().reshaped(shape))
}

fn squeeze(node: &Node, inputs: &Inputs, _: usize) -> Folded {
    let value = inputs.value(0)?;
    let from = value.shape();
    let squeezed = match inputs.integers(node, 1, "axes")? {
        Some(list) => axes(&list, from.len())?,
        None => (0..from.len()).filter(|axis| from[*axis] == 1).collect(),
    };
    if squeezed.iter().any(|axis| from[*axis] != 1) {
        return Err(format!("it squeezes the axes {squeezed:?} of {from:?}"));
    }
    let left = (0..from.len()).filter(|axis| !squeezed.contains(axis));
    let shape = left.map(|axis| from[axis]).collect();
    Ok(value.clone().reshaped(shape))
}

fn unsqueeze(node: &Node, inputs: &Inputs, _: usize) -> Folded {
    let value = inputs.value(0)?;
    let shape = unsqueezed(node, inputs.get(1), value.shape(), 1)?;
    Ok(value.clone().reshaped(shape))
}

/// What an Unsqueeze makes of axes: `new` at those that its attribute or input names.
pub fn unsqueezed<T: Clone>(
    node: &Node,
    axes_input: Option<&Value>,
    from: &[T],
    new: T,
) -> Result<Vec<T>, String> {
    let input = axes_input.and_then(Value::integers);
    let attribute = node.attribute("axes").map(|axes| &axes.ints[..]);
    let list = short(input.or(attribute).ok_or("it has no axes")?, "axes")?;
    let rank = from.len() + list.len();
    let added = axes(&list, rank)?;
    let mut from = from.iter();
    Ok((0..rank)
        .map(|axis| match added.contains(&axis) {
            true => new.clone(),
            false => from
                .next()
                .expect("one for each axis that is not new")
                .clone(),
        })
        .collect())
}

fn slice(node: &Node, inputs: &Inputs, _: usize) -> Folded {
    let value = inputs.value(0)?;
    let shape = value.shape();
    let (Some(starts), Some(ends)) = (
        inputs.integers(node, 1, "starts")?,
        inputs.integers(node, 2, "ends")?,
    ) else {
        return Err("it has no starts or ends".to_owned());
    };
    let sliced = match inputs.integers(node, 3, "axes")? {
        Some(list) => axes(&list, shape.len())?,
        None => axes(&(0..starts.len() as i64).collect::<Vec<_>>(), shape.len())?,
    };
    let steps = inputs.integers(node, 4, "steps")?;
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), sliced.len(), steps.len()] != [starts.len(); 3] {
        return Err("its starts, ends, axes and steps are not equally many".to_owned());
    }
    let mut dimensions: Vec<_> = shape.iter().copied().zip(strides(shape)).collect();
    let mut first = 0;
    for (index, axis) in sliced.into_iter().enumerate() {
        let (from, count) = range(shape[axis], starts[index], ends[index], steps[index])?;
        let (size, stride) = &mut dimensions[axis];
        if count > 0 {
            first += from * stride.unsigned_abs();
        }
        *size = count;
        // A step may be longer than the axis, and is not taken then.
        *stride = if count > 1 {
            *stride * steps[index] as isize
        } else {
            0
        };
    }
    Ok(strided(value, first, &dimensions))
}

/// The first index and the number of indices that a slice takes of an axis.
fn range(size: usize, start: i64, end: i64, step: i64) -> Result<(usize, usize), String> {
    let size = size as i64;
    let place = |index: i64| match index < 0 {
        true => index.saturating_add(size),
        false => index,
    };
    let (from, count) = match step {
        1.. => {
            let (from, to) = (place(start).clamp(0, size), place(end).clamp(0, size));
            (from, divided_up((to - from).max(0), step))
        }
        0 | i64::MIN => return Err(format!("its step is {step}")),
        _ => {
            let (from, to) = (
                place(start).clamp(-1, size - 1),
                place(end).clamp(-1, size - 1),
            );
            (from, divided_up((from - to).max(0), -step))
        }
    };
    Ok((from.max(0) as usize, count as usize))
}

/// A quotient rounded up, of numbers that are not negative.
fn divided_up(number: i64, divisor: i64) -> i64 {
    number / divisor + i64::from(number % divisor != 0)
}

fn concat(node: &Node, inputs: &Inputs, largest: usize) -> Folded {
    let first = inputs.value(0)?;
    let at = node.attribute("axis").ok_or("it has no axis")?.i();
    let at = axis(at, first.shape().len())?;
    let mut shape = first.shape().to_vec();
    shape[at] = 0;
    let mut parts = Vec::with_capacity(inputs.0.len());
    for index in 0..inputs.0.len() {
        let part = inputs.value(index)?;
        let fits = part.shape().len() == shape.len()
            && part.element() == first.element()
            && (0..shape.len()).all(|axis| axis == at || part.shape()[axis] == shape[axis]);
        if !fits {
            return Err(format!(
                "it joins {:?} and {:?} along axis {at}",
                first.shape(),
                part.shape()
            ));
        }
        shape[at] = shape[at].saturating_add(part.shape()[at]);
        parts.push(part);
    }
    let count = elements(&shape, largest)?;
    // There may be any number of rows without elements.
    let rows: usize = if count == 0 {
        0
    } else {
        shape[..at].iter().product()
    };
    let widths: Vec<usize> = parts
        .iter()
        .map(|part| part.len().checked_div(rows).unwrap_or(0))
        .collect();
    fn join<T: Copy>(parts: &[&[T]], widths: &[usize], rows: usize, count: usize) -> Vec<T> {
        let mut joined = Vec::with_capacity(count);
        for row in 0..rows {
            for (part, width) in parts.iter().zip(widths) {
                joined.extend_from_slice(&part[row * width..(row + 1) * width]);
            }
        }
        joined
    }
    let integers: Option<Vec<&[i64]>> = parts.iter().map(|part| part.integers()).collect();
    Ok(match integers {
        Some(integers) => Value::Integers {
            shape,
            values: join(&integers, &widths, rows, count),
        },
        None => {
            let floats: Vec<&[f32]> = parts
                .iter()
                .filter_map(|part| match part {
                    Value::Floats(array) => Some(&array.values[..]),
                    Value::Integers { .. } => None,
                })
                .collect();
            Value::Floats(Array::new(shape, join(&floats, &widths, rows, count)))
        }
    })
}

fn expand(node: &Node, inputs: &Inputs, largest: usize) -> Folded {
    let value = inputs.value(0)?;
    let asked = inputs
        .integers(node, 1, "shape")?
        .ok_or("it has no shape")?;
    let asked = sizes(&asked)?;
    let from = value.shape();
    let rank = from.len().max(asked.len());
    // Both count from the last axis; what is missing is 1.
    let size = |shape: &[usize], axis: usize| {
        (axis + shape.len())
            .checked_sub(rank)
            .map_or(1, |axis| shape[axis])
    };
    let own = strides(from);
    let mut dimensions = Vec::with_capacity(rank);
    for axis in 0..rank {
        let (here, there) = (size(from, axis), size(&asked, axis));
        dimensions.push(match (here, there) {
            (1, there) => (there, 0),
            (here, there) if there == 1 || there == here => (here, own[axis + from.len() - rank]),
            _ => return Err(format!("it expands {from:?} to {asked:?}")),
        });
    }
    let shape: Vec<usize> = dimensions.iter().map(|(size, _)| *size).collect();
    elements(&shape, largest)?;
    Ok(strided(value, 0, &dimensions))
}

fn constant_of_shape(node: &Node, inputs: &Inputs, largest: usize) -> Folded {
    let asked = inputs
        .integers(node, 0, "shape")?
        .ok_or("it has no shape")?;
    let shape = sizes(&asked)?;
    let count = elements(&shape, largest)?;
    let fill = match node.attribute("value").and_then(|value| value.t.as_ref()) {
        Some(tensor) => single(tensor).ok_or("its value cannot be read")?,
        None => Value::Floats(Array::new([1], vec![0.0])),
    };
    match fill {
        Value::Floats(array) if array.values.len() == 1 => Ok(Value::Floats(Array::new(
            shape,
            vec![array.values[0]; count],
        ))),
        Value::Integers { values, .. } if values.len() == 1 => Ok(Value::Integers {
            shape,
            values: vec![values[0]; count],
        }),
        _ => Err("its value has not one element".to_owned()),
    }
}

/// A tensor whose elements lie in the node itself.
fn single(tensor: &Tensor) -> Option<Value> {
    let here = tensor.external_data.is_empty();
    here.then(|| tensor::read(tensor, Path::new("")).ok())?
}

fn shape(node: &Node, inputs: &Inputs, _: usize) -> Folded {
    let shape = inputs.value(0)?.shape();
    let rank = shape.len() as i64;
    let border = |name: &str, default: i64| {
        let index = node.attribute(name).map_or(default, |index| index.i());
        let index = match index < 0 {
            true => index.saturating_add(rank),
            false => index,
        };
        index.clamp(0, rank) as usize
    };
    let (start, end) = (border("start", 0), border("end", rank));
    let part = shape.get(start..end).unwrap_or_default();
    Ok(Value::Integers {
        shape: vec![part.len()],
        values: part.iter().map(|size| *size as i64).collect(),
    })
}

/// Only along the first axis of a list: what picks a size out of a shape.
fn gather(node: &Node, inputs: &Inputs, _: usize) -> Folded {
    let (list, indices) = (inputs.value(0)?, inputs.value(1)?);
    let along = node.attribute("axis").map_or(0, |axis| axis.i());
    let (Some(numbers), Some(places), [length], 0) =
        (list.integers(), indices.integers(), list.shape(), along)
    else {
        return Err("it gathers from something else than a list of integers".to_owned());
    };
    let values = places
        .iter()
        .map(|place| axis(*place, *length).map(|place| numbers[place]))
        .collect::<Result<_, _>>()?;
    Ok(Value::Integers {
        shape: indices.shape().to_vec(),
        values,
    })
}

/// Only of sizes: with one number, or as many.
fn multiply(_: &Node, inputs: &Inputs, _: usize) -> Folded {
    let (left, right) = (inputs.value(0)?, inputs.value(1)?);
    let (Some(numbers), Some(factors)) = (left.integers(), right.integers()) else {
        return Err("it multiplies something else than sizes".to_owned());
    };
    let (shape, numbers, factors) = match (left.len(), right.len()) {
        (_, 1) => (left.shape(), numbers, factors),
        (1, _) => (right.shape(), factors, numbers),
        _ if left.shape() == right.shape() => (left.shape(), numbers, factors),
        _ => return Err("it multiplies lists of different lengths".to_owned()),
    };
    let pairs = numbers.iter().zip(factors.iter().cycle());
    let products = pairs.map(|(number, factor)| number.checked_mul(*factor));
    Ok(Value::Integers {
        shape: shape.to_vec(),
        values: products
            .collect::<Option<_>>()
            .ok_or("its product overflows")?,
    })
}
