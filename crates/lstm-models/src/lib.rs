//! Recurrent models that read and write *text*: tokenizers, the text classifier, the language
//! model, the translator, the summarizer, and the bundles
//! that they are shipped in. Built on [`lstm_core`]; knows nothing of corpora and training.
//!
//! ```no_run
//! use burn::tensor::Device;
//! use lstm_models::Classifier;
//!
//! let classifier = Classifier::load("runs/reviews/bundle", &Device::flex())?;
//! let answer = classifier.classify("not bad at all")?;
//! println!("{} ({:.3})", answer.label, answer.probability());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attention;
pub mod bundle;
mod classifier;
mod decoding;
#[cfg(feature = "flex")]
mod embedding;
mod encoder_decoder;
#[cfg(feature = "flex")]
mod fresh;
#[cfg(feature = "flex")]
mod host;
mod language_model;
mod look_up;
mod loss;
mod pointer;
mod pooling;
#[cfg(feature = "flex")]
mod product;
mod ranges;
#[cfg(feature = "flex")]
mod softmax_loss;
mod summarizer;
mod text_encoder;
mod token_batch;
mod token_unit;
mod tokenizer;
mod translator;

pub use attention::{Attention, AttentionScore, Memory};
pub use classifier::{
    Answer, Classifier, ClassifierArchitecture, ClassifierBundle, ClassifierConfig, ClassifierModel,
};
pub use decoding::{
    Beam, Constraints, CoveragePenalty, Decoder, DecodingError, Ensemble, EnsembleMean, Hypothesis,
    LengthPenalty, RelativeLength, Sampler, Sampling, Search, SpecialTokens, Step, Stopping,
};
pub use encoder_decoder::{
    Bridge, EncoderDecoderArchitecture, EncoderDecoderNetwork, PairBatch, Sentences, Tied,
};
pub use language_model::{
    CacheOptions, GateTrace, Generator, LanguageModel, LanguageModelArchitecture,
    LanguageModelBundle, LanguageModelConfig, LanguageModelNetwork, LayerTrace, Movement,
    Saturation, StateTrace, StreamScorer, TextScore, TextStream, TextWriter, TokenScore, Trace,
    TraceError, TracedToken, Unit, Window,
};
pub use loss::{
    Loss, Target, VocabularyTargets, cross_entropy, vocabulary_cross_entropy, vocabulary_losses,
};
pub use pooling::{Pooling, PoolingLayer};
pub use summarizer::{
    DocumentLength, EncodedDocument, MAX_DOCUMENT, SummarizeError, Summarizer, SummarizerBundle,
    SummarizerConfig, SummarizerNetwork, Summary, SummaryBatch, SummaryCandidate, SummaryObjective,
    SummaryTexts, WrittenToken,
};
pub use text_encoder::{EncodedText, TextEncoder, subword_buckets};
pub use token_batch::{SubwordBatch, TokenBatch};
pub use token_unit::TokenUnit;
#[cfg(feature = "learn")]
pub use tokenizer::learn::{BpeOptions, WordOptions};
pub use tokenizer::{END_OF_LINE, PAD, Split, Tokenizer, TokenizerError, UNKNOWN};
pub use translator::{
    Candidate, Languages, MAX_SOURCE, SourceLength, TARGET_TOKENIZER_FILE, TranslateError,
    Translation, TranslationSearch, Translator, TranslatorBundle, TranslatorConfig,
    TranslatorEnsemble, TranslatorNetwork,
};
