//! The operation in burn's graph: one way for all bodies.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, TensorMetadata};
use burn::tensor::Shape;

use super::operation::{
    Bodies, Inputs, OutputGradients, Outputs, SequenceOperation, Settings, Wanted, WayBack,
};

impl<B: Bodies + SequenceOperation, C: CheckpointStrategy> SequenceOperation for Autodiff<B, C> {
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
        };
        match Through.prepare::<C>(guards).compute_bound().stateful() {
            OpsKind::UnTracked(prepared) => {
                drop(prepared);
                let (outputs, _) = B::run(inputs, &settings, false);
                Outputs {
                    output: Self::from_inner(outputs.output),
                    hidden: Self::from_inner(outputs.hidden),
                    cell: Self::from_inner(outputs.cell),
                }
            }
            OpsKind::Tracked(prepared) => {
                let (outputs, way_back) = B::run(inputs, &settings, true);
                let arrived = Arrived::<B>::default();
                let state = ThroughState {
                    way_back: Arc::new(Mutex::new(way_back)),
                    settings,
                    arrived: arrived.clone(),
                };
                let anchor = prepared.finish(state, anchor::<B>(&outputs.output));
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

/// One number, where `like` is.
fn anchor<B: Backend>(like: &FloatTensor<B>) -> FloatTensor<B> {
    B::float_zeros(Shape::from([1]), &like.device(), like.dtype().into())
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

impl<B: Bodies> Backward<B, 1> for Arrive {
    type State = (usize, Arrived<B>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (which, arrived) = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        if let [Some(parent)] = ops.parents {
            grads.register::<B>(parent.id, anchor::<B>(&gradient));
        }
        lock(&arrived)[which] = Some(gradient);
    }
}

/// The node of the operation.
#[derive(Debug)]
struct Through;

#[derive(Debug, Clone)]
struct ThroughState<B: Backend> {
    way_back: Arc<Mutex<Option<Box<dyn WayBack<B>>>>>,
    settings: Arc<Settings>,
    arrived: Arrived<B>,
}

impl<B: Bodies> Backward<B, 8> for Through {
    type State = ThroughState<B>;

    fn backward(self, ops: Ops<Self::State, 8>, grads: &mut Gradients, _: &mut Checkpointer) {
        let state = ops.state;
        let [output, hidden, cell] = std::mem::take(&mut *lock(&state.arrived));
        let gradients = OutputGradients {
            output,
            hidden,
            cell,
        };
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let wants = parents.each_ref().map(Option::is_some);
        let [
            x,
            input_weight,
            recurrent_weight,
            input_bias,
            recurrent_bias,
            projection_weight,
            _,
            _,
        ] = wants;
        let wanted = Wanted {
            x,
            input_weight,
            recurrent_weight,
            input_bias,
            recurrent_bias,
            projection_weight,
        };
        let Some(way_back) = lock(&state.way_back).take() else {
            unreachable!("burn goes back through a graph once")
        };
        let found = way_back.go(gradients, &wanted, &state.settings);
        let found = [
            found.x,
            found.input_weight,
            found.recurrent_weight,
            found.input_bias,
            found.recurrent_bias,
            found.projection_weight,
            found.hidden,
            found.cell,
        ];
        for (parent, gradient) in parents.into_iter().zip(found) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent, gradient);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
