//! Beam search over all sources of a batch at once.

use std::cmp::Ordering;

use super::constraints::{Lengths, Mask};
use super::coverage::Coverage;
use super::options::{Beam, Stopping};
use super::top::greatest;
use super::trellis::{Place, Trellis};
use super::{Decoder, DecodingError, Hypothesis, SpecialTokens, Step, select_rows};

impl Beam {
    /// The best hypotheses for each source, the best first: `[sources][n_best]`.
    ///
    /// They differ from each other. There are fewer where fewer can be written, or are left after what the beam
    /// dropped; and none where the constraints leave no sequence, or the decoder's answers are no numbers.
    ///
    /// # Shapes
    ///
    /// - `decoder`: one row for each source
    /// - `source_lengths`: `[sources]`, the places that each has for attention, and for
    ///   [`RelativeLength`](super::RelativeLength)
    ///
    /// # Errors
    ///
    /// What [`Beam::check`] refuses; a coverage penalty where the decoder has no attention.
    ///
    /// # Panics
    ///
    /// If the sizes of a decoder's answer do not fit its rows.
    pub fn search<D: Decoder + ?Sized>(
        &self,
        decoder: &mut D,
        special: &SpecialTokens,
        source_lengths: &[usize],
    ) -> Result<Vec<Vec<Hypothesis>>, DecodingError> {
        self.check()?;
        let mut search = Searching::new(self, special, source_lengths);
        let mut tokens = vec![special.start; source_lengths.len()];
        while !tokens.is_empty() {
            let kept = search.advance(decoder.step(&tokens))?;
            select_rows(decoder, tokens.len(), &kept.rows);
            tokens = kept.tokens;
        }
        Ok(search.hypotheses())
    }
}

/// A search under way.
struct Searching<'a> {
    options: &'a Beam,
    end: u32,
    mask: Mask,
    sources: Vec<Source>,
    /// Tokens of each unfinished hypothesis.
    length: usize,
    /// The unfinished hypotheses, those of a source side by side.
    rows: Vec<Row>,
    coverage: Option<Coverage>,
    trellis: Trellis,
}

/// What is known of one source.
struct Source {
    length: usize,
    lengths: Lengths,
    /// The best so far, the best first.
    finished: Vec<Finished>,
}

/// A hypothesis that ended.
struct Finished {
    last: Place,
    log_probability: f64,
    score: f64,
}

/// An unfinished hypothesis.
struct Row {
    source: usize,
    last: Place,
    log_probability: f64,
}

/// A row and what may follow.
struct Continuation {
    row: usize,
    token: u32,
    log_probability: f64,
    /// What it is compared with others of its length by.
    rank: f64,
}

/// The rows of a step that go on, and the tokens that they go on with.
#[derive(Default)]
struct Kept {
    rows: Vec<usize>,
    tokens: Vec<u32>,
}

impl<'a> Searching<'a> {
    fn new(options: &'a Beam, special: &SpecialTokens, source_lengths: &[usize]) -> Self {
        let source = |&length: &usize| Source {
            length,
            lengths: options.constraints.lengths(length),
            finished: Vec::new(),
        };
        let row = |source| Row {
            source,
            last: None,
            log_probability: 0.0,
        };
        Self {
            options,
            end: special.end,
            mask: Mask::new(&options.constraints, special),
            sources: source_lengths.iter().map(source).collect(),
            length: 0,
            rows: (0..source_lengths.len()).map(row).collect(),
            coverage: Coverage::new(options.coverage_penalty, source_lengths),
            trellis: Trellis::default(),
        }
    }

    /// Goes on by one token. What ended is not among what goes on, nor are the hypotheses of a source whose search is
    /// over.
    fn advance(&mut self, mut step: Step) -> Result<Kept, DecodingError> {
        let vocab = step.vocab(self.rows.len());
        if let Some(coverage) = &mut self.coverage {
            let attention = step.attention.as_ref();
            coverage.add(attention.ok_or(DecodingError::NoAttention)?);
        }
        let rows = std::mem::take(&mut self.rows);
        let mut kept = Kept::default();
        let mut first = 0;
        for group in rows.chunk_by(|a, b| a.source == b.source) {
            let span = first * vocab..(first + group.len()) * vocab;
            let answers = &mut step.log_probabilities[span];
            let best = self.continuations(group, first, answers, vocab);
            self.keep(group, first, best, &mut kept);
            first += group.len();
        }
        self.trellis.attend(step, rows.len());
        if let Some(coverage) = &mut self.coverage {
            coverage.select(&kept.rows);
        }
        self.length += 1;
        Ok(kept)
    }

    /// The best continuations of a source's rows, the best first.
    ///
    /// - `group`: the rows, of which the first is row `first` of the step
    /// - `answers`: `[rows of the group, vocab]`
    fn continuations(
        &self,
        group: &[Row],
        first: usize,
        answers: &mut [f32],
        vocab: usize,
    ) -> Vec<Continuation> {
        let size = self.options.size;
        let mut found = Vec::new();
        for (row, (hypothesis, answer)) in (first..).zip(group.iter().zip(rows_of(answers, vocab)))
        {
            let tokens = if self.mask.needs_tokens() {
                self.trellis.tokens(hypothesis.last)
            } else {
                Vec::new()
            };
            let lengths = self.sources[hypothesis.source].lengths;
            self.mask.apply(answer, self.length, lengths, &tokens);
            // More than `size` of one row cannot be among the `size` best of all.
            found.extend(greatest(answer, size).into_iter().map(|(x, token)| {
                // ln p(y_1 … y_t) = ln p(y_1 … y_{t-1}) + ln p(y_t | y_1 … y_{t-1})
                let log_probability = hypothesis.log_probability + f64::from(x.min(0.0));
                Continuation {
                    row,
                    token,
                    log_probability,
                    rank: self.rank(row, log_probability, self.length + 1),
                }
            }));
        }
        if found.len() > size {
            found.select_nth_unstable_by(size - 1, better);
            found.truncate(size);
        }
        found.sort_unstable_by(better);
        found
    }

    /// What a row is worth with this log-probability if it has `length` tokens in the end, with the end, at most.
    fn rank(&self, row: usize, log_probability: f64, length: usize) -> f64 {
        let coverage = self.coverage.as_ref();
        let coverage = coverage.map_or(0.0, |coverage| coverage.of_unfinished(row));
        self.options.length_penalty.bound(log_probability, length) + coverage
    }

    /// Takes a source's best continuations: what ends is finished, and the rest goes on, unless the best are found.
    fn keep(&mut self, group: &[Row], first: usize, best: Vec<Continuation>, kept: &mut Kept) {
        let source = group[0].source;
        let (ended, unfinished): (Vec<_>, Vec<_>) =
            best.into_iter().partition(|next| next.token == self.end);
        for next in ended {
            self.finish(source, group[next.row - first].last, &next);
        }
        if self.is_over(source, &unfinished) {
            return;
        }
        for next in unfinished {
            let before = &group[next.row - first];
            // ln p(y_t | y_1 … y_{t-1}) = ln p(y_1 … y_t) − ln p(y_1 … y_{t-1})
            let of_token = next.log_probability - before.log_probability;
            let last = self
                .trellis
                .extend(before.last, next.token, next.row, of_token);
            self.rows.push(Row {
                source,
                last,
                log_probability: next.log_probability,
            });
            kept.rows.push(next.row);
            kept.tokens.push(next.token);
        }
    }

    fn finish(&mut self, source: usize, last: Place, end: &Continuation) {
        let log_probability = end.log_probability;
        let penalty = &self.options.length_penalty;
        let coverage = self.coverage.as_ref();
        let coverage = coverage.map_or(0.0, |coverage| coverage.of_finished(end.row));
        // s(y, x) = ln p(y | x) / lp(y) + cp(x, y)
        let score = penalty.score(log_probability, self.length + 1) + coverage;
        let finished = &mut self.sources[source].finished;
        // Of equals the first stays in front.
        let place = finished.partition_point(|other| other.score >= score);
        finished.insert(
            place,
            Finished {
                last,
                log_probability,
                score,
            },
        );
        finished.truncate(self.options.n_best);
    }

    /// Whether none of these, which are of one token more than the step's rows, can be among a source's best.
    fn is_over(&self, source: usize, unfinished: &[Continuation]) -> bool {
        let Source {
            lengths, finished, ..
        } = &self.sources[source];
        let Some(worst) = finished.get(self.options.n_best - 1) else {
            return false;
        };
        let longest = match self.options.stopping {
            Stopping::Certain => lengths.most + 1,
            Stopping::Likely => self.length + 2,
        };
        unfinished.iter().all(|next| {
            let bound = self.rank(next.row, next.log_probability, longest);
            bound <= worst.score
        })
    }

    fn hypotheses(self) -> Vec<Vec<Hypothesis>> {
        let trellis = &self.trellis;
        let of_source = |source: Source| {
            let hypothesis = |finished: &Finished| Hypothesis {
                tokens: trellis.tokens(finished.last),
                log_probability: finished.log_probability,
                score: finished.score,
                log_probabilities: trellis.log_probabilities(finished.last),
                attention: trellis.attention(finished.last, source.length),
                copied: trellis.copied(finished.last),
            };
            source.finished.iter().map(hypothesis).collect()
        };
        self.sources.into_iter().map(of_source).collect()
    }
}

/// The rows of a matrix; a decoder without a vocabulary has nothing to say of any.
fn rows_of(matrix: &mut [f32], columns: usize) -> std::slice::ChunksExactMut<'_, f32> {
    matrix.chunks_exact_mut(columns.max(1))
}

/// The better continuation first.
fn better(a: &Continuation, b: &Continuation) -> Ordering {
    let rank = b.rank.total_cmp(&a.rank);
    rank.then(a.row.cmp(&b.row)).then(a.token.cmp(&b.token))
}
