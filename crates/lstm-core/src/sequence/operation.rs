//! The sequence as one operation of a backend, with a gradient of its own.

use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "flex")]
use burn::backend::Flex;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
#[cfg(feature = "flex")]
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, AutodiffBackend, Backend, ExtensionType, TensorMetadata, backend_extension,
};
use burn::tensor::{Shape, TensorData};

use super::cpu::{self, Cut, FastCell, Keep, Operands, OutputGradients, Saved, Sizes, Wanted};
use super::packing::Packing;

/// The tensors that a sequence reads.
#[derive(Debug, Clone, ExtensionType)]
pub struct Inputs<B: Backend> {
    /// `[batch, time, d_input]`
    pub x: FloatTensor<B>,
    /// `[directions, d_input, gates * d_hidden]`
    pub input_weight: FloatTensor<B>,
    /// `[directions, d_recurrent, gates * d_hidden]`
    pub recurrent_weight: FloatTensor<B>,
    /// `[directions, gates * d_hidden]`
    pub input_bias: FloatTensor<B>,
    /// `[directions, gates * d_hidden]`
    pub recurrent_bias: FloatTensor<B>,
    /// `[directions, d_hidden, d_projection]`; without a projection nothing, `[0]`
    pub projection_weight: FloatTensor<B>,
    /// `[directions, batch, d_recurrent]`
    pub hidden: FloatTensor<B>,
    /// `[directions, batch, d_hidden]`; of a GRU nothing, `[0]`
    pub cell: FloatTensor<B>,
}

/// The tensors that a sequence gives.
#[derive(Debug, Clone, ExtensionType)]
pub struct Outputs<B: Backend> {
    /// `[batch, time, directions * d_recurrent]`
    pub output: FloatTensor<B>,
    /// `[directions, batch, d_recurrent]`
    pub hidden: FloatTensor<B>,
    /// `[directions, batch, d_hidden]`; of a GRU nothing, `[0]`
    pub cell: FloatTensor<B>,
}

/// Everything about a sequence that is not a tensor.
#[derive(Debug)]
pub struct Settings {
    pub(super) sizes: Sizes,
    pub(super) packing: Arc<Packing>,
    /// `[directions, batch, d_recurrent]`
    pub(super) mask: Option<Vec<f32>>,
    pub(super) clip: Option<f32>,
    /// What is kept for the backward pass, if there is one.
    pub(super) keep: Keep,
}

impl Settings {
    /// How the work is cut for the threads that there are.
    fn cut(&self) -> Cut {
        Cut::best(&self.sizes, &self.packing, cpu::available())
    }
}

/// The operation, on every backend that has a fast body.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Autodiff
)]
pub trait SequenceOperation: Backend {
    /// Runs one layer over a batch.
    fn sequence(#[extension_type] inputs: Inputs<Self>, settings: Arc<Settings>) -> Outputs<Self>;
}

/// A backend whose tensors are slices in memory.
pub trait OnSlices: Backend {
    /// The same tensor, row by row.
    fn contiguous(tensor: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The values of a contiguous tensor of 32-bit floats.
    fn slice(tensor: &FloatTensor<Self>) -> &[f32];

    /// A tensor of these values.
    fn tensor(values: Vec<f32>, shape: Shape) -> FloatTensor<Self>;
}

#[cfg(feature = "flex")]
impl OnSlices for Flex {
    fn contiguous(tensor: FlexTensor) -> FlexTensor {
        tensor.to_contiguous()
    }

    fn slice(tensor: &FlexTensor) -> &[f32] {
        tensor
            .as_slice()
            .expect("a contiguous tensor of 32-bit floats, as was checked before")
    }

    fn tensor(values: Vec<f32>, shape: Shape) -> FlexTensor {
        FlexTensor::from_data(TensorData::new(values, shape))
    }
}

#[cfg(feature = "flex")]
impl SequenceOperation for Flex {
    fn sequence(inputs: Inputs<Self>, settings: Arc<Settings>) -> Outputs<Self> {
        run(&inputs.contiguous(), &settings, Keep::Nothing).0
    }
}

#[cfg(feature = "ndarray")]
#[allow(deprecated)] // by burn, which has it still
mod ndarray {
    //! The deprecated backend has the same body.
    use super::*;
    use burn::backend::NdArray;
    use burn::backend::ndarray::NdArrayTensor;

    impl OnSlices for NdArray {
        fn contiguous(tensor: NdArrayTensor) -> NdArrayTensor {
            let NdArrayTensor::F32(storage) = &tensor else {
                unreachable!("a tensor of 32-bit floats, as was checked before")
            };
            let view = storage.view();
            if view.is_standard_layout() {
                return tensor;
            }
            let values = view.iter().copied().collect();
            Self::tensor(values, tensor.shape())
        }

        fn slice(tensor: &NdArrayTensor) -> &[f32] {
            let NdArrayTensor::F32(storage) = tensor else {
                unreachable!("a tensor of 32-bit floats, as was checked before")
            };
            let slice = storage.view().to_slice();
            slice.expect("a contiguous tensor, as was made before")
        }

        fn tensor(values: Vec<f32>, shape: Shape) -> NdArrayTensor {
            NdArrayTensor::from_data(TensorData::new(values, shape))
        }
    }

    impl SequenceOperation for NdArray {
        fn sequence(inputs: Inputs<Self>, settings: Arc<Settings>) -> Outputs<Self> {
            run(&inputs.contiguous(), &settings, Keep::Nothing).0
        }
    }
}

impl<B: OnSlices> Inputs<B> {
    fn contiguous(self) -> Self {
        Self {
            x: B::contiguous(self.x),
            input_weight: B::contiguous(self.input_weight),
            recurrent_weight: B::contiguous(self.recurrent_weight),
            input_bias: B::contiguous(self.input_bias),
            recurrent_bias: B::contiguous(self.recurrent_bias),
            projection_weight: B::contiguous(self.projection_weight),
            hidden: B::contiguous(self.hidden),
            cell: B::contiguous(self.cell),
        }
    }

    /// Calls `work` with the operands.
    fn operands<R>(&self, settings: &Settings, work: impl FnOnce(&Operands) -> R) -> R {
        work(&Operands {
            sizes: settings.sizes,
            packing: &settings.packing,
            x: B::slice(&self.x),
            input_weight: B::slice(&self.input_weight),
            recurrent_weight: B::slice(&self.recurrent_weight),
            input_bias: B::slice(&self.input_bias),
            recurrent_bias: B::slice(&self.recurrent_bias),
            projection_weight: B::slice(&self.projection_weight),
            hidden: B::slice(&self.hidden),
            cell: B::slice(&self.cell),
            mask: settings.mask.as_deref(),
            clip: settings.clip,
        })
    }
}

fn run<B: OnSlices>(
    inputs: &Inputs<B>,
    settings: &Settings,
    keep: Keep,
) -> (Outputs<B>, Option<Saved>) {
    let result = inputs.operands(settings, |operands| {
        cpu::forward(operands, keep, settings.cut())
    });
    let sizes = &settings.sizes;
    let packing = &settings.packing;
    let state = |values: Vec<f32>, features: usize| {
        let shape = Shape::from([sizes.directions, packing.batch, features]);
        B::tensor(values, shape)
    };
    let features = sizes.directions * sizes.d_recurrent;
    let outputs = Outputs {
        output: B::tensor(
            result.output,
            Shape::from([packing.batch, packing.time, features]),
        ),
        hidden: state(result.hidden, sizes.d_recurrent),
        cell: match sizes.cell {
            FastCell::Lstm => state(result.cell, sizes.d_hidden),
            FastCell::Gru => B::tensor(result.cell, Shape::from([0])),
        },
    };
    (outputs, result.saved)
}

impl<B: OnSlices + SequenceOperation, C: CheckpointStrategy> SequenceOperation for Autodiff<B, C> {
    fn sequence(inputs: Inputs<Self>, settings: Arc<Settings>) -> Outputs<Self> {
        // Before anything is consumed.
        let guards = [
            inputs.x.node(),
            inputs.input_weight.node(),
            inputs.recurrent_weight.node(),
            inputs.input_bias.node(),
            inputs.recurrent_bias.node(),
            inputs.projection_weight.node(),
            inputs.hidden.node(),
            inputs.cell.node(),
        ];
        let inputs = Inputs::<B> {
            x: inputs.x.into_primitive(),
            input_weight: inputs.input_weight.into_primitive(),
            recurrent_weight: inputs.recurrent_weight.into_primitive(),
            input_bias: inputs.input_bias.into_primitive(),
            recurrent_bias: inputs.recurrent_bias.into_primitive(),
            projection_weight: inputs.projection_weight.into_primitive(),
            hidden: inputs.hidden.into_primitive(),
            cell: inputs.cell.into_primitive(),
        }
        .contiguous();
        match Through.prepare::<C>(guards).compute_bound().stateful() {
            OpsKind::UnTracked(prepared) => {
                drop(prepared);
                let (outputs, _) = run(&inputs, &settings, Keep::Nothing);
                Outputs {
                    output: Self::from_inner(outputs.output),
                    hidden: Self::from_inner(outputs.hidden),
                    cell: Self::from_inner(outputs.cell),
                }
            }
            OpsKind::Tracked(prepared) => {
                let (outputs, saved) = run(&inputs, &settings, settings.keep);
                let arrived = Arrived::<B>::default();
                let anchor = || B::tensor(vec![0.0], Shape::from([1]));
                let state = ThroughState {
                    inputs,
                    output: outputs.output.clone(),
                    settings,
                    saved: Arc::new(Mutex::new(saved)),
                    arrived: arrived.clone(),
                };
                let anchor = prepared.finish(state, anchor());
                let show = |which: usize, tensor: FloatTensor<B>| {
                    let guard = anchor.node();
                    let state = (which, arrived.clone());
                    match Arrive.prepare::<C>([guard]).compute_bound().stateful() {
                        OpsKind::Tracked(prepared) => prepared.finish(state, tensor),
                        OpsKind::UnTracked(prepared) => prepared.finish(tensor),
                    }
                };
                Outputs {
                    output: show(0, outputs.output),
                    hidden: show(1, outputs.hidden),
                    cell: show(2, outputs.cell),
                }
            }
        }
    }
}

/// The gradients of the three outputs, as they come in.
///
/// A node of burn's graph has one output and wants its gradient. So the operation's own node gives
/// nothing but an anchor, one number; each output is a child of the anchor that hands its gradient
/// over here when it comes. An output that nothing depends on hands over none.
type Arrived<B> = Arc<Mutex<[Option<FloatTensor<B>>; 3]>>;

/// The node of one output.
#[derive(Debug)]
struct Arrive;

impl<B: OnSlices> Backward<B, 1> for Arrive {
    type State = (usize, Arrived<B>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (which, arrived) = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        lock(&arrived)[which] = Some(gradient);
        if let [Some(anchor)] = ops.parents {
            grads.register::<B>(anchor.id, B::tensor(vec![0.0], Shape::from([1])));
        }
    }
}

/// The node of the operation.
#[derive(Debug)]
struct Through;

#[derive(Debug, Clone)]
struct ThroughState<B: Backend> {
    inputs: Inputs<B>,
    output: FloatTensor<B>,
    settings: Arc<Settings>,
    saved: Arc<Mutex<Option<Saved>>>,
    arrived: Arrived<B>,
}

impl<B: OnSlices> Backward<B, 8> for Through {
    type State = ThroughState<B>;

    fn backward(self, ops: Ops<Self::State, 8>, grads: &mut Gradients, _: &mut Checkpointer) {
        let state = ops.state;
        let [output, hidden, cell] =
            std::mem::take(&mut *lock(&state.arrived)).map(|gradient| gradient.map(B::contiguous));
        let Some(saved) = lock(&state.saved).take() else {
            unreachable!("burn goes back through a graph once")
        };
        let [x, weights @ .., initial_hidden, initial_cell] =
            ops.parents.map(|parent| parent.map(|parent| parent.id));
        let result = state.inputs.operands(&state.settings, |operands| {
            cpu::backward(
                operands,
                B::slice(&state.output),
                saved,
                &OutputGradients {
                    output: output.as_ref().map(B::slice),
                    hidden: hidden.as_ref().map(B::slice),
                    cell: cell.as_ref().map(B::slice),
                },
                Wanted {
                    x: x.is_some(),
                    weights: weights.iter().any(Option::is_some),
                },
                state.settings.cut(),
            )
        });
        let inputs = &state.inputs;
        let mut register =
            |parent: Option<NodeId>, values: Option<Vec<f32>>, like: &FloatTensor<B>| {
                if let (Some(parent), Some(values)) = (parent, values) {
                    grads.register::<B>(parent, B::tensor(values, like.shape()));
                }
            };
        register(x, result.x, &inputs.x);
        if let Some(gradients) = result.weights {
            for (parent, values, like) in [
                (weights[0], gradients.input_weight, &inputs.input_weight),
                (
                    weights[1],
                    gradients.recurrent_weight,
                    &inputs.recurrent_weight,
                ),
                (weights[2], gradients.input_bias, &inputs.input_bias),
                (weights[3], gradients.recurrent_bias, &inputs.recurrent_bias),
                (
                    weights[4],
                    gradients.projection_weight,
                    &inputs.projection_weight,
                ),
            ] {
                register(parent, Some(values), like);
            }
        }
        register(initial_hidden, Some(result.hidden), &inputs.hidden);
        register(initial_cell, Some(result.cell), &inputs.cell);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
