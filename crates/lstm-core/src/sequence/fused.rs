//! The fused body's way between tensors and slices.

use burn::backend::Backend;
#[cfg(feature = "flex")]
use burn::backend::Flex;
use burn::backend::TensorMetadata;
#[cfg(feature = "flex")]
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{Shape, TensorData};

use super::cpu::{self, FastCell, Hands, Keep, Operands, Saved, Sizes};
use super::operation::{
    InputGradients, Inputs, OutputGradients, Outputs, Settings, Wanted, WayBack,
};

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

#[cfg(feature = "ndarray")]
#[allow(deprecated)] // by burn, which has it still
mod ndarray {
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
}

/// Runs one layer over a batch, and finds the way back if `keep` asks for one.
pub(super) fn run<B: OnSlices>(
    sizes: Sizes,
    inputs: Inputs<B>,
    settings: &Settings,
    keep: bool,
) -> (Outputs<B>, Option<Box<dyn WayBack<B>>>) {
    let inputs = Inputs::<B> {
        x: B::contiguous(inputs.x),
        input_weight: B::contiguous(inputs.input_weight),
        recurrent_weight: B::contiguous(inputs.recurrent_weight),
        input_bias: B::contiguous(inputs.input_bias),
        recurrent_bias: B::contiguous(inputs.recurrent_bias),
        projection_weight: B::contiguous(inputs.projection_weight),
        hidden: B::contiguous(inputs.hidden),
        cell: B::contiguous(inputs.cell),
    };
    let keep = match settings.options.checkpoint_every {
        _ if !keep => Keep::Nothing,
        None => Keep::Steps,
        Some(every) => Keep::Segments(every),
    };
    let result = operands(&sizes, &inputs, settings, |operands| {
        cpu::forward(operands, keep, Hands::WhoComes)
    });
    let packing = &settings.packing;
    let state = |values: Vec<f32>, features: usize| {
        let shape = Shape::from([sizes.directions, packing.batch, features]);
        B::tensor(values, shape)
    };
    let features = sizes.directions * sizes.d_recurrent;
    let outputs = Outputs::<B> {
        output: B::tensor(
            result.output,
            Shape::from([packing.batch, packing.time, features]),
        ),
        hidden: state(result.hidden, sizes.d_recurrent),
        cell: match sizes.cell {
            FastCell::Lstm => state(result.cell, sizes.d_hidden),
            FastCell::Gru => inputs.cell.clone(),
        },
    };
    let output = outputs.output.clone();
    let way_back = result.saved.map(|saved| {
        Box::new(FusedWayBack {
            sizes,
            inputs,
            output,
            saved,
        }) as Box<dyn WayBack<B>>
    });
    (outputs, way_back)
}

/// Calls `work` with the operands.
fn operands<B: OnSlices, R>(
    sizes: &Sizes,
    inputs: &Inputs<B>,
    settings: &Settings,
    work: impl FnOnce(&Operands) -> R,
) -> R {
    work(&Operands {
        sizes: *sizes,
        packing: &settings.packing,
        x: B::slice(&inputs.x),
        input_weight: B::slice(&inputs.input_weight),
        recurrent_weight: B::slice(&inputs.recurrent_weight),
        input_bias: B::slice(&inputs.input_bias),
        recurrent_bias: B::slice(&inputs.recurrent_bias),
        projection_weight: match sizes.is_projected() {
            true => B::slice(&inputs.projection_weight),
            false => &[],
        },
        hidden: B::slice(&inputs.hidden),
        cell: match sizes.cell {
            FastCell::Lstm => B::slice(&inputs.cell),
            FastCell::Gru => &[],
        },
        mask: settings.options.recurrent_mask.as_deref(),
        clip: settings.options.cell_clip,
    })
}

#[derive(Debug)]
struct FusedWayBack<B: Backend> {
    sizes: Sizes,
    inputs: Inputs<B>,
    output: FloatTensor<B>,
    saved: Saved,
}

impl<B: OnSlices> WayBack<B> for FusedWayBack<B> {
    fn go(
        self: Box<Self>,
        gradients: OutputGradients<B>,
        wanted: &Wanted,
        settings: &Settings,
    ) -> InputGradients<B> {
        let Self {
            sizes,
            inputs,
            output,
            saved,
        } = *self;
        let contiguous = |gradient: Option<FloatTensor<B>>| gradient.map(B::contiguous);
        let arrived = [gradients.output, gradients.hidden, gradients.cell].map(contiguous);
        let [d_output, d_hidden, d_cell] = arrived.each_ref().map(|d| d.as_ref().map(B::slice));
        // An LSTM has both biases' gradients from its input's sums.
        let biases = match sizes.cell {
            FastCell::Lstm => [wanted.input_bias, wanted.recurrent_bias],
            FastCell::Gru => [wanted.input_bias, false],
        };
        let result = operands(&sizes, &inputs, settings, |operands| {
            cpu::backward(
                operands,
                B::slice(&output),
                saved,
                &cpu::OutputGradients {
                    output: d_output,
                    hidden: d_hidden,
                    cell: d_cell,
                },
                cpu::Wanted {
                    x: wanted.x,
                    input: wanted.input_weight || biases.iter().any(|wanted| *wanted),
                    recurrent: wanted.recurrent_weight
                        || (sizes.cell == FastCell::Gru && wanted.recurrent_bias),
                    projection: wanted.projection_weight,
                },
                Hands::WhoComes,
            )
        });
        // What is not wanted is empty; sizes are not 0.
        let like = |values: Vec<f32>, like: &FloatTensor<B>| {
            (!values.is_empty()).then(|| B::tensor(values, like.shape()))
        };
        let weights = result.weights;
        InputGradients {
            x: result.x.map(|values| B::tensor(values, inputs.x.shape())),
            input_weight: like(weights.input_weight, &inputs.input_weight),
            recurrent_weight: like(weights.recurrent_weight, &inputs.recurrent_weight),
            input_bias: like(weights.input_bias, &inputs.input_bias),
            recurrent_bias: like(weights.recurrent_bias, &inputs.recurrent_bias),
            projection_weight: like(weights.projection_weight, &inputs.projection_weight),
            hidden: Some(B::tensor(result.hidden, inputs.hidden.shape())),
            cell: match sizes.cell {
                FastCell::Lstm => Some(B::tensor(result.cell, inputs.cell.shape())),
                FastCell::Gru => None,
            },
        }
    }
}
