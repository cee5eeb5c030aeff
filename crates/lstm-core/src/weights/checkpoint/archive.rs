//! Zip archives, which PyTorch, NumPy and Keras all use: whose one is, and its entries.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::ZipArchive;

use super::{Container, Opened, believed, npz, pytorch};
use crate::weights::error::WeightsError;

/// What a Keras archive keeps the weights in.
const KERAS_WEIGHTS: &str = "model.weights.h5";

/// An archive of which the entries are known.
pub struct Archive {
    zip: ZipArchive<BufReader<File>>,
    /// Bytes of the file, which none of its entries can be packed into more of.
    size: u64,
}

/// Whether a file of these first bytes may be one: its first entry follows, or its end if it has none.
pub fn begins(beginning: &[u8]) -> bool {
    beginning.starts_with(b"PK\x03\x04") || beginning.starts_with(b"PK\x05\x06")
}

/// What the archive is by its entries, and how it is opened.
pub fn container(path: &Path) -> Result<Container, WeightsError> {
    let names = Archive::open(path).and_then(|archive| archive.names());
    let names = names.unwrap_or_default();
    let has = |end: &str| names.iter().any(|name| name.ends_with(end));
    if has("data.pkl") {
        Ok(("PyTorch file", pytorch::open))
    } else if names.iter().any(|name| name == KERAS_WEIGHTS) {
        super::keras_archive(path)
    } else if has(".npy") {
        Ok(("NumPy .npz file", npz::open))
    } else {
        Ok(("archive of weights", unknown))
    }
}

/// What is wrong with an archive that is nobody's.
fn unknown(path: &Path) -> Opened {
    let names = Archive::open(path)?.names()?;
    let some: Vec<String> = names.into_iter().take(10).collect();
    Err(format!(
        "it has neither `data.pkl` (PyTorch), `{KERAS_WEIGHTS}` (Keras) nor `….npy` (NumPy), but {some:?}"
    ))
}

impl Archive {
    pub fn open(path: &Path) -> Result<Self, String> {
        let open = || {
            let file = File::open(path)?;
            let size = file.metadata()?.len();
            let zip = ZipArchive::new(BufReader::new(file))?;
            Ok(Self { zip, size })
        };
        open().map_err(|error: zip::result::ZipError| error.to_string())
    }

    /// The entries' names.
    pub fn names(&self) -> Result<Vec<String>, String> {
        let names = self.zip.file_names();
        let owned = names.map(|name| name.map(|name| name.into_owned()));
        owned
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())
    }

    /// The first `most` bytes of an entry, or all if it has fewer, and how many it has by the archive.
    pub fn beginning(&mut self, name: &str, most: u64) -> Result<(Vec<u8>, u64), String> {
        let entry = self.zip.by_name(name).map_err(|error| error.to_string())?;
        let size = entry.size();
        let mut bytes = Vec::new();
        let read = entry.take(most).read_to_end(&mut bytes);
        read.map_err(|error| error.to_string())?;
        Ok((bytes, size))
    }

    /// The bytes of an entry, but for the first `skipped`.
    pub fn read(&mut self, name: &str, skipped: usize) -> Result<Vec<u8>, String> {
        let entry = self.zip.by_name(name).map_err(|error| error.to_string())?;
        let size = entry.size();
        let most = believed(entry.compressed_size().min(self.size));
        if size > most {
            return Err(format!(
                "it would unpack to {size} bytes, of which at most {most} are read"
            ));
        }
        // One byte more, so that one that is longer than it says shows; the end is where its checksum is
        // compared.
        let mut entry = entry.take(size + 1);
        let mut before = vec![0; skipped];
        let mut bytes = Vec::with_capacity((size as usize).saturating_sub(skipped));
        entry
            .read_exact(&mut before)
            .and_then(|()| entry.read_to_end(&mut bytes))
            .map_err(|error| error.to_string())?;
        let read = (skipped + bytes.len()) as u64;
        match read == size {
            true => Ok(bytes),
            false => Err(format!(
                "it unpacks to {read} bytes, but the archive says {size}"
            )),
        }
    }
}

/// The entries of a Keras archive that are read: the weights, and how the model is built.
#[cfg(feature = "hdf5")]
pub fn keras_entries(path: &Path) -> Result<(Vec<u8>, String), String> {
    let mut archive = Archive::open(path)?;
    let entry = |name: &str, error: String| format!("entry `{name}`: {error}");
    let mut read = |name: &str| archive.read(name, 0).map_err(|error| entry(name, error));
    let config = String::from_utf8(read("config.json")?)
        .map_err(|error| entry("config.json", error.to_string()))?;
    Ok((read(KERAS_WEIGHTS)?, config))
}
