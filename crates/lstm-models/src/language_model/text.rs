//! From text to a stream of tokens, and back.

use serde::{Deserialize, Serialize};

use crate::tokenizer::{END_OF_LINE, Tokenizer, TokenizerError, UNKNOWN};

/// What a language model's tokens are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Words between white space, and the end of each line, `<eos>`.
    #[default]
    Words,
    /// Characters, line ends among them.
    Characters,
    /// Byte pairs, line ends among them.
    BytePairs,
    /// The bytes of UTF-8, line ends among them: none is unknown, and the text is read as it is.
    Bytes,
}

/// Turns text into one stream of tokens, and back.
#[derive(Debug, Clone)]
pub struct TextStream {
    tokenizer: Tokenizer,
    unit: Unit,
    /// What a stream begins after: the token of a line's end.
    start: u32,
    /// The token of each byte, where these are the unit; else none.
    byte_ids: Vec<u32>,
}

impl TextStream {
    /// Streams of this unit, which the tokenizer was learned for.
    ///
    /// # Errors
    ///
    /// A vocabulary that lacks a byte, where these are the unit, and what the tokenizer refuses.
    pub fn new(tokenizer: Tokenizer, unit: Unit) -> Result<Self, TokenizerError> {
        let byte_ids = match unit {
            Unit::Bytes => tokenizer.byte_ids()?,
            Unit::Words | Unit::Characters | Unit::BytePairs => Vec::new(),
        };
        let start = match unit {
            Unit::Bytes => Some(byte_ids[usize::from(b'\n')]),
            Unit::Words => tokenizer.id(END_OF_LINE),
            Unit::Characters | Unit::BytePairs => tokenizer.encode("\n")?.first().copied(),
        };
        Ok(Self {
            tokenizer,
            unit,
            start: start.unwrap_or(UNKNOWN),
            byte_ids,
        })
    }

    /// The vocabulary.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The token that a stream begins after, as if a line had ended before it.
    pub fn start(&self) -> u32 {
        self.start
    }

    /// All tokens of a text.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        match self.unit {
            Unit::Words => {
                let lines: Vec<&str> = text.lines().collect();
                let mut ids = Vec::new();
                for line in self.tokenizer.encode_all(&lines)? {
                    ids.extend(line);
                    ids.push(self.start);
                }
                Ok(ids)
            }
            Unit::Characters | Unit::BytePairs => {
                // Pieces that threads share; a piece ends with its line, as words do.
                let pieces: Vec<&str> = text.split_inclusive('\n').collect();
                Ok(self.tokenizer.encode_all(&pieces)?.concat())
            }
            Unit::Bytes => {
                let ids = text.bytes().map(|byte| self.byte_ids[usize::from(byte)]);
                Ok(ids.collect())
            }
        }
    }

    /// The tokens of the beginning of a text: as [`encode`](Self::encode), but the last line has not ended.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn encode_beginning(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let mut ids = self.encode(text)?;
        if self.unit == Unit::Words && !text.is_empty() && !text.ends_with('\n') {
            ids.pop();
        }
        Ok(ids)
    }

    /// How a token is shown by itself; a byte that is no printable character of ASCII and no white space as
    /// `<0xE2>`.
    pub fn show(&self, id: u32) -> String {
        if self.unit == Unit::Bytes
            && let [byte] = self.tokenizer.bytes_of(id)[..]
        {
            return match byte {
                b' '..=b'~' | b'\t' | b'\n' | b'\r' => char::from(byte).to_string(),
                _ => format!("<0x{byte:02X}>"),
            };
        }
        self.tokenizer.token(id).unwrap_or_default()
    }

    /// Turns tokens into text as they come.
    pub fn writer(&self) -> TextWriter<'_> {
        TextWriter {
            stream: self,
            pending: Vec::new(),
            in_line: false,
        }
    }

    /// Whether a token ends a line.
    pub fn ends_line(&self, id: u32) -> bool {
        id == self.start && id != UNKNOWN
    }
}

/// Turns tokens into text as they come.
#[derive(Debug)]
pub struct TextWriter<'a> {
    stream: &'a TextStream,
    /// Bytes of a character that is not complete.
    pending: Vec<u8>,
    in_line: bool,
}

impl TextWriter<'_> {
    /// The same after text that did not end its line.
    pub fn within_line(self) -> Self {
        Self {
            in_line: true,
            ..self
        }
    }

    /// What a token adds to the text: of bytes and byte pairs, the characters that it completes. U+FFFD stands
    /// for bytes that are none.
    pub fn write(&mut self, id: u32) -> String {
        match self.stream.unit {
            Unit::Words => {
                if self.stream.ends_line(id) {
                    self.in_line = false;
                    return "\n".to_owned();
                }
                let space = if self.in_line { " " } else { "" };
                self.in_line = true;
                format!("{space}{}", self.stream.show(id))
            }
            Unit::Characters => self.stream.show(id),
            Unit::BytePairs | Unit::Bytes => {
                self.pending.extend(self.stream.tokenizer.bytes_of(id));
                self.take_characters()
            }
        }
    }

    /// What is left where the text ends: U+FFFD if it ends within a character.
    pub fn finish(self) -> String {
        String::from_utf8_lossy(&self.pending).into_owned()
    }

    /// Takes all but the beginning of a character from the pending bytes.
    fn take_characters(&mut self) -> String {
        let mut text = String::new();
        loop {
            let error = match str::from_utf8(&self.pending) {
                Ok(rest) => {
                    text.push_str(rest);
                    self.pending.clear();
                    return text;
                }
                Err(error) => error,
            };
            let valid = error.valid_up_to();
            text.push_str(&String::from_utf8_lossy(&self.pending[..valid]));
            match error.error_len() {
                Some(invalid) => {
                    text.push('\u{fffd}');
                    self.pending.drain(..valid + invalid);
                }
                None => {
                    self.pending.drain(..valid);
                    return text;
                }
            }
        }
    }
}

#[cfg(all(test, feature = "learn"))]
mod tests {
    use super::*;
    use crate::{BpeOptions, WordOptions};

    const TEXT: &str = "the cat sat\nthe dog, ünfit, sat too\n\nend";

    fn stream(unit: Unit) -> TextStream {
        let tokenizer = match unit {
            Unit::Words => Tokenizer::stream_words([TEXT], &WordOptions::for_streams()),
            Unit::Characters => Tokenizer::characters([TEXT], 1),
            Unit::BytePairs => Tokenizer::bpe([TEXT], &BpeOptions::default()),
            Unit::Bytes => Tokenizer::bytes(),
        };
        TextStream::new(tokenizer.unwrap(), unit).unwrap()
    }

    fn text_of(stream: &TextStream, ids: &[u32]) -> String {
        let mut writer = stream.writer();
        let text: String = ids.iter().map(|id| writer.write(*id)).collect();
        text + &writer.finish()
    }

    #[test]
    fn a_stream_of_any_unit_gives_its_text_back() {
        for unit in [Unit::Characters, Unit::BytePairs, Unit::Bytes] {
            let stream = stream(unit);
            let ids = stream.encode(TEXT).unwrap();
            assert_eq!(text_of(&stream, &ids), TEXT, "{unit:?}");
        }
        let stream = stream(Unit::Words);
        let ids = stream.encode(TEXT).unwrap();
        assert_eq!(text_of(&stream, &ids), format!("{TEXT}\n"));
    }

    #[test]
    fn every_line_of_words_ends() {
        let stream = stream(Unit::Words);
        let ends = |text: &str| {
            let ids = stream.encode(text).unwrap();
            ids.iter().filter(|id| stream.ends_line(**id)).count()
        };
        assert_eq!(ends("the cat\nsat\n"), 2);
        assert_eq!(ends("the cat\nsat"), 2);
        assert_eq!(ends("\n\n"), 2);
        assert_eq!(ends(""), 0);
    }

    #[test]
    fn the_line_of_a_beginning_has_not_ended() {
        let stream = stream(Unit::Words);
        let whole = stream.encode("the cat").unwrap();
        let beginning = stream.encode_beginning("the cat").unwrap();
        assert_eq!(beginning, whole[..2]);
        assert_eq!(stream.encode_beginning("the cat\n").unwrap(), whole);
    }

    #[test]
    fn what_the_vocabulary_lacks_is_unknown() {
        let stream = stream(Unit::Characters);
        assert_eq!(stream.encode("Z").unwrap(), [UNKNOWN]);
    }

    /// The tokens of bytes that need not be a text.
    fn byte_ids(bytes: &[u8]) -> Vec<u32> {
        bytes.iter().map(|byte| u32::from(*byte) + 2).collect()
    }

    #[test]
    fn bytes_give_every_text_back_as_it_is() {
        let stream = stream(Unit::Bytes);
        for text in [
            "👩\u{200d}🚀 e\u{301} é\r\n\0<unk>\t",
            "\u{feff}\u{10ffff}\u{fffd}",
            "",
        ] {
            let ids = stream.encode(text).unwrap();
            assert_eq!(ids, byte_ids(text.as_bytes()));
            assert!(!ids.contains(&UNKNOWN));
            assert_eq!(text_of(&stream, &ids), text);
        }
    }

    #[test]
    fn a_character_appears_with_its_last_byte() {
        for unit in [Unit::BytePairs, Unit::Bytes] {
            let stream = stream(unit);
            let mut writer = stream.writer();
            let ids = stream.encode("a🦀é").unwrap();
            let shown: Vec<String> = ids.iter().map(|id| writer.write(*id)).collect();
            assert_eq!(shown, ["a", "", "", "", "🦀", "", "é"], "{unit:?}");
            assert_eq!(writer.finish(), "");
        }
    }

    #[test]
    fn bytes_that_are_no_text_become_the_replacement_character() {
        let stream = stream(Unit::Bytes);
        for bytes in [
            &b"a\xffb"[..],
            b"\xf0\x9f\xa6a",
            b"\xf0\xf0\x9f\xa6\x80",
            b"\x80\x80\xc3\xc3\xa9",
            b"\xed\xa0\x80\xe2\x82",
            b"\xc0\xaf\xf5z\xf0\x9f\xa6",
        ] {
            let expected = String::from_utf8_lossy(bytes);
            assert_eq!(text_of(&stream, &byte_ids(bytes)), expected, "{bytes:?}");
        }
        // A byte that can begin no character is not waited for.
        let mut writer = stream.writer();
        let shown = byte_ids(b"\xff\xe2\x28")
            .into_iter()
            .map(|id| writer.write(id));
        assert!(shown.eq(["\u{fffd}", "", "\u{fffd}("]));
    }

    #[test]
    fn a_byte_is_shown_by_its_character_or_its_number() {
        let stream = stream(Unit::Bytes);
        let shown: Vec<String> = byte_ids(b"a \n\t\0\x7f\xe2")
            .into_iter()
            .map(|id| stream.show(id))
            .collect();
        assert_eq!(shown, ["a", " ", "\n", "\t", "<0x00>", "<0x7F>", "<0xE2>"]);
        assert_eq!(
            (stream.show(0), stream.show(1)),
            ("<pad>".to_owned(), "<unk>".to_owned())
        );
    }

    #[test]
    fn a_vocabulary_of_words_is_none_of_bytes() {
        let words = Tokenizer::stream_words([TEXT], &WordOptions::for_streams()).unwrap();
        let error = TextStream::new(words, Unit::Bytes).unwrap_err().to_string();
        assert!(error.contains("no token for the byte 0x00"), "{error}");
    }
}
