//! Elements of a value that lie at fixed distances.

use super::Value;
use crate::weights::array::Array;

/// A part of `value` in another order: along each axis of the result, how many elements there are, and how
/// far apart they lie; all within the value.
pub fn strided(value: &Value, start: usize, dimensions: &[(usize, isize)]) -> Value {
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
pub fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1_isize; shape.len()];
    for axis in (1..shape.len()).rev() {
        // Never beyond the number of elements, unless that is 0.
        strides[axis - 1] = strides[axis].wrapping_mul(shape[axis] as isize);
    }
    strides
}
