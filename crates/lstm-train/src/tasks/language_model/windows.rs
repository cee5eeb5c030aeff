//! How long the windows are that a stream is read in.

use std::ops::Range;

use lstm_core::{Purpose, RandomSource};
use serde::{Deserialize, Serialize};

/// How streams of tokens are cut into windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Windows {
    /// Tokens of each stream that gradients go back through.
    pub steps: usize,
    /// Whether windows have lengths around `steps` that are drawn anew in every epoch, so that they begin
    /// elsewhere each time (Merity et al. 2018): `steps`, or half of it with probability 0.05, and a normal
    /// deviate of 5 tokens. The learning rate of a window is scaled by its length over `steps`.
    pub jitter: bool,
    /// Of what the objective is the mean.
    pub loss: StepLoss,
}

/// Of what the objective of a window is the mean: it decides what a learning rate means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepLoss {
    /// Of all its tokens.
    #[default]
    Mean,
    /// Of its streams, each the sum of its steps (Zaremba et al. 2014).
    Sum,
}

/// Of windows of jittered length: how often the mean is halved, the deviation, and the least length.
const HALVED: f64 = 0.05;
const DEVIATION: f64 = 5.0;
const LEAST: usize = 5;

impl Default for Windows {
    fn default() -> Self {
        Self {
            steps: 35,
            jitter: false,
            loss: StepLoss::Mean,
        }
    }
}

impl Windows {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let least = if self.jitter { 2 * LEAST } else { 1 };
        if self.steps < least {
            let why = if self.jitter {
                " where they jitter"
            } else {
                ""
            };
            let message = format!("must be at least {least}{why}, not {}", self.steps);
            return Err(("steps", message));
        }
        if self.jitter && self.loss == StepLoss::Sum {
            let message =
                "needs windows.loss = \"mean\": a sum grows with a window's length by itself";
            return Err(("jitter", message.to_owned()));
        }
        Ok(())
    }

    /// The windows of streams of so many tokens in an epoch, counted from 1.
    pub fn of(&self, length: usize, seed: u64, epoch: u64) -> Vec<Range<usize>> {
        let source = RandomSource::new(seed).at_step(epoch);
        let mut stream = source.stream(Purpose::named("lengths of windows"), 0);
        let mut next = || {
            if !self.jitter {
                return self.steps;
            }
            let steps = self.steps as f64;
            let mean = if stream.uniform() < HALVED {
                steps / 2.0
            } else {
                steps
            };
            ((mean + DEVIATION * stream.normal()) as usize).max(LEAST)
        };
        let mut windows = Vec::new();
        let mut start = 0;
        while start < length {
            let end = length.min(start + next());
            windows.push(start..end);
            start = end;
        }
        windows
    }

    /// What the learning rate of a window of so many tokens is multiplied by.
    pub fn rate_factor(&self, tokens: usize) -> f64 {
        match self.jitter {
            true => tokens as f64 / self.steps as f64,
            false => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_cover(windows: &[Range<usize>], length: usize) {
        let mut end = 0;
        for window in windows {
            assert!(window.start == end && window.end > end, "{windows:?}");
            end = window.end;
        }
        assert_eq!(end, length);
    }

    #[test]
    fn windows_of_one_length_cover_a_stream() {
        let windows = Windows {
            steps: 20,
            ..Windows::default()
        };
        let cut = windows.of(50, 1, 1);
        assert_eq!(cut, [0..20, 20..40, 40..50]);
        assert_eq!(windows.of(50, 2, 3), cut);
        assert_eq!(windows.rate_factor(10), 1.0);
        assert!(windows.of(0, 1, 1).is_empty());
    }

    #[test]
    fn windows_that_jitter_cover_a_stream_and_are_as_long_as_published() {
        let windows = Windows {
            steps: 70,
            jitter: true,
            ..Windows::default()
        };
        let length = 1_000_000;
        let cut = windows.of(length, 1, 1);
        assert_cover(&cut, length);
        assert_eq!(windows.of(length, 1, 1), cut);
        assert_ne!(windows.of(length, 1, 2), cut);
        assert_ne!(windows.of(length, 2, 1), cut);
        // Whole numbers are rounded down, half a token on average.
        let count = cut.len() as f64;
        let mean = length as f64 / count;
        let expected = 70.0 * (1.0 - HALVED / 2.0) - 0.5;
        assert!((mean - expected).abs() < 0.5, "{mean} {expected}");
        let short = cut.iter().filter(|window| window.len() < 50).count() as f64 / count;
        assert!((short - HALVED).abs() < 0.01, "{short}");
        assert_eq!(windows.rate_factor(35), 0.5);
    }

    #[test]
    fn no_window_that_jitters_is_too_short() {
        let windows = Windows {
            steps: 10,
            jitter: true,
            ..Windows::default()
        };
        windows.check().unwrap();
        let cut = windows.of(100_000, 1, 1);
        assert_cover(&cut, 100_000);
        let (_, but_last) = cut.split_last().unwrap();
        assert!(but_last.iter().all(|window| window.len() >= LEAST));
        let short = Windows {
            steps: 9,
            ..windows
        };
        assert_eq!(short.check().unwrap_err().0, "steps");
        let sum = Windows {
            loss: StepLoss::Sum,
            ..windows
        };
        assert_eq!(sum.check().unwrap_err().0, "jitter");
    }
}
