//! How far a training is: a bar on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Seconds between plain lines.
const INTERVAL: Duration = Duration::from_secs(5);

/// Shows a training's progress on standard error.
pub struct Progress {
    total_steps: u64,
    /// What is counted a second.
    counted: &'static str,
    /// The step that this process began after, once it is known.
    first: Option<(u64, Instant)>,
    output: Output,
}

enum Output {
    Bar(ProgressBar),
    Lines { last: Instant },
}

impl Progress {
    /// Progress towards `total_steps`, in so many of `counted` a second.
    pub fn new(total_steps: u64, counted: &'static str) -> Self {
        let output = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(total_steps);
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}")
                .expect("the template is valid");
            bar.set_style(style.progress_chars("=> "));
            Output::Bar(bar)
        } else {
            Output::Lines {
                last: Instant::now(),
            }
        };
        Self {
            total_steps,
            counted,
            first: None,
            output,
        }
    }

    /// Shows that `step` is done.
    pub fn update(&mut self, step: u64, epoch: u64, epochs: u64, loss: f64, per_second: f64) {
        let (first, began) = *self.first.get_or_insert_with(|| (step, Instant::now()));
        let rest = self.total_steps.saturating_sub(step) as f64;
        let done = (step - first) as f64;
        let left = if done > 0.0 {
            began.elapsed().as_secs_f64() / done * rest
        } else {
            f64::NAN
        };
        let counted = self.counted;
        let message = || {
            format!(
                "epoch {epoch}/{epochs}  loss {loss:.4}  {per_second:.0} {counted}/s  {} left",
                duration(left)
            )
        };
        match &mut self.output {
            Output::Bar(bar) => {
                bar.set_position(step);
                bar.set_message(message());
            }
            Output::Lines { last } if last.elapsed() >= INTERVAL => {
                *last = Instant::now();
                say(&format!("step {step}/{}  {}", self.total_steps, message()));
            }
            Output::Lines { .. } => {}
        }
    }

    /// Shows a line that stays.
    pub fn line(&self, line: &str) {
        match &self.output {
            Output::Bar(bar) => bar.println(line),
            Output::Lines { .. } => say(line),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Output::Bar(bar) = &self.output {
            bar.finish_and_clear();
        }
    }
}

/// Writes a line to standard error. A training goes on when nobody reads it any more.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// `1h02m`, `3m20s` or `12s`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "?".to_owned();
    }
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short_to_read() {
        assert_eq!(duration(11.6), "12s");
        assert_eq!(duration(200.0), "3m20s");
        assert_eq!(duration(3725.0), "1h02m");
        assert_eq!(duration(f64::NAN), "?");
    }
}
