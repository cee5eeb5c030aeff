//! A sentence that has begun: what can come next, and how likely it is.

use super::END;
use super::choices::ONE;
use super::rules::Symbol;
use crate::random::SplitMix64;

/// The beginning of a sentence.
///
/// ```
/// use datasets::grammar::Prefix;
///
/// let mut prefix = Prefix::new();
/// for word in "some dogs that the girl near the clocks".split(' ') {
///     prefix.read(word).expect("the grammar has this beginning");
/// }
/// // The clocks are not who does it, and dogs are fed or trained.
/// let words: Vec<_> = prefix.next_words().into_iter().map(|(word, _)| word).collect();
/// assert_eq!(words, ["who", "feeds", "trains"]);
/// assert_eq!(prefix.read("feeds"), Some(0.9 * 0.6));
/// // The girl's verb was singular, the next is that of the dogs.
/// assert_eq!(prefix.read("runs"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// What the sentence owes, the next last.
    stack: Vec<Symbol>,
    ended: bool,
}

impl Default for Prefix {
    fn default() -> Self {
        Self::new()
    }
}

impl Prefix {
    /// No word yet.
    pub fn new() -> Self {
        Self {
            stack: vec![Symbol::Sentence],
            ended: false,
        }
    }

    /// Every word that can come next, and its probability, which add up to 1. [`END`] stands for
    /// the end of the sentence; after it nothing comes.
    pub fn next_words(&self) -> Vec<(&'static str, f64)> {
        let mut words = Vec::new();
        let mut here = 1.0;
        for symbol in self.stack.iter().rev() {
            let choices = symbol.choices();
            let weighed = choices
                .words
                .iter()
                .map(|c| (c.word, here * share(c.weight)));
            words.extend(weighed);
            if choices.skip == 0 {
                return words;
            }
            here *= share(choices.skip);
        }
        if !self.ended {
            words.push((END, here));
        }
        words
    }

    /// Goes on by one word, or to the end with [`END`]; returns its probability, or `None`, and
    /// then nothing is changed, if the sentence cannot go on like this.
    pub fn read(&mut self, word: &str) -> Option<f64> {
        let mut probability = 1.0;
        for (depth, symbol) in self.stack.iter().enumerate().rev() {
            let choices = symbol.choices();
            if let Some(choice) = choices.words.into_iter().find(|c| c.word == word) {
                self.stack.truncate(depth);
                self.stack.extend(choice.then.into_iter().rev());
                return Some(probability * share(choice.weight));
            }
            if choices.skip == 0 {
                return None;
            }
            probability *= share(choices.skip);
        }
        if self.ended || word != END {
            return None;
        }
        self.stack.clear();
        self.ended = true;
        Some(probability)
    }

    /// Goes on by a random word, or to the end with [`END`].
    pub(super) fn draw(&mut self, random: &mut SplitMix64) -> &'static str {
        while let Some(symbol) = self.stack.pop() {
            let choices = symbol.choices();
            let mut point = random.below(ONE as usize) as u32;
            for choice in choices.words {
                if point < choice.weight {
                    self.stack.extend(choice.then.into_iter().rev());
                    return choice.word;
                }
                point -= choice.weight;
            }
        }
        self.ended = true;
        END
    }
}

fn share(weight: u32) -> f64 {
    f64::from(weight) / f64::from(ONE)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Every beginning with another stack: there are finitely many, because depth is bounded.
    fn all() -> HashSet<Prefix> {
        let mut seen = HashSet::from([Prefix::new()]);
        let mut unread = vec![Prefix::new()];
        while let Some(prefix) = unread.pop() {
            for (word, probability) in prefix.next_words() {
                let mut longer = prefix.clone();
                assert_eq!(longer.read(word), Some(probability), "{prefix:?}: {word}");
                if seen.insert(longer.clone()) {
                    unread.push(longer);
                }
            }
        }
        seen
    }

    #[test]
    fn no_word_has_two_readings_and_the_probabilities_of_all_words_add_up_to_one() {
        for prefix in all() {
            let words = prefix.next_words();
            let different: HashSet<_> = words.iter().map(|(word, _)| word).collect();
            assert_eq!(different.len(), words.len(), "{prefix:?}: {words:?}");
            let sum: f64 = words.iter().map(|(_, probability)| probability).sum();
            let expected = if prefix.ended { 0.0 } else { 1.0 };
            assert!((sum - expected).abs() < 1e-12, "{prefix:?}: {sum}");
        }
    }

    #[test]
    fn words_are_drawn_as_often_as_they_are_likely() {
        let mut prefix = Prefix::new();
        prefix.read("the").expect("a sentence begins like this");
        prefix.read("dogs").expect("a noun follows an article");
        let mut random = SplitMix64::new(1);
        let draws: Vec<_> = (0..50_000)
            .map(|_| prefix.clone().draw(&mut random))
            .collect();
        for (word, probability) in prefix.next_words() {
            let count = draws.iter().filter(|drawn| **drawn == word).count();
            let found = count as f64 / draws.len() as f64;
            assert!(
                (found - probability).abs() < 0.01,
                "{word}: {found}, {probability}"
            );
        }
    }

    #[test]
    fn a_word_that_cannot_come_changes_nothing() {
        let mut prefix = Prefix::new();
        prefix.read("every").expect("a sentence begins like this");
        let before = prefix.clone();
        for word in ["dogs", "every", "", END, "nonsense"] {
            assert_eq!(prefix.read(word), None);
            assert_eq!(prefix, before);
        }
    }
}
