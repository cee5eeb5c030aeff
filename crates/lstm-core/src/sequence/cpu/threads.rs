//! The threads that work on a sequence: rayon's own, kept for the whole of it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many threads there are to share work with: one, if this already is one of rayon's.
pub(crate) fn available() -> usize {
    match rayon::current_thread_index() {
        Some(_) => 1,
        None => rayon::current_num_threads(),
    }
}

/// Runs `work` once for each index below `count`, all at the same time, so that they may wait for
/// each other: on rayon's threads, or on new ones if it has fewer.
pub(super) fn run(count: usize, work: impl Fn(usize) + Sync) {
    if count == 1 {
        return work(0);
    }
    if count > rayon::current_num_threads() {
        let work = &work;
        return std::thread::scope(|scope| {
            for index in 0..count {
                scope.spawn(move || work(index));
            }
        });
    }
    // Two sequences at once could each hold a thread that the other waits for.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    rayon::broadcast(|context| {
        if context.index() < count {
            work(context.index());
        }
    });
}

/// Where the members of a group wait for each other.
pub(crate) struct Barrier {
    members: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
    broken: AtomicBool,
}

impl Barrier {
    pub fn new(members: usize) -> Self {
        Self {
            members,
            arrived: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
        }
    }

    /// Waits until all members have come; what they wrote before can be read then.
    pub fn wait(&self) {
        if self.members == 1 {
            return;
        }
        let round = self.round.load(Ordering::Relaxed);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.members {
            self.arrived.store(0, Ordering::Relaxed);
            self.round.store(round.wrapping_add(1), Ordering::Release);
            return;
        }
        let mut turns = 0_u32;
        while self.round.load(Ordering::Acquire) == round {
            assert!(
                !self.broken.load(Ordering::Relaxed),
                "another thread of the sequence has panicked"
            );
            turns = turns.saturating_add(1);
            // A step takes microseconds; whoever waits longer is in somebody's way.
            if turns < 4_000 {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}

/// Breaks barriers if its thread panics, so that no other waits for it for ever.
pub(crate) struct BreakOnPanic<'a>(pub &'a [Barrier]);

impl Drop for BreakOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for barrier in self.0 {
                barrier.broken.store(true, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_come_before_any_goes_on() {
        for count in [available(), available() + 1] {
            come_before_any_goes_on(count);
        }
    }

    fn come_before_any_goes_on(count: usize) {
        let barrier = Barrier::new(count);
        let arrived = AtomicUsize::new(0);
        run(count, |_| {
            for round in 1..=100 {
                arrived.fetch_add(1, Ordering::Relaxed);
                barrier.wait();
                assert!(arrived.load(Ordering::Relaxed) >= round * count);
                barrier.wait();
            }
        });
    }

    #[test]
    fn a_panic_of_one_thread_ends_them_all() {
        let count = available();
        let barriers = [Barrier::new(count)];
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            run(count, |index| {
                let _guard = BreakOnPanic(&barriers);
                assert!(index > 0, "the first thread panics");
                barriers[0].wait();
            });
        }));
        assert!(result.is_err());
    }
}
