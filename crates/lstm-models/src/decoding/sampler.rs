//! Sequences drawn token by token, for all sources of a batch at once.

use lstm_core::{Purpose, RandomSource, RandomStream};
use serde::{Deserialize, Serialize};

use super::constraints::{Constraints, Lengths, Mask};
use super::sampling::Sampling;
use super::trellis::{Place, Trellis};
use super::{Decoder, DecodingError, Hypothesis, SpecialTokens, Step, select_rows};

/// Draws one sequence for each source, token by token.
///
/// Random numbers depend on the seed and the source's number only, so that a source gets the same sequence alone
/// and in any batch.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampler {
    /// How a token is drawn.
    pub sampling: Sampling,
    /// What a sequence must be like. What is left of a distribution is drawn from as it is.
    pub constraints: Constraints,
    /// Decides the draws.
    pub seed: u64,
}

impl Sampler {
    /// Draws from the whole distribution.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// The same with tokens drawn like this.
    pub fn with_sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// The same with these constraints.
    pub fn with_constraints(mut self, constraints: Constraints) -> Self {
        self.constraints = constraints;
        self
    }

    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        self.sampling.check()?;
        self.constraints.check()
    }

    /// A sequence for each source: `[sources]`. Its score is its log-probability, which is the decoder's,
    /// whatever the temperature. `None` where nothing may follow what was drawn: under the constraints, or because
    /// the decoder's answers are no numbers.
    ///
    /// # Shapes
    ///
    /// - `decoder`: one row for each source
    /// - `source_lengths`: `[sources]`
    /// - `numbers`: `[sources]`, each source's number among all that there are
    ///
    /// # Errors
    ///
    /// What [`check`](Self::check) refuses.
    ///
    /// # Panics
    ///
    /// If there are not as many numbers as lengths, or the sizes of a decoder's answer do not fit its rows.
    pub fn sample<D: Decoder + ?Sized>(
        &self,
        decoder: &mut D,
        special: &SpecialTokens,
        source_lengths: &[usize],
        numbers: &[u64],
    ) -> Result<Vec<Option<Hypothesis>>, DecodingError> {
        self.check()?;
        assert_eq!(
            source_lengths.len(),
            numbers.len(),
            "each source has a length and a number"
        );
        let mut drawing = Drawing::new(self, special, source_lengths, numbers);
        let mut tokens = vec![special.start; numbers.len()];
        while !tokens.is_empty() {
            let (rows, chosen) = drawing.advance(decoder.step(&tokens));
            select_rows(decoder, tokens.len(), &rows);
            tokens = chosen;
        }
        Ok(drawing.hypotheses(source_lengths))
    }
}

/// Sequences that are being drawn.
struct Drawing<'a> {
    sampling: &'a Sampling,
    end: u32,
    mask: Mask,
    /// Tokens of each unfinished sequence.
    length: usize,
    rows: Vec<Row>,
    trellis: Trellis,
    /// The last token and the log-probability of what ended, by source.
    finished: Vec<Option<(Place, f64)>>,
}

/// An unfinished sequence.
struct Row {
    source: usize,
    lengths: Lengths,
    random: RandomStream,
    last: Place,
    log_probability: f64,
}

impl<'a> Drawing<'a> {
    fn new(
        sampler: &'a Sampler,
        special: &SpecialTokens,
        source_lengths: &[usize],
        numbers: &[u64],
    ) -> Self {
        let random = RandomSource::new(sampler.seed);
        let sources = source_lengths.iter().zip(numbers).enumerate();
        let row = |(source, (&length, &number))| Row {
            source,
            lengths: sampler.constraints.lengths(length),
            random: random.stream(Purpose::named("sampled sequence"), number),
            last: None,
            log_probability: 0.0,
        };
        Self {
            sampling: &sampler.sampling,
            end: special.end,
            mask: Mask::new(&sampler.constraints, special),
            length: 0,
            rows: sources.map(row).collect(),
            trellis: Trellis::default(),
            finished: vec![None; numbers.len()],
        }
    }

    /// Draws a token for each row; gives the rows that go on, and the tokens that they go on with.
    fn advance(&mut self, mut step: Step) -> (Vec<usize>, Vec<u32>) {
        let rows = std::mem::take(&mut self.rows);
        let before = rows.len();
        // Without a vocabulary there is nothing to draw.
        let vocab = step.vocab(before).max(1);
        let answers = step.log_probabilities.chunks_exact_mut(vocab);
        let (mut kept, mut tokens) = (Vec::new(), Vec::new());
        for (place, (mut row, answer)) in rows.into_iter().zip(answers).enumerate() {
            let Some(token) = self.draw(&mut row, answer) else {
                continue;
            };
            let log_probability = f64::from(answer[token as usize].min(0.0));
            row.log_probability += log_probability;
            if token == self.end {
                self.finished[row.source] = Some((row.last, row.log_probability));
                continue;
            }
            row.last = self.trellis.extend(row.last, token, place, log_probability);
            self.rows.push(row);
            kept.push(place);
            tokens.push(token);
        }
        self.trellis.attend(step, before);
        self.length += 1;
        (kept, tokens)
    }

    fn draw(&self, row: &mut Row, answer: &mut [f32]) -> Option<u32> {
        let tokens = if self.mask.needs_tokens() {
            self.trellis.tokens(row.last)
        } else {
            Vec::new()
        };
        self.mask.apply(answer, self.length, row.lengths, &tokens);
        self.sampling.choose(answer, &mut row.random)
    }

    fn hypotheses(self, source_lengths: &[usize]) -> Vec<Option<Hypothesis>> {
        let hypothesis = |(finished, &length): (&Option<(Place, f64)>, &usize)| {
            let (last, log_probability) = (*finished)?;
            Some(Hypothesis {
                tokens: self.trellis.tokens(last),
                log_probability,
                score: log_probability,
                log_probabilities: self.trellis.log_probabilities(last),
                attention: self.trellis.attention(last, length),
                copied: self.trellis.copied(last),
            })
        };
        let sources = self.finished.iter().zip(source_lengths);
        sources.map(hypothesis).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Beam;
    use super::super::tests::toy::{Model, Script, Source, are_true, lengths, special};
    use super::*;

    fn sample(sampler: &Sampler, model: Model, sources: &[Source]) -> Vec<Option<Hypothesis>> {
        let numbers: Vec<u64> = sources.iter().map(|source| source.number).collect();
        let mut decoder = model.decoder(sources);
        sampler
            .sample(&mut decoder, &special(), &lengths(sources), &numbers)
            .unwrap()
    }

    fn sources() -> Vec<Source> {
        let source = |number| Source {
            number,
            length: 1 + number as usize % 4,
        };
        [5, 2, 9, 4, 0, 7].map(source).to_vec()
    }

    proptest! {
        #[test]
        fn a_batch_draws_what_each_source_draws_alone(
            seed in any::<u64>(),
            temperature in 0.0..2.0,
            top_k in 0usize..5,
            top_p in 0.1..=1.0,
            no_repeat in 0usize..3,
        ) {
            let sampling = Sampling { temperature, top_k, top_p };
            let constraints = Constraints::default()
                .with_min_length(1)
                .with_max_relative(2.0, 3)
                .with_no_repeat_ngram(no_repeat);
            let sampler = Sampler::new(seed).with_sampling(sampling).with_constraints(constraints);
            let model = Model::new(seed, 12);
            let together = sample(&sampler, model, &sources());
            for (source, together) in sources().iter().zip(together) {
                prop_assert_eq!(&sample(&sampler, model, &[*source])[0], &together);
                let drawn = together.unwrap();
                let length = drawn.tokens.len();
                prop_assert!(1 <= length && length <= 2 * source.length + 3);
                prop_assert!(are_true(model, *source, &[drawn]));
            }
        }
    }

    #[test]
    fn temperature_0_writes_what_a_beam_of_one_does() {
        let sampling = Sampling {
            temperature: 0.0,
            ..Sampling::default()
        };
        let model = Model::new(3, 12);
        let drawn = sample(&Sampler::new(1).with_sampling(sampling), model, &sources());
        let mut decoder = model.decoder(&sources());
        let greedy = Beam::new(1).search(&mut decoder, &special(), &lengths(&sources()));
        let greedy = greedy.unwrap().into_iter().flatten().map(Some);
        assert!(drawn.into_iter().eq(greedy));
    }

    #[test]
    fn sequences_come_as_often_as_they_are_probable() {
        let model = Model {
            end: 3.0,
            ..Model::new(11, 6)
        };
        // What a source draws depends on its number, what the decoder says does not.
        let source = Source {
            number: 1,
            length: 2,
        };
        let sampler = Sampler::new(5);
        let mut decoder = model.decoder(&[source; 2000]);
        let numbers: Vec<u64> = (0..2000).collect();
        let constraints = SpecialTokens {
            forbidden: Vec::new(),
            ..special()
        };
        let drawn = sampler
            .sample(&mut decoder, &constraints, &[2; 2000], &numbers)
            .unwrap();
        let empty = drawn
            .iter()
            .flatten()
            .filter(|drawn| drawn.tokens.is_empty());
        let probability = model.log_probability(source, &[]).exp();
        let expected = 2000.0 * probability;
        // Four standard deviations.
        let most = 4.0 * (expected * (1.0 - probability)).sqrt();
        assert!((empty.count() as f64 - expected).abs() < most, "{expected}");
    }

    #[test]
    fn seeds_and_sources_draw_differently() {
        let model = Model::new(3, 30);
        let source = Source {
            number: 1,
            length: 2,
        };
        let drawn = |seed, number| {
            let mut decoder = model.decoder(&[source]);
            let drawn = Sampler::new(seed).sample(&mut decoder, &special(), &[2], &[number]);
            drawn.unwrap().remove(0).unwrap().tokens
        };
        assert_eq!(drawn(1, 1), drawn(1, 1));
        assert_ne!(drawn(1, 1), drawn(2, 1));
        assert_ne!(drawn(1, 1), drawn(1, 2));
    }

    #[test]
    fn where_nothing_may_follow_there_is_no_sequence() {
        for answer in [[f32::NAN; 6], [f32::NEG_INFINITY; 6]] {
            let mut script = Script::new(&[&answer]);
            let drawn = Sampler::new(1).sample(&mut script, &special(), &[2, 2], &[0, 1]);
            assert_eq!(drawn, Ok(vec![None, None]));
        }
        let mut script = Script::new(&[&[]]);
        let drawn = Sampler::new(1).sample(&mut script, &special(), &[2], &[0]);
        assert_eq!(drawn, Ok(vec![None]));
    }
}
