//! Levenshtein's distance near the diagonal.

use std::ops::Range;

/// Tercom's beam: how far from the diagonal edits are looked for.
const BEAM_WIDTH: usize = 25;

/// The cost of what lies outside of the beam.
const UNREACHED: u32 = u32::MAX / 2;

/// One edit of a hypothesis on its way to the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// The words are the same.
    Keep,
    /// One word for another.
    Substitute,
    /// A word that the hypothesis lacks.
    Insert,
    /// A word that the reference lacks.
    Delete,
}

/// Distances of hypotheses of one length from a reference. Rows of the table are kept as long as
/// hypotheses begin alike; of each row there are the columns within the beam.
pub struct EditDistance<'a> {
    reference: &'a [u32],
    hypothesis: Vec<u32>,
    /// One after the other, the rows of all words.
    costs: Vec<u32>,
    /// Of each row, from the one before the first word.
    rows: Vec<Row>,
    /// How many rows are those of `hypothesis`.
    known: usize,
}

/// The columns of a row, and where they are.
#[derive(Clone)]
struct Row {
    columns: Range<usize>,
    start: usize,
}

impl<'a> EditDistance<'a> {
    /// The distances from a reference of hypotheses of this length.
    pub fn new(reference: &'a [u32], length: usize) -> Self {
        let mut start = 0;
        let rows = (0..=length).map(|row| {
            let columns = columns(row, length, reference.len());
            let row = Row { start, columns };
            start += row.columns.len();
            row
        });
        let rows: Vec<Row> = rows.collect();
        let mut costs: Vec<u32> = (0..=reference.len() as u32).collect();
        costs.resize(start, UNREACHED);
        Self {
            reference,
            hypothesis: vec![0; length],
            costs,
            rows,
            known: 1,
        }
    }

    /// The distance of a hypothesis.
    pub fn of(&mut self, hypothesis: &[u32]) -> u32 {
        let known = &self.hypothesis[..self.known - 1];
        let pairs = known.iter().zip(hypothesis);
        let alike = pairs.take_while(|(one, other)| one == other).count();
        self.hypothesis.copy_from_slice(hypothesis);
        for row in alike + 1..=hypothesis.len() {
            self.fill(row);
        }
        self.known = self.rows.len();
        self.cost(hypothesis.len(), self.reference.len())
    }

    fn cost(&self, row: usize, column: usize) -> u32 {
        let Row { columns, start } = &self.rows[row];
        match columns.contains(&column) {
            true => self.costs[start + column - columns.start],
            false => UNREACHED,
        }
    }

    /// Computes a row from the one above it.
    fn fill(&mut self, row: usize) {
        let word = self.hypothesis[row - 1];
        let Row { columns, start } = self.rows[row].clone();
        let mut inserted = UNREACHED;
        for column in columns.clone() {
            // d(i, j) = min(d(i-1, j-1) + [h_i ≠ r_j], d(i-1, j) + 1, d(i, j-1) + 1)
            let deleted = self.cost(row - 1, column) + 1;
            let mut cost = deleted.min(inserted);
            if let Some(left) = column.checked_sub(1) {
                let differs = u32::from(word != self.reference[left]);
                cost = cost.min(self.cost(row - 1, left) + differs);
            }
            self.costs[start + column - columns.start] = cost.min(UNREACHED);
            inserted = cost + 1;
        }
    }

    /// The edits that make the reference of the last hypothesis, from its beginning. Of equally short
    /// ways, one that keeps or substitutes is taken before one that deletes, and that before one that
    /// inserts: Tercom's order.
    pub fn edits(&self) -> Vec<Edit> {
        let (mut row, mut column) = (self.hypothesis.len(), self.reference.len());
        let mut edits = Vec::with_capacity(row + column);
        while row > 0 || column > 0 {
            let edit = self.last_edit(row, column);
            row -= usize::from(edit != Edit::Insert);
            column -= usize::from(edit != Edit::Delete);
            edits.push(edit);
        }
        edits.reverse();
        edits
    }

    fn last_edit(&self, row: usize, column: usize) -> Edit {
        if row == 0 {
            return Edit::Insert;
        }
        if column == 0 {
            return Edit::Delete;
        }
        let cost = self.cost(row, column);
        let differs = self.hypothesis[row - 1] != self.reference[column - 1];
        if self.cost(row - 1, column - 1) + u32::from(differs) == cost {
            match differs {
                true => Edit::Substitute,
                false => Edit::Keep,
            }
        } else if self.cost(row - 1, column) + 1 == cost {
            Edit::Delete
        } else {
            Edit::Insert
        }
    }
}

/// The columns within the beam: of the first row and of the last up to the end.
fn columns(row: usize, length: usize, reference: usize) -> Range<usize> {
    if row == 0 {
        return 0..reference + 1;
    }
    let ratio = reference as f64 / length as f64;
    // Texts of so different lengths that the beams of two rows would not meet get a wider one.
    let beam = match (BEAM_WIDTH as f64) < ratio / 2.0 {
        true => (ratio / 2.0 + BEAM_WIDTH as f64).ceil() as usize,
        false => BEAM_WIDTH,
    };
    let diagonal = (row as f64 * ratio).floor() as usize;
    let end = match row == length {
        true => reference + 1,
        false => (reference + 1).min(diagonal + beam),
    };
    diagonal.saturating_sub(beam)..end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Levenshtein's distance as it is defined.
    fn plain(hypothesis: &[u32], reference: &[u32]) -> u32 {
        let (Some((one, others)), Some((word, words))) =
            (hypothesis.split_first(), reference.split_first())
        else {
            return (hypothesis.len() + reference.len()) as u32;
        };
        if one == word {
            return plain(others, words);
        }
        let replaced = plain(others, words);
        let deleted = plain(others, reference);
        let inserted = plain(hypothesis, words);
        1 + replaced.min(deleted).min(inserted)
    }

    fn text(longest: usize) -> impl Strategy<Value = Vec<u32>> {
        prop::collection::vec(0..3_u32, 0..=longest)
    }

    proptest! {
        #[test]
        fn near_the_diagonal_it_is_the_distance(one in text(7), reference in text(7)) {
            let mut distance = EditDistance::new(&reference, one.len());
            // Others of the same length, so that rows are used again.
            for other in [one.iter().rev().copied().collect(), vec![1; one.len()], one] {
                prop_assert_eq!(distance.of(&other), plain(&other, &reference));
            }
        }

        #[test]
        fn edits_are_as_many_as_the_distance_and_make_the_reference(
            hypothesis in text(60),
            reference in text(200),
        ) {
            let mut distance = EditDistance::new(&reference, hypothesis.len());
            let cost = distance.of(&hypothesis);
            let edits = distance.edits();
            let changes = edits.iter().filter(|&&edit| edit != Edit::Keep).count();
            prop_assert_eq!(changes as u32, cost);
            let count = |kind: Edit| edits.iter().filter(|&&edit| edit == kind).count();
            prop_assert_eq!(edits.len() - count(Edit::Insert), hypothesis.len());
            prop_assert_eq!(edits.len() - count(Edit::Delete), reference.len());
        }
    }
}
