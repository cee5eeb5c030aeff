//! Bytes as tokens: each spelled as one character, as byte pairs are (Radford et al. 2019).

use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::{PAD_TOKEN, Tokenizer, TokenizerError, UNKNOWN_TOKEN, tokenize_error};

impl Tokenizer {
    /// The vocabulary of the 256 bytes, which needs no corpus: `<pad>`, `<unk>`, then the bytes in order.
    /// Every text is what its UTF-8 says; nothing is unknown, and a text that spells out `<unk>` has five bytes.
    ///
    /// # Errors
    ///
    /// What the `tokenizers` crate refuses.
    pub fn bytes() -> Result<Self, TokenizerError> {
        let tokens: [(String, u32); 258] = std::array::from_fn(|id| {
            let token = match id {
                0 => PAD_TOKEN.to_owned(),
                1 => UNKNOWN_TOKEN.to_owned(),
                _ => character((id - 2) as u8).to_string(),
            };
            (token, id as u32)
        });
        let model = BPE::builder().vocab_and_merges(tokens, Vec::new());
        let mut inner = tokenizers::Tokenizer::new(model.build().map_err(tokenize_error)?);
        // `<pad>` and `<unk>` are no added tokens: those would be found in a text.
        let level = ByteLevel::new(false, false, false);
        inner.with_pre_tokenizer(Some(level));
        inner.with_decoder(Some(level));
        Ok(Self { inner })
    }

    /// The id of each byte.
    ///
    /// # Errors
    ///
    /// A vocabulary that lacks one.
    pub(crate) fn byte_ids(&self) -> Result<Vec<u32>, TokenizerError> {
        let id = |byte| {
            self.id(&character(byte).to_string())
                .ok_or(TokenizerError::NoByte { byte })
        };
        (0..=u8::MAX).map(id).collect()
    }

    /// The bytes that a token of bytes or byte pairs stands for; of any other, those of its name.
    pub(crate) fn bytes_of(&self, id: u32) -> Vec<u8> {
        let token = self.token(id).unwrap_or_default();
        let bytes: Option<Vec<u8>> = token.chars().map(byte).collect();
        bytes.unwrap_or_else(|| token.into_bytes())
    }
}

/// How a byte is spelled: by the character of its number, if that can be seen and is no space, else by one
/// from U+0100 on.
fn character(byte: u8) -> char {
    let code = u32::from(byte);
    let code = match byte {
        0..=b' ' => code + 0x100,
        0x7f..=0xa0 => code - 0x7f + 0x121,
        0xad => 0x143,
        _ => code,
    };
    char::from_u32(code).expect("all up to U+0143 are characters")
}

/// The byte that is spelled so.
fn byte(character: char) -> Option<u8> {
    let code = u32::from(character);
    let byte = match code {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => code,
        0x100..=0x120 => code - 0x100,
        0x121..=0x142 => code - 0x121 + 0x7f,
        0x143 => 0xad,
        _ => return None,
    };
    Some(byte as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_spelled_as_the_tokenizers_crate_spells_them() {
        let ours = (0..=u8::MAX).map(character);
        let mut theirs: Vec<char> = ByteLevel::alphabet().into_iter().collect();
        theirs.sort_unstable();
        let mut sorted: Vec<char> = ours.clone().collect();
        sorted.sort_unstable();
        assert_eq!(sorted, theirs);
        for (expected, character) in (0..=u8::MAX).zip(ours) {
            assert_eq!(byte(character), Some(expected));
        }
        for other in ['\n', ' ', '\u{ad}', '\u{144}', '日'] {
            assert_eq!(byte(other), None, "{other}");
        }
    }

    #[test]
    fn whoever_reads_the_file_gets_the_same_ids_and_the_text_back() {
        let tokenizer = Tokenizer::bytes().unwrap();
        assert_eq!(tokenizer.size(), 258);
        let json = tokenizer.to_json().unwrap();
        let read = Tokenizer::from_json(json.as_bytes(), "tokenizer.json").unwrap();
        assert_eq!(read.to_json().unwrap(), json);
        // Line ends of two kinds, a character of two parts, and names of tokens.
        let text = " <unk> e\u{301}\r\n\t日本 🦀\u{0}<pad> ";
        let expected: Vec<u32> = text.bytes().map(|byte| u32::from(byte) + 2).collect();
        for tokenizer in [tokenizer, read] {
            assert_eq!(tokenizer.encode(text).unwrap(), expected);
            assert_eq!(tokenizer.decode(&expected).unwrap(), text);
            let ids = tokenizer.byte_ids().unwrap();
            assert!(ids.iter().copied().eq(2..258));
        }
    }

    #[test]
    fn a_vocabulary_without_a_byte_is_refused() {
        let json = Tokenizer::bytes().unwrap().to_json().unwrap();
        let other = json.replacen("\"B\":", "\"日\":", 1);
        let tokenizer = Tokenizer::from_json(other.as_bytes(), "tokenizer.json").unwrap();
        let message = tokenizer.byte_ids().unwrap_err().to_string();
        assert!(message.contains("0x42"), "{message}");
    }
}
