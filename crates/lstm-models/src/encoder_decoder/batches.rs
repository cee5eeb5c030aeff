//! Which sources go through a network at once.

/// Rows that go through the network at once, of which a beam has several for each source; and sources.
const ROWS: usize = 160;
const SOURCES: usize = 32;

/// Places of all rows' sources together: of longer sources there are fewer at once.
const PLACES: usize = 160_000;

/// The sources that are not empty, those of similar length together; each needs so many rows.
///
/// - `lengths`: tokens of each source, the one that ends it among them
pub(crate) fn batches(lengths: &[usize], rows: usize) -> Vec<Vec<usize>> {
    let mut sources: Vec<usize> = (0..lengths.len())
        .filter(|source| lengths[*source] > 1)
        .collect();
    sources.sort_by_key(|source| lengths[*source]);
    let together = (ROWS / rows).clamp(1, SOURCES);
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for source in sources {
        match batches.last_mut() {
            Some(batch)
                if batch.len() < together
                    && (batch.len() + 1) * rows * lengths[source] <= PLACES =>
            {
                batch.push(source);
            }
            _ => batches.push(vec![source]),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_lengths_come_together_and_empty_sources_not_at_all() {
        let lengths = [9, 1, 3, 900, 4, 5];
        assert_eq!(batches(&lengths, 80), [vec![2, 4], vec![5, 0], vec![3]]);
        assert_eq!(batches(&lengths, 1), [vec![2, 4, 5, 0, 3]]);
        assert_eq!(batches(&lengths, 1_000), [[2], [4], [5], [0], [3]]);
    }

    #[test]
    fn of_long_sources_there_are_fewer() {
        assert_eq!(batches(&[40_000; 5], 2), [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(batches(&[400_000; 2], 2), [[0], [1]]);
    }
}
