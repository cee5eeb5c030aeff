//! `model.safetensors`: the parameters of a module by their paths.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Shape, Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::error::BundleError;
use super::{WEIGHTS_FILE, read};
use crate::ranges::OutOfRange;

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

    /// Checks that no size is greater than what it is beside, how many values or tensors there are: none is then large
    /// enough to run out of memory or overflow.
    pub(crate) fn check_sizes(
        &self,
        sizes: impl IntoIterator<Item = (&'static str, usize, usize)>,
    ) -> Result<(), OutOfRange> {
        for (key, size, most) in sizes {
            if size > most {
                let message = format!(
                    "{size}, but {WEIGHTS_FILE} has {} tensors of {} values in all",
                    self.tensors(),
                    self.values()
                );
                return Err((key, message));
            }
        }
        Ok(())
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
