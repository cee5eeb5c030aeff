//! What a hypothesis' length does to its score.

use serde::{Deserialize, Serialize};

/// What a hypothesis' length does to its score. Every token makes a sequence less probable: without a penalty
/// short hypotheses win, often too short ones.
///
/// A length, |y|, counts the end token, as the log-probability does.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LengthPenalty {
    /// ln p(y).
    #[default]
    None,
    /// ln p(y) / lp(y), lp(y) = ((5 + |y|) / 6)^α (Wu et al. 2016, who take α from 0.6 to 0.7).
    Wu {
        /// α, at least 0: at 0 there is no penalty.
        alpha: f64,
    },
    /// ln p(y) / |y|: the average token's.
    Average,
}

impl LengthPenalty {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        match *self {
            Self::Wu { alpha } if !(alpha >= 0.0 && alpha.is_finite()) => {
                let message = format!("must be at least 0, not {alpha}");
                Err(("length_penalty.wu.alpha", message))
            }
            _ => Ok(()),
        }
    }

    /// The score of `length` tokens, at least 1, with this log-probability.
    pub(super) fn score(&self, log_probability: f64, length: usize) -> f64 {
        match *self {
            Self::None => log_probability,
            // lp(y) = ((5 + |y|) / (5 + 1))^α
            Self::Wu { alpha } => log_probability / ((5.0 + length as f64) / 6.0).powf(alpha),
            Self::Average => log_probability / length as f64,
        }
    }

    /// The best score that a hypothesis with this log-probability can end with, if it has at most `longest`
    /// tokens then.
    ///
    /// A log-probability ln p ≤ 0 only falls with each token, and each penalty divides it by what grows with the
    /// length, or by 1. So ln p' / lp(n) ≤ ln p / lp(n) ≤ ln p / lp(longest) for all that the hypothesis
    /// can become: no token costs anything, and there are as many as can be.
    pub(super) fn bound(&self, log_probability: f64, longest: usize) -> f64 {
        self.score(log_probability, longest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scores_are_those_worked_out_by_hand() {
        let wu = |alpha| LengthPenalty::Wu { alpha };
        assert_eq!(LengthPenalty::None.score(-6.0, 3), -6.0);
        assert_eq!(LengthPenalty::Average.score(-6.0, 3), -2.0);
        // lp = ((5 + 7) / 6)^1 = 2
        assert_eq!(wu(1.0).score(-6.0, 7), -3.0);
        // lp = ((5 + 19) / 6)^0.5 = 2
        assert!((wu(0.5).score(-6.0, 19) + 3.0).abs() < 1e-12);
        // lp = (6 / 6)^α = 1, and (x)^0 = 1
        assert_eq!(wu(0.7).score(-6.0, 1), -6.0);
        assert_eq!(wu(0.0).score(-6.0, 30), -6.0);
    }

    #[test]
    fn in_a_file_a_penalty_is_its_name() {
        #[derive(Serialize, Deserialize)]
        struct Options {
            length_penalty: LengthPenalty,
        }
        for (text, expected) in [
            (r#"{"length_penalty":"none"}"#, LengthPenalty::None),
            (r#"{"length_penalty":"average"}"#, LengthPenalty::Average),
            (
                r#"{"length_penalty":{"wu":{"alpha":0.6}}}"#,
                LengthPenalty::Wu { alpha: 0.6 },
            ),
        ] {
            let options: Options = serde_json::from_str(text).unwrap();
            assert_eq!(options.length_penalty, expected);
            assert_eq!(serde_json::to_string(&options).unwrap(), text);
        }
    }

    proptest! {
        #[test]
        fn whatever_follows_no_score_is_above_the_bound(
            log_probability in -50.0..=0.0,
            length in 1usize..30,
            more in prop::collection::vec(-5.0..=0.0, 0..20),
            alpha in 0.0..3.0,
        ) {
            for penalty in [LengthPenalty::None, LengthPenalty::Wu { alpha }, LengthPenalty::Average] {
                let bound = penalty.bound(log_probability, length + 20);
                let score = penalty.score(log_probability + more.iter().sum::<f64>(), length + more.len());
                prop_assert!(score <= bound, "{penalty:?}: {score} > {bound}");
            }
        }
    }
}
