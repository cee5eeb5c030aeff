//! The language model: what text follows text, and how surprising a text is.

mod architecture;
mod cache;
mod network;
mod next_token;
mod text;
mod trace;

use std::fmt;
use std::path::Path;

use burn::tensor::Device;
use lstm_core::{
    CarriedState, Mode, Purpose, RandomSource, RandomStream, RecurrentState, WeightDraws,
};
use serde::{Deserialize, Serialize};

use cache::ContinuousCache;
use next_token::NextToken;

use crate::bundle::{self, BundleConfig, BundleError, FORMAT_VERSION, WeightsFile};
use crate::decoding::Sampling;
use crate::tokenizer::{Tokenizer, TokenizerError, UNKNOWN};

pub use architecture::{LanguageModelArchitecture, LanguageModelConfig};
pub use cache::CacheOptions;
pub use network::{LanguageModelNetwork, Window};
pub use text::{TextStream, TextWriter, Unit};
pub use trace::{
    GateTrace, LayerTrace, Movement, Saturation, StateTrace, Trace, TraceError, TracedToken,
};

/// The language model's part of `config.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageModelBundle {
    /// The network.
    pub config: LanguageModelConfig,
    /// What a token is.
    pub unit: Unit,
}

/// A trained language model: text in, text and surprisal out.
#[derive(Debug)]
pub struct LanguageModel {
    stream: TextStream,
    network: LanguageModelNetwork,
    parts: LanguageModelBundle,
    device: Device,
}

/// A token of a text, and how surprising it is there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TokenScore {
    /// The token.
    pub token: String,
    /// Its number in the vocabulary.
    pub id: u32,
    /// −ln p(token | all before it), in nats.
    pub surprisal: f64,
}

/// How surprising a text is as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct TextScore {
    /// Tokens, line ends among them.
    pub tokens: usize,
    /// How many of them the vocabulary lacks.
    pub unknown: usize,
    /// The sum of their surprisals in nats.
    pub nll: f64,
}

impl TextScore {
    /// Of these tokens, whose surprisals are not known yet.
    fn of(ids: &[u32]) -> Self {
        Self {
            tokens: ids.len(),
            unknown: ids.iter().filter(|id| **id == UNKNOWN).count(),
            nll: 0.0,
        }
    }

    /// Mean surprisal of a token, in nats.
    pub fn loss(&self) -> f64 {
        self.nll / self.tokens as f64
    }

    /// e to the mean surprisal: among how many tokens of equal probability the model could as well choose.
    pub fn perplexity(&self) -> f64 {
        self.loss().exp()
    }
}

impl fmt::Display for TextScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tokens, unknown) = (self.tokens, self.unknown);
        let perplexity = self.perplexity();
        write!(
            f,
            "{tokens} tokens, {unknown} of them unknown, perplexity {perplexity:.3}"
        )
    }
}

/// Tokens of a text that are scored together: a long one is not held whole.
const SCORED: usize = 512;

impl LanguageModel {
    /// The name of the task in a bundle.
    pub const TASK: &str = "language-model";

    /// Puts a language model together.
    ///
    /// # Panics
    ///
    /// If the vocabulary has another size than the network.
    pub fn new(
        stream: TextStream,
        network: LanguageModelNetwork,
        parts: LanguageModelBundle,
        device: &Device,
    ) -> Self {
        assert_eq!(
            stream.tokenizer().size(),
            parts.config.vocab,
            "a network has a row for each token"
        );
        Self {
            stream,
            network,
            parts,
            device: device.clone(),
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
        let config: BundleConfig<LanguageModelBundle> = bundle::read_config(directory, Self::TASK)?;
        let parts = config.model;
        let invalid = |message: String| BundleError::Config {
            path: directory.join(bundle::CONFIG_FILE),
            message,
        };
        let within = |(key, message): (&str, String)| {
            invalid(format!("model.config.architecture.{key}: {message}"))
        };
        parts.config.architecture.check().map_err(within)?;
        let tokenizer = Tokenizer::load(directory.join(bundle::TOKENIZER_FILE))?;
        if tokenizer.size() != parts.config.vocab {
            return Err(invalid(format!(
                "model.config.vocab: {}, but {} has {} tokens",
                parts.config.vocab,
                bundle::TOKENIZER_FILE,
                tokenizer.size()
            )));
        }
        let weights = WeightsFile::read(directory)?;
        parts
            .config
            .check_fits(&weights)
            .map_err(|(key, message)| invalid(format!("model.config.{key}: {message}")))?;
        let network = parts
            .config
            .init_with(&mut WeightDraws::placeholders(device));
        let network = weights.put_into(network)?;
        let stream = TextStream::new(tokenizer, parts.unit)?;
        Ok(Self::new(stream, network, parts, device))
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
        let tokenizer = self.stream.tokenizer();
        bundle::write(
            directory.as_ref(),
            &config,
            &[(bundle::TOKENIZER_FILE, tokenizer)],
            &self.network,
            readme,
        )
    }

    /// What the model was built from.
    pub fn parts(&self) -> &LanguageModelBundle {
        &self.parts
    }

    /// The network.
    pub fn network(&self) -> &LanguageModelNetwork {
        &self.network
    }

    /// How text becomes tokens.
    pub fn stream(&self) -> &TextStream {
        &self.stream
    }

    /// The device that the network is on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Scores a text as one stream, which begins as a line does; `each` gets every token as it is scored.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses, and an error of `each`.
    pub fn score<E: From<TokenizerError>>(
        &self,
        text: &str,
        each: impl FnMut(TokenScore) -> Result<(), E>,
    ) -> Result<TextScore, E> {
        self.score_with(None, text, each)
    }

    /// As [`score`](Self::score), with a continuous cache if there are options for one.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// If [`CacheOptions::check`] fails.
    pub fn score_with<E: From<TokenizerError>>(
        &self,
        cache: Option<CacheOptions>,
        text: &str,
        mut each: impl FnMut(TokenScore) -> Result<(), E>,
    ) -> Result<TextScore, E> {
        let ids = self.stream.encode(text)?;
        let mut score = TextScore::of(&ids);
        let mut scorer = StreamScorer::new(&self.network, self.stream.start());
        if let Some(options) = cache {
            scorer = scorer.with_cache(options);
        }
        for (id, surprisal) in ids.iter().zip(scorer.surprisals(&ids)) {
            let surprisal = f64::from(surprisal);
            score.nll += surprisal;
            each(TokenScore {
                token: self.stream.show(*id),
                id: *id,
                surprisal,
            })?;
        }
        Ok(score)
    }

    /// A text that the model writes on and on, after nothing yet.
    pub fn writer(&self, sampling: Sampling, seed: u64) -> Generator<'_> {
        Generator {
            model: self,
            sampling,
            random: RandomSource::new(seed).stream(Purpose::named("generation"), 0),
            next: NextToken::new(&self.network),
        }
    }
}

/// The losses of a stream's tokens, part by part, with the state carried from each to the next.
pub struct StreamScorer<'a> {
    network: &'a LanguageModelNetwork,
    last: u32,
    state: Option<Vec<RecurrentState>>,
    cache: Option<ContinuousCache>,
}

impl<'a> StreamScorer<'a> {
    /// A stream that begins after the token `start`.
    pub fn new(network: &'a LanguageModelNetwork, start: u32) -> Self {
        Self {
            network,
            last: start,
            state: None,
            cache: None,
        }
    }

    /// The same with an empty continuous cache.
    ///
    /// # Panics
    ///
    /// If [`CacheOptions::check`] fails.
    pub fn with_cache(self, options: CacheOptions) -> Self {
        Self {
            cache: Some(ContinuousCache::new(options)),
            ..self
        }
    }

    /// −ln p of each token of a stream that has these, in nats. They go through the network part by part, so
    /// that a long stream is not held whole.
    pub fn surprisals(mut self, ids: &'a [u32]) -> impl Iterator<Item = f32> + 'a {
        let parts = ids.chunks(SCORED);
        parts.flat_map(move |targets| self.score(targets))
    }

    /// −ln p of each of the next tokens in nats.
    fn score(&mut self, targets: &[u32]) -> Vec<f32> {
        let Some((last, before)) = targets.split_last() else {
            return Vec::new();
        };
        let inputs: Vec<u32> = [&[self.last], before].concat();
        let state = self.state.take();
        let (output, state) = self.network.forward(&inputs, 1, state, Mode::Inference);
        let output = output.detach();
        let mut losses = self.network.output_losses(output.clone(), targets);
        if let Some(cache) = &mut self.cache {
            losses = cache.mix(output, targets, &losses);
        }
        self.state = Some(state.detach());
        self.last = *last;
        losses
    }
}

/// Writes text: reads what it is given, and chooses what follows.
pub struct Generator<'a> {
    model: &'a LanguageModel,
    sampling: Sampling,
    random: RandomStream,
    next: NextToken<'a>,
}

impl Generator<'_> {
    /// Reads text, which the rest continues.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn read(&mut self, text: &str) -> Result<TextScore, TokenizerError> {
        let ids = self.model.stream.encode_beginning(text)?;
        self.advance(&ids);
        Ok(TextScore::of(&ids))
    }

    fn advance(&mut self, ids: &[u32]) {
        if self.next.logits().is_none() {
            self.next.read(&[self.model.stream.start()]);
        }
        if !ids.is_empty() {
            self.next.read(ids);
        }
    }
}

impl Iterator for Generator<'_> {
    type Item = u32;

    /// The next token; none if the model's answer is no number.
    fn next(&mut self) -> Option<u32> {
        self.advance(&[]);
        let logits = self.next.logits()?;
        // A text has neither.
        for special in [crate::tokenizer::PAD, UNKNOWN] {
            if let Some(logit) = logits.get_mut(special as usize) {
                *logit = f32::NAN;
            }
        }
        let id = self.sampling.choose(logits, &mut self.random)?;
        self.advance(&[id]);
        Some(id)
    }
}
