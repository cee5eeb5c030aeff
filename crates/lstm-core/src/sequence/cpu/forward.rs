//! The forward pass.
//!
//! A part goes through time with its sequences and units. For some time steps at once, the input's
//! products are computed; then, step by step, the hidden state's products are added block by block
//! of units, each followed by the element-wise step while the block is in the cache.

use std::ops::Range;

use super::buffers::{Buffer, Shared};
use super::elementwise::{ForwardStep, Scattered};
use super::gru::GruForward;
use super::layout::{FastCell, SLOTS, Sizes};
use super::lstm::LstmForward;
use super::pass::{
    ByUnit, ForwardPanels, Operands, Saved, Segment, SharedForwardPanels, StepBuffers, Steps,
    on_all_threads, output_column, packed, running, shows_its_state,
};
use super::plan::{Part, Plan};
use super::product::{Product, Rows, Start};
use super::threads;

/// The input's products are computed for so many time steps that they have at least this many
/// rows: fewer would not pay for reading the weights.
const ROWS_AT_ONCE: usize = 24;

/// What a forward pass gives.
pub(crate) struct Forward {
    /// `[batch, time, directions * d_hidden]`
    pub output: Vec<f32>,
    /// The final states `[directions, batch, d_hidden]`, hidden first.
    pub states: Vec<Vec<f32>>,
    pub saved: Option<Saved>,
}

/// What is kept for the backward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Nothing.
    Nothing,
    /// Every step.
    Steps,
    /// The state at every so many steps.
    Segments(usize),
}

/// Runs a layer forward.
pub(crate) fn forward(operands: &Operands, keep: Keep) -> Forward {
    let (sizes, packing) = (&operands.sizes, operands.packing);
    let plan = Plan::new(sizes, packing, threads::available());
    let all = packing.active.len();
    let (segment, stored) = match keep {
        Keep::Nothing => (all, false),
        Keep::Steps => (all, true),
        Keep::Segments(steps) => (steps.min(all), steps >= all),
    };
    let mut segments: Vec<Segment> = (0..all)
        .step_by(segment.max(1))
        .map(|start| Segment {
            steps: start..(start + segment).min(all),
            start: Buffer::take(match keep {
                Keep::Nothing => 0,
                _ => ByUnit::len(sizes, packing.batch),
            }),
        })
        .collect();
    let whole = 0..packing.offsets[all];
    let mut steps = stored.then(|| StepBuffers::take(sizes, whole.end));

    let mut output = vec![0.0; packing.batch * packing.time * sizes.directions * sizes.d_hidden];
    let mut panels = ForwardPanels::take(sizes);
    let mut carried = Buffer::take(ByUnit::len(sizes, packing.batch));
    let mut hidden = HiddenBuffers::take(sizes, packing.batch);
    let mut masks = operands.mask.map(|_| Buffer::take(ByUnit::len(sizes, packing.batch)));
    {
        let pass = ForwardPass {
            operands,
            plan: &plan,
            panels: panels.share(),
            output: Shared::new(&mut output),
            shows: true,
            carried: ByUnit::new(carried.share(), packing.batch),
            hidden: hidden.share(packing.batch),
            mask: masks.as_mut().map(|mask| ByUnit::new(mask.share(), packing.batch)),
        };
        let steps = steps.as_mut().map(|steps| steps.share(&whole));
        let starts: Vec<(Range<usize>, ByUnit)> = segments
            .iter_mut()
            .map(|segment| {
                let start = ByUnit::new(segment.start.share(), packing.batch);
                (segment.steps.clone(), start)
            })
            .collect();
        on_all_threads(&plan, |thread| {
            for part in plan.parts_of(thread) {
                pass.panels.pack(operands, part);
                pass.carried.load(operands, part, operands.carried());
                if let Some(mask) = &pass.mask {
                    mask.load(operands, part, operands.mask);
                }
            }
            plan.wait_for_all();
            for part in plan.parts_of(thread) {
                let mut scratch = Scratch::take(sizes, packing, part);
                for (segment, start) in &starts {
                    if keep != Keep::Nothing {
                        pass.keep_states(part, start);
                    }
                    pass.run(part, segment.clone(), steps, &mut scratch);
                }
            }
        });
    }

    // SAFETY: the threads have ended.
    let carried = unsafe { ByUnit::new(carried.share(), packing.batch).unload(operands) };
    let states = if shows_its_state(sizes.cell) {
        vec![carried]
    } else {
        vec![final_hidden(operands, &output), carried]
    };
    Forward {
        output,
        states,
        saved: (keep != Keep::Nothing).then_some(Saved { segments, steps }),
    }
}

/// Each sequence's hidden state after its last step: what it showed then, or else the initial one.
fn final_hidden(operands: &Operands, output: &[f32]) -> Vec<f32> {
    let (sizes, packing) = (&operands.sizes, operands.packing);
    let (batch, d_hidden) = (packing.batch, sizes.d_hidden);
    let mut hidden = match operands.initial.first() {
        Some(initial) => initial.to_vec(),
        None => vec![0.0; sizes.directions * batch * d_hidden],
    };
    let lengths = packing.lengths();
    for direction in 0..sizes.directions {
        for (place, (row, length)) in packing.rows.iter().zip(&lengths).enumerate() {
            if *length == 0 {
                continue;
            }
            let last = packing.direction(direction).gather[packing.offsets[length - 1] + place];
            let from = (last * sizes.directions + direction) * d_hidden;
            let to = (direction * batch + row) * d_hidden;
            hidden[to..to + d_hidden].copy_from_slice(&output[from..from + d_hidden]);
        }
    }
    hidden
}

/// The hidden state as the products want it, before and after a step.
pub(super) struct HiddenBuffers([Buffer; 2]);

impl HiddenBuffers {
    pub fn take(sizes: &Sizes, batch: usize) -> Self {
        Self([(); 2].map(|()| Buffer::take(ByUnit::len(sizes, batch))))
    }

    pub fn share(&mut self, batch: usize) -> [ByUnit<'_>; 2] {
        self.0.each_mut().map(|buffer| ByUnit::new(buffer.share(), batch))
    }
}

/// What all parts of a forward pass share.
#[derive(Clone, Copy)]
pub(super) struct ForwardPass<'a> {
    pub operands: &'a Operands<'a>,
    pub plan: &'a Plan,
    pub panels: SharedForwardPanels<'a>,
    pub output: Shared<'a>,
    /// Whether the output is written, or is there already.
    pub shows: bool,
    /// The state that the element-wise step carries, after the steps done.
    pub carried: ByUnit<'a>,
    pub hidden: [ByUnit<'a>; 2],
    pub mask: Option<ByUnit<'a>>,
}

/// What a part works on alone.
pub(super) struct Scratch {
    /// `[rows at once, d_input]`: the input's rows side by side.
    x: Buffer,
    /// `[own blocks, rows at once, input slots * LANES]`: the input's products.
    projected: Buffer,
    /// `[rows, SLOTS * LANES]`
    slots: Buffer,
    rows_at_once: usize,
}

impl Scratch {
    pub fn take(sizes: &Sizes, packing: &crate::sequence::packing::Packing, part: &Part) -> Self {
        let rows = running(packing, part, 0).len();
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
    /// Copies the carried states of a part before a segment.
    fn keep_states(&self, part: &Part, to: &ByUnit) {
        let sizes = &self.operands.sizes;
        for block in part.blocks.clone() {
            // SAFETY: both are this part's alone.
            unsafe {
                let from = self.carried.rows_mut(sizes, part, block, &part.rows);
                to.rows_mut(sizes, part, block, &part.rows).copy_from_slice(from);
            }
        }
    }

    /// Has a part go on from the states before a segment.
    pub fn restore_states(&self, part: &Part, from: &ByUnit) {
        let sizes = &self.operands.sizes;
        for block in part.blocks.clone() {
            // SAFETY: both are this part's alone.
            unsafe {
                let from = from.rows_mut(sizes, part, block, &part.rows);
                let to = self.carried.rows_mut(sizes, part, block, &part.rows);
                to.copy_from_slice(from);
            }
        }
    }

    /// Goes through the time steps of a segment, from the carried states on.
    pub fn run(
        &self,
        part: &Part,
        segment: Range<usize>,
        steps: Option<Steps>,
        scratch: &mut Scratch,
    ) {
        let packing = self.operands.packing;
        self.load_hidden(part, segment.start);
        self.plan.wait(part);
        let mut step = segment.start;
        while step < segment.end {
            let mut end = step;
            let mut rows = 0;
            while end < segment.end && rows < ROWS_AT_ONCE {
                rows += running(packing, part, end).len();
                end += 1;
            }
            if rows == 0 {
                // The rest of the steps have none of this part's sequences; the other parts of the
                // same group have none either.
                return;
            }
            self.project(part, step..end, scratch);
            let mut row = 0;
            for step in step..end {
                self.step(part, step, segment.clone(), steps, scratch, row);
                row += running(packing, part, step).len();
                self.plan.wait(part);
            }
            step = end;
        }
    }

    /// The hidden state before the first step of a segment: the output of the step before, or the
    /// initial one.
    fn load_hidden(&self, part: &Part, step: usize) {
        let (sizes, packing) = (&self.operands.sizes, self.operands.packing);
        let lanes = sizes.lanes();
        let rows = running(packing, part, step);
        for block in part.blocks.clone() {
            let units = sizes.units(block);
            // SAFETY: these units of these rows are this part's alone until all have waited.
            let to = unsafe { self.hidden[step % 2].rows_mut(sizes, part, block, &rows) };
            to.fill(0.0);
            for (to, place) in to.chunks_exact_mut(lanes).zip(rows.clone()) {
                if let Some(from) = self.previous_hidden(part, step, place, block) {
                    to[..units].copy_from_slice(from);
                }
            }
            if let Some(mask) = &self.mask {
                // SAFETY: the masks of this part are its own.
                let mask = unsafe { mask.rows_mut(sizes, part, block, &rows) };
                for (to, mask) in to.iter_mut().zip(mask) {
                    *to *= *mask;
                }
            }
        }
    }

    /// A block of a sequence's hidden state before a step; none is zero.
    fn previous_hidden(
        &self,
        part: &Part,
        step: usize,
        place: usize,
        block: usize,
    ) -> Option<&[f32]> {
        let (sizes, packing) = (&self.operands.sizes, self.operands.packing);
        let units = sizes.units(block);
        if step == 0 {
            let initial = self.operands.initial.first()?;
            let row = part.direction * packing.batch + packing.rows[place];
            let start = row * sizes.d_hidden + block * sizes.lanes();
            return Some(&initial[start..start + units]);
        }
        let last = packing.direction(part.direction).gather[packing.offsets[step - 1] + place];
        let start =
            last * sizes.directions * sizes.d_hidden + output_column(sizes, part, block);
        // SAFETY: this part wrote it, in an earlier segment.
        Some(unsafe { self.output.read(start, units) })
    }

    /// The products of the input for all of a part's rows of some time steps.
    fn project(&self, part: &Part, steps: Range<usize>, scratch: &mut Scratch) {
        let (sizes, packing) = (&self.operands.sizes, self.operands.packing);
        let d_input = sizes.d_input;
        let gather = &packing.direction(part.direction).gather;
        let x = scratch.x.as_mut_slice();
        let mut count = 0;
        for step in steps {
            let rows = running(packing, part, step);
            for place in &gather[packed(packing, step, &rows)] {
                let from = &self.operands.x[place * d_input..(place + 1) * d_input];
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
            let ([panels, _, bias], lhs) = unsafe {
                (
                    self.panels.of(sizes, part, block),
                    Rows::blocked((x.as_ptr(), x.len()), d_input, d_input, 0),
                )
            };
            sizes.isa.run(Product {
                rows: count,
                depth: d_input,
                lhs,
                panels,
                vectors: sizes.slot_vectors(side),
                start: Start::Row(bias),
                result,
                result_stride: width,
            });
        }
    }

    /// One time step, whose rows' input products begin at `row` of what has been projected.
    fn step(
        &self,
        part: &Part,
        step: usize,
        segment: Range<usize>,
        steps: Option<Steps>,
        scratch: &mut Scratch,
        row: usize,
    ) {
        let (sizes, packing) = (&self.operands.sizes, self.operands.packing);
        let lanes = sizes.lanes();
        let rows = running(packing, part, step);
        let now = packed(packing, step, &rows);
        let (input_side, hidden_side) = (sizes.input_side(), sizes.hidden_side());
        let width = input_side.slots() * lanes;
        let output_stride = sizes.directions * sizes.d_hidden;
        // SAFETY: the hidden state before the step is complete, because all parts have waited.
        let lhs = unsafe {
            Rows::blocked(
                self.hidden[step % 2].from(sizes, part, rows.start),
                lanes,
                lanes,
                packing.batch * lanes,
            )
        };
        for (index, block) in part.blocks.clone().enumerate() {
            let start = (index * scratch.rows_at_once + row) * width;
            let projected = &scratch.projected.as_slice()[start..start + rows.len() * width];
            let slots = scratch.slots.as_mut_slice();
            // SAFETY: all have packed.
            let [_, panels, bias] = unsafe { self.panels.of(sizes, part, block) };
            let (start, first) = if hidden_side.first == 0 {
                (Start::Rows(projected, width), 0)
            } else {
                // What only the hidden state goes into starts from its bias alone.
                for (slots, projected) in slots
                    .chunks_exact_mut(SLOTS * lanes)
                    .zip(projected.chunks_exact(width))
                {
                    slots[..width].copy_from_slice(projected);
                    slots[width..].copy_from_slice(&bias[width..]);
                }
                (Start::Result, hidden_side.first * lanes)
            };
            sizes.isa.run(Product {
                rows: rows.len(),
                depth: sizes.d_hidden,
                lhs,
                panels,
                vectors: sizes.slot_vectors(hidden_side),
                start,
                result: &mut slots[first..],
                result_stride: SLOTS * lanes,
            });

            let carried = self.carried.rows(sizes, part, block, &rows);
            let (previous, state, saved) = match &steps {
                None => (carried.cast_const(), carried, None),
                Some(kept) => {
                    let previous = if step == segment.start {
                        carried.cast_const()
                    } else {
                        let before = packed(packing, step - 1, &rows);
                        kept.states.rows(sizes, part, block, &before).cast_const()
                    };
                    let state = kept.states.rows(sizes, part, block, &now);
                    (previous, state, Some(kept.slots.rows(sizes, part, block, &now)))
                }
            };
            let job = ForwardStep {
                rows: rows.len(),
                slots: slots.as_ptr(),
                previous,
                state,
                saved,
                hidden: self.hidden[(step + 1) % 2].rows(sizes, part, block, &rows),
                mask: self
                    .mask
                    .map(|mask| mask.rows(sizes, part, block, &rows).cast_const()),
                output: self.shows.then(|| Scattered {
                    data: self.output.part(output_column(sizes, part, block), 0),
                    places: packing.direction(part.direction).gather[now.clone()].as_ptr(),
                    stride: output_stride,
                    units: sizes.units(block),
                }),
                clip: self.operands.clip,
            };
            // Every pointer is good for these rows, and nobody else writes these units of them.
            match sizes.cell {
                FastCell::Lstm => sizes.isa.run(LstmForward(job)),
                FastCell::Gru => sizes.isa.run(GruForward(job)),
            }
            if let Some(kept) = &steps {
                // Sequences that end here, or that a new segment begins with.
                let next = match step + 1 == segment.end {
                    true => rows.start,
                    false => running(packing, part, step + 1).end,
                };
                let ended = next..rows.end;
                let from = kept
                    .states
                    .rows(sizes, part, block, &packed(packing, step, &ended));
                // SAFETY: both are this part's alone, and have as many rows.
                unsafe {
                    self.carried
                        .rows_mut(sizes, part, block, &ended)
                        .copy_from_slice(std::slice::from_raw_parts(from, ended.len() * lanes));
                }
            }
        }
    }
}
