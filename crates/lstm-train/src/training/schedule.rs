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
    /// Of `exponential`: steps before the first epoch whose rate is lower.
    pub decay_steps: u64,
    /// Of `exponential`: steps of an epoch.
    pub steps_per_epoch: u64,
}

impl Schedule {
    /// The learning rate of a step, counted from 1.
    pub fn rate(&self, step: u64) -> f64 {
        if step <= self.warmup_steps {
            return self.peak * step as f64 / self.warmup_steps as f64;
        }
        let rest = self.total_steps.saturating_sub(self.warmup_steps).max(1);
        // 0 at the first step after the warm-up, just under 1 at the last.
        let done = (step - self.warmup_steps - 1) as f64 / rest as f64;
        let share = match self.kind {
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Exponential => self.decay.powf(self.decayed_epochs(step) as f64),
            ScheduleKind::Linear => (1.0 - done).max(0.0),
            ScheduleKind::Cosine => (1.0 + (std::f64::consts::PI * done.min(1.0)).cos()) / 2.0,
        };
        self.peak * share
    }

    /// How many epochs, that of the step among them, have a lower rate.
    fn decayed_epochs(&self, step: u64) -> u64 {
        let since = (step - 1).checked_sub(self.decay_steps);
        since.map_or(0, |steps| steps / self.steps_per_epoch + 1)
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
            decay_steps: 40,
            steps_per_epoch: 10,
        }
    }

    #[test]
    fn the_rate_warms_up_in_a_straight_line() {
        let schedule = schedule(ScheduleKind::Constant);
        let rates: Vec<f64> = (1..=6).map(|step| schedule.rate(step)).collect();
        assert_eq!(rates, [5.0, 10.0, 15.0, 20.0, 20.0, 20.0]);
    }

    #[test]
    fn the_rate_falls_from_its_peak_to_almost_nothing() {
        for kind in [ScheduleKind::Linear, ScheduleKind::Cosine] {
            let schedule = schedule(kind);
            assert_eq!(schedule.rate(5), 20.0);
            assert!((schedule.rate(55) - 10.0).abs() < 1e-9);
            assert!(schedule.rate(104) < 0.21);
            assert!((5..104).all(|step| schedule.rate(step) >= schedule.rate(step + 1)));
        }
    }

    #[test]
    fn the_rate_is_halved_at_the_beginning_of_each_epoch_after_some() {
        let schedule = Schedule {
            warmup_steps: 0,
            ..schedule(ScheduleKind::Exponential)
        };
        let rates = [1, 40, 41, 50, 51, 61].map(|step| schedule.rate(step));
        assert_eq!(rates, [20.0, 20.0, 10.0, 10.0, 5.0, 2.5]);
    }
}
