//! What exporters compute of sizes: Shape, Gather, Mul; and ConstantOfShape, which asks for them.

use std::path::Path;

use super::{Folded, Inputs, Value, axis, elements};
use crate::weights::array::Array;
use crate::weights::onnx::proto::{Node, Tensor};
use crate::weights::onnx::tensor;

/// A list of integers as sizes.
pub fn sizes(list: &[i64]) -> Result<Vec<usize>, String> {
    let sizes = list.iter().map(|size| usize::try_from(*size));
    sizes
        .collect::<Result<_, _>>()
        .map_err(|_| format!("it asks for the sizes {list:?}"))
}

pub fn constant_of_shape(node: &Node, inputs: &Inputs, largest: usize) -> Folded {
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

pub fn shape(node: &Node, inputs: &Inputs, _: usize) -> Folded {
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
pub fn gather(node: &Node, inputs: &Inputs, _: usize) -> Folded {
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
pub fn multiply(_: &Node, inputs: &Inputs, _: usize) -> Folded {
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
