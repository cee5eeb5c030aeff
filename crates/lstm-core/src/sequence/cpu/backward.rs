//! The backward pass: back-propagation through time, then the gradients of the weights, each as
//! one sum over all steps.

use std::ops::Range;

use super::buffers::{Buffer, Shared};
use super::elementwise::{BackwardStep, Scattered};
use super::forward::{ForwardPass, HiddenBuffers, Scratch};
use super::gru::GruBackward;
use super::layout::{FastCell, SLOTS, Sizes};
use super::lstm::LstmBackward;
use super::pass::{
    BackwardPanels, ByUnit, ForwardPanels, Operands, Saved, SharedBackwardPanels, StepBuffers,
    Steps, on_all_threads, output_column, packed, panels, running, shows_its_state,
};
use super::plan::{Part, Plan};
use super::product::{Product, Rows, Start};
use super::threads;
use super::weight_gradients::{WeightGradients, WeightSums};

/// The input's gradient is computed for at least so many rows at once, as in the forward pass.
const ROWS_AT_ONCE: usize = 24;

/// What comes back: the gradients of the output and of the final states, where there are any.
pub(crate) struct OutputGradients<'a> {
    /// `[batch, time, directions * d_hidden]`
    pub output: Option<&'a [f32]>,
    /// `[directions, batch, d_hidden]`
    pub hidden: Option<&'a [f32]>,
    /// `[directions, batch, d_hidden]`, of an LSTM
    pub cell: Option<&'a [f32]>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub x: bool,
    pub weights: bool,
}

/// The gradients of the operands.
pub(crate) struct Backward {
    pub x: Option<Vec<f32>>,
    pub weights: Option<WeightGradients>,
    /// `[directions, batch, d_hidden]`, hidden first
    pub initial: Vec<Vec<f32>>,
}

/// Runs a layer backwards. `output` is what its forward pass gave.
pub(crate) fn backward(
    operands: &Operands,
    output: &[f32],
    mut saved: Saved,
    gradients: &OutputGradients,
    wanted: Wanted,
) -> Backward {
    let (sizes, packing) = (&operands.sizes, operands.packing);
    let batch = packing.batch;
    let plan = Plan::new(sizes, packing, threads::available());
    let again = saved.steps.is_none();
    let longest = saved
        .segments
        .iter()
        .map(|segment| packing.offsets[segment.steps.end] - packing.offsets[segment.steps.start])
        .max()
        .unwrap_or(0);
    let mut steps = saved
        .steps
        .take()
        .unwrap_or_else(|| StepBuffers::take(sizes, longest));

    let mut x = vec![0.0; if wanted.x { operands.x.len() } else { 0 }];
    // Each direction adds to the input's gradient: the second one's lies apart until the end.
    let mut x_reverse = Buffer::zeros(if sizes.directions == 2 { x.len() } else { 0 });
    let mut backward_panels = BackwardPanels::take(sizes);
    let mut forward_panels = again.then(|| ForwardPanels::take(sizes));
    let unit_values = ByUnit::len(sizes, batch);
    let mut hidden = HiddenBuffers::take(sizes, if again { batch } else { 0 });
    let mut carried = Buffer::take(if again { unit_values } else { 0 });
    let mut masks = operands.mask.map(|_| Buffer::take(unit_values));
    let mut d_hidden = Buffer::take(unit_values);
    let mut d_state = Buffer::take(unit_values);
    let mut weight_sums = WeightSums::take(sizes);
    let mut weights = wanted.weights.then(|| WeightGradients::zeros(sizes));
    {
        let mask = masks.as_mut().map(|mask| ByUnit::new(mask.share(), batch));
        let pass = BackwardPass {
            operands,
            plan: &plan,
            panels: backward_panels.share(),
            d_output: gradients.output,
            d_hidden: ByUnit::new(d_hidden.share(), batch),
            d_state: ByUnit::new(d_state.share(), batch),
            mask,
            x: [Shared::new(&mut x), x_reverse.share()],
            wanted,
        };
        let forward = forward_panels.as_mut().map(|panels| ForwardPass {
            operands,
            plan: &plan,
            panels: panels.share(),
            output: Shared::read_only(output),
            shows: false,
            carried: ByUnit::new(carried.share(), batch),
            hidden: hidden.share(batch),
            mask,
        });
        let slots = steps.slots.share();
        let states = steps.states.share();
        let segments: Vec<_> = saved
            .segments
            .iter_mut()
            .rev()
            .map(|segment| {
                let range = packing.offsets[segment.steps.start]..packing.offsets[segment.steps.end];
                let steps = Steps::new(slots, states, &range);
                let start = ByUnit::new(segment.start.share(), batch);
                (segment.steps.clone(), steps, start)
            })
            .collect();
        let sums = weight_sums.share();
        let weights = weights.as_mut().map(WeightGradients::share);
        on_all_threads(&plan, |thread| {
            for part in plan.parts_of(thread) {
                pass.panels.pack(operands, part, wanted.x);
                if let Some(forward) = &forward {
                    forward.panels.pack(operands, part);
                }
                if let Some(mask) = &mask {
                    mask.load(operands, part, operands.mask);
                }
                pass.d_hidden.load(operands, part, gradients.hidden);
                pass.d_state.load(operands, part, gradients.cell);
            }
            sums.clear(sizes, &plan, thread);
            plan.wait_for_all();
            for (segment, steps, start) in &segments {
                for part in plan.parts_of(thread) {
                    if let Some(forward) = &forward {
                        forward.restore_states(part, start);
                        let mut scratch = Scratch::take(sizes, packing, part);
                        forward.run(part, segment.clone(), Some(*steps), &mut scratch);
                    }
                    pass.run(part, segment.clone(), steps, start);
                }
                plan.wait_for_all();
                if weights.is_some() {
                    sums.add(operands, output, segment.clone(), steps, &plan, thread);
                    plan.wait_for_all();
                }
            }
            if let Some(weights) = &weights {
                sums.unload(sizes, &plan, thread, weights);
            }
            if sizes.directions == 2 && wanted.x {
                pass.add_reverse(&plan, thread);
            }
        });
    }

    // SAFETY: the threads have ended.
    let (mut d_hidden, d_state) = unsafe {
        (
            ByUnit::new(d_hidden.share(), batch).unload(operands),
            ByUnit::new(d_state.share(), batch).unload(operands),
        )
    };
    let initial = if shows_its_state(sizes.cell) {
        for (hidden, state) in d_hidden.iter_mut().zip(d_state) {
            *hidden += state;
        }
        vec![d_hidden]
    } else {
        vec![d_hidden, d_state]
    };
    Backward {
        x: wanted.x.then_some(x),
        weights,
        initial,
    }
}

/// What all parts of a backward pass share.
struct BackwardPass<'a> {
    operands: &'a Operands<'a>,
    plan: &'a Plan,
    panels: SharedBackwardPanels<'a>,
    d_output: Option<&'a [f32]>,
    /// The gradient of the hidden state that a sequence, or the part of it in the segments done,
    /// ends or begins with.
    d_hidden: ByUnit<'a>,
    /// The gradient of the carried state; of a GRU the part of it that skips the products.
    d_state: ByUnit<'a>,
    mask: Option<ByUnit<'a>>,
    /// The gradient of the input, by direction.
    x: [Shared<'a>; 2],
    wanted: Wanted,
}

impl BackwardPass<'_> {
    /// Goes back through the time steps of a segment that began with the states `start`.
    fn run(&self, part: &Part, segment: Range<usize>, steps: &Steps, start: &ByUnit) {
        let (sizes, packing) = (&self.operands.sizes, self.operands.packing);
        let rows = running(packing, part, segment.start).len();
        let most = sizes.column_vectors() * sizes.lanes();
        let mut scratch = Buffer::take((ROWS_AT_ONCE + rows) * most);
        // Steps whose gradient of the input is not computed yet.
        let mut pending = 0..0;
        for step in segment.clone().rev() {
            let rows = running(packing, part, step);
            if rows.is_empty() {
                continue;
            }
            for vectors in panels(sizes, &part.blocks) {
                let later = if step + 1 < segment.end {
                    running(packing, part, step + 1)
                } else {
                    rows.start..rows.start
                };
                let width = vectors.len() * sizes.lanes();
                let d_hidden = &mut scratch.as_mut_slice()[..rows.len() * width];
                self.from_later(part, &vectors, step + 1, &later, steps, d_hidden);
                self.from_end(part, &vectors, later.end..rows.end, rows.start, d_hidden);
                for block in vectors.clone() {
                    let d_hidden = &d_hidden[(block - vectors.start) * sizes.lanes()..];
                    let previous = if step == segment.start {
                        start.rows(sizes, part, block, &rows)
                    } else {
                        let before = packed(packing, step - 1, &rows);
                        steps.states.rows(sizes, part, block, &before)
                    };
                    self.step(part, block, step, &rows, (d_hidden, width), steps, previous);
                }
            }
            self.plan.wait(part);
            if self.wanted.x {
                let now = packed(packing, step, &rows);
                if now.end != pending.start {
                    self.input(part, pending, steps, &mut scratch);
                    pending = now.end..now.end;
                }
                pending.start = now.start;
                if pending.len() >= ROWS_AT_ONCE {
                    self.input(part, pending, steps, &mut scratch);
                    pending = now.start..now.start;
                }
            }
        }
        if self.wanted.x {
            self.input(part, pending, steps, &mut scratch);
        }
        // What reaches the hidden state before the segment.
        let first = running(packing, part, segment.start);
        for vectors in panels(sizes, &part.blocks) {
            let width = vectors.len() * sizes.lanes();
            let d_hidden = &mut scratch.as_mut_slice()[..first.len() * width];
            self.from_later(part, &vectors, segment.start, &first, steps, d_hidden);
            for block in vectors.clone() {
                // SAFETY: these units of these rows are this part's alone.
                let to = unsafe { self.d_hidden.rows_mut(sizes, part, block, &first) };
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

    /// ∂h_{t-1} of some units through the products of step t: the gradients of all its slots times
    /// the recurrent weights.
    fn from_later(
        &self,
        part: &Part,
        vectors: &Range<usize>,
        step: usize,
        rows: &Range<usize>,
        steps: &Steps,
        d_hidden: &mut [f32],
    ) {
        if rows.is_empty() {
            return;
        }
        let (sizes, packing) = (&self.operands.sizes, self.operands.packing);
        let (lanes, side) = (sizes.lanes(), sizes.hidden_side());
        let width = vectors.len() * lanes;
        let first = packed(packing, step, rows).start;
        // SAFETY: all parts of the group have waited since they wrote the slots of that step, and
        // all parts have packed.
        let (lhs, panels) = unsafe {
            (
                Rows::blocked(
                    steps.slots.from(sizes, part, first, side.first),
                    SLOTS * lanes,
                    side.slots() * lanes,
                    steps.slots.block_stride(sizes),
                ),
                self.panels.hidden(sizes, part, vectors),
            )
        };
        sizes.isa.run(Product {
            rows: rows.len(),
            depth: sizes.slots_depth(side),
            lhs,
            panels,
            vectors: vectors.len(),
            start: Start::Row(&ZEROS),
            result: d_hidden,
            result_stride: width,
        });
        let Some(mask) = &self.mask else { return };
        for block in vectors.clone() {
            // SAFETY: the masks of this part are its own.
            let mask = unsafe { mask.rows_mut(sizes, part, block, rows) };
            let offset = (block - vectors.start) * lanes;
            for (d_hidden, mask) in d_hidden.chunks_exact_mut(width).zip(mask.chunks_exact(lanes)) {
                for (d_hidden, mask) in d_hidden[offset..].iter_mut().zip(mask) {
                    *d_hidden *= *mask;
                }
            }
        }
    }

    /// ∂h_t of sequences that end at this step, or whose later steps are in segments done.
    fn from_end(
        &self,
        part: &Part,
        vectors: &Range<usize>,
        ended: Range<usize>,
        first: usize,
        d_hidden: &mut [f32],
    ) {
        let sizes = &self.operands.sizes;
        let lanes = sizes.lanes();
        let width = vectors.len() * lanes;
        for block in vectors.clone() {
            // SAFETY: these units of these rows are this part's alone.
            let from = unsafe { self.d_hidden.rows_mut(sizes, part, block, &ended) };
            let offset = (block - vectors.start) * lanes;
            for (to, from) in d_hidden
                .chunks_exact_mut(width)
                .skip(ended.start - first)
                .zip(from.chunks_exact(lanes))
            {
                to[offset..offset + lanes].copy_from_slice(from);
            }
        }
    }

    /// The element-wise step of one block.
    #[allow(clippy::too_many_arguments)]
    fn step(
        &self,
        part: &Part,
        block: usize,
        step: usize,
        rows: &Range<usize>,
        (d_hidden, d_hidden_stride): (&[f32], usize),
        steps: &Steps,
        previous: *mut f32,
    ) {
        let (sizes, packing) = (&self.operands.sizes, self.operands.packing);
        let now = packed(packing, step, rows);
        let job = BackwardStep {
            rows: rows.len(),
            d_hidden: d_hidden.as_ptr(),
            d_hidden_stride,
            d_output: self.d_output.map(|d_output| Scattered {
                data: d_output[output_column(sizes, part, block)..].as_ptr(),
                places: packing.direction(part.direction).gather[now.clone()].as_ptr(),
                stride: sizes.directions * sizes.d_hidden,
                units: sizes.units(block),
            }),
            saved: steps.slots.rows(sizes, part, block, &now),
            previous: previous.cast_const(),
            state: steps.states.rows(sizes, part, block, &now).cast_const(),
            d_state: self.d_state.rows(sizes, part, block, rows),
            clip: self.operands.clip,
        };
        // Every pointer is good for these rows, and nobody else writes these units of them.
        match sizes.cell {
            FastCell::Lstm => sizes.isa.run(LstmBackward(job)),
            FastCell::Gru => sizes.isa.run(GruBackward(job)),
        }
    }

    /// The gradient of the input of some packed steps: this part's columns of it.
    fn input(&self, part: &Part, packed: Range<usize>, steps: &Steps, scratch: &mut Buffer) {
        if packed.is_empty() {
            return;
        }
        let (sizes, packing) = (&self.operands.sizes, self.operands.packing);
        let (lanes, side) = (sizes.lanes(), sizes.input_side());
        let places = &packing.direction(part.direction).gather[packed.clone()];
        for vectors in panels(sizes, &part.input_vectors) {
            let width = vectors.len() * lanes;
            let result = &mut scratch.as_mut_slice()[..packed.len() * width];
            // SAFETY: all parts of the group have waited since they wrote the slots of these
            // steps, and all parts have packed.
            let (lhs, panels) = unsafe {
                (
                    Rows::blocked(
                        steps.slots.from(sizes, part, packed.start, side.first),
                        SLOTS * lanes,
                        side.slots() * lanes,
                        steps.slots.block_stride(sizes),
                    ),
                    self.panels.input(sizes, part, &vectors),
                )
            };
            sizes.isa.run(Product {
                rows: packed.len(),
                depth: sizes.slots_depth(side),
                lhs,
                panels,
                vectors: vectors.len(),
                start: Start::Row(&ZEROS),
                result,
                result_stride: width,
            });
            let first = vectors.start * lanes;
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
    fn add_reverse(&self, plan: &Plan, thread: usize) {
        let share = super::plan::share(self.operands.x.len(), thread, plan.threads);
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

/// What a product without bias starts from: the widest panel's row.
static ZEROS: [f32; 64] = [0.0; 64];
