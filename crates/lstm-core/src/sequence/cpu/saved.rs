//! What the backward pass needs of a forward pass, apart from operands and output.

use std::ops::Range;

use super::blocks::ByStep;
use super::buffers::{Buffer, Shared};
use super::layout::{SLOTS, Sizes};
use super::operands::Operands;

/// What is kept for the backward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Nothing: there is none.
    Nothing,
    /// Every step.
    Steps,
    /// The state at every so many steps, at least one: those between are computed again.
    Segments(usize),
}

/// What a forward pass kept.
#[derive(Debug)]
pub(crate) struct Saved {
    /// The segments, in the order of time.
    pub segments: Vec<Segment>,
    /// Every step, if there is only one segment.
    pub steps: Option<StepBuffers>,
}

impl Saved {
    /// Asserts that a forward pass of these operands has left it.
    pub fn check(&self, operands: &Operands) {
        let (sizes, batch) = (&operands.sizes, operands.packing.batch);
        let mut end = 0;
        for segment in &self.segments {
            assert_eq!(segment.steps.start, end, "segments follow each other");
            end = segment.steps.end;
            let states = segment.start.as_slice().len();
            assert_eq!(
                states,
                sizes.by_unit_len(batch),
                "states of {sizes:?}, batch {batch}"
            );
        }
        assert_eq!(
            end,
            operands.packing.active.len(),
            "segments are of all steps"
        );
        if let Some(steps) = &self.steps {
            assert!(self.segments.len() <= 1, "all steps are of one segment");
            let packed = operands.packed_steps(&(0..end)).len();
            let expected = StepBuffers::lens(sizes, packed);
            let found = [&steps.slots, &steps.states].map(|buffer| buffer.as_slice().len());
            assert_eq!(found, expected, "steps of {sizes:?}, {packed} packed steps");
        }
    }
}

/// Some time steps that are gone through backwards at once.
#[derive(Debug)]
pub(crate) struct Segment {
    pub steps: Range<usize>,
    /// The carried states before its first step, by unit.
    pub start: Buffer,
}

/// What a segment's steps leave, by step.
#[derive(Debug)]
pub(crate) struct StepBuffers {
    slots: Buffer,
    states: Buffer,
}

impl StepBuffers {
    /// Room for `packed` packed steps.
    pub fn take(sizes: &Sizes, packed: usize) -> Self {
        let [slots, states] = Self::lens(sizes, packed).map(Buffer::take);
        Self { slots, states }
    }

    /// Floats of the slots and of the states.
    fn lens(sizes: &Sizes, packed: usize) -> [usize; 2] {
        let (directions, blocks, lanes) = (sizes.directions, sizes.blocks(), sizes.lanes());
        [SLOTS * lanes, lanes].map(|width| ByStep::len(directions, blocks, packed, width))
    }

    pub fn share(&mut self) -> SharedSteps<'_> {
        SharedSteps {
            slots: self.slots.share(),
            states: self.states.share(),
        }
    }
}

/// What all segments use, one after the other.
#[derive(Clone, Copy)]
pub(crate) struct SharedSteps<'a> {
    slots: Shared<'a>,
    states: Shared<'a>,
}

impl<'a> SharedSteps<'a> {
    /// The steps of a segment of `packed` packed steps.
    pub fn of(&self, sizes: &Sizes, packed: &Range<usize>) -> Steps<'a> {
        let (blocks, lanes) = (sizes.blocks(), sizes.lanes());
        Steps {
            slots: ByStep::new(self.slots, blocks, SLOTS * lanes, packed),
            states: ByStep::new(self.states, blocks, lanes, packed),
        }
    }
}

/// The steps of a segment.
#[derive(Clone, Copy)]
pub(crate) struct Steps<'a> {
    /// What the element-wise steps save, then the gradients of their slots.
    pub slots: ByStep<'a>,
    /// The carried states.
    pub states: ByStep<'a>,
}
