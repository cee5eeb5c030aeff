//! The sequence as one operation of a backend, with a gradient of its own.

use std::fmt::Debug;
use std::sync::Arc;

#[cfg(feature = "_cube")]
use burn::backend::Cube;
#[cfg(feature = "flex")]
use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Backend, Dispatch, DispatchDevice, DispatchKindConversion, DispatchTensor, ExtensionType,
    backend_extension,
};
use burn::module::Param;
use burn::tensor::{DType, Tensor};

use super::cpu::{FEW_ROWS, FastCell, Isa, Sizes};
use super::packing::Packing;
use super::{Recurrence, SequenceOptions, gradient};
use crate::gate::ResetGate;
use crate::weights::PackedWeights;

/// The tensors that a sequence reads.
///
/// What a layer does not have is *nothing*: one number that nobody reads.
#[derive(Debug, Clone, ExtensionType)]
pub struct Inputs<B: Backend> {
    /// `[batch, time, d_input]`
    pub x: FloatTensor<B>,
    /// `[directions, d_input, gates * d_hidden]`
    pub input_weight: FloatTensor<B>,
    /// `[directions, d_recurrent, gates * d_hidden]`
    pub recurrent_weight: FloatTensor<B>,
    /// `[directions, gates * d_hidden]`; without biases zeros for a fused body, else nothing
    pub input_bias: FloatTensor<B>,
    /// `[directions, gates * d_hidden]`; without biases zeros for a fused body, else nothing
    pub recurrent_bias: FloatTensor<B>,
    /// `[directions, d_hidden, d_projection]`; without a projection nothing
    pub projection_weight: FloatTensor<B>,
    /// `[directions, batch, d_recurrent]`
    pub hidden: FloatTensor<B>,
    /// `[directions, batch, d_hidden]`; of a GRU nothing
    pub cell: FloatTensor<B>,
}

/// The tensors that a sequence gives.
#[derive(Debug, Clone, ExtensionType)]
pub struct Outputs<B: Backend> {
    /// `[batch, time, directions * d_recurrent]`
    pub output: FloatTensor<B>,
    /// `[directions, batch, d_recurrent]`
    pub hidden: FloatTensor<B>,
    /// `[directions, batch, d_hidden]`; of a GRU nothing
    pub cell: FloatTensor<B>,
}

/// Which body computes.
#[derive(Debug, Clone, Copy)]
pub enum Body {
    /// On slices of 32-bit floats.
    Fused(Sizes),
    /// In tensor operations.
    Plain(Recurrence),
}

impl Body {
    /// The fastest body for these equations on the device of `x`, if the operation is there.
    pub(super) fn of(
        recurrence: Recurrence,
        x: &Tensor<3>,
        weights: &PackedWeights,
    ) -> Option<Self> {
        let on_cpu = match x.device().without_autodiff().as_dispatch() {
            #[cfg(feature = "flex")]
            DispatchDevice::Flex(_) => true,
            #[cfg(feature = "ndarray")]
            DispatchDevice::NdArray(_) => true,
            #[cfg(feature = "_cube")]
            DispatchDevice::Cube(_) => false,
            // A backend that whoever uses this crate has added to burn.
            #[allow(unreachable_patterns)]
            _ => return None,
        };
        let fast = match recurrence {
            _ if !on_cpu || x.dtype() != DType::F32 => None,
            Recurrence::Lstm => Some(FastCell::Lstm),
            Recurrence::Gru(ResetGate::AfterProduct) => Some(FastCell::Gru),
            Recurrence::Gru(ResetGate::BeforeProduct) => None,
        };
        Some(match fast {
            Some(cell) => Self::Fused(sizes(cell, weights, x.dims()[0])),
            None => Self::Plain(recurrence),
        })
    }
}

/// The sizes of a layer's fused body for batches of about this size.
pub(crate) fn sizes(cell: FastCell, weights: &PackedWeights, batch: usize) -> Sizes {
    Sizes {
        cell,
        directions: weights.directions(),
        d_input: weights.d_input(),
        d_hidden: weights.d_hidden(),
        d_recurrent: weights.d_recurrent(),
        isa: Isa::best(),
        few_rows: batch <= FEW_ROWS,
    }
}

/// Everything about a sequence that is not a tensor.
#[derive(Debug)]
pub struct Settings {
    pub(super) body: Body,
    pub(super) packing: Arc<Packing>,
    pub(super) options: SequenceOptions,
}

/// The operation, on every backend that this crate has a feature for.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "_cube"),
    Autodiff
)]
pub trait SequenceOperation: Backend {
    /// Runs one layer over a batch.
    fn sequence(#[extension_type] inputs: Inputs<Self>, settings: Arc<Settings>) -> Outputs<Self>;
}

/// Runs one layer over `x` `[batch, time, d_input]` from the states `[directions, batch,
/// features]`, hidden first.
pub(super) fn call(
    body: Body,
    x: Tensor<3>,
    weights: &PackedWeights,
    initial: Vec<Tensor<3>>,
    packing: &Arc<Packing>,
    options: SequenceOptions,
) -> (Tensor<3>, Vec<Tensor<3>>) {
    let device = x.device();
    let like = (&device, x.dtype());
    let nothing = || Tensor::<1>::zeros([1], like).into_dispatch();
    let bias = |bias: &Option<Param<Tensor<2>>>| match (bias, body) {
        (Some(bias), _) => bias.val().into_dispatch(),
        (None, Body::Plain(_)) => nothing(),
        (None, Body::Fused(sizes)) => {
            Tensor::<2>::zeros([sizes.directions, sizes.columns()], like).into_dispatch()
        }
    };
    let states = initial.len();
    let mut initial = initial.into_iter().map(Tensor::into_dispatch);
    let inputs = Inputs {
        x: x.into_dispatch(),
        input_weight: weights.input_weight.val().into_dispatch(),
        recurrent_weight: weights.recurrent_weight.val().into_dispatch(),
        input_bias: bias(&weights.input_bias),
        recurrent_bias: bias(&weights.recurrent_bias),
        projection_weight: match &weights.projection_weight {
            Some(weight) => weight.val().into_dispatch(),
            None => nothing(),
        },
        hidden: initial.next().unwrap_or_else(nothing),
        cell: initial.next().unwrap_or_else(nothing),
    };
    let settings = Settings {
        body,
        packing: packing.clone(),
        options,
    };
    let outputs = <Dispatch as SequenceOperation>::sequence(inputs, Arc::new(settings));
    let finals = [outputs.hidden, outputs.cell].into_iter().take(states);
    (
        Tensor::from_dispatch(outputs.output),
        finals.map(Tensor::from_dispatch).collect(),
    )
}

/// A backend that runs the bodies, without autodiff.
pub trait Bodies: AsTensors {
    /// Runs one layer over a batch, and finds the way back if `keep` asks for one.
    fn run(
        inputs: Inputs<Self>,
        settings: &Settings,
        keep: bool,
    ) -> (Outputs<Self>, Option<Box<dyn WayBack<Self>>>);
}

/// What a body keeps for its backward pass, and the backward pass.
pub trait WayBack<B: Backend>: Debug + Send {
    /// The gradients of the inputs that are wanted, and perhaps of others.
    fn go(
        self: Box<Self>,
        gradients: OutputGradients<B>,
        wanted: &Wanted,
        settings: &Settings,
    ) -> InputGradients<B>;
}

/// The gradients of [`Outputs`]: none where nothing depends on one.
#[derive(Debug, Clone)]
pub struct OutputGradients<B: Backend> {
    pub output: Option<FloatTensor<B>>,
    pub hidden: Option<FloatTensor<B>>,
    pub cell: Option<FloatTensor<B>>,
}

/// Which of the [`Inputs`] want a gradient, beside the initial states.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub x: bool,
    pub input_weight: bool,
    pub recurrent_weight: bool,
    pub input_bias: bool,
    pub recurrent_bias: bool,
    pub projection_weight: bool,
}

/// The gradients of [`Inputs`].
#[derive(Debug, Clone)]
pub struct InputGradients<B: Backend> {
    pub x: Option<FloatTensor<B>>,
    pub input_weight: Option<FloatTensor<B>>,
    pub recurrent_weight: Option<FloatTensor<B>>,
    pub input_bias: Option<FloatTensor<B>>,
    pub recurrent_bias: Option<FloatTensor<B>>,
    pub projection_weight: Option<FloatTensor<B>>,
    pub hidden: Option<FloatTensor<B>>,
    pub cell: Option<FloatTensor<B>>,
}

/// A backend that burn's own tensors can run on, so that what is written for them can be called
/// from within an operation.
pub trait AsTensors: Backend {
    /// A tensor without autodiff.
    fn lift<const D: usize>(primitive: FloatTensor<Self>) -> Tensor<D>;

    /// What a tensor without autodiff is made of.
    fn lower<const D: usize>(tensor: Tensor<D>) -> FloatTensor<Self>;
}

impl<B: Backend> AsTensors for B
where
    DispatchTensor: DispatchKindConversion<B>,
{
    fn lift<const D: usize>(primitive: FloatTensor<Self>) -> Tensor<D> {
        Tensor::from_primitive::<B>(primitive)
    }

    fn lower<const D: usize>(tensor: Tensor<D>) -> FloatTensor<Self> {
        tensor
            .try_into_primitive::<B>()
            .expect("what is computed from a backend's tensors stays on it")
    }
}

/// Either body.
#[cfg(any(feature = "flex", feature = "ndarray"))]
fn on_the_cpu<B: super::fused::OnSlices + AsTensors>(
    inputs: Inputs<B>,
    settings: &Settings,
    keep: bool,
) -> (Outputs<B>, Option<Box<dyn WayBack<B>>>) {
    match settings.body {
        Body::Fused(sizes) => super::fused::run(sizes, inputs, settings, keep),
        Body::Plain(recurrence) => gradient::run(recurrence, inputs, settings, keep),
    }
}

#[cfg(feature = "flex")]
impl Bodies for Flex {
    fn run(
        inputs: Inputs<Self>,
        settings: &Settings,
        keep: bool,
    ) -> (Outputs<Self>, Option<Box<dyn WayBack<Self>>>) {
        on_the_cpu(inputs, settings, keep)
    }
}

#[cfg(feature = "flex")]
impl SequenceOperation for Flex {
    fn sequence(inputs: Inputs<Self>, settings: Arc<Settings>) -> Outputs<Self> {
        Self::run(inputs, &settings, false).0
    }
}

#[cfg(feature = "ndarray")]
#[allow(deprecated)] // by burn, which has it still
mod ndarray {
    //! The deprecated backend has the same bodies.
    use super::*;
    use burn::backend::NdArray;

    impl Bodies for NdArray {
        fn run(
            inputs: Inputs<Self>,
            settings: &Settings,
            keep: bool,
        ) -> (Outputs<Self>, Option<Box<dyn WayBack<Self>>>) {
            on_the_cpu(inputs, settings, keep)
        }
    }

    impl SequenceOperation for NdArray {
        fn sequence(inputs: Inputs<Self>, settings: Arc<Settings>) -> Outputs<Self> {
            Self::run(inputs, &settings, false).0
        }
    }
}

/// All of CubeCL's devices; where burn fuses operations, `Cube` is the backend that does, and the
/// plain body's are fused like any others.
#[cfg(feature = "_cube")]
mod cube {
    use super::*;

    impl Bodies for Cube {
        fn run(
            inputs: Inputs<Self>,
            settings: &Settings,
            keep: bool,
        ) -> (Outputs<Self>, Option<Box<dyn WayBack<Self>>>) {
            let Body::Plain(recurrence) = settings.body else {
                unreachable!("a fused body is chosen on the CPU alone")
            };
            gradient::run(recurrence, inputs, settings, keep)
        }
    }

    impl SequenceOperation for Cube {
        fn sequence(inputs: Inputs<Self>, settings: Arc<Settings>) -> Outputs<Self> {
            Self::run(inputs, &settings, false).0
        }
    }
}
