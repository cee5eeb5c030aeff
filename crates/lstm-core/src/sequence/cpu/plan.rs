//! Who does what: a layer's work cut into parts for the threads.
//!
//! A part is a direction, some sequences and some hidden units. Directions and sequences are
//! independent of each other; the parts that share sequences wait for each other at every step,
//! because each unit's next state needs all units' last one. Fewer units a part mean that a
//! thread's weights stay in its cache; fewer sequences a part mean less waiting.

use std::ops::Range;
use std::time::Duration;

use super::barrier::{Barrier, BreakOnPanic};
use super::layout::Sizes;
use super::team::{Team, available};
use crate::sequence::packing::Packing;

/// What one thread does of a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub direction: usize,
    /// Sequences, by their sorted places.
    pub rows: Range<usize>,
    /// Blocks of hidden units.
    pub blocks: Range<usize>,
    /// Blocks of features of the hidden state: those of the units, unless it is projected.
    pub shown: Range<usize>,
    /// Vectors of the input's columns, of which it gives the gradient.
    pub input_vectors: Range<usize>,
    /// The parts of the same direction and sequences share a barrier.
    pub group: usize,
    /// Which of the parts with the same direction and units it is, and how many there are.
    pub turn: (usize, usize),
}

/// Into how many parts each direction's work is cut, and for how many threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub threads: usize,
    /// Parts of the sequences.
    pub rows: usize,
    /// Parts of the hidden units.
    pub units: usize,
}

impl Cut {
    /// What is likely to be fastest with at most so many threads.
    ///
    /// Parts of sequences do not wait for each other, so units are cut only where there are too few
    /// sequences, or where the weights are too large to be gone through by every thread.
    pub fn best(sizes: &Sizes, packing: &Packing, threads: usize) -> Self {
        let real_steps = packing.offsets[packing.active.len()];
        let weights = (sizes.d_input + sizes.d_recurrent) * sizes.columns();
        let threads = threads.min(worth(sizes, packing)).max(1);

        let each = (threads / sizes.directions).max(1);
        let rows = real_steps / packing.active.len().max(1);
        let fits = |units: &usize| {
            rows * units >= ROWS * each && weights * size_of::<f32>() <= WEIGHTS * units
        };
        let mut cuts = (1..=each).filter(|units| each.is_multiple_of(*units));
        let units = cuts.find(fits).unwrap_or(each).min(sizes.blocks());
        Self {
            threads,
            rows: each / units,
            units,
        }
    }
}

/// How many threads the work is worth.
fn worth(sizes: &Sizes, packing: &Packing) -> usize {
    let real_steps = packing.offsets[packing.active.len()];
    let weights = (sizes.d_input + sizes.d_recurrent) * sizes.columns();
    real_steps.saturating_mul(sizes.directions * weights) / WORTH_A_THREAD
}

/// Multiplications below which another thread costs more than it brings.
const WORTH_A_THREAD: usize = 2 << 20;

/// How long helpers are waited for, for each thread's worth of work: that takes one thread some 50 µs,
/// and a helper saves half of it.
const PATIENCE: Duration = Duration::from_micros(12);

/// How long they are waited for at least: so long takes it to wake up.
const LEAST_PATIENCE: Duration = Duration::from_micros(100);

/// And at most: who has not come by then is busy.
const MOST_PATIENCE: Duration = Duration::from_millis(20);

/// Who works on a pass.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hands {
    /// The caller, and as many of rayon's threads as it is worth and as come.
    WhoComes,
    /// As many as the cut says, on threads of their own.
    #[cfg(test)]
    Own(Cut),
}

impl Hands {
    /// Asks them: the sooner, the less they are waited for.
    pub fn ask(self, sizes: &Sizes, packing: &Packing) -> Team {
        match self {
            Self::WhoComes => Team::ask(Cut::best(sizes, packing, available()).threads - 1),
            #[cfg(test)]
            Self::Own(cut) => Team::of_own(cut.threads),
        }
    }

    /// The work, cut for those who have come.
    pub fn plan(self, sizes: &Sizes, packing: &Packing, team: &Team) -> Plan {
        let cut = match self {
            Self::WhoComes => {
                let worth = u32::try_from(worth(sizes, packing)).unwrap_or(u32::MAX);
                let patience = PATIENCE.saturating_mul(worth);
                let patience = patience.clamp(LEAST_PATIENCE, MOST_PATIENCE);
                Cut::best(sizes, packing, team.gather(patience))
            }
            #[cfg(test)]
            Self::Own(cut) => cut,
        };
        Plan::new(sizes, packing, cut)
    }
}

/// Sequences at a step that a part has at least, so that its products run at full speed.
const ROWS: usize = 6;

/// Bytes of weights that a thread goes through at every step without waiting for memory.
const WEIGHTS: usize = 4 << 20;

/// All parts, and the threads that do them.
pub(crate) struct Plan {
    pub parts: Vec<Part>,
    pub threads: usize,
    /// One for each group of parts, then one for all threads.
    pub barriers: Vec<Barrier>,
}

impl Plan {
    fn new(sizes: &Sizes, packing: &Packing, cut: Cut) -> Self {
        let Cut {
            threads,
            rows: row_parts,
            units: unit_parts,
        } = cut;
        let directions = sizes.directions;
        assert!(
            unit_parts == 1 || directions * row_parts * unit_parts <= threads,
            "parts that wait for each other have a thread each: {cut:?}"
        );
        let rows = cut_rows(packing, row_parts);
        let mut parts = Vec::new();
        for direction in 0..directions {
            for (row_part, rows) in rows.iter().enumerate() {
                for unit_part in 0..unit_parts {
                    parts.push(Part {
                        direction,
                        rows: rows.clone(),
                        blocks: share(sizes.blocks(), unit_part, unit_parts),
                        shown: share(sizes.shown_blocks(), unit_part, unit_parts),
                        input_vectors: share(sizes.input_vectors(), unit_part, unit_parts),
                        group: direction * row_parts + row_part,
                        turn: (row_part, row_parts),
                    });
                }
            }
        }
        let threads = threads.min(parts.len());
        let groups = (0..directions * row_parts).map(|_| Barrier::new(unit_parts));
        let barriers = groups.chain([Barrier::new(threads)]).collect();
        Self {
            parts,
            threads,
            barriers,
        }
    }

    /// Does some work on every thread at the same time.
    pub fn run(&self, team: Team, work: impl Fn(usize) + Sync) {
        team.run(|thread| {
            // There may be fewer parts than have come.
            if thread < self.threads {
                let _guard = BreakOnPanic(&self.barriers);
                work(thread);
            }
        });
    }

    /// The parts of one thread. Parts that wait for each other have a thread each.
    pub fn parts_of(&self, thread: usize) -> impl Iterator<Item = &Part> {
        self.parts.iter().skip(thread).step_by(self.threads)
    }

    /// Waits for the parts with the same sequences.
    pub fn wait(&self, part: &Part) {
        self.barriers[part.group].wait();
    }

    /// Waits for all threads.
    pub fn wait_for_all(&self) {
        self.barriers[self.barriers.len() - 1].wait();
    }
}

/// The `index`th of `count` almost equal shares of `0..whole`.
pub(super) fn share(whole: usize, index: usize, count: usize) -> Range<usize> {
    whole * index / count..whole * (index + 1) / count
}

/// Cuts the sorted sequences so that the parts have about as many time steps each.
fn cut_rows(packing: &Packing, parts: usize) -> Vec<Range<usize>> {
    let total: usize = packing.active.iter().sum();
    let mut cuts = vec![0];
    let mut done = 0;
    let lengths = packing.lengths();
    for (row, length) in lengths.iter().enumerate() {
        if done * parts >= total * cuts.len() && cuts.len() < parts {
            cuts.push(row);
        }
        done += length;
    }
    cuts.resize(parts, lengths.len());
    cuts.push(lengths.len());
    cuts.windows(2).map(|cut| cut[0]..cut[1]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::Lengths;
    use crate::sequence::cpu::{FastCell, Isa};

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 2 } else { 256 },
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn every_unit_of_every_sequence_is_in_one_part(
            lengths in vec(0..=9_usize, 0..=20),
            directions in 1..=2_usize,
            d_input in 1..=70_usize,
            d_hidden in 1..=70_usize,
            rows in 1..=4_usize,
            units in 1..=4_usize,
            spare in 0..=1_usize,
        ) {
            let cut = Cut { threads: directions * rows * units + spare, rows, units };
            let sizes = Sizes {
                cell: FastCell::Lstm,
                directions,
                d_input,
                d_hidden,
                d_recurrent: d_hidden,
                isa: Isa::best(),
                few_rows: false,
            };
            let batch = lengths.len();
            let packing = Packing::new(&Lengths::new(lengths, 9).unwrap());
            let plan = Plan::new(&sizes, &packing, cut);
            prop_assert!(plan.threads <= cut.threads);
            let mut units = vec![0; directions * batch * sizes.blocks()];
            let mut inputs = vec![0; directions * batch * sizes.input_vectors()];
            let all = (0..plan.threads).flat_map(|thread| plan.parts_of(thread));
            for part in all {
                for row in part.rows.clone() {
                    let row = part.direction * batch + row;
                    part.blocks.clone().for_each(|block| units[row * sizes.blocks() + block] += 1);
                    let vectors = part.input_vectors.clone();
                    vectors.for_each(|vector| inputs[row * sizes.input_vectors() + vector] += 1);
                }
                // Parts that wait for each other have a thread each.
                let group = plan.parts.iter().filter(|other| other.group == part.group);
                prop_assert!(group.count() == 1 || plan.parts.len() <= plan.threads);
            }
            prop_assert!(units.iter().chain(&inputs).all(|count| *count == 1));
        }
    }

    #[test]
    fn units_are_cut_for_few_sequences_or_large_weights() {
        let best = |batch, d_hidden, threads| {
            let sizes = Sizes {
                cell: FastCell::Lstm,
                directions: 1,
                d_input: d_hidden,
                d_hidden,
                d_recurrent: d_hidden,
                isa: Isa::best(),
                few_rows: false,
            };
            let packing = Packing::new(&Lengths::full(batch, 100));
            let cut = Cut::best(&sizes, &packing, threads);
            (cut.threads, cut.rows, cut.units)
        };
        assert_eq!(best(64, 256, 2), (2, 2, 1));
        assert_eq!(best(64, 256, 4), (4, 4, 1));
        assert_eq!(best(64, 600, 4), (4, 1, 4));
        assert_eq!(best(1, 256, 2), (2, 1, 2));
        assert_eq!(best(16, 256, 4), (4, 2, 2));
        // Not worth a second thread.
        assert_eq!(best(1, 16, 2), (1, 1, 1));
    }

    #[test]
    fn sequences_are_cut_by_their_lengths() {
        let packing = Packing::new(&Lengths::new([8, 1, 1, 2, 2, 2], 8).unwrap());
        assert_eq!(cut_rows(&packing, 2), [0..1, 1..6]);
        assert_eq!(cut_rows(&packing, 1), [0..6]);
        assert_eq!(cut_rows(&packing, 8).len(), 8);
    }
}
