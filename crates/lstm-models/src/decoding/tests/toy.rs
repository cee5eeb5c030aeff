//! Small decoders.

use lstm_core::{Purpose, RandomSource, RandomStream};

use super::super::{Decoder, Hypothesis, SpecialTokens, Step};

pub const UNKNOWN: u32 = 1;
pub const START: u32 = 2;
pub const END: u32 = 3;

pub fn special() -> SpecialTokens {
    SpecialTokens::new(START, END)
}

/// A source of a toy: its number decides what the decoder says.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    pub number: u64,
    pub length: usize,
}

pub fn lengths(sources: &[Source]) -> Vec<usize> {
    sources.iter().map(|source| source.length).collect()
}

/// What a toy is like.
#[derive(Debug, Clone, Copy)]
pub struct Model {
    pub seed: u64,
    pub vocab: usize,
    /// Standard deviation of its logits.
    pub deviation: f64,
    /// What is added to the logit of the end.
    pub end: f64,
    pub attends: bool,
}

impl Model {
    pub fn new(seed: u64, vocab: usize) -> Self {
        Self {
            seed,
            vocab,
            deviation: 1.5,
            end: 0.0,
            attends: true,
        }
    }

    /// Random numbers of all that was read.
    fn random(&self, kind: &str, source: Source, read: &[u32]) -> RandomStream {
        let part = |purpose: Purpose, token: &u32| purpose.part(*token as usize);
        let purpose = read.iter().fold(Purpose::named(kind), part);
        RandomSource::new(self.seed).stream(purpose, source.number)
    }

    /// ln p of each token after all that was read, start included.
    pub fn answer(&self, source: Source, read: &[u32]) -> Vec<f32> {
        let mut random = self.random("answer", source, read);
        let mut logits: Vec<f64> = (0..self.vocab)
            .map(|_| self.deviation * random.normal())
            .collect();
        logits[END as usize] += self.end;
        let whole: f64 = logits.iter().map(|x| x.exp()).sum();
        logits.iter().map(|x| (x - whole.ln()) as f32).collect()
    }

    /// The attention of the step that reads the last of these: `[source_length]`.
    pub fn attention(&self, source: Source, read: &[u32]) -> Vec<f32> {
        let mut random = self.random("attention", source, read);
        let weights: Vec<f64> = (0..source.length).map(|_| random.normal().exp()).collect();
        let whole: f64 = weights.iter().sum();
        weights.iter().map(|x| (x / whole) as f32).collect()
    }

    pub fn decoder(self, sources: &[Source]) -> Toy {
        Toy {
            model: self,
            rows: sources.iter().map(|source| (*source, Vec::new())).collect(),
            rows_of_steps: Vec::new(),
        }
    }

    /// ln p(tokens, end) by a decoder that reads these tokens and nothing else.
    pub fn log_probability(&self, source: Source, tokens: &[u32]) -> f64 {
        let mut decoder = self.decoder(&[source]);
        let read = [&[START], tokens].concat();
        let written = [tokens, &[END]].concat();
        let step = |(read, written): (&u32, &u32)| {
            let answer = decoder.step(&[*read]).log_probabilities;
            f64::from(answer[*written as usize])
        };
        read.iter().zip(&written).map(step).sum()
    }
}

/// A decoder that remembers every token of each row.
pub struct Toy {
    model: Model,
    rows: Vec<(Source, Vec<u32>)>,
    /// How many rows each step had.
    pub rows_of_steps: Vec<usize>,
}

impl Decoder for Toy {
    fn step(&mut self, tokens: &[u32]) -> Step {
        assert_eq!(tokens.len(), self.rows.len());
        self.rows_of_steps.push(tokens.len());
        let lengths = self.rows.iter().map(|(source, _)| source.length);
        let source_time = lengths.max().unwrap();
        let mut log_probabilities = Vec::new();
        let mut attention = Vec::new();
        for ((source, read), token) in self.rows.iter_mut().zip(tokens) {
            read.push(*token);
            log_probabilities.extend(self.model.answer(*source, read));
            let mut weights = self.model.attention(*source, read);
            weights.resize(source_time, 0.0);
            attention.extend(weights);
        }
        Step {
            log_probabilities,
            attention: self.model.attends.then_some(attention),
            copied: None,
        }
    }

    fn select(&mut self, rows: &[usize]) {
        self.rows = rows.iter().map(|row| self.rows[*row].clone()).collect();
    }
}

/// A decoder that says the same at each time, whatever was read.
pub struct Script {
    /// By time: ln p of each token. The last is said again and again.
    pub answers: Vec<Vec<f32>>,
    pub time: usize,
}

impl Script {
    pub fn new(answers: &[&[f32]]) -> Self {
        Self {
            answers: answers.iter().map(|answer| answer.to_vec()).collect(),
            time: 0,
        }
    }
}

impl Decoder for Script {
    fn step(&mut self, tokens: &[u32]) -> Step {
        let time = self.time.min(self.answers.len() - 1);
        self.time += 1;
        Step {
            log_probabilities: self.answers[time].repeat(tokens.len()),
            attention: None,
            copied: None,
        }
    }

    fn select(&mut self, _: &[usize]) {}
}

/// Whether each log-probability is what the decoder gives these tokens alone.
pub fn are_true(model: Model, source: Source, hypotheses: &[Hypothesis]) -> bool {
    hypotheses.iter().all(|hypothesis| {
        let alone = model.log_probability(source, &hypothesis.tokens);
        (hypothesis.log_probability - alone).abs() < 1e-9
    })
}
