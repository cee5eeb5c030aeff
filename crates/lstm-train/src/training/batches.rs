//! Which examples go together into a batch, and in which order: a pure function of the lengths,
//! the batch size, the seed and the epoch. A length is anything that can be ordered: of pairs, that of the
//! target and then that of the source.

use lstm_core::{Purpose, RandomSource};

/// How many batches are sorted by length together. More gives less padding, fewer more varied
/// batches.
const POOL: usize = 50;

/// The batches of one epoch: examples in random order, but of similar length within a batch, so
/// that there is little padding. Every example stands in exactly one batch.
///
/// Pools of 50 batches of the shuffled examples are sorted by length and cut up, then the batches
/// are shuffled.
pub fn bucketed<L: Ord + Copy>(
    lengths: &[L],
    batch_size: usize,
    seed: u64,
    epoch: u64,
) -> Vec<Vec<usize>> {
    let source = RandomSource::new(seed).at_step(epoch);
    let mut order = source.permutation(Purpose::named("order of examples"), lengths.len());
    let mut batches = Vec::with_capacity(lengths.len().div_ceil(batch_size));
    for pool in order.chunks_mut(batch_size.saturating_mul(POOL)) {
        pool.sort_by_key(|&example| lengths[example]);
        batches.extend(pool.chunks(batch_size).map(<[usize]>::to_vec));
    }
    let order = source.permutation(Purpose::named("order of batches"), batches.len());
    order
        .into_iter()
        .map(|batch| std::mem::take(&mut batches[batch]))
        .collect()
}

/// The batches of an evaluation: all examples, sorted by length.
pub fn sorted<L: Ord + Copy>(lengths: &[L], batch_size: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&example| lengths[example]);
    order.chunks(batch_size).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths() -> Vec<usize> {
        (0..1000).map(|example| (example * 7919) % 97).collect()
    }

    #[test]
    fn every_example_stands_in_exactly_one_batch() {
        for batches in [bucketed(&lengths(), 32, 1, 1), sorted(&lengths(), 32)] {
            let mut all: Vec<usize> = batches.into_iter().flatten().collect();
            all.sort_unstable();
            assert_eq!(all, (0..1000).collect::<Vec<_>>());
        }
    }

    #[test]
    fn seed_and_epoch_decide_the_batches() {
        let batches = |seed, epoch| bucketed(&lengths(), 32, seed, epoch);
        assert_eq!(batches(1, 1), batches(1, 1));
        assert_ne!(batches(1, 1), batches(1, 2));
        assert_ne!(batches(1, 1), batches(2, 1));
    }

    #[test]
    fn a_batch_holds_texts_of_similar_length() {
        let lengths = lengths();
        let padding: usize = bucketed(&lengths, 20, 1, 1)
            .iter()
            .map(|batch| {
                let longest = batch
                    .iter()
                    .map(|&example| lengths[example])
                    .max()
                    .unwrap_or(0);
                batch
                    .iter()
                    .map(|&example| longest - lengths[example])
                    .sum::<usize>()
            })
            .sum();
        let real: usize = lengths.iter().sum();
        assert!(padding * 20 < real, "{padding} of {real}");
    }
}
