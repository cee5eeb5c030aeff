//! From lines to their translations, by one translator or by several together.

use super::Translator;
use super::searching::TargetWriter;
use crate::decoding::{DecodingError, Ensemble, EnsembleMean, Hypothesis, Search, SpecialTokens};
use crate::encoder_decoder::{Sentences, batches};
use crate::tokenizer::TokenizerError;

/// What became of a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Translation {
    /// The tokens of the source, as attention sees them; the last one ends it. None of an empty line.
    pub source: Vec<String>,
    /// How long the source was.
    pub length: SourceLength,
    /// The best translations that were found, the best first; at least one.
    pub candidates: Vec<Candidate>,
}

impl Translation {
    /// The best translation.
    pub fn best(&self) -> &Candidate {
        &self.candidates[0]
    }

    /// Whether a translation was found: not where the network's answers are no numbers, or the constraints leave
    /// none.
    pub fn is_found(&self) -> bool {
        self.best().log_probability > f64::NEG_INFINITY
    }

    /// Of an empty line.
    fn empty() -> Self {
        Self {
            source: Vec::new(),
            length: SourceLength::Usual,
            candidates: vec![Candidate::default()],
        }
    }
}

/// A translation of a line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Candidate {
    /// The text, in one line without tabs.
    pub text: String,
    /// ln p(target | source); −∞ where none was found.
    pub log_probability: f64,
    /// What candidates were compared by; −∞ where none was found.
    pub score: f64,
    /// The tokens, without the one that ends it.
    pub tokens: Vec<String>,
    /// How much each token of the source was attended to for each of these tokens.
    pub attention: Vec<Vec<f32>>,
}

/// How long a source was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceLength {
    /// No longer than those that were learned from.
    Usual,
    /// Longer than any that was learned from.
    Unusual,
    /// It was cut after [`MAX_SOURCE`] tokens.
    Cut,
}

/// Tokens of a source beyond these are not read, its end among them.
pub const MAX_SOURCE: usize = 1_000;

/// Why lines were not translated.
#[derive(Debug, thiserror::Error)]
pub enum TranslateError {
    /// The tokenizer refused.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The search cannot be as asked for.
    #[error(transparent)]
    Decoding(#[from] DecodingError),
    /// There is no translator.
    #[error("an ensemble needs at least one translator")]
    NoTranslator,
    /// Translators that do not speak the same languages.
    #[error(
        "translator {place} has other vocabularies than the first: only those of the same tokens can \
         translate together"
    )]
    OtherVocabularies {
        /// Which one, from 1.
        place: usize,
    },
}

/// Several translators of the same vocabularies, whose probabilities are averaged at every step (ensemble,
/// Sutskever et al. 2014).
#[derive(Debug)]
pub struct TranslatorEnsemble {
    members: Vec<Translator>,
}

impl TranslatorEnsemble {
    /// Puts translators together.
    ///
    /// # Errors
    ///
    /// None, or such whose vocabularies differ.
    pub fn new(members: Vec<Translator>) -> Result<Self, TranslateError> {
        let vocabularies = |translator: &Translator| -> Result<[String; 2], TokenizerError> {
            let languages = &translator.languages;
            Ok([languages.source().to_json()?, languages.target().to_json()?])
        };
        let [first, others @ ..] = &members[..] else {
            return Err(TranslateError::NoTranslator);
        };
        for (other, place) in others.iter().zip(2..) {
            if vocabularies(other)? != vocabularies(first)? {
                return Err(TranslateError::OtherVocabularies { place });
            }
        }
        Ok(Self { members })
    }

    /// As [`Translator::translate`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn translate(
        &self,
        lines: &[&str],
        search: impl Into<Search>,
    ) -> Result<Vec<Translation>, TranslateError> {
        translate(&self.members, lines, search.into())
    }
}

/// Translates lines with translators of the same vocabularies; there is at least one.
pub(super) fn translate(
    translators: &[Translator],
    lines: &[&str],
    search: Search,
) -> Result<Vec<Translation>, TranslateError> {
    search.check().map_err(DecodingError::from)?;
    let first = &translators[0];
    let sources = Sources::new(first, lines)?;
    let mut translations = vec![Translation::empty(); lines.len()];
    let lengths: Vec<usize> = sources.ids.iter().map(Vec::len).collect();
    for batch in batches(&lengths, search.rows()) {
        let found = write(translators, &sources, &batch, search)?;
        for (line, found) in batch.iter().zip(found) {
            translations[*line] = sources.translation(first, *line, &found)?;
        }
    }
    Ok(translations)
}

/// What is found for these lines.
fn write(
    translators: &[Translator],
    sources: &Sources,
    lines: &[usize],
    search: Search,
) -> Result<Vec<Vec<Hypothesis>>, DecodingError> {
    let ids: Vec<&[u32]> = lines.iter().map(|line| &sources.ids[*line][..]).collect();
    let batch = Sentences::new(&ids);
    let writers = translators
        .iter()
        .map(|translator| TargetWriter::new(&translator.network, &batch));
    let boundary = translators[0].languages.boundary();
    let special = SpecialTokens::new(boundary, boundary);
    let mut ensemble = Ensemble::new(writers.collect(), EnsembleMean::Arithmetic);
    let lengths = batch.lengths().as_slice();
    search.run(&mut ensemble, &special, lengths, lines)
}

/// Lines as token ids.
struct Sources {
    ids: Vec<Vec<u32>>,
    lengths: Vec<SourceLength>,
}

impl Sources {
    fn new(translator: &Translator, lines: &[&str]) -> Result<Self, TokenizerError> {
        let languages = &translator.languages;
        let mut ids = languages.encode_sources(lines)?;
        let lengths = ids.iter_mut().map(|ids| {
            if ids.len() > MAX_SOURCE {
                ids.truncate(MAX_SOURCE - 1);
                ids.push(languages.end_of_source());
                return SourceLength::Cut;
            }
            match ids.len() > translator.parts.longest_source {
                true => SourceLength::Unusual,
                false => SourceLength::Usual,
            }
        });
        Ok(Self {
            lengths: lengths.collect(),
            ids,
        })
    }

    /// What was found for a line, in text.
    fn translation(
        &self,
        translator: &Translator,
        line: usize,
        found: &[Hypothesis],
    ) -> Result<Translation, TokenizerError> {
        let languages = &translator.languages;
        let source = self.ids[line].iter().map(|id| languages.show_source(*id));
        let mut candidates = Vec::with_capacity(found.len().max(1));
        for hypothesis in found {
            let tokens = hypothesis.tokens.iter();
            candidates.push(Candidate {
                text: languages.decode(&hypothesis.tokens)?,
                log_probability: hypothesis.log_probability,
                score: hypothesis.score,
                tokens: tokens.map(|id| languages.show_target(*id)).collect(),
                attention: hypothesis.attention.clone().unwrap_or_default(),
            });
        }
        if candidates.is_empty() {
            candidates.push(Candidate {
                log_probability: f64::NEG_INFINITY,
                score: f64::NEG_INFINITY,
                ..Candidate::default()
            });
        }
        Ok(Translation {
            source: source.collect(),
            length: self.lengths[line],
            candidates,
        })
    }
}
