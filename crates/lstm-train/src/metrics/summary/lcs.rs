//! Longest common subsequences, 64 places of a row at a time.
//!
//! t(i, j) is the length of the longest common subsequence of the first i items of one sequence, the rows, and
//! the first j of the other, the columns. In a row it grows by 0 or 1 from column to column; a row is kept as
//! one bit a column, which is set where it does not grow (Crochemore et al. 2001, Hyyrö 2004).

/// No place.
const NONE: u32 = u32::MAX;

/// Where each item of a sequence stands in it: the columns.
#[derive(Debug)]
pub struct Columns<'a> {
    items: &'a [u32],
    /// By item, its last place.
    last: Vec<u32>,
    /// By place, the place before of the same item.
    before: Vec<u32>,
}

impl<'a> Columns<'a> {
    /// Of items below `distinct`.
    pub fn new(items: &'a [u32], distinct: usize) -> Self {
        let mut last = vec![NONE; distinct];
        let places = items.iter().zip(0..);
        let before =
            places.map(|(&item, place)| std::mem::replace(&mut last[item as usize], place));
        Self {
            before: before.collect(),
            items,
            last,
        }
    }

    fn places(&self, item: u32) -> impl Iterator<Item = usize> {
        let existing = |place: u32| (place != NONE).then_some(place);
        let last = existing(self.last[item as usize]);
        let places =
            std::iter::successors(last, move |&place| existing(self.before[place as usize]));
        places.map(|place| place as usize)
    }

    fn words(&self) -> usize {
        self.items.len().div_ceil(64)
    }

    /// Makes of the row above an item that of the item. `matches` is zeros, as wide as a row.
    fn next_row(&self, row: &mut [u64], item: u32, matches: &mut [u64]) {
        if self.last[item as usize] == NONE {
            return;
        }
        for place in self.places(item) {
            matches[place / 64] |= 1 << (place % 64);
        }
        // V' = (V + (V & M)) | (V & !M)
        let mut carry = false;
        for (bits, &matching) in row.iter_mut().zip(&*matches) {
            let both = *bits & matching;
            let (sum, first) = bits.overflowing_add(both);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first | second;
            *bits = sum | (*bits & !matching);
        }
        for place in self.places(item) {
            matches[place / 64] = 0;
        }
    }

    /// The length of the longest common subsequence with `rows`.
    pub fn length(&self, rows: &[u32]) -> usize {
        let mut row = vec![u64::MAX; self.words()];
        let mut matches = vec![0; self.words()];
        for &item in rows {
            self.next_row(&mut row, item, &mut matches);
        }
        grown(&row, self.items.len())
    }

    /// Calls `found` with the places in `rows` of one longest common subsequence: the one that rouge-score
    /// finds, which goes back from the ends by a row unless only a column keeps the length.
    pub fn subsequence(&self, rows: &[u32], mut found: impl FnMut(usize)) {
        let width = self.words();
        let mut table = vec![u64::MAX; width];
        let mut matches = vec![0; width];
        for (above, &item) in rows.iter().enumerate() {
            table.extend_from_within(above * width..);
            self.next_row(&mut table[(above + 1) * width..], item, &mut matches);
        }
        let length = |i: usize, j: usize| grown(&table[i * width..][..width], j);
        let (mut i, mut j) = (rows.len(), self.items.len());
        while i > 0 && j > 0 {
            if rows[i - 1] == self.items[j - 1] {
                found(i - 1);
                (i, j) = (i - 1, j - 1);
            } else if length(i, j - 1) > length(i - 1, j) {
                j -= 1;
            } else {
                i -= 1;
            }
        }
    }
}

/// By how much a row grows in its first columns.
fn grown(row: &[u64], columns: usize) -> usize {
    let (whole, rest) = (columns / 64, columns % 64);
    let ones: u32 = row[..whole].iter().map(|bits| bits.count_zeros()).sum();
    let rest = match rest {
        0 => 0,
        rest => (!row[whole] & ((1 << rest) - 1)).count_ones(),
    };
    (ones + rest) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// rouge-score's `_lcs_table` and `_backtrack_norec`.
    fn by_table(rows: &[u32], columns: &[u32]) -> (usize, Vec<usize>) {
        let mut table = vec![vec![0; columns.len() + 1]; rows.len() + 1];
        for i in 1..=rows.len() {
            for j in 1..=columns.len() {
                table[i][j] = match rows[i - 1] == columns[j - 1] {
                    true => table[i - 1][j - 1] + 1,
                    false => table[i - 1][j].max(table[i][j - 1]),
                };
            }
        }
        let (mut i, mut j) = (rows.len(), columns.len());
        let (length, mut places) = (table[i][j], Vec::new());
        while i > 0 && j > 0 {
            if rows[i - 1] == columns[j - 1] {
                places.push(i - 1);
                (i, j) = (i - 1, j - 1);
            } else if table[i][j - 1] > table[i - 1][j] {
                j -= 1;
            } else {
                i -= 1;
            }
        }
        (length, places)
    }

    fn items() -> impl Strategy<Value = Vec<u32>> {
        let few = (2..30_u32).prop_flat_map(|distinct| (0..200_usize, 1..=distinct));
        few.prop_flat_map(|(length, distinct)| prop::collection::vec(0..distinct, 0..=length))
    }

    proptest! {
        #[test]
        fn lengths_and_places_are_those_of_the_whole_table(rows in items(), columns in items()) {
            let (length, places) = by_table(&rows, &columns);
            let columns = Columns::new(&columns, 30);
            prop_assert_eq!(columns.length(&rows), length);
            let mut found = Vec::new();
            columns.subsequence(&rows, |place| found.push(place));
            prop_assert_eq!(found, places);
        }
    }

    #[test]
    fn a_sum_carries_into_the_next_64_columns() {
        for length in [63, 64, 65, 128, 129] {
            let items = vec![0; length];
            assert_eq!(Columns::new(&items, 1).length(&items[1..]), length - 1);
        }
    }
}
