//! What holds of every search, whatever its options.

use proptest::prelude::*;

use super::super::{
    Beam, Constraints, CoveragePenalty, Decoder, DecodingError, Hypothesis, LengthPenalty, Step,
};
use super::exhaustive::{constraints, coverage_penalty, length_penalty, most, repeats};
use super::toy::{END, Model, START, Script, Source, are_true, lengths, special};

const LONGEST: usize = 12;

pub fn beam(size: usize) -> impl Strategy<Value = Beam> {
    let options = (length_penalty(), coverage_penalty(), constraints(LONGEST));
    (1..=size, options).prop_map(move |(n_best, (length, coverage, constraints))| {
        Beam::new(size)
            .with_n_best(n_best)
            .with_length_penalty(length)
            .with_coverage_penalty(coverage)
            .with_constraints(constraints)
    })
}

fn sources() -> impl Strategy<Value = Vec<Source>> {
    let source = (0u64..1000, 1usize..7).prop_map(|(number, length)| Source { number, length });
    prop::collection::vec(source, 1..6)
}

fn search(beam: &Beam, model: Model, sources: &[Source]) -> Vec<Vec<Hypothesis>> {
    let mut decoder = model.decoder(sources);
    beam.search(&mut decoder, &special(), &lengths(sources))
        .unwrap()
}

/// The most probable token, until that is the end: what a person would write.
fn greedy(model: Model, source: Source, longest: usize) -> (Vec<u32>, f64) {
    let mut read = vec![START];
    let mut log_probability = 0.0;
    loop {
        let mut answer = model.answer(source, &read);
        answer[0] = f32::MIN;
        answer[START as usize] = f32::MIN;
        let best = (0..answer.len())
            .max_by(|a, b| answer[*a].total_cmp(&answer[*b]))
            .unwrap();
        let next = if read.len() > longest {
            END
        } else {
            best as u32
        };
        log_probability += f64::from(answer[next as usize]);
        if next == END {
            return (read.split_off(1), log_probability);
        }
        read.push(next);
    }
}

proptest! {
    #[test]
    fn a_batch_finds_what_each_source_finds_alone(
        seed in any::<u64>(),
        beam in (1usize..6).prop_flat_map(beam),
        sources in sources(),
    ) {
        let model = Model::new(seed, 12);
        let together = search(&beam, model, &sources);
        prop_assert_eq!(together.len(), sources.len());
        for (source, together) in sources.iter().zip(together) {
            prop_assert_eq!(&search(&beam, model, &[*source])[0], &together);
        }
    }

    #[test]
    fn hypotheses_are_what_the_decoder_says_sorted_and_distinct(
        seed in any::<u64>(),
        // More than there are tokens, too.
        beam in prop_oneof![1usize..8, Just(30)].prop_flat_map(beam),
        sources in sources(),
    ) {
        let model = Model::new(seed, 9);
        for (source, found) in sources.iter().zip(search(&beam, model, &sources)) {
            prop_assert!(found.len() <= beam.n_best);
            prop_assert!(are_true(model, *source, &found));
            prop_assert!(found.is_sorted_by(|a, b| a.score >= b.score));
            for (place, hypothesis) in found.iter().enumerate() {
                prop_assert!(found[..place].iter().all(|other| other.tokens != hypothesis.tokens));
                let read = [&[START], &hypothesis.tokens[..]].concat();
                let attention: Vec<Vec<f32>> = (1..read.len())
                    .map(|end| model.attention(*source, &read[..end]))
                    .collect();
                prop_assert_eq!(hypothesis.attention.as_ref(), Some(&attention));
            }
        }
    }

    #[test]
    fn hypotheses_are_as_long_as_they_may_be_and_repeat_nothing(
        seed in any::<u64>(),
        beam in beam(4),
        sources in sources(),
    ) {
        let constraints = beam.constraints;
        for (source, found) in sources.iter().zip(search(&beam, Model::new(seed, 9), &sources)) {
            for Hypothesis { tokens, .. } in found {
                let most = most(constraints, source.length);
                prop_assert!(tokens.len() <= most && tokens.len() >= constraints.min_length.min(most));
                prop_assert!(!repeats(&tokens, constraints.no_repeat_ngram), "{:?}", tokens);
            }
        }
    }

    #[test]
    fn a_beam_of_one_is_greedy(
        seed in any::<u64>(),
        longest in 0usize..LONGEST,
        length_penalty in length_penalty(),
        coverage_penalty in coverage_penalty(),
        sources in sources(),
    ) {
        let model = Model::new(seed, 12);
        let beam = Beam::new(1)
            .with_length_penalty(length_penalty)
            .with_coverage_penalty(coverage_penalty)
            .with_constraints(Constraints::default().with_max_length(longest));
        for (source, found) in sources.iter().zip(search(&beam, model, &sources)) {
            let (tokens, log_probability) = greedy(model, *source, longest);
            prop_assert_eq!(&found[0].tokens, &tokens);
            prop_assert_eq!(found[0].log_probability, log_probability);
        }
    }
}

/// A decoder that takes its rows along in the wrong order.
struct Muddled<D>(D);

impl<D: Decoder> Decoder for Muddled<D> {
    fn step(&mut self, tokens: &[u32]) -> Step {
        self.0.step(tokens)
    }

    fn select(&mut self, rows: &[usize]) {
        let reversed: Vec<usize> = rows.iter().rev().copied().collect();
        self.0.select(&reversed);
    }
}

#[test]
fn a_decoder_that_muddles_its_rows_up_is_found_out() {
    let model = Model::new(3, 12);
    let source = Source {
        number: 1,
        length: 3,
    };
    let beam = Beam::new(4).with_n_best(4);
    let mut right = model.decoder(&[source]);
    let found = beam.search(&mut right, &special(), &[3]).unwrap();
    assert!(are_true(model, source, &found[0]));
    let mut wrong = Muddled(model.decoder(&[source]));
    let found = beam.search(&mut wrong, &special(), &[3]).unwrap();
    assert!(!are_true(model, source, &found[0]));
}

#[test]
fn sources_that_are_done_leave_the_batch() {
    let model = Model {
        end: 2.0,
        ..Model::new(1, 9)
    };
    let sources: Vec<Source> = (0..8).map(|number| Source { number, length: 2 }).collect();
    let mut decoder = model.decoder(&sources);
    Beam::new(3)
        .search(&mut decoder, &special(), &lengths(&sources))
        .unwrap();
    let rows = decoder.rows_of_steps;
    assert_eq!(rows[0], 8);
    assert!(rows.iter().max().unwrap() <= &24);
    assert!(rows[rows.len() - 1] <= 6, "{rows:?}");
}

/// ln of probabilities of padding, unknown, start, end, and two words.
fn logarithms(probabilities: [f32; 6]) -> [f32; 6] {
    probabilities.map(f32::ln)
}

fn follow(beam: &Beam, script: &mut Script) -> Vec<Hypothesis> {
    beam.search(script, &special(), &[4]).unwrap().remove(0)
}

#[test]
fn a_search_is_over_at_once_if_the_end_is_most_probable() {
    let mut script = Script::new(&[&logarithms([0.0, 0.0, 0.0, 0.6, 0.3, 0.1])]);
    let found = follow(&Beam::new(5), &mut script);
    assert_eq!(script.time, 1);
    assert_eq!(found[0].tokens, Vec::<u32>::new());
    assert!((found[0].log_probability - 0.6_f64.ln()).abs() < 1e-6);
    assert_eq!(found[0].attention, None);
}

#[test]
fn a_length_penalty_prefers_what_is_better_by_the_token() {
    // The end at once: ln 0.4. A word and the end: ln (0.5 · 0.7) = ln 0.35.
    let answers = [
        logarithms([0.0, 0.0, 0.0, 0.4, 0.5, 0.1]),
        logarithms([0.0, 0.0, 0.0, 0.7, 0.2, 0.1]),
    ];
    let best = |penalty| {
        let beam = Beam::new(4).with_length_penalty(penalty);
        let beam = beam.with_constraints(Constraints::default().with_max_length(1));
        follow(&beam, &mut Script::new(&[&answers[0], &answers[1]])).remove(0)
    };
    let none = best(LengthPenalty::None);
    assert_eq!(none.tokens, Vec::<u32>::new());
    assert!((none.score - 0.4_f64.ln()).abs() < 1e-6);
    let average = best(LengthPenalty::Average);
    assert_eq!(average.tokens, [4]);
    assert!((average.score - 0.35_f64.ln() / 2.0).abs() < 1e-6);
    // lp of two tokens is 7/6: ln 0.35 / (7/6) = −0.8999, and ln 0.4 = −0.9163.
    let wu = best(LengthPenalty::Wu { alpha: 1.0 });
    assert_eq!(wu.tokens, [4]);
    assert!((wu.score + 0.899_848).abs() < 1e-5);
}

#[test]
fn of_equals_the_smaller_token_comes_first() {
    let script = || Script::new(&[&[-2.0; 9]]);
    let beam = Beam::new(3)
        .with_n_best(3)
        .with_constraints(Constraints::default().with_min_length(1).with_max_length(1));
    let found = follow(&beam, &mut script());
    let tokens: Vec<u32> = found
        .into_iter()
        .flat_map(|hypothesis| hypothesis.tokens)
        .collect();
    assert_eq!(tokens, [1, 4, 5]);
}

#[test]
fn fewer_are_found_where_fewer_can_be_written() {
    let beam = Beam::new(20)
        .with_n_best(20)
        .with_constraints(Constraints::default().with_max_length(1).without_unknown());
    let mut script = Script::new(&[&logarithms([0.0, 0.0, 0.0, 0.5, 0.3, 0.2])]);
    let found = follow(&beam, &mut script);
    let tokens: Vec<&[u32]> = found
        .iter()
        .map(|hypothesis| &hypothesis.tokens[..])
        .collect();
    assert_eq!(tokens, [&[][..], &[4], &[5]]);
}

#[test]
fn copied_words_are_tokens_beyond_the_vocabulary() {
    let mut answer = [f32::NEG_INFINITY; 9];
    answer[8] = 0.0;
    let mut end = [f32::NEG_INFINITY; 9];
    end[END as usize] = 0.0;
    let found = follow(&Beam::new(2), &mut Script::new(&[&answer, &answer, &end]));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].tokens, [8, 8]);
}

#[test]
fn what_is_no_number_cannot_follow() {
    let nothing: [f32; 6] = [f32::NAN; 6];
    assert_eq!(follow(&Beam::new(3), &mut Script::new(&[&nothing])), []);
    let mut some = logarithms([0.0, 0.0, 0.0, 0.3, 0.7, 0.0]);
    some[5] = f32::NAN;
    // Rounding left a little more than 1.
    some[4] = 1e-7;
    let found = follow(&Beam::new(3), &mut Script::new(&[&some, &nothing]));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].tokens, Vec::<u32>::new());
    let end = logarithms([0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    let beam = Beam::new(1);
    let found = follow(&beam, &mut Script::new(&[&some, &end]));
    assert_eq!(
        (found[0].tokens.as_slice(), found[0].log_probability),
        (&[4][..], 0.0)
    );
    // A vocabulary without the end, and none at all.
    assert_eq!(follow(&Beam::new(3), &mut Script::new(&[&[0.0; 2]])), []);
    assert_eq!(follow(&Beam::new(3), &mut Script::new(&[&[]])), []);
}

#[test]
fn without_sources_there_is_nothing_to_find() {
    let found = Beam::new(3).search(&mut Script::new(&[]), &special(), &[]);
    assert_eq!(found, Ok(Vec::new()));
}

#[test]
fn a_coverage_penalty_needs_attention() {
    let beam = Beam::new(3).with_coverage_penalty(CoveragePenalty::Wu { beta: 0.2 });
    let mut script = Script::new(&[&[-1.0; 6]]);
    let found = beam.search(&mut script, &special(), &[4]);
    assert_eq!(found, Err(DecodingError::NoAttention));
    let found = Beam::new(0).search(&mut script, &special(), &[4]);
    let error = found.unwrap_err().to_string();
    assert_eq!(error, "size must be at least 1 and at most 10000, not 0");
}
