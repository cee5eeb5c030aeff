//! A single LSTM or GRU node, run as ONNX runs it.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::graph::Origin;
use super::node::{OnnxDirection, OnnxLayout, RecurrentNode, input};
use super::tensor::Fault;
use crate::dropout::Mode;
use crate::lengths::Lengths;
use crate::recurrent::{Cell, Recurrent};
use crate::state::{CarriedState, GruState, LstmState, RecurrentState};
use crate::weights::array::Array;
use crate::weights::error::WeightsError;
use crate::weights::recurrent::RecurrentWeights;

/// A single LSTM or GRU node of an [`OnnxModel`](super::OnnxModel), whichever way it reads, with the states
/// and lengths that the model holds.
///
/// Tensors have the shapes that the node's `layout` says: [`OnnxLayout`].
pub struct OnnxLayer {
    layer: Recurrent,
    direction: OnnxDirection,
    layout: OnnxLayout,
    sizes: Sizes,
    /// In the node's layout.
    state: Option<RecurrentState>,
    lengths: Option<Vec<usize>>,
}

#[derive(Debug, Clone, Copy)]
struct Sizes {
    d_input: usize,
    d_hidden: usize,
}

/// What a node gives.
#[derive(Debug, Clone)]
pub struct OnnxOutput {
    /// The hidden states of all time steps, zero in the padding: `[time, directions, batch, hidden_size]`,
    /// or `[batch, time, directions, hidden_size]` if the batch comes first.
    pub y: Tensor<4>,
    /// The hidden states after the last step: `[directions, batch, hidden_size]`, or
    /// `[batch, directions, hidden_size]`.
    pub y_h: Tensor<3>,
    /// An LSTM's cell states after the last step, of the same shape.
    pub y_c: Option<Tensor<3>>,
}

impl OnnxLayer {
    pub(super) fn read(node: &RecurrentNode, device: &Device) -> Result<Self, WeightsError> {
        let settings = node.settings()?;
        let weights = RecurrentWeights {
            cell: settings.cell,
            layers: vec![node.weights(&settings)?],
            converted: Vec::new(),
        };
        let sizes = Sizes {
            d_input: weights.d_input(),
            d_hidden: weights.d_hidden(),
        };
        let mut this = Self {
            layer: Recurrent::from_weights(&weights, device)?,
            direction: settings.direction,
            layout: settings.layout,
            sizes,
            state: None,
            lengths: None,
        };
        let hidden = this.constant_state(node, input::INITIAL_H)?;
        let cell = match settings.cell {
            Cell::Lstm => this.constant_state(node, input::INITIAL_C)?,
            Cell::Gru | Cell::GruResetBefore => None,
        };
        this.state = this.initial(hidden, cell, device);
        this.lengths = this.constant_lengths(node)?;
        Ok(this)
    }

    /// A state that the model holds.
    fn constant_state(
        &self,
        node: &RecurrentNode,
        index: usize,
    ) -> Result<Option<Array>, WeightsError> {
        let Some(name) = node.node.given(index) else {
            return Ok(None);
        };
        match node.graph.constant(name) {
            Ok(value) => {
                let element = value.element();
                let state = value
                    .floats()
                    .ok_or_else(|| node.fault(index, Fault::Element(element.to_owned())))?;
                let batch = self.batch_of(&state.shape);
                let expected = self.state_shape(batch.unwrap_or(1));
                node.expect(index, &state, &expected)?;
                Ok(Some(state))
            }
            Err(Fault::NotConstant(why)) => match node.graph.origin(name) {
                Origin::Zero | Origin::Outside => Ok(None),
                Origin::Constant => Err(node.fault(index, Fault::NotConstant(why))),
            },
            Err(fault) => Err(node.fault(index, fault)),
        }
    }

    fn constant_lengths(&self, node: &RecurrentNode) -> Result<Option<Vec<usize>>, WeightsError> {
        let index = input::SEQUENCE_LENS;
        let Some(name) = node.node.given(index) else {
            return Ok(None);
        };
        let value = match node.graph.constant(name) {
            Ok(value) => value,
            Err(Fault::NotConstant(_)) => return Ok(None),
            Err(fault) => return Err(node.fault(index, fault)),
        };
        let lengths = value.integers();
        let lengths = lengths.ok_or_else(|| {
            node.fault(
                index,
                Fault::Damaged("it is of type f32, expected int32".to_owned()),
            )
        })?;
        let lengths = lengths.iter().map(|length| usize::try_from(*length));
        let lengths = lengths.collect::<Result<_, _>>();
        let lengths = lengths
            .map_err(|_| node.fault(index, Fault::Damaged("it has a length below 0".to_owned())))?;
        Ok(Some(lengths))
    }

    /// The state of constants, of which one may be zero.
    fn initial(
        &self,
        hidden: Option<Array>,
        cell: Option<Array>,
        device: &Device,
    ) -> Option<RecurrentState> {
        let shape = hidden.as_ref().or(cell.as_ref())?.shape.clone();
        let tensor = |array: Option<Array>| {
            let array = array.unwrap_or_else(|| {
                let count = shape.iter().product();
                Array::new(shape.clone(), vec![0.0; count])
            });
            Tensor::<3>::from_data(TensorData::new(array.values, array.shape), device)
        };
        Some(match self.layer {
            Recurrent::Lstm(_) => RecurrentState::Lstm(LstmState {
                hidden: tensor(hidden),
                cell: tensor(cell),
            }),
            Recurrent::Gru(_) => RecurrentState::Gru(GruState {
                hidden: tensor(hidden),
            }),
        })
    }

    fn batch_of(&self, shape: &[usize]) -> Option<usize> {
        match (self.layout, shape) {
            (OnnxLayout::TimeFirst, [_, batch, _]) | (OnnxLayout::BatchFirst, [batch, _, _]) => {
                Some(*batch)
            }
            _ => None,
        }
    }

    fn state_shape(&self, batch: usize) -> [usize; 3] {
        let directions = self.direction.count();
        match self.layout {
            OnnxLayout::TimeFirst => [directions, batch, self.sizes.d_hidden],
            OnnxLayout::BatchFirst => [batch, directions, self.sizes.d_hidden],
        }
    }

    /// Runs the node.
    ///
    /// # Shapes
    ///
    /// - `x`: `[time, batch, input_size]`, or `[batch, time, input_size]` if the batch comes first
    /// - `sequence_lens`: one for each sequence; `None` are those of the model, or the whole time
    /// - `state`: hidden and cell of `[directions, batch, hidden_size]`, or
    ///   `[batch, directions, hidden_size]`; `None` is that of the model, or zero
    ///
    /// # Errors
    ///
    /// Sizes that do not fit each other or the node, or the state of the other kind of cell.
    pub fn forward(
        &self,
        x: Tensor<3>,
        sequence_lens: Option<&[usize]>,
        state: Option<RecurrentState>,
    ) -> Result<OnnxOutput, WeightsError> {
        let batch_first = self.layout == OnnxLayout::BatchFirst;
        let [batch, time, features] = match batch_first {
            true => x.dims(),
            false => {
                let [time, batch, features] = x.dims();
                [batch, time, features]
            }
        };
        same("the input's features", &[features], &[self.sizes.d_input])?;
        let lengths = sequence_lens.or(self.lengths.as_deref());
        let lengths = match lengths {
            Some(lengths) => {
                same("the number of sequence_lens", &[lengths.len()], &[batch])?;
                Lengths::new(lengths, time).map_err(|error| WeightsError::Size {
                    what: format!("a length in sequence_lens (of sequence {})", error.index),
                    found: error.length.to_string(),
                    expected: format!("at most {time}"),
                })?
            }
            None => Lengths::full(batch, time),
        };
        let state = state.or_else(|| self.state.clone());
        if let Some(state) = &state {
            self.check_state(state, batch)?;
        }

        // Our layers have the batch of a sequence first, and that of a state second.
        let x = if batch_first { x } else { x.swap_dims(0, 1) };
        let state = state.map(|state| self.turned(state));
        let backwards = (self.direction == OnnxDirection::Reverse).then_some(&lengths);
        let x = reversed(x, backwards);
        let (output, state) = self.layer.forward(x, &lengths, state, Mode::Inference);
        let output = reversed(output, backwards);
        let directions = self.direction.count();
        let y = output.reshape([batch, time, directions, self.sizes.d_hidden]);
        let y = if batch_first {
            y
        } else {
            y.permute([1, 2, 0, 3])
        };
        Ok(match self.turned(state) {
            RecurrentState::Lstm(LstmState { hidden, cell }) => OnnxOutput {
                y,
                y_h: hidden,
                y_c: Some(cell),
            },
            RecurrentState::Gru(GruState { hidden }) => OnnxOutput {
                y,
                y_h: hidden,
                y_c: None,
            },
        })
    }

    fn check_state(&self, state: &RecurrentState, batch: usize) -> Result<(), WeightsError> {
        let expected = self.state_shape(batch);
        match (state, &self.layer) {
            (RecurrentState::Lstm(state), Recurrent::Lstm(_)) => {
                same("the hidden state", &state.hidden.dims(), &expected)?;
                same("the cell state", &state.cell.dims(), &expected)
            }
            (RecurrentState::Gru(state), Recurrent::Gru(_)) => {
                same("the hidden state", &state.hidden.dims(), &expected)
            }
            (found, _) => Err(WeightsError::Size {
                what: "the state".to_owned(),
                found: match found {
                    RecurrentState::Lstm(_) => "that of an LSTM".to_owned(),
                    RecurrentState::Gru(_) => "that of a GRU".to_owned(),
                },
                expected: "that of the other cell".to_owned(),
            }),
        }
    }

    /// A state between the node's layout and ours.
    fn turned(&self, state: RecurrentState) -> RecurrentState {
        match self.layout {
            OnnxLayout::TimeFirst => state,
            OnnxLayout::BatchFirst => state.map(|tensor| tensor.swap_dims(0, 1)),
        }
    }

    /// Which way the node reads.
    pub fn direction(&self) -> OnnxDirection {
        self.direction
    }

    /// Which dimension is which.
    pub fn layout(&self) -> OnnxLayout {
        self.layout
    }

    /// The state that the model holds, in the node's layout.
    pub fn state(&self) -> Option<&RecurrentState> {
        self.state.as_ref()
    }

    /// The `sequence_lens` that the model holds.
    pub fn sequence_lens(&self) -> Option<&[usize]> {
        self.lengths.as_deref()
    }
}

fn same(what: &str, found: &[usize], expected: &[usize]) -> Result<(), WeightsError> {
    if found == expected {
        return Ok(());
    }
    Err(WeightsError::Size {
        what: what.to_owned(),
        found: format!("{found:?}"),
        expected: format!("{expected:?}"),
    })
}

/// Sequences `[batch, time, features]` turned around, each within its length, if lengths are given.
fn reversed(x: Tensor<3>, lengths: Option<&Lengths>) -> Tensor<3> {
    let Some(lengths) = lengths else {
        return x;
    };
    let [batch, time, features] = x.dims();
    if batch == 0 || time == 0 {
        return x;
    }
    let sequences = lengths.as_slice().iter().enumerate();
    let rows: Vec<i64> = sequences
        .flat_map(|(sequence, length)| {
            let steps = (0..*length).rev().chain(*length..time);
            steps.map(move |step| (sequence * time + step) as i64)
        })
        .collect();
    let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [batch * time]), &x.device());
    let turned = x.reshape([batch * time, features]).select(0, rows);
    turned.reshape([batch, time, features])
}
