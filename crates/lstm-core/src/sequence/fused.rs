//! The sequence as one operation, where there is one.

use std::sync::Arc;

use burn::backend::{Dispatch, DispatchDevice};
use burn::module::Param;
use burn::tensor::{DType, Tensor};

use super::cpu::{FEW_ROWS, FastCell, Isa, Keep, Sizes};
use super::operation::{Inputs, SequenceOperation, Settings};
use super::packing::Packing;
use super::{Recurrence, SequenceOptions};
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

/// The sizes of a layer's body for batches of about this size.
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

/// Runs one layer over `x` `[batch, time, d_input]` from the states `[directions, batch,
/// features]`, hidden first.
pub(super) fn run(
    sizes: Sizes,
    x: Tensor<3>,
    weights: &PackedWeights,
    initial: Vec<Tensor<3>>,
    packing: &Arc<Packing>,
    options: SequenceOptions,
) -> (Tensor<3>, Vec<Tensor<3>>) {
    let device = x.device();
    let nothing = || Tensor::<1>::zeros([0], &device).into_dispatch();
    let bias = |bias: &Option<Param<Tensor<2>>>| match bias {
        Some(bias) => bias.val(),
        None => Tensor::zeros([sizes.directions, sizes.columns()], &device),
    };
    let states = initial.len();
    let mut initial = initial.into_iter().map(Tensor::into_dispatch);
    let inputs = Inputs {
        x: x.into_dispatch(),
        input_weight: weights.input_weight.val().into_dispatch(),
        recurrent_weight: weights.recurrent_weight.val().into_dispatch(),
        input_bias: bias(&weights.input_bias).into_dispatch(),
        recurrent_bias: bias(&weights.recurrent_bias).into_dispatch(),
        projection_weight: match &weights.projection_weight {
            Some(weight) => weight.val().into_dispatch(),
            None => nothing(),
        },
        hidden: initial.next().unwrap_or_else(nothing),
        cell: initial.next().unwrap_or_else(nothing),
    };
    let settings = Settings {
        sizes,
        packing: packing.clone(),
        mask: options.recurrent_mask,
        clip: options.cell_clip,
        keep: options.checkpoint_every.map_or(Keep::Steps, Keep::Segments),
    };
    let outputs = <Dispatch as SequenceOperation>::sequence(inputs, Arc::new(settings));
    let finals = [outputs.hidden, outputs.cell].into_iter().take(states);
    (
        Tensor::from_dispatch(outputs.output),
        finals.map(Tensor::from_dispatch).collect(),
    )
}
