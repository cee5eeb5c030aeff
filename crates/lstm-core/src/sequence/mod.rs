//! One layer, in one or two directions, over a whole batch of ragged sequences.

mod cpu;
#[cfg_attr(not(any(feature = "flex", feature = "ndarray")), allow(dead_code))]
mod fused;
mod gradient;
mod node;
mod operation;
mod packing;
mod reference;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::cell::{GruStep, LstmStep};
use crate::dropout::{DropoutMask, Mode, dropout, recurrent_mask, weight_mask};
use crate::gate::ResetGate;
use crate::lengths::Lengths;
use crate::random::Purpose;
use crate::state::{GruState, LstmState};
use crate::weights::{DirectionWeights, PackedWeights};
pub(crate) use cpu::{Company, FastCell, LayerStream, LooseWeights, PreparedWeights};
use operation::Body;
pub(crate) use operation::sizes;
use packing::Packing;
pub use reference::split_rows;

/// The equations that a sequence is run with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Recurrence {
    Lstm,
    Gru(ResetGate),
}

impl Recurrence {
    /// The features of each tensor of the state of one direction: hidden first.
    fn state_features(self, weights: &PackedWeights) -> Vec<usize> {
        match self {
            Self::Lstm => vec![weights.d_recurrent(), weights.d_hidden()],
            Self::Gru(_) => vec![weights.d_recurrent()],
        }
    }

    fn time_step(self, weights: &DirectionWeights, options: &SequenceOptions) -> TimeStep {
        match self {
            Self::Lstm => TimeStep::Lstm(LstmStep::new(weights, options.cell_clip)),
            Self::Gru(reset) => TimeStep::Gru(GruStep::new(weights, reset)),
        }
    }
}

/// What one layer is run with beside its tensors.
#[derive(Debug, Clone, Default)]
pub(crate) struct SequenceOptions {
    /// c_t is limited to ± this at each step, before anything reads it; of an LSTM only.
    pub cell_clip: Option<f32>,
    /// What the recurrent products multiply h_{t-1} by at every step: `[directions, batch,
    /// d_recurrent]`, rows as in the batch.
    pub recurrent_mask: Option<Vec<f32>>,
    /// In training, keep the states of every so many time steps and compute what lies between
    /// them again when the gradients are; without, keep every step's.
    pub checkpoint_every: Option<usize>,
}

impl SequenceOptions {
    /// The recurrent mask `[batch, d_recurrent]` of one direction.
    fn mask_of(
        &self,
        direction: usize,
        [batch, d_recurrent]: [usize; 2],
        options: (&Device, DType),
    ) -> Option<Tensor<2>> {
        let mask = self.recurrent_mask.as_ref()?;
        let count = batch * d_recurrent;
        let own = mask[direction * count..(direction + 1) * count].to_vec();
        let own = TensorData::new(own, [batch, d_recurrent]);
        Some(Tensor::from_data(own, options))
    }
}

/// One direction's time step. Its state is one tensor `[rows, features]` each, hidden first.
enum TimeStep {
    Lstm(LstmStep),
    Gru(GruStep),
}

impl TimeStep {
    /// `[rows, d_input]` to `[rows, gates * d_hidden]`
    fn project(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Lstm(step) => step.project(x),
            Self::Gru(step) => step.project(x),
        }
    }

    /// The rest of the step, from the projected input. The recurrent products read
    /// `recurrent_mask` `[rows, d_recurrent]` ⊙ h_{t-1}.
    fn forward(
        &self,
        projected: Tensor<2>,
        state: Vec<Tensor<2>>,
        recurrent_mask: Option<&Tensor<2>>,
    ) -> Vec<Tensor<2>> {
        let mut state = state.into_iter();
        let mut next = || {
            state
                .next()
                .expect("a state has as many tensors as Recurrence::state_features says")
        };
        match self {
            Self::Lstm(step) => {
                let state = LstmState {
                    hidden: next(),
                    cell: next(),
                };
                let state = step.forward(projected, state, recurrent_mask);
                vec![state.hidden, state.cell]
            }
            Self::Gru(step) => {
                let state = GruState { hidden: next() };
                vec![step.forward(projected, state, recurrent_mask).hidden]
            }
        }
    }
}

/// What all layers of a stack share.
pub(crate) struct Stack<'a> {
    pub recurrence: Recurrence,
    pub layers: &'a [PackedWeights],
    /// Layers of other stacks, whose output this one reads.
    pub layers_below: usize,
    /// Probability of dropout between layers.
    pub dropout: f64,
    pub dropout_mask: DropoutMask,
    /// Probability of dropout on the hidden state that the recurrent products read.
    pub recurrent_dropout: f64,
    /// Probability of dropout on the recurrent weights.
    pub weight_dropout: f64,
    /// What the cell states of an LSTM are limited to.
    pub cell_clip: Option<f32>,
    /// How many time steps lie between the states that training keeps.
    pub checkpoint_every: Option<usize>,
}

impl Stack<'_> {
    /// Runs all layers over `x` `[batch, time, d_input]`.
    ///
    /// The state, initial and final, is one tensor `[layers * directions, batch, features]` each,
    /// hidden first; without an initial one it starts at zero.
    pub fn forward(
        &self,
        x: Tensor<3>,
        lengths: &Lengths,
        initial: Option<Vec<Tensor<3>>>,
        mode: Mode,
    ) -> (Tensor<3>, Vec<Tensor<3>>) {
        let first = &self.layers[0];
        let directions = first.directions();
        let rows = self.layers.len() * directions;
        check_input(&x, lengths, first.d_input());
        let features = self.recurrence.state_features(first);
        let initial = initial.unwrap_or_else(|| {
            let zeros = |&features| {
                let shape = [rows, lengths.batch(), features];
                Tensor::zeros(shape, (&x.device(), x.dtype()))
            };
            features.iter().map(zeros).collect()
        });
        for (state, &features) in initial.iter().zip(&features) {
            assert_eq!(
                state.dims(),
                [rows, lengths.batch(), features],
                "an initial state is [layers * directions, batch, d_hidden], its hidden state \
                 d_projection wide if that is projected"
            );
        }

        check_floats(&x, self.layers, &initial);

        let packing = Arc::new(Packing::new(lengths));
        let mut output = x;
        let mut finals = vec![Vec::new(); initial.len()];
        for (index, weights) in self.layers.iter().enumerate() {
            // What its masks are drawn for.
            let layer = self.layers_below + index;
            if layer > 0 {
                let purpose = Purpose::named("dropout between layers").part(layer);
                output = dropout(output, self.dropout, self.dropout_mask, purpose, mode);
            }
            let dropped = self.dropped(weights, layer, mode);
            let weights = dropped.as_ref().unwrap_or(weights);
            let own = index * directions..(index + 1) * directions;
            let initial = initial
                .iter()
                .map(|state| state.clone().slice([own.clone()]))
                .collect();
            let mask_shape = [directions, lengths.batch(), weights.d_recurrent()];
            let options = SequenceOptions {
                cell_clip: self.cell_clip,
                recurrent_mask: recurrent_mask(self.recurrent_dropout, layer, mask_shape, mode),
                checkpoint_every: self.checkpoint_every,
            };
            let (next, states) =
                sequence(self.recurrence, output, weights, initial, &packing, options);
            output = next;
            for (all, state) in finals.iter_mut().zip(states) {
                all.push(state);
            }
        }
        let finals = finals.into_iter().map(|all| Tensor::cat(all, 0)).collect();
        (output, finals)
    }

    /// A layer's weights with what of the recurrent ones this forward pass keeps; None where that is
    /// all.
    fn dropped(&self, weights: &PackedWeights, layer: usize, mode: Mode) -> Option<PackedWeights> {
        let shape = weights.recurrent_weight.shape().dims();
        let mask = weight_mask(self.weight_dropout, layer, shape, mode)?;
        Some(weights.with_masked_recurrent(TensorData::new(mask, shape)))
    }
}

/// Runs one layer over `x` `[batch, time, d_input]` from the states `[directions, batch,
/// features]`, hidden first: the output `[batch, time, directions * d_recurrent]`, zero in the
/// padding, and the states after each sequence's last step in each direction.
fn sequence(
    recurrence: Recurrence,
    x: Tensor<3>,
    weights: &PackedWeights,
    initial: Vec<Tensor<3>>,
    packing: &Arc<Packing>,
    options: SequenceOptions,
) -> (Tensor<3>, Vec<Tensor<3>>) {
    match Body::of(recurrence, &x, weights) {
        Some(body) => operation::call(body, x, weights, initial, packing, options),
        None => {
            let directions = 0..weights.directions();
            let weights: Vec<_> = directions
                .map(|direction| weights.direction(direction))
                .collect();
            reference::run(
                recurrence,
                x,
                &weights,
                initial,
                packing,
                &options,
                |_, _, _| (),
            )
        }
    }
}

/// Asserts that everything has floats of one kind: no body mixes them.
fn check_floats(x: &Tensor<3>, layers: &[PackedWeights], initial: &[Tensor<3>]) {
    let weights = layers.iter().map(|layer| layer.input_weight.val().dtype());
    let states = initial.iter().map(Tensor::dtype);
    let all = weights.map(|dtype| ("the weights", dtype));
    for (what, dtype) in all.chain(states.map(|dtype| ("the initial state", dtype))) {
        assert_eq!(
            x.dtype(),
            dtype,
            "a recurrent layer, its input and its state have floats of one kind: those of the input \
             (left) are not those of {what} (right)"
        );
    }
}

/// How many time steps lie between the states that training keeps, as it was asked for.
pub(crate) fn checked_checkpoint_every(steps: Option<usize>) -> Option<usize> {
    assert!(
        steps != Some(0),
        "checkpoint_every is 0: the states of every so many time steps are kept, of each with 1, and \
         everything with None"
    );
    steps
}

fn check_input(x: &Tensor<3>, lengths: &Lengths, d_input: usize) {
    assert_eq!(
        x.dims(),
        [lengths.batch(), lengths.time(), d_input],
        "the input of a recurrent layer is [batch, time, d_input], and its lengths are of that batch"
    );
}
