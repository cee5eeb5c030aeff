//! safetensors: a header in JSON, then the values.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use ::safetensors::tensor::{Dtype, Metadata, TensorView};

use super::{Contents, Entry, Opened, Source};
use crate::weights::array::{Array, ElementType};

/// Bytes of the header's length, which a file begins with.
const LENGTH: usize = 8;
/// The longest header that is read: the limit of the format's own library.
const LONGEST_HEADER: u64 = 100_000_000;

/// Whether a file of these first bytes may be one: after its length, which no file fills, the header
/// begins as an object.
pub fn begins(beginning: &[u8]) -> bool {
    matches!(beginning, [_, _, _, _, _, _, 0, 0, b'{', ..])
}

pub fn open(path: &Path) -> Opened {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    let mut length = [0; LENGTH];
    file.read_exact(&mut length)
        .map_err(|error| error.to_string())?;
    let length = u64::from_le_bytes(length);
    let rest = size.saturating_sub(LENGTH as u64);
    if length > rest || length > LONGEST_HEADER {
        return Err(format!(
            "its header claims {length} bytes, but {rest} follow (at most {LONGEST_HEADER} are read)"
        ));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header)
        .map_err(|error| error.to_string())?;
    let header: Metadata = serde_json::from_slice(&header).map_err(|error| error.to_string())?;
    let values = rest - length;
    if header.data_len() as u64 != values {
        return Err(format!(
            "its header describes {} bytes of values, but {values} follow",
            header.data_len()
        ));
    }

    let infos = header.tensors();
    let entries = infos
        .iter()
        .map(|(name, info)| {
            let entry = Entry {
                element: element(info.dtype),
                shape: info.shape.clone(),
            };
            (name.clone(), entry)
        })
        .collect();
    let start = LENGTH as u64 + length;
    let places = infos
        .into_iter()
        .map(|(name, info)| {
            let (from, to) = info.data_offsets;
            (name, (start + from as u64, to - from))
        })
        .collect();
    Ok(Contents {
        container: "safetensors file",
        entries,
        metadata: header.metadata().iter().flatten().map(owned).collect(),
        source: Box::new(Places {
            file: RefCell::new(file),
            places,
        }),
    })
}

fn owned((key, value): (&String, &String)) -> (String, String) {
    (key.clone(), value.clone())
}

struct Places {
    file: RefCell<File>,
    /// Where each tensor begins in the file, and how many bytes it has.
    places: HashMap<String, (u64, usize)>,
}

impl Source for Places {
    fn bytes(&self, name: &str) -> Result<Vec<u8>, String> {
        let (from, length) = self.places[name];
        let mut file = self.file.borrow_mut();
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(from))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| error.to_string())?;
        Ok(bytes)
    }
}

fn element(dtype: Dtype) -> ElementType {
    match dtype {
        Dtype::F64 => ElementType::F64,
        Dtype::F32 => ElementType::F32,
        Dtype::F16 => ElementType::F16,
        Dtype::BF16 => ElementType::BF16,
        other => ElementType::Other(format!("{other:?}").to_lowercase()),
    }
}

/// The bytes of a file of these tensors, sorted by name, and with at most one entry of metadata: a
/// second would make the header differ from run to run.
pub fn to_bytes(tensors: &BTreeMap<String, Array>, metadata: Option<(&str, &str)>) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors
        .values()
        .map(|array| {
            array
                .values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect()
        })
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, array), bytes)| {
        let view = TensorView::new(Dtype::F32, array.shape.clone(), bytes)
            .expect("an array has as many values as its shape says");
        (name, view)
    });
    let metadata = metadata.map(|(key, value)| HashMap::from([(key.into(), value.into())]));
    ::safetensors::serialize(views, metadata).expect("the views are complete, their names unique")
}
