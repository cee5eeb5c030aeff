//! PyTorch's own files: what `torch.save` wrote, in all its versions. Nothing in them is executed.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use pytorch_reader::{DType, PytorchReader, Tensor};

use super::{Contents, Entry, Opened, Source};
use crate::weights::array::ElementType;

/// Whether a file of these first bytes may be one: a zip archive, a pickle of protocol 2 or later, or a
/// tar archive.
pub fn begins(beginning: &[u8]) -> bool {
    beginning.starts_with(b"PK\x03\x04")
        || beginning.starts_with(b"PK\x05\x06")
        || matches!(beginning, [0x80, 2..=5, ..])
        || beginning.get(257..262) == Some(b"ustar")
}

pub fn open(path: &Path) -> Opened {
    let reader = PytorchReader::new(path).map_err(|error| error.to_string())?;
    let tensors = reader.into_tensors();
    let entries = tensors
        .iter()
        .map(|(name, tensor)| {
            let entry = Entry {
                element: element(tensor.dtype()),
                shape: tensor.shape().to_vec(),
            };
            (name.clone(), entry)
        })
        .collect();
    Ok(Contents {
        container: "PyTorch file",
        entries,
        metadata: BTreeMap::new(),
        source: Box::new(Tensors(tensors)),
    })
}

struct Tensors(HashMap<String, Tensor>);

impl Source for Tensors {
    fn bytes(&self, name: &str) -> Result<Vec<u8>, String> {
        self.0[name].read().map_err(|error| error.to_string())
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
