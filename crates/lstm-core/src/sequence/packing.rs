//! The order in which the time steps of a ragged batch are worked off.
//!
//! Sequences are sorted by length, longest first, and the real time steps laid out step by step:
//! all first steps, all second steps, and so on. At step t only the rows that are still running
//! take part, and they are the first ones, so padding costs nothing and needs no mask.

use std::ops::Range;

use crate::lengths::Lengths;

/// How many packed steps the plain body goes through at once, unless it is few time steps: enough for
/// products to be as fast as they get, few enough for gates and their gradients to lie in the cache.
const STRETCH_ROWS: usize = 512;

/// How many time steps at least: enough for what is done once a stretch not to count, because on a GPU
/// every operation costs its launch.
const STRETCH_STEPS: usize = 16;

/// How the time steps of a batch are packed.
#[derive(Debug)]
pub(crate) struct Packing {
    /// `rows[i]` is the batch row that lies at sorted place `i`.
    pub rows: Vec<usize>,
    /// How many sequences are still running at each step: never grows.
    pub active: Vec<usize>,
    /// Where each step's rows begin among the packed steps, and at last how many those are.
    pub offsets: Vec<usize>,
    pub batch: usize,
    pub time: usize,
    forward: Order,
    reverse: Order,
}

/// Where each packed step comes from, and where each step of the batch went.
#[derive(Debug)]
pub(crate) struct Order {
    /// For each packed step, its place in the batch laid out as `[batch * time]`.
    pub gather: Vec<usize>,
    /// For each place of `[batch * time]`, its packed step, or the number of packed steps where
    /// it is padding.
    pub scatter: Vec<usize>,
}

impl Packing {
    pub fn new(lengths: &Lengths) -> Self {
        let (batch, time) = (lengths.batch(), lengths.time());
        let lengths = lengths.as_slice();
        let mut rows: Vec<usize> = (0..batch).collect();
        rows.sort_by_key(|&row| std::cmp::Reverse(lengths[row]));
        let longest = rows.first().map_or(0, |&row| lengths[row]);
        let active: Vec<usize> = (0..longest)
            .map(|step| rows.partition_point(|&row| lengths[row] > step))
            .collect();
        let mut offsets = vec![0];
        for active in &active {
            offsets.push(offsets[offsets.len() - 1] + active);
        }
        let order = |place: &dyn Fn(usize, usize) -> usize| {
            let mut gather = Vec::with_capacity(lengths.iter().sum());
            for (step, &active) in active.iter().enumerate() {
                gather.extend(rows[..active].iter().map(|&row| place(row, step)));
            }
            let mut scatter = vec![gather.len(); batch * time];
            for (packed, &place) in gather.iter().enumerate() {
                scatter[place] = packed;
            }
            Order { gather, scatter }
        };
        let forward = order(&|row, step| row * time + step);
        let reverse = order(&|row, step| row * time + lengths[row] - 1 - step);
        Self {
            rows,
            active,
            offsets,
            batch,
            time,
            forward,
            reverse,
        }
    }

    /// The order of a direction: 0 from first to last step, 1 from each sequence's own last step
    /// to its first.
    pub fn direction(&self, direction: usize) -> &Order {
        match direction {
            0 => &self.forward,
            _ => &self.reverse,
        }
    }

    /// The time steps, cut into stretches that the plain body goes through at once.
    pub fn stretches(&self) -> Vec<Range<usize>> {
        let mut stretches = Vec::new();
        let mut start = 0;
        while start < self.active.len() {
            let rows = self.offsets[start] + STRETCH_ROWS;
            let end = self.offsets.partition_point(|&offset| offset <= rows) - 1;
            let end = end.max(start + STRETCH_STEPS).min(self.active.len());
            stretches.push(start..end);
            start = end;
        }
        stretches
    }

    /// Whether some place of the batch is padding.
    pub fn is_ragged(&self) -> bool {
        self.forward.gather.len() < self.batch * self.time
    }

    /// The length of the sequence at each sorted place.
    pub fn lengths(&self) -> Vec<usize> {
        (0..self.batch)
            .map(|place| self.active.partition_point(|&active| active > place))
            .collect()
    }

    /// For each batch row, its sorted place.
    pub fn places(&self) -> Vec<usize> {
        let mut places = vec![0; self.batch];
        for (place, &row) in self.rows.iter().enumerate() {
            places[row] = place;
        }
        places
    }

    /// Whether the batch is sorted as it comes.
    pub fn is_sorted(&self) -> bool {
        self.rows.is_sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_packed_longest_sequence_first() {
        let packing = Packing::new(&Lengths::new([1, 3, 0, 2], 3).unwrap());
        assert_eq!(packing.rows, [1, 3, 0, 2]);
        assert_eq!(packing.active, [3, 2, 1]);
        assert_eq!(packing.offsets, [0, 3, 5, 6]);
        assert_eq!(packing.lengths(), [3, 2, 1, 0]);
        // First steps of rows 1, 3, 0; second steps of rows 1, 3; third step of row 1.
        assert_eq!(packing.direction(0).gather, [3, 9, 0, 4, 10, 5]);
        assert_eq!(packing.direction(1).gather, [5, 10, 0, 4, 9, 3]);
        assert_eq!(
            packing.direction(0).scatter,
            [2, 6, 6, 0, 3, 5, 6, 6, 6, 1, 4, 6]
        );
        assert_eq!(packing.places(), [2, 0, 3, 1]);
    }

    #[test]
    fn stretches_have_some_steps_and_many_rows() {
        let stretches = |batch, time| Packing::new(&Lengths::full(batch, time)).stretches();
        assert_eq!(stretches(600, 40), [0..16, 16..32, 32..40]);
        assert_eq!(stretches(8, 100), [0..64, 64..100]);
        assert_eq!(stretches(1, 512), [0..512]);
        assert!(stretches(1, 0).is_empty());
        let ragged: Vec<usize> = (0..512).collect();
        let ragged = Packing::new(&Lengths::new(ragged, 600).unwrap());
        let ends: Vec<usize> = ragged.stretches().iter().map(|steps| steps.end).collect();
        assert!(ends.is_sorted() && ends.last() == Some(&511), "{ends:?}");
    }

    #[test]
    fn a_full_batch_stays_in_its_order() {
        let packing = Packing::new(&Lengths::full(2, 2));
        assert!(packing.is_sorted() && !packing.is_ragged());
        assert_eq!(packing.direction(0).gather, [0, 2, 1, 3]);
    }
}
