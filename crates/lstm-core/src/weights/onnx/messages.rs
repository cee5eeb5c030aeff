//! Messages of ONNX from what they hold.

use prost::bytes::Bytes;

use super::proto::{
    Attribute, Dimension, Tensor, TensorShape, TensorType, Type, ValueInfo, attribute_type,
    data_type,
};
use crate::weights::array::Array;

/// A constant.
pub fn float_tensor(name: &str, array: &Array) -> Tensor {
    let bytes: Vec<u8> = array
        .values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    Tensor {
        dims: array.shape.iter().map(|size| *size as i64).collect(),
        data_type: Some(data_type::FLOAT),
        name: Some(name.to_owned()),
        raw_data: Some(Bytes::from(bytes)),
        ..Tensor::default()
    }
}

/// The size of a dimension of a value that a model takes or gives.
#[derive(Clone, Copy)]
pub enum Size {
    Number(usize),
    /// The same wherever it has this name, and known when the model runs.
    Named(&'static str),
}

/// What a model takes or gives.
pub fn value(name: &str, element: i32, sizes: &[Size]) -> ValueInfo {
    let dim = sizes.iter().map(|size| match *size {
        Size::Number(number) => Dimension {
            dim_value: Some(number as i64),
            dim_param: None,
        },
        Size::Named(name) => Dimension {
            dim_value: None,
            dim_param: Some(name.to_owned()),
        },
    });
    ValueInfo {
        name: Some(name.to_owned()),
        r#type: Some(Type {
            tensor_type: Some(TensorType {
                elem_type: Some(element),
                shape: Some(TensorShape { dim: dim.collect() }),
            }),
        }),
    }
}

pub fn int(name: &str, value: i64) -> Attribute {
    Attribute {
        name: Some(name.to_owned()),
        i: Some(value),
        r#type: Some(attribute_type::INT),
        ..Attribute::default()
    }
}

pub fn ints(name: &str, values: &[i64]) -> Attribute {
    Attribute {
        name: Some(name.to_owned()),
        ints: values.to_vec(),
        r#type: Some(attribute_type::INTS),
        ..Attribute::default()
    }
}

pub fn string(name: &str, value: &str) -> Attribute {
    Attribute {
        name: Some(name.to_owned()),
        s: Some(value.as_bytes().to_vec()),
        r#type: Some(attribute_type::STRING),
        ..Attribute::default()
    }
}
