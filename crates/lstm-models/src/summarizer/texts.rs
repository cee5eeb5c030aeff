//! From documents and summaries to token ids, and back.

use std::collections::HashMap;

use crate::token_unit::TokenUnit;
use crate::tokenizer::{Tokenizer, TokenizerError, UNKNOWN};

/// The one vocabulary of documents and summaries: text to token ids, and back.
///
/// It has one token more than its tokenizer, which no text holds: the *boundary*. It ends a document, and summaries
/// begin after it and end with it. Beyond it lie the words that a document lends: its `k`-th unknown word has the id
/// `vocab + k` (the *extended vocabulary*, See et al. 2017), in this document and in its summary.
#[derive(Debug, Clone)]
pub struct SummaryTexts {
    tokenizer: Tokenizer,
    unit: TokenUnit,
    max_document: usize,
}

/// A document as token ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedDocument {
    /// Its tokens, the last of which ends it. An unknown word's is at or beyond the vocabulary.
    pub ids: Vec<u32>,
    /// Its unknown words in the order in which they come first, as they are written there.
    pub unknown: Vec<String>,
    /// How much of it was read.
    pub length: DocumentLength,
}

impl EncodedDocument {
    /// Whether there is nothing to sum up.
    pub fn is_empty(&self) -> bool {
        self.length.read == 0
    }
}

/// How much of a document was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentLength {
    /// Tokens that were read, without the one that ends it.
    pub read: usize,
    /// Tokens that there are.
    pub of: usize,
}

impl DocumentLength {
    /// Whether the end of the document was not read.
    pub fn is_cut(self) -> bool {
        self.read < self.of
    }
}

impl SummaryTexts {
    /// Texts of this vocabulary; documents are cut after `max_document` tokens.
    pub fn new(tokenizer: Tokenizer, unit: TokenUnit, max_document: usize) -> Self {
        Self {
            tokenizer,
            unit,
            max_document,
        }
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// How many tokens there are, with the boundary.
    pub fn vocab(&self) -> usize {
        self.tokenizer.size() + 1
    }

    /// What ends a document, and what summaries begin after and end with.
    pub fn boundary(&self) -> u32 {
        self.tokenizer.size() as u32
    }

    /// The tokens of a document.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn encode_document(&self, text: &str) -> Result<EncodedDocument, TokenizerError> {
        let text = self.unit.prepare(text);
        let (mut ids, words) = self.tokenizer.encode_with_words(&text)?;
        let of = ids.len();
        ids.truncate(self.max_document);
        let length = DocumentLength {
            read: ids.len(),
            of,
        };
        let mut unknown = UnknownWords::default();
        for (id, word) in ids.iter_mut().zip(words) {
            if *id == UNKNOWN && !word.is_empty() {
                let place = unknown.place(self.tokenizer.normalize(word)?, word);
                *id = (self.vocab() + place) as u32;
            }
        }
        ids.push(self.boundary());
        Ok(EncodedDocument {
            ids,
            unknown: unknown.words,
            length,
        })
    }

    /// The tokens of many documents, in their order.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn encode_documents(&self, texts: &[&str]) -> Result<Vec<EncodedDocument>, TokenizerError> {
        texts
            .iter()
            .map(|text| self.encode_document(text))
            .collect()
    }

    /// The tokens of a summary of this document, without boundary. An unknown word that the document has too is
    /// the document's.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn encode_summary(
        &self,
        text: &str,
        document: &EncodedDocument,
    ) -> Result<Vec<u32>, TokenizerError> {
        let text = self.unit.prepare(text);
        let (mut ids, words) = self.tokenizer.encode_with_words(&text)?;
        if document.unknown.is_empty() || !ids.contains(&UNKNOWN) {
            return Ok(ids);
        }
        let mut lent = HashMap::new();
        for (word, id) in document.unknown.iter().zip(self.vocab()..) {
            lent.insert(self.tokenizer.normalize(word)?, id as u32);
        }
        for (id, word) in ids.iter_mut().zip(words) {
            if *id == UNKNOWN
                && let Some(place) = lent.get(&self.tokenizer.normalize(word)?)
            {
                *id = *place;
            }
        }
        Ok(ids)
    }

    /// The text of a summary's tokens, in one line without tabs. U+FFFD stands for bytes that are no character.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn decode(
        &self,
        ids: &[u32],
        document: &EncodedDocument,
    ) -> Result<String, TokenizerError> {
        let between = match self.unit {
            TokenUnit::BytePairs => "",
            TokenUnit::Words => " ",
        };
        let is_lent = |id: u32| self.lent(id, document).is_some();
        let runs = ids.chunk_by(|one, next| is_lent(*one) == is_lent(*next));
        let texts = runs.map(|run| match is_lent(run[0]) {
            true => {
                let words = run.iter().filter_map(|id| self.lent(*id, document));
                Ok(words.collect::<Vec<_>>().join(between))
            }
            false => self.tokenizer.decode(run),
        });
        let texts: Vec<String> = texts.collect::<Result<_, TokenizerError>>()?;
        Ok(self.unit.line(&texts.join(between)))
    }

    /// How a token of a document or its summary is shown by itself; the boundary as `</s>`.
    pub fn show(&self, id: u32, document: &EncodedDocument) -> String {
        if id == self.boundary() {
            return "</s>".to_owned();
        }
        match self.lent(id, document) {
            Some(word) => word.to_owned(),
            None => self.tokenizer.decode(&[id]).unwrap_or_default(),
        }
    }

    /// The word of an id beyond the vocabulary.
    fn lent<'a>(&self, id: u32, document: &'a EncodedDocument) -> Option<&'a str> {
        let place = (id as usize).checked_sub(self.vocab())?;
        document.unknown.get(place).map(String::as_str)
    }
}

/// The unknown words of a document so far.
#[derive(Default)]
struct UnknownWords {
    /// The place of each, as the tokenizer has it.
    places: HashMap<String, usize>,
    /// As they were written first.
    words: Vec<String>,
}

impl UnknownWords {
    /// The place of a word among the unknown ones.
    fn place(&mut self, normalized: String, word: &str) -> usize {
        *self.places.entry(normalized).or_insert_with(|| {
            self.words.push(word.to_owned());
            self.words.len() - 1
        })
    }
}

#[cfg(all(test, feature = "learn"))]
mod tests {
    use super::*;
    use crate::tokenizer::learn::{BpeOptions, WordOptions};

    const LINE: &str = "Amanda : I baked cookies . Do you want some ?";

    fn words() -> SummaryTexts {
        let tokenizer = Tokenizer::words([LINE], &WordOptions::default()).unwrap();
        SummaryTexts::new(tokenizer, TokenUnit::Words, 8)
    }

    #[test]
    fn unknown_words_get_ids_beyond_the_vocabulary_by_first_appearance() {
        let texts = words();
        let vocab = texts.vocab() as u32;
        let document = texts
            .encode_document(" Jerry: you baked Brownies, jerry?\n")
            .unwrap();
        assert_eq!(document.unknown, ["Jerry", "Brownies", ","]);
        let known = |word: &str| texts.tokenizer().id(word).unwrap();
        let [colon, you, baked, mark] = [":", "you", "baked", "?"].map(known);
        let (jerry, brownies, comma) = (vocab, vocab + 1, vocab + 2);
        let expected = [jerry, colon, you, baked, brownies, comma, jerry, mark];
        assert_eq!(document.ids[..8], expected);
        assert_eq!(document.ids[8..], [texts.boundary()]);
        assert_eq!(document.length, DocumentLength { read: 8, of: 8 });
        let summary = texts
            .encode_summary("jerry baked many brownies", &document)
            .unwrap();
        assert_eq!(summary, [jerry, baked, UNKNOWN, brownies]);
    }

    #[test]
    fn unknown_words_come_back_as_the_document_has_them() {
        let texts = words();
        let document = texts.encode_document("Jerry's Brownies?").unwrap();
        let summary = texts
            .encode_summary("you want jerry's BROWNIES?", &document)
            .unwrap();
        let text = texts.decode(&summary, &document).unwrap();
        assert_eq!(text, "you want Jerry's Brownies?");
        let shown: Vec<String> = summary
            .iter()
            .map(|id| texts.show(*id, &document))
            .collect();
        assert_eq!(shown, ["you", "want", "Jerry", "'", "s", "Brownies", "?"]);
        assert_eq!(texts.show(texts.boundary(), &document), "</s>");
    }

    #[test]
    fn a_document_is_cut_and_lends_only_what_was_read() {
        let texts = words();
        let document = texts
            .encode_document("you want you want you want you want Jerry")
            .unwrap();
        assert_eq!(document.length, DocumentLength { read: 8, of: 9 });
        assert!(document.length.is_cut() && !document.is_empty());
        assert_eq!(document.ids.len(), 9);
        assert!(document.unknown.is_empty());
        let summary = texts.encode_summary("Jerry", &document).unwrap();
        assert_eq!(summary, [UNKNOWN]);
    }

    #[test]
    fn an_empty_document_has_its_end_only() {
        let texts = words();
        for text in ["", " ", "\n\t"] {
            let document = texts.encode_document(text).unwrap();
            assert_eq!(document.ids, [texts.boundary()]);
            assert!(document.is_empty() && !document.length.is_cut());
            assert_eq!(texts.decode(&[], &document).unwrap(), "");
        }
    }

    #[test]
    fn text_of_byte_pairs_comes_back_as_it_was() {
        let options = BpeOptions {
            size: 300,
            ..BpeOptions::default()
        };
        let tokenizer = Tokenizer::bpe([LINE], &options).unwrap();
        let texts = SummaryTexts::new(tokenizer, TokenUnit::BytePairs, 100);
        let document = texts.encode_document("naïve 日本 Jerry").unwrap();
        assert!(document.unknown.is_empty());
        let summary = texts.encode_summary("日本  Jerry!", &document).unwrap();
        assert_eq!(texts.decode(&summary, &document).unwrap(), "日本  Jerry!");
    }
}
