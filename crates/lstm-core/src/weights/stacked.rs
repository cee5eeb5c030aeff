//! The directions of a layer one above the other: as the layers here keep them, and their files.

use std::borrow::Borrow;

use super::array::Array;
use super::recurrent::DirectionArrays;

/// The weights of all directions of one layer, each array with the directions as its first dimension.
pub struct StackedArrays {
    /// `[directions, d_input, gates * d_hidden]`
    pub input_weight: Array,
    /// `[directions, d_recurrent, gates * d_hidden]`
    pub recurrent_weight: Array,
    /// `[directions, gates * d_hidden]`
    pub input_bias: Option<Array>,
    /// `[directions, gates * d_hidden]`
    pub recurrent_bias: Option<Array>,
    /// `[directions, d_hidden, d_projection]`
    pub projection_weight: Option<Array>,
}

impl StackedArrays {
    /// Of directions whose arrays have the same shapes.
    pub fn of(layer: &[DirectionArrays]) -> Self {
        let stacked = |part: fn(&DirectionArrays) -> Option<&Array>| {
            let arrays: Option<Vec<&Array>> = layer.iter().map(part).collect();
            arrays.map(|arrays| stack(&arrays))
        };
        let weight = |part| stacked(part).expect("every direction has its weights");
        Self {
            input_weight: weight(|arrays| Some(&arrays.input_weight)),
            recurrent_weight: weight(|arrays| Some(&arrays.recurrent_weight)),
            input_bias: stacked(|arrays| arrays.input_bias.as_ref()),
            recurrent_bias: stacked(|arrays| arrays.recurrent_bias.as_ref()),
            projection_weight: stacked(|arrays| arrays.projection_weight.as_ref()),
        }
    }

    /// Each direction's arrays: as many as the input weight has, so far as the others have them too.
    pub fn directions(&self) -> Vec<DirectionArrays> {
        let maybe = |array: &Option<Array>| array.as_ref().map(parts);
        let mut input_bias = maybe(&self.input_bias).map(Vec::into_iter);
        let mut recurrent_bias = maybe(&self.recurrent_bias).map(Vec::into_iter);
        let mut projection_weight = maybe(&self.projection_weight).map(Vec::into_iter);
        parts(&self.input_weight)
            .into_iter()
            .zip(parts(&self.recurrent_weight))
            .map(|(input_weight, recurrent_weight)| DirectionArrays {
                input_weight,
                recurrent_weight,
                input_bias: input_bias.as_mut().and_then(Iterator::next),
                recurrent_bias: recurrent_bias.as_mut().and_then(Iterator::next),
                projection_weight: projection_weight.as_mut().and_then(Iterator::next),
            })
            .collect()
    }
}

/// Arrays of the same shape, with a new first dimension.
pub fn stack<A: Borrow<Array>>(arrays: &[A]) -> Array {
    let mut shape = vec![arrays.len()];
    shape.extend(&arrays[0].borrow().shape);
    let values = arrays.iter().flat_map(|array| &array.borrow().values);
    Array::new(shape, values.copied().collect())
}

/// The arrays along the first dimension.
fn parts(array: &Array) -> Vec<Array> {
    let shape = &array.shape[1..];
    let size: usize = shape.iter().product();
    (0..array.shape[0])
        .map(|part| Array::new(shape, array.values[part * size..(part + 1) * size].to_vec()))
        .collect()
}
