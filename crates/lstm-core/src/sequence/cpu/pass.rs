//! One layer over a whole batch: its operands, and what its forward and backward pass share.

use std::ops::Range;

use super::buffers::{Buffer, Shared};
use super::layout::{FastCell, SLOTS, Sizes, pack_bias, pack_rows, pack_slots};
use super::plan::{Part, Plan};
use crate::sequence::packing::Packing;

/// The operands of a layer. Matrices are row-major.
pub(crate) struct Operands<'a> {
    pub sizes: Sizes,
    pub packing: &'a Packing,
    /// `[batch, time, d_input]`
    pub x: &'a [f32],
    /// `[directions, d_input, gates * d_hidden]`
    pub input_weight: &'a [f32],
    /// `[directions, d_hidden, gates * d_hidden]`
    pub recurrent_weight: &'a [f32],
    /// `[directions, gates * d_hidden]`
    pub input_bias: &'a [f32],
    /// `[directions, gates * d_hidden]`
    pub recurrent_bias: &'a [f32],
    /// The initial states `[directions, batch, d_hidden]`, hidden first; none starts at zero.
    pub initial: &'a [&'a [f32]],
    /// `[directions, batch, d_hidden]`: what the hidden state is multiplied with before products.
    pub mask: Option<&'a [f32]>,
    /// The largest absolute value of an LSTM's cell.
    pub clip: Option<f32>,
}

impl Operands<'_> {
    /// One direction's part of something that has one for each.
    pub fn direction<'b>(&self, of_all: &'b [f32], direction: usize) -> &'b [f32] {
        let size = of_all.len() / self.sizes.directions;
        &of_all[direction * size..(direction + 1) * size]
    }

    /// The initial state that the cell's element-wise step carries: c of an LSTM, h of a GRU.
    pub fn carried(&self) -> Option<&[f32]> {
        self.initial.last().copied()
    }
}

/// The weights of all directions as the forward pass wants them.
pub(super) struct ForwardPanels {
    pub input: Buffer,
    pub hidden: Buffer,
    pub bias: Buffer,
}

/// The weights of all directions as the backward pass wants them.
pub(super) struct BackwardPanels {
    pub input: Buffer,
    pub hidden: Buffer,
}

impl ForwardPanels {
    pub fn take(sizes: &Sizes) -> Self {
        let units = sizes.directions * sizes.blocks() * sizes.lanes();
        let slots = units * sizes.input_side().slots();
        Self {
            input: Buffer::take(slots * sizes.d_input),
            hidden: Buffer::take(slots * sizes.d_hidden),
            bias: Buffer::take(units * SLOTS),
        }
    }

    pub fn share(&mut self) -> SharedForwardPanels<'_> {
        SharedForwardPanels {
            input: self.input.share(),
            hidden: self.hidden.share(),
            bias: self.bias.share(),
        }
    }
}

impl BackwardPanels {
    pub fn take(sizes: &Sizes) -> Self {
        let (lanes, directions) = (sizes.lanes(), sizes.directions);
        let input = sizes.slots_depth(sizes.input_side()) * sizes.input_vectors() * lanes;
        let hidden = sizes.slots_depth(sizes.hidden_side()) * sizes.blocks() * lanes;
        Self {
            input: Buffer::take(directions * input),
            hidden: Buffer::take(directions * hidden),
        }
    }

    pub fn share(&mut self) -> SharedBackwardPanels<'_> {
        SharedBackwardPanels {
            input: self.input.share(),
            hidden: self.hidden.share(),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct SharedForwardPanels<'a> {
    input: Shared<'a>,
    hidden: Shared<'a>,
    bias: Shared<'a>,
}

impl<'a> SharedForwardPanels<'a> {
    /// Lays out this part's weights; parts with the same units take turns.
    pub fn pack(&self, operands: &Operands, part: &Part) {
        let sizes = &operands.sizes;
        let (turn, turns) = part.turn;
        for block in part.blocks.clone().skip(turn).step_by(turns) {
            // SAFETY: no other part packs this block, and none reads it before all have packed.
            unsafe {
                for (side, weight, depth, panels) in [
                    (
                        sizes.input_side(),
                        operands.input_weight,
                        sizes.d_input,
                        self.input,
                    ),
                    (
                        sizes.hidden_side(),
                        operands.recurrent_weight,
                        sizes.d_hidden,
                        self.hidden,
                    ),
                ] {
                    let size = side.slots() * sizes.lanes() * depth;
                    let weight = operands.direction(weight, part.direction);
                    let to = panels.write(block_index(sizes, part, block) * size, size);
                    pack_slots(sizes, side, weight, block, to);
                }
                let size = SLOTS * sizes.lanes();
                let biases = [operands.input_bias, operands.recurrent_bias]
                    .map(|bias| operands.direction(bias, part.direction));
                let to = self.bias.write(block_index(sizes, part, block) * size, size);
                pack_bias(sizes, biases, block, to);
            }
        }
    }

    /// The panels of one block: of the input, of the hidden state, and the bias.
    ///
    /// # Safety
    ///
    /// All parts have packed.
    pub unsafe fn of(&self, sizes: &Sizes, part: &Part, block: usize) -> [&'a [f32]; 3] {
        let index = block_index(sizes, part, block);
        let input = sizes.input_side().slots() * sizes.lanes() * sizes.d_input;
        let hidden = sizes.hidden_side().slots() * sizes.lanes() * sizes.d_hidden;
        let bias = SLOTS * sizes.lanes();
        // SAFETY: nobody writes any more.
        unsafe {
            [
                self.input.read(index * input, input),
                self.hidden.read(index * hidden, hidden),
                self.bias.read(index * bias, bias),
            ]
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct SharedBackwardPanels<'a> {
    input: Shared<'a>,
    hidden: Shared<'a>,
}

impl<'a> SharedBackwardPanels<'a> {
    /// Lays out this part's weights; parts with the same units take turns.
    pub fn pack(&self, operands: &Operands, part: &Part, with_input: bool) {
        let sizes = &operands.sizes;
        let (turn, turns) = part.turn;
        let weight = operands.direction(operands.recurrent_weight, part.direction);
        for vectors in panels(sizes, &part.blocks).skip(turn).step_by(turns) {
            // SAFETY: no other part packs this panel, and none reads it before all have packed.
            let to = unsafe {
                let (start, size) = self.hidden_place(sizes, part, &vectors);
                self.hidden.write(start, size)
            };
            pack_rows(sizes, sizes.hidden_side(), weight, vectors, to);
        }
        if !with_input {
            return;
        }
        let weight = operands.direction(operands.input_weight, part.direction);
        for vectors in panels(sizes, &part.input_vectors).skip(turn).step_by(turns) {
            // SAFETY: the same.
            let to = unsafe {
                let (start, size) = self.input_place(sizes, part, &vectors);
                self.input.write(start, size)
            };
            pack_rows(sizes, sizes.input_side(), weight, vectors, to);
        }
    }

    fn hidden_place(&self, sizes: &Sizes, part: &Part, vectors: &Range<usize>) -> (usize, usize) {
        let size = sizes.slots_depth(sizes.hidden_side()) * sizes.lanes();
        let start = block_index(sizes, part, vectors.start);
        (start * size, vectors.len() * size)
    }

    fn input_place(&self, sizes: &Sizes, part: &Part, vectors: &Range<usize>) -> (usize, usize) {
        let size = sizes.slots_depth(sizes.input_side()) * sizes.lanes();
        let start = part.direction * sizes.input_vectors() + vectors.start;
        (start * size, vectors.len() * size)
    }

    /// # Safety
    ///
    /// All parts have packed.
    pub unsafe fn hidden(&self, sizes: &Sizes, part: &Part, vectors: &Range<usize>) -> &'a [f32] {
        let (start, size) = self.hidden_place(sizes, part, vectors);
        // SAFETY: nobody writes any more.
        unsafe { self.hidden.read(start, size) }
    }

    /// # Safety
    ///
    /// All parts have packed.
    pub unsafe fn input(&self, sizes: &Sizes, part: &Part, vectors: &Range<usize>) -> &'a [f32] {
        let (start, size) = self.input_place(sizes, part, vectors);
        // SAFETY: nobody writes any more.
        unsafe { self.input.read(start, size) }
    }
}

/// The place of a part's block among those of all directions.
pub(super) fn block_index(sizes: &Sizes, part: &Part, block: usize) -> usize {
    part.direction * sizes.blocks() + block
}

/// Vectors, as many at a time as a panel has.
pub(super) fn panels(sizes: &Sizes, vectors: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
    let (end, most) = (vectors.end, sizes.column_vectors());
    vectors
        .clone()
        .step_by(most)
        .map(move |start| start..(start + most).min(end))
}

/// A value for each unit of each sequence, in blocks: `[directions, blocks, batch, LANES]`, the
/// sequences in sorted order.
#[derive(Clone, Copy)]
pub(super) struct ByUnit<'a> {
    data: Shared<'a>,
    batch: usize,
}

impl<'a> ByUnit<'a> {
    pub fn len(sizes: &Sizes, batch: usize) -> usize {
        sizes.directions * sizes.blocks() * batch * sizes.lanes()
    }

    pub fn new(data: Shared<'a>, batch: usize) -> Self {
        Self { data, batch }
    }

    /// The rows `[rows, LANES]` of a block.
    pub fn rows(&self, sizes: &Sizes, part: &Part, block: usize, rows: &Range<usize>) -> *mut f32 {
        let start = (block_index(sizes, part, block) * self.batch + rows.start) * sizes.lanes();
        self.data.part(start, rows.len() * sizes.lanes())
    }

    /// # Safety
    ///
    /// Nobody else reads or writes these rows meanwhile.
    pub unsafe fn rows_mut(
        &self,
        sizes: &Sizes,
        part: &Part,
        block: usize,
        rows: &Range<usize>,
    ) -> &'a mut [f32] {
        let start = (block_index(sizes, part, block) * self.batch + rows.start) * sizes.lanes();
        // SAFETY: see above.
        unsafe { self.data.write(start, rows.len() * sizes.lanes()) }
    }

    /// From the first block of a direction on, at a row.
    pub fn from(&self, sizes: &Sizes, part: &Part, row: usize) -> (*const f32, usize) {
        let start = (block_index(sizes, part, 0) * self.batch + row) * sizes.lanes();
        self.data.from(start)
    }

    /// Copies a part's rows from `[directions, batch, d_hidden]`; zeros without.
    pub fn load(&self, operands: &Operands, part: &Part, from: Option<&[f32]>) {
        let (sizes, packing) = (&operands.sizes, operands.packing);
        for block in part.blocks.clone() {
            // SAFETY: these rows and units are this part's alone.
            let to = unsafe { self.rows_mut(sizes, part, block, &part.rows) };
            to.fill(0.0);
            let Some(from) = from else { continue };
            let units = sizes.units(block);
            for (to, row) in to
                .chunks_exact_mut(sizes.lanes())
                .zip(&packing.rows[part.rows.clone()])
            {
                let start = (part.direction * packing.batch + row) * sizes.d_hidden
                    + block * sizes.lanes();
                to[..units].copy_from_slice(&from[start..start + units]);
            }
        }
    }

    /// Copies everything to `[directions, batch, d_hidden]`.
    ///
    /// # Safety
    ///
    /// Nobody writes meanwhile.
    pub unsafe fn unload(&self, operands: &Operands) -> Vec<f32> {
        let (sizes, packing) = (&operands.sizes, operands.packing);
        let (lanes, batch, d_hidden) = (sizes.lanes(), packing.batch, sizes.d_hidden);
        let mut to = vec![0.0; sizes.directions * batch * d_hidden];
        for direction in 0..sizes.directions {
            for block in 0..sizes.blocks() {
                let units = sizes.units(block);
                for (place, row) in packing.rows.iter().enumerate() {
                    let start = ((direction * sizes.blocks() + block) * batch + place) * lanes;
                    let end = (direction * batch + row) * d_hidden + block * lanes;
                    // SAFETY: see above.
                    let from = unsafe { self.data.read(start, units) };
                    to[end..end + units].copy_from_slice(from);
                }
            }
        }
        to
    }
}

/// A value for each unit at each time step of a segment, in blocks: `[directions, blocks, packed
/// steps, WIDTH * LANES]`.
#[derive(Clone, Copy)]
pub(super) struct ByStep<'a, const WIDTH: usize> {
    data: Shared<'a>,
    /// The packed steps of the segment.
    pub packed: (usize, usize),
}

impl<'a, const WIDTH: usize> ByStep<'a, WIDTH> {
    pub fn len(sizes: &Sizes, packed: usize) -> usize {
        sizes.directions * sizes.blocks() * packed * WIDTH * sizes.lanes()
    }

    pub fn new(data: Shared<'a>, packed: &Range<usize>) -> Self {
        Self {
            data,
            packed: (packed.start, packed.end),
        }
    }

    fn count(&self) -> usize {
        self.packed.1 - self.packed.0
    }

    /// How far the blocks are apart.
    pub fn block_stride(&self, sizes: &Sizes) -> usize {
        self.count() * WIDTH * sizes.lanes()
    }

    fn start(&self, sizes: &Sizes, part: &Part, block: usize, packed: usize) -> usize {
        let row = block_index(sizes, part, block) * self.count() + packed - self.packed.0;
        row * WIDTH * sizes.lanes()
    }

    /// The rows `[packed, WIDTH * LANES]` of a block.
    pub fn rows(
        &self,
        sizes: &Sizes,
        part: &Part,
        block: usize,
        packed: &Range<usize>,
    ) -> *mut f32 {
        let start = self.start(sizes, part, block, packed.start);
        self.data.part(start, packed.len() * WIDTH * sizes.lanes())
    }

    /// From the first block of a direction on, at a packed step and one of its slots.
    pub fn from(
        &self,
        sizes: &Sizes,
        part: &Part,
        packed: usize,
        slot: usize,
    ) -> (*const f32, usize) {
        let start = self.start(sizes, part, 0, packed);
        self.data.from(start + slot * sizes.lanes())
    }

    /// # Safety
    ///
    /// Nobody writes this block meanwhile.
    pub unsafe fn block(&self, sizes: &Sizes, direction: usize, block: usize) -> &'a [f32] {
        let size = self.block_stride(sizes);
        let start = (direction * sizes.blocks() + block) * size;
        // SAFETY: see above.
        unsafe { self.data.read(start, size) }
    }
}

/// What the backward pass needs of a forward pass, apart from operands and output.
#[derive(Debug)]
pub(crate) struct Saved {
    /// The segments, in the order of time.
    pub segments: Vec<Segment>,
    /// The slots and the states of every step, if there is only one segment; with more, the
    /// backward pass computes them again.
    pub steps: Option<StepBuffers>,
}

/// Some time steps that are gone through backwards at once.
#[derive(Debug)]
pub(crate) struct Segment {
    pub steps: Range<usize>,
    /// The states before its first step, [`ByUnit`].
    pub start: Buffer,
}

/// [`ByStep`] of slots and of states.
#[derive(Debug)]
pub(crate) struct StepBuffers {
    pub slots: Buffer,
    pub states: Buffer,
}

impl StepBuffers {
    pub fn take(sizes: &Sizes, packed: usize) -> Self {
        Self {
            slots: Buffer::take(ByStep::<SLOTS>::len(sizes, packed)),
            states: Buffer::take(ByStep::<1>::len(sizes, packed)),
        }
    }

    pub fn share(&mut self, packed: &Range<usize>) -> Steps<'_> {
        Steps::new(self.slots.share(), self.states.share(), packed)
    }
}

/// What is saved of every step of a segment.
#[derive(Clone, Copy)]
pub(super) struct Steps<'a> {
    pub slots: ByStep<'a, SLOTS>,
    pub states: ByStep<'a, 1>,
}

impl<'a> Steps<'a> {
    pub fn new(slots: Shared<'a>, states: Shared<'a>, packed: &Range<usize>) -> Self {
        Self {
            slots: ByStep::new(slots, packed),
            states: ByStep::new(states, packed),
        }
    }
}

/// The sequences of a part that are still running at a step.
pub(super) fn running(packing: &Packing, part: &Part, step: usize) -> Range<usize> {
    let active = packing.active.get(step).copied().unwrap_or(0);
    part.rows.start..part.rows.end.min(active).max(part.rows.start)
}

/// The packed steps of rows at a time step.
pub(super) fn packed(packing: &Packing, step: usize, rows: &Range<usize>) -> Range<usize> {
    packing.offsets[step] + rows.start..packing.offsets[step] + rows.end
}

/// Runs the parts of a plan, each thread all of its own.
pub(super) fn on_all_threads(plan: &Plan, work: impl Fn(usize) + Sync) {
    super::threads::run(plan.threads, |thread| {
        let _guard = super::threads::BreakOnPanic(&plan.barriers);
        work(thread);
    });
}

/// The columns of the output that belong to a part's block.
pub(super) fn output_column(sizes: &Sizes, part: &Part, block: usize) -> usize {
    part.direction * sizes.d_hidden + block * sizes.lanes()
}

/// Whether the cell shows what it carries.
pub(super) fn shows_its_state(cell: FastCell) -> bool {
    cell == FastCell::Gru
}
