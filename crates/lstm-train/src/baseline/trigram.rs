//! An interpolated trigram with Kneser and Ney's discounting: what a language model that reads further
//! than two words back has to beat.
//!
//! p₃(w | u v) = max(c(u v w) − D₃, 0) / c(u v) + D₃ · N(u v ·) / c(u v) · p₂(w | v), and so on down to the
//! uniform distribution; below the trigram, counts are of different contexts (Kneser and Ney 1995, in the
//! interpolated form of Chen and Goodman 1999, with one discount D = n₁ / (n₁ + 2 n₂) an order).

use std::collections::HashMap;

/// A trained trigram model.
#[derive(Debug, Clone)]
pub struct Trigram {
    vocab: usize,
    /// What comes before the first token.
    start: u32,
    trigrams: Order<[u32; 2]>,
    bigrams: Order<[u32; 1]>,
    unigrams: Order<[u32; 0]>,
}

/// The counts of one order: of tokens in contexts.
#[derive(Debug, Clone)]
struct Order<C> {
    counts: HashMap<(C, u32), u32>,
    contexts: HashMap<C, Context>,
    discount: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Context {
    /// The sum of the counts of all tokens in it.
    total: u64,
    /// How many different tokens there are in it.
    kinds: u64,
}

impl<C: Copy + Eq + std::hash::Hash> Order<C> {
    fn new(counts: HashMap<(C, u32), u32>) -> Self {
        let mut contexts: HashMap<C, Context> = HashMap::new();
        let (mut once, mut twice) = (0_u64, 0_u64);
        for ((context, _), count) in &counts {
            let context = contexts.entry(*context).or_default();
            context.total += u64::from(*count);
            context.kinds += 1;
            once += u64::from(*count == 1);
            twice += u64::from(*count == 2);
        }
        let discount = match once {
            0 => 0.0,
            _ => once as f64 / (once + 2 * twice) as f64,
        };
        Self {
            counts,
            contexts,
            discount,
        }
    }

    /// The probability of a token in a context, where the shorter context gives it `lower`.
    fn probability(&self, context: C, token: u32, lower: f64) -> f64 {
        let Some(known) = self.contexts.get(&context) else {
            return lower;
        };
        let count = self.counts.get(&(context, token)).copied().unwrap_or(0);
        let seen = (f64::from(count) - self.discount).max(0.0);
        (seen + self.discount * known.kinds as f64 * lower) / known.total as f64
    }
}

impl Trigram {
    /// Counts the tokens of a text, all below `vocab`, that begins after the token `start`.
    pub fn fit(tokens: &[u32], vocab: usize, start: u32) -> Self {
        let mut trigrams: HashMap<([u32; 2], u32), u32> = HashMap::new();
        let mut context = [start; 2];
        for token in tokens {
            *trigrams.entry((context, *token)).or_default() += 1;
            context = [context[1], *token];
        }
        // Of the lower orders: in how many contexts one longer a token stands.
        let mut bigrams: HashMap<([u32; 1], u32), u32> = HashMap::new();
        for ([_, last], token) in trigrams.keys() {
            *bigrams.entry(([*last], *token)).or_default() += 1;
        }
        let mut unigrams: HashMap<([u32; 0], u32), u32> = HashMap::new();
        for (_, token) in bigrams.keys() {
            *unigrams.entry(([], *token)).or_default() += 1;
        }
        Self {
            vocab,
            start,
            trigrams: Order::new(trigrams),
            bigrams: Order::new(bigrams),
            unigrams: Order::new(unigrams),
        }
    }

    /// The probability of a token after two others.
    pub fn probability(&self, context: [u32; 2], token: u32) -> f64 {
        let lower = 1.0 / self.vocab as f64;
        let lower = self.unigrams.probability([], token, lower);
        let lower = self.bigrams.probability([context[1]], token, lower);
        self.trigrams.probability(context, token, lower)
    }

    /// The perplexity of a text, each of whose tokens counts.
    pub fn perplexity(&self, tokens: &[u32]) -> f64 {
        let mut context = [self.start; 2];
        let mut nll = 0.0;
        for token in tokens {
            nll -= self.probability(context, *token).ln();
            context = [context[1], *token];
        }
        (nll / tokens.len() as f64).exp()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By hand. Text a b a b b after a (a = 0, b = 1), vocabulary of 3. Trigrams: aa·a? The contexts are
    /// (0,0)→0, (0,0)→1, (0,1)→0, (1,0)→1, (0,1)→1, each once, so D₃ = 1. Bigrams of different contexts:
    /// 0→0, 0→1 twice (after 0 and after 1), 1→0, 1→1: n₁ = 3, n₂ = 1, D₂ = 3/5. Unigrams: 0 and 1, in two
    /// contexts each: n₁ = 0, D₁ = 0, so p₁ = 1/2 and the third token has no probability.
    #[test]
    fn probabilities_are_those_of_a_count_by_hand() {
        let model = Trigram::fit(&[0, 1, 0, 1, 1], 3, 0);
        // p₂(1 | 0) = (2 − 0.6)/3 + 0.6·2/3·½ = 2/3
        let of_bigram = 2.0 / 3.0;
        // A context that was never seen: the bigram decides.
        assert!((model.probability([2, 0], 1) - of_bigram).abs() < 1e-12);
        // p₃(1 | 0 0) = (1 − 1)/2 + 1·2/2·p₂(1 | 0)
        assert!((model.probability([0, 0], 1) - of_bigram).abs() < 1e-12);
        assert_eq!(model.probability([0, 0], 2), 0.0);
    }

    #[test]
    fn a_text_that_repeats_is_foretold() {
        let text: Vec<u32> = (0..3000).map(|at| at % 3).collect();
        let model = Trigram::fit(&text, 3, 0);
        assert!(model.perplexity(&text) < 1.01);
    }

    proptest! {
        #[test]
        fn probabilities_add_up_to_1(
            tokens in prop::collection::vec(0_u32..6, 1..60),
            context: [u8; 2],
        ) {
            let model = Trigram::fit(&tokens, 6, 0);
            let context = context.map(|token| u32::from(token) % 6);
            let sum: f64 = (0..6).map(|token| model.probability(context, token)).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        }
    }
}
