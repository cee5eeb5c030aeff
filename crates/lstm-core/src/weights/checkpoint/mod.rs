//! A file of tensors by name, whatever its container.

mod archive;
mod burnpack;
#[cfg(feature = "hdf5")]
mod hdf5;
mod npz;
mod pytorch;
mod safetensors;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

pub(super) use self::burnpack::to_bytes as burnpack_bytes;
pub(super) use self::safetensors::to_bytes as safetensors_bytes;
use super::array::{Array, ElementType, elements};
use super::error::WeightsError;
use super::file;

/// A file of tensors by name: safetensors, PyTorch's `.pt`, NumPy's `.npz`, burn's `.bpk`, and with the
/// feature `hdf5` Keras' `.weights.h5` and `.keras`. The container follows from the contents, not from the
/// file's name. Opening reads what tensors there are; values are read when they are asked for.
pub struct Checkpoint {
    path: PathBuf,
    contents: Contents,
    converted: RefCell<Vec<Converted>>,
}

/// What is known of a tensor without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What its elements are.
    pub element: ElementType,
    /// The size of each dimension.
    pub shape: Vec<usize>,
}

/// A tensor that was read as 32-bit floats, but is stored otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// Its name in the file.
    pub tensor: String,
    /// What it is there.
    pub from: ElementType,
}

/// What a container gives when it is opened.
struct Contents {
    container: &'static str,
    entries: BTreeMap<String, Entry>,
    /// What the file says of itself beside the tensors.
    metadata: BTreeMap<String, String>,
    source: Box<dyn Source>,
}

/// Where the values of tensors come from.
trait Source {
    /// The little-endian bytes of a tensor that is among the entries, or what is wrong with it.
    fn bytes(&self, name: &str) -> Result<Vec<u8>, String>;
}

/// What is wrong with a container, in words.
type Opened = Result<Contents, String>;

impl Checkpoint {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is of no known container, cut short, or damaged; a directory.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        let path = path.as_ref();
        let beginning = beginning(path)?;
        let (container, open) = container(path, &beginning)?;
        let contents = open(path)
            .and_then(|contents| plausible(path, contents))
            .map_err(|message| WeightsError::Damaged {
                path: path.to_owned(),
                container,
                message,
            })?;
        Ok(Self {
            path: path.to_owned(),
            contents,
            converted: RefCell::default(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tensors by name.
    pub fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.contents.entries
    }

    /// What the file says of itself beside the tensors.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.contents.metadata
    }

    /// The values of a tensor.
    ///
    /// # Errors
    ///
    /// No such tensor, one of another type than floating-point, or one that cannot be read.
    pub fn read(&self, name: &str) -> Result<Array, WeightsError> {
        let entry = self.entry(name)?;
        let Some(size) = entry.element.size() else {
            return Err(self.wrong_element(name, "f32, f64, f16 or bf16"));
        };
        let bytes = self.bytes(name, size)?;
        if entry.element != ElementType::F32 {
            self.converted.borrow_mut().push(Converted {
                tensor: name.to_owned(),
                from: entry.element.clone(),
            });
        }
        let values = entry.element.decode(&bytes).expect("it has a size");
        Ok(Array::new(entry.shape.clone(), values))
    }

    /// The values of a tensor of integers of 64 or 32 bits, such as lengths, in row-major order.
    ///
    /// # Errors
    ///
    /// No such tensor, one of another type, or one that cannot be read.
    pub fn read_integers(&self, name: &str) -> Result<Vec<i64>, WeightsError> {
        match self.entry(name)?.element.to_string().as_str() {
            "i64" => Ok(elements(&self.bytes(name, 8)?, i64::from_le_bytes)),
            "i32" => {
                let widened = |element| i32::from_le_bytes(element).into();
                Ok(elements(&self.bytes(name, 4)?, widened))
            }
            _ => Err(self.wrong_element(name, "i64 or i32")),
        }
    }

    fn entry(&self, name: &str) -> Result<&Entry, WeightsError> {
        let entries = &self.contents.entries;
        entries.get(name).ok_or_else(|| WeightsError::NoTensor {
            path: self.path.clone(),
            tensor: name.to_owned(),
            found: entries.keys().cloned().collect(),
        })
    }

    /// The bytes of one of the tensors, whose elements have `size` bytes.
    fn bytes(&self, name: &str, size: usize) -> Result<Vec<u8>, WeightsError> {
        let damaged = |message: String| WeightsError::Damaged {
            path: self.path.clone(),
            container: self.contents.container,
            message: format!("tensor `{name}`: {message}"),
        };
        let entry = &self.contents.entries[name];
        let bytes = self.contents.source.bytes(name).map_err(damaged)?;
        let expected = byte_len(&entry.shape, size);
        if expected == Some(bytes.len()) {
            return Ok(bytes);
        }
        Err(damaged(format!(
            "{} bytes, but {:?} of {} are {}",
            bytes.len(),
            entry.shape,
            entry.element,
            expected.map_or("too many".to_owned(), |expected| expected.to_string()),
        )))
    }

    /// The error that a tensor is not of the type `expected`.
    fn wrong_element(&self, name: &str, expected: &'static str) -> WeightsError {
        WeightsError::Element {
            path: self.path.clone(),
            tensor: name.to_owned(),
            found: self.contents.entries[name].element.to_string(),
            expected,
        }
    }

    /// The values of a tensor that must have the given shape.
    pub(super) fn read_shaped(&self, name: &str, shape: &[usize]) -> Result<Array, WeightsError> {
        match self.contents.entries.get(name) {
            Some(entry) if entry.shape != shape => Err(self.misshapen(name, format!("{shape:?}"))),
            _ => self.read(name),
        }
    }

    /// The tensors that were read and converted since this was last asked.
    pub fn take_converted(&self) -> Vec<Converted> {
        self.converted.take()
    }

    /// The error that a tensor has another shape than `expected`.
    pub(super) fn misshapen(&self, name: &str, expected: String) -> WeightsError {
        WeightsError::Shape {
            path: self.path.clone(),
            tensor: name.to_owned(),
            found: self.contents.entries[name].shape.clone(),
            expected,
        }
    }
}

/// Writes tensors to a safetensors file, whole or not at all.
///
/// # Errors
///
/// A file that cannot be written.
pub fn write_safetensors(
    path: impl AsRef<Path>,
    tensors: &BTreeMap<String, Array>,
) -> Result<(), WeightsError> {
    file::write(path.as_ref(), &safetensors_bytes(tensors, None))
}

/// Whether a file of these first bytes can only be safetensors.
pub(super) fn is_safetensors(beginning: &[u8]) -> bool {
    safetensors::certain(beginning)
}

/// What a container is called, and how it is opened.
type Container = (&'static str, fn(&Path) -> Opened);

/// The container of a file by how it begins.
fn container(path: &Path, beginning: &[u8]) -> Result<Container, WeightsError> {
    if burnpack::begins(beginning) {
        Ok(("burnpack file", burnpack::open))
    } else if safetensors::begins(beginning) {
        // Before PyTorch's: the length of a header may look like the start of a pickle.
        Ok(("safetensors file", safetensors::open))
    } else if archive::begins(beginning) {
        archive::container(path)
    } else if beginning.starts_with(HDF5) {
        hdf5_file(path)
    } else if pytorch::begins(beginning) {
        Ok(("PyTorch file", pytorch::open))
    } else {
        Err(unrecognised(path, beginning))
    }
}

/// Refuses files whose tensors would take absurdly more memory than the file has bytes, which compressed
/// containers and views of one number can claim.
fn plausible(path: &Path, contents: Contents) -> Result<Contents, String> {
    let size = std::fs::metadata(path)
        .map_err(|error| error.to_string())?
        .len();
    let sizes = contents.entries.values().filter_map(|entry| {
        let element = entry.element.size()?;
        Some(byte_len(&entry.shape, element).map_or(u64::MAX, |bytes| bytes as u64))
    });
    let claimed = sizes.fold(0, u64::saturating_add);
    let most = believed(size);
    if claimed > most {
        return Err(format!(
            "its tensors would be {claimed} bytes, but of the {size} that the file has at most {most} are \
             believed"
        ));
    }
    Ok(contents)
}

/// What HDF5 files begin with.
const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";

#[cfg(feature = "hdf5")]
fn hdf5_file(_: &Path) -> Result<Container, WeightsError> {
    Ok(("HDF5 file", hdf5::open))
}

#[cfg(feature = "hdf5")]
fn keras_archive(_: &Path) -> Result<Container, WeightsError> {
    Ok(("Keras file", hdf5::open_keras))
}

#[cfg(not(feature = "hdf5"))]
fn hdf5_file(path: &Path) -> Result<Container, WeightsError> {
    Err(needs_hdf5(path, "HDF5 file"))
}

#[cfg(not(feature = "hdf5"))]
fn keras_archive(path: &Path) -> Result<Container, WeightsError> {
    Err(needs_hdf5(path, "Keras file"))
}

#[cfg(not(feature = "hdf5"))]
fn needs_hdf5(path: &Path, container: &'static str) -> WeightsError {
    WeightsError::Feature {
        path: path.to_owned(),
        container,
        feature: "hdf5",
    }
}

/// The most bytes that are believed to be packed into `size` bytes of a file. Trained weights hardly shrink;
/// zeros do, and some may be.
fn believed(size: u64) -> u64 {
    size.saturating_mul(16).saturating_add(64 << 20)
}

/// How many bytes of a file decide what it is: a tar archive says so at 257.
const BEGINNING: u64 = 512;

/// The first bytes of a file.
pub(super) fn beginning(path: &Path) -> Result<Vec<u8>, WeightsError> {
    let fail = |source| WeightsError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(BEGINNING).read_to_end(&mut bytes))
        .map_err(fail)?;
    Ok(bytes)
}

fn unrecognised(path: &Path, beginning: &[u8]) -> WeightsError {
    const KNOWN: &str = "expected safetensors, PyTorch's .pt or .pth, NumPy's .npz, Keras' .weights.h5 or .keras, \
                         burn's .bpk, or of the format ONNX an .onnx model";
    let message = if beginning.is_empty() {
        format!("it is empty; {KNOWN}")
    } else {
        let start = &beginning[..beginning.len().min(16)];
        format!("it begins with `{}`; {KNOWN}", start.escape_ascii())
    };
    WeightsError::Unrecognised {
        path: path.to_owned(),
        message,
    }
}

/// Bytes of a tensor, unless they are more than a number can say.
fn byte_len(shape: &[usize], element: usize) -> Option<usize> {
    shape
        .iter()
        .try_fold(element, |bytes, size| bytes.checked_mul(*size))
}
