//! That companions do their share, whoever is there and whoever is not.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

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
