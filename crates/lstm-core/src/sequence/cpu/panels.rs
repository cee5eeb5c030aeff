//! The weights of all directions, laid out for the products of a pass.

use std::ops::Range;

use super::buffers::{Buffer, Shared};
use super::layout::{
    SLOTS, Sizes, pack_bias, pack_columns, pack_rows, pack_slots, pack_transposed,
};
use super::operands::Operands;
use super::plan::{Part, share};

/// Matrices with a row of panels for each block, or vector, of each direction.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    data: Shared<'a>,
    /// Blocks, or vectors, of a direction.
    count: usize,
    /// Floats of one of them.
    size: usize,
}

impl<'a> Matrix<'a> {
    fn place(&self, direction: usize, of: &Range<usize>) -> (usize, usize) {
        let start = (direction * self.count + of.start) * self.size;
        (start, of.len() * self.size)
    }

    /// # Safety
    ///
    /// Nobody else reads or writes these meanwhile.
    unsafe fn write(&self, direction: usize, of: &Range<usize>) -> &'a mut [f32] {
        let (start, len) = self.place(direction, of);
        // SAFETY: see above.
        unsafe { self.data.write(start, len) }
    }

    /// # Safety
    ///
    /// Nobody writes these meanwhile.
    unsafe fn read(&self, direction: usize, of: &Range<usize>) -> &'a [f32] {
        let (start, len) = self.place(direction, of);
        // SAFETY: see above.
        unsafe { self.data.read(start, len) }
    }
}

/// Vectors, at most as many at a time as a panel has, and about as many in each: a narrow panel
/// computes slowly.
pub(super) fn panels(
    sizes: &Sizes,
    vectors: &Range<usize>,
) -> impl Iterator<Item = Range<usize>> + use<> {
    let start = vectors.start;
    let (all, count) = (
        vectors.len(),
        vectors.len().div_ceil(sizes.column_vectors()),
    );
    (0..count).map(move |index| {
        let panel = share(all, index, count);
        start + panel.start..start + panel.end
    })
}

/// The weights as the forward pass wants them.
pub(crate) struct ForwardPanels {
    input: Buffer,
    hidden: Buffer,
    bias: Buffer,
    projection: Buffer,
}

impl ForwardPanels {
    pub fn take(sizes: &Sizes) -> Self {
        let blocks = sizes.directions * sizes.blocks();
        let projection = match sizes.is_projected() {
            true => sizes.directions * sizes.shown_blocks() * sizes.lanes() * sizes.d_hidden,
            false => 0,
        };
        Self {
            input: Buffer::take(blocks * sizes.input_panels()),
            hidden: Buffer::take(blocks * sizes.hidden_panels()),
            bias: Buffer::take(blocks * SLOTS * sizes.lanes()),
            projection: Buffer::take(projection),
        }
    }

    pub fn share(&mut self, sizes: &Sizes) -> SharedForwardPanels<'_> {
        let by_block = |data, size| Matrix {
            data,
            count: sizes.blocks(),
            size,
        };
        SharedForwardPanels {
            input: by_block(self.input.share(), sizes.input_panels()),
            hidden: by_block(self.hidden.share(), sizes.hidden_panels()),
            bias: by_block(self.bias.share(), SLOTS * sizes.lanes()),
            projection: Matrix {
                data: self.projection.share(),
                count: sizes.shown_blocks(),
                size: sizes.lanes() * sizes.d_hidden,
            },
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct SharedForwardPanels<'a> {
    input: Matrix<'a>,
    hidden: Matrix<'a>,
    bias: Matrix<'a>,
    projection: Matrix<'a>,
}

impl<'a> SharedForwardPanels<'a> {
    /// Lays out a part's weights; parts with the same units take turns.
    ///
    /// # Safety
    ///
    /// Each part is packed once, and nobody reads before all are.
    pub unsafe fn pack(&self, operands: &Operands, part: &Part) {
        let sizes = &operands.sizes;
        let direction = part.direction;
        let own = |all| operands.direction(all, direction);
        let (turn, turns) = part.turn;
        let biases = [own(operands.input_bias), own(operands.recurrent_bias)];
        for block in part.blocks.clone().skip(turn).step_by(turns) {
            let one = block..block + 1;
            // SAFETY: this part's alone, see above.
            let (input, hidden, bias) = unsafe {
                (
                    self.input.write(direction, &one),
                    self.hidden.write(direction, &one),
                    self.bias.write(direction, &one),
                )
            };
            pack_slots(
                sizes,
                sizes.input_side(),
                own(operands.input_weight),
                block,
                input,
            );
            let weight = own(operands.recurrent_weight);
            pack_slots(sizes, sizes.hidden_side(), weight, block, hidden);
            pack_bias(sizes, biases, block, bias);
        }
        if sizes.is_projected() {
            for vectors in panels(sizes, &part.shown).skip(turn).step_by(turns) {
                // SAFETY: the same.
                let to = unsafe { self.projection.write(direction, &vectors) };
                pack_columns(sizes, own(operands.projection_weight), vectors, to);
            }
        }
    }

    /// The panels of one block: of the input, of the hidden state, and the bias.
    ///
    /// # Safety
    ///
    /// All parts have packed.
    pub unsafe fn of(&self, part: &Part, block: usize) -> [&'a [f32]; 3] {
        let one = block..block + 1;
        // SAFETY: nobody writes any more.
        unsafe {
            [self.input, self.hidden, self.bias].map(|panels| panels.read(part.direction, &one))
        }
    }

    /// The panel of the projection that gives some vectors of the hidden state.
    ///
    /// # Safety
    ///
    /// All parts have packed.
    pub unsafe fn projection(&self, part: &Part, vectors: &Range<usize>) -> &'a [f32] {
        // SAFETY: nobody writes any more.
        unsafe { self.projection.read(part.direction, vectors) }
    }
}

/// The weights as the backward pass wants them.
pub(crate) struct BackwardPanels {
    input: Buffer,
    hidden: Buffer,
    projection: Buffer,
}

impl BackwardPanels {
    /// For the gradient of the input as well, if it is wanted.
    pub fn take(sizes: &Sizes, with_input: bool) -> Self {
        let (directions, lanes) = (sizes.directions, sizes.lanes());
        let input = match with_input {
            true => sizes.slots_depth(sizes.input_side()) * sizes.input_vectors() * lanes,
            false => 0,
        };
        let hidden = sizes.slots_depth(sizes.hidden_side()) * sizes.shown_blocks() * lanes;
        let projection = match sizes.is_projected() {
            true => sizes.d_recurrent * sizes.blocks() * lanes,
            false => 0,
        };
        Self {
            input: Buffer::take(directions * input),
            hidden: Buffer::take(directions * hidden),
            projection: Buffer::take(directions * projection),
        }
    }

    pub fn share(&mut self, sizes: &Sizes) -> SharedBackwardPanels<'_> {
        let lanes = sizes.lanes();
        SharedBackwardPanels {
            input: Matrix {
                data: self.input.share(),
                count: sizes.input_vectors(),
                size: sizes.slots_depth(sizes.input_side()) * lanes,
            },
            hidden: Matrix {
                data: self.hidden.share(),
                count: sizes.shown_blocks(),
                size: sizes.slots_depth(sizes.hidden_side()) * lanes,
            },
            projection: Matrix {
                data: self.projection.share(),
                count: sizes.blocks(),
                size: sizes.d_recurrent * lanes,
            },
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct SharedBackwardPanels<'a> {
    input: Matrix<'a>,
    hidden: Matrix<'a>,
    projection: Matrix<'a>,
}

impl<'a> SharedBackwardPanels<'a> {
    /// Lays out a part's weights; parts with the same units take turns.
    ///
    /// # Safety
    ///
    /// Each part is packed once, and nobody reads before all are.
    pub unsafe fn pack(&self, operands: &Operands, part: &Part, with_input: bool) {
        let sizes = &operands.sizes;
        let direction = part.direction;
        let own = |all| operands.direction(all, direction);
        let (turn, turns) = part.turn;
        for vectors in panels(sizes, &part.shown).skip(turn).step_by(turns) {
            // SAFETY: this part's alone, see above.
            let to = unsafe { self.hidden.write(direction, &vectors) };
            let weight = own(operands.recurrent_weight);
            pack_rows(sizes, sizes.hidden_side(), weight, vectors, to);
        }
        if sizes.is_projected() {
            for vectors in panels(sizes, &part.blocks).skip(turn).step_by(turns) {
                // SAFETY: the same.
                let to = unsafe { self.projection.write(direction, &vectors) };
                pack_transposed(sizes, own(operands.projection_weight), vectors, to);
            }
        }
        if with_input {
            for vectors in panels(sizes, &part.input_vectors).skip(turn).step_by(turns) {
                // SAFETY: the same.
                let to = unsafe { self.input.write(direction, &vectors) };
                let weight = own(operands.input_weight);
                pack_rows(sizes, sizes.input_side(), weight, vectors, to);
            }
        }
    }

    /// The panel that gives the gradient of some vectors of the hidden state.
    ///
    /// # Safety
    ///
    /// All parts have packed.
    pub unsafe fn hidden(&self, part: &Part, vectors: &Range<usize>) -> &'a [f32] {
        // SAFETY: nobody writes any more.
        unsafe { self.hidden.read(part.direction, vectors) }
    }

    /// The panel that gives the gradient of some vectors of what is projected.
    ///
    /// # Safety
    ///
    /// All parts have packed.
    pub unsafe fn projection(&self, part: &Part, vectors: &Range<usize>) -> &'a [f32] {
        // SAFETY: nobody writes any more.
        unsafe { self.projection.read(part.direction, vectors) }
    }

    /// The panel that gives the gradient of some vectors of the input.
    ///
    /// # Safety
    ///
    /// All parts have packed.
    pub unsafe fn input(&self, part: &Part, vectors: &Range<usize>) -> &'a [f32] {
        // SAFETY: nobody writes any more.
        unsafe { self.input.read(part.direction, vectors) }
    }
}
