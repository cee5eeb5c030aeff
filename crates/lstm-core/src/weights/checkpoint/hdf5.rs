//! HDF5, as Keras writes it through h5py (`.weights.h5`, `.h5`), and Keras' archives around it (`.keras`).
//!
//! A dataset's name is its path. Links to other files are not followed.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use hdf5_reader::error::Error;
use hdf5_reader::group::Group;
use hdf5_reader::messages::attribute::AttributeMessage;
use hdf5_reader::{ByteOrder, Dataset, Datatype, Hdf5File, OpenOptions};

use super::archive::keras_entries;
use super::{Contents, Entry, Opened, Source, believed};
use crate::weights::array::ElementType;

/// The attribute in which Keras keeps how a model is built.
const CONFIGURATION: &str = "model_config";
/// How many groups and datasets are listed at most.
const MOST_OBJECTS: usize = 1_000_000;

pub fn open(path: &Path) -> Opened {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?;
    let file = Hdf5File::open_with_options(path, options(size.len()));
    contents("HDF5 file", file, size.len()).map_err(|error| error.to_string())
}

/// A Keras archive: an HDF5 file, and a configuration beside it.
pub fn open_keras(path: &Path) -> Opened {
    let (bytes, config) = keras_entries(path)?;
    let size = bytes.len() as u64;
    let file = Hdf5File::from_vec_with_options(bytes, options(size));
    let mut contents = contents("Keras file", file, size).map_err(|error| error.to_string())?;
    contents.metadata.insert("config.json".to_owned(), config);
    Ok(contents)
}

/// The most that is read of a file of `size` bytes: a file may describe more than it has.
fn options(size: u64) -> OpenOptions {
    let most = usize::try_from(believed(size)).unwrap_or(usize::MAX);
    OpenOptions::default()
        .with_max_chunk_bytes(most)
        .with_max_read_bytes(most)
}

fn contents(
    container: &'static str,
    file: Result<Hdf5File, Error>,
    size: u64,
) -> Result<Contents, Error> {
    let file = file?;
    let end = file.superblock().eof_address;
    if end > size {
        let message = format!("it has {size} bytes, but says that it ends at {end}");
        return Err(Error::InvalidData(message));
    }
    let mut found = Found::default();
    let mut groups = vec![(String::new(), file.root_group()?)];
    let mut seen = HashSet::new();
    while let Some((path, group)) = groups.pop() {
        // A group may be linked from inside of itself.
        if !seen.insert(group.address()) {
            continue;
        }
        for attribute in group.raw_attributes()? {
            if attribute.name() == CONFIGURATION
                && let Some(text) = text(&group, attribute.message())?
            {
                found
                    .metadata
                    .insert(format!("{path}{CONFIGURATION}"), text);
            }
        }
        let (subgroups, datasets) = group.members()?;
        for dataset in datasets {
            found.add(format!("{path}{}", dataset.name()), dataset)?;
        }
        let subgroups = subgroups.into_iter();
        groups.extend(subgroups.map(|group| (format!("{path}{}/", group.name()), group)));
        if found.entries.len() + seen.len() + groups.len() > MOST_OBJECTS {
            let message = format!("it lists more than {MOST_OBJECTS} groups and datasets");
            return Err(Error::InvalidData(message));
        }
    }
    Ok(Contents {
        container,
        entries: found.entries,
        metadata: found.metadata,
        source: Box::new(Datasets(found.datasets)),
    })
}

#[derive(Default)]
struct Found {
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
    datasets: BTreeMap<String, Dataset>,
}

impl Found {
    fn add(&mut self, name: String, dataset: Dataset) -> Result<(), Error> {
        let sizes = dataset.shape().iter().map(|size| usize::try_from(*size));
        let entry = Entry {
            element: element(&dataset)?,
            shape: sizes
                .collect::<Result<_, _>>()
                .map_err(|_| Error::InvalidData(format!("dataset `{name}` is too large")))?,
        };
        self.entries.insert(name.clone(), entry);
        self.datasets.insert(name, dataset);
        Ok(())
    }
}

/// The text of an attribute that is one string, of a fixed length or of a variable one.
fn text(group: &Group, attribute: &AttributeMessage) -> Result<Option<String>, Error> {
    let bytes = match (&attribute.datatype, attribute.dataspace.num_elements()) {
        (Datatype::String { .. }, Ok(1)) => attribute.raw_data.clone(),
        (Datatype::VarLen { .. }, Ok(1)) => {
            group.resolve_vlen_reference_bytes(&attribute.raw_data, 1)?
        }
        _ => return Ok(None),
    };
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(text.trim_end_matches('\0').to_owned()))
}

struct Datasets(BTreeMap<String, Dataset>);

impl Source for Datasets {
    fn bytes(&self, name: &str) -> Result<Vec<u8>, String> {
        let dataset = &self.0[name];
        let mut bytes = dataset
            .read_raw_bytes()
            .map_err(|error| error.to_string())?;
        if let Datatype::FloatingPoint {
            size,
            byte_order: ByteOrder::BigEndian,
        } = dataset.dtype()
        {
            let elements = bytes.chunks_exact_mut(usize::from(*size));
            elements.for_each(<[u8]>::reverse);
        }
        Ok(bytes)
    }
}

fn element(dataset: &Dataset) -> Result<ElementType, Error> {
    let other = || ElementType::Other(other(dataset.dtype()));
    Ok(match dataset.dtype() {
        Datatype::FloatingPoint { size, .. } => {
            // Bits of the exponent and of the mantissa, which the datatype's properties end with, before
            // the exponent's bias.
            match (size, dataset.raw_datatype()?.get(8..)) {
                (8, Some([_, _, _, _, _, 11, _, 52, ..])) => ElementType::F64,
                (4, Some([_, _, _, _, _, 8, _, 23, ..])) => ElementType::F32,
                (2, Some([_, _, _, _, _, 5, _, 10, ..])) => ElementType::F16,
                (2, Some([_, _, _, _, _, 8, _, 7, ..])) => ElementType::BF16,
                _ => other(),
            }
        }
        // HDF5 before 2.0 has no bfloat16: h5py writes two bytes, Keras says what they are.
        Datatype::Opaque { size: 2, .. } => match dataset.attribute("dtype") {
            Ok(kind) if kind.read_string().is_ok_and(|kind| kind == "bfloat16") => {
                ElementType::BF16
            }
            _ => other(),
        },
        _ => other(),
    })
}

fn other(datatype: &Datatype) -> String {
    match datatype {
        Datatype::FixedPoint { size, signed, .. } => {
            let letter = if *signed { 'i' } else { 'u' };
            format!("{letter}{}", 8 * u32::from(*size))
        }
        Datatype::FloatingPoint { size, .. } => format!("an unusual float of {size} bytes"),
        Datatype::String { .. } | Datatype::VarLen { .. } => "a string or list".to_owned(),
        _ => "no number".to_owned(),
    }
}
