//! Learning a vocabulary from a corpus.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tokenizers::decoders::fuse::Fuse;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::models::wordlevel::WordLevel;
use tokenizers::normalizers::{Lowercase, NFC, Sequence};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::split::{Split as SplitAt, SplitPattern};
use tokenizers::pre_tokenizers::whitespace::{Whitespace, WhitespaceSplit};
use tokenizers::{
    AddedToken, ModelWrapper, Normalizer, NormalizerWrapper, OffsetReferential, OffsetType,
    PreTokenizedString, PreTokenizer, PreTokenizerWrapper, SplitDelimiterBehavior,
};

use super::{
    END_OF_LINE, PAD_TOKEN, Split, Tokenizer, TokenizerError, UNKNOWN_TOKEN, tokenize_error,
};

/// How a vocabulary of whole words is learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordOptions {
    /// How text is split into words.
    pub split: Split,
    /// Whether capital letters are folded to small ones.
    pub lowercase: bool,
    /// Words seen less often become `<unk>`.
    pub min_count: usize,
    /// The largest size of the vocabulary; the most frequent words stay.
    pub max_size: usize,
}

impl Default for WordOptions {
    fn default() -> Self {
        Self {
            split: Split::Words,
            lowercase: true,
            min_count: 1,
            max_size: 50_000,
        }
    }
}

/// How a vocabulary of byte pairs is learned (Sennrich et al. 2016, on bytes as in Radford et al.
/// 2019): no text is ever unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BpeOptions {
    /// Whether capital letters are folded to small ones.
    pub lowercase: bool,
    /// Pairs seen less often are not merged.
    pub min_count: usize,
    /// The size of the vocabulary; at least the 256 bytes and 2 special tokens.
    pub size: usize,
}

impl Default for BpeOptions {
    fn default() -> Self {
        Self {
            lowercase: false,
            min_count: 2,
            size: 8_000,
        }
    }
}

impl WordOptions {
    /// Words between white space as they are written: what a stream of words has.
    pub fn for_streams() -> Self {
        Self {
            split: Split::Whitespace,
            lowercase: false,
            ..Self::default()
        }
    }
}

impl Tokenizer {
    /// Learns a vocabulary of whole words, most frequent first, equal counts in alphabetical
    /// order.
    ///
    /// # Errors
    ///
    /// A corpus without a word.
    pub fn words<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        options: &WordOptions,
    ) -> Result<Self, TokenizerError> {
        let normalizer = normalizer(options.lowercase);
        let splitter = match options.split {
            Split::Words => PreTokenizerWrapper::from(Whitespace {}),
            Split::Whitespace => PreTokenizerWrapper::from(WhitespaceSplit),
        };
        let mut counts = HashMap::new();
        for text in texts {
            count_words(text, &normalizer, &splitter, &mut counts)?;
        }
        let model = most_frequent(counts, options.min_count, options.max_size)?;
        Self::assemble(model.into(), normalizer, splitter)
    }

    /// Learns a vocabulary of whole words for streams of lines: as [`words`](Self::words), with the end of a
    /// line, [`END_OF_LINE`], as often as lines end.
    ///
    /// # Errors
    ///
    /// A corpus without a word.
    pub fn stream_words<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        options: &WordOptions,
    ) -> Result<Self, TokenizerError> {
        let lines = texts.into_iter().flat_map(str::lines);
        Self::words(lines.flat_map(|line| [line, END_OF_LINE]), options)
    }

    /// Learns a vocabulary of characters, most frequent first, line ends among them; those seen less
    /// often than `min_count` times become `<unk>`.
    ///
    /// # Errors
    ///
    /// A corpus without a character.
    pub fn characters<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        min_count: usize,
    ) -> Result<Self, TokenizerError> {
        let mut by_character: HashMap<char, usize> = HashMap::new();
        for character in texts.into_iter().flat_map(str::chars) {
            *by_character.entry(character).or_default() += 1;
        }
        let counts = by_character.into_iter();
        let counts = counts.map(|(character, count)| (character.to_string(), count));
        let model = most_frequent(counts.collect(), min_count, usize::MAX)?;
        let every = SplitAt::new(
            SplitPattern::Regex("(?s:.)".to_owned()),
            SplitDelimiterBehavior::Isolated,
            false,
        );
        let every = every.map_err(tokenize_error)?;
        // No normal form: a character is what the text has.
        let no_steps = NormalizerWrapper::Sequence(Sequence::new(Vec::new()));
        let mut tokenizer = Self::assemble(model.into(), no_steps, every.into())?;
        tokenizer.inner.with_decoder(Some(Fuse::new()));
        Ok(tokenizer)
    }

    /// Learns byte pairs.
    ///
    /// # Errors
    ///
    /// A corpus without a character.
    pub fn bpe<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        options: &BpeOptions,
    ) -> Result<Self, TokenizerError> {
        let normalizer = normalizer(options.lowercase);
        let splitter = ByteLevel::new(false, true, true);
        let mut counts = HashMap::new();
        for text in texts {
            count_words(text, &normalizer, &splitter, &mut counts)?;
        }
        if counts.is_empty() {
            return Err(TokenizerError::EmptyCorpus);
        }
        let trainer = BpeTrainer::builder()
            .show_progress(false)
            .min_frequency(options.min_count as u64)
            .vocab_size(options.size)
            .special_tokens(special_tokens())
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .build();
        let counts = counts
            .into_iter()
            .filter(|(word, _)| word.len() <= MAX_LEARNED_WORD)
            .map(|(word, count)| (word.into(), count as u64))
            .collect();
        let mut model = BPE::default();
        trainer
            .do_train(&counts, &mut model)
            .map_err(tokenize_error)?;
        let mut tokenizer = Self::assemble(model.into(), normalizer, splitter.into())?;
        tokenizer.inner.with_decoder(Some(splitter));
        Ok(tokenizer)
    }

    fn assemble(
        model: ModelWrapper,
        normalizer: NormalizerWrapper,
        splitter: PreTokenizerWrapper,
    ) -> Result<Self, TokenizerError> {
        let mut inner = tokenizers::Tokenizer::new(model);
        inner
            .with_normalizer(Some(normalizer))
            .map_err(tokenize_error)?;
        inner.with_pre_tokenizer(Some(splitter));
        inner
            .add_special_tokens(special_tokens())
            .map_err(tokenize_error)?;
        Ok(Self { inner })
    }
}

/// A model of the special tokens and the most frequent words, equal counts in alphabetical order.
fn most_frequent(
    mut counts: HashMap<String, usize>,
    min_count: usize,
    max_size: usize,
) -> Result<WordLevel, TokenizerError> {
    if counts.is_empty() {
        return Err(TokenizerError::EmptyCorpus);
    }
    // A corpus may spell out the special tokens: they have their places already.
    counts.remove(PAD_TOKEN);
    counts.remove(UNKNOWN_TOKEN);
    let mut words: Vec<(String, usize)> = counts
        .into_iter()
        .filter(|(_, count)| *count >= min_count)
        .collect();
    words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let vocabulary = [PAD_TOKEN.to_owned(), UNKNOWN_TOKEN.to_owned()]
        .into_iter()
        .chain(words.into_iter().map(|(word, _)| word))
        .take(max_size.max(2))
        .zip(0..)
        .collect();
    WordLevel::builder()
        .vocab(vocabulary)
        .unk_token(UNKNOWN_TOKEN.to_owned())
        .build()
        .map_err(tokenize_error)
}

/// Longer stretches without white space are no words, and the time that learning takes grows with
/// the square of their length.
const MAX_LEARNED_WORD: usize = 256;

fn special_tokens() -> Vec<AddedToken> {
    [PAD_TOKEN, UNKNOWN_TOKEN]
        .map(|token| AddedToken::from(token, true))
        .to_vec()
}

fn normalizer(lowercase: bool) -> NormalizerWrapper {
    let mut steps = vec![NormalizerWrapper::NFC(NFC)];
    if lowercase {
        steps.push(NormalizerWrapper::Lowercase(Lowercase));
    }
    NormalizerWrapper::Sequence(Sequence::new(steps))
}

fn count_words(
    text: &str,
    normalizer: &NormalizerWrapper,
    splitter: &impl PreTokenizer,
    counts: &mut HashMap<String, usize>,
) -> Result<(), TokenizerError> {
    let mut words = PreTokenizedString::from(text);
    words
        .normalize(|part| normalizer.normalize(part))
        .map_err(tokenize_error)?;
    splitter.pre_tokenize(&mut words).map_err(tokenize_error)?;
    for (word, _, _) in words.get_splits(OffsetReferential::Original, OffsetType::Byte) {
        match counts.get_mut(word) {
            Some(count) => *count += 1,
            None => {
                counts.insert(word.to_owned(), 1);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::{PAD, UNKNOWN};

    const TEXTS: [&str; 3] = ["A good film, a GOOD one.", "a bad film", "<unk> and <pad>"];

    fn words(options: WordOptions) -> Tokenizer {
        Tokenizer::words(TEXTS, &options).unwrap()
    }

    #[test]
    fn words_are_numbered_by_frequency_then_alphabet() {
        let tokenizer = words(WordOptions::default());
        let listed: Vec<_> = (0..6).map(|id| tokenizer.token(id).unwrap()).collect();
        assert_eq!(listed, ["<pad>", "<unk>", "a", "<", ">", "film"]);
        assert_eq!(tokenizer.encode("a film").unwrap(), [2, 5]);
    }

    #[test]
    fn rare_and_new_words_become_unknown() {
        let tokenizer = words(WordOptions {
            min_count: 2,
            ..WordOptions::default()
        });
        let good = tokenizer.id("good").unwrap();
        assert_eq!(
            tokenizer.encode("good bad ugly").unwrap(),
            [good, UNKNOWN, UNKNOWN]
        );
    }

    #[test]
    fn special_tokens_in_the_corpus_keep_their_ids() {
        let tokenizer = words(WordOptions {
            split: Split::Whitespace,
            ..WordOptions::default()
        });
        assert_eq!(tokenizer.encode("<unk>").unwrap(), [UNKNOWN]);
        assert_eq!(tokenizer.encode("<pad>").unwrap(), [PAD]);
        let mut ids: Vec<_> = (0..tokenizer.size() as u32)
            .map(|id| tokenizer.token(id).expect("ids have no holes"))
            .collect();
        ids.dedup();
        assert_eq!(ids.len(), tokenizer.size());
    }

    #[test]
    fn byte_pairs_know_every_text() {
        let options = BpeOptions {
            size: 300,
            ..BpeOptions::default()
        };
        let tokenizer = Tokenizer::bpe(TEXTS, &options).unwrap();
        assert!(tokenizer.size() >= 258);
        assert!(
            !tokenizer
                .encode("ein Süßwarenladen 日本")
                .unwrap()
                .contains(&UNKNOWN)
        );
    }

    #[test]
    fn a_saved_tokenizer_reads_the_same() {
        for tokenizer in [
            words(WordOptions::default()),
            Tokenizer::bpe(TEXTS, &BpeOptions::default()).unwrap(),
        ] {
            let json = tokenizer.to_json().unwrap();
            let again = Tokenizer::from_json(json.as_bytes(), "tokenizer.json").unwrap();
            assert_eq!(again.to_json().unwrap(), json);
            let text = "A film, good or BAD? <unk>";
            assert_eq!(again.encode(text).unwrap(), tokenizer.encode(text).unwrap());
        }
    }

    #[test]
    fn learning_from_nothing_is_an_error() {
        assert!(matches!(
            Tokenizer::words(["", "  "], &WordOptions::default()),
            Err(TokenizerError::EmptyCorpus)
        ));
        assert!(matches!(
            Tokenizer::bpe([""], &BpeOptions::default()),
            Err(TokenizerError::EmptyCorpus)
        ));
    }

    #[test]
    fn somebody_elses_tokenizer_is_refused_by_name() {
        let error = Tokenizer::from_json(b"{}", "their.json").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("their.json is not a tokenizer.json")
        );
    }
}
