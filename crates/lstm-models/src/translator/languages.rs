//! From text of two languages to token ids, and back.

use crate::token_unit::TokenUnit;
use crate::tokenizer::{Tokenizer, TokenizerError};

/// The two languages of a translator: text to token ids, and back.
///
/// Each vocabulary has one token more than its tokenizer, which no text holds: the *boundary*. It ends a
/// source, and targets begin after it and end with it.
#[derive(Debug, Clone)]
pub struct Languages {
    source: Tokenizer,
    /// None if both languages have one vocabulary.
    target: Option<Tokenizer>,
    unit: TokenUnit,
}

impl Languages {
    /// Two languages; without a `target` both have the vocabulary of `source`.
    pub fn new(source: Tokenizer, target: Option<Tokenizer>, unit: TokenUnit) -> Self {
        Self {
            source,
            target,
            unit,
        }
    }

    /// The vocabulary of the source language.
    pub fn source(&self) -> &Tokenizer {
        &self.source
    }

    /// The vocabulary of the target language.
    pub fn target(&self) -> &Tokenizer {
        self.target.as_ref().unwrap_or(&self.source)
    }

    /// Whether both languages have one vocabulary.
    pub fn are_shared(&self) -> bool {
        self.target.is_none()
    }

    /// How many tokens the source language has, with the boundary.
    pub fn source_vocab(&self) -> usize {
        self.source.size() + 1
    }

    /// How many tokens the target language has, with the boundary.
    pub fn target_vocab(&self) -> usize {
        self.target().size() + 1
    }

    /// What ends a source.
    pub fn end_of_source(&self) -> u32 {
        self.source.size() as u32
    }

    /// What targets begin after and end with.
    pub fn boundary(&self) -> u32 {
        self.target().size() as u32
    }

    /// The tokens of sources, each with its end; white space at either end of a line does not count.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn encode_sources(&self, lines: &[&str]) -> Result<Vec<Vec<u32>>, TokenizerError> {
        let mut all = self.encode(&self.source, lines)?;
        for ids in &mut all {
            ids.push(self.end_of_source());
        }
        Ok(all)
    }

    /// The tokens of targets, without boundary.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn encode_targets(&self, lines: &[&str]) -> Result<Vec<Vec<u32>>, TokenizerError> {
        self.encode(self.target(), lines)
    }

    fn encode(
        &self,
        tokenizer: &Tokenizer,
        lines: &[&str],
    ) -> Result<Vec<Vec<u32>>, TokenizerError> {
        let lines: Vec<String> = lines.iter().map(|line| self.unit.prepare(line)).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        tokenizer.encode_all(&lines)
    }

    /// The text of a target's tokens, in one line without tabs. U+FFFD stands for bytes that are no character.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn decode(&self, ids: &[u32]) -> Result<String, TokenizerError> {
        Ok(self.unit.line(&self.target().decode(ids)?))
    }

    /// How a target's token is shown by itself.
    pub fn show_target(&self, id: u32) -> String {
        show(self.target(), id)
    }

    /// How a source's token is shown by itself.
    pub fn show_source(&self, id: u32) -> String {
        show(&self.source, id)
    }
}

/// A token by itself; the boundary as `</s>`.
fn show(tokenizer: &Tokenizer, id: u32) -> String {
    if id as usize == tokenizer.size() {
        return "</s>".to_owned();
    }
    tokenizer.decode(&[id]).unwrap_or_default()
}

#[cfg(all(test, feature = "learn"))]
mod tests {
    use super::*;
    use crate::tokenizer::learn::{BpeOptions, WordOptions};

    const LINES: [&str; 3] = [
        "Ein Mann fährt Rad.",
        "Zwei (kleine) Hunde, die rennen!",
        "Don't: a well-known T-shirt",
    ];

    fn byte_pairs() -> Languages {
        let options = BpeOptions {
            size: 300,
            ..BpeOptions::default()
        };
        let tokenizer = Tokenizer::bpe(LINES, &options).unwrap();
        Languages::new(tokenizer, None, TokenUnit::BytePairs)
    }

    #[test]
    fn text_comes_back_as_it_was() {
        let languages = byte_pairs();
        for line in LINES.into_iter().chain(["  naïve 日本 <eos>  ", "", " "]) {
            let ids = languages.encode_targets(&[line]).unwrap();
            assert_eq!(languages.decode(&ids[0]).unwrap(), line.trim());
            assert!(!ids[0].contains(&languages.boundary()));
        }
    }

    #[test]
    fn a_source_ends_with_its_boundary_even_if_it_is_empty() {
        let languages = byte_pairs();
        let ids = languages.encode_sources(&["", "Ein Mann"]).unwrap();
        assert_eq!(ids[0], [languages.end_of_source()]);
        assert_eq!(ids[1].last(), Some(&languages.end_of_source()));
        assert_eq!(
            languages.end_of_source() as usize + 1,
            languages.source_vocab()
        );
        assert_eq!(languages.show_source(languages.end_of_source()), "</s>");
    }

    #[test]
    fn a_text_stays_one_line() {
        let languages = byte_pairs();
        let ids = languages.target().encode(" a\n\tb\n").unwrap();
        assert_eq!(languages.decode(&ids).unwrap(), "a  b");
    }

    #[test]
    fn spaces_between_words_are_restored() {
        let options = WordOptions {
            lowercase: false,
            ..WordOptions::default()
        };
        let tokenizer = Tokenizer::words(LINES, &options).unwrap();
        let languages = Languages::new(tokenizer, None, TokenUnit::Words);
        for line in LINES {
            let ids = languages.encode_targets(&[line]).unwrap();
            assert_eq!(languages.decode(&ids[0]).unwrap(), line);
        }
    }
}
