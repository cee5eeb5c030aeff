//! Constant tensors: from a file's bytes, from fields of numbers, or from another file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use half::{bf16, f16};

use super::proto::{Tensor, data_type};
use crate::weights::array::{Array, ElementType};

/// No tensor that is read has more axes.
pub const MOST_AXES: usize = 16;

/// A constant of a graph.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Weights and states.
    Floats(Array),
    /// Sizes, axes and indices.
    Integers { shape: Vec<usize>, values: Vec<i64> },
}

/// Why there is no constant.
#[derive(Debug)]
pub enum Fault {
    /// It is known only when the model runs, or computed in a way that is not followed.
    NotConstant(String),
    /// The file is not what it should be.
    Damaged(String),
    /// Its elements are neither floating-point numbers nor sizes.
    Element(String),
    /// The file that it lies in cannot be read.
    Read(PathBuf, std::io::Error),
}

impl Value {
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::Floats(array) => &array.shape,
            Self::Integers { shape, .. } => shape,
        }
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Floats(array) => array.values.len(),
            Self::Integers { values, .. } => values.len(),
        }
    }

    /// The elements, if they are integers.
    pub fn integers(&self) -> Option<&[i64]> {
        match self {
            Self::Floats(_) => None,
            Self::Integers { values, .. } => Some(values),
        }
    }

    /// The elements, if they are floating-point numbers.
    pub fn floats(self) -> Option<Array> {
        match self {
            Self::Floats(array) => Some(array),
            Self::Integers { .. } => None,
        }
    }

    /// What an error calls the type of the elements.
    pub fn element(&self) -> &'static str {
        match self {
            Self::Floats(_) => "f32",
            Self::Integers { .. } => "int64",
        }
    }

    /// The same elements in another shape of as many.
    pub fn reshaped(self, shape: Vec<usize>) -> Self {
        match self {
            Self::Floats(array) => Self::Floats(Array::new(shape, array.values)),
            Self::Integers { values, .. } => Self::Integers { shape, values },
        }
    }
}

/// What the elements of a tensor are stored as, if they are floating-point numbers.
fn float_type(tensor: &Tensor) -> Option<ElementType> {
    match tensor.data_type() {
        data_type::FLOAT => Some(ElementType::F32),
        data_type::DOUBLE => Some(ElementType::F64),
        data_type::FLOAT16 => Some(ElementType::F16),
        data_type::BFLOAT16 => Some(ElementType::BF16),
        _ => None,
    }
}

/// What a tensor was converted from, if it holds other floating-point numbers than 32-bit ones.
pub fn converted_from(tensor: &Tensor) -> Option<ElementType> {
    float_type(tensor).filter(|element| *element != ElementType::F32)
}

/// The elements of a tensor of a model in `folder`.
pub fn read(tensor: &Tensor, folder: &Path) -> Result<Value, Fault> {
    let shape = shape(tensor)?;
    let count = count(&shape).ok_or_else(|| overflow(tensor))?;
    if let Some(element) = float_type(tensor) {
        let size = element.size().expect("floats have a size");
        let values = match bytes(tensor, count, size, folder)? {
            Some(bytes) => element.decode(&bytes).expect("floats are decoded"),
            None => typed_floats(tensor),
        };
        counted(values.len(), count, &shape)?;
        return Ok(Value::Floats(Array::new(shape, values)));
    }
    let (size, typed): (usize, fn(&Tensor) -> Vec<i64>) = match tensor.data_type() {
        data_type::INT64 => (8, |tensor| tensor.int64_data.clone()),
        data_type::INT32 => (4, |tensor| {
            tensor.int32_data.iter().map(|x| i64::from(*x)).collect()
        }),
        other => return Err(Fault::Element(data_type::name(other))),
    };
    let values = match bytes(tensor, count, size, folder)? {
        Some(bytes) if size == 8 => integers(&bytes, i64::from_le_bytes),
        Some(bytes) => integers(&bytes, |bytes| i64::from(i32::from_le_bytes(bytes))),
        None => typed(tensor),
    };
    counted(values.len(), count, &shape)?;
    Ok(Value::Integers { shape, values })
}

fn shape(tensor: &Tensor) -> Result<Vec<usize>, Fault> {
    if tensor.dims.len() > MOST_AXES {
        return Err(Fault::Damaged(format!("it has {} axes", tensor.dims.len())));
    }
    let sizes = tensor.dims.iter().map(|size| usize::try_from(*size));
    sizes
        .collect::<Result<_, _>>()
        .map_err(|_| Fault::Damaged(format!("its dims are {:?}", tensor.dims)))
}

/// How many elements a shape has, if that can be counted even without the sizes that are 0.
pub fn count(shape: &[usize]) -> Option<usize> {
    let mut sizes = shape.iter().map(|size| *size.max(&1));
    let product = sizes.try_fold(1_usize, usize::checked_mul)?;
    let product = isize::try_from(product).ok()?.unsigned_abs();
    Some(if shape.contains(&0) { 0 } else { product })
}

fn overflow(tensor: &Tensor) -> Fault {
    Fault::Damaged(format!("its dims {:?} overflow", tensor.dims))
}

fn counted(found: usize, expected: usize, shape: &[usize]) -> Result<(), Fault> {
    if found == expected {
        return Ok(());
    }
    Err(Fault::Damaged(format!(
        "it holds {found} elements, but its dims {shape:?} ask for {expected}"
    )))
}

fn integers<const N: usize>(bytes: &[u8], decode: impl Fn([u8; N]) -> i64) -> Vec<i64> {
    let (elements, _) = bytes.as_chunks::<N>();
    elements.iter().map(|element| decode(*element)).collect()
}

/// The elements from the field of numbers that their type has.
fn typed_floats(tensor: &Tensor) -> Vec<f32> {
    let halves = |decode: fn(u16) -> f32| {
        // The upper half of each number is empty.
        let bits = tensor.int32_data.iter().map(|bits| *bits as u16);
        bits.map(decode).collect()
    };
    match tensor.data_type() {
        data_type::DOUBLE => tensor.double_data.iter().map(|x| *x as f32).collect(),
        data_type::FLOAT16 => halves(|bits| f16::from_bits(bits).to_f32()),
        data_type::BFLOAT16 => halves(|bits| bf16::from_bits(bits).to_f32()),
        _ => tensor.float_data.clone(),
    }
}

/// The bytes of `count` elements of `size` bytes, if the tensor has bytes.
fn bytes(
    tensor: &Tensor,
    count: usize,
    size: usize,
    folder: &Path,
) -> Result<Option<prost::bytes::Bytes>, Fault> {
    const EXTERNAL: i32 = 1;
    let expected = count.checked_mul(size).ok_or_else(|| overflow(tensor))?;
    if tensor.data_location() == EXTERNAL {
        return external(tensor, expected, folder).map(|bytes| Some(bytes.into()));
    }
    match &tensor.raw_data {
        Some(raw) if raw.len() != expected => Err(Fault::Damaged(format!(
            "it has {} bytes, but its dims {:?} ask for {expected}",
            raw.len(),
            tensor.dims
        ))),
        // Cheap: the bytes are shared.
        raw => Ok(raw.clone()),
    }
}

/// The file that a tensor's elements lie in: one in the folder of the model, or below it.
pub fn external_file(tensor: &Tensor, folder: &Path) -> Result<PathBuf, Fault> {
    let location = external_entry(tensor, "location").unwrap_or_default();
    let relative = Path::new(location);
    let mut parts = relative.components().peekable();
    let inside = parts.peek().is_some()
        && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside {
        return Err(Fault::Damaged(format!(
            "its elements lie in `{location}`, expected a file in the model's folder"
        )));
    }
    Ok(folder.join(relative))
}

fn external_entry<'a>(tensor: &'a Tensor, key: &str) -> Option<&'a str> {
    let mut entries = tensor.external_data.iter();
    let entry = entries.find(|entry| entry.key() == key)?;
    Some(entry.value())
}

fn external(tensor: &Tensor, expected: usize, folder: &Path) -> Result<Vec<u8>, Fault> {
    let path = external_file(tensor, folder)?;
    let number = |key: &str| {
        let text = external_entry(tensor, key);
        let number = text.map(str::parse::<u64>).transpose();
        number.map_err(|_| Fault::Damaged(format!("its {key} is `{}`", text.unwrap_or_default())))
    };
    let offset = number("offset")?.unwrap_or(0);
    let length = number("length")?;
    if length.is_some_and(|length| length != expected as u64) {
        return Err(Fault::Damaged(format!(
            "it has {} bytes in `{}`, but its dims {:?} ask for {expected}",
            length.unwrap_or_default(),
            path.display(),
            tensor.dims
        )));
    }
    let fail = |source| Fault::Read(path.clone(), source);
    let metadata = std::fs::metadata(&path).map_err(fail)?;
    let there = metadata.len().saturating_sub(offset);
    if !metadata.is_file() || there < expected as u64 {
        return Err(Fault::Damaged(format!(
            "its {expected} bytes at {offset} are not in `{}`, which has {}",
            path.display(),
            metadata.len()
        )));
    }
    let mut bytes = vec![0; expected];
    let mut file = File::open(&path).map_err(fail)?;
    file.seek(SeekFrom::Start(offset))
        .and_then(|_| file.read_exact(&mut bytes))
        .map_err(fail)?;
    Ok(bytes)
}
