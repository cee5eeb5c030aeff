//! What a user ships: a directory with `config.json`, `tokenizer.json`, `model.safetensors`, and a
//! `README.md` for people. This module reads and writes its parts; a task's model, such as
//! [`Classifier`](crate::Classifier), puts them together.

mod error;
mod weights;

use std::path::Path;

use burn::module::Module;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::tokenizer::Tokenizer;

pub use error::BundleError;
pub use weights::{WeightsFile, parameters, weights_from_bytes, weights_to_bytes};

/// The version of the bundle format that this program writes, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// File name of a bundle's configuration.
pub const CONFIG_FILE: &str = "config.json";
/// File name of a bundle's tokenizer.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// File name of a bundle's weights.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// File name of a bundle's description.
pub const README_FILE: &str = "README.md";
/// What `config.json` of every bundle holds; `M` is the task's own part.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleConfig<M> {
    /// [`FORMAT_VERSION`] of the program that wrote it.
    pub format_version: u32,
    /// The task that the model is for.
    pub task: String,
    /// The task's part: what its model is built from.
    pub model: M,
    /// How the model came about: recipe, seed, scores. For people; loading does not read it.
    #[serde(default)]
    pub training: serde_json::Map<String, Value>,
}

/// The part of `config.json` that is read first.
#[derive(Deserialize)]
struct Header {
    format_version: u32,
    task: String,
}

/// Reads the `task` that a bundle is for.
///
/// # Errors
///
/// A `config.json` that is missing, damaged or of another format version.
pub fn read_task(directory: &Path) -> Result<String, BundleError> {
    Ok(read_header(&directory.join(CONFIG_FILE))?.1.task)
}

/// Reads a bundle's `config.json`.
///
/// # Errors
///
/// A file that is missing, damaged, of another format version or of another task, or that lacks a
/// key: defaults are for recipes, a bundle says everything.
pub fn read_config<M: Serialize + DeserializeOwned>(
    directory: &Path,
    task: &'static str,
) -> Result<BundleConfig<M>, BundleError> {
    let path = directory.join(CONFIG_FILE);
    let (bytes, header) = read_header(&path)?;
    if header.task != task {
        return Err(BundleError::Task {
            path,
            found: header.task,
            expected: task,
        });
    }
    let config: BundleConfig<M> = parse(&path, &bytes)?;
    let missing = serde_json::to_value(&config)
        .and_then(|full| Ok(missing_key(&serde_json::from_slice(&bytes)?, &full)))
        .map_err(|error| config_error(&path, &error))?;
    match missing {
        Some(key) => Err(BundleError::Config {
            path,
            message: format!("the key `{key}` is missing"),
        }),
        None => Ok(config),
    }
}

/// The first key of `full` that `found` lacks, as `outer.inner`.
fn missing_key(found: &Value, full: &Value) -> Option<String> {
    full.as_object()?.iter().find_map(|(key, full)| {
        let Some(found) = found.get(key) else {
            return Some(key.clone());
        };
        Some(format!("{key}.{}", missing_key(found, full)?))
    })
}

fn read_header(path: &Path) -> Result<(Vec<u8>, Header), BundleError> {
    let bytes = read(path)?;
    let header: Header = parse(path, &bytes)?;
    if header.format_version != FORMAT_VERSION {
        return Err(BundleError::Version {
            path: path.to_owned(),
            found: header.format_version,
        });
    }
    Ok((bytes, header))
}

fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, BundleError> {
    serde_json::from_slice(bytes).map_err(|error| config_error(path, &error))
}

fn config_error(path: &Path, error: &serde_json::Error) -> BundleError {
    BundleError::Config {
        path: path.to_owned(),
        message: error.to_string(),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BundleError> {
    std::fs::read(path).map_err(|source| BundleError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Writes the files of a bundle into an existing `directory`; each tokenizer has its file name.
///
/// # Errors
///
/// A file that cannot be written.
pub fn write<M: Serialize, N: Module>(
    directory: &Path,
    config: &BundleConfig<M>,
    tokenizers: &[(&str, &Tokenizer)],
    model: &N,
    readme: &str,
) -> Result<(), BundleError> {
    let config_json = serde_json::to_string_pretty(config).map_err(|error| BundleError::Write {
        path: directory.join(CONFIG_FILE),
        source: error.into(),
    })?;
    let write_file = |name: &str, contents: &[u8]| {
        let path = directory.join(name);
        std::fs::write(&path, contents).map_err(|source| BundleError::Write { path, source })
    };
    write_file(CONFIG_FILE, config_json.as_bytes())?;
    for (name, tokenizer) in tokenizers {
        write_file(name, tokenizer.to_json()?.as_bytes())?;
    }
    write_file(WEIGHTS_FILE, &weights_to_bytes(model))?;
    write_file(README_FILE, readme.as_bytes())
}
