//! What a sequence must be like, whoever searches for it.

use serde::{Deserialize, Serialize};

use super::SpecialTokens;

/// What a sequence must be like. Lengths here count no end token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Constraints {
    /// The fewest tokens; fewer where a source's own maximum is smaller.
    pub min_length: usize,
    /// The most tokens, whatever the source. After so many the end is forced: it is the only token that may
    /// follow, with the probability that the decoder gives it.
    pub max_length: usize,
    /// The most tokens as the source's length has it, if that is fewer.
    pub max_relative: Option<RelativeLength>,
    /// n: no sequence of n tokens comes twice (Paulus, Xiong and Socher 2017, who take 3); 0 for no such limit.
    pub no_repeat_ngram: usize,
    /// Never write the token that stands for words outside the vocabulary.
    pub forbid_unknown: bool,
}

/// A length that grows with the source's: ⌊ratio · source length⌋ + constant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelativeLength {
    /// Tokens for each of the source's.
    pub ratio: f64,
    /// Tokens beside those.
    pub constant: usize,
}

impl RelativeLength {
    fn of(&self, source_length: usize) -> usize {
        let proportional = (self.ratio * source_length as f64).floor() as usize;
        proportional.saturating_add(self.constant)
    }
}

impl Default for Constraints {
    fn default() -> Self {
        Self {
            min_length: 0,
            max_length: 200,
            max_relative: None,
            no_repeat_ngram: 0,
            forbid_unknown: false,
        }
    }
}

/// More tokens than anything that is searched for has.
const MAX_LENGTH: usize = 100_000;

impl Constraints {
    /// The same with at least so many tokens.
    pub fn with_min_length(mut self, min_length: usize) -> Self {
        self.min_length = min_length;
        self
    }

    /// The same with at most so many tokens.
    pub fn with_max_length(mut self, max_length: usize) -> Self {
        self.max_length = max_length;
        self
    }

    /// The same with at most ⌊ratio · source length⌋ + constant tokens.
    pub fn with_max_relative(mut self, ratio: f64, constant: usize) -> Self {
        self.max_relative = Some(RelativeLength { ratio, constant });
        self
    }

    /// The same without repeated sequences of n tokens.
    pub fn with_no_repeat_ngram(mut self, n: usize) -> Self {
        self.no_repeat_ngram = n;
        self
    }

    /// The same without the unknown token.
    pub fn without_unknown(mut self) -> Self {
        self.forbid_unknown = true;
        self
    }

    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let (min, max) = (self.min_length, self.max_length);
        if max > MAX_LENGTH {
            let message = format!("must be at most {MAX_LENGTH}, not {max}");
            return Err(("constraints.max_length", message));
        }
        if min > max {
            let message = format!("must be at most constraints.max_length, {max}, not {min}");
            return Err(("constraints.min_length", message));
        }
        match self.max_relative {
            Some(RelativeLength { ratio, .. }) if !(ratio >= 0.0 && ratio.is_finite()) => {
                let message = format!("must be at least 0, not {ratio}");
                Err(("constraints.max_relative.ratio", message))
            }
            _ => Ok(()),
        }
    }

    /// The fewest and the most tokens for a source of this length.
    pub(super) fn lengths(&self, source_length: usize) -> Lengths {
        let relative = self.max_relative.map(|length| length.of(source_length));
        let most = relative.map_or(self.max_length, |length| length.min(self.max_length));
        Lengths {
            fewest: self.min_length.min(most),
            most,
        }
    }
}

/// The fewest and the most tokens that may be written for one source, without the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lengths {
    pub fewest: usize,
    pub most: usize,
}

/// What constraints leave of a decoder's answer.
pub(super) struct Mask {
    end: u32,
    never: Vec<u32>,
    no_repeat_ngram: usize,
}

impl Mask {
    pub(super) fn new(constraints: &Constraints, special: &SpecialTokens) -> Self {
        Self {
            end: special.end,
            never: special.never(constraints),
            no_repeat_ngram: constraints.no_repeat_ngram,
        }
    }

    /// Whether it has to be told the tokens so far.
    pub(super) fn needs_tokens(&self) -> bool {
        self.no_repeat_ngram > 0
    }

    /// Makes impossible in a row's log-probabilities, `[vocab]`, what may not follow `length` tokens, which are
    /// `tokens` if they are needed.
    pub(super) fn apply(&self, row: &mut [f32], length: usize, lengths: Lengths, tokens: &[u32]) {
        if length >= lengths.most {
            let end = row.get(self.end as usize).copied();
            row.fill(f32::NEG_INFINITY);
            if let (Some(place), Some(end)) = (row.get_mut(self.end as usize), end) {
                *place = end;
            }
            return;
        }
        let end = (length < lengths.fewest).then_some(self.end);
        let repeated = self.repeated(tokens);
        for token in self.never.iter().copied().chain(end).chain(repeated) {
            if let Some(place) = row.get_mut(token as usize) {
                *place = f32::NEG_INFINITY;
            }
        }
    }

    /// The tokens that would end an n-gram that was there before.
    fn repeated<'a>(&self, tokens: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        let n = self.no_repeat_ngram;
        let last = tokens.len().checked_sub(n.saturating_sub(1));
        let last = last.map_or(&[][..], |first| &tokens[first..]);
        let windows = tokens.windows(n.max(1)).filter(move |_| n > 0);
        windows.filter_map(move |ngram| {
            let (token, before) = ngram.split_last()?;
            (before == last).then_some(*token)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOCAB: usize = 8;

    /// The tokens that may follow, of 8, of which 2 starts and 3 ends.
    fn allowed(constraints: Constraints, source_length: usize, tokens: &[u32]) -> Vec<u32> {
        let mask = Mask::new(&constraints, &SpecialTokens::new(2, 3));
        let mut row = [-1.0; VOCAB];
        let lengths = constraints.lengths(source_length);
        mask.apply(&mut row, tokens.len(), lengths, tokens);
        (0..)
            .zip(row)
            .filter(|(_, x)| *x == -1.0)
            .map(|(token, _)| token)
            .collect()
    }

    #[test]
    fn padding_and_start_never_follow_and_the_unknown_token_may() {
        let constraints = Constraints::default();
        assert_eq!(allowed(constraints, 9, &[]), [1, 3, 4, 5, 6, 7]);
        assert_eq!(
            allowed(constraints.without_unknown(), 9, &[]),
            [3, 4, 5, 6, 7]
        );
    }

    #[test]
    fn the_end_may_be_the_same_token_as_the_start() {
        let mask = Mask::new(&Constraints::default(), &SpecialTokens::new(3, 3));
        let mut row = [-1.0; VOCAB];
        mask.apply(&mut row, 0, Constraints::default().lengths(1), &[]);
        assert_eq!((row[0], row[3]), (f32::NEG_INFINITY, -1.0));
    }

    #[test]
    fn the_end_waits_for_the_fewest_tokens_and_is_forced_after_the_most() {
        let constraints = Constraints::default().with_min_length(2).with_max_length(3);
        assert_eq!(allowed(constraints, 9, &[4]), [1, 4, 5, 6, 7]);
        assert_eq!(allowed(constraints, 9, &[4, 4]), [1, 3, 4, 5, 6, 7]);
        assert_eq!(allowed(constraints, 9, &[4, 4, 4]), [3]);
    }

    #[test]
    fn the_most_tokens_follow_from_the_source() {
        let constraints = Constraints::default()
            .with_min_length(7)
            .with_max_length(10);
        let lengths = |constraints: Constraints, source_length| {
            let Lengths { fewest, most } = constraints.lengths(source_length);
            (fewest, most)
        };
        assert_eq!(lengths(constraints, 3), (7, 10));
        let constraints = constraints.with_max_relative(1.5, 2);
        // ⌊1.5 · 3⌋ + 2, ⌊1.5 · 4⌋ + 2, and no more than 10.
        assert_eq!(lengths(constraints, 3), (6, 6));
        assert_eq!(lengths(constraints, 4), (7, 8));
        assert_eq!(lengths(constraints, 40), (7, 10));
        let huge = constraints.with_max_relative(1e300, usize::MAX);
        assert_eq!(lengths(huge, 40), (7, 10));
    }

    #[test]
    fn ngrams_that_were_there_do_not_come_again() {
        let allowed =
            |n, tokens: &[u32]| allowed(Constraints::default().with_no_repeat_ngram(n), 9, tokens);
        // 4 5 was followed by 6 and by 7.
        let tokens = [4, 5, 6, 4, 5, 7, 4, 5];
        assert_eq!(allowed(0, &tokens), [1, 3, 4, 5, 6, 7]);
        assert_eq!(allowed(3, &tokens), [1, 3, 4, 5]);
        assert_eq!(allowed(2, &tokens), [1, 3, 4, 5]);
        assert_eq!(allowed(1, &tokens), [1, 3]);
        assert_eq!(allowed(4, &tokens), [1, 3, 4, 5, 6, 7]);
        // The end of one is the beginning of the next.
        assert_eq!(allowed(3, &[4, 4, 4]), [1, 3, 5, 6, 7]);
        assert_eq!(allowed(3, &[4]), [1, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn values_out_of_range_are_refused_by_key() {
        let refused = |constraints: Constraints| constraints.check().err().map(|(key, _)| key);
        let constraints = Constraints::default();
        assert_eq!(refused(constraints), None);
        let short = constraints.with_min_length(5).with_max_length(4);
        assert_eq!(refused(short), Some("constraints.min_length"));
        let long = constraints.with_max_length(usize::MAX);
        assert_eq!(refused(long), Some("constraints.max_length"));
        for ratio in [-1.0, f64::NAN, f64::INFINITY] {
            let relative = constraints.with_max_relative(ratio, 1);
            assert_eq!(refused(relative), Some("constraints.max_relative.ratio"));
        }
    }
}
