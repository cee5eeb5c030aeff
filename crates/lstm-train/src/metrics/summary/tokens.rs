//! Texts to numbered tokens, as rouge-score has it: runs of the letters a to z and of digits, in lower case.

use std::collections::HashMap;

use super::porter;

/// Whether words are compared by their stems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stemming {
    /// They are compared as they stand.
    #[default]
    None,
    /// Words of more than three characters by the stems of NLTK's Porter stemmer.
    Porter,
}

/// Gives equal tokens the same number.
#[derive(Debug, Default)]
pub struct Numbers {
    of_tokens: HashMap<Vec<u8>, u32>,
}

impl Numbers {
    /// How many different tokens there are.
    pub fn count(&self) -> usize {
        self.of_tokens.len()
    }

    fn of(&mut self, token: &[u8]) -> u32 {
        if let Some(&number) = self.of_tokens.get(token) {
            return number;
        }
        let number = self.of_tokens.len() as u32;
        self.of_tokens.insert(token.to_vec(), number);
        number
    }
}

/// The tokens of a text, and where its sentences end.
#[derive(Debug, Default)]
pub struct Tokens {
    all: Vec<u32>,
    ends: Vec<usize>,
}

impl Tokens {
    /// Takes a text apart. Its sentences stand between line feeds.
    pub fn new(text: &str, stemming: Stemming, numbers: &mut Numbers) -> Self {
        let mut tokens = Self::default();
        let mut token = Vec::new();
        for sentence in text.split('\n') {
            // A capital letter may have an ASCII one for its small letter: K (the sign of the kelvin) has.
            for letter in sentence.chars().flat_map(char::to_lowercase) {
                if letter.is_ascii_alphanumeric() {
                    token.push(letter as u8);
                } else {
                    tokens.add(&mut token, stemming, numbers);
                }
            }
            tokens.add(&mut token, stemming, numbers);
            tokens.ends.push(tokens.all.len());
        }
        tokens
    }

    fn add(&mut self, token: &mut Vec<u8>, stemming: Stemming, numbers: &mut Numbers) {
        if token.is_empty() {
            return;
        }
        if stemming == Stemming::Porter && token.len() > 3 {
            porter::stem(token);
        }
        self.all.push(numbers.of(token));
        token.clear();
    }

    /// All tokens.
    pub fn all(&self) -> &[u32] {
        &self.all
    }

    /// The tokens of each sentence; the place of its first one among all.
    pub fn sentences(&self) -> impl Iterator<Item = (usize, &[u32])> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let spans = starts.zip(&self.ends);
        spans.map(|(start, &end)| (start, &self.all[start..end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        Tokens::new(text, Stemming::None, &mut Numbers::default())
            .all()
            .len()
    }

    #[test]
    fn what_is_not_ascii_is_no_token_and_parts_words() {
        assert_eq!(count("Привет, мир! 你好"), 0);
        assert_eq!(count("naïve café"), 3);
        assert_eq!(count("\u{212a}elvin"), 1);
    }

    #[test]
    fn short_words_keep_their_endings() {
        let mut numbers = Numbers::default();
        let tokens = Tokens::new("ass as cats cat", Stemming::Porter, &mut numbers);
        assert_eq!(tokens.all(), [0, 1, 2, 2]);
        assert_eq!(numbers.count(), 3);
    }

    #[test]
    fn sentences_are_parts_of_the_text() {
        let tokens = Tokens::new("a b\n\nc\n", Stemming::None, &mut Numbers::default());
        let sentences: Vec<_> = tokens.sentences().collect();
        assert_eq!(
            sentences,
            [(0, [0, 1].as_slice()), (2, &[]), (2, &[2]), (3, &[])]
        );
    }
}
