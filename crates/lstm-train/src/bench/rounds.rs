//! The sides take turns, so that what else the machine does meets all of them alike.

use std::time::{Duration, Instant};

use super::BenchError;
use super::load::{Load, QUIET};
use super::side::Side;
use super::statistics::{median, quantile};

/// How long a side runs before it is the next one's turn, in seconds: long enough to be at speed,
/// short enough that the machine is the same for all.
const CHUNK: f64 = 0.075;

/// The fewest rounds, however long they take.
const MIN_ROUNDS: usize = 5;

/// Rounds that must fit into the time that is given: with less time, chunks are shorter.
const PLANNED_ROUNDS: f64 = 8.0;

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// What a measurement takes, in seconds; five rounds are made however long they take.
    pub seconds: f64,
    /// For how many seconds it waits besides, in all, for other programs to be quiet.
    pub patience: f64,
}

/// The most calls of a chunk.
const MAX_CALLS: f64 = 2000.0;

/// The times of one side.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The seconds of each call, round by round; no round is empty.
    rounds: Vec<Vec<f64>>,
}

impl Measured {
    fn quantile_ms(&self, share: f64) -> f64 {
        1e3 * quantile(&self.rounds.concat(), share)
    }

    /// The median of all calls in milliseconds.
    pub fn median_ms(&self) -> f64 {
        self.quantile_ms(0.5)
    }

    /// The fastest and the slowest call in milliseconds.
    pub fn range_ms(&self) -> (f64, f64) {
        (self.quantile_ms(0.0), self.quantile_ms(1.0))
    }

    /// The times in milliseconds that a quarter and three quarters of the calls stay below.
    pub fn quartiles_ms(&self) -> (f64, f64) {
        (self.quantile_ms(0.25), self.quantile_ms(0.75))
    }

    /// The lowest and the highest ratio, of all rounds, of another side's median time to this one's.
    pub fn ratios_of_rounds(&self, other: &Self) -> (f64, f64) {
        let pairs = self.rounds.iter().zip(&other.rounds);
        let ratios: Vec<f64> = pairs
            .map(|(own, other)| median(other) / median(own))
            .collect();
        (quantile(&ratios, 0.0), quantile(&ratios, 1.0))
    }
}

/// Measures prepared sides: the times of each, and the share of the processors that other programs
/// used meanwhile. A round that those disturb is repeated when they are quiet, as long as there is
/// patience.
pub(super) fn measure(
    sides: &mut [&mut dyn Side],
    limits: Limits,
) -> Result<(Vec<Measured>, Option<f64>), BenchError> {
    let Limits {
        seconds,
        mut patience,
    } = limits;
    let chunk = CHUNK.min(seconds / PLANNED_ROUNDS / sides.len() as f64);
    let mut calls = Vec::with_capacity(sides.len());
    for side in &mut *sides {
        calls.push(calls_of_chunk(*side, chunk)?);
    }
    let load = Load::besides(sides.iter().map(|side| side.process()).collect());
    let mut measured = vec![Measured { rounds: Vec::new() }; sides.len()];
    let mut others = Vec::new();
    let mut spent = 0.0;
    while others.len() < MIN_ROUNDS || spent < seconds {
        let start = Instant::now();
        let (round, used) = load.during(|| run_round(sides, &calls));
        let round = round?;
        let disturbed = used.is_some_and(|used| used > QUIET);
        if disturbed && patience > 0.0 {
            load.wait_for_quiet(Duration::from_secs_f64(patience));
            patience -= start.elapsed().as_secs_f64();
            continue;
        }
        spent += start.elapsed().as_secs_f64();
        others.push(used);
        for (side, chunk) in measured.iter_mut().zip(round) {
            side.rounds.push(chunk);
        }
    }
    let rounds = others.len() as f64;
    let others = others.into_iter().sum::<Option<f64>>();
    Ok((measured, others.map(|sum| sum / rounds)))
}

/// A turn of every side.
fn run_round(sides: &mut [&mut dyn Side], calls: &[usize]) -> Result<Vec<Vec<f64>>, BenchError> {
    let turns = sides.iter_mut().zip(calls);
    turns
        .map(|(side, calls)| run_chunk(*side, *calls))
        .collect()
}

/// Warms a side up, and says how many of its calls take about `chunk` seconds.
fn calls_of_chunk(side: &mut dyn Side, chunk: f64) -> Result<usize, BenchError> {
    side.run(1)?;
    let second = side.run(1)?;
    let times = match second[0] < chunk {
        true => side.run(5)?,
        false => second,
    };
    Ok((chunk / quantile(&times, 0.0)).clamp(1.0, MAX_CALLS) as usize)
}

/// One turn. Its first call is not counted: its caches are the other side's, whose threads may still
/// be waiting for more work, and its own threads are asleep.
fn run_chunk(side: &mut dyn Side, calls: usize) -> Result<Vec<f64>, BenchError> {
    let mut seconds = side.run(calls + 1)?;
    seconds.remove(0);
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Workload;

    /// A side whose calls take what it says, without taking it.
    struct Pretended {
        seconds: f64,
        first: f64,
        runs: Vec<usize>,
    }

    impl Pretended {
        fn new(seconds: f64, first: f64) -> Self {
            Self {
                seconds,
                first,
                runs: Vec::new(),
            }
        }
    }

    impl Side for Pretended {
        fn prepare(&mut self, _: &Workload) -> Result<(), BenchError> {
            Ok(())
        }

        fn run(&mut self, calls: usize) -> Result<Vec<f64>, BenchError> {
            self.runs.push(calls);
            let mut seconds = vec![self.seconds; calls];
            seconds[0] = self.first;
            Ok(seconds)
        }

        fn products(&mut self, calls: usize) -> Result<Vec<f64>, BenchError> {
            self.run(calls)
        }
    }

    #[test]
    fn sides_take_turns_of_about_the_same_time() {
        let (mut fast, mut slow) = (Pretended::new(0.003, 0.003), Pretended::new(0.5, 0.5));
        let limits = Limits {
            seconds: 0.0,
            patience: 0.0,
        };
        let (measured, _) = measure(&mut [&mut fast, &mut slow], limits).unwrap();
        assert_eq!(measured[0].rounds.len(), MIN_ROUNDS);
        assert_eq!(measured[1].rounds.len(), MIN_ROUNDS);
        // Nothing is run often where there is no time.
        assert!(fast.runs.iter().all(|&calls| calls <= 2), "{:?}", fast.runs);

        assert_eq!(calls_of_chunk(&mut fast, CHUNK).unwrap(), 25);
        assert_eq!(calls_of_chunk(&mut slow, CHUNK).unwrap(), 1);
    }

    #[test]
    fn the_first_call_of_a_turn_is_not_counted() {
        let mut side = Pretended::new(0.003, 9.0);
        assert_eq!(run_chunk(&mut side, 4).unwrap(), [0.003; 4]);
        assert_eq!(run_chunk(&mut side, 1).unwrap(), [0.003]);
    }

    #[test]
    fn ratios_compare_the_same_round() {
        let ours = Measured {
            rounds: vec![vec![1.0, 1.0, 9.0], vec![2.0, 2.0, 2.0]],
        };
        let theirs = Measured {
            rounds: vec![vec![3.0, 3.0, 3.0], vec![4.0, 4.0, 4.0]],
        };
        assert_eq!(ours.ratios_of_rounds(&theirs), (2.0, 3.0));
        assert_eq!(ours.range_ms(), (1e3, 9e3));
        assert_eq!(theirs.median_ms(), 4e3);
    }
}
