//! The forward pass: what it gives, and the memory it works in.

use std::ops::Range;

use super::blocks::ByUnit;
use super::buffers::{Buffer, Shared};
use super::forward_pass::{ForwardPass, Scratch};
use super::layout::FastCell;
use super::operands::Operands;
use super::panels::ForwardPanels;
use super::plan::{Hands, Plan};
use super::saved::{Keep, Saved, Segment, StepBuffers};

/// What a forward pass gives.
pub(crate) struct Forward {
    /// `[batch, time, directions * d_recurrent]`
    pub output: Vec<f32>,
    /// The final hidden state `[directions, batch, d_recurrent]`.
    pub hidden: Vec<f32>,
    /// The final cell `[directions, batch, d_hidden]`, of an LSTM
    pub cell: Vec<f32>,
    pub saved: Option<Saved>,
}

/// Runs a layer forward.
pub(crate) fn forward(operands: &Operands, keep: Keep, hands: Hands) -> Forward {
    operands.check();
    let (sizes, packing) = (&operands.sizes, operands.packing);
    let team = hands.ask(sizes, packing);
    let all = 0..packing.active.len();
    let length = match keep {
        Keep::Segments(steps) => steps.clamp(1, all.end.max(1)),
        _ => all.end.max(1),
    };
    let kept = keep != Keep::Nothing;
    let mut segments: Vec<Segment> = all
        .clone()
        .step_by(length)
        .map(|start| Segment {
            steps: start..(start + length).min(all.end),
            start: match kept {
                true => sizes.by_unit(packing.batch),
                false => Buffer::take(0),
            },
        })
        .collect();
    let whole = operands.packed_steps(&all);
    let mut steps = (kept && segments.len() <= 1).then(|| StepBuffers::take(sizes, whole.len()));

    let mut output = operands.at_places(operands.d_output());
    let mut buffers = ForwardBuffers::take(operands);
    let plan = hands.plan(sizes, packing, &team);
    {
        let pass = buffers.pass(operands, &plan, output.share(), true);
        let steps = steps.as_mut().map(|steps| steps.share().of(sizes, &whole));
        let starts: Vec<(Range<usize>, ByUnit)> = segments
            .iter_mut()
            .map(|segment| {
                let steps = segment.steps.clone();
                (
                    steps,
                    sizes.share_by_unit(&mut segment.start, packing.batch),
                )
            })
            .collect();
        plan.run(team, |thread| {
            for part in plan.parts_of(thread) {
                // SAFETY: all wait before anybody reads.
                unsafe { pass.prepare(part) };
            }
            plan.wait_for_all();
            for part in plan.parts_of(thread) {
                // SAFETY: these states are this part's alone.
                unsafe {
                    pass.carried.load(
                        packing,
                        part.direction,
                        &part.blocks,
                        &part.rows,
                        Some(operands.carried()),
                    );
                }
                let mut scratch = Scratch::take(operands, part);
                for (segment, start) in &starts {
                    if kept {
                        // SAFETY: the same.
                        unsafe {
                            let carried = &pass.carried;
                            start.copy(carried, part.direction, &part.blocks, &part.rows);
                        }
                    }
                    // SAFETY: all have waited since they prepared, and this thread has this part.
                    unsafe { pass.run(part, segment.clone(), steps, &mut scratch) };
                }
            }
        });
    }
    // SAFETY: each part has written its features of every real step.
    let output = unsafe { output.written() };
    // SAFETY: the threads have ended.
    let carried = unsafe {
        sizes
            .share_by_unit(&mut buffers.carried, packing.batch)
            .unload(packing, sizes.directions)
    };
    let (hidden, cell) = match sizes.cell {
        FastCell::Lstm => (final_hidden(operands, &output), carried),
        FastCell::Gru => (carried, Vec::new()),
    };
    Forward {
        output,
        hidden,
        cell,
        saved: kept.then_some(Saved { segments, steps }),
    }
}

/// Each sequence's hidden state after its last step: what it showed then, or else the initial one.
fn final_hidden(operands: &Operands, output: &[f32]) -> Vec<f32> {
    let (sizes, packing) = (&operands.sizes, operands.packing);
    let mut hidden = operands.hidden.to_vec();
    let columns = 0..sizes.d_recurrent;
    for direction in 0..sizes.directions {
        for (place, length) in packing.lengths().into_iter().enumerate() {
            if length > 0 {
                let packed = packing.offsets[length - 1] + place;
                let from = &output[operands.shown(direction, packed, &columns)];
                let row = direction * packing.batch + packing.rows[place];
                hidden[row * from.len()..(row + 1) * from.len()].copy_from_slice(from);
            }
        }
    }
    hidden
}

/// What the parts of a forward pass work on together.
pub(crate) struct ForwardBuffers {
    panels: ForwardPanels,
    carried: Buffer,
    hidden: [Buffer; 2],
    unprojected: Buffer,
    mask: Buffer,
}

impl ForwardBuffers {
    pub fn take(operands: &Operands) -> Self {
        let (sizes, batch) = (&operands.sizes, operands.packing.batch);
        let shown = || sizes.by_feature(batch);
        Self {
            panels: ForwardPanels::take(sizes),
            carried: sizes.by_unit(batch),
            hidden: [shown(), shown()],
            unprojected: match sizes.is_projected() {
                true => sizes.by_unit(batch),
                false => Buffer::take(0),
            },
            mask: operands.mask.map_or_else(|| Buffer::take(0), |_| shown()),
        }
    }

    /// The pass whose output is there already, or is written.
    pub fn pass<'a>(
        &'a mut self,
        operands: &'a Operands<'a>,
        plan: &'a Plan,
        output: Shared<'a>,
        shows: bool,
    ) -> ForwardPass<'a> {
        let (sizes, batch) = (&operands.sizes, operands.packing.batch);
        ForwardPass {
            operands,
            plan,
            output,
            shows,
            panels: self.panels.share(sizes),
            carried: sizes.share_by_unit(&mut self.carried, batch),
            hidden: self
                .hidden
                .each_mut()
                .map(|hidden| sizes.share_by_feature(hidden, batch)),
            unprojected: sizes.share_by_unit(&mut self.unprojected, batch),
            mask: sizes.share_by_feature(&mut self.mask, batch),
        }
    }
}
