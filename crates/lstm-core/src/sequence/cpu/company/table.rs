//! What the threads of a company share: who is there, and which pieces nobody has claimed.

use std::cell::UnsafeCell;
use std::ops::Range;
use std::panic::RefUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Piece, Pieces};
use crate::sequence::cpu::borrowed::Borrowed;
use crate::sequence::cpu::plan::share;

/// Turns that a companion waits for the next run, of some 10 to 40 ns each, besides what a piece
/// takes.
const LINGER: usize = 3_000;

/// Runs after which a companion leaves in any case: its thread may be needed where rayon can not
/// tell, because it had this work taken on while it was waiting for some of its own.
const STAY: usize = 512;

/// Runs after which a companion looks whether its pool has other work.
const LOOK: usize = 16;

/// Turns after which whoever waits lets the system run others: a companion may have lost its
/// processor.
const HELD_UP: usize = 4_000;

/// Multiplications that take longer than a turn, on no processor fewer.
const OF_A_TURN: usize = 64;

/// Two cache lines, of which processors fetch the second with the first.
#[derive(Default)]
#[repr(align(128))]
pub struct Apart<T>(pub T);

/// What the threads share.
#[derive(Default)]
pub struct Table {
    /// How many companions are there.
    pub present: Apart<AtomicUsize>,
    /// Whether nothing will be run any more.
    pub over: AtomicBool,
    /// Whether one of them has panicked.
    pub broken: AtomicBool,
    /// Pieces of this run that companions have done.
    done: Apart<AtomicUsize>,
    /// The first is that of the thread that has the work.
    pub seats: Box<[Seat]>,
}

/// The pieces of one member. The line of memory that a companion watches holds all it has to know.
#[derive(Default)]
#[repr(align(128))]
pub struct Seat {
    /// Its pieces in this run that nobody has claimed. Whoever takes one off has claimed it.
    left: AtomicUsize,
    /// Written before `left` is set, and read by those who have claimed a piece.
    task: UnsafeCell<Option<Task>>,
    /// Whether somebody has been asked to it and has not left.
    pub asked: AtomicBool,
    /// Whether somebody is there.
    pub present: AtomicBool,
    /// For how many runs the last companion was there.
    pub runs: AtomicUsize,
}

/// What is to be done with the pieces of a seat.
#[derive(Clone)]
struct Task {
    order: Order,
    multiplications: usize,
    /// Called only during the run that it was borrowed for.
    work: Borrowed<Piece>,
}

// SAFETY: only the task is not: it is written by the thread that begins a run, while nobody can claim a piece, and
// read by those who have claimed one; see `Run::begin`.
unsafe impl Sync for Seat {}

// A panic leaves nothing half done: the next run writes all that it reads.
impl RefUnwindSafe for Seat {}

/// Pieces, and in which order they are done.
#[derive(Clone)]
pub struct Order {
    pub pieces: Range<usize>,
    pub backwards: bool,
}

impl Order {
    pub fn piece(&self, place: usize, member: usize) -> Piece {
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
            task.work.call(task.order.piece(place, member));
            task.multiplications
        }
    }
}

/// A run that is going on: it ends when all pieces that somebody has claimed are done, even if this
/// thread panics, because what companions work on is borrowed for so long.
pub struct Run<'a> {
    table: &'a Table,
    members: usize,
    /// Pieces that this thread has not claimed.
    others: usize,
}

#[derive(PartialEq, Eq)]
pub enum Wait {
    Done,
    TooLong,
}

impl<'a> Run<'a> {
    /// Lays the pieces out for everybody.
    pub fn begin<W: Fn(Piece) + Sync>(table: &'a Table, pieces: Pieces, work: &W) -> Self {
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
                work: Borrowed::new(work),
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
    pub fn take(&mut self, seat: usize) -> usize {
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
    pub fn wait(&self, turns: usize) -> Wait {
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
    pub fn new(seats: usize) -> Self {
        Self {
            seats: (0..seats).map(|_| Seat::default()).collect(),
            ..Self::default()
        }
    }

    /// What a companion does.
    pub fn keep_company(&self, index: usize) {
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
    pub fn stand_up(&self, seat: &Seat) {
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
