//! A part's way forward through time.
//!
//! For some time steps at once, the input's products are computed; then, step by step, the hidden
//! state's products are added block by block of units, each followed by the element-wise step while
//! the block is in the cache.

use std::ops::Range;

use super::blocks::ByUnit;
use super::buffers::{Buffer, Shared};
use super::elementwise::{ForwardStep, Scattered};
use super::gru::GruForward;
use super::layout::{FastCell, SLOTS};
use super::lstm::LstmForward;
use super::operands::{Before, Operands};
use super::panels::{SharedForwardPanels, panels};
use super::plan::{Part, Plan};
use super::product::{Product, Rows, Start, ZEROS};
use super::saved::Steps;

/// The input's products, and those of its gradient, are computed for so many time steps that they have
/// at least this many rows: fewer would not pay for reading the weights.
pub(super) const ROWS_AT_ONCE: usize = 24;

/// What all parts of a forward pass share.
#[derive(Clone, Copy)]
pub(crate) struct ForwardPass<'a> {
    pub operands: &'a Operands<'a>,
    pub plan: &'a Plan,
    pub output: Shared<'a>,
    /// Whether the output is written, or is there already.
    pub shows: bool,
    pub panels: SharedForwardPanels<'a>,
    /// The state that the element-wise step carries, after the steps done.
    pub carried: ByUnit<'a>,
    /// The hidden state as the recurrent products want it, before even and before odd steps.
    pub hidden: [ByUnit<'a>; 2],
    /// What the hidden state is projected from, if it is.
    pub unprojected: ByUnit<'a>,
    pub mask: ByUnit<'a>,
}

/// What a part works on alone.
pub(crate) struct Scratch {
    /// `[rows at once, d_input]`: the input's rows side by side.
    x: Buffer,
    /// `[own blocks, rows at once, input slots * LANES]`: the input's products.
    projected: Buffer,
    /// `[rows, SLOTS * LANES]`; at least a panel of the projection.
    slots: Buffer,
    rows_at_once: usize,
}

impl Scratch {
    pub fn take(operands: &Operands, part: &Part) -> Self {
        let sizes = &operands.sizes;
        let rows = operands.running(part, 0).len();
        let rows_at_once = ROWS_AT_ONCE + rows;
        let width = sizes.input_side().slots() * sizes.lanes();
        Self {
            x: Buffer::take(rows_at_once * sizes.d_input),
            projected: Buffer::take(part.blocks.len() * rows_at_once * width),
            slots: Buffer::take(rows * SLOTS * sizes.lanes()),
            rows_at_once,
        }
    }
}

impl ForwardPass<'_> {
    /// Lays out a part's weights and masks.
    ///
    /// # Safety
    ///
    /// Each part is prepared once, and nobody reads before all are.
    pub unsafe fn prepare(&self, part: &Part) {
        let operands = self.operands;
        // SAFETY: see above; the masks are this part's alone.
        unsafe {
            self.panels.pack(operands, part);
            if operands.mask.is_some() {
                let packing = operands.packing;
                self.mask.load(
                    packing,
                    part.direction,
                    &part.shown,
                    &part.rows,
                    operands.mask,
                );
            }
        }
    }

    /// Goes through the time steps of a segment, from the carried states on.
    ///
    /// # Safety
    ///
    /// All parts are prepared; each runs once, and those that wait for each other at the same time.
    /// The steps, and the scratch, are of this segment and part.
    pub unsafe fn run(
        &self,
        part: &Part,
        segment: Range<usize>,
        steps: Option<Steps>,
        scratch: &mut Scratch,
    ) {
        self.load_hidden(part, segment.start);
        self.plan.wait(part);
        let mut step = segment.start;
        while step < segment.end {
            let mut end = step;
            let mut rows = 0;
            while end < segment.end && rows < ROWS_AT_ONCE {
                rows += self.operands.running(part, end).len();
                end += 1;
            }
            if rows == 0 {
                // Nor have the other parts that this one would wait for any sequence left.
                return;
            }
            self.project(part, step..end, scratch);
            let mut row = 0;
            for step in step..end {
                self.step(part, step, &segment, steps, scratch, row);
                row += self.operands.running(part, step).len();
                if self.operands.sizes.is_projected() {
                    self.plan.wait(part);
                    self.project_hidden(part, step, scratch);
                }
                self.plan.wait(part);
            }
            step = end;
        }
    }

    /// The hidden state before the first step of a segment: the output of the step before, or the
    /// initial one.
    fn load_hidden(&self, part: &Part, step: usize) {
        let operands = self.operands;
        let hidden = &self.hidden[step % 2];
        let rows = operands.running(part, step);
        for block in part.shown.clone() {
            let columns = hidden.columns(block);
            // SAFETY: these features of these rows are this part's alone until all have waited.
            let to = unsafe { hidden.rows_mut(part.direction, block, &rows) };
            to.fill(0.0);
            for (to, place) in to
                .chunks_exact_mut(operands.sizes.lanes())
                .zip(rows.clone())
            {
                let from = match operands.before(part.direction, step, place, &columns) {
                    Before::Initial(from) => from,
                    // SAFETY: this part wrote it, in an earlier segment.
                    Before::Output(at) => unsafe { self.output.read(at.start, at.len()) },
                };
                to[..from.len()].copy_from_slice(from);
            }
            if operands.mask.is_some() {
                // SAFETY: the masks of this part are its own.
                let mask = unsafe { self.mask.rows_ref(part.direction, block, &rows) };
                for (to, mask) in to.iter_mut().zip(mask) {
                    *to *= *mask;
                }
            }
        }
    }

    /// The products of the input for all of a part's rows of some time steps.
    fn project(&self, part: &Part, steps: Range<usize>, scratch: &mut Scratch) {
        let operands = self.operands;
        let (sizes, d_input) = (&operands.sizes, operands.sizes.d_input);
        let gather = &operands.packing.direction(part.direction).gather;
        let x = scratch.x.as_mut_slice();
        let mut count = 0;
        for step in steps {
            for place in &gather[operands.packed(step, &operands.running(part, step))] {
                let from = &operands.x[place * d_input..(place + 1) * d_input];
                x[count * d_input..(count + 1) * d_input].copy_from_slice(from);
                count += 1;
            }
        }
        let side = sizes.input_side();
        let width = side.slots() * sizes.lanes();
        let blocks = scratch
            .projected
            .as_mut_slice()
            .chunks_exact_mut(scratch.rows_at_once * width);
        for (block, result) in part.blocks.clone().zip(blocks) {
            // SAFETY: all have packed; the input's rows are this part's own.
            let ([panels, _, bias], lhs) =
                unsafe { (self.panels.of(part, block), Rows::plain(x, d_input)) };
            sizes.isa.run(Product {
                rows: count,
                depth: d_input,
                lhs,
                panels,
                vectors: sizes.slot_vectors(side),
                start: Start::Row(bias),
                result,
                result_stride: width,
                next: None,
            });
        }
    }

    /// One time step, whose rows' input products begin at `row` of what has been projected.
    fn step(
        &self,
        part: &Part,
        step: usize,
        segment: &Range<usize>,
        steps: Option<Steps>,
        scratch: &mut Scratch,
        row: usize,
    ) {
        let operands = self.operands;
        let (sizes, direction) = (&operands.sizes, part.direction);
        let lanes = sizes.lanes();
        let rows = operands.running(part, step);
        let now = operands.packed(step, &rows);
        let (hidden, next_hidden) = (&self.hidden[step % 2], &self.hidden[(step + 1) % 2]);
        let hidden_side = sizes.hidden_side();
        let width = sizes.input_side().slots() * lanes;
        // SAFETY: the hidden state before the step is complete, because all parts have waited.
        let lhs = unsafe {
            let from = hidden.tail(direction, rows.start);
            Rows::blocked(from, lanes, lanes, hidden.block_stride())
        };
        for (index, block) in part.blocks.clone().enumerate() {
            let start = (index * scratch.rows_at_once + row) * width;
            let projected = &scratch.projected.as_slice()[start..start + rows.len() * width];
            let slots = scratch.slots.as_mut_slice();
            // SAFETY: all have packed.
            let [_, panels, bias] = unsafe { self.panels.of(part, block) };
            let start = match hidden_side.first {
                0 => Start::Rows(projected, width),
                // What only the hidden state goes into starts from its bias alone.
                _ => {
                    for (slots, projected) in slots
                        .chunks_exact_mut(SLOTS * lanes)
                        .zip(projected.chunks_exact(width))
                    {
                        slots[..width].copy_from_slice(projected);
                        slots[width..].copy_from_slice(&bias[width..]);
                    }
                    Start::Result
                }
            };
            sizes.isa.run(Product {
                rows: rows.len(),
                depth: sizes.d_recurrent,
                lhs,
                panels,
                vectors: sizes.slot_vectors(hidden_side),
                start,
                result: &mut slots[hidden_side.first * lanes..],
                result_stride: SLOTS * lanes,
                next: None,
            });

            let carried = self.carried.rows(direction, block, &rows);
            let (previous, state, saved) = match &steps {
                None => (carried, carried, None),
                Some(kept) => {
                    let previous = match step == segment.start {
                        true => carried,
                        false => {
                            let before = operands.packed(step - 1, &rows);
                            kept.states.rows(direction, block, &before)
                        }
                    };
                    let state = kept.states.rows(direction, block, &now);
                    (
                        previous,
                        state,
                        Some(kept.slots.rows(direction, block, &now)),
                    )
                }
            };
            let projected = sizes.is_projected();
            let job = ForwardStep {
                rows: rows.len(),
                slots: slots.as_ptr(),
                previous: previous.cast_const(),
                state,
                saved,
                hidden: match projected {
                    true => self.unprojected.rows(direction, block, &rows),
                    false => next_hidden.rows(direction, block, &rows),
                },
                mask: (operands.mask.is_some() && !projected)
                    .then(|| self.mask.rows(direction, block, &rows).cast_const()),
                output: (self.shows && !projected).then(|| Scattered {
                    data: self
                        .output
                        .part(direction * sizes.d_recurrent + block * lanes, 0),
                    places: operands.packing.direction(direction).gather[now.clone()].as_ptr(),
                    stride: operands.d_output(),
                    units: sizes.units(block),
                }),
                clip: operands.clip,
            };
            // SAFETY: every pointer is good for these rows, and nobody else uses these units of them.
            unsafe {
                match sizes.cell {
                    FastCell::Lstm => sizes.isa.run(LstmForward::new(job)),
                    FastCell::Gru => sizes.isa.run(GruForward::new(job)),
                }
            }
            if let Some(kept) = &steps {
                // Sequences that end here, or go on in the next segment.
                let next = match step + 1 == segment.end {
                    true => rows.start,
                    false => operands.running(part, step + 1).end,
                };
                let ended = next..rows.end;
                let from = operands.packed(step, &ended);
                // SAFETY: both are this part's alone.
                unsafe {
                    let from = kept.states.rows_ref(direction, block, &from);
                    let to = self.carried.rows_mut(direction, block, &ended);
                    to.copy_from_slice(from);
                }
            }
        }
    }

    /// h_t = W_p·(o_t ⊙ tanh(c_t)): a part's features of it.
    fn project_hidden(&self, part: &Part, step: usize, scratch: &mut Scratch) {
        let operands = self.operands;
        let (sizes, direction) = (&operands.sizes, part.direction);
        let lanes = sizes.lanes();
        let rows = operands.running(part, step);
        let now = operands.packed(step, &rows);
        let next_hidden = &self.hidden[(step + 1) % 2];
        for vectors in panels(sizes, &part.shown) {
            let width = vectors.len() * lanes;
            let result = &mut scratch.slots.as_mut_slice()[..rows.len() * width];
            // SAFETY: all have packed, and have waited since they wrote what is projected.
            let (lhs, panels) = unsafe {
                let from = self.unprojected.tail(direction, rows.start);
                (
                    Rows::blocked(from, lanes, lanes, self.unprojected.block_stride()),
                    self.panels.projection(part, &vectors),
                )
            };
            sizes.isa.run(Product {
                rows: rows.len(),
                depth: sizes.d_hidden,
                lhs,
                panels,
                vectors: vectors.len(),
                start: Start::Row(&ZEROS),
                result,
                result_stride: width,
                next: None,
            });
            for block in vectors.clone() {
                let columns = next_hidden.columns(block);
                let first = (block - vectors.start) * lanes;
                // SAFETY: these features of these rows are this part's alone.
                let (to, mask) = unsafe {
                    (
                        next_hidden.rows_mut(direction, block, &rows),
                        operands
                            .mask
                            .map(|_| self.mask.rows_ref(direction, block, &rows)),
                    )
                };
                let shown = result.chunks_exact(width).map(|row| &row[first..][..lanes]);
                for ((to, shown), packed) in to.chunks_exact_mut(lanes).zip(shown).zip(now.clone())
                {
                    to.copy_from_slice(shown);
                    if self.shows {
                        let at = operands.shown(direction, packed, &columns);
                        // SAFETY: the same.
                        let output = unsafe { self.output.write(at.start, at.len()) };
                        output.copy_from_slice(&shown[..at.len()]);
                    }
                }
                for (to, mask) in to.iter_mut().zip(mask.into_iter().flatten()) {
                    *to *= *mask;
                }
            }
        }
    }
}
