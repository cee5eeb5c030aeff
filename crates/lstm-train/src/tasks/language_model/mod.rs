//! Predicting what text follows text.

pub mod data;
mod profile;
pub mod recipe;
mod report;
mod train;
pub mod windows;

use std::ops::Range;

use lstm_core::{Mode, RecurrentState};
use lstm_models::{LanguageModelNetwork, Loss, StreamScorer, TextStream, TokenizerError, Window};

use crate::metrics::Metrics;
use crate::training::{Part, Task};
use data::Texts;
use windows::{StepLoss, Windows};

pub use report::{Report, Scored};
pub use train::PreparedLanguageModel;

/// A text as parallel streams of windows: what the trainer works on.
///
/// The text is cut into as many streams of equal length as a batch has, which are read side by side,
/// window after window; the state is carried from each window to the next.
#[derive(Debug)]
pub struct LanguageModelTask {
    train: TokenStream,
    valid: Option<TokenStream>,
    test: Option<TokenStream>,
    streams: usize,
    windows: Windows,
    /// Decides the lengths of windows that jitter.
    seed: u64,
    fingerprint: u32,
}

/// A text's tokens.
#[derive(Debug)]
pub(crate) struct TokenStream {
    /// What the text begins after, then all tokens of it.
    ids: Vec<u32>,
    characters: usize,
}

impl TokenStream {
    fn new(text: &str, stream: &TextStream) -> Result<Self, TokenizerError> {
        let mut ids = vec![stream.start()];
        ids.extend(stream.encode(text)?);
        Ok(Self {
            ids,
            characters: text.chars().count(),
        })
    }

    /// What the text begins after.
    pub fn start(&self) -> u32 {
        self.ids[0]
    }

    /// The text's own tokens.
    pub fn tokens(&self) -> &[u32] {
        &self.ids[1..]
    }
}

/// How well a model foretells a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LanguageScores {
    /// Tokens, line ends among them.
    pub tokens: usize,
    /// Characters that they are made of, line ends among them.
    pub characters: usize,
    /// −Σ ln p(token), in nats.
    pub nll: f64,
}

impl LanguageScores {
    /// Mean negative log-likelihood of a token, in nats.
    pub fn loss(&self) -> f64 {
        self.nll / self.tokens as f64
    }

    /// e to the loss.
    pub fn perplexity(&self) -> f64 {
        self.loss().exp()
    }

    /// Bits that a character takes on average.
    pub fn bits_per_character(&self) -> f64 {
        self.nll / std::f64::consts::LN_2 / self.characters as f64
    }

    /// All of them by name.
    pub fn metrics(&self) -> Metrics {
        Metrics::from([
            ("loss".to_owned(), self.loss()),
            ("perplexity".to_owned(), self.perplexity()),
            ("bits_per_character".to_owned(), self.bits_per_character()),
        ])
    }
}

/// The names of a language model's scores.
pub(crate) const METRICS: [&str; 3] = ["loss", "perplexity", "bits_per_character"];

impl LanguageModelTask {
    /// Encodes the texts, which are read as so many streams side by side in windows that `seed` decides.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses.
    pub fn new(
        texts: &Texts,
        stream: &TextStream,
        streams: usize,
        windows: Windows,
        seed: u64,
    ) -> Result<Self, TokenizerError> {
        let encode = |text: &String| TokenStream::new(text, stream);
        let mut crc = flate2::Crc::new();
        for text in [
            Some(&texts.train),
            texts.valid.as_ref(),
            texts.test.as_ref(),
        ] {
            crc.update(text.map_or(&[], |text| text.as_bytes()));
            crc.update(b"\0");
        }
        Ok(Self {
            train: encode(&texts.train)?,
            valid: texts.valid.as_ref().map(encode).transpose()?,
            test: texts.test.as_ref().map(encode).transpose()?,
            streams,
            windows,
            seed,
            fingerprint: crc.sum(),
        })
    }

    /// A part's tokens; `None` if there is none.
    pub(crate) fn part(&self, part: Part) -> Option<&TokenStream> {
        match part {
            Part::Train => Some(&self.train),
            Part::Valid => self.valid.as_ref(),
            Part::Test => self.test.as_ref(),
        }
    }

    /// All scores of `model`, which is without autodiff, on a part: over its whole stream with the state
    /// carried, no token left out. `None` if there is none, or no token in it.
    pub fn scores(&self, model: &LanguageModelNetwork, part: Part) -> Option<LanguageScores> {
        let stream = self.part(part)?;
        let scorer = StreamScorer::new(model, stream.start());
        let nll = scorer.surprisals(stream.tokens()).map(f64::from).sum();
        (!stream.tokens().is_empty()).then(|| LanguageScores {
            tokens: stream.tokens().len(),
            characters: stream.characters,
            nll,
        })
    }

    /// These tokens of each stream of the training part, and those that follow them.
    pub(crate) fn window(&self, of_streams: &Range<usize>) -> Window {
        let length = self.stream_length();
        let tokens = |shift: usize| -> Vec<u32> {
            let streams = (0..self.streams).map(|stream| stream * length + shift);
            streams
                .flat_map(|first| &self.train.ids[first + of_streams.start..first + of_streams.end])
                .copied()
                .collect()
        };
        Window {
            streams: self.streams,
            inputs: tokens(0),
            targets: tokens(1),
        }
    }

    /// The loss of a window, and the state after it.
    fn loss_of(
        &self,
        model: &LanguageModelNetwork,
        window: &Window,
        carried: Option<Vec<RecurrentState>>,
        mode: Mode,
    ) -> (Loss, Vec<RecurrentState>) {
        let (mut loss, state) = model.loss(window, carried, mode);
        if self.windows.loss == StepLoss::Sum {
            loss.divisor = self.streams as f64;
        }
        (loss, state)
    }

    /// Tokens of each stream; what is left over at the end of the text is not learned from.
    fn stream_length(&self) -> usize {
        self.train.tokens().len() / self.streams
    }
}

impl Task for LanguageModelTask {
    type Model = LanguageModelNetwork;
    /// Which tokens of each stream.
    type Batch = Range<usize>;

    const COUNTED: &'static str = "tokens";

    fn batches(&self, epoch: u64) -> Vec<Range<usize>> {
        self.windows.of(self.stream_length(), self.seed, epoch)
    }

    fn batch_count(&self, epoch: u64) -> usize {
        self.batches(epoch).len()
    }

    fn rate_factor(&self, batch: &Range<usize>) -> f64 {
        self.windows.rate_factor(batch.len())
    }

    fn loss(
        &self,
        model: &LanguageModelNetwork,
        batch: &Range<usize>,
        carried: Option<Vec<RecurrentState>>,
        mode: Mode,
    ) -> (Loss, Option<Vec<RecurrentState>>) {
        let (loss, state) = self.loss_of(model, &self.window(batch), carried, mode);
        (loss, Some(state))
    }

    fn has(&self, part: Part) -> bool {
        self.part(part).is_some()
    }

    fn evaluate(&self, model: &LanguageModelNetwork, part: Part) -> Option<Metrics> {
        Some(self.scores(model, part)?.metrics())
    }

    fn fingerprint(&self) -> u32 {
        self.fingerprint
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use lstm_models::{LanguageModelArchitecture, LanguageModelConfig};

    use super::recipe::StreamOptions;
    use super::*;

    #[test]
    fn a_summed_loss_is_divided_by_the_streams_and_a_mean_by_the_tokens() {
        let texts = Texts {
            train: "the dogs see a man .\n".repeat(6),
            valid: None,
            test: None,
        };
        let stream = StreamOptions::default().learn(&texts.train).unwrap();
        let parts = LanguageModelArchitecture {
            d_embedding: 4,
            d_hidden: 5,
            ..LanguageModelArchitecture::default()
        };
        let vocab = stream.tokenizer().size();
        let model = LanguageModelConfig::new(vocab, parts).init(&Device::flex());
        let divisor = |loss, steps| {
            let windows = Windows {
                steps,
                loss,
                ..Windows::default()
            };
            let task = LanguageModelTask::new(&texts, &stream, 3, windows, 1).unwrap();
            let window = &task.batches(1)[0];
            let (loss, _) = task.loss(&model, window, None, Mode::Inference);
            assert_eq!(loss.count, (3 * steps) as f64);
            loss.divisor
        };
        for steps in [1, 4, 7] {
            assert_eq!(divisor(StepLoss::Sum, steps), 3.0);
            assert_eq!(divisor(StepLoss::Mean, steps), (3 * steps) as f64);
        }
    }
}
