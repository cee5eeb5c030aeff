//! The greatest of many values, without sorting them.

use std::cmp::Ordering;

/// Values that are passed over at a time if none of them can be among the greatest.
const BLOCK: usize = 32;

/// Greater values first; of equals the first place.
fn rank(a: &(f32, u32), b: &(f32, u32)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

/// The `count` greatest of `values` with their places, in no order; of equals the first. Those that are −∞ or NaN
/// are left out, so that there may be fewer. In time proportional to the values, whatever the count.
pub(super) fn greatest(values: &[f32], count: usize) -> Vec<(f32, u32)> {
    if count == 0 {
        return Vec::new();
    }
    // As soon as there are twice as many as wanted, the smaller half goes.
    let room = 2 * count;
    let mut kept = Vec::with_capacity(room.min(values.len()));
    let mut least = f32::NEG_INFINITY;
    let mut first = 0;
    for block in values.chunks(BLOCK) {
        if any_above(block, least) {
            for (place, &value) in (first..).zip(block) {
                if value > least {
                    kept.push((value, place));
                }
                if kept.len() == room {
                    least = keep(&mut kept, count);
                }
            }
        }
        first += BLOCK as u32;
    }
    if kept.len() > count {
        keep(&mut kept, count);
    }
    kept
}

/// Whether a block has a value above this. Without a way out in the middle, so that the compiler has vectors for it.
fn any_above(block: &[f32], least: f32) -> bool {
    block
        .iter()
        .fold(false, |any, value| any | (*value > least))
}

/// Keeps the `count` first, of more than that, and gives the value of the last.
fn keep(values: &mut Vec<(f32, u32)>, count: usize) -> f32 {
    let (_, last, _) = values.select_nth_unstable_by(count - 1, rank);
    let least = last.0;
    values.truncate(count);
    least
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_the_first_of_all_sorted(
            // Few different values, so that many are equal.
            values in prop::collection::vec(-20i8..20, 0..700),
            count in 0usize..200,
        ) {
            let value = |x: &i8| match x {
                -20 => f32::NEG_INFINITY,
                -19 => f32::NAN,
                x => f32::from(*x) / 4.0,
            };
            let values: Vec<f32> = values.iter().map(value).collect();
            let mut expected: Vec<(f32, u32)> = values.iter().copied().zip(0..).collect();
            expected.retain(|(value, _)| *value > f32::NEG_INFINITY);
            expected.sort_by(rank);
            expected.truncate(count);
            let mut found = greatest(&values, count);
            found.sort_by(rank);
            prop_assert_eq!(found, expected);
        }
    }
}
