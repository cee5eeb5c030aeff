//! Beam search as one would write it on a page: whole sequences, everything sorted, no end before the longest.

use proptest::prelude::*;

use super::super::{Beam, CoveragePenalty};
use super::exhaustive::{most, normalised, of_attention, repeats};
use super::properties::beam;
use super::toy::{END, Model, START, Source, UNKNOWN, special};

/// An unfinished or finished sequence: start and tokens, its log-probability, and what it is compared by.
type Sequence = (Vec<u32>, f64, f64);

fn best_first(sequences: &mut [Sequence]) {
    sequences.sort_by(|a, b| b.2.total_cmp(&a.2));
}

fn search(beam: &Beam, model: Model, source: Source) -> Vec<Sequence> {
    let most = most(beam.constraints, source.length);
    let fewest = beam.constraints.min_length.min(most);
    let mut unfinished = vec![(vec![START], 0.0, 0.0)];
    let mut finished = Vec::new();
    for length in 0..=most {
        let mut next = Vec::new();
        for (read, log_probability, _) in &unfinished {
            // Only this penalty cannot vanish.
            let penalty = match beam.coverage_penalty {
                CoveragePenalty::Summary { .. } => {
                    of_attention(beam.coverage_penalty, model, source, read)
                }
                _ => 0.0,
            };
            for (token, x) in (0..).zip(model.answer(source, read)) {
                let longer = [&read[..], &[token]].concat();
                let allowed = match token {
                    0 | START => false,
                    END => length >= fewest,
                    UNKNOWN if beam.constraints.forbid_unknown => false,
                    _ => length < most && !repeats(&longer[1..], beam.constraints.no_repeat_ngram),
                };
                if allowed {
                    let sum = log_probability + f64::from(x);
                    let rank = normalised(beam.length_penalty, sum, length + 1) + penalty;
                    next.push((longer, sum, rank));
                }
            }
        }
        best_first(&mut next);
        next.truncate(beam.size);
        let (ended, rest) = next
            .into_iter()
            .partition(|(read, ..)| read.ends_with(&[END]));
        unfinished = rest;
        let ended: Vec<Sequence> = ended;
        finished.extend(ended.into_iter().map(|(mut read, sum, _)| {
            read.pop();
            let score = normalised(beam.length_penalty, sum, length + 1)
                + of_attention(beam.coverage_penalty, model, source, &read);
            (read, sum, score)
        }));
    }
    best_first(&mut finished);
    finished.truncate(beam.n_best);
    finished
}

proptest! {
    #[test]
    fn a_beam_of_any_size_finds_what_a_plain_one_finds_that_never_ends_early(
        seed in any::<u64>(),
        end in -1.0..3.0,
        length in 1usize..6,
        beam in (1usize..7).prop_flat_map(beam),
    ) {
        let model = Model { end, ..Model::new(seed, 9) };
        let source = Source { number: 1, length };
        let expected = search(&beam, model, source);
        let mut decoder = model.decoder(&[source]);
        let found = beam.search(&mut decoder, &special(), &[length]).unwrap().remove(0);
        prop_assert_eq!(found.len(), expected.len());
        for (found, (read, log_probability, score)) in found.iter().zip(expected) {
            prop_assert_eq!(&found.tokens, &read[1..]);
            prop_assert!((found.log_probability - log_probability).abs() < 1e-9);
            prop_assert!((found.score - score).abs() < 1e-9);
        }
    }
}
