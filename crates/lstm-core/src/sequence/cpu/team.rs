//! The threads that work on a sequence together: the caller's, and those of rayon's that come.
//!
//! Parts that wait for each other have to be worked on at the same time, and a thread of the pool may
//! be busy for long, or even wait for the thread that calls. So nobody is counted on: threads are
//! asked, the work is cut for those who have come after a short time, and who comes later goes
//! away again. A stream's company needs less: its pieces wait for nothing, so that whoever has come
//! by then takes some.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::borrowed::Borrowed;

/// How many threads there are to share work with: one where no thread may wait for another, and in one of rayon's that
/// has work in its queue. What others have time for they take from there; and who was asked before and has not come
/// need not be asked again.
pub(crate) fn available() -> usize {
    let is_busy = rayon_core::current_thread_has_pending_tasks() == Some(true);
    match is_busy || cfg!(target_family = "wasm") {
        true => 1,
        false => rayon::current_num_threads(),
    }
}

/// The caller and its helpers.
pub(crate) struct Team(Option<Arc<Meeting>>);

impl Team {
    /// Asks so many threads of rayon's for help, or as many as nobody has asked already: where they do
    /// not come, asking more often would only make the pool's queue longer.
    pub fn ask(helpers: usize) -> Self {
        let seats = Asked::some(helpers.min(available() - 1));
        if seats.is_empty() {
            return Self(None);
        }
        let meeting = Arc::new(Meeting::new(seats.len()));
        for asked in seats {
            let meeting = Arc::clone(&meeting);
            rayon::spawn(move || meeting.help(Some(asked)));
        }
        Self(Some(meeting))
    }

    /// Waits so long for who was asked; how many they are with the caller. Nobody joins any more.
    pub fn gather(&self, patience: Duration) -> usize {
        self.0
            .as_ref()
            .map_or(1, |meeting| 1 + meeting.close(patience))
    }

    /// Calls `work` once for each member, with the caller as number 0, all at the same time, so that
    /// they may wait for each other.
    ///
    /// # Panics
    ///
    /// If `work` does.
    pub fn run(self, work: impl Fn(usize) + Sync) {
        let Some(meeting) = &self.0 else {
            return work(0);
        };
        let helpers = meeting.close(Duration::ZERO);
        // SAFETY: helpers read it when the state says so, and nobody else writes it.
        unsafe { *meeting.task.get() = Some(Borrowed::new(&work)) };
        meeting.state.store(WORK, Ordering::Release);
        let end = WaitForHelpers { meeting, helpers };
        work(0);
        drop(end);
        let panic = meeting.panic.lock();
        if let Some(panic) = panic.unwrap_or_else(PoisonError::into_inner).take() {
            resume_unwind(panic);
        }
    }

    /// A team of exactly so many, on threads of their own.
    #[cfg(test)]
    pub fn of_own(members: usize) -> Self {
        let meeting = Arc::new(Meeting::new(members - 1));
        for _ in 1..members {
            let meeting = Arc::clone(&meeting);
            std::thread::spawn(move || meeting.help(None));
        }
        let team = Self(Some(meeting));
        assert_eq!(team.gather(Duration::MAX), members);
        team
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        if let Some(meeting) = &self.0 {
            meeting.close(Duration::ZERO);
            let state = &meeting.state;
            let _ = state.compare_exchange(WAIT, LEAVE, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

/// One thread that was asked and has not ended.
struct Asked;

static ASKED: AtomicUsize = AtomicUsize::new(0);

impl Asked {
    /// As many as are wanted, or fewer if others have asked: no more than the pool has beside the
    /// callers'.
    fn some(wanted: usize) -> Vec<Self> {
        if wanted == 0 {
            return Vec::new();
        }
        let most = rayon::current_num_threads() - 1;
        let mut count = 0;
        let _ = ASKED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |asked| {
            count = wanted.min(most.saturating_sub(asked));
            Some(asked + count)
        });
        (0..count).map(|_| Self).collect()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        ASKED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What `Meeting::come` is at least when nobody may join any more.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// What helpers do who have come.
const WAIT: usize = 0;
const WORK: usize = 1;
const LEAVE: usize = 2;

/// Where the threads of a team find each other.
struct Meeting {
    seats: usize,
    /// How many have come; more than [`CLOSED`] when nobody may join any more.
    come: AtomicUsize,
    state: AtomicUsize,
    /// Written before the state says that there is work.
    task: UnsafeCell<Option<Borrowed<usize>>>,
    /// How many helpers have done their work.
    done: AtomicUsize,
    /// What a helper has panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: only the task is not by itself; see there.
unsafe impl Sync for Meeting {}
// SAFETY: the same.
unsafe impl Send for Meeting {}

impl Meeting {
    fn new(seats: usize) -> Self {
        Self {
            seats,
            come: AtomicUsize::new(0),
            state: AtomicUsize::new(WAIT),
            task: UnsafeCell::new(None),
            done: AtomicUsize::new(0),
            panic: Mutex::new(None),
        }
    }

    /// Waits until all have come, at most so long; how many have.
    fn close(&self, patience: Duration) -> usize {
        let start = (!patience.is_zero()).then(Instant::now);
        let patient = || start.is_some_and(|start| start.elapsed() < patience);
        wait_until(|| self.come.load(Ordering::Relaxed) == self.seats || !patient());
        self.come.fetch_or(CLOSED, Ordering::Relaxed) & !CLOSED
    }

    /// What a helper does.
    fn help(&self, asked: Option<Asked>) {
        let join = |come| (come < self.seats).then_some(come + 1);
        let joined = self
            .come
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, join);
        let Ok(before) = joined else {
            return;
        };
        // Not for long: the caller waits for nobody without end before it begins.
        wait_until(|| self.state.load(Ordering::Acquire) != WAIT);
        if self.state.load(Ordering::Relaxed) == LEAVE {
            return;
        }
        // SAFETY: the state says that the task was written; it is borrowed until this is counted.
        let work = || unsafe {
            let task = (*self.task.get()).as_ref();
            task.expect("a task was written").call(1 + before);
        };
        // A panic must neither end the pool's thread nor leave the caller waiting.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            let mut first = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(panic);
        }
        // Before the caller goes on: it may ask again at once.
        drop(asked);
        // What was written here is read by who has seen this.
        self.done.fetch_add(1, Ordering::Release);
    }
}

/// Waits for the helpers, even if the caller panics: what they work on is borrowed for so long.
struct WaitForHelpers<'a> {
    meeting: &'a Meeting,
    helpers: usize,
}

impl Drop for WaitForHelpers<'_> {
    fn drop(&mut self) {
        wait_until(|| self.meeting.done.load(Ordering::Acquire) == self.helpers);
    }
}

/// Spins; after a time that is long for whoever is on a processor, lets others have this one.
fn wait_until(mut condition: impl FnMut() -> bool) {
    let mut turns = 0_u32;
    while !condition() {
        turns = turns.saturating_add(1);
        if turns < 4_000 {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn each_member_works_once_and_the_caller_is_the_first() {
        for members in 1..=3 {
            let seen: Vec<_> = (0..members).map(|_| AtomicUsize::new(0)).collect();
            let caller = std::thread::current().id();
            Team::of_own(members).run(|member| {
                seen[member].fetch_add(1, Ordering::Relaxed);
                assert_eq!(member == 0, std::thread::current().id() == caller);
            });
            assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn who_comes_late_goes_away() {
        let meeting = Arc::new(Meeting::new(1));
        let team = Team(Some(meeting.clone()));
        assert_eq!(team.gather(Duration::from_millis(1)), 1);
        meeting.help(None);
        team.run(|member| assert_eq!(member, 0));
        meeting.help(None);
    }

    #[test]
    fn who_has_come_for_nothing_leaves() {
        let meeting = Arc::new(Meeting::new(1));
        let has_left = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                meeting.help(None);
                has_left.store(true, Ordering::Relaxed);
            });
            let team = Team(Some(meeting.clone()));
            assert_eq!(team.gather(Duration::MAX), 2);
            assert!(!has_left.load(Ordering::Relaxed));
            drop(team);
        });
    }

    #[test]
    fn a_helper_s_panic_is_the_caller_s() {
        let run = || {
            Team::of_own(2).run(|member| {
                if member == 1 {
                    resume_unwind(Box::new("a helper's"));
                }
            })
        };
        let panic = catch_unwind(run).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"a helper's"));
    }

    #[test]
    fn threads_of_rayon_s_are_asked_once_all_together() {
        // Others may ask at the same time.
        let teams: Vec<Team> = (0..3).map(|_| Team::ask(100)).collect();
        let seats = teams.iter().flat_map(|team| &team.0);
        let seats: usize = seats.map(|meeting| meeting.seats).sum();
        assert!(seats < rayon::current_num_threads());
    }

    #[test]
    fn a_thread_of_rayon_s_asks_others_unless_its_queue_has_work_for_them() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2);
        let pool = pool.build().unwrap();
        // The other thread is kept busy, so that nobody takes what is in the queue.
        let (busy, over) = (AtomicBool::new(false), AtomicBool::new(false));
        let asked = pool.scope(|scope| {
            scope.spawn(|_| {
                busy.store(true, Ordering::Release);
                wait_until(|| over.load(Ordering::Acquire));
            });
            wait_until(|| busy.load(Ordering::Acquire));
            let before = available();
            rayon::spawn(|| ());
            let asked = (before, available());
            over.store(true, Ordering::Release);
            asked
        });
        assert_eq!(asked, (2, 1));
    }
}
