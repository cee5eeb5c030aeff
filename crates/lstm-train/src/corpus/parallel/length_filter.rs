//! Which pairs are left out because of their lengths.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which pairs are kept: those whose sides both have tokens, not too many, and are not too unlike in
/// length. It works on numbers of tokens, whatever the tokens are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LengthFilter {
    /// The most tokens that a source has.
    pub max_source: usize,
    /// The most tokens that a target has.
    pub max_target: usize,
    /// How many times as long as the other side either side is at most.
    pub max_ratio: f64,
}

impl Default for LengthFilter {
    /// 80 tokens, and the ratio of the script `clean-corpus-n.perl` of Moses (Koehn et al. 2007).
    fn default() -> Self {
        Self {
            max_source: 80,
            max_target: 80,
            max_ratio: 9.0,
        }
    }
}

/// What a filter has kept, and what it has not.
#[derive(Debug, Clone, PartialEq)]
pub struct Filtered<T> {
    /// The pairs that are kept, in their order.
    pub kept: Vec<T>,
    /// How many were left out, and why.
    pub dropped: Dropped,
}

/// How many pairs were left out for each reason. Each pair counts once, for the first reason in the order
/// of the fields. Shown in one line: `29,000 pairs, 12 dropped: 2 with an empty side, …`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropped {
    /// The filter.
    pub filter: LengthFilter,
    /// All pairs, before any was left out.
    pub pairs: usize,
    /// Pairs of which a side, or both, had no token.
    pub empty: usize,
    /// Pairs whose source was too long.
    pub long_source: usize,
    /// Pairs whose target was too long.
    pub long_target: usize,
    /// Pairs whose sides were too unlike in length.
    pub uneven: usize,
}

impl LengthFilter {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, tokens) in [
            ("max_source", self.max_source),
            ("max_target", self.max_target),
        ] {
            if tokens == 0 {
                return Err((key, "must be at least 1".to_owned()));
            }
        }
        // A ratio that is not a number fails this as well.
        match self.max_ratio >= 1.0 {
            true => Ok(()),
            false => Err((
                "max_ratio",
                format!("must be at least 1, not {}", self.max_ratio),
            )),
        }
    }

    /// Takes out the pairs that are not to be kept; `lengths` says how many tokens a pair's source and
    /// target have.
    ///
    /// ```
    /// use lstm_train::corpus::LengthFilter;
    ///
    /// let pairs = vec![(vec![3, 4], vec![5]), (vec![], vec![6]), (vec![7; 90], vec![8; 70])];
    /// let filtered = LengthFilter::default().apply(pairs, |(source, target)| {
    ///     [source.len(), target.len()]
    /// });
    /// assert_eq!(filtered.kept, [(vec![3, 4], vec![5])]);
    /// assert_eq!(
    ///     filtered.dropped.to_string(),
    ///     "3 pairs, 2 dropped: 1 with an empty side, 1 with a source longer than 80 tokens"
    /// );
    /// ```
    pub fn apply<T>(&self, pairs: Vec<T>, lengths: impl Fn(&T) -> [usize; 2]) -> Filtered<T> {
        let mut dropped = Dropped {
            filter: *self,
            pairs: pairs.len(),
            empty: 0,
            long_source: 0,
            long_target: 0,
            uneven: 0,
        };
        let mut kept = pairs;
        kept.retain(|pair| match self.reason(lengths(pair), &mut dropped) {
            Some(count) => {
                *count += 1;
                false
            }
            None => true,
        });
        Filtered { kept, dropped }
    }

    /// Which count a pair of these lengths belongs to, if it is not kept.
    fn reason<'a>(
        &self,
        [source, target]: [usize; 2],
        dropped: &'a mut Dropped,
    ) -> Option<&'a mut usize> {
        let (shorter, longer) = (source.min(target), source.max(target));
        if shorter == 0 {
            Some(&mut dropped.empty)
        } else if source > self.max_source {
            Some(&mut dropped.long_source)
        } else if target > self.max_target {
            Some(&mut dropped.long_target)
        } else if longer as f64 > self.max_ratio * shorter as f64 {
            Some(&mut dropped.uneven)
        } else {
            None
        }
    }
}

impl Dropped {
    /// How many were left out for any reason.
    pub fn total(&self) -> usize {
        self.empty + self.long_source + self.long_target + self.uneven
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pairs, total) = (thousands(self.pairs), thousands(self.total()));
        write!(f, "{pairs} pairs, {total} dropped")?;
        let LengthFilter {
            max_source,
            max_target,
            max_ratio,
        } = self.filter;
        let reasons = [
            (self.empty, "with an empty side".to_owned()),
            (
                self.long_source,
                format!("with a source longer than {max_source} tokens"),
            ),
            (
                self.long_target,
                format!("with a target longer than {max_target} tokens"),
            ),
            (
                self.uneven,
                format!("with one side more than {max_ratio} times as long as the other"),
            ),
        ];
        let mut mark = ": ";
        for (count, reason) in reasons.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{mark}{} {reason}", thousands(count))?;
            mark = ", ";
        }
        Ok(())
    }
}

/// A number with commas: `29,000`.
fn thousands(number: usize) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILTER: LengthFilter = LengthFilter {
        max_source: 10,
        max_target: 8,
        max_ratio: 2.5,
    };

    fn apply(lengths: &[[usize; 2]]) -> Filtered<[usize; 2]> {
        FILTER.apply(lengths.to_vec(), |&lengths| lengths)
    }

    #[test]
    fn lengths_at_the_border_are_kept() {
        let kept = [[10, 8], [1, 1], [5, 2], [2, 5], [10, 4], [3, 7]];
        assert_eq!(apply(&kept).kept, kept);
        for dropped in [[11, 8], [10, 9], [6, 2], [2, 6], [0, 1], [1, 0], [0, 0]] {
            assert_eq!(apply(&[dropped]).dropped.total(), 1, "{dropped:?}");
        }
    }

    #[test]
    fn a_pair_counts_for_the_first_reason() {
        let dropped = apply(&[[0, 99], [99, 99], [99, 1], [1, 99], [9, 2], [3, 3]]).dropped;
        let counts = [
            dropped.empty,
            dropped.long_source,
            dropped.long_target,
            dropped.uneven,
        ];
        assert_eq!(counts, [1, 2, 1, 1]);
        assert_eq!(
            dropped.to_string(),
            "6 pairs, 5 dropped: 1 with an empty side, 2 with a source longer than 10 tokens, \
             1 with a target longer than 8 tokens, 1 with one side more than 2.5 times as long as \
             the other"
        );
    }

    #[test]
    fn nothing_dropped_is_said_with_all_digits_grouped() {
        let dropped = |pairs| {
            let none = apply(&[]).dropped;
            Dropped { pairs, ..none }.to_string()
        };
        assert_eq!(dropped(29_000), "29,000 pairs, 0 dropped");
        assert_eq!(dropped(1_002_003), "1,002,003 pairs, 0 dropped");
        assert_eq!(dropped(999), "999 pairs, 0 dropped");
    }

    #[test]
    fn a_filter_that_would_drop_everything_is_refused() {
        let with = |change: fn(&mut LengthFilter)| {
            let mut filter = LengthFilter::default();
            change(&mut filter);
            filter.check()
        };
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(with(|f| f.max_ratio = f64::INFINITY), Ok(()));
        assert_eq!(with(|f| f.max_source = 0).unwrap_err().0, "max_source");
        assert_eq!(with(|f| f.max_target = 0).unwrap_err().0, "max_target");
        for ratio in [0.9, f64::NAN, -1.0] {
            let filter = LengthFilter {
                max_ratio: ratio,
                ..LengthFilter::default()
            };
            assert_eq!(
                filter.check(),
                Err(("max_ratio", format!("must be at least 1, not {ratio}")))
            );
        }
    }

    proptest! {
        #[test]
        fn every_pair_is_kept_or_counted_and_order_stays(
            lengths in prop::collection::vec([0_usize..14, 0_usize..14], 0..40),
        ) {
            let numbered: Vec<_> = lengths.iter().copied().enumerate().collect();
            let filtered = FILTER.apply(numbered, |&(_, lengths)| lengths);
            prop_assert_eq!(filtered.kept.len() + filtered.dropped.total(), lengths.len());
            prop_assert!(filtered.kept.is_sorted());
            for (number, kept) in &filtered.kept {
                prop_assert_eq!(*kept, lengths[*number]);
                prop_assert!(kept[0].min(kept[1]) > 0 && kept[0] <= 10 && kept[1] <= 8);
            }
        }
    }
}
