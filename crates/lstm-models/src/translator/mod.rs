//! The translator: lines of one language in, lines of another out.

mod config;
mod languages;
mod search;
mod searching;
#[cfg(all(test, feature = "flex"))]
mod tests;
mod translation;

use std::path::Path;

use burn::tensor::Device;
use lstm_core::WeightDraws;
use serde::{Deserialize, Serialize};

use crate::bundle::{self, BundleConfig, BundleError, FORMAT_VERSION, WeightsFile};
use crate::decoding::Search;
use crate::encoder_decoder::EncoderDecoderNetwork;
use crate::token_unit::TokenUnit;
use crate::tokenizer::Tokenizer;

pub use config::TranslatorConfig;
pub use languages::Languages;
pub use search::TranslationSearch;
pub use translation::{
    Candidate, MAX_SOURCE, SourceLength, TranslateError, Translation, TranslatorEnsemble,
};

/// The translator's network: an encoder-decoder, and nothing beside it.
pub type TranslatorNetwork = EncoderDecoderNetwork;

/// The translator's part of `config.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranslatorBundle {
    /// The network.
    pub config: TranslatorConfig,
    /// What tokens are.
    pub unit: TokenUnit,
    /// Whether both languages have one vocabulary, `tokenizer.json`; else the target's is
    /// [`TARGET_TOKENIZER_FILE`].
    pub shared_vocabulary: bool,
    /// Tokens of the longest source that was learned from.
    pub longest_source: usize,
}

/// File name of the target language's tokenizer, where it has one of its own.
pub const TARGET_TOKENIZER_FILE: &str = "target_tokenizer.json";

/// A trained translator: lines of one language in, lines of another out.
#[derive(Debug)]
pub struct Translator {
    languages: Languages,
    network: TranslatorNetwork,
    parts: TranslatorBundle,
}

impl Translator {
    /// The name of the task in a bundle.
    pub const TASK: &str = "translator";

    /// Puts a translator together.
    ///
    /// # Panics
    ///
    /// If the vocabularies have other sizes than the network.
    pub fn new(languages: Languages, network: TranslatorNetwork, parts: TranslatorBundle) -> Self {
        let config = &parts.config;
        assert_eq!(
            [languages.source_vocab(), languages.target_vocab()],
            [config.source_vocab, config.target_vocab],
            "a network has a row for each token"
        );
        Self {
            languages,
            network,
            parts,
        }
    }

    /// Reads a bundle.
    ///
    /// # Errors
    ///
    /// A file that is missing or damaged, a bundle of another task or format version, weights
    /// that do not fit the configuration.
    pub fn load(directory: impl AsRef<Path>, device: &Device) -> Result<Self, BundleError> {
        let directory = directory.as_ref();
        let config: BundleConfig<TranslatorBundle> = bundle::read_config(directory, Self::TASK)?;
        let parts = config.model;
        let invalid = |(key, message): (String, String)| BundleError::Config {
            path: directory.join(bundle::CONFIG_FILE),
            message: format!("model.config.{key}: {message}"),
        };
        parts.config.check().map_err(invalid)?;
        let tokenizer = |file| Tokenizer::load(directory.join(file));
        let source = tokenizer(bundle::TOKENIZER_FILE)?;
        let target = match parts.shared_vocabulary {
            true => None,
            false => Some(tokenizer(TARGET_TOKENIZER_FILE)?),
        };
        let languages = Languages::new(source, target, parts.unit);
        for (key, size, found) in [
            (
                "source_vocab",
                parts.config.source_vocab,
                languages.source_vocab(),
            ),
            (
                "target_vocab",
                parts.config.target_vocab,
                languages.target_vocab(),
            ),
        ] {
            if size != found {
                let message = format!("{size}, but the tokenizer has {} tokens and one", found - 1);
                return Err(invalid((key.to_owned(), message)));
            }
        }
        let weights = WeightsFile::read(directory)?;
        parts
            .config
            .check_fits(&weights)
            .map_err(|(key, message)| invalid((key.to_owned(), message)))?;
        let network = parts
            .config
            .init_with(&mut WeightDraws::placeholders(device));
        Ok(Self::new(languages, weights.put_into(network)?, parts))
    }

    /// Writes the bundle's files into an existing directory. `training` says how the model came
    /// about, `readme` tells people.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn save(
        &self,
        directory: impl AsRef<Path>,
        training: serde_json::Map<String, serde_json::Value>,
        readme: &str,
    ) -> Result<(), BundleError> {
        let config = BundleConfig {
            format_version: FORMAT_VERSION,
            task: Self::TASK.to_owned(),
            model: self.parts.clone(),
            training,
        };
        let mut tokenizers = vec![(bundle::TOKENIZER_FILE, self.languages.source())];
        if !self.parts.shared_vocabulary {
            tokenizers.push((TARGET_TOKENIZER_FILE, self.languages.target()));
        }
        bundle::write(
            directory.as_ref(),
            &config,
            &tokenizers,
            &self.network,
            readme,
        )
    }

    /// What the translator was built from.
    pub fn parts(&self) -> &TranslatorBundle {
        &self.parts
    }

    /// The network.
    pub fn network(&self) -> &TranslatorNetwork {
        &self.network
    }

    /// How text becomes tokens.
    pub fn languages(&self) -> &Languages {
        &self.languages
    }

    /// Translates lines, in their order. An empty line has an empty translation.
    ///
    /// ```no_run
    /// # use lstm_models::{TranslationSearch, Translator};
    /// # let translator = Translator::load("bundle", &burn::tensor::Device::flex())?;
    /// let english = translator.translate(&["Ein Mann fährt Rad."], TranslationSearch::default())?;
    /// println!("{}", english[0].best().text);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the tokenizer or [`Search::check`] refuses.
    pub fn translate(
        &self,
        lines: &[&str],
        search: impl Into<Search>,
    ) -> Result<Vec<Translation>, TranslateError> {
        translation::translate(std::slice::from_ref(self), lines, search.into())
    }
}
