//! The gradients of a layer's weights: for each, the sum over all steps of what went in times the
//! gradient of what came out.
//!
//! The biases are weights of an input that is always 1, one more row of the sums. The sums are cut
//! into tiles, which the threads share; each is added up in the order of the packed steps.

use std::ops::Range;

use super::buffers::{Buffer, Shared};
use super::layout::{FastCell, SLOTS, Side, Sizes};
use super::outer::{OuterProduct, tile_rows};
use super::pass::{Operands, Steps};
use super::plan::{Plan, share};
use super::simd::Isa;

/// Bytes of the slots' gradients that stay in the first level of the cache.
const BLOCK_BYTES: usize = 24 << 10;

/// Rows of the sums that are laid out at once.
const ROWS_AT_ONCE: usize = 240;

/// The gradients of a layer's weights, shaped as these.
pub(crate) struct WeightGradients {
    pub input_weight: Vec<f32>,
    pub recurrent_weight: Vec<f32>,
    pub input_bias: Vec<f32>,
    pub recurrent_bias: Vec<f32>,
}

impl WeightGradients {
    pub fn zeros(sizes: &Sizes) -> Self {
        let columns = sizes.directions * sizes.columns();
        Self {
            input_weight: vec![0.0; sizes.d_input * columns],
            recurrent_weight: vec![0.0; sizes.d_hidden * columns],
            input_bias: vec![0.0; columns],
            recurrent_bias: vec![0.0; columns],
        }
    }

    pub fn share(&mut self) -> [[Shared<'_>; 2]; 2] {
        [
            [
                Shared::new(&mut self.input_weight),
                Shared::new(&mut self.input_bias),
            ],
            [
                Shared::new(&mut self.recurrent_weight),
                Shared::new(&mut self.recurrent_bias),
            ],
        ]
    }
}

/// The sums of one side: of the input, or of the hidden state.
#[derive(Clone, Copy)]
struct Sums {
    side: Side,
    /// Rows of the weight; one more is the bias.
    rows: usize,
    vectors: usize,
    tile_rows: usize,
    tiles: usize,
}

impl Sums {
    fn new(sizes: &Sizes, side: Side, rows: usize) -> Self {
        let vectors = sizes.slot_vectors(side);
        let tile_rows = tile_rows(sizes.isa.registers(), vectors);
        Self {
            side,
            rows,
            vectors,
            tile_rows,
            tiles: (rows + 1).div_ceil(tile_rows),
        }
    }

    fn both(sizes: &Sizes) -> [Self; 2] {
        [
            Self::new(sizes, sizes.input_side(), sizes.d_input),
            Self::new(sizes, sizes.hidden_side(), sizes.d_hidden),
        ]
    }

    /// Panels of one block.
    fn panels(&self) -> usize {
        self.side.slots() / self.vectors
    }

    fn width(&self, isa: Isa) -> usize {
        self.vectors * isa.lanes()
    }

    /// Floats of one panel's sums.
    fn panel_len(&self, isa: Isa) -> usize {
        self.tiles * self.tile_rows * self.width(isa)
    }

    /// Floats of one direction's sums: `[blocks, panels, tiles * tile_rows, vectors * LANES]`.
    fn len(&self, sizes: &Sizes) -> usize {
        sizes.blocks() * self.panels() * self.panel_len(sizes.isa)
    }
}

/// The sums of both sides and all directions.
pub(super) struct WeightSums {
    sums: [Sums; 2],
    buffers: [Buffer; 2],
}

impl WeightSums {
    pub fn take(sizes: &Sizes) -> Self {
        let sums = Sums::both(sizes);
        Self {
            sums,
            buffers: sums.map(|sums| Buffer::take(sizes.directions * sums.len(sizes))),
        }
    }

    pub fn share(&mut self) -> SharedSums<'_> {
        SharedSums {
            sums: self.sums,
            data: self.buffers.each_mut().map(Buffer::share),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct SharedSums<'a> {
    sums: [Sums; 2],
    data: [Shared<'a>; 2],
}

/// Tiles of one direction and side that a thread adds up.
struct Task {
    direction: usize,
    side: usize,
    tiles: Range<usize>,
}

impl SharedSums<'_> {
    /// What a thread adds up: its share of all tiles.
    fn tasks(&self, sizes: &Sizes, plan: &Plan, thread: usize) -> Vec<Task> {
        let all: usize = self.sums.iter().map(|sums| sums.tiles).sum();
        let mine = share(all * sizes.directions, thread, plan.threads);
        let mut tasks = Vec::new();
        let mut first = 0;
        for direction in 0..sizes.directions {
            for (side, sums) in self.sums.iter().enumerate() {
                let tiles = mine.start.max(first)..mine.end.min(first + sums.tiles);
                if !tiles.is_empty() {
                    tasks.push(Task {
                        direction,
                        side,
                        tiles: tiles.start - first..tiles.end - first,
                    });
                }
                first += sums.tiles;
            }
        }
        tasks
    }

    /// The sums of a task's tiles in one panel.
    ///
    /// # Safety
    ///
    /// The task is this thread's.
    unsafe fn panel(&self, sizes: &Sizes, task: &Task, block: usize, panel: usize) -> &mut [f32] {
        let sums = &self.sums[task.side];
        let index = (task.direction * sizes.blocks() + block) * sums.panels() + panel;
        let tile = sums.tile_rows * sums.width(sizes.isa);
        let start = index * sums.panel_len(sizes.isa) + task.tiles.start * tile;
        // SAFETY: see above.
        unsafe { self.data[task.side].write(start, task.tiles.len() * tile) }
    }

    /// Sets a thread's sums to zero.
    pub fn clear(&self, sizes: &Sizes, plan: &Plan, thread: usize) {
        for task in self.tasks(sizes, plan, thread) {
            for block in 0..sizes.blocks() {
                for panel in 0..self.sums[task.side].panels() {
                    // SAFETY: the task is this thread's.
                    unsafe { self.panel(sizes, &task, block, panel) }.fill(0.0);
                }
            }
        }
    }

    /// Adds the steps of a segment to a thread's sums.
    pub fn add(
        &self,
        operands: &Operands,
        output: &[f32],
        segment: Range<usize>,
        steps: &Steps,
        plan: &Plan,
        thread: usize,
    ) {
        let sizes = &operands.sizes;
        for task in self.tasks(sizes, plan, thread) {
            let sums = &self.sums[task.side];
            let sources = Sources::new(operands, output, segment.clone(), &task);
            let count = sources.rows.len();
            let depth = BLOCK_BYTES / (4 * sums.width(sizes.isa));
            let at_once = (ROWS_AT_ONCE / sums.tile_rows).max(1);
            let mut laid_out = Buffer::take(at_once * sums.tile_rows * depth);
            for start in (0..count).step_by(depth) {
                let some = start..(start + depth).min(count);
                for first in task.tiles.clone().step_by(at_once) {
                    let tiles = first..(first + at_once).min(task.tiles.end);
                    sources.lay_out(sums, &tiles, some.clone(), laid_out.as_mut_slice());
                    let part = Task { tiles, ..task };
                    self.add_tiles(sizes, &part, steps, some.clone(), laid_out.as_slice());
                }
            }
        }
    }

    /// Adds some steps to some tiles.
    fn add_tiles(
        &self,
        sizes: &Sizes,
        task: &Task,
        steps: &Steps,
        some: Range<usize>,
        lhs: &[f32],
    ) {
        let sums = &self.sums[task.side];
        let lanes = sizes.lanes();
        for block in 0..sizes.blocks() {
            // SAFETY: all threads have waited since the slots were written.
            let slots = unsafe { steps.slots.block(sizes, task.direction, block) };
            for panel in 0..sums.panels() {
                let slot = sums.side.first + panel * sums.vectors;
                // SAFETY: the task is this thread's.
                let result = unsafe { self.panel(sizes, task, block, panel) };
                sizes.isa.run(OuterProduct {
                    depth: some.len(),
                    lhs,
                    tiles: task.tiles.len(),
                    rhs: &slots[some.start * SLOTS * lanes + slot * lanes..],
                    rhs_stride: SLOTS * lanes,
                    vectors: sums.vectors,
                    result,
                });
            }
        }
    }

    /// Copies a thread's sums to where the gradients belong.
    pub fn unload(
        &self,
        sizes: &Sizes,
        plan: &Plan,
        thread: usize,
        to: &[[Shared; 2]; 2],
    ) {
        let (lanes, columns) = (sizes.lanes(), sizes.columns());
        for task in self.tasks(sizes, plan, thread) {
            let sums = &self.sums[task.side];
            let width = sums.width(sizes.isa);
            for block in 0..sizes.blocks() {
                for (slot, gate) in sums.side.gates.iter().enumerate() {
                    // SAFETY: the task is this thread's.
                    let from = unsafe { self.panel(sizes, &task, block, slot / sums.vectors) };
                    let first = task.tiles.start * sums.tile_rows;
                    let rows = from.chunks_exact(width).zip(first..=sums.rows);
                    let column = task.direction * columns + gate * sizes.d_hidden + block * lanes;
                    for (from, row) in rows {
                        let from = &from[slot % sums.vectors * lanes..][..sizes.units(block)];
                        let weight = row < sums.rows;
                        let start = match weight {
                            true => column + (task.direction * (sums.rows - 1) + row) * columns,
                            false => column,
                        };
                        for target in self.targets(sizes.cell, task.side, weight, to) {
                            // SAFETY: only this thread has this row of this direction and side.
                            unsafe { target.write(start, from.len()) }.copy_from_slice(from);
                        }
                    }
                }
            }
        }
    }

    /// Where a row belongs. Both biases of an LSTM's gate are only ever added up, and have the same
    /// gradient: that of the input's side.
    fn targets<'a>(
        &self,
        cell: FastCell,
        side: usize,
        weight: bool,
        to: &'a [[Shared<'a>; 2]; 2],
    ) -> Vec<&'a Shared<'a>> {
        match (weight, cell, side) {
            (true, _, _) => vec![&to[side][0]],
            (false, FastCell::Gru, _) => vec![&to[side][1]],
            (false, FastCell::Lstm, 0) => vec![&to[0][1], &to[1][1]],
            (false, FastCell::Lstm, _) => vec![],
        }
    }
}

/// What went in at each step of a segment.
struct Sources<'a> {
    /// None is zero.
    rows: Vec<Option<&'a [f32]>>,
    /// What each row is multiplied with.
    masks: Option<Vec<&'a [f32]>>,
}

impl<'a> Sources<'a> {
    fn new(
        operands: &'a Operands,
        output: &'a [f32],
        segment: Range<usize>,
        task: &Task,
    ) -> Self {
        let (sizes, packing) = (&operands.sizes, operands.packing);
        let gather = &packing.direction(task.direction).gather;
        let (d_input, d_hidden) = (sizes.d_input, sizes.d_hidden);
        if task.side == 0 {
            let packed = packing.offsets[segment.start]..packing.offsets[segment.end];
            let row = |place: &usize| Some(&operands.x[place * d_input..(place + 1) * d_input]);
            return Self {
                rows: gather[packed].iter().map(row).collect(),
                masks: None,
            };
        }
        let of_sequence = |states: &'a [f32], place: usize| {
            let row = task.direction * packing.batch + packing.rows[place];
            &states[row * d_hidden..(row + 1) * d_hidden]
        };
        let mut rows = Vec::new();
        let mut masks = operands.mask.map(|_| Vec::new());
        for step in segment {
            for place in 0..packing.active[step] {
                rows.push(if step == 0 {
                    let initial = operands.initial.first();
                    initial.map(|initial| of_sequence(initial, place))
                } else {
                    let last = gather[packing.offsets[step - 1] + place];
                    let start = (last * sizes.directions + task.direction) * d_hidden;
                    Some(&output[start..start + d_hidden])
                });
                if let (Some(masks), Some(mask)) = (&mut masks, operands.mask) {
                    masks.push(of_sequence(mask, place));
                }
            }
        }
        Self { rows, masks }
    }

    /// Lays out the rows of some steps as tiles: `[tiles, steps, tile_rows]`. After the last of
    /// what went in comes the 1 of the bias.
    fn lay_out(&self, sums: &Sums, tiles: &Range<usize>, steps: Range<usize>, to: &mut [f32]) {
        let (height, count) = (sums.tile_rows, steps.len());
        for (index, step) in steps.enumerate() {
            for (tile_index, tile) in tiles.clone().enumerate() {
                let to = &mut to[(tile_index * count + index) * height..][..height];
                let first = tile * height;
                let values = sums.rows.saturating_sub(first).min(height);
                let wanted = first..first + values;
                match self.rows[step] {
                    None => to[..values].fill(0.0),
                    Some(row) => to[..values].copy_from_slice(&row[wanted.clone()]),
                }
                if let Some(masks) = &self.masks {
                    for (to, mask) in to.iter_mut().zip(&masks[step][wanted]) {
                        *to *= mask;
                    }
                }
                if values < height {
                    to[values..].fill(0.0);
                    if first + values == sums.rows {
                        to[values] = 1.0;
                    }
                }
            }
        }
    }
}
