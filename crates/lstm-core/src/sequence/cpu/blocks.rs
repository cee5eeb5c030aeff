//! Values of hidden units, cut into blocks of as many units as a vector has floats, so that the
//! rows of one block lie side by side.

use std::ops::Range;

use super::buffers::{Buffer, Shared, floats};
use crate::sequence::packing::Packing;

/// A value for each unit of each sequence: `[directions, blocks, batch, LANES]`, the sequences in
/// sorted order. What lies beyond the last unit goes into no other unit.
#[derive(Clone, Copy)]
pub(crate) struct ByUnit<'a> {
    data: Shared<'a>,
    batch: usize,
    units: usize,
    lanes: usize,
}

impl<'a> ByUnit<'a> {
    /// Floats of `units` values of each of `batch` sequences in each direction.
    pub fn len(directions: usize, batch: usize, units: usize, lanes: usize) -> usize {
        floats(&[directions, units.div_ceil(lanes), batch, lanes])
    }

    pub fn new(buffer: &'a mut Buffer, batch: usize, units: usize, lanes: usize) -> Self {
        Self {
            data: buffer.share(),
            batch,
            units,
            lanes,
        }
    }

    fn start(&self, direction: usize, block: usize, row: usize) -> usize {
        ((direction * self.blocks() + block) * self.batch + row) * self.lanes
    }

    /// How many blocks there are in a direction.
    pub fn blocks(&self) -> usize {
        self.units.div_ceil(self.lanes)
    }

    /// How far the blocks are apart.
    pub fn block_stride(&self) -> usize {
        self.batch * self.lanes
    }

    /// The rows `[rows, LANES]` of a block.
    pub fn rows(&self, direction: usize, block: usize, rows: &Range<usize>) -> *mut f32 {
        let start = self.start(direction, block, rows.start);
        self.data.part(start, rows.len() * self.lanes)
    }

    /// The rows `[rows, LANES]` of a block.
    ///
    /// # Safety
    ///
    /// Nobody else reads or writes these rows meanwhile.
    pub unsafe fn rows_mut(
        &self,
        direction: usize,
        block: usize,
        rows: &Range<usize>,
    ) -> &'a mut [f32] {
        let start = self.start(direction, block, rows.start);
        // SAFETY: see above.
        unsafe { self.data.write(start, rows.len() * self.lanes) }
    }

    /// The rows `[rows, LANES]` of a block.
    ///
    /// # Safety
    ///
    /// Nobody writes these rows meanwhile.
    pub unsafe fn rows_ref(
        &self,
        direction: usize,
        block: usize,
        rows: &Range<usize>,
    ) -> &'a [f32] {
        let start = self.start(direction, block, rows.start);
        // SAFETY: see above.
        unsafe { self.data.read(start, rows.len() * self.lanes) }
    }

    /// Everything from a row of the first block of a direction on.
    pub fn tail(&self, direction: usize, row: usize) -> (*const f32, usize) {
        self.data.tail(self.start(direction, 0, row))
    }

    /// The units of a block.
    pub fn columns(&self, block: usize) -> Range<usize> {
        block * self.lanes..((block + 1) * self.lanes).min(self.units)
    }

    /// Copies some rows of some blocks from `[directions, batch, units]`; zeros if there is none.
    ///
    /// # Safety
    ///
    /// Nobody else reads or writes these rows meanwhile.
    pub unsafe fn load(
        &self,
        packing: &Packing,
        direction: usize,
        blocks: &Range<usize>,
        rows: &Range<usize>,
        from: Option<&[f32]>,
    ) {
        for block in blocks.clone() {
            // SAFETY: see above.
            let to = unsafe { self.rows_mut(direction, block, rows) };
            to.fill(0.0);
            let Some(from) = from else { continue };
            let columns = self.columns(block);
            for (to, row) in to
                .chunks_exact_mut(self.lanes)
                .zip(&packing.rows[rows.clone()])
            {
                let from = &from[(direction * self.batch + row) * self.units..][columns.clone()];
                to[..from.len()].copy_from_slice(from);
            }
        }
    }

    /// Copies some rows of some blocks from others of the same shape.
    ///
    /// # Safety
    ///
    /// Nobody else reads or writes these rows meanwhile, and nobody writes those of `from`; the two do
    /// not lie in the same place.
    pub unsafe fn copy(
        &self,
        from: &ByUnit,
        direction: usize,
        blocks: &Range<usize>,
        rows: &Range<usize>,
    ) {
        for block in blocks.clone() {
            // SAFETY: see above.
            unsafe {
                let from = from.rows_ref(direction, block, rows);
                self.rows_mut(direction, block, rows).copy_from_slice(from);
            }
        }
    }

    /// Copies everything to `[directions, batch, units]`.
    ///
    /// # Safety
    ///
    /// Nobody writes meanwhile.
    pub unsafe fn unload(&self, packing: &Packing, directions: usize) -> Vec<f32> {
        let mut to = vec![0.0; directions * self.batch * self.units];
        for direction in 0..directions {
            for block in 0..self.blocks() {
                let columns = self.columns(block);
                for (place, row) in packing.rows.iter().enumerate() {
                    let start = self.start(direction, block, place);
                    // SAFETY: see above.
                    let from = unsafe { self.data.read(start, columns.len()) };
                    to[(direction * self.batch + row) * self.units..][columns.clone()]
                        .copy_from_slice(from);
                }
            }
        }
        to
    }
}

/// Some values for each unit of each sequence at each time step of a segment:
/// `[directions, blocks, packed steps, width]`.
#[derive(Clone, Copy)]
pub(crate) struct ByStep<'a> {
    data: Shared<'a>,
    blocks: usize,
    width: usize,
    first: usize,
    count: usize,
}

impl<'a> ByStep<'a> {
    /// Floats of `width` values of each of `blocks` blocks at `packed` packed steps.
    pub fn len(directions: usize, blocks: usize, packed: usize, width: usize) -> usize {
        floats(&[directions, blocks, packed, width])
    }

    /// `packed` are the packed steps of the segment.
    pub fn new(data: Shared<'a>, blocks: usize, width: usize, packed: &Range<usize>) -> Self {
        Self {
            data,
            blocks,
            width,
            first: packed.start,
            count: packed.len(),
        }
    }

    fn start(&self, direction: usize, block: usize, packed: usize) -> usize {
        ((direction * self.blocks + block) * self.count + packed - self.first) * self.width
    }

    /// How far the blocks are apart.
    pub fn block_stride(&self) -> usize {
        self.count * self.width
    }

    /// The rows `[packed, width]` of a block.
    pub fn rows(&self, direction: usize, block: usize, packed: &Range<usize>) -> *mut f32 {
        let start = self.start(direction, block, packed.start);
        self.data.part(start, packed.len() * self.width)
    }

    /// The rows `[packed, width]` of a block.
    ///
    /// # Safety
    ///
    /// Nobody else reads or writes these rows meanwhile.
    pub unsafe fn rows_mut(
        &self,
        direction: usize,
        block: usize,
        packed: &Range<usize>,
    ) -> &'a mut [f32] {
        let start = self.start(direction, block, packed.start);
        // SAFETY: see above.
        unsafe { self.data.write(start, packed.len() * self.width) }
    }

    /// Everything from a column of a packed step of the first block of a direction on.
    pub fn tail(&self, direction: usize, packed: usize, column: usize) -> (*const f32, usize) {
        self.data.tail(self.start(direction, 0, packed) + column)
    }

    /// The rows `[packed, width]` of a block.
    ///
    /// # Safety
    ///
    /// Nobody writes these rows meanwhile.
    pub unsafe fn rows_ref(
        &self,
        direction: usize,
        block: usize,
        packed: &Range<usize>,
    ) -> &'a [f32] {
        let start = self.start(direction, block, packed.start);
        // SAFETY: see above.
        unsafe { self.data.read(start, packed.len() * self.width) }
    }

    /// All rows of a block.
    ///
    /// # Safety
    ///
    /// Nobody writes this block meanwhile.
    pub unsafe fn block(&self, direction: usize, block: usize) -> &'a [f32] {
        let start = self.start(direction, block, self.first);
        // SAFETY: see above.
        unsafe { self.data.read(start, self.block_stride()) }
    }
}
