//! How translations are searched for, by default and otherwise.

use serde::{Deserialize, Serialize};

use super::translation::MAX_SOURCE;
use crate::decoding::{Beam, Constraints, CoveragePenalty, LengthPenalty, Search, Stopping};

/// How translations are searched for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TranslationSearch {
    /// How many hypotheses are followed at once; 1 takes the most probable token at each step.
    pub beam: usize,
    /// How many translations are wanted, at most `beam`.
    pub n_best: usize,
    /// What length does to a score.
    pub length_penalty: LengthPenalty,
    /// What attention does to a score.
    pub coverage_penalty: CoveragePenalty,
    /// When a search is over.
    pub stopping: Stopping,
    /// The fewest tokens of a translation.
    pub min_length: usize,
    /// The most tokens of a translation; it never has more than twice its source's, the end among these, and 10.
    pub max_length: usize,
    /// n: no n tokens come twice in a translation; 0 for no such limit.
    pub no_repeat_ngram: usize,
}

/// Tokens of a translation for each of its source's, and beside these.
const LONGEST: (f64, usize) = (2.0, 10);

/// No translation can have more.
const MAX_LENGTH: usize = 2 * MAX_SOURCE + LONGEST.1;

/// A step's logits are held for all hypotheses: a beam of more runs out of memory before it finds better ones.
const MAX_BEAM: usize = 1_000;

impl Default for TranslationSearch {
    fn default() -> Self {
        Self {
            beam: 5,
            n_best: 1,
            length_penalty: LengthPenalty::Average,
            coverage_penalty: CoveragePenalty::None,
            stopping: Stopping::Likely,
            min_length: 0,
            max_length: MAX_LENGTH,
            no_repeat_ngram: 0,
        }
    }
}

impl TranslationSearch {
    /// The search that takes the most probable token at each step.
    pub fn greedy() -> Self {
        Self {
            beam: 1,
            ..Self::default()
        }
    }

    /// What a translation must be like.
    pub fn constraints(&self) -> Constraints {
        let (ratio, constant) = LONGEST;
        Constraints::default()
            .with_min_length(self.min_length)
            .with_max_length(self.max_length)
            .with_max_relative(ratio, constant)
            .with_no_repeat_ngram(self.no_repeat_ngram)
            .without_unknown()
    }

    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, value, most) in [
            ("beam", self.beam, MAX_BEAM),
            ("n_best", self.n_best, self.beam),
        ] {
            if !(1..=most).contains(&value) {
                let message = format!("must be at least 1 and at most {most}, not {value}");
                return Err((key, message));
            }
        }
        for (key, value, most) in [
            ("max_length", self.max_length, MAX_LENGTH),
            ("min_length", self.min_length, self.max_length),
        ] {
            if value > most {
                return Err((key, format!("must be at most {most}, not {value}")));
            }
        }
        Beam::from(*self).check()
    }
}

impl From<TranslationSearch> for Beam {
    fn from(search: TranslationSearch) -> Self {
        Self::new(search.beam)
            .with_n_best(search.n_best)
            .with_length_penalty(search.length_penalty)
            .with_coverage_penalty(search.coverage_penalty)
            .with_stopping(search.stopping)
            .with_constraints(search.constraints())
    }
}

impl From<TranslationSearch> for Search {
    fn from(search: TranslationSearch) -> Self {
        Self::Beam(search.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_refused_by_key() {
        let refused = |change: fn(&mut TranslationSearch)| {
            let mut search = TranslationSearch::default();
            change(&mut search);
            search.check().err().map(|(key, _)| key)
        };
        assert_eq!(refused(|_| ()), None);
        assert_eq!(refused(|search| search.beam = 0), Some("beam"));
        assert_eq!(refused(|search| search.beam = 1_001), Some("beam"));
        assert_eq!(refused(|search| search.n_best = 6), Some("n_best"));
        assert_eq!(
            refused(|search| search.max_length = 3_000),
            Some("max_length")
        );
        assert_eq!(
            refused(|search| search.min_length = 3_000),
            Some("min_length")
        );
        let alpha = |search: &mut TranslationSearch| {
            search.length_penalty = LengthPenalty::Wu { alpha: -1.0 };
        };
        assert_eq!(refused(alpha), Some("length_penalty.wu.alpha"));
    }

    #[test]
    fn what_a_recipe_leaves_out_is_the_default() {
        let search: TranslationSearch = serde_json::from_str(r#"{"beam": 3}"#).unwrap();
        assert_eq!(
            search,
            TranslationSearch {
                beam: 3,
                ..TranslationSearch::default()
            }
        );
    }
}
