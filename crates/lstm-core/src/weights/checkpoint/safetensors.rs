//! safetensors: a header in JSON, then the values.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use ::safetensors::tensor::{Dtype, TensorView};
use serde::Deserialize;

use super::{Contents, Entry, Opened, Source, byte_len, pytorch};
use crate::weights::array::{Array, ElementType};

/// Bytes of the header's length, which a file begins with.
const LENGTH: usize = 8;
/// The longest header that is read: the limit of the format's own library.
const LONGEST_HEADER: u64 = 100_000_000;

/// Whether a file of these first bytes may be one: after its length the header begins as an object.
pub fn begins(beginning: &[u8]) -> bool {
    // A pickle's ninth byte may be that brace too, but it has opcodes where a length has zeros.
    certain(beginning) || (beginning.get(LENGTH) == Some(&b'{') && !pytorch::begins(beginning))
}

/// Whether a file of these first bytes is one, and no other that happens to have a brace there.
pub fn certain(beginning: &[u8]) -> bool {
    beginning.get(LENGTH) == Some(&b'{') && beginning[4..LENGTH] == [0; 4]
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
    let header: Header = serde_json::from_slice(&header).map_err(|error| error.to_string())?;
    header.check(rest - length)?;

    let start = LENGTH as u64 + length;
    let mut entries = BTreeMap::new();
    let mut places = HashMap::new();
    for (name, tensor) in header.tensors {
        let [from, to] = tensor.data_offsets;
        places.insert(name.clone(), (start + from, (to - from) as usize));
        let element = match tensor.dtype.as_str() {
            "F64" => ElementType::F64,
            "F32" => ElementType::F32,
            "F16" => ElementType::F16,
            "BF16" => ElementType::BF16,
            other => ElementType::Other(other.to_lowercase()),
        };
        let shape = tensor.shape;
        entries.insert(name, Entry { element, shape });
    }
    Ok(Contents {
        container: "safetensors file",
        entries,
        metadata: header.metadata.unwrap_or_default(),
        source: Box::new(Places {
            file: RefCell::new(file),
            places,
        }),
    })
}

/// The header, read here and not by the format's own library, whose errors do not name the tensor.
#[derive(Deserialize)]
struct Header {
    #[serde(rename = "__metadata__", default)]
    metadata: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    tensors: BTreeMap<String, TensorInfo>,
}

#[derive(Deserialize)]
struct TensorInfo {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

impl Header {
    /// That the tensors lie side by side, in any order, and fill the `size` bytes of the values; and that
    /// each has as many bytes as its shape says.
    fn check(&self, size: u64) -> Result<(), String> {
        let mut sorted: Vec<(&String, &TensorInfo)> = self.tensors.iter().collect();
        sorted.sort_by_key(|(_, tensor)| tensor.data_offsets);
        let mut end = 0;
        for (name, tensor) in sorted {
            let [from, to] = tensor.data_offsets;
            if from != end || to < from || to > size {
                return Err(format!(
                    "tensor `{name}` is said to be at {from}..{to}, expected at {end}.. of {size} bytes \
                     of values"
                ));
            }
            end = to;
            // A type that this library does not know has no size to compare.
            let Ok(dtype) = serde_json::from_value::<Dtype>(tensor.dtype.as_str().into()) else {
                continue;
            };
            let bits = byte_len(&tensor.shape, dtype.bitsize());
            if bits.is_none_or(|bits| bits as u64 != (to - from).saturating_mul(8)) {
                return Err(format!(
                    "tensor `{name}` has {} bytes, but the shape {:?} of {}",
                    to - from,
                    tensor.shape,
                    tensor.dtype
                ));
            }
        }
        match end == size {
            true => Ok(()),
            false => Err(format!(
                "its tensors have {end} bytes, but {size} follow the header"
            )),
        }
    }
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
