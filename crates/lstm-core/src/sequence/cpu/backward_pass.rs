//! A part's way back through time.

use std::ops::Range;

use super::backward::{OutputGradients, Wanted};
use super::blocks::{ByStep, ByUnit};
use super::buffers::{Buffer, Shared};
use super::elementwise::{BackwardStep, Scattered, Spaced};
use super::forward_pass::ROWS_AT_ONCE;
use super::gru::GruBackward;
use super::layout::{FastCell, SLOTS, Side};
use super::lstm::LstmBackward;
use super::operands::Operands;
use super::panels::{SharedBackwardPanels, panels};
use super::plan::{Part, Plan, share};
use super::product::{Product, Rows, Start, ZEROS};
use super::saved::Steps;

/// A segment, and what going back through it reads and leaves.
pub(crate) struct Trace<'a> {
    pub segment: Range<usize>,
    pub steps: Steps<'a>,
    /// The carried states before the first step.
    pub start: ByUnit<'a>,
    /// If the hidden state is projected: its gradient.
    pub d_shown: ByStep<'a>,
    /// If the hidden state is projected: what it is projected from, one block of all units.
    pub unprojected: ByStep<'a>,
}

/// What all parts of a backward pass share.
pub(crate) struct BackwardPass<'a> {
    pub operands: &'a Operands<'a>,
    pub plan: &'a Plan,
    pub panels: SharedBackwardPanels<'a>,
    pub d_output: Option<&'a [f32]>,
    /// The gradient of the hidden state that a sequence ends with, or after the segments done.
    pub d_hidden: ByUnit<'a>,
    /// The gradient of the carried state; of a GRU the part of it that skips the products.
    pub d_state: ByUnit<'a>,
    pub mask: ByUnit<'a>,
    /// The gradient of the input, by direction.
    pub x: [Shared<'a>; 2],
    pub wanted: Wanted,
}

impl BackwardPass<'_> {
    /// Lays out a part's weights and masks, and loads the gradients of its final states.
    ///
    /// # Safety
    ///
    /// Each part is prepared once, and nobody reads before all are.
    pub unsafe fn prepare(&self, part: &Part, gradients: &OutputGradients) {
        let (operands, direction) = (self.operands, part.direction);
        let (packing, rows) = (operands.packing, &part.rows);
        // SAFETY: see above; the rest is this part's alone.
        unsafe {
            self.panels.pack(operands, part, self.wanted.x);
            let (shown, hidden) = (&part.shown, gradients.hidden);
            self.d_hidden.load(packing, direction, shown, rows, hidden);
            let (blocks, cell) = (&part.blocks, gradients.cell);
            self.d_state.load(packing, direction, blocks, rows, cell);
            if operands.mask.is_some() {
                self.mask
                    .load(packing, direction, shown, rows, operands.mask);
            }
        }
    }

    /// Goes back through the time steps of a segment.
    ///
    /// # Safety
    ///
    /// All parts are prepared, and what the trace reads is there; each runs once, and those that
    /// wait for each other at the same time.
    pub unsafe fn run(&self, part: &Part, trace: &Trace) {
        let operands = self.operands;
        let sizes = &operands.sizes;
        let first = operands.running(part, trace.segment.start);
        let most = sizes.column_vectors() * sizes.lanes();
        let mut scratch = Buffer::take((ROWS_AT_ONCE + first.len()) * most);
        // Packed steps whose gradient of the input is not computed yet.
        let mut pending = 0..0;
        for step in trace.segment.clone().rev() {
            let rows = operands.running(part, step);
            if rows.is_empty() {
                continue;
            }
            self.hidden(part, step, trace, scratch.as_mut_slice());
            self.plan.wait(part);
            if sizes.is_projected() {
                self.unprojected(part, step, trace, scratch.as_mut_slice());
                self.plan.wait(part);
            }
            if self.wanted.x {
                let now = operands.packed(step, &rows);
                if now.end != pending.start {
                    self.input(part, pending, trace, scratch.as_mut_slice());
                    pending = now.end..now.end;
                }
                pending.start = now.start;
                if pending.len() >= ROWS_AT_ONCE {
                    self.input(part, pending, trace, scratch.as_mut_slice());
                    pending = now.start..now.start;
                }
            }
        }
        if self.wanted.x {
            self.input(part, pending, trace, scratch.as_mut_slice());
        }
        // What reaches the hidden state before the segment.
        for vectors in panels(sizes, &part.shown) {
            let width = vectors.len() * sizes.lanes();
            let d_hidden = &mut scratch.as_mut_slice()[..first.len() * width];
            self.after_products(part, &vectors, trace.segment.start, &first, trace, d_hidden);
            for block in vectors.clone() {
                // SAFETY: these features of these rows are this part's alone.
                let to = unsafe { self.d_hidden.rows_mut(part.direction, block, &first) };
                let offset = (block - vectors.start) * sizes.lanes();
                for (to, from) in to
                    .chunks_exact_mut(sizes.lanes())
                    .zip(d_hidden.chunks_exact(width))
                {
                    to.copy_from_slice(&from[offset..offset + sizes.lanes()]);
                }
            }
        }
    }

    /// The gradient of a part's features of the hidden state at a step, from later steps and as
    /// an output; then the element-wise steps, unless it is projected.
    fn hidden(&self, part: &Part, step: usize, trace: &Trace, scratch: &mut [f32]) {
        let operands = self.operands;
        let (sizes, direction) = (&operands.sizes, part.direction);
        let lanes = sizes.lanes();
        let rows = operands.running(part, step);
        let later = match step + 1 == trace.segment.end {
            true => rows.start..rows.start,
            false => operands.running(part, step + 1),
        };
        let now = operands.packed(step, &rows);
        for vectors in panels(sizes, &part.shown) {
            let width = vectors.len() * lanes;
            let d_hidden = &mut scratch[..rows.len() * width];
            self.after_products(part, &vectors, step + 1, &later, trace, d_hidden);
            let ended = later.end..rows.end;
            let end = &mut d_hidden[later.len() * width..];
            for block in vectors.clone() {
                // SAFETY: these features of these rows are this part's alone.
                let from = unsafe { self.d_hidden.rows_ref(direction, block, &ended) };
                let offset = (block - vectors.start) * lanes;
                for (to, from) in end.chunks_exact_mut(width).zip(from.chunks_exact(lanes)) {
                    to[offset..offset + lanes].copy_from_slice(from);
                }
            }
            for block in vectors.clone() {
                let d_hidden = &mut d_hidden[(block - vectors.start) * lanes..];
                if !sizes.is_projected() {
                    let d_output = self.d_output.map(|d_output| Scattered {
                        data: d_output[direction * sizes.d_recurrent + block * lanes..].as_ptr(),
                        places: operands.packing.direction(direction).gather[now.clone()].as_ptr(),
                        stride: operands.d_output(),
                        units: sizes.units(block),
                    });
                    self.step(part, block, step, (d_hidden, width), d_output, trace);
                    continue;
                }
                let columns = self.d_hidden.columns(block);
                // SAFETY: the same.
                let to = unsafe { trace.d_shown.rows_mut(direction, block, &now) };
                for ((to, from), packed) in to
                    .chunks_exact_mut(lanes)
                    .zip(d_hidden.chunks(width))
                    .zip(now.clone())
                {
                    to.copy_from_slice(&from[..lanes]);
                    let Some(d_output) = self.d_output else {
                        continue;
                    };
                    let d_output = &d_output[operands.shown(direction, packed, &columns)];
                    for (to, d_output) in to.iter_mut().zip(d_output) {
                        *to += *d_output;
                    }
                }
            }
        }
    }

    /// ∂(o_t ⊙ tanh(c_t)) = W_pᵀ·∂h_t for a part's units, and the element-wise steps.
    fn unprojected(&self, part: &Part, step: usize, trace: &Trace, scratch: &mut [f32]) {
        let operands = self.operands;
        let (sizes, direction) = (&operands.sizes, part.direction);
        let lanes = sizes.lanes();
        let rows = operands.running(part, step);
        let now = operands.packed(step, &rows);
        for vectors in panels(sizes, &part.blocks) {
            let width = vectors.len() * lanes;
            let d_unprojected = &mut scratch[..rows.len() * width];
            // SAFETY: all have packed, and have waited since they wrote the gradient of the hidden
            // state.
            let (lhs, panels) = unsafe {
                let from = trace.d_shown.tail(direction, now.start, 0);
                (
                    Rows::blocked(from, lanes, lanes, trace.d_shown.block_stride()),
                    self.panels.projection(part, &vectors),
                )
            };
            sizes.isa.run(Product {
                rows: rows.len(),
                depth: sizes.d_recurrent,
                lhs,
                panels,
                vectors: vectors.len(),
                start: Start::Row(&ZEROS),
                result: d_unprojected,
                result_stride: width,
                next: None,
            });
            for block in vectors.clone() {
                let gradient = &d_unprojected[(block - vectors.start) * lanes..];
                self.step(part, block, step, (gradient, width), None, trace);
            }
        }
    }

    /// ∂h_{t-1} of some features through the products of step t: the gradients of all its slots
    /// times the recurrent weights.
    fn after_products(
        &self,
        part: &Part,
        vectors: &Range<usize>,
        step: usize,
        rows: &Range<usize>,
        trace: &Trace,
        d_hidden: &mut [f32],
    ) {
        if rows.is_empty() {
            return;
        }
        let (sizes, direction) = (&self.operands.sizes, part.direction);
        let lanes = sizes.lanes();
        let width = vectors.len() * lanes;
        let first = self.operands.packed(step, rows).start;
        // SAFETY: all have packed.
        let panels = unsafe { self.panels.hidden(part, vectors) };
        self.slots_product(
            part,
            first..first + rows.len(),
            sizes.hidden_side(),
            trace,
            (panels, vectors.len()),
            d_hidden,
        );
        if self.operands.mask.is_none() {
            return;
        }
        for block in vectors.clone() {
            // SAFETY: the masks of this part are its own.
            let mask = unsafe { self.mask.rows_ref(direction, block, rows) };
            let offset = (block - vectors.start) * lanes;
            for (to, mask) in d_hidden
                .chunks_exact_mut(width)
                .zip(mask.chunks_exact(lanes))
            {
                for (to, mask) in to[offset..].iter_mut().zip(mask) {
                    *to *= *mask;
                }
            }
        }
    }

    /// The gradients of one side's slots at some packed steps times a panel of its weights.
    fn slots_product(
        &self,
        part: &Part,
        packed: Range<usize>,
        side: Side,
        trace: &Trace,
        (panels, vectors): (&[f32], usize),
        result: &mut [f32],
    ) {
        let sizes = &self.operands.sizes;
        let lanes = sizes.lanes();
        let slots = &trace.steps.slots;
        // SAFETY: the parts of the group have waited since they wrote the slots of these steps.
        let lhs = unsafe {
            Rows::blocked(
                slots.tail(part.direction, packed.start, side.first * lanes),
                SLOTS * lanes,
                side.slots() * lanes,
                slots.block_stride(),
            )
        };
        sizes.isa.run(Product {
            rows: packed.len(),
            depth: sizes.slots_depth(side),
            lhs,
            panels,
            vectors,
            start: Start::Row(&ZEROS),
            result,
            result_stride: vectors * lanes,
            next: None,
        });
    }

    /// The element-wise step of one block.
    fn step(
        &self,
        part: &Part,
        block: usize,
        step: usize,
        (d_hidden, d_hidden_stride): (&[f32], usize),
        d_output: Option<Scattered<*const f32>>,
        trace: &Trace,
    ) {
        let operands = self.operands;
        let (sizes, direction) = (&operands.sizes, part.direction);
        let rows = operands.running(part, step);
        let now = operands.packed(step, &rows);
        let previous = match step == trace.segment.start {
            true => trace.start.rows(direction, block, &rows),
            false => {
                let before = operands.packed(step - 1, &rows);
                trace.steps.states.rows(direction, block, &before)
            }
        };
        let job = BackwardStep {
            rows: rows.len(),
            units: sizes.units(block),
            d_hidden: d_hidden.as_ptr(),
            d_hidden_stride,
            d_output,
            saved: trace.steps.slots.rows(direction, block, &now),
            previous: previous.cast_const(),
            state: trace.steps.states.rows(direction, block, &now).cast_const(),
            d_state: self.d_state.rows(direction, block, &rows),
            unprojected: self.wanted.projection.then(|| Spaced {
                data: trace
                    .unprojected
                    .rows(direction, 0, &now)
                    .wrapping_add(block * sizes.lanes()),
                stride: sizes.d_hidden,
                units: sizes.units(block),
            }),
            clip: operands.clip,
        };
        // SAFETY: every pointer is good for these rows, and nobody else uses these units of them.
        unsafe {
            match sizes.cell {
                FastCell::Lstm => sizes.isa.run(LstmBackward::new(job)),
                FastCell::Gru => sizes.isa.run(GruBackward::new(job)),
            }
        }
    }

    /// The gradient of the input of some packed steps: this part's columns of it.
    fn input(&self, part: &Part, packed: Range<usize>, trace: &Trace, scratch: &mut [f32]) {
        if packed.is_empty() {
            return;
        }
        let sizes = &self.operands.sizes;
        let places = &self.operands.packing.direction(part.direction).gather[packed.clone()];
        for vectors in panels(sizes, &part.input_vectors) {
            let width = vectors.len() * sizes.lanes();
            let result = &mut scratch[..packed.len() * width];
            // SAFETY: all have packed.
            let panels = unsafe { self.panels.input(part, &vectors) };
            self.slots_product(
                part,
                packed.clone(),
                sizes.input_side(),
                trace,
                (panels, vectors.len()),
                result,
            );
            let first = vectors.start * sizes.lanes();
            let columns = width.min(sizes.d_input - first);
            for (place, from) in places.iter().zip(result.chunks_exact(width)) {
                let start = place * sizes.d_input + first;
                // SAFETY: these columns of these rows are this part's alone.
                let to = unsafe { self.x[part.direction].write(start, columns) };
                to.copy_from_slice(&from[..columns]);
            }
        }
    }

    /// Adds the reverse direction's gradient of the input to the forward one's.
    ///
    /// # Safety
    ///
    /// All parts have been run, and each thread calls it once.
    pub unsafe fn add_reverse(&self, thread: usize) {
        let share = share(self.operands.x.len(), thread, self.plan.threads);
        // SAFETY: all have waited, and each thread has a share of its own.
        let (x, reverse) = unsafe {
            (
                self.x[0].write(share.start, share.len()),
                self.x[1].read(share.start, share.len()),
            )
        };
        for (x, reverse) in x.iter_mut().zip(reverse) {
            *x += reverse;
        }
    }
}
