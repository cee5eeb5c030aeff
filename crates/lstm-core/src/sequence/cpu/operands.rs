//! What a layer is run on.

use std::ops::Range;

use super::buffers::{Fresh, floats};
use super::layout::{FastCell, Sizes};
use super::plan::Part;
use crate::sequence::packing::Packing;

/// The operands of a layer. Matrices are row-major.
pub(crate) struct Operands<'a> {
    pub sizes: Sizes,
    pub packing: &'a Packing,
    /// `[batch, time, d_input]`
    pub x: &'a [f32],
    /// `[directions, d_input, gates * d_hidden]`
    pub input_weight: &'a [f32],
    /// `[directions, d_recurrent, gates * d_hidden]`
    pub recurrent_weight: &'a [f32],
    /// `[directions, gates * d_hidden]`
    pub input_bias: &'a [f32],
    /// `[directions, gates * d_hidden]`
    pub recurrent_bias: &'a [f32],
    /// `[directions, d_hidden, d_recurrent]`, of an LSTM whose hidden state is projected
    pub projection_weight: &'a [f32],
    /// The initial hidden state `[directions, batch, d_recurrent]`.
    pub hidden: &'a [f32],
    /// The initial cell `[directions, batch, d_hidden]`, of an LSTM
    pub cell: &'a [f32],
    /// `[directions, batch, d_recurrent]`: what the hidden state is multiplied with before it goes
    /// into the recurrent products.
    pub mask: Option<&'a [f32]>,
    /// The largest absolute value of an LSTM's cell.
    pub clip: Option<f32>,
}

impl Operands<'_> {
    /// Asserts that every operand has the size that the others make it have, so that no kernel
    /// reads or writes beyond one.
    pub fn check(&self) {
        let sizes = &self.sizes;
        let (directions, batch) = (sizes.directions, self.packing.batch);
        let (columns, d_recurrent) = (sizes.columns(), sizes.d_recurrent);
        let cell = match sizes.cell {
            FastCell::Lstm => floats(&[directions, batch, sizes.d_hidden]),
            FastCell::Gru => 0,
        };
        let projection = match sizes.is_projected() {
            true => floats(&[directions, sizes.d_hidden, d_recurrent]),
            false => 0,
        };
        let state = floats(&[directions, batch, d_recurrent]);
        assert!(
            sizes.d_input > 0 && sizes.d_hidden > 0 && d_recurrent > 0,
            "a layer has inputs and hidden units"
        );
        for (what, found, expected) in [
            (
                "x",
                self.x.len(),
                floats(&[batch, self.packing.time, sizes.d_input]),
            ),
            (
                "input weight",
                self.input_weight.len(),
                floats(&[directions, sizes.d_input, columns]),
            ),
            (
                "recurrent weight",
                self.recurrent_weight.len(),
                floats(&[directions, d_recurrent, columns]),
            ),
            ("input bias", self.input_bias.len(), directions * columns),
            (
                "recurrent bias",
                self.recurrent_bias.len(),
                directions * columns,
            ),
            (
                "projection weight",
                self.projection_weight.len(),
                projection,
            ),
            ("hidden state", self.hidden.len(), state),
            ("cell", self.cell.len(), cell),
            ("mask", self.mask.map_or(state, <[f32]>::len), state),
        ] {
            assert_eq!(found, expected, "the {what} of {sizes:?}, batch {batch}");
        }
    }

    /// Room for `features` numbers at each place of the batch: zeros in the padding.
    pub fn at_places(&self, features: usize) -> Fresh {
        let len = self.packing.batch * self.packing.time * features;
        match self.packing.is_ragged() {
            true => Fresh::zeros(len),
            false => Fresh::unwritten(len),
        }
    }

    /// One direction's part of something that has one for each.
    pub fn direction<'b>(&self, of_all: &'b [f32], direction: usize) -> &'b [f32] {
        let size = of_all.len() / self.sizes.directions;
        &of_all[direction * size..(direction + 1) * size]
    }

    /// The initial state that the cell's element-wise step carries.
    pub fn carried(&self) -> &[f32] {
        match self.sizes.cell {
            FastCell::Lstm => self.cell,
            FastCell::Gru => self.hidden,
        }
    }

    /// Features of the output.
    pub fn d_output(&self) -> usize {
        self.sizes.directions * self.sizes.d_recurrent
    }

    /// Some features of what a direction showed at a packed step, in the output.
    pub fn shown(&self, direction: usize, packed: usize, columns: &Range<usize>) -> Range<usize> {
        let place = self.packing.direction(direction).gather[packed];
        let start = place * self.d_output() + direction * self.sizes.d_recurrent;
        start + columns.start..start + columns.end
    }

    /// Some features of a sequence's hidden state before a step: of the initial one, or where it
    /// lies in the output.
    pub fn before(
        &self,
        direction: usize,
        step: usize,
        place: usize,
        columns: &Range<usize>,
    ) -> Before<'_> {
        let packing = self.packing;
        if step > 0 {
            let packed = packing.offsets[step - 1] + place;
            return Before::Output(self.shown(direction, packed, columns));
        }
        Before::Initial(&self.of_sequence(self.hidden, direction, place)[columns.clone()])
    }

    /// A sequence's row of something `[directions, batch, d_recurrent]`.
    pub fn of_sequence<'b>(&self, all: &'b [f32], direction: usize, place: usize) -> &'b [f32] {
        let row = direction * self.packing.batch + self.packing.rows[place];
        &all[row * self.sizes.d_recurrent..(row + 1) * self.sizes.d_recurrent]
    }

    /// The sequences of a part that are still running at a step.
    pub fn running(&self, part: &Part, step: usize) -> Range<usize> {
        let active = self.packing.active.get(step).copied().unwrap_or(0);
        part.rows.start..part.rows.end.min(active).max(part.rows.start)
    }

    /// The packed steps of rows at a time step.
    pub fn packed(&self, step: usize, rows: &Range<usize>) -> Range<usize> {
        let offset = self.packing.offsets[step];
        match rows.is_empty() {
            true => offset..offset,
            false => offset + rows.start..offset + rows.end,
        }
    }

    /// All packed steps of some time steps.
    pub fn packed_steps(&self, steps: &Range<usize>) -> Range<usize> {
        self.packing.offsets[steps.start]..self.packing.offsets[steps.end]
    }
}

/// A hidden state before a step.
pub(crate) enum Before<'a> {
    Initial(&'a [f32]),
    /// Where it lies in the output.
    Output(Range<usize>),
}
