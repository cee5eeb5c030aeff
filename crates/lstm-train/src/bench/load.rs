//! How much of the machine other programs used while something was measured.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The share of the processors that others may use before what is measured meanwhile is doubtful.
pub(super) const QUIET: f64 = 0.05;

/// By how many ticks the account of a short time may be wrong.
const COARSE: f64 = 2.0;

/// Tells apart what these processes and what all others use, where the system is Linux.
pub(super) struct Load {
    processes: Vec<u32>,
}

impl Load {
    /// Of the machine but for these processes.
    pub fn besides(mut processes: Vec<u32>) -> Self {
        processes.sort_unstable();
        processes.dedup();
        Self { processes }
    }

    /// What `work` gives, and the share of all processors that others use meanwhile.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> (T, Option<f64>) {
        let start = Ticks::now(&self.processes);
        let result = work();
        let others = start.and_then(|start| {
            let end = Ticks::now(&self.processes)?;
            let others = (end.busy - start.busy) - (end.own - start.own) - COARSE;
            Some((others / (end.all - start.all).max(1.0)).clamp(0.0, 1.0))
        });
        (result, others)
    }

    /// Waits until others are quiet, but no longer than this.
    pub fn wait_for_quiet(&self, longest: Duration) {
        let start = Instant::now();
        while start.elapsed() < longest {
            let look = Duration::from_millis(300).min(longest);
            let ((), others) = self.during(|| sleep(look));
            if others.is_none_or(|others| others <= QUIET) {
                return;
            }
        }
    }
}

/// Processor time in the system's ticks.
struct Ticks {
    /// Of all processors, idle or not.
    all: f64,
    /// What they were not idle, or taken by the host of a virtual machine.
    busy: f64,
    /// What these processes computed.
    own: f64,
}

impl Ticks {
    fn now(processes: &[u32]) -> Option<Self> {
        let (all, busy) = machine(&fs::read_to_string("/proc/stat").ok()?)?;
        let own = processes.iter().map(|process| {
            let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
            of_process(&stat)
        });
        let own = own.sum::<Option<f64>>()?;
        Some(Self { all, busy, own })
    }
}

/// From `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; all and not idle.
fn machine(stat: &str) -> Option<(f64, f64)> {
    let numbers = stat
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace();
    let numbers: Vec<f64> = numbers.take(8).map_while(|one| one.parse().ok()).collect();
    let all: f64 = numbers.iter().sum();
    Some((all, all - numbers.get(3)? - numbers.get(4)?))
}

/// From `/proc/PID/stat`: after the name in brackets, the 12th and 13th are utime and stime.
fn of_process(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let mut next = || times.next()?.parse::<f64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_idle_is_busy() {
        let stat = "cpu  10 1 5 100 20 2 3 4 7 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n";
        assert_eq!(machine(stat), Some((145.0, 25.0)));
        assert_eq!(machine("intr 5"), None);
    }

    #[test]
    fn a_process_may_have_any_name() {
        let stat = "77 (a) b (c) R 1 77 77 0 -1 4194304 90 0 0 0 30 4 0 0 20 0 2 0 5";
        assert_eq!(of_process(stat), Some(34.0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_not_among_the_others() {
        let load = Load::besides(vec![std::process::id()]);
        let (sum, others) = load.during(|| (0..1_000_000_u64).sum::<u64>());
        assert_eq!(sum, 499_999_500_000);
        assert!((0.0..=1.0).contains(&others.unwrap()), "{others:?}");
        assert_eq!(Load::besides(vec![u32::MAX]).during(|| ()).1, None);
    }
}
