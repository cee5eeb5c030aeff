//! The backward pass: back-propagation through time, then the gradients of the weights, each as
//! one sum over all steps.

use super::backward_pass::{BackwardPass, Trace};
use super::blocks::ByStep;
use super::buffers::{Buffer, Shared, floats};
use super::forward::ForwardBuffers;
use super::forward_pass::Scratch;
use super::layout::FastCell;
use super::operands::Operands;
use super::panels::BackwardPanels;
use super::plan::Hands;
use super::saved::{Saved, StepBuffers};
use super::weight_gradients::{WeightGradients, WeightSums};

/// What comes back: the gradients of the output and of the final states, where there are any.
pub(crate) struct OutputGradients<'a> {
    /// `[batch, time, directions * d_recurrent]`
    pub output: Option<&'a [f32]>,
    /// `[directions, batch, d_recurrent]`
    pub hidden: Option<&'a [f32]>,
    /// `[directions, batch, d_hidden]`, of an LSTM
    pub cell: Option<&'a [f32]>,
}

/// What is asked for, beside the gradients of the initial states.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub x: bool,
    /// The input weight and the biases that belong to it: of an LSTM both, whose gradients are the same.
    pub input: bool,
    /// The recurrent weight, and of a GRU its bias.
    pub recurrent: bool,
    /// The projection weight, if there is one.
    pub projection: bool,
}

impl Wanted {
    fn a_weight(self) -> bool {
        self.input || self.recurrent || self.projection
    }
}

/// The gradients of the operands.
pub(crate) struct Backward {
    pub x: Option<Vec<f32>>,
    pub weights: WeightGradients,
    /// `[directions, batch, d_recurrent]`
    pub hidden: Vec<f32>,
    /// `[directions, batch, d_hidden]`, of an LSTM
    pub cell: Vec<f32>,
}

/// Runs a layer backwards. `output` is what its forward pass gave.
pub(crate) fn backward(
    operands: &Operands,
    output: &[f32],
    mut saved: Saved,
    gradients: &OutputGradients,
    wanted: Wanted,
    hands: Hands,
) -> Backward {
    operands.check();
    check(operands, output, &saved, gradients);
    let (sizes, packing) = (&operands.sizes, operands.packing);
    let (batch, directions, lanes) = (packing.batch, sizes.directions, sizes.lanes());
    let team = hands.ask(sizes, packing);
    let longest = saved
        .segments
        .iter()
        .map(|segment| operands.packed_steps(&segment.steps).len())
        .max()
        .unwrap_or(0);
    let again = saved.steps.is_none();
    let mut steps = saved
        .steps
        .take()
        .unwrap_or_else(|| StepBuffers::take(sizes, longest));

    let mut x = operands.at_places(if wanted.x { sizes.d_input } else { 0 });
    // Each direction adds to the input's gradient: the second one's lies apart until the end.
    let mut x_reverse = Buffer::zeros(match directions == 2 && wanted.x {
        true => operands.x.len(),
        false => 0,
    });
    let mut backward_panels = BackwardPanels::take(sizes, wanted.x);
    let mut forward_buffers = again.then(|| ForwardBuffers::take(operands));
    let mut mask = operands
        .mask
        .map_or_else(|| Buffer::take(0), |_| sizes.by_feature(batch));
    let mut d_hidden = sizes.by_feature(batch);
    let mut d_state = sizes.by_unit(batch);
    let wanted = Wanted {
        projection: wanted.projection && sizes.is_projected(),
        ..wanted
    };
    let projected = if sizes.is_projected() { longest } else { 0 };
    let d_shown = ByStep::len(directions, sizes.shown_blocks(), projected, lanes);
    let mut d_shown = Buffer::take(d_shown);
    let unprojected = if wanted.projection { longest } else { 0 };
    let mut unprojected = Buffer::take(floats(&[directions, unprojected, sizes.d_hidden]));
    let mut sums = WeightSums::take(sizes, wanted);
    let mut weights = WeightGradients::zeros(sizes, wanted);
    let plan = hands.plan(sizes, packing, &team);
    {
        let pass = BackwardPass {
            operands,
            plan: &plan,
            panels: backward_panels.share(sizes),
            d_output: gradients.output,
            d_hidden: sizes.share_by_feature(&mut d_hidden, batch),
            d_state: sizes.share_by_unit(&mut d_state, batch),
            mask: sizes.share_by_feature(&mut mask, batch),
            x: [x.share(), x_reverse.share()],
            wanted,
        };
        let forward = forward_buffers
            .as_mut()
            .map(|buffers| buffers.pass(operands, &plan, Shared::read_only(output), false));
        let (steps, d_shown, unprojected) = (steps.share(), d_shown.share(), unprojected.share());
        let segments: Vec<_> = saved
            .segments
            .iter_mut()
            .rev()
            .map(|segment| {
                let packed = operands.packed_steps(&segment.steps);
                Trace {
                    segment: segment.steps.clone(),
                    steps: steps.of(sizes, &packed),
                    start: sizes.share_by_unit(&mut segment.start, batch),
                    d_shown: ByStep::new(d_shown, sizes.shown_blocks(), lanes, &packed),
                    unprojected: ByStep::new(unprojected, 1, sizes.d_hidden, &packed),
                }
            })
            .collect();
        let sums = sums.share();
        let weights = weights.share();
        plan.run(team, |thread| {
            for part in plan.parts_of(thread) {
                // SAFETY: all wait before anybody reads.
                unsafe {
                    pass.prepare(part, gradients);
                    if let Some(forward) = &forward {
                        forward.prepare(part);
                    }
                }
            }
            // SAFETY: only this thread has this number.
            unsafe { sums.clear(sizes, &plan, thread) };
            plan.wait_for_all();
            for trace in &segments {
                for part in plan.parts_of(thread) {
                    if let Some(forward) = &forward {
                        // SAFETY: these states are this part's alone.
                        unsafe {
                            let to = &forward.carried;
                            to.copy(&trace.start, part.direction, &part.blocks, &part.rows);
                        }
                        let mut scratch = Scratch::take(operands, part);
                        let steps = Some(trace.steps);
                        // SAFETY: all are prepared, and this thread has this part.
                        unsafe { forward.run(part, trace.segment.clone(), steps, &mut scratch) };
                    }
                    // SAFETY: the same; the forward pass has left what this reads.
                    unsafe { pass.run(part, trace) };
                }
                plan.wait_for_all();
                if wanted.a_weight() {
                    // SAFETY: all parts have been run, and only this thread has this number.
                    unsafe { sums.add(operands, output, trace, &plan, thread) };
                    plan.wait_for_all();
                }
            }
            // SAFETY: the same.
            unsafe {
                sums.unload(sizes, &plan, thread, &weights);
                if directions == 2 && wanted.x {
                    pass.add_reverse(thread);
                }
            }
        });
    }

    // SAFETY: the threads have ended.
    let (mut hidden, mut cell) = unsafe {
        (
            sizes
                .share_by_feature(&mut d_hidden, batch)
                .unload(packing, directions),
            sizes
                .share_by_unit(&mut d_state, batch)
                .unload(packing, directions),
        )
    };
    if sizes.cell == FastCell::Gru {
        for (hidden, state) in hidden.iter_mut().zip(&cell) {
            *hidden += state;
        }
        cell.clear();
    }
    // SAFETY: each part has written its columns of every real step.
    let x = wanted.x.then(|| unsafe { x.written() });
    Backward {
        x,
        weights,
        hidden,
        cell,
    }
}

/// Asserts that everything that comes back has the size that the operands make it have.
fn check(operands: &Operands, output: &[f32], saved: &Saved, gradients: &OutputGradients) {
    let (sizes, packing) = (&operands.sizes, operands.packing);
    let places = packing.batch * packing.time;
    let states = sizes.directions * packing.batch;
    let cell = match sizes.cell {
        FastCell::Lstm => states * sizes.d_hidden,
        FastCell::Gru => 0,
    };
    for (what, found, expected) in [
        ("output", Some(output), places * operands.d_output()),
        (
            "gradient of the output",
            gradients.output,
            places * operands.d_output(),
        ),
        (
            "gradient of the hidden state",
            gradients.hidden,
            states * sizes.d_recurrent,
        ),
        ("gradient of the cell", gradients.cell, cell),
    ] {
        if let Some(found) = found {
            assert_eq!(
                found.len(),
                expected,
                "the {what} of {sizes:?}, batch {}",
                packing.batch
            );
        }
    }
    saved.check(operands);
}
