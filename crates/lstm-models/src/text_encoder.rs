//! From text to what a model reads: token ids, and the pieces that the words are made of.

use std::collections::HashMap;
use std::sync::Arc;

use crate::tokenizer::{Tokenizer, TokenizerError};

/// A text as a model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedText {
    /// The id of each token.
    pub ids: Vec<u32>,
    /// The subword buckets of each token; `None` where the model does not read them.
    pub subwords: Option<Vec<Arc<[u32]>>>,
    /// Whether the text had more tokens than are read.
    pub is_cut: bool,
}

impl EncodedText {
    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// Turns texts into what a model reads.
#[derive(Debug, Clone)]
pub struct TextEncoder {
    tokenizer: Tokenizer,
    max_tokens: usize,
    subword_buckets: usize,
}

impl TextEncoder {
    /// An encoder that cuts texts after `max_tokens` tokens (0 for never) and hashes the pieces of
    /// words into `subword_buckets` buckets (0 for not at all).
    pub fn new(tokenizer: Tokenizer, max_tokens: usize, subword_buckets: usize) -> Self {
        Self {
            tokenizer,
            max_tokens,
            subword_buckets,
        }
    }

    /// The vocabulary.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Encodes texts, in their order.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn encode_all(&self, texts: &[&str]) -> Result<Vec<EncodedText>, TokenizerError> {
        if self.subword_buckets == 0 {
            let ids = self.tokenizer.encode_all(texts)?;
            return Ok(ids
                .into_iter()
                .map(|mut ids| {
                    let is_cut = ids.len() > self.limit();
                    ids.truncate(self.limit());
                    EncodedText {
                        ids,
                        subwords: None,
                        is_cut,
                    }
                })
                .collect());
        }
        // Words come again and again: their pieces are kept once.
        let mut known: HashMap<String, Arc<[u32]>> = HashMap::new();
        texts
            .iter()
            .map(|text| {
                let (mut ids, words) = self.tokenizer.encode_with_words(text)?;
                let is_cut = ids.len() > self.limit();
                ids.truncate(self.limit());
                let subwords = words
                    .into_iter()
                    .take(ids.len())
                    .map(|word| match known.get(word) {
                        Some(buckets) => buckets.clone(),
                        None => {
                            let buckets: Arc<[u32]> =
                                subword_buckets(word, self.subword_buckets).into();
                            known.insert(word.to_owned(), buckets.clone());
                            buckets
                        }
                    })
                    .collect();
                Ok(EncodedText {
                    ids,
                    subwords: Some(subwords),
                    is_cut,
                })
            })
            .collect()
    }

    fn limit(&self) -> usize {
        match self.max_tokens {
            0 => usize::MAX,
            limit => limit,
        }
    }
}

/// Lengths of the pieces, in characters.
const PIECE_LENGTHS: std::ops::RangeInclusive<usize> = 3..=5;
/// Pieces of a word beyond this number do not count.
const MAX_PIECES: usize = 24;

/// The pieces of a word (Bojanowski et al. 2017): its character n-grams of 3 to 5 characters, with
/// `<` before and `>` after it, each hashed (32-bit FNV-1a) into one of `buckets` buckets.
pub fn subword_buckets(word: &str, buckets: usize) -> Vec<u32> {
    let characters: Vec<char> = std::iter::once('<')
        .chain(word.chars().flat_map(char::to_lowercase))
        .chain(std::iter::once('>'))
        .collect();
    PIECE_LENGTHS
        .flat_map(|length| characters.windows(length))
        .take(MAX_PIECES)
        .map(|piece| {
            let mut hash = 0x811c_9dc5_u32;
            let mut buffer = [0; 4];
            for character in piece {
                for byte in character.encode_utf8(&mut buffer).bytes() {
                    hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
                }
            }
            (u64::from(hash) % buckets as u64) as u32
        })
        .collect()
}

#[cfg(all(test, feature = "learn"))]
mod tests {
    use super::*;
    use crate::tokenizer::UNKNOWN;
    use crate::tokenizer::learn::WordOptions;

    fn encoder(max_tokens: usize, buckets: usize) -> TextEncoder {
        let tokenizer = Tokenizer::words(["a good film"], &WordOptions::default()).unwrap();
        TextEncoder::new(tokenizer, max_tokens, buckets)
    }

    #[test]
    fn words_that_share_pieces_share_buckets() {
        let buckets = subword_buckets("films", 1000);
        // <fi fil ilm lms ms>, <fil film ilms lms>, <film films ilms>
        assert_eq!(buckets.len(), 5 + 4 + 3);
        let shared = subword_buckets("film", 1000);
        assert_eq!(buckets[..3], shared[..3]);
        assert_eq!(subword_buckets("FILM", 1000), shared);
        assert_eq!(subword_buckets(&"x".repeat(100), 1000).len(), MAX_PIECES);
        assert!(subword_buckets("", 1000).is_empty());
    }

    #[test]
    fn an_unknown_word_still_has_its_pieces() {
        let encoded = encoder(0, 1000).encode_all(&["A great film"]).unwrap();
        let text = &encoded[0];
        assert_eq!(text.ids[1], UNKNOWN);
        let subwords = text.subwords.as_ref().unwrap();
        assert_eq!(subwords[1][..], subword_buckets("great", 1000)[..]);
        assert_eq!(subwords[2][..], subword_buckets("film", 1000)[..]);
    }

    #[test]
    fn texts_are_cut_with_their_subwords() {
        for buckets in [0, 1000] {
            let encoded = encoder(2, buckets)
                .encode_all(&["a good film", ""])
                .unwrap();
            assert_eq!((encoded[0].len(), encoded[1].len()), (2, 0));
            assert_eq!((encoded[0].is_cut, encoded[1].is_cut), (true, false));
            if let Some(subwords) = &encoded[0].subwords {
                assert_eq!(subwords.len(), 2);
            }
        }
    }
}
