//! The threads that a command computes with.

use crate::Failure;

/// As much as the main thread has on most systems.
const STACK: usize = 8 << 20;

/// Does `work` in one of rayon's threads, of which there are so many, or one for each core.
///
/// Training a model, or writing with one, is thousands of short pieces that several threads share. A thread of rayon's own begins each at
/// once and lets the others take some; from outside, it would have to wake one of them each time, and to
/// sleep until it is woken itself.
pub fn with<T: Send>(
    threads: Option<u16>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    rayon::ThreadPoolBuilder::new()
        // 0: what the environment says, or the cores.
        .num_threads(threads.map_or(0, usize::from))
        .stack_size(STACK)
        .build_global()?;
    rayon::scope(|_| work())
}
