//! Threads that keep another one company: work of microseconds, again and again, cut into pieces.
//!
//! A stream's step is over before a sleeping thread would be awake. So companions, which are
//! threads of rayon's, wait for the next step by spinning, for a short time only; they leave when
//! none comes, and are asked again at a later one. Nobody waits for a companion to come: pieces are
//! claimed one by one, and whoever has the work does those of companions who are not there.
//!
//! Each seat at the table has pieces of its own, the same at every run, so that what a thread reads
//! for them stays in its own cache.

use std::cell::UnsafeCell;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::plan::share;

/// Turns that a companion waits for the next run, of some 10 to 40 ns each, besides what a piece
/// takes.
const LINGER: usize = 3_000;

/// Runs after which a companion leaves in any case: its thread may be needed where rayon can not
/// tell, because it had this work taken on while it was waiting for some of its own.
const STAY: usize = 512;

/// Runs after which a companion looks whether its pool has other work.
const LOOK: usize = 16;

/// Runs that a companion should have come for.
const WORTH_ASKING: usize = 8;

/// The most runs that pass before company is asked for again, if it came for nothing.
const LONGEST_SILENCE: usize = 255;

/// Turns that companions are waited for before what they have not begun is done without them.
const PATIENCE: usize = 400;

/// Turns, besides what a piece takes, after which whoever waits lets the system run others: a
/// companion is not on a processor.
const HELD_UP: usize = 4_000;

/// Multiplications that take longer than a turn, on no processor fewer.
const OF_A_TURN: usize = 64;

/// Runs that pass without company after it has held somebody up; doubled each time that it does.
const DISMISSED: usize = 64;

/// How work is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pieces {
    pub count: usize,
    /// Of a piece.
    pub multiplications: usize,
    /// The most threads that do them, which the work has room for.
    pub members: usize,
    /// Whether each thread goes from its last piece to its first.
    pub backwards: bool,
}

/// A piece of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub index: usize,
    /// The piece that the same thread does next; this one, if it is the last.
    pub next: usize,
    /// Which of the members does it: no two do anything at the same time.
    pub member: usize,
}

/// Whoever has work, and its companions.
pub(crate) struct Company {
    table: Arc<Table>,
    /// Runs that pass before company is asked for.
    silence: usize,
    /// What `silence` begins from when company has been asked for.
    pause: usize,
    /// How often companions have held this thread up of late.
    held_up: u32,
}

impl Company {
    /// At most so many threads, with the one that calls.
    pub fn new(members: usize) -> Self {
        Self {
            table: Arc::new(Table {
                seats: (0..members.max(1)).map(|_| Seat::default()).collect(),
                ..Table::default()
            }),
            silence: 0,
            pause: 0,
            held_up: 0,
        }
    }

    /// Calls `work` once for each piece, in this thread or a companion's, and ends when all are
    /// done.
    ///
    /// # Panics
    ///
    /// If `work` does.
    pub fn run(&mut self, pieces: Pieces, work: impl Fn(Piece) + Sync) {
        let members = pieces.members.clamp(1, self.table.seats.len());
        let present = match members {
            1 => 0,
            _ => self.table.present.0.load(Ordering::Relaxed),
        };
        if present + 1 < members {
            self.ask(members);
        }
        if present == 0 {
            let all = Order {
                pieces: 0..pieces.count,
                backwards: pieces.backwards,
            };
            (0..pieces.count).for_each(|place| work(all.piece(place, 0)));
            return;
        }
        let mut run = Run::begin(&self.table, Pieces { members, ..pieces }, &work);
        run.take(0);
        if present + 1 < members {
            for seat in 1..members {
                if !self.table.seats[seat].present.load(Ordering::Relaxed) {
                    run.take(seat);
                }
            }
        }
        if run.wait(PATIENCE) == Wait::TooLong {
            for index in 1..members {
                // Who has not begun is not there, whatever the seat says.
                if run.take(index) == share(pieces.count, index, members).len() {
                    self.table.stand_up(&self.table.seats[index]);
                }
            }
            if run.wait(HELD_UP + pieces.multiplications / OF_A_TURN) == Wait::TooLong {
                // The machine is busy: its processors are not free for company.
                self.held_up = (self.held_up + 1).min(6);
                self.silence = DISMISSED << self.held_up;
                self.table.over.store(true, Ordering::Relaxed);
            }
        }
        drop(run);
        assert!(
            !self.table.broken.load(Ordering::Relaxed),
            "another thread of the stream has panicked"
        );
    }

    /// Asks companions to the seats that nobody is asked to yet.
    #[cold]
    fn ask(&mut self, members: usize) {
        if self.silence > 0 {
            self.silence -= 1;
            return;
        }
        // A thread of rayon's that asked for others would find the question in its own queue.
        if rayon::current_thread_index().is_some() {
            return;
        }
        for index in 1..members.min(rayon::current_num_threads()) {
            let seat = &self.table.seats[index];
            if seat.asked.swap(true, Ordering::Acquire) {
                continue;
            }
            let runs = seat.runs.load(Ordering::Relaxed);
            if runs < WORTH_ASKING {
                self.pause = (2 * self.pause + 1).min(LONGEST_SILENCE);
            } else {
                self.pause = 0;
            }
            if runs >= STAY {
                self.held_up = self.held_up.saturating_sub(1);
            }
            self.silence = self.pause;
            self.table.over.store(false, Ordering::Relaxed);
            let table = Arc::clone(&self.table);
            rayon::spawn(move || table.keep_company(index));
        }
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        self.table.over.store(true, Ordering::Relaxed);
    }
}

/// Two cache lines, of which processors fetch the second with the first.
#[derive(Default)]
#[repr(align(128))]
struct Apart<T>(T);

/// What the threads share.
#[derive(Default)]
struct Table {
    /// How many companions are there.
    present: Apart<AtomicUsize>,
    /// Whether companions shall leave.
    over: AtomicBool,
    /// Whether one of them has panicked.
    broken: AtomicBool,
    /// Pieces of this run that companions have done.
    done: Apart<AtomicUsize>,
    /// The first is that of the thread that has the work.
    seats: Box<[Seat]>,
}

/// The pieces of one member. The line of memory that a companion watches holds all it has to know.
#[derive(Default)]
#[repr(align(128))]
struct Seat {
    /// Its pieces in this run that nobody has claimed. Whoever takes one off has claimed it.
    left: AtomicUsize,
    /// Written before `left` is set, and read by those who have claimed a piece.
    task: UnsafeCell<Option<Task>>,
    /// Whether somebody has been asked to it and has not left.
    asked: AtomicBool,
    /// Whether somebody is there.
    present: AtomicBool,
    /// For how many runs the last companion was there.
    runs: AtomicUsize,
}

/// What is to be done with the pieces of a seat.
#[derive(Clone)]
struct Task {
    order: Order,
    multiplications: usize,
    work: *const (),
    /// Calls `work`.
    call: unsafe fn(*const (), Piece),
}

// SAFETY: `work` is a `Sync` function, called only during the run that it was borrowed for.
unsafe impl Send for Task {}

// SAFETY: a task is written by the thread that begins a run, while nobody can claim a piece, and
// read by those who have claimed one; see `Run::begin`.
unsafe impl Sync for Seat {}

/// Pieces, and in which order they are done.
#[derive(Clone)]
struct Order {
    pieces: Range<usize>,
    backwards: bool,
}

impl Order {
    fn piece(&self, place: usize, member: usize) -> Piece {
        let last = self.pieces.len() - 1;
        let at = |place: usize| match self.backwards {
            true => self.pieces.start + last - place,
            false => self.pieces.start + place,
        };
        Piece {
            index: at(place),
            next: at((place + 1).min(last)),
            member,
        }
    }
}

/// Calls the function that `work` points to.
///
/// # Safety
///
/// It points to a `W`.
unsafe fn call<W: Fn(Piece)>(work: *const (), piece: Piece) {
    // SAFETY: see above.
    unsafe { (*work.cast::<W>())(piece) }
}

impl Seat {
    /// How many pieces were left, with the one that is claimed.
    fn claim(&self) -> Option<usize> {
        // What was written before `left` was set is seen by every claim.
        let taken = self
            .left
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        taken.ok()
    }

    /// Does a piece; how many multiplications it has.
    ///
    /// # Safety
    ///
    /// It was claimed, and its run waits for it.
    unsafe fn work(&self, left: usize, member: usize) -> usize {
        // SAFETY: the task was written before the claim, and nobody writes it before the run ends.
        unsafe {
            let task = (*self.task.get()).as_ref();
            let task = task.expect("a seat has a task when it has pieces");
            let place = task.order.pieces.len() - left;
            (task.call)(task.work, task.order.piece(place, member));
            task.multiplications
        }
    }
}

/// A run that is going on: it ends when all pieces that somebody has claimed are done, even if this
/// thread panics, because what companions work on is borrowed for so long.
struct Run<'a> {
    table: &'a Table,
    members: usize,
    /// Pieces that this thread has not claimed.
    others: usize,
}

#[derive(PartialEq, Eq)]
enum Wait {
    Done,
    TooLong,
}

impl<'a> Run<'a> {
    /// Lays the pieces out for everybody.
    fn begin<W: Fn(Piece) + Sync>(table: &'a Table, pieces: Pieces, work: &W) -> Self {
        // The run before is over: no piece can be claimed, and none that was is not done.
        table.done.0.store(0, Ordering::Relaxed);
        // Companions first: they have the longer way.
        for index in (0..pieces.members).rev() {
            let seat = &table.seats[index];
            let order = Order {
                pieces: share(pieces.count, index, pieces.members),
                backwards: pieces.backwards,
            };
            let left = order.pieces.len();
            let task = Task {
                order,
                multiplications: pieces.multiplications,
                work: std::ptr::from_ref(work).cast(),
                call: call::<W>,
            };
            // SAFETY: nobody reads the task who has not claimed a piece, and there is none.
            unsafe { *seat.task.get() = Some(task) };
            seat.left.store(left, Ordering::Release);
        }
        Self {
            table,
            members: pieces.members,
            others: pieces.count,
        }
    }

    /// Does the pieces of a seat that nobody has claimed; how many there were.
    fn take(&mut self, seat: usize) -> usize {
        let seat = &self.table.seats[seat];
        let others = self.others;
        while let Some(left) = seat.claim() {
            self.others -= 1;
            // SAFETY: it is claimed, and this is the thread that waits.
            unsafe { seat.work(left, 0) };
        }
        others - self.others
    }

    /// Waits for the pieces that companions have claimed, for so many turns.
    fn wait(&self, turns: usize) -> Wait {
        for _ in 0..turns {
            // What companions have written can be read then.
            if self.table.done.0.load(Ordering::Acquire) == self.others {
                return Wait::Done;
            }
            std::hint::spin_loop();
        }
        Wait::TooLong
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        if self.wait(1) == Wait::Done {
            return;
        }
        // After a panic there may be pieces that nobody will do.
        for seat in &self.table.seats[..self.members] {
            self.others -= seat.left.swap(0, Ordering::Relaxed);
        }
        while self.wait(HELD_UP) == Wait::TooLong {
            std::thread::yield_now();
        }
    }
}

impl Table {
    /// What a companion does.
    fn keep_company(&self, index: usize) {
        let seat = &self.seats[index];
        let mut runs = 0;
        self.present.0.fetch_add(1, Ordering::Relaxed);
        seat.present.store(true, Ordering::Relaxed);
        let mut turns = LINGER;
        while turns > 0 && runs < STAY && !self.over.load(Ordering::Relaxed) {
            let multiplications = match seat.left.load(Ordering::Relaxed) {
                0 => None,
                _ => self.work_off(index),
            };
            let Some(multiplications) = multiplications else {
                turns -= 1;
                std::hint::spin_loop();
                continue;
            };
            turns = LINGER + multiplications / OF_A_TURN;
            runs += 1;
            let look = runs.is_multiple_of(LOOK);
            if look && rayon::yield_now() == Some(rayon::Yield::Executed) {
                break;
            }
        }
        self.stand_up(seat);
        seat.leave(runs);
    }

    /// Has a seat free of whoever is there, if anybody is.
    fn stand_up(&self, seat: &Seat) {
        if seat.present.swap(false, Ordering::Relaxed) {
            self.present.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Does the pieces of a companion's seat, then those of seats where nobody is; how many
    /// multiplications each had, if it had any of its own.
    fn work_off(&self, member: usize) -> Option<usize> {
        let mut done = Done {
            table: self,
            pieces: 0,
        };
        // The run does not end before the pieces are counted. Without any, it might be another one
        // by now, which has no room for this member.
        let multiplications = done.work_off(&self.seats[member], member)?;
        for seat in &self.seats[1..] {
            if !seat.present.load(Ordering::Relaxed) {
                done.work_off(seat, member);
            }
        }
        Some(multiplications)
    }
}

impl Seat {
    /// Has the seat free for another one.
    fn leave(&self, runs: usize) {
        self.runs.store(runs, Ordering::Relaxed);
        self.asked.store(false, Ordering::Release);
    }
}

/// Pieces that a companion has claimed, counted as done at the end, even if that is a panic.
struct Done<'a> {
    table: &'a Table,
    pieces: usize,
}

impl Done<'_> {
    fn work_off(&mut self, seat: &Seat, member: usize) -> Option<usize> {
        let mut multiplications = None;
        while let Some(left) = seat.claim() {
            self.pieces += 1;
            // SAFETY: it is claimed, and the run waits until it is counted.
            multiplications = Some(unsafe { seat.work(left, member) });
        }
        multiplications
    }
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.table.broken.store(true, Ordering::Relaxed);
        }
        if self.pieces > 0 {
            // Whoever waits reads what was written here.
            self.table.done.0.fetch_add(self.pieces, Ordering::Release);
        }
    }
}

#[cfg(test)]
impl Company {
    /// Does some work with companions at all seats, whose threads are not rayon's.
    pub fn with<T>(members: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        let mut company = Self::new(members);
        let finished = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for index in 1..members {
                let (table, finished) = (Arc::clone(&company.table), &finished);
                table.seats[index].asked.store(true, Ordering::Relaxed);
                scope.spawn(move || {
                    while !finished.load(Ordering::Relaxed) {
                        table.over.store(false, Ordering::Relaxed);
                        table.keep_company(index);
                        table.seats[index].asked.store(true, Ordering::Relaxed);
                    }
                });
            }
            while company.table.present.0.load(Ordering::Relaxed) + 1 < members {
                std::thread::yield_now();
            }
            struct Finish<'a>(&'a AtomicBool);
            impl Drop for Finish<'_> {
                fn drop(&mut self) {
                    self.0.store(true, Ordering::Relaxed);
                }
            }
            let _finish = Finish(&finished);
            work(&mut company)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    const RUNS: usize = if cfg!(miri) { 20 } else { 2_000 };

    /// Runs of all sizes, each of which reads what the one before wrote; who did the pieces.
    fn runs(company: &mut Company, members: usize) -> Vec<usize> {
        let mut pieces_of = vec![0; members];
        // What was written before `done` was counted is read without any atomic operation.
        let mut values: Vec<usize> = (0..9).collect();
        for run in 0..RUNS {
            let count = 1 + run % values.len();
            let pieces = Pieces {
                count,
                multiplications: 1,
                members: 1 + run % (members + 1),
                backwards: run % 2 == 1,
            };
            struct Cells(Vec<UnsafeCell<(usize, usize)>>);
            // SAFETY: each piece has its own.
            unsafe impl Sync for Cells {}
            let cells = Cells(values.iter().map(|&value| (value, 0).into()).collect());
            let cells = &cells;
            company.run(pieces, |piece| {
                assert!(piece.member < pieces.members);
                assert!(piece.next < count);
                // SAFETY: no two threads have the same piece.
                let (value, member) = unsafe { &mut *cells.0[piece.index].get() };
                *value += 1;
                *member = piece.member;
            });
            for (index, cell) in cells.0.iter().enumerate() {
                // SAFETY: the run is over.
                let (value, member) = unsafe { *cell.get() };
                assert_eq!(value, values[index] + usize::from(index < count));
                values[index] = value;
                pieces_of[member] += usize::from(index < count);
            }
        }
        pieces_of
    }

    #[test]
    fn every_piece_is_done_once_whoever_does_it() {
        for members in 1..=4 {
            let pieces_of = Company::with(members, |company| runs(company, members));
            assert_eq!(pieces_of.len(), members);
        }
    }

    #[test]
    fn nobody_waits_for_company_that_does_not_come() {
        let mut company = Company::new(3);
        // Asked for, and never there.
        for seat in &company.table.seats {
            seat.asked.store(true, Ordering::Relaxed);
        }
        let alone = runs(&mut company, 3);
        assert_eq!(alone[1..], [0, 0]);
        // Said to be there, and away.
        for seat in &company.table.seats[1..] {
            seat.present.store(true, Ordering::Relaxed);
            company.table.present.0.fetch_add(1, Ordering::Relaxed);
        }
        assert_eq!(runs(&mut company, 3), alone);
        assert_eq!(company.table.present.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn threads_of_rayon_s_keep_company_and_leave() {
        let mut company = Company::new(rayon::current_num_threads());
        runs(&mut company, rayon::current_num_threads());
        let table = Arc::downgrade(&company.table);
        drop(company);
        while table.strong_count() > 0 {
            std::thread::yield_now();
        }
    }

    #[test]
    fn who_is_of_the_pool_or_has_nobody_beside_it_is_alone() {
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            let alone = pool.install(|| runs(&mut Company::new(2), 2));
            assert_eq!(alone[1], 0);
        }
    }

    #[test]
    fn a_run_that_panics_ends_when_its_companions_have_ended() {
        Company::with(2, |company| {
            for _ in 0..RUNS {
                let at_work = AtomicUsize::new(0);
                let pieces = Pieces {
                    count: 8,
                    multiplications: 1,
                    members: 2,
                    backwards: false,
                };
                let run = || {
                    company.run(pieces, |piece| {
                        at_work.fetch_add(1, Ordering::Relaxed);
                        std::hint::spin_loop();
                        at_work.fetch_sub(1, Ordering::Relaxed);
                        if piece.member == 0 {
                            std::panic::resume_unwind(Box::new(()));
                        }
                    });
                };
                assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
                assert_eq!(at_work.load(Ordering::Relaxed), 0);
            }
            runs(company, 2);
        });
    }
}
