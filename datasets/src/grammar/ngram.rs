//! An n-gram model to hold the best possible perplexity against.

use std::collections::{HashMap, HashSet};

use super::END;

/// What stands before the first word.
const START: &str = "<s>";
/// What is taken off every count and given to what was not seen.
const DISCOUNT: f64 = 0.75;

type Counts<'a> = HashMap<Vec<&'a str>, f64>;

/// Interpolated Kneser-Ney with one discount (Kneser and Ney 1995; Chen and Goodman 1999).
pub struct KneserNey<'a> {
    order: usize,
    vocabulary: f64,
    /// For 1, 2 … `order` words: how often they stand there; below `order`: after how many words.
    counts: Vec<Counts<'a>>,
    /// For each context: the sum of its counts, and how many words have one.
    contexts: Vec<HashMap<Vec<&'a str>, (f64, f64)>>,
}

fn tokens(line: &str, order: usize) -> Vec<&str> {
    let start = std::iter::repeat_n(START, order - 1);
    start.chain(line.split(' ')).chain([END]).collect()
}

impl<'a> KneserNey<'a> {
    /// A model of `order` words.
    pub fn new(lines: &[&'a str], order: usize) -> Self {
        let mut counts = vec![Counts::new(); order];
        for line in lines {
            for gram in tokens(line, order).windows(order) {
                *counts[order - 1].entry(gram.to_vec()).or_default() += 1.0;
            }
        }
        for shorter in (0..order - 1).rev() {
            let grams: Vec<_> = counts[shorter + 1]
                .keys()
                .map(|g| g[1..].to_vec())
                .collect();
            for gram in grams {
                *counts[shorter].entry(gram).or_default() += 1.0;
            }
        }
        let mut contexts = vec![HashMap::<_, (f64, f64)>::new(); order];
        for (counts, contexts) in counts.iter().zip(&mut contexts) {
            for (gram, count) in counts {
                let context = contexts.entry(gram[..gram.len() - 1].to_vec()).or_default();
                context.0 += count;
                context.1 += 1.0;
            }
        }
        let words: HashSet<_> = lines.iter().flat_map(|line| line.split(' ')).collect();
        Self {
            order,
            vocabulary: words.len() as f64 + 1.0,
            counts,
            contexts,
        }
    }

    fn probability(&self, gram: &[&str]) -> f64 {
        let mut probability = 1.0 / self.vocabulary;
        for words in 1..=self.order {
            let gram = &gram[self.order - words..];
            let Some((sum, kinds)) = self.contexts[words - 1].get(&gram[..words - 1]) else {
                break;
            };
            let count = self.counts[words - 1].get(gram).copied().unwrap_or(0.0);
            // p(w | c) = max(n(c w) - D, 0) / n(c) + D · kinds(c) / n(c) · p(w | shorter c)
            probability = ((count - DISCOUNT).max(0.0) + DISCOUNT * kinds * probability) / sum;
        }
        probability
    }

    /// exp of the mean negative log-probability of all words and ends.
    pub fn perplexity(&self, lines: &[&str]) -> f64 {
        let (mut sum, mut count) = (0.0, 0);
        for line in lines {
            for gram in tokens(line, self.order).windows(self.order) {
                sum -= self.probability(gram).ln();
                count += 1;
            }
        }
        (sum / f64::from(count)).exp()
    }
}

#[test]
fn the_probabilities_of_all_words_add_up_to_one() {
    let lines = ["the dog runs .", "the dogs run .", "the dog eats the cat ."];
    let model = KneserNey::new(&lines, 3);
    let words = ["the", "dog", "dogs", "runs", "run", "eats", "cat", ".", END];
    for context in [
        ["the", "dog"],
        ["dog", "eats"],
        ["cat", "the"],
        [START, START],
    ] {
        let probability = |word| model.probability(&[context[0], context[1], word]);
        let sum: f64 = words.into_iter().map(probability).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{context:?}: {sum}");
    }
}
