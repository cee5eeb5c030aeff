//! Choosing the next token from its logits.

use std::cmp::Ordering;

use lstm_core::RandomStream;
use serde::{Deserialize, Serialize};

/// How the next token is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// What logits are divided by: below 1 the probable becomes more probable; 0 always takes the most
    /// probable token.
    pub temperature: f64,
    /// Only so many of the most probable tokens are in play (Fan et al. 2018); 0 for all.
    pub top_k: usize,
    /// Only the most probable tokens that together have this probability are in play (nucleus sampling,
    /// Holtzman et al. 2020); 1 for all.
    pub top_p: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
        }
    }
}

impl Sampling {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let (temperature, top_p) = (self.temperature, self.top_p);
        if !(temperature >= 0.0 && temperature.is_finite()) {
            let message = format!("must be at least 0, not {temperature}");
            return Err(("sampling.temperature", message));
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            let message = format!("must be above 0 and at most 1, not {top_p}");
            return Err(("sampling.top_p", message));
        }
        Ok(())
    }

    /// The next token, from logits or log-probabilities; −∞ and NaN cannot follow. `None` if there is nothing else.
    pub fn choose(&self, logits: &[f32], random: &mut RandomStream) -> Option<u32> {
        let numbers = (0..).zip(logits).filter(|(_, x)| **x > f32::NEG_INFINITY);
        // Of equals the first.
        let greatest = numbers
            .clone()
            .reduce(|best, other| if other.1 > best.1 { other } else { best });
        let (greatest, top) = greatest?;
        if self.temperature == 0.0 || top.is_infinite() {
            return Some(greatest);
        }
        let candidate = |(token, logit): (u32, &f32)| Candidate {
            token,
            logit: *logit,
            weight: ((f64::from(*logit) - f64::from(*top)) / self.temperature).exp(),
        };
        let mut candidates: Vec<Candidate> = numbers.map(candidate).collect();
        if self.top_k > 0 {
            keep_first(&mut candidates, self.top_k);
        }
        if self.top_p < 1.0 {
            keep_nucleus(&mut candidates, self.top_p);
        }
        let mut rest = random.uniform() * whole(&candidates);
        let chosen = candidates.iter().find(|candidate| {
            rest -= candidate.weight;
            rest < 0.0
        });
        // Rounding may leave a rest after the last.
        Some(chosen.or(candidates.last())?.token)
    }
}

/// A token that may be chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    token: u32,
    logit: f32,
    /// Its probability times a factor that all have.
    weight: f64,
}

/// The most probable comes first; of equals the first token.
fn rank(a: &Candidate, b: &Candidate) -> Ordering {
    b.logit.total_cmp(&a.logit).then(a.token.cmp(&b.token))
}

fn whole(candidates: &[Candidate]) -> f64 {
    candidates.iter().map(|candidate| candidate.weight).sum()
}

/// Keeps the `count` most probable candidates, in the order they were in. Nothing is sorted: that would
/// take longer than to multiply by a large vocabulary's matrix.
fn keep_first(candidates: &mut Vec<Candidate>, count: usize) {
    if count < candidates.len() {
        let mut ranked = candidates.clone();
        let last = *ranked.select_nth_unstable_by(count - 1, rank).1;
        candidates.retain(|candidate| rank(candidate, &last).is_le());
    }
}

/// Candidates that are sorted rather than halved once more.
const SORTED: usize = 64;

/// Keeps the most probable candidates that together have this share of all weights, in the order they were
/// in. It halves the candidates, then the half in which the share is reached, and so on.
fn keep_nucleus(candidates: &mut Vec<Candidate>, share: f64) {
    let enough = share * whole(candidates);
    let mut ranked = candidates.clone();
    let mut rest = &mut ranked[..];
    let mut before = 0.0;
    while rest.len() > SORTED {
        let middle = rest.len() / 2;
        rest.select_nth_unstable_by(middle, rank);
        let (first, second) = rest.split_at_mut(middle);
        let with_first = before + whole(first);
        rest = if with_first >= enough {
            first
        } else {
            before = with_first;
            second
        };
    }
    rest.sort_unstable_by(rank);
    let last = rest.iter().find(|candidate| {
        before += candidate.weight;
        before >= enough
    });
    // Rounding may leave something after the last: then it is all of them.
    if let Some(last) = last {
        candidates.retain(|candidate| rank(candidate, last).is_le());
    }
}

#[cfg(test)]
mod tests {
    use lstm_core::{Purpose, RandomSource};
    use proptest::prelude::*;

    use super::*;

    const LOGITS: [f32; 5] = [0.0, 2.0, 1.0, f32::NAN, -1.0];

    fn random(seed: u64) -> RandomStream {
        RandomSource::new(seed).stream(Purpose::named("test"), 0)
    }

    /// How often each token is chosen of a thousand times.
    fn counts(sampling: Sampling) -> [usize; 5] {
        let mut random = random(1);
        let mut counts = [0; 5];
        for _ in 0..1000 {
            counts[sampling.choose(&LOGITS, &mut random).unwrap() as usize] += 1;
        }
        counts
    }

    #[test]
    fn tokens_come_as_often_as_the_softmax_says() {
        let counts = counts(Sampling::default());
        let whole: f64 = [0.0, 2.0, 1.0, -1.0].iter().map(|x: &f64| x.exp()).sum();
        for (token, logit) in [(0, 0.0_f64), (1, 2.0), (2, 1.0), (4, -1.0)] {
            let expected = 1000.0 * logit.exp() / whole;
            // Four standard deviations at most.
            assert!((counts[token] as f64 - expected).abs() < 64.0, "{counts:?}");
        }
        assert_eq!(counts[3], 0);
    }

    #[test]
    fn temperature_0_takes_the_most_probable() {
        let greedy = Sampling {
            temperature: 0.0,
            ..Sampling::default()
        };
        assert_eq!(counts(greedy), [0, 1000, 0, 0, 0]);
    }

    #[test]
    fn only_the_top_is_in_play() {
        let top_k = Sampling {
            top_k: 2,
            ..Sampling::default()
        };
        let [first, second, third, _, fifth] = counts(top_k);
        assert!(first == 0 && fifth == 0 && second > third && third > 0);
        // The most probable alone has 0.64.
        let top_p = Sampling {
            top_p: 0.6,
            ..Sampling::default()
        };
        assert_eq!(counts(top_p), [0, 1000, 0, 0, 0]);
    }

    #[test]
    fn the_same_tokens_are_in_play_as_if_all_were_sorted() {
        let mut random = random(7);
        // Many are equal.
        let candidate = |token| {
            let logit = random.below(64) as f32 / 8.0;
            let weight = f64::from(logit).exp();
            Candidate {
                token,
                logit,
                weight,
            }
        };
        let all: Vec<Candidate> = (0..1000).map(candidate).collect();
        let mut sorted = all.clone();
        sorted.sort_by(rank);
        let in_order = |mut first: Vec<Candidate>| {
            first.sort_by_key(|candidate| candidate.token);
            first
        };

        for count in [1, 2, 70, 999, 1000, 2000] {
            let mut kept = all.clone();
            keep_first(&mut kept, count);
            assert_eq!(kept, in_order(sorted[..count.min(1000)].to_vec()));
        }
        for place in [0, 1, 62, 63, 64, 65, 127, 128, 300, 499, 500, 998] {
            // Enough with that one, and not without.
            let enough = whole(&sorted[..place]) + 0.5 * sorted[place].weight;
            let mut kept = all.clone();
            keep_nucleus(&mut kept, enough / whole(&all));
            assert_eq!(kept, in_order(sorted[..=place].to_vec()), "{place}");
        }
        let mut kept = all.clone();
        keep_nucleus(&mut kept, 2.0);
        assert_eq!(kept, all);
    }

    #[test]
    fn what_is_no_number_or_impossible_is_never_chosen() {
        let choose = |logits: &[f32]| Sampling::default().choose(logits, &mut random(1));
        assert_eq!(choose(&[f32::NAN, f32::NEG_INFINITY]), None);
        assert_eq!(choose(&[f32::NEG_INFINITY, -90.0, f32::NAN]), Some(1));
    }

    #[test]
    fn values_out_of_range_are_refused_by_key() {
        let refused = |temperature, top_p| {
            let sampling = Sampling {
                temperature,
                top_k: 0,
                top_p,
            };
            sampling.check().err().map(|(key, _)| key)
        };
        assert_eq!(refused(0.0, 1.0), None);
        for temperature in [-0.1, f64::NAN, f64::INFINITY] {
            assert_eq!(refused(temperature, 1.0), Some("sampling.temperature"));
        }
        for top_p in [0.0, 1.1, f64::NAN] {
            assert_eq!(refused(1.0, top_p), Some("sampling.top_p"));
        }
    }

    proptest! {
        #[test]
        fn the_choice_is_one_of_the_tokens(
            logits in prop::collection::vec(-50.0_f32..50.0, 1..20),
            temperature in 0.0..3.0,
            top_k in 0usize..25,
            top_p in 0.0..=1.0,
            seed in 0u64..50,
        ) {
            let sampling = Sampling { temperature, top_k, top_p };
            let token = sampling.choose(&logits, &mut random(seed)).unwrap();
            prop_assert!((token as usize) < logits.len());
        }
    }
}
