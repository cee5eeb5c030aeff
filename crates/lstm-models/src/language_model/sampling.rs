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
    /// The next token; `None` if no logit is a number.
    pub fn choose(&self, logits: &[f32], random: &mut RandomStream) -> Option<u32> {
        let logit = |token: &u32| logits[*token as usize];
        let mut order: Vec<u32> = (0..logits.len() as u32)
            .filter(|token| !logit(token).is_nan())
            .collect();
        let greatest = order.iter().copied().reduce(|best, token| {
            if logit(&token) > logit(&best) {
                token
            } else {
                best
            }
        })?;
        if self.temperature == 0.0 || logit(&greatest).is_infinite() {
            return Some(greatest);
        }
        // The most probable first; of equals the first.
        let rank = |a: &u32, b: &u32| logit(b).total_cmp(&logit(a)).then(a.cmp(b));
        let top = f64::from(logit(&greatest));
        let weight = |token: &u32| ((f64::from(logit(token)) - top) / self.temperature).exp();
        if self.top_k > 0 {
            let in_play = bring_forward(&mut order, self.top_k, rank);
            order.truncate(in_play);
        }
        if self.top_p < 1.0 {
            let enough = self.top_p * order.iter().map(weight).sum::<f64>();
            let in_play = bring_nucleus_forward(&mut order, enough, rank, weight);
            order.truncate(in_play);
        }
        let weights: Vec<f64> = order.iter().map(weight).collect();
        let mut rest = random.uniform() * weights.iter().sum::<f64>();
        let chosen = weights.iter().position(|weight| {
            rest -= weight;
            rest < 0.0
        });
        // Rounding may leave a rest after the last.
        Some(order[chosen.unwrap_or(weights.len() - 1)])
    }
}

/// Brings the first `count` tokens in the order of `rank` to the front, in that order; how many there are.
/// The others are not sorted: of a large vocabulary few tokens are in play.
fn bring_forward(
    tokens: &mut [u32],
    count: usize,
    rank: impl Fn(&u32, &u32) -> Ordering + Copy,
) -> usize {
    let count = count.min(tokens.len());
    if count < tokens.len() {
        tokens.select_nth_unstable_by(count, rank);
    }
    tokens[..count].sort_unstable_by(rank);
    count
}

/// Tokens that are brought forward at first where it is not known how many it takes.
const NUCLEUS: usize = 64;

/// Brings the first tokens in the order of `rank` whose weights add up to `enough` to the front, in that
/// order; how many they are.
fn bring_nucleus_forward(
    tokens: &mut [u32],
    enough: f64,
    rank: impl Fn(&u32, &u32) -> Ordering + Copy,
    weight: impl Fn(&u32) -> f64,
) -> usize {
    let (mut sorted, mut sum) = (0, 0.0);
    while sorted < tokens.len() {
        // As many again as there are.
        let rest = &mut tokens[sorted..];
        let count = bring_forward(rest, sorted.max(NUCLEUS), rank);
        let last = rest[..count].iter().position(|token| {
            sum += weight(token);
            sum >= enough
        });
        if let Some(last) = last {
            return sorted + last + 1;
        }
        sorted += count;
    }
    tokens.len()
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
    fn the_same_tokens_come_forward_as_if_all_were_sorted() {
        // Many are equal.
        let mut random = random(7);
        let logits: Vec<f32> = (0..1000).map(|_| random.below(64) as f32 / 8.0).collect();
        let rank = |a: &u32, b: &u32| {
            let [of_a, of_b] = [a, b].map(|token| logits[*token as usize]);
            of_b.total_cmp(&of_a).then(a.cmp(b))
        };
        let weight = |token: &u32| f64::from(logits[*token as usize]).exp();
        let all: Vec<u32> = (0..1000).collect();
        let mut sorted = all.clone();
        sorted.sort_by(rank);

        for count in [1, 2, 70, 999, 1000, 2000] {
            let mut tokens = all.clone();
            let found = bring_forward(&mut tokens, count, rank);
            assert_eq!(tokens[..found], sorted[..count.min(1000)]);
        }
        for place in [0, 1, 62, 63, 64, 65, 127, 128, 300, 998] {
            // Enough with that token, and not without.
            let before: f64 = sorted[..place].iter().map(weight).sum();
            let enough = before + 0.5 * weight(&sorted[place]);
            let mut tokens = all.clone();
            let found = bring_nucleus_forward(&mut tokens, enough, rank, weight);
            assert_eq!(tokens[..found], sorted[..=place]);
        }
        let mut tokens = all.clone();
        let found = bring_nucleus_forward(&mut tokens, f64::INFINITY, rank, weight);
        assert_eq!(tokens[..found], sorted);
    }

    #[test]
    fn without_a_number_there_is_no_choice() {
        assert_eq!(
            Sampling::default().choose(&[f32::NAN; 3], &mut random(1)),
            None
        );
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
