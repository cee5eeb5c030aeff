//! How wide a beam search is, and what it looks for.

use serde::{Deserialize, Serialize};

use super::constraints::Constraints;
use super::coverage::CoveragePenalty;
use super::length::LengthPenalty;

/// Beam search (Sutskever, Vinyals and Le 2014): at each step the `size` best continuations of a source's
/// unfinished hypotheses are kept. Those among them that end leave the beam; the next step fills it up again.
///
/// What ended is compared by its score, under the length and the coverage penalty. The search ends as
/// [`Stopping`] says, or when nothing can be continued. Of equals the one that was found first is the better one,
/// then the continuation of the better hypothesis, then the smaller token.
///
/// Of size 1 it is greedy search: the most probable token, until that is the end.
///
/// ```
/// use lstm_models::{Beam, Constraints, LengthPenalty};
///
/// let beam = Beam::new(5)
///     .with_length_penalty(LengthPenalty::Wu { alpha: 0.6 })
///     .with_constraints(Constraints::default().with_max_relative(2.0, 10));
/// assert!(beam.check().is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Beam {
    /// How many continuations are kept at each step.
    pub size: usize,
    /// How many of the best hypotheses are wanted, at most `size`.
    pub n_best: usize,
    /// What length does to a score.
    pub length_penalty: LengthPenalty,
    /// What attention does to a score.
    pub coverage_penalty: CoveragePenalty,
    /// When a search is over.
    pub stopping: Stopping,
    /// What a sequence must be like.
    pub constraints: Constraints,
}

/// When the search for a source is over, once it has as many finished hypotheses as are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopping {
    /// When no unfinished hypothesis can become better than they are, even if no further token cost anything
    /// and it grew to the length that favours it most. With a length penalty that takes nearly as many steps as
    /// there may be tokens: then set [`max_relative`](Constraints::max_relative).
    #[default]
    Certain,
    /// When no unfinished hypothesis would be better than they are if it ended with the next token, for nothing:
    /// it may miss one that is better because it is longer. Without a length penalty it is the same as `Certain`.
    Likely,
}

impl Default for Beam {
    fn default() -> Self {
        Self::new(5)
    }
}

/// A beam of more is a slip of the pen.
const MAX_SIZE: usize = 10_000;

impl Beam {
    /// The best hypothesis of a beam of this size, without penalties.
    pub fn new(size: usize) -> Self {
        Self {
            size,
            n_best: 1,
            length_penalty: LengthPenalty::None,
            coverage_penalty: CoveragePenalty::None,
            stopping: Stopping::Certain,
            constraints: Constraints::default(),
        }
    }

    /// The same with so many hypotheses.
    pub fn with_n_best(mut self, n_best: usize) -> Self {
        self.n_best = n_best;
        self
    }

    /// The same with this length penalty.
    pub fn with_length_penalty(mut self, penalty: LengthPenalty) -> Self {
        self.length_penalty = penalty;
        self
    }

    /// The same with this coverage penalty.
    pub fn with_coverage_penalty(mut self, penalty: CoveragePenalty) -> Self {
        self.coverage_penalty = penalty;
        self
    }

    /// The same with this end.
    pub fn with_stopping(mut self, stopping: Stopping) -> Self {
        self.stopping = stopping;
        self
    }

    /// The same with these constraints.
    pub fn with_constraints(mut self, constraints: Constraints) -> Self {
        self.constraints = constraints;
        self
    }

    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, value, most) in [
            ("size", self.size, MAX_SIZE),
            ("n_best", self.n_best, self.size),
        ] {
            if !(1..=most).contains(&value) {
                let message = format!("must be at least 1 and at most {most}, not {value}");
                return Err((key, message));
            }
        }
        self.length_penalty.check()?;
        self.coverage_penalty.check()?;
        self.constraints.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_refused_by_key() {
        let refused = |beam: Beam| beam.check().err().map(|(key, _)| key);
        let beam = Beam::new(5);
        assert_eq!(refused(beam), None);
        assert_eq!(refused(Beam::new(0)), Some("size"));
        assert_eq!(refused(Beam::new(usize::MAX)), Some("size"));
        assert_eq!(refused(beam.with_n_best(0)), Some("n_best"));
        assert_eq!(refused(beam.with_n_best(6)), Some("n_best"));
        for wrong in [-0.1, f64::NAN, f64::INFINITY] {
            let length = beam.with_length_penalty(LengthPenalty::Wu { alpha: wrong });
            assert_eq!(refused(length), Some("length_penalty.wu.alpha"));
            let wu = beam.with_coverage_penalty(CoveragePenalty::Wu { beta: wrong });
            assert_eq!(refused(wu), Some("coverage_penalty.wu.beta"));
            let summary = beam.with_coverage_penalty(CoveragePenalty::Summary { beta: wrong });
            assert_eq!(refused(summary), Some("coverage_penalty.summary.beta"));
        }
        let constraints = Constraints::default().with_min_length(201);
        let short = beam.with_constraints(constraints);
        assert_eq!(refused(short), Some("constraints.min_length"));
    }

    #[test]
    fn options_are_read_as_they_were_written() {
        let beam = Beam::new(3)
            .with_n_best(2)
            .with_length_penalty(LengthPenalty::Average)
            .with_coverage_penalty(CoveragePenalty::Wu { beta: 0.2 })
            .with_stopping(Stopping::Likely)
            .with_constraints(
                Constraints::default()
                    .with_max_relative(1.5, 5)
                    .without_unknown(),
            );
        let text = serde_json::to_string(&beam).unwrap();
        assert_eq!(serde_json::from_str::<Beam>(&text).unwrap(), beam);
        // What is not said is the default.
        assert_eq!(serde_json::from_str::<Beam>("{}").unwrap(), Beam::default());
        assert!(serde_json::from_str::<Beam>(r#"{"sise": 3}"#).is_err());
    }
}
