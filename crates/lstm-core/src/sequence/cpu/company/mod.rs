//! Threads that keep another one company: work of microseconds, again and again, cut into pieces.
//!
//! A stream's step is over before a sleeping thread would be awake. So companions, which are
//! threads of rayon's, wait for the next step by spinning, for a short time only; they leave when
//! none comes, and are asked again at a later one. Nobody waits for a companion to come: pieces are
//! claimed one by one, and whoever has the work does those of companions who are not there.
//!
//! Each seat at the table has pieces of its own, the same at every run, so that what a thread reads
//! for them stays in its own cache.

mod table;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use self::table::{Order, Run, Table, Wait};
use super::plan::share;

/// Runs that a companion should have come for.
const WORTH_ASKING: usize = 8;

/// The most runs that pass before company is asked for again, if it came for nothing.
const LONGEST_SILENCE: usize = 255;

/// Turns that companions are waited for before what they have not begun is done without them.
const PATIENCE: usize = 400;

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
}

impl Company {
    /// At most so many threads, with the one that calls.
    pub fn new(members: usize) -> Self {
        Self {
            table: Arc::new(Table::new(members.max(1))),
            silence: 0,
            pause: 0,
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
                let own = share(pieces.count, index, members).len();
                // Who has not begun is not there, whatever the seat says.
                if run.take(index) == own && own > 0 {
                    self.table.stand_up(&self.table.seats[index]);
                }
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
            self.silence = self.pause;
            let table = Arc::clone(&self.table);
            rayon::spawn(move || {
                // A panic is the stream's to report, and must not end the program with the pool.
                let _ = catch_unwind(AssertUnwindSafe(|| table.keep_company(index)));
            });
        }
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        self.table.over.store(true, Ordering::Relaxed);
    }
}
