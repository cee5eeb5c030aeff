//! The sequence as one operation, where there is one.

use std::sync::Arc;

use burn::backend::{Dispatch, DispatchDevice};
use burn::tensor::{DType, Tensor};

use super::Recurrence;
use super::cpu::{FastCell, Isa, Keep, Sizes};
use super::operation::{Inputs, SequenceOperation, Settings};
use super::packing::Packing;
use crate::gate::ResetGate;
use crate::weights::PackedWeights;

/// The fused cell of these equations, if there is a body for them on the device of `x`: on the CPU
/// (`flex`, `ndarray`), in 32-bit floats.
pub(super) fn body(recurrence: Recurrence, x: &Tensor<3>) -> Option<FastCell> {
    let on_cpu = match x.device().without_autodiff().as_dispatch() {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => true,
        #[allow(unreachable_patterns)] // without other backends
        _ => false,
    };
    match recurrence {
        _ if !on_cpu || x.dtype() != DType::F32 => None,
        Recurrence::Lstm => Some(FastCell::Lstm),
        Recurrence::Gru(ResetGate::AfterProduct) => Some(FastCell::Gru),
        Recurrence::Gru(ResetGate::BeforeProduct) => None,
    }
}

/// Runs one layer over `x` `[batch, time, d_input]` from the states `[directions, batch,
/// d_hidden]`.
pub(super) fn run(
    cell: FastCell,
    x: Tensor<3>,
    weights: &PackedWeights,
    initial: Vec<Tensor<3>>,
    packing: &Arc<Packing>,
) -> (Tensor<3>, Vec<Tensor<3>>) {
    let device = x.device();
    let sizes = Sizes {
        cell,
        directions: weights.directions(),
        d_input: weights.d_input(),
        d_hidden: weights.d_hidden(),
        isa: Isa::best(),
    };
    let bias = |bias: &Option<burn::module::Param<Tensor<2>>>| match bias {
        Some(bias) => bias.val(),
        None => Tensor::zeros([sizes.directions, sizes.columns()], &device),
    };
    let mut states = initial.into_iter();
    let mut state = || match states.next() {
        Some(state) => state.into_dispatch(),
        None => Tensor::<1>::zeros([0], &device).into_dispatch(),
    };
    let settings = Settings {
        sizes,
        packing: packing.clone(),
        mask: None,
        clip: None,
        keep: Keep::Steps,
    };
    let outputs = <Dispatch as SequenceOperation>::sequence(
        Inputs {
            x: x.into_dispatch(),
            input_weight: weights.input_weight.val().into_dispatch(),
            recurrent_weight: weights.recurrent_weight.val().into_dispatch(),
            input_bias: bias(&weights.input_bias).into_dispatch(),
            recurrent_bias: bias(&weights.recurrent_bias).into_dispatch(),
            hidden: state(),
            cell: state(),
        },
        Arc::new(settings),
    );
    let states = [outputs.hidden, outputs.cell];
    let states = states
        .into_iter()
        .take(cell.states())
        .map(Tensor::from_dispatch)
        .collect();
    (Tensor::from_dispatch(outputs.output), states)
}
