//! NumPy's archives (`.npz`), stored or deflated: an entry `….npy` for each array.
//!
//! An array of Python objects is a pickle: it is listed, and never read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use super::archive::Archive;
use super::{Contents, Entry, Opened, Source, byte_len};
use crate::weights::array::ElementType;

/// The longest header that is read, as in NumPy.
const LONGEST_HEADER: usize = 10_000;
/// Bytes of the magic, the version, and the longer one of the lengths that follow it.
const PREAMBLE: usize = 12;

pub fn open(path: &Path) -> Opened {
    let mut archive = Archive::open(path)?;
    let mut entries = BTreeMap::new();
    let mut places = BTreeMap::new();
    for file in archive.names()? {
        let Some(name) = file.strip_suffix(".npy") else {
            continue;
        };
        let in_entry = |message: String| format!("entry `{file}`: {message}");
        let most = (PREAMBLE + LONGEST_HEADER) as u64;
        let (beginning, size) = archive.beginning(&file, most).map_err(in_entry)?;
        let header = Header::parse(&beginning).map_err(in_entry)?;
        if let Some(element) = header.element.size() {
            let values = size.saturating_sub(header.length as u64);
            let expected = byte_len(&header.shape, element).map(|bytes| bytes as u64);
            if expected != Some(values) {
                return Err(in_entry(format!(
                    "its header says {:?} of {}, but {values} bytes of values follow",
                    header.shape, header.element
                )));
            }
        }
        let entry = Entry {
            element: header.element.clone(),
            shape: header.shape.clone(),
        };
        entries.insert(name.to_owned(), entry);
        places.insert(name.to_owned(), header);
    }
    Ok(Contents {
        container: "NumPy .npz file",
        entries,
        metadata: BTreeMap::new(),
        source: Box::new(Arrays {
            archive: RefCell::new(archive),
            headers: places,
        }),
    })
}

struct Arrays {
    archive: RefCell<Archive>,
    headers: BTreeMap<String, Header>,
}

impl Source for Arrays {
    fn bytes(&self, name: &str) -> Result<Vec<u8>, String> {
        let header = &self.headers[name];
        let mut archive = self.archive.borrow_mut();
        let mut bytes = archive.read(&format!("{name}.npy"), header.length)?;
        let size = header.element.size().ok_or("no floating-point numbers")?;
        if header.big_endian {
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        if header.fortran_order && byte_len(&header.shape, size) == Some(bytes.len()) {
            bytes = rows_first(&bytes, &header.shape, size);
        }
        Ok(bytes)
    }
}

/// What stands before an array's values.
struct Header {
    /// Its bytes, with what is before it.
    length: usize,
    element: ElementType,
    big_endian: bool,
    /// Whether the first index runs fastest.
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Of the first bytes of a file: `\x93NUMPY`, the version, the length, and a Python dictionary, such as
    /// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 16), }`.
    fn parse(beginning: &[u8]) -> Result<Self, String> {
        let rest = beginning.strip_prefix(b"\x93NUMPY");
        let (length_size, length) = match rest.ok_or("it is not NumPy's")? {
            [1, _, a, b, ..] => (2, u16::from_le_bytes([*a, *b]).into()),
            [2 | 3, _, a, b, c, d, ..] => (4, u32::from_le_bytes([*a, *b, *c, *d])),
            [1..=3, ..] | [] => return Err("it is cut short".to_owned()),
            [version, ..] => return Err(format!("version {version} of the format is not known")),
        };
        let start = b"\x93NUMPY".len() + 2 + length_size;
        let length = length as usize;
        if length > LONGEST_HEADER {
            return Err(format!(
                "its header claims {length} bytes, of which at most {LONGEST_HEADER} are read"
            ));
        }
        let text = beginning.get(start..start + length);
        let text = text.ok_or("its header is cut short")?;
        let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
        let value = |key: &str| {
            let (_, value) = text.split_once(&format!("'{key}':"))?;
            Some(value.trim_start())
        };
        let damaged = || format!("its header `{}` is not known", text.trim_end());
        let (element, big_endian) = match value("descr").ok_or_else(damaged)?.strip_prefix('\'') {
            Some(name) => element(name.split_once('\'').ok_or_else(damaged)?.0),
            None => (ElementType::Other("a structure".to_owned()), false),
        };
        let fortran_order = match value("fortran_order") {
            Some(value) if value.starts_with("False") => false,
            Some(value) if value.starts_with("True") => true,
            _ => return Err(damaged()),
        };
        let shape = value("shape").and_then(|value| value.strip_prefix('('));
        let (shape, _) = shape
            .and_then(|shape| shape.split_once(')'))
            .ok_or_else(damaged)?;
        let sizes = shape.split(',').map(str::trim);
        let sizes = sizes.filter(|size| !size.is_empty());
        let shape = sizes
            .map(|size| size.parse().map_err(|_| damaged()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            length: start + length,
            element,
            big_endian,
            fortran_order,
            shape,
        })
    }
}

/// What NumPy's name of a type says, and whether the numbers are big-endian.
fn element(name: &str) -> (ElementType, bool) {
    let bare = name.trim_start_matches(['<', '>', '=', '|']);
    let element = match bare {
        "f8" => ElementType::F64,
        "f4" => ElementType::F32,
        "f2" => ElementType::F16,
        "O" => ElementType::Other("object (a pickle, which is never read)".to_owned()),
        _ => {
            // Integers by their bits, as elsewhere: NumPy counts bytes.
            let bits = |kind| Some(8 * bare.strip_prefix(kind)?.parse::<u8>().ok()? as u32);
            let signed = bits('i').map(|bits| format!("i{bits}"));
            let unsigned = || bits('u').map(|bits| format!("u{bits}"));
            ElementType::Other(signed.or_else(unsigned).unwrap_or(bare.to_owned()))
        }
    };
    (element, name.starts_with('>'))
}

/// Elements of which the first index runs fastest, in the order in which the last one does.
fn rows_first(bytes: &[u8], shape: &[usize], size: usize) -> Vec<u8> {
    let mut sorted = Vec::with_capacity(bytes.len());
    let mut index = vec![0; shape.len()];
    for _ in 0..bytes.len() / size {
        let place = index
            .iter()
            .zip(shape)
            .rev()
            .fold(0, |place, (index, size)| place * size + index);
        sorted.extend_from_slice(&bytes[place * size..(place + 1) * size]);
        for (index, size) in index.iter_mut().zip(shape).rev() {
            *index += 1;
            if *index < *size {
                break;
            }
            *index = 0;
        }
    }
    sorted
}
