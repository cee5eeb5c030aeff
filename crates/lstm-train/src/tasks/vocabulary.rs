//! The `[tokenizer]` section of a recipe: which tokens a model knows.

use lstm_models::{BpeOptions, Split, TokenUnit, Tokenizer, TokenizerError, WordOptions};
use serde::{Deserialize, Serialize};

/// How text becomes tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VocabularyOptions {
    /// What a token is.
    pub unit: TokenUnit,
    /// Whether capital letters are folded to small ones.
    pub lowercase: bool,
    /// Words, or pairs, seen less often do not count.
    pub min_count: usize,
    /// The largest size of the vocabulary; of byte pairs, 258 are the bytes themselves.
    pub max_size: usize,
}

impl Default for VocabularyOptions {
    fn default() -> Self {
        Self {
            unit: TokenUnit::BytePairs,
            lowercase: false,
            min_count: 2,
            max_size: 8_000,
        }
    }
}

/// More tokens than any corpus has.
const MAX_VOCABULARY: usize = 10_000_000;

impl VocabularyOptions {
    /// Learns a vocabulary from texts.
    ///
    /// # Errors
    ///
    /// Texts without a token.
    pub fn learn<'a>(
        &self,
        texts: impl Iterator<Item = &'a str>,
    ) -> Result<Tokenizer, TokenizerError> {
        let texts: Vec<String> = texts.map(|text| self.unit.prepare(text)).collect();
        let texts = texts.iter().map(String::as_str);
        match self.unit {
            TokenUnit::Words => {
                let options = WordOptions {
                    split: Split::Words,
                    lowercase: self.lowercase,
                    min_count: self.min_count,
                    max_size: self.max_size,
                };
                Tokenizer::words(texts, &options)
            }
            TokenUnit::BytePairs => {
                let options = BpeOptions {
                    lowercase: self.lowercase,
                    min_count: self.min_count,
                    size: self.max_size,
                };
                Tokenizer::bpe(texts, &options)
            }
        }
    }

    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let smallest = match self.unit {
            TokenUnit::Words => 3,
            TokenUnit::BytePairs => 258,
        };
        let size = self.max_size;
        if !(smallest..=MAX_VOCABULARY).contains(&size) {
            let message =
                format!("must be at least {smallest} and at most {MAX_VOCABULARY}, not {size}");
            return Err(("max_size", message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_pairs_need_room_for_the_bytes() {
        let size = |unit, max_size| {
            let options = VocabularyOptions {
                unit,
                max_size,
                ..VocabularyOptions::default()
            };
            options.check().err().map(|(key, _)| key)
        };
        assert_eq!(size(TokenUnit::BytePairs, 258), None);
        assert_eq!(size(TokenUnit::BytePairs, 257), Some("max_size"));
        assert_eq!(size(TokenUnit::Words, 257), None);
        assert_eq!(size(TokenUnit::Words, 2), Some("max_size"));
    }

    #[test]
    fn a_vocabulary_is_learned_in_its_unit() {
        let learn = |unit| {
            let options = VocabularyOptions {
                unit,
                min_count: 1,
                ..VocabularyOptions::default()
            };
            options.learn(["ab ab", "ab c"].into_iter()).unwrap()
        };
        // <pad>, <unk>, ab, c
        assert_eq!(learn(TokenUnit::Words).size(), 4);
        let byte_pairs = learn(TokenUnit::BytePairs);
        assert_eq!(byte_pairs.encode(" ab").unwrap().len(), 1);
    }
}
