//! The same elements in another order or shape: Transpose, Reshape, Squeeze, Unsqueeze.

use super::strided::{strided, strides};
use super::{Folded, Inputs, Value, axes, elements, short};
use crate::weights::onnx::proto::Node;

/// The order of axes that a Transpose asks for.
pub fn permutation(node: &Node, rank: usize) -> Result<Vec<usize>, String> {
    match node.attribute("perm") {
        None => Ok((0..rank).rev().collect()),
        Some(perm) if perm.ints.len() == rank => axes(&perm.ints, rank),
        Some(perm) => Err(format!("its perm is {:?} of {rank} axes", perm.ints)),
    }
}

pub fn transpose(node: &Node, inputs: &Inputs, _: usize) -> Folded {
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

pub fn reshape(node: &Node, inputs: &Inputs, _: usize) -> Folded {
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

pub fn squeeze(node: &Node, inputs: &Inputs, _: usize) -> Folded {
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

pub fn unsqueeze(node: &Node, inputs: &Inputs, _: usize) -> Folded {
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
