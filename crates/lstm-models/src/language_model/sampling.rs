//! Choosing the next token from its logits.

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
        let mut order: Vec<u32> = (0..logits.len() as u32)
            .filter(|token| !logits[*token as usize].is_nan())
            .collect();
        // The most probable first; of equals the first.
        let logit = |token: &u32| logits[*token as usize];
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
        if self.top_k > 0 || self.top_p < 1.0 {
            order.sort_by(|a, b| logit(b).total_cmp(&logit(a)));
        }
        if self.top_k > 0 {
            order.truncate(self.top_k);
        }
        let top = f64::from(logit(&greatest));
        let weight = |token: &u32| ((f64::from(logit(token)) - top) / self.temperature).exp();
        let mut weights: Vec<f64> = order.iter().map(weight).collect();
        if self.top_p < 1.0 {
            let enough = self.top_p * weights.iter().sum::<f64>();
            let mut sum = 0.0;
            let kept = weights.iter().position(|weight| {
                sum += weight;
                sum >= enough
            });
            weights.truncate(kept.map_or(weights.len(), |last| last + 1));
        }
        let mut rest = random.uniform() * weights.iter().sum::<f64>();
        let chosen = weights.iter().position(|weight| {
            rest -= weight;
            rest < 0.0
        });
        // Rounding may leave a rest after the last.
        Some(order[chosen.unwrap_or(weights.len() - 1)])
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
