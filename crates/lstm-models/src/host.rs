//! Operations on the CPU that walk over their input once, with their gradient written by hand.
//!
//! Composed of tensor operations, pooling and embedding pass over their large tensors many times,
//! forward and backward, which takes longer than what they compute. Elsewhere than on burn's CPU
//! backend `flex` a pass is a kernel's matter, and the tensor operations stand.

use std::fmt::Debug;
use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Device, Tensor, TensorData};

/// An operation on the values of one tensor, whose gradient does not depend on them.
pub(crate) trait HostOperation: Debug + Send + Sync {
    /// The output.
    fn forward(&self, input: &[f32]) -> TensorData;

    /// The gradient of the input, given that of the output.
    fn backward(&self, gradient: &[f32]) -> TensorData;
}

/// Whether `tensor` is one that [`apply`] works on.
pub(crate) fn holds<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && tensor.device() == Device::flex()
}

/// The operation's output on a tensor that this process [`holds`].
pub(crate) fn apply<const D: usize, const R: usize>(
    input: Tensor<D>,
    operation: impl HostOperation + 'static,
) -> Tensor<R> {
    let output = <Dispatch as HostOperations>::apply(input.into_dispatch(), Arc::new(operation));
    Tensor::from_dispatch(output)
}

#[backend_extension(Flex, Autodiff)]
trait HostOperations: Backend {
    fn apply(input: FloatTensor<Self>, operation: Arc<dyn HostOperation>) -> FloatTensor<Self>;

    fn differentiate(
        gradient: FloatTensor<Self>,
        operation: Arc<dyn HostOperation>,
    ) -> FloatTensor<Self>;
}

impl HostOperations for Flex {
    fn apply(input: FlexTensor, operation: Arc<dyn HostOperation>) -> FlexTensor {
        FlexTensor::from_data(operation.forward(floats(&input.to_contiguous())))
    }

    fn differentiate(gradient: FlexTensor, operation: Arc<dyn HostOperation>) -> FlexTensor {
        FlexTensor::from_data(operation.backward(floats(&gradient.to_contiguous())))
    }
}

fn floats(tensor: &FlexTensor) -> &[f32] {
    tensor
        .as_slice()
        .expect("contiguous, and asked for its element type")
}

impl<B: Backend + HostOperations, C: CheckpointStrategy> HostOperations for Autodiff<B, C> {
    fn apply(input: FloatTensor<Self>, operation: Arc<dyn HostOperation>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Gradient;

        impl<B: Backend + HostOperations> Backward<B, 1> for Gradient {
            type State = Arc<dyn HostOperation>;

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let [input] = ops.parents;
                let gradient = gradients.consume::<B>(&ops.node);
                if let Some(input) = input {
                    let gradient = B::differentiate(gradient, ops.state);
                    gradients.register::<B>(input.id, gradient);
                }
            }
        }

        let node = input.node();
        let input = input.into_primitive();
        let output = B::apply(input, operation.clone());
        match Gradient.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(operation, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn differentiate(
        _gradient: FloatTensor<Self>,
        _operation: Arc<dyn HostOperation>,
    ) -> FloatTensor<Self> {
        unimplemented!("burn differentiates once")
    }
}
