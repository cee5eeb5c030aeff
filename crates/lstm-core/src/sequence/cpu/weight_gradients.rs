//! The gradients of a layer's weights: for each, the sum over all steps of what went in times the
//! gradient of what came out.
//!
//! The biases are weights of an input that is always 1, one more row of the sums. The sums are cut
//! into tiles, which the threads share; each is added up in the order of the packed steps.

use std::ops::Range;

use super::backward::Wanted;
use super::backward_pass::Trace;
use super::buffers::{Buffer, Shared};
use super::layout::{FastCell, SLOTS, Side, Sizes};
use super::operands::Operands;
use super::outer::{OuterProduct, tile_rows};
use super::plan::{Plan, share};
use super::product::panel_vectors;
use super::sources::Sources;

/// Bytes of the gradients that stay in the second level of the cache while the tiles go over them.
/// With fewer, all sums would be read and written more often, and they lie further away.
const BLOCK_BYTES: usize = 128 << 10;

/// Rows of the sums that are laid out at once.
const SUMS_AT_ONCE: usize = 240;

/// The gradients of a layer's weights, shaped as these; nothing of those that are not wanted.
pub(crate) struct WeightGradients {
    pub input_weight: Vec<f32>,
    pub recurrent_weight: Vec<f32>,
    pub input_bias: Vec<f32>,
    pub recurrent_bias: Vec<f32>,
    pub projection_weight: Vec<f32>,
}

impl WeightGradients {
    pub fn zeros(sizes: &Sizes, wanted: Wanted) -> Self {
        let columns = sizes.directions * sizes.columns();
        let zeros = |wanted: bool, count: usize| vec![0.0; if wanted { count } else { 0 }];
        let recurrent_bias = match sizes.cell {
            FastCell::Lstm => wanted.input,
            FastCell::Gru => wanted.recurrent,
        };
        let projection = sizes.directions * sizes.d_hidden * sizes.d_recurrent;
        Self {
            input_weight: zeros(wanted.input, sizes.d_input * columns),
            recurrent_weight: zeros(wanted.recurrent, sizes.d_recurrent * columns),
            input_bias: zeros(wanted.input, columns),
            recurrent_bias: zeros(recurrent_bias, columns),
            projection_weight: zeros(wanted.projection, projection),
        }
    }

    pub fn share(&mut self) -> SharedGradients<'_> {
        SharedGradients {
            weights: [
                Shared::new(&mut self.input_weight),
                Shared::new(&mut self.recurrent_weight),
                Shared::new(&mut self.projection_weight),
            ],
            biases: [
                Shared::new(&mut self.input_bias),
                Shared::new(&mut self.recurrent_bias),
            ],
        }
    }
}

pub(crate) struct SharedGradients<'a> {
    /// Of [`INPUT`], [`HIDDEN`] and [`PROJECTION`].
    weights: [Shared<'a>; 3],
    biases: [Shared<'a>; 2],
}

pub(super) const INPUT: usize = 0;
pub(super) const HIDDEN: usize = 1;
const PROJECTION: usize = 2;

/// The sums of one weight. Its columns come in panels: vectors that lie side by side in what comes
/// back.
#[derive(Clone, Copy)]
struct Sums {
    weight: usize,
    /// Rows of the weight.
    rows: usize,
    /// Whether one more row is the bias.
    bias: bool,
    /// Vectors of a panel.
    vectors: usize,
    /// The slots that a block of units is made of; none of the projection.
    side: Option<Side>,
    blocks: usize,
    tile_rows: usize,
    lanes: usize,
}

impl Sums {
    /// Of the weights that are wanted.
    fn of(sizes: &Sizes, wanted: Wanted) -> Vec<Self> {
        let registers = sizes.isa.registers();
        let sums = |weight, rows, bias, vectors, side, blocks| Self {
            weight,
            rows,
            bias,
            vectors,
            side,
            blocks,
            tile_rows: tile_rows(registers, vectors),
            lanes: sizes.lanes(),
        };
        let slots = |weight, side: Side, rows, bias| {
            let vectors = panel_vectors(registers, side.slots(), false);
            sums(weight, rows, bias, vectors, Some(side), sizes.blocks())
        };
        // Both biases of an LSTM's gate are only ever added up, and have the same gradient.
        let both_biases = sizes.cell == FastCell::Gru;
        let input = || slots(INPUT, sizes.input_side(), sizes.d_input, true);
        let hidden = || slots(HIDDEN, sizes.hidden_side(), sizes.d_recurrent, both_biases);
        let shown_blocks = sizes.shown_blocks();
        let projection = || sums(PROJECTION, sizes.d_hidden, false, 1, None, shown_blocks);
        let all = [
            wanted.input.then(input),
            wanted.recurrent.then(hidden),
            wanted.projection.then(projection),
        ];
        all.into_iter().flatten().collect()
    }

    fn tiles(&self) -> usize {
        (self.rows + usize::from(self.bias)).div_ceil(self.tile_rows)
    }

    /// Panels of one block.
    fn panels(&self) -> usize {
        self.side.map_or(1, |side| side.slots() / self.vectors)
    }

    fn width(&self) -> usize {
        self.vectors * self.lanes
    }

    /// Floats of one panel's sums.
    fn panel_len(&self) -> usize {
        self.tiles() * self.tile_rows * self.width()
    }

    /// Floats of one direction's sums: `[blocks, panels, tiles * tile_rows, vectors * LANES]`.
    fn len(&self) -> usize {
        self.blocks * self.panels() * self.panel_len()
    }
}

/// The sums of all weights that are wanted, in all directions.
pub(crate) struct WeightSums(Vec<(Sums, Buffer)>);

impl WeightSums {
    pub fn take(sizes: &Sizes, wanted: Wanted) -> Self {
        let with_buffer = |sums: Sums| (sums, Buffer::take(sizes.directions * sums.len()));
        Self(
            Sums::of(sizes, wanted)
                .into_iter()
                .map(with_buffer)
                .collect(),
        )
    }

    pub fn share(&mut self) -> SharedSums<'_> {
        let all = self.0.iter_mut();
        SharedSums(all.map(|(sums, buffer)| (*sums, buffer.share())).collect())
    }
}

pub(crate) struct SharedSums<'a>(Vec<(Sums, Shared<'a>)>);

/// Tiles of one weight in one direction, which one thread adds up.
struct Task<'a> {
    sums: Sums,
    data: Shared<'a>,
    direction: usize,
    tiles: Range<usize>,
}

impl<'a> SharedSums<'a> {
    /// What a thread adds up: its share of all tiles.
    fn tasks(&self, sizes: &Sizes, plan: &Plan, thread: usize) -> Vec<Task<'a>> {
        let all: usize = self.0.iter().map(|(sums, _)| sums.tiles()).sum();
        let mine = share(all * sizes.directions, thread, plan.threads);
        let mut tasks = Vec::new();
        let mut first = 0;
        for direction in 0..sizes.directions {
            for (sums, data) in &self.0 {
                let end = first + sums.tiles();
                let tiles = mine.start.max(first)..mine.end.min(end);
                if !tiles.is_empty() {
                    tasks.push(Task {
                        sums: *sums,
                        data: *data,
                        direction,
                        tiles: tiles.start - first..tiles.end - first,
                    });
                }
                first = end;
            }
        }
        tasks
    }

    /// Sets a thread's sums to zero.
    ///
    /// # Safety
    ///
    /// Only this thread has this number, and nobody has another plan.
    pub unsafe fn clear(&self, sizes: &Sizes, plan: &Plan, thread: usize) {
        for task in self.tasks(sizes, plan, thread) {
            for block in 0..task.sums.blocks {
                for panel in 0..task.sums.panels() {
                    // SAFETY: the task is this thread's.
                    unsafe { task.panel(&task.tiles, block, panel) }.fill(0.0);
                }
            }
        }
    }

    /// Adds the steps of a segment to a thread's sums.
    ///
    /// # Safety
    ///
    /// As [`clear`](Self::clear), and all parts have been run over the segment.
    pub unsafe fn add(
        &self,
        operands: &Operands,
        output: &[f32],
        trace: &Trace,
        plan: &Plan,
        thread: usize,
    ) {
        for task in self.tasks(&operands.sizes, plan, thread) {
            let sums = &task.sums;
            // SAFETY: see above.
            let sources =
                unsafe { Sources::new(operands, output, trace, task.direction, sums.weight) };
            let count = sources.len();
            let depth = BLOCK_BYTES / (4 * sums.width());
            let at_once = (SUMS_AT_ONCE / sums.tile_rows).min(task.tiles.len());
            let mut laid_out = Buffer::take(at_once * sums.tile_rows * depth);
            for start in (0..count).step_by(depth) {
                let some = start..(start + depth).min(count);
                for first in task.tiles.clone().step_by(at_once) {
                    let tiles = first..(first + at_once).min(task.tiles.end);
                    let (height, to) = (sums.tile_rows, laid_out.as_mut_slice());
                    sources.lay_out(height, sums.bias, &tiles, some.clone(), to);
                    task.add(trace, &tiles, some.clone(), laid_out.as_slice(), operands);
                }
            }
        }
    }

    /// Copies a thread's sums to where the gradients belong.
    ///
    /// # Safety
    ///
    /// As [`clear`](Self::clear).
    pub unsafe fn unload(&self, sizes: &Sizes, plan: &Plan, thread: usize, to: &SharedGradients) {
        for task in self.tasks(sizes, plan, thread) {
            task.unload(sizes, to);
        }
    }
}

impl<'a> Task<'a> {
    /// The sums of some tiles in one panel.
    ///
    /// # Safety
    ///
    /// The task is this thread's.
    unsafe fn panel(&self, tiles: &Range<usize>, block: usize, panel: usize) -> &'a mut [f32] {
        let sums = &self.sums;
        let index = (self.direction * sums.blocks + block) * sums.panels() + panel;
        let tile = sums.tile_rows * sums.width();
        let start = index * sums.panel_len() + tiles.start * tile;
        // SAFETY: see above.
        unsafe { self.data.write(start, tiles.len() * tile) }
    }

    /// Adds some steps to some tiles.
    fn add(
        &self,
        trace: &Trace,
        tiles: &Range<usize>,
        some: Range<usize>,
        lhs: &[f32],
        operands: &Operands,
    ) {
        let sums = &self.sums;
        let (by_step, row, first) = match sums.side {
            Some(side) => (&trace.steps.slots, SLOTS * sums.lanes, side.first),
            None => (&trace.d_shown, sums.lanes, 0),
        };
        for block in 0..sums.blocks {
            // SAFETY: all threads have waited since this was written.
            let gradients = unsafe { by_step.block(self.direction, block) };
            for panel in 0..sums.panels() {
                let column = (first + panel * sums.vectors) * sums.lanes;
                // SAFETY: the task is this thread's.
                let result = unsafe { self.panel(tiles, block, panel) };
                operands.sizes.isa.run(OuterProduct {
                    depth: some.len(),
                    lhs,
                    tiles: tiles.len(),
                    rhs: &gradients[some.start * row + column..],
                    rhs_stride: row,
                    vectors: sums.vectors,
                    result,
                });
            }
        }
    }

    fn unload(&self, sizes: &Sizes, to: &SharedGradients) {
        let (sums, lanes) = (&self.sums, self.sums.lanes);
        let columns = match sums.side {
            Some(_) => sizes.columns(),
            None => sizes.d_recurrent,
        };
        for block in 0..sums.blocks {
            // The vectors of a block, and the column that each begins at.
            let vectors: Vec<(usize, usize)> = match sums.side {
                Some(side) => side
                    .gates
                    .iter()
                    .map(|gate| gate * sizes.d_hidden + block * lanes)
                    .enumerate()
                    .collect(),
                None => vec![(0, block * lanes)],
            };
            let units = match sums.side {
                Some(_) => sizes.units(block),
                None => (sizes.d_recurrent - block * lanes).min(lanes),
            };
            for (vector, column) in vectors {
                // SAFETY: the task is this thread's.
                let from = unsafe { self.panel(&self.tiles, block, vector / sums.vectors) };
                let rows = from.chunks_exact(sums.width());
                let first = self.tiles.start * sums.tile_rows;
                let last = sums.rows + usize::from(sums.bias);
                for (row, from) in (first..last).zip(rows) {
                    let from = &from[vector % sums.vectors * lanes..][..units];
                    // SAFETY: only this thread has this row of this weight and direction.
                    unsafe { self.unload_row(row, column, columns, from, sizes, to) };
                }
            }
        }
    }

    /// Copies part of a row to where it belongs.
    ///
    /// # Safety
    ///
    /// Nobody else has this row.
    unsafe fn unload_row(
        &self,
        row: usize,
        column: usize,
        columns: usize,
        from: &[f32],
        sizes: &Sizes,
        to: &SharedGradients,
    ) {
        let sums = &self.sums;
        // SAFETY: see above.
        unsafe {
            if row < sums.rows {
                let start = (self.direction * sums.rows + row) * columns + column;
                let to = to.weights[sums.weight].write(start, from.len());
                to.copy_from_slice(from);
                return;
            }
            let start = self.direction * columns + column;
            let biases = match sizes.cell {
                FastCell::Lstm => &to.biases[..],
                FastCell::Gru => &to.biases[sums.weight..sums.weight + 1],
            };
            for bias in biases {
                bias.write(start, from.len()).copy_from_slice(from);
            }
        }
    }
}
