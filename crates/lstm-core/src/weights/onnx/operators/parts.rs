//! Elements taken out, put together or repeated: Slice, Concat, Expand.

use super::sizes::sizes;
use super::strided::{strided, strides};
use super::{Folded, Inputs, Value, axes, axis, elements};
use crate::weights::array::Array;
use crate::weights::onnx::proto::Node;

pub fn slice(node: &Node, inputs: &Inputs, _: usize) -> Folded {
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

pub fn concat(node: &Node, inputs: &Inputs, largest: usize) -> Folded {
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

pub fn expand(node: &Node, inputs: &Inputs, largest: usize) -> Folded {
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
