//! Text to token ids and back, on Hugging Face's `tokenizers`; saved as its `tokenizer.json`.

mod bytes;
#[cfg(feature = "learn")]
pub mod learn;

use std::path::Path;

use serde::{Deserialize, Serialize};
use tokenizers::{NormalizedString, Normalizer};

/// The id of the token that pads a batch.
pub const PAD: u32 = 0;
/// The id of the token that stands for every word outside the vocabulary.
pub const UNKNOWN: u32 = 1;

/// The token that ends a line of words in a stream.
pub const END_OF_LINE: &str = "<eos>";

const PAD_TOKEN: &str = "<pad>";
const UNKNOWN_TOKEN: &str = "<unk>";

/// How text is split into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Into runs of word characters and runs of punctuation: for text as people write it.
    #[default]
    Words,
    /// At white space only: for text that somebody else has already tokenised.
    Whitespace,
}

/// What can go wrong between text and token ids.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file or text is not a tokenizer's.
    #[error("{path} is not a tokenizer.json: {message}")]
    Parse {
        /// The file.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// The tokenizer lacks the tokens that every model here relies on.
    #[error("{path} has no token `{token}` with id {id}")]
    SpecialToken {
        /// The file.
        path: String,
        /// The token.
        token: &'static str,
        /// The id that it must have.
        id: u32,
    },
    /// The `tokenizers` crate refused.
    #[error("tokenizing failed: {0}")]
    Tokenize(String),
    /// The vocabulary is not one of bytes.
    #[error("the vocabulary has no token for the byte {byte:#04x}, but its unit is bytes")]
    NoByte {
        /// The least that it lacks.
        byte: u8,
    },
    /// There is no text to learn from.
    #[error("a vocabulary cannot be learned from a corpus without a single token")]
    EmptyCorpus,
}

/// A tokenizer and its vocabulary.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is not a tokenizer with `<pad>` as token 0, `<unk>` as token 1
    /// and ids without holes.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, TokenizerError> {
        let name = path.as_ref().display().to_string();
        let bytes = std::fs::read(path).map_err(|source| TokenizerError::Read {
            path: name.clone(),
            source,
        })?;
        Self::from_json(&bytes, &name)
    }

    /// Reads the contents of a `tokenizer.json`; `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn from_json(json: &[u8], name: &str) -> Result<Self, TokenizerError> {
        let parse_error = |message: String| TokenizerError::Parse {
            path: name.to_owned(),
            message,
        };
        let mut inner = tokenizers::Tokenizer::from_bytes(json)
            .map_err(|error| parse_error(error.to_string()))?;
        // Batches are padded and cut by the models: what the file says about it would make the
        // tokens of a text depend on the texts beside it.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(tokenize_error)?;
        let size = inner.get_vocab_size(true);
        // Ids are rows of an embedding.
        if let Some((token, id)) = inner
            .get_vocab(true)
            .into_iter()
            .filter(|(_, id)| *id as usize >= size)
            .min_by_key(|(_, id)| *id)
        {
            return Err(parse_error(format!(
                "token `{token}` has id {id}, expected ids below the {size} tokens there are"
            )));
        }
        for (token, id) in [(PAD_TOKEN, PAD), (UNKNOWN_TOKEN, UNKNOWN)] {
            if inner.token_to_id(token) != Some(id) {
                return Err(TokenizerError::SpecialToken {
                    path: name.to_owned(),
                    token,
                    id,
                });
            }
        }
        Ok(Self { inner })
    }

    /// The contents of its `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// What the `tokenizers` crate refuses to write.
    pub fn to_json(&self) -> Result<String, TokenizerError> {
        self.inner.to_string(true).map_err(tokenize_error)
    }

    /// How many tokens there are, with `<pad>` and `<unk>`.
    pub fn size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The token with this id.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The id of a token.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The token ids of a text.
    ///
    /// # Errors
    ///
    /// What the `tokenizers` crate refuses.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let encoding = self
            .inner
            .encode_fast(text, false)
            .map_err(tokenize_error)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// A text as the vocabulary has it: in lower case, if that is what it is made of.
    ///
    /// # Errors
    ///
    /// What the `tokenizers` crate refuses.
    pub(crate) fn normalize(&self, text: &str) -> Result<String, TokenizerError> {
        let mut text = NormalizedString::from(text);
        if let Some(normalizer) = self.inner.get_normalizer() {
            normalizer.normalize(&mut text).map_err(tokenize_error)?;
        }
        Ok(text.get().to_owned())
    }

    /// The text of token ids, with special tokens spelled out.
    ///
    /// # Errors
    ///
    /// What the `tokenizers` crate refuses.
    pub fn decode(&self, ids: &[u32]) -> Result<String, TokenizerError> {
        self.inner.decode(ids, false).map_err(tokenize_error)
    }

    /// The token ids of a text, and the stretch of the text that each stands for.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn encode_with_words<'a>(
        &self,
        text: &'a str,
    ) -> Result<(Vec<u32>, Vec<&'a str>), TokenizerError> {
        let encoding = self.inner.encode(text, false).map_err(tokenize_error)?;
        let words = encoding
            .get_offsets()
            .iter()
            // A byte pair may end within a character: then it has no word of its own.
            .map(|&(start, end)| text.get(start..end).unwrap_or(""))
            .collect();
        Ok((encoding.get_ids().to_vec(), words))
    }

    /// The token ids of many texts, in their order; on several threads.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn encode_all(&self, texts: &[&str]) -> Result<Vec<Vec<u32>>, TokenizerError> {
        let encodings = self
            .inner
            .encode_batch_fast(texts.to_vec(), false)
            .map_err(tokenize_error)?;
        Ok(encodings
            .into_iter()
            .map(|encoding| encoding.get_ids().to_vec())
            .collect())
    }
}

fn tokenize_error(error: tokenizers::Error) -> TokenizerError {
    TokenizerError::Tokenize(error.to_string())
}
