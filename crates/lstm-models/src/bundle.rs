//! What a user ships: a directory with `config.json`, `tokenizer.json`, `model.safetensors`, and a
//! `README.md` for people. This module reads and writes its parts; a task's model, such as
//! [`Classifier`](crate::Classifier), puts them together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Shape, Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::tokenizer::{Tokenizer, TokenizerError};

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

/// What can be wrong with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `config.json` is not what it should be.
    #[error("{path} is not a bundle's configuration: {message}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The bundle is of another format version.
    #[error("{path} has format version {found}, but this program reads version {FORMAT_VERSION}")]
    Version {
        /// The configuration file.
        path: PathBuf,
        /// The version found.
        found: u32,
    },
    /// The bundle is of another task.
    #[error("{path} is a bundle of the task `{found}`, not `{expected}`")]
    Task {
        /// The configuration file.
        path: PathBuf,
        /// The bundle's task.
        found: String,
        /// The task that was asked for.
        expected: &'static str,
    },
    /// The tokenizer is not what it should be.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// `model.safetensors` is damaged.
    #[error("{path} is not a complete safetensors file: {message}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// `model.safetensors` lacks tensors, or has some that the model does not know.
    #[error(
        "{path} does not fit its configuration: missing {missing:?}, unknown {unknown:?} \
         (config.json describes a model of {expected} tensors)"
    )]
    Names {
        /// The file.
        path: PathBuf,
        /// Tensors of the model that the file lacks.
        missing: Vec<String>,
        /// Tensors of the file that the model lacks.
        unknown: Vec<String>,
        /// How many tensors the model has.
        expected: usize,
    },
    /// A tensor has another shape or type than the model's.
    #[error("{path}: tensor `{tensor}` is {found}, expected {expected}")]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// Type and shape in the file.
        found: String,
        /// Type and shape of the model.
        expected: String,
    },
    /// A tensor holds something else than finite numbers.
    #[error("{path}: tensor `{tensor}` holds {value} at place {place}, expected finite numbers")]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// Where the first such value is, in row-major order from 0.
        place: usize,
        /// The value.
        value: f32,
    },
}

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

/// Writes the files of a bundle into an existing `directory`.
///
/// # Errors
///
/// A file that cannot be written.
pub fn write<M: Serialize, N: Module>(
    directory: &Path,
    config: &BundleConfig<M>,
    tokenizer: &Tokenizer,
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
    write_file(TOKENIZER_FILE, tokenizer.to_json()?.as_bytes())?;
    write_file(WEIGHTS_FILE, &weights_to_bytes(model))?;
    write_file(README_FILE, readme.as_bytes())
}

/// The bytes of a `model.safetensors`: every parameter by its path in the module, sorted, without
/// metadata, so that identical weights give identical bytes.
///
/// # Panics
///
/// If a parameter is not of 32-bit floats.
pub fn weights_to_bytes<N: Module>(model: &N) -> Vec<u8> {
    let tensors = parameters(model);
    let bytes: BTreeMap<&String, Vec<u8>> = tensors
        .iter()
        .map(|(name, data)| {
            let values = data.iter::<f32>().flat_map(f32::to_le_bytes).collect();
            (name, values)
        })
        .collect();
    let views = tensors.iter().map(|(name, data)| {
        let view = TensorView::new(Dtype::F32, data.shape().to_vec(), &bytes[name])
            .expect("a tensor has as many values as its shape says");
        (name, view)
    });
    safetensors::serialize(views, None).expect("the views are complete and have unique names")
}

/// Every parameter of a module by its path, sorted.
///
/// # Panics
///
/// If a parameter is not of 32-bit floats.
pub fn parameters<N: Module>(model: &N) -> BTreeMap<String, TensorData> {
    let mut collector = Collector::default();
    model.visit(&mut collector);
    collector.tensors
}

#[derive(Default)]
struct Collector {
    path: Vec<String>,
    tensors: BTreeMap<String, TensorData>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data();
        assert_eq!(data.dtype(), DType::F32, "weights are stored as f32");
        self.tensors.insert(self.path.join("."), data);
    }
}

/// The contents of a bundle's `model.safetensors`.
#[derive(Debug)]
pub struct WeightsFile {
    path: PathBuf,
    bytes: Vec<u8>,
    tensors: usize,
}

impl WeightsFile {
    /// Reads the file and checks that it is complete.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is cut short, or is not a safetensors file.
    pub fn read(directory: &Path) -> Result<Self, BundleError> {
        let path = directory.join(WEIGHTS_FILE);
        let bytes = read(&path)?;
        let tensors = deserialize(&path, &bytes)?.len();
        Ok(Self {
            path,
            bytes,
            tensors,
        })
    }

    /// How many tensors there are: no model that fits has more layers.
    pub fn tensors(&self) -> usize {
        self.tensors
    }

    /// How many values there may be in all tensors together: no model that fits has a greater size.
    pub fn values(&self) -> usize {
        self.bytes.len() / size_of::<f32>()
    }

    /// Puts the weights into a module of the same structure. Its own may be
    /// [placeholders](lstm_core::WeightDraws::placeholders).
    ///
    /// # Errors
    ///
    /// A tensor that is missing, unknown, of another shape or type, or with a value that is not
    /// finite.
    pub fn put_into<N: Module>(&self, model: N) -> Result<N, BundleError> {
        weights_from_bytes(&self.path, &self.bytes, model)
    }
}

fn deserialize<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>, BundleError> {
    SafeTensors::deserialize(bytes).map_err(|error| BundleError::Weights {
        path: path.to_owned(),
        message: error.to_string(),
    })
}

/// Puts the weights in the bytes of a `model.safetensors` into a module of the same structure;
/// `path` is what errors call the file.
///
/// # Errors
///
/// Bytes that are cut short or not a safetensors file; otherwise as [`WeightsFile::put_into`].
pub fn weights_from_bytes<N: Module>(
    path: &Path,
    bytes: &[u8],
    model: N,
) -> Result<N, BundleError> {
    let file = deserialize(path, bytes)?;
    let expected = shapes(&model);
    let found: BTreeMap<String, TensorView> = file
        .iter()
        .map(|(name, view)| (name.to_owned(), view))
        .collect();
    check_names(path, &expected, &found)?;
    let tensors = found
        .into_iter()
        .map(|(name, view)| {
            let data = tensor_data(path, &name, &view, &expected[&name])?;
            Ok((name, data))
        })
        .collect::<Result<_, BundleError>>()?;
    let mut loader = Loader {
        path: Vec::new(),
        tensors,
    };
    Ok(model.map(&mut loader))
}

fn check_names(
    path: &Path,
    expected: &BTreeMap<String, Shape>,
    found: &BTreeMap<String, TensorView>,
) -> Result<(), BundleError> {
    let missing: Vec<String> = expected
        .keys()
        .filter(|name| !found.contains_key(*name))
        .cloned()
        .collect();
    let unknown: Vec<String> = found
        .keys()
        .filter(|name| !expected.contains_key(*name))
        .cloned()
        .collect();
    if missing.is_empty() && unknown.is_empty() {
        return Ok(());
    }
    Err(BundleError::Names {
        path: path.to_owned(),
        missing,
        unknown,
        expected: expected.len(),
    })
}

fn tensor_data(
    path: &Path,
    name: &str,
    view: &TensorView,
    shape: &Shape,
) -> Result<TensorData, BundleError> {
    if view.dtype() != Dtype::F32 || view.shape() != &shape[..] {
        return Err(BundleError::Tensor {
            path: path.to_owned(),
            tensor: name.to_owned(),
            found: format!("{:?} {:?}", view.dtype(), view.shape()),
            expected: format!("F32 {:?}", &shape[..]),
        });
    }
    let values: Vec<f32> = view
        .data()
        .as_chunks()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    match values.iter().position(|value| !value.is_finite()) {
        Some(place) => Err(BundleError::NotFinite {
            path: path.to_owned(),
            tensor: name.to_owned(),
            place,
            value: values[place],
        }),
        None => Ok(TensorData::new(values, shape.clone())),
    }
}

/// The shape of every parameter by its path; reads no values.
fn shapes<N: Module>(model: &N) -> BTreeMap<String, Shape> {
    let mut collector = ShapeCollector::default();
    model.visit(&mut collector);
    collector.shapes
}

#[derive(Default)]
struct ShapeCollector {
    path: Vec<String>,
    shapes: BTreeMap<String, Shape>,
}

impl ModuleVisitor for ShapeCollector {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.shapes.insert(self.path.join("."), param.lazy_shape());
    }
}

/// Replaces each parameter by the tensor of its path; all are known to be there and to fit.
struct Loader {
    path: Vec<String>,
    tensors: BTreeMap<String, TensorData>,
}

impl ModuleMapper for Loader {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let data = self
            .tensors
            .remove(&name)
            .expect("the names were compared before");
        let (id, tensor, mapper) = param.consume();
        let loaded =
            Tensor::from_data(data, &tensor.device()).set_require_grad(tensor.is_require_grad());
        Param::from_mapped_value(id, loaded, mapper)
    }
}
