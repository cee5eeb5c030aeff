//! PyTorch's own files: what `torch.save` wrote, in all its versions. Nothing in them is executed.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use pytorch_reader::{DType, PickleValue, PytorchReader, Tensor};

use super::{Contents, Entry, Opened, Source};
use crate::weights::array::ElementType;

const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// Whether a file of these first bytes may be one: a zip archive, a pickle of protocol 2 or later, or a
/// tar archive.
pub fn begins(beginning: &[u8]) -> bool {
    is_zip(beginning) || is_tar(beginning) || matches!(beginning, [0x80, 2..=5, ..])
}

fn is_zip(beginning: &[u8]) -> bool {
    ZIP.iter().any(|magic| beginning.starts_with(magic))
}

fn is_tar(beginning: &[u8]) -> bool {
    beginning.get(257..262) == Some(b"ustar")
}

pub fn open(path: &Path) -> Opened {
    let beginning = super::beginning(path).map_err(|error| error.to_string())?;
    if is_tar(&beginning) && !is_zip(&beginning) {
        // The reader would believe what such an archive says of holes in its files.
        return Err("it is a tar archive, which PyTorch wrote before 0.1.10 of 2017".to_owned());
    }
    let reader = PytorchReader::new(path).map_err(|error| error.to_string())?;
    let pickle = PytorchReader::read_pickle_data(path, None).map_err(|error| error.to_string())?;
    if let Some(code) = code(&pickle) {
        return Err(format!(
            "it would run code where Python loads it: it names `{code}` (which was not run here)"
        ));
    }
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

/// Python's modules whose functions a pickle calls to do harm, and no checkpoint to keep data. The reader
/// calls nothing; but whoever wrote such a file does not deserve trust in its numbers.
const HARMFUL: [&str; 23] = [
    "_pickle",
    "asyncio",
    "bdb",
    "code",
    "ctypes",
    "http",
    "importlib",
    "marshal",
    "multiprocessing",
    "nt",
    "os",
    "pdb",
    "pickle",
    "posix",
    "pty",
    "requests",
    "runpy",
    "shutil",
    "socket",
    "subprocess",
    "sys",
    "urllib",
    "webbrowser",
];

/// The functions among Python's own that do, by themselves or with others.
const HARMFUL_BUILTINS: [&str; 10] = [
    "__import__",
    "apply",
    "compile",
    "delattr",
    "eval",
    "exec",
    "execfile",
    "getattr",
    "open",
    "setattr",
];

/// What a pickle's value names of those.
fn code(value: &PickleValue) -> Option<&str> {
    match value {
        PickleValue::Unsupported(name) => {
            let (module, function) = name.split_once('.')?;
            let harmful = match module {
                "builtins" | "__builtin__" => HARMFUL_BUILTINS.contains(&function),
                module => HARMFUL.contains(&module),
            };
            harmful.then_some(name)
        }
        PickleValue::List(values) => values.iter().find_map(code),
        PickleValue::Dict(values) => values.values().find_map(code),
        PickleValue::None
        | PickleValue::Bool(_)
        | PickleValue::Int(_)
        | PickleValue::Float(_)
        | PickleValue::String(_)
        | PickleValue::Bytes(_) => None,
    }
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
