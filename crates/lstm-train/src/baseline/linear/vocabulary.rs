//! From a text to the features that a linear model sees.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use super::Features;
use crate::corpus::Corpus;

/// Lower-cased runs of letters and digits, and other marks one by one.
fn tokens(lower_cased: &str) -> impl Iterator<Item = &str> {
    let mut rest = lower_cased;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let end = if in_word(first) {
            rest.find(|c| !in_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, behind) = rest.split_at(end);
        rest = behind;
        Some(token)
    })
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Which feature each known word and pair is. Numbers follow the order of first occurrence, so
/// they do not depend on the hash map.
#[derive(Debug, Clone)]
pub(super) struct Vocabulary {
    words: HashMap<String, u32>,
    /// Pairs of words, by the words' features.
    pairs: HashMap<(u32, u32), u32>,
    /// The number of features; 0 is the one that every text has.
    pub size: usize,
}

/// A feature must be in this many texts ...
const MIN_TEXTS: u32 = 2;
/// ... unless there are fewer texts than this.
pub(super) const TINY_CORPUS: usize = 100;

impl Vocabulary {
    pub fn learn(corpus: &Corpus, features: Features) -> Self {
        let min_texts = if corpus.len() < TINY_CORPUS {
            1
        } else {
            MIN_TEXTS
        };
        let mut vocabulary = Self {
            words: HashMap::new(),
            pairs: HashMap::new(),
            size: 1,
        };

        let mut words = TextCounter::new();
        for (number, text) in corpus.texts().enumerate() {
            for word in tokens(&text.to_lowercase()) {
                words.see(word, number);
            }
        }
        vocabulary.words = words.number(min_texts, &mut vocabulary.size);
        if features == Features::Words {
            return vocabulary;
        }

        // A pair in enough texts is made of words in enough texts.
        let mut pairs = TextCounter::new();
        for (number, text) in corpus.texts().enumerate() {
            vocabulary.for_each_pair(&text.to_lowercase(), |pair| pairs.see(&pair, number));
        }
        vocabulary.pairs = pairs.number(min_texts, &mut vocabulary.size);
        vocabulary
    }

    fn for_each_pair(&self, lower_cased: &str, mut visit: impl FnMut((u32, u32))) {
        let mut previous = None;
        for token in tokens(lower_cased) {
            let word = self.words.get(token).copied();
            if let (Some(first), Some(second)) = (previous, word) {
                visit((first, second));
            }
            previous = word;
        }
    }

    /// The features of a text, sorted, each once.
    pub fn features(&self, text: &str) -> Vec<u32> {
        let text = text.to_lowercase();
        let mut features = vec![0];
        features.extend(tokens(&text).filter_map(|token| self.words.get(token)));
        if !self.pairs.is_empty() {
            self.for_each_pair(&text, |pair| features.extend(self.pairs.get(&pair)));
        }
        features.sort_unstable();
        features.dedup();
        features
    }
}

/// Counts in how many texts something occurs.
struct TextCounter<K> {
    places: HashMap<K, usize>,
    /// In order of first occurrence: the last text that has it, and how many have.
    counts: Vec<(usize, u32)>,
}

impl<K: Eq + Hash> TextCounter<K> {
    fn new() -> Self {
        Self {
            places: HashMap::new(),
            counts: Vec::new(),
        }
    }

    fn see<Q: Eq + Hash + ToOwned<Owned = K> + ?Sized>(&mut self, key: &Q, text: usize)
    where
        K: Borrow<Q>,
    {
        match self.places.get(key) {
            Some(&place) => {
                let (last, count) = &mut self.counts[place];
                if *last != text {
                    (*last, *count) = (text, *count + 1);
                }
            }
            None => {
                self.places.insert(key.to_owned(), self.counts.len());
                self.counts.push((text, 1));
            }
        }
    }

    /// Numbers what is in enough texts, from `next` on.
    fn number(self, min_texts: u32, next: &mut usize) -> HashMap<K, u32> {
        let mut numbers = vec![None; self.counts.len()];
        for (number, (_, count)) in numbers.iter_mut().zip(&self.counts) {
            if *count >= min_texts {
                *number =
                    Some(u32::try_from(*next).expect("fewer than 2^32 features fit in memory"));
                *next += 1;
            }
        }
        let numbered = |(key, place): (K, usize)| Some((key, numbers[place]?));
        self.places.into_iter().filter_map(numbered).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_split_into_words_and_marks() {
        let text = "don't stop—it's 5_0% naïve..\u{a0}\n";
        let expected = [
            "don", "'", "t", "stop", "—", "it", "'", "s", "5_0", "%", "naïve", ".", ".",
        ];
        assert!(
            tokens(text).eq(expected),
            "{:?}",
            tokens(text).collect::<Vec<_>>()
        );
    }
}
