//! burnpack (`.bpk`): what burn's `ModuleRecord::save` writes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use burn::tensor::{Bytes, DType};
use burn_pack::{Reader, Tensor, Writer};

use super::{Contents, Entry, Opened, Source};
use crate::weights::array::{Array, ElementType};

/// What a file begins with: the number 0x4255524E, "BURN", little-endian.
const MAGIC: &[u8] = &0x4255_524E_u32.to_le_bytes();

/// Whether a file of these first bytes may be one.
pub fn begins(beginning: &[u8]) -> bool {
    beginning.starts_with(MAGIC)
}

/// Bytes before the metadata: the magic number, a version, and at 6 the metadata's length.
const HEADER: usize = 10;

pub fn open(path: &Path) -> Opened {
    // The reader would make room for the metadata before it reads them.
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    let mut header = [0; HEADER];
    file.read_exact(&mut header)
        .map_err(|_| format!("its header has {HEADER} bytes, but the file {size}"))?;
    let [.., a, b, c, d] = header;
    let claimed = u64::from(u32::from_le_bytes([a, b, c, d]));
    if claimed > size - HEADER as u64 {
        return Err(format!(
            "its header claims {claimed} bytes of metadata, but {} follow",
            size - HEADER as u64
        ));
    }
    let reader = Reader::from_file_exact(path).map_err(|error| error.to_string())?;
    let metadata = reader.metadata().clone();
    let tensors = reader.into_tensors().map_err(|error| error.to_string())?;
    let tensors: BTreeMap<String, Tensor> = tensors
        .into_iter()
        .map(|tensor| (tensor.name.clone(), tensor))
        .collect();
    let entries = tensors
        .iter()
        .map(|(name, tensor)| {
            let entry = Entry {
                element: element(tensor.dtype),
                shape: tensor.shape.iter().copied().collect(),
            };
            (name.clone(), entry)
        })
        .collect();
    Ok(Contents {
        container: "burnpack file",
        entries,
        metadata,
        source: Box::new(Tensors(tensors)),
    })
}

struct Tensors(BTreeMap<String, Tensor>);

impl Source for Tensors {
    fn bytes(&self, name: &str) -> Result<Vec<u8>, String> {
        let bytes = self.0[name].to_bytes().map_err(|error| error.to_string())?;
        Ok(bytes.to_vec())
    }
}

fn element(dtype: DType) -> ElementType {
    match dtype {
        DType::F64 => ElementType::F64,
        DType::F32 => ElementType::F32,
        DType::F16 => ElementType::F16,
        DType::BF16 => ElementType::BF16,
        other => ElementType::Other(format!("{other:?}").to_lowercase()),
    }
}

/// The bytes of a file of these tensors.
pub fn to_bytes(tensors: &BTreeMap<String, Array>) -> Vec<u8> {
    let tensors = tensors
        .iter()
        .map(|(name, array)| {
            let bytes = array.values.iter().flat_map(|value| value.to_le_bytes());
            let bytes = Bytes::from_bytes_vec(bytes.collect());
            Tensor::new(name.clone(), DType::F32, array.shape.clone(), None, bytes)
        })
        .collect();
    let bytes = Writer::new(tensors)
        .into_bytes()
        .expect("the tensors are complete, their names unique");
    bytes.to_vec()
}
