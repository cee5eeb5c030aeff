//! What attention does to a hypothesis' score.

use serde::{Deserialize, Serialize};

/// What attention does to a hypothesis' score: it is told by its *coverage* of each place i of the source,
/// c_i = Σ_j a_ij, how much attention the place got in all steps j so far, the end token's among them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CoveragePenalty {
    /// Nothing.
    #[default]
    None,
    /// Places that got little attention are held against it: β Σ_i ln min(c_i, 1) is added to the score (Wu et
    /// al. 2016, who take β = 0.2). An unfinished hypothesis may still get to them, so it is added at the end.
    /// A place's logarithm is never below ln 10⁻⁶, so that one without any attention does not decide alone.
    Wu {
        /// β, at least 0.
        beta: f64,
    },
    /// Places that got attention again and again are held against it: β Σ_i (max(c_i, 1) − 1) is subtracted from
    /// the score (Gehrmann, Deng and Rush 2018, "Bottom-up abstractive summarization"). Attention cannot be taken
    /// back, so it is subtracted at every step.
    Summary {
        /// β, at least 0.
        beta: f64,
    },
}

/// The least coverage that makes a difference.
const LEAST: f64 = 1e-6;

impl CoveragePenalty {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let (key, beta) = match *self {
            Self::None => return Ok(()),
            Self::Wu { beta } => ("coverage_penalty.wu.beta", beta),
            Self::Summary { beta } => ("coverage_penalty.summary.beta", beta),
        };
        if !(beta >= 0.0 && beta.is_finite()) {
            return Err((key, format!("must be at least 0, not {beta}")));
        }
        Ok(())
    }

    /// What is added to the score of a hypothesis that ends with this coverage: at most 0.
    fn of_finished(&self, coverage: &[f64]) -> f64 {
        match *self {
            Self::None => 0.0,
            // cp = β Σ_i ln min(c_i, 1)
            Self::Wu { beta } => {
                let logarithm = |c: &f64| c.clamp(LEAST, 1.0).ln();
                beta * coverage.iter().map(logarithm).sum::<f64>()
            }
            // cp = −β Σ_i (max(c_i, 1) − 1)
            Self::Summary { beta } => {
                let excess = |c: &f64| c.max(1.0) - 1.0;
                -beta * coverage.iter().map(excess).sum::<f64>()
            }
        }
    }

    /// The most that can be added to the score of whatever an unfinished hypothesis with this coverage becomes.
    /// Coverage only grows: Wu's penalty may vanish, that of summaries cannot.
    fn of_unfinished(&self, coverage: &[f64]) -> f64 {
        match self {
            Self::None | Self::Wu { .. } => 0.0,
            Self::Summary { .. } => self.of_finished(coverage),
        }
    }
}

/// The coverage of all rows of a search.
pub(super) struct Coverage {
    penalty: CoveragePenalty,
    /// By row, by place of its source.
    rows: Vec<Vec<f64>>,
}

impl Coverage {
    /// That of one row for each source. `None` if nothing depends on it.
    pub(super) fn new(penalty: CoveragePenalty, source_lengths: &[usize]) -> Option<Self> {
        let uncovered = |length: &usize| vec![0.0; *length];
        (penalty != CoveragePenalty::None).then(|| Self {
            penalty,
            rows: source_lengths.iter().map(uncovered).collect(),
        })
    }

    /// Adds a step's attention, `[rows, source_time]`. What is no number counts as no attention.
    pub(super) fn add(&mut self, attention: &[f32]) {
        let source_time = attention.len() / self.rows.len();
        for (row, coverage) in self.rows.iter_mut().enumerate() {
            let attention = &attention[row * source_time..];
            for (c, a) in coverage.iter_mut().zip(attention) {
                // c_i = Σ_j a_ij; f32::max takes the number of a number and NaN.
                *c += f64::from(a.max(0.0));
            }
        }
    }

    /// What is added to a row's score if it ends here.
    pub(super) fn of_finished(&self, row: usize) -> f64 {
        self.penalty.of_finished(&self.rows[row])
    }

    /// The most that is added to a row's score once it ends.
    pub(super) fn of_unfinished(&self, row: usize) -> f64 {
        self.penalty.of_unfinished(&self.rows[row])
    }

    /// From now on row `i` is what row `rows[i]` was.
    pub(super) fn select(&mut self, rows: &[usize]) {
        self.rows = rows.iter().map(|&row| self.rows[row].clone()).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows whose sources have 3 places and 1, after two steps.
    fn covered(penalty: CoveragePenalty) -> Coverage {
        let mut coverage = Coverage::new(penalty, &[3, 1]).unwrap();
        coverage.add(&[0.75, 0.25, 0.0, 1.0, 0.0, 0.0]);
        coverage.add(&[0.5, 0.25, 0.25, 1.0, 0.0, 0.0]);
        coverage
    }

    #[test]
    fn penalties_are_those_worked_out_by_hand() {
        let wu = covered(CoveragePenalty::Wu { beta: 0.5 });
        // c = 1.25, 0.5, 0.25: ½ (ln 1 + ln ½ + ln ¼) = −1.5 ln 2
        assert!((wu.of_finished(0) + 1.5 * 2.0_f64.ln()).abs() < 1e-12);
        assert_eq!(wu.of_unfinished(0), 0.0);
        assert_eq!(wu.of_finished(1), 0.0);

        let summary = covered(CoveragePenalty::Summary { beta: 0.5 });
        // c = 1.25, 0.5, 0.25: −½ (0.25 + 0 + 0); c = 2: −½ (2 − 1)
        for (row, expected) in [(0, -0.125), (1, -0.5)] {
            assert_eq!(summary.of_finished(row), expected);
            assert_eq!(summary.of_unfinished(row), expected);
        }
    }

    #[test]
    fn rows_take_their_coverage_along() {
        let mut coverage = covered(CoveragePenalty::Summary { beta: 1.0 });
        coverage.select(&[1, 0, 0]);
        coverage.add(&[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let penalties = [0, 1, 2].map(|row| coverage.of_finished(row));
        // c = 2; 2.25, 0.5, 0.25; 1.25, 0.5, 1.25
        assert_eq!(penalties, [-1.0, -1.25, -0.5]);
    }

    #[test]
    fn a_place_without_attention_costs_a_finite_amount() {
        let mut coverage = Coverage::new(CoveragePenalty::Wu { beta: 1.0 }, &[2]).unwrap();
        coverage.add(&[1.0, f32::NAN]);
        assert!((coverage.of_finished(0) - 1e-6_f64.ln()).abs() < 1e-12);
    }
}
