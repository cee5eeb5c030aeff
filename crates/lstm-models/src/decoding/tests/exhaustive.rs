//! A beam that holds everything finds what trying everything finds.

use proptest::prelude::*;

use super::super::{Beam, Constraints, CoveragePenalty, Hypothesis, LengthPenalty, Stopping};
use super::toy::{END, Model, START, Source, UNKNOWN, lengths, special};

/// 1, 4 and 5 may be written, unless 1 is forbidden.
const VOCAB: usize = 6;
/// More than there are sequences of up to 4 of 3 tokens.
const ALL: usize = 200;

/// All sequences of up to `most` tokens that can be written.
fn sequences(constraints: Constraints, most: usize) -> Vec<Vec<u32>> {
    let mut all = vec![Vec::new()];
    let mut longest = all.clone();
    for _ in 0..most {
        let longer =
            |tokens: &Vec<u32>| [UNKNOWN, 4, 5].map(|token| [&tokens[..], &[token]].concat());
        longest = longest.iter().flat_map(longer).collect();
        all.extend(longest.clone());
    }
    all.retain(|tokens| {
        let repeats = repeats(tokens, constraints.no_repeat_ngram);
        let unknown = constraints.forbid_unknown && tokens.contains(&UNKNOWN);
        tokens.len() >= constraints.min_length.min(most) && !repeats && !unknown
    });
    all
}

/// Whether any n tokens come twice.
pub fn repeats(tokens: &[u32], n: usize) -> bool {
    let again = |first: usize| {
        let ngram = tokens.get(first..first + n);
        ngram.is_some_and(|ngram| tokens[first + 1..].windows(n).any(|other| other == ngram))
    };
    n > 0 && (0..tokens.len()).any(again)
}

/// The score as the papers have it.
fn score(beam: &Beam, model: Model, source: Source, tokens: &[u32]) -> f64 {
    let log_probability = model.log_probability(source, tokens);
    let read = [&[START], tokens].concat();
    normalised(beam.length_penalty, log_probability, read.len())
        + of_attention(beam.coverage_penalty, model, source, &read)
}

pub fn normalised(penalty: LengthPenalty, log_probability: f64, length: usize) -> f64 {
    let length = length as f64;
    match penalty {
        LengthPenalty::None => log_probability,
        LengthPenalty::Wu { alpha } => {
            log_probability / ((5.0 + length).powf(alpha) / 6.0_f64.powf(alpha))
        }
        LengthPenalty::Average => log_probability / length,
    }
}

/// What the attention of the steps that read these tokens adds.
pub fn of_attention(penalty: CoveragePenalty, model: Model, source: Source, read: &[u32]) -> f64 {
    let mut coverage = vec![0.0; source.length];
    for end in 1..=read.len() {
        for (c, a) in coverage
            .iter_mut()
            .zip(model.attention(source, &read[..end]))
        {
            *c += f64::from(a);
        }
    }
    let coverage = coverage.iter();
    match penalty {
        CoveragePenalty::None => 0.0,
        CoveragePenalty::Wu { beta } => beta * coverage.map(|c| c.min(1.0).ln()).sum::<f64>(),
        CoveragePenalty::Summary { beta } => {
            let places = source.length as f64;
            beta * (places - coverage.map(|c| c.max(1.0)).sum::<f64>())
        }
    }
}

fn by_trying(beam: &Beam, model: Model, source: Source, most: usize) -> Vec<(f64, Vec<u32>)> {
    let all = sequences(beam.constraints, most).into_iter();
    let scored = all.map(|tokens| (score(beam, model, source, &tokens), tokens));
    let mut scored: Vec<_> = scored.collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.truncate(beam.n_best);
    scored
}

fn by_beam(beam: &Beam, model: Model, source: Source) -> (Vec<Hypothesis>, usize) {
    let mut decoder = model.decoder(&[source]);
    let mut found = beam
        .search(&mut decoder, &special(), &lengths(&[source]))
        .unwrap();
    (found.remove(0), decoder.rows_of_steps.len())
}

/// The most tokens for a source of this length.
pub fn most(constraints: Constraints, source_length: usize) -> usize {
    let most = constraints.max_relative.map_or(usize::MAX, |relative| {
        (relative.ratio * source_length as f64) as usize + relative.constant
    });
    most.min(constraints.max_length)
}

pub fn length_penalty() -> impl Strategy<Value = LengthPenalty> {
    prop_oneof![
        Just(LengthPenalty::None),
        Just(LengthPenalty::Average),
        (0.0..2.0).prop_map(|alpha| LengthPenalty::Wu { alpha }),
    ]
}

pub fn coverage_penalty() -> impl Strategy<Value = CoveragePenalty> {
    prop_oneof![
        Just(CoveragePenalty::None),
        (0.0..2.0).prop_map(|beta| CoveragePenalty::Wu { beta }),
        (0.0..2.0).prop_map(|beta| CoveragePenalty::Summary { beta }),
    ]
}

pub fn constraints(longest: usize) -> impl Strategy<Value = Constraints> {
    let relative = prop::option::of((0.0..2.0, 0usize..3));
    let lengths = (0..=longest).prop_flat_map(|max| (0..=max, Just(max)));
    (lengths, relative, 0usize..4, any::<bool>()).prop_map(
        |((min, max), relative, n, forbid_unknown)| {
            let constraints = Constraints::default()
                .with_min_length(min)
                .with_max_length(max)
                .with_no_repeat_ngram(n);
            let constraints = Constraints {
                forbid_unknown,
                ..constraints
            };
            match relative {
                Some((ratio, constant)) => constraints.with_max_relative(ratio, constant),
                None => constraints,
            }
        },
    )
}

proptest! {
    #[test]
    fn a_beam_that_holds_everything_finds_the_best_of_all(
        seed in any::<u64>(),
        end in -2.0..2.0,
        length in 1usize..5,
        n_best in prop_oneof![1usize..6, Just(ALL)],
        length_penalty in length_penalty(),
        coverage_penalty in coverage_penalty(),
        constraints in constraints(4),
    ) {
        let model = Model { end, ..Model::new(seed, VOCAB) };
        let source = Source { number: 7, length };
        let beam = Beam::new(ALL)
            .with_n_best(n_best)
            .with_length_penalty(length_penalty)
            .with_coverage_penalty(coverage_penalty)
            .with_constraints(constraints);
        let most = most(constraints, length);
        let expected = by_trying(&beam, model, source, most);
        let (found, steps) = by_beam(&beam, model, source);
        prop_assert!(steps <= most + 1);
        prop_assert_eq!(found.len(), expected.len());
        for (found, (score, tokens)) in found.iter().zip(&expected) {
            prop_assert!((found.score - score).abs() < 1e-9, "{} {}", found.score, score);
            prop_assert_eq!(&found.tokens, tokens);
            prop_assert!(!found.tokens.contains(&END));
        }
    }
}

#[test]
fn a_search_ends_before_the_longest_sequence_and_has_found_the_best() {
    let beam = Beam::new(ALL).with_length_penalty(LengthPenalty::Wu { alpha: 0.3 });
    let constraints = Constraints::default().with_max_length(4);
    let beam = beam.with_constraints(constraints);
    let early = (0..200).filter(|seed| {
        let model = Model::new(*seed, VOCAB);
        let source = Source {
            number: 1,
            length: 2,
        };
        let (found, steps) = by_beam(&beam, model, source);
        assert_eq!(found[0].tokens, by_trying(&beam, model, source, 4)[0].1);
        steps < 5
    });
    let early = early.count();
    assert!((20..200).contains(&early), "{early} of 200");
}

#[test]
fn a_likely_end_comes_no_later_and_is_certain_without_a_length_penalty() {
    let steps = |beam: &Beam, seed| {
        let source = Source {
            number: 1,
            length: 2,
        };
        let (found, steps) = by_beam(beam, Model::new(seed, VOCAB), source);
        (found[0].tokens.clone(), steps)
    };
    let certain = Beam::new(8).with_constraints(Constraints::default().with_max_length(20));
    let likely = certain.with_stopping(Stopping::Likely);
    let mut earlier = 0;
    for seed in 0..50 {
        assert_eq!(steps(&certain, seed), steps(&likely, seed));
        let [certain, likely] =
            [certain, likely].map(|beam| beam.with_length_penalty(LengthPenalty::Average));
        let (certain, likely) = (steps(&certain, seed).1, steps(&likely, seed).1);
        assert!(likely <= certain);
        earlier += usize::from(likely < certain);
    }
    assert!(earlier > 10, "{earlier} of 50");
}
