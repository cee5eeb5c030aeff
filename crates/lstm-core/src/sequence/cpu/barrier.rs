//! Where threads of a sequence wait for each other.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
    use super::super::team::Team;
    use super::*;

    #[test]
    fn all_come_before_any_goes_on() {
        for count in 1..=3 {
            let barrier = Barrier::new(count);
            let arrived = AtomicUsize::new(0);
            Team::of_own(count).run(|_| {
                for round in 1..=100 {
                    arrived.fetch_add(1, Ordering::Relaxed);
                    barrier.wait();
                    assert!(arrived.load(Ordering::Relaxed) >= round * count);
                    barrier.wait();
                }
            });
        }
    }

    #[test]
    fn a_panic_of_one_thread_ends_them_all() {
        for who in 0..3 {
            let barriers = [Barrier::new(3)];
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                Team::of_own(3).run(|index| {
                    let _guard = BreakOnPanic(&barriers);
                    assert!(index != who, "one thread panics");
                    barriers[0].wait();
                });
            }));
            assert!(result.is_err());
        }
    }
}
