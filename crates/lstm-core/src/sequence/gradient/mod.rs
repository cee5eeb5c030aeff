//! The plain body as an operation: its gradient by back-propagation through time, written by hand in
//! tensor operations, for every device and float.
//!
//! Once the output is there, so is every h_{t-1}, and the gates of all steps are one product away. So
//! a forward pass keeps little: the output, and an LSTM's cell states. The backward pass computes
//! the gates again, for many steps at once, and from them all factors that do not depend on a
//! gradient; what is left for the time loop is to multiply by them, and the products with the
//! recurrent weights. Each weight's gradient is then one product over those steps.

mod gru;
mod lstm;
mod through_time;

use std::ops::Range;

use burn::tensor::Tensor;

use super::operation::{
    AsTensors, InputGradients, Inputs, OutputGradients, Outputs, Settings, Wanted, WayBack,
};
use super::{Recurrence, reference};
use crate::weights::DirectionWeights;
use through_time::{Direction, DirectionGradients};

/// Runs one layer over a batch, and finds the way back if `keep` asks for one.
pub(super) fn run<B: AsTensors>(
    recurrence: Recurrence,
    inputs: Inputs<B>,
    settings: &Settings,
    keep: bool,
) -> (Outputs<B>, Option<Box<dyn WayBack<B>>>) {
    let nothing = inputs.cell.clone();
    let layer = Layer::new(inputs);
    let weights: Vec<_> = layer.each_direction(|direction| layer.weights(direction));
    let every = settings.options.checkpoint_every.unwrap_or(1).max(1);
    let mut cells = layer.each_direction(|_| Vec::new());
    let (output, finals) = reference::run(
        recurrence,
        layer.x.clone(),
        &weights,
        layer.initial(),
        &settings.packing,
        &settings.options,
        |direction, step, state| {
            if let [_, cell] = state
                && keep
                && step % every == 0
            {
                cells[direction].push(cell.clone());
            }
        },
    );
    let mut finals = finals.into_iter().map(B::lower);
    let outputs = Outputs {
        output: B::lower(output.clone()),
        hidden: finals.next().expect("every state has a hidden part"),
        cell: finals.next().unwrap_or(nothing),
    };
    let way_back = keep.then(|| {
        Box::new(PlainWayBack {
            recurrence,
            layer,
            output,
            cells,
        }) as Box<dyn WayBack<B>>
    });
    (outputs, way_back)
}

/// The tensors that a layer reads, without autodiff.
#[derive(Debug)]
struct Layer {
    x: Tensor<3>,
    input_weight: Tensor<3>,
    recurrent_weight: Tensor<3>,
    input_bias: Option<Tensor<2>>,
    recurrent_bias: Option<Tensor<2>>,
    projection_weight: Option<Tensor<3>>,
    hidden: Tensor<3>,
    cell: Option<Tensor<3>>,
}

impl Layer {
    fn new<B: AsTensors>(inputs: Inputs<B>) -> Self {
        use burn::backend::TensorMetadata;
        // Nothing is one number in one dimension.
        let is_there = |primitive: &B::FloatTensorPrimitive| primitive.shape().num_dims() > 1;
        let matrix = |primitive| is_there(&primitive).then(|| B::lift::<2>(primitive));
        let stacked = |primitive| is_there(&primitive).then(|| B::lift::<3>(primitive));
        Self {
            x: B::lift(inputs.x),
            input_weight: B::lift(inputs.input_weight),
            recurrent_weight: B::lift(inputs.recurrent_weight),
            input_bias: matrix(inputs.input_bias),
            recurrent_bias: matrix(inputs.recurrent_bias),
            projection_weight: stacked(inputs.projection_weight),
            hidden: B::lift(inputs.hidden),
            cell: stacked(inputs.cell),
        }
    }

    fn each_direction<T>(&self, give: impl FnMut(usize) -> T) -> Vec<T> {
        (0..self.input_weight.dims()[0]).map(give).collect()
    }

    fn weights(&self, direction: usize) -> DirectionWeights {
        let bias = |bias: &Option<Tensor<2>>| {
            let bias = bias.clone();
            bias.map(|bias| bias.slice([direction..direction + 1]))
        };
        DirectionWeights {
            input_weight: reference::of_direction(&self.input_weight, direction),
            recurrent_weight: reference::of_direction(&self.recurrent_weight, direction),
            input_bias: bias(&self.input_bias),
            recurrent_bias: bias(&self.recurrent_bias),
            projection_weight: self
                .projection_weight
                .as_ref()
                .map(|weight| reference::of_direction(weight, direction)),
        }
    }

    /// The initial states, hidden first.
    fn initial(&self) -> Vec<Tensor<3>> {
        let mut states = vec![self.hidden.clone()];
        states.extend(self.cell.clone());
        states
    }

    /// The gradients of a layer that was given no step: the final states are the initial ones.
    fn untouched<B: AsTensors>(&self, d_finals: [Option<Tensor<3>>; 2]) -> InputGradients<B> {
        fn zeros<B: AsTensors, const D: usize>(like: &Tensor<D>) -> B::FloatTensorPrimitive {
            B::lower(like.zeros_like())
        }
        let [hidden, cell] = d_finals.map(|d_final| d_final.map(B::lower));
        InputGradients {
            x: Some(zeros::<B, 3>(&self.x)),
            input_weight: Some(zeros::<B, 3>(&self.input_weight)),
            recurrent_weight: Some(zeros::<B, 3>(&self.recurrent_weight)),
            input_bias: self.input_bias.as_ref().map(zeros::<B, 2>),
            recurrent_bias: self.recurrent_bias.as_ref().map(zeros::<B, 2>),
            projection_weight: self.projection_weight.as_ref().map(zeros::<B, 3>),
            hidden: hidden.or_else(|| Some(zeros::<B, 3>(&self.hidden))),
            cell: cell.or_else(|| self.cell.as_ref().map(zeros::<B, 3>)),
        }
    }
}

#[derive(Debug)]
struct PlainWayBack {
    recurrence: Recurrence,
    layer: Layer,
    /// `[batch, time, directions * d_recurrent]`
    output: Tensor<3>,
    /// Of an LSTM, for each direction: what the running sequences' cell states were before every
    /// step, or before every `checkpoint_every`th.
    cells: Vec<Vec<Tensor<2>>>,
}

impl<B: AsTensors> WayBack<B> for PlainWayBack {
    fn go(
        self: Box<Self>,
        gradients: OutputGradients<B>,
        wanted: &Wanted,
        settings: &Settings,
    ) -> InputGradients<B> {
        let d_output = gradients.output.map(B::lift::<3>);
        let d_hidden = gradients.hidden.map(B::lift::<3>);
        let d_cell = gradients.cell.map(B::lift::<3>);
        if settings.packing.active.is_empty() {
            return self.layer.untouched([d_hidden, d_cell]);
        }
        let mut found = Vec::new();
        for (index, cells) in self.cells.into_iter().enumerate() {
            let direction = Direction::new(
                self.recurrence,
                &self.layer,
                [&Some(self.output.clone()), &d_output],
                index,
                settings,
                wanted,
            );
            let d_final = self.layer.initial();
            let d_final = d_final
                .into_iter()
                .zip([&d_hidden, &d_cell])
                .map(|(state, gradient)| match gradient {
                    Some(gradient) => reference::of_direction(gradient, index),
                    None => reference::of_direction(&state.zeros_like(), index),
                })
                .collect();
            found.push(direction.go(cells, d_final));
        }
        DirectionGradients::stack(found, &self.layer.x)
    }
}

/// What the time loop of the backward pass asks of a cell. It knows a stretch of packed steps, in
/// which each time step is a range of rows.
trait CellGradient {
    /// One time step back: from the gradient of the states after it, hidden first, those of the
    /// recurrent product's columns and of the states before it.
    fn step(&self, rows: Range<usize>, after: Vec<Tensor<2>>) -> (Tensor<2>, Vec<Tensor<2>>);

    /// The gradient of the projected input, W·x_t + b, of all steps.
    fn projected(&self, steps: &StepGradients) -> Tensor<2>;

    /// The recurrent weights' part of the gradient.
    fn recurrent_weight(&self, steps: &StepGradients) -> Tensor<2>;

    /// The projection's part of the gradient, if the hidden state is projected.
    fn projection_weight(&self, _steps: &StepGradients) -> Option<Tensor<2>> {
        None
    }
}

/// What a stretch of packed steps is given.
struct Given {
    /// W·x_t + b: `[rows, gates * d_hidden]`
    projected: Tensor<2>,
    /// h_{t-1}: `[rows, d_recurrent]`
    hidden: Tensor<2>,
    /// `[rows, d_recurrent]`
    mask: Option<Tensor<2>>,
}

/// The gradients that the time loop finds over a stretch of packed steps.
struct StepGradients {
    /// Of U·h_{t-1} + b', or what stands for it in the cell: `[rows, gates * d_hidden]`
    recurrent: Tensor<2>,
    /// Of each step's h_t: `[active rows, d_recurrent]`
    hidden: Vec<Tensor<2>>,
}

impl StepGradients {
    /// Of h_t: `[rows, d_recurrent]`
    fn hidden(&self) -> Tensor<2> {
        Tensor::cat(self.hidden.clone(), 0)
    }
}

/// Some rows of packed steps.
fn rows_of(packed: &Tensor<2>, rows: &Range<usize>) -> Tensor<2> {
    packed.clone().slice([rows.clone()])
}

/// σ' at the place where σ is `value`.
fn sigmoid_slope(value: &Tensor<2>) -> Tensor<2> {
    // σ'(x) = σ(x) ⊙ (1 - σ(x))
    value.clone() * (1.0 - value.clone())
}

/// tanh' at the place where tanh is `value`.
fn tanh_slope(value: &Tensor<2>) -> Tensor<2> {
    // tanh'(x) = 1 - tanh²(x)
    1.0 - value.clone() * value.clone()
}
