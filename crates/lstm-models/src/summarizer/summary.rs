//! From documents to their summaries.

use super::Summarizer;
use super::texts::{DocumentLength, EncodedDocument};
use super::writing::SummaryWriter;
use crate::decoding::{DecodingError, Hypothesis, Search, SpecialTokens};
use crate::encoder_decoder::batches;
use crate::tokenizer::{TokenizerError, UNKNOWN};

/// What became of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The tokens of the document, as attention sees them; the last one ends it. None of an empty document.
    pub source: Vec<String>,
    /// How much of the document was read.
    pub document: DocumentLength,
    /// The best summaries that were found, the best first; at least one.
    pub candidates: Vec<SummaryCandidate>,
}

impl Summary {
    /// The best summary.
    pub fn best(&self) -> &SummaryCandidate {
        &self.candidates[0]
    }

    /// Whether a summary was found: not where the network's answers are no numbers, or the constraints leave none.
    pub fn is_found(&self) -> bool {
        self.best().log_probability > f64::NEG_INFINITY
    }
}

/// A summary of a document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SummaryCandidate {
    /// The text, in one line without tabs.
    pub text: String,
    /// The tokens, without the one that ends it.
    pub tokens: Vec<WrittenToken>,
    /// ln p(summary | document); −∞ where none was found.
    pub log_probability: f64,
    /// What candidates were compared by; −∞ where none was found.
    pub score: f64,
}

/// A token of a summary.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenToken {
    /// The token by itself.
    pub text: String,
    /// How much of the probability that the token had was to copy it, (1 − p_gen) Σ_{i: w_i = y} a_i / P(y): 1 of a word
    /// that is not in the vocabulary, 0 of one that does not stand in the document.
    pub copied: f32,
    /// The places of the document that hold this token: whence it can be copied.
    pub places: Vec<usize>,
    /// How much each token of the document was attended to.
    pub attention: Vec<f32>,
}

impl WrittenToken {
    /// Each of the token's places, with its share in what was copied; together they are [`copied`](Self::copied).
    ///
    /// # Panics
    ///
    /// If a place has no attention.
    pub fn copied_from(&self) -> impl Iterator<Item = (usize, f32)> {
        let attention = self.places.iter().map(|place| self.attention[*place]);
        let whole: f32 = attention.clone().sum();
        // copied · a_i / Σ_{j: w_j = y} a_j
        let share = move |attention: f32| match whole > 0.0 {
            true => self.copied * attention / whole,
            false => 0.0,
        };
        self.places.iter().copied().zip(attention.map(share))
    }
}

/// Why documents were not summed up.
#[derive(Debug, thiserror::Error)]
pub enum SummarizeError {
    /// The tokenizer refused.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The search cannot be as asked for.
    #[error(transparent)]
    Decoding(#[from] DecodingError),
}

/// Sums up documents, in their order.
pub(super) fn summarize(
    summarizer: &Summarizer,
    documents: &[&str],
    search: Search,
) -> Result<Vec<Summary>, SummarizeError> {
    search.check().map_err(DecodingError::from)?;
    let documents = summarizer.texts.encode_documents(documents)?;
    let mut summaries: Vec<Summary> = documents.iter().map(empty).collect();
    let lengths: Vec<usize> = documents
        .iter()
        .map(|document| document.ids.len())
        .collect();
    for batch in batches(&lengths, search.rows()) {
        let found = write(summarizer, &documents, &batch, search)?;
        for (place, found) in batch.iter().zip(found) {
            summaries[*place] = summary(summarizer, &documents[*place], &found)?;
        }
    }
    Ok(summaries)
}

/// Of an empty document.
fn empty(document: &EncodedDocument) -> Summary {
    Summary {
        source: Vec::new(),
        document: document.length,
        candidates: vec![SummaryCandidate::default()],
    }
}

/// What is found for these documents.
fn write(
    summarizer: &Summarizer,
    documents: &[EncodedDocument],
    places: &[usize],
    search: Search,
) -> Result<Vec<Vec<Hypothesis>>, DecodingError> {
    let documents: Vec<&EncodedDocument> = places.iter().map(|place| &documents[*place]).collect();
    let (network, coverage) = (&summarizer.network, summarizer.parts.coverage);
    let boundary = summarizer.texts.boundary();
    let mut writer = SummaryWriter::new(network, &documents, boundary, coverage);
    let special = SpecialTokens::new(boundary, boundary).forbid(UNKNOWN);
    let lengths: Vec<usize> = documents
        .iter()
        .map(|document| document.ids.len())
        .collect();
    search.run(&mut writer, &special, &lengths, places)
}

/// What was found for a document, in text.
fn summary(
    summarizer: &Summarizer,
    document: &EncodedDocument,
    found: &[Hypothesis],
) -> Result<Summary, TokenizerError> {
    let texts = &summarizer.texts;
    let mut candidates = Vec::with_capacity(found.len().max(1));
    for hypothesis in found {
        let attention = hypothesis.attention.iter().flatten();
        let copied = hypothesis.copied.iter().flatten();
        let tokens = hypothesis.tokens.iter().zip(&hypothesis.log_probabilities);
        let tokens = tokens.zip(attention.zip(copied));
        let tokens = tokens.map(|((id, log_probability), (attention, to_copy))| {
            let places = places_of(*id, document);
            // Not `sum`: that of nothing is −0.
            let attention_there = places
                .iter()
                .fold(0.0, |sum, place| sum + attention[*place]);
            WrittenToken {
                text: texts.show(*id, document),
                copied: match *id > texts.boundary() {
                    true => 1.0,
                    false => share_copied(*to_copy, attention_there, *log_probability),
                },
                places,
                attention: attention.clone(),
            }
        });
        candidates.push(SummaryCandidate {
            text: texts.decode(&hypothesis.tokens, document)?,
            tokens: tokens.collect(),
            log_probability: hypothesis.log_probability,
            score: hypothesis.score,
        });
    }
    if candidates.is_empty() {
        candidates.push(SummaryCandidate {
            log_probability: f64::NEG_INFINITY,
            score: f64::NEG_INFINITY,
            ..SummaryCandidate::default()
        });
    }
    let source = document.ids.iter().map(|id| texts.show(*id, document));
    Ok(Summary {
        source: source.collect(),
        document: document.length,
        candidates,
    })
}

/// Where a document holds a token.
pub(super) fn places_of(id: u32, document: &EncodedDocument) -> Vec<usize> {
    let places = document.ids.iter().enumerate();
    places
        .filter_map(|(place, other)| (*other == id).then_some(place))
        .collect()
}

/// How much of a token's probability was to copy it.
///
/// - `to_copy`: 1 − p_gen
/// - `attention`: to all places that hold the token
/// - `log_probability`: ln P of the token
pub(super) fn share_copied(to_copy: f32, attention: f32, log_probability: f64) -> f32 {
    // (1 − p_gen) Σ_{i: w_i = y} a_i / P(y)
    let share = f64::from(to_copy) * f64::from(attention) / log_probability.exp();
    share.min(1.0) as f32
}
