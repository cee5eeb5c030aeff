//! The learning rate of each step.

use serde::{Deserialize, Serialize};

/// How the learning rate falls after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// It does not.
    #[default]
    Constant,
    /// In a straight line to 0 at the last step.
    Linear,
    /// Along half a cosine to 0 at the last step (Loshchilov and Hutter 2017).
    Cosine,
    /// From an epoch on, by the same factor at the beginning of each (Zaremba et al. 2014).
    Exponential,
    /// Along half a cosine from 1/25 of its peak up to it, then down to 1/250,000 of it (one-cycle policy,
    /// Smith and Topin 2018, as PyTorch's `OneCycleLR` has it; the momentum stays what it is).
    OneCycle,
}

/// The learning rate as a function of the step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// What follows the warm-up.
    pub kind: ScheduleKind,
    /// The rate after the warm-up.
    pub peak: f64,
    /// Steps in which the rate rises in a straight line from 0 to its peak.
    pub warmup_steps: u64,
    /// Steps in all.
    pub total_steps: u64,
    /// Of `exponential`: the factor of each epoch.
    pub decay: f64,
    /// Of `exponential`: epochs before the first whose rate is lower.
    pub decay_after: u64,
    /// Of `one_cycle`: the share of the steps in which the rate rises.
    pub rise: f64,
}

/// Of `one_cycle`: the peak over the first rate, and the first rate over the last.
const FIRST: f64 = 25.0;
const LAST: f64 = 1e4;

impl Schedule {
    /// The learning rate of a step and its epoch, both counted from 1.
    pub fn rate(&self, step: u64, epoch: u64) -> f64 {
        if step <= self.warmup_steps {
            return self.peak * step as f64 / self.warmup_steps as f64;
        }
        let rest = self.total_steps.saturating_sub(self.warmup_steps).max(1);
        // 0 at the first step after the warm-up, just under 1 at the last.
        let done = (step - self.warmup_steps - 1) as f64 / rest as f64;
        let share = match self.kind {
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Exponential => {
                let decayed = epoch.saturating_sub(self.decay_after);
                self.decay.powf(decayed as f64)
            }
            ScheduleKind::OneCycle => one_cycle(step, self.total_steps, self.rise),
            ScheduleKind::Linear => (1.0 - done).max(0.0),
            ScheduleKind::Cosine => (1.0 + (std::f64::consts::PI * done.min(1.0)).cos()) / 2.0,
        };
        self.peak * share
    }
}

/// What the peak is multiplied by at a step of the one-cycle policy. Where the rise is shorter than a step, which
/// PyTorch's formula has no sense for, the rate begins at its peak.
fn one_cycle(step: u64, total_steps: u64, rise: f64) -> f64 {
    // Counted from 0, as PyTorch does.
    let (step, last) = ((step - 1) as f64, total_steps as f64 - 1.0);
    let peak = rise * total_steps as f64 - 1.0;
    let cosine = |from: f64, to: f64, done: f64| {
        to + (from - to) / 2.0 * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos())
    };
    let (first, end) = (1.0 / FIRST, 1.0 / (FIRST * LAST));
    if step <= peak {
        cosine(first, 1.0, step / peak)
    } else if last > peak {
        cosine(1.0, end, (step - peak.max(0.0)) / (last - peak.max(0.0)))
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: ScheduleKind) -> Schedule {
        Schedule {
            kind,
            peak: 20.0,
            warmup_steps: 4,
            total_steps: 104,
            decay: 0.5,
            decay_after: 4,
            rise: 0.25,
        }
    }

    #[test]
    fn the_rate_warms_up_in_a_straight_line() {
        let schedule = schedule(ScheduleKind::Constant);
        let rates: Vec<f64> = (1..=6).map(|step| schedule.rate(step, 1)).collect();
        assert_eq!(rates, [5.0, 10.0, 15.0, 20.0, 20.0, 20.0]);
    }

    #[test]
    fn the_rate_falls_from_its_peak_to_almost_nothing() {
        for kind in [ScheduleKind::Linear, ScheduleKind::Cosine] {
            let schedule = schedule(kind);
            let rate = |step| schedule.rate(step, 1);
            assert_eq!(rate(5), 20.0);
            assert!((rate(55) - 10.0).abs() < 1e-9);
            assert!(rate(104) < 0.21);
            assert!((5..104).all(|step| rate(step) >= rate(step + 1)));
        }
    }

    #[test]
    fn the_rate_is_halved_at_the_beginning_of_each_epoch_after_some() {
        let schedule = Schedule {
            warmup_steps: 0,
            ..schedule(ScheduleKind::Exponential)
        };
        let rates = [1, 4, 5, 6, 7].map(|epoch| schedule.rate(100, epoch));
        assert_eq!(rates, [20.0, 20.0, 10.0, 5.0, 2.5]);
    }

    /// Steps and rates: PyTorch 2.15, tests/golden/one_cycle.py.
    const GOLDEN: [(u64, f64); 8] = [
        (1, 0.800_000_000_000_000_7),
        (2, 3.611_774_900_609_145),
        (4, 17.188_225_099_390_856),
        (5, 20.0),
        (6, 19.781_476_881_434_028),
        (11, 13.090_197_583_069_699),
        (19, 0.218_603_118_565_972_45),
        (20, 8e-05),
    ];

    #[test]
    fn one_cycle_agrees_with_pytorch() {
        let schedule = Schedule {
            warmup_steps: 0,
            total_steps: 20,
            ..schedule(ScheduleKind::OneCycle)
        };
        for (step, expected) in GOLDEN {
            let rate = schedule.rate(step, 1);
            assert!(
                (rate - expected).abs() < 1e-12 * 20.0,
                "{step}: {rate} {expected}"
            );
        }
    }

    #[test]
    fn one_cycle_of_few_steps_has_rates() {
        for total_steps in 1..6 {
            for rise in [0.0, 0.3, 1.0] {
                let schedule = Schedule {
                    warmup_steps: 0,
                    total_steps,
                    rise,
                    ..schedule(ScheduleKind::OneCycle)
                };
                for step in 1..=total_steps {
                    let rate = schedule.rate(step, 1);
                    assert!(
                        rate > 0.0 && rate <= 20.0,
                        "{total_steps} {rise} {step}: {rate}"
                    );
                }
            }
        }
    }
}
