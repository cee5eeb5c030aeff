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
    /// Byte pairs, line ends among them; bytes, if the vocabulary has no pairs.
    BytePairs,
}

/// Turns text into one stream of tokens, and back.
#[derive(Debug, Clone)]
pub struct TextStream {
    tokenizer: Tokenizer,
    unit: Unit,
    /// What a stream begins after: the token of a line's end.
    start: u32,
}

impl TextStream {
    /// Streams of this unit, which the tokenizer was learned for.
    pub fn new(tokenizer: Tokenizer, unit: Unit) -> Result<Self, TokenizerError> {
        let start = match unit {
            Unit::Words => tokenizer.id(END_OF_LINE),
            Unit::Characters | Unit::BytePairs => tokenizer.encode("\n")?.first().copied(),
        };
        Ok(Self {
            tokenizer,
            unit,
            start: start.unwrap_or(UNKNOWN),
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

    /// How a token is shown by itself.
    pub fn show(&self, id: u32) -> String {
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
    /// Tokens that end within a character.
    pending: Vec<u32>,
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

    /// What a token adds to the text; nothing as long as a character is not complete.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn write(&mut self, id: u32) -> Result<String, TokenizerError> {
        if self.stream.unit == Unit::Words {
            if self.stream.ends_line(id) {
                self.in_line = false;
                return Ok("\n".to_owned());
            }
            let space = if self.in_line { " " } else { "" };
            self.in_line = true;
            return Ok(format!("{space}{}", self.stream.show(id)));
        }
        self.pending.push(id);
        let text = self.stream.tokenizer.decode(&self.pending)?;
        // The replacement character stands for bytes that are no character yet; four are one at most.
        if text.ends_with('\u{fffd}') && self.pending.len() < 4 {
            return Ok(String::new());
        }
        self.pending.clear();
        Ok(text)
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
        };
        TextStream::new(tokenizer.unwrap(), unit).unwrap()
    }

    fn text_of(stream: &TextStream, ids: &[u32]) -> String {
        let mut writer = stream.writer();
        ids.iter().map(|id| writer.write(*id).unwrap()).collect()
    }

    #[test]
    fn a_stream_of_any_unit_gives_its_text_back() {
        for unit in [Unit::Characters, Unit::BytePairs] {
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
}
