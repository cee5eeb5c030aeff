//! New memory that several threads fill.

use std::mem::MaybeUninit;

use rayon::prelude::*;

/// So many numbers, in blocks of `block`: whoever fills a block, given its index, clears it first. One thread alone would
/// take longer to clear a large gradient than all together to fill it.
///
/// # Panics
///
/// If `block` is 0.
pub(crate) fn filled(
    len: usize,
    block: usize,
    fill: impl Fn(usize, &mut [f32]) + Sync,
) -> Vec<f32> {
    let mut values = Vec::with_capacity(len);
    let blocks = values.spare_capacity_mut()[..len].par_chunks_mut(block);
    blocks
        .enumerate()
        .for_each(|(index, block)| fill(index, cleared(block)));
    // SAFETY: every one of the blocks, which are all there is, was cleared.
    #[allow(unsafe_code)]
    unsafe {
        values.set_len(len);
    }
    values
}

fn cleared(block: &mut [MaybeUninit<f32>]) -> &mut [f32] {
    for value in &mut *block {
        value.write(0.0);
    }
    // SAFETY: each was written.
    #[allow(unsafe_code)]
    unsafe {
        block.assume_init_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_clear_and_get_what_is_written() {
        let values = filled(10, 4, |index, block| {
            assert!(block.iter().all(|value| *value == 0.0));
            block[0] = index as f32 + 1.0;
        });
        assert_eq!(values, [1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 3.0, 0.0]);
        assert!(filled(0, 4, |_, _| unreachable!("no block")).is_empty());
    }
}
