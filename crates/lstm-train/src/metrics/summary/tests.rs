//! Scores beside those of rouge-score: `tests/golden/summary.json`, which `summary.py` beside it made.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::metrics::translation::Bootstrap;

/// What rouge-score 0.1.2 and NLTK 3.10.4 say of hostile texts.
#[derive(Deserialize)]
struct Golden {
    /// Hypothesis and two references.
    segments: Vec<[String; 3]>,
    /// Words and their stems.
    stems: BTreeMap<String, String>,
    cases: Vec<GoldenCase>,
}

#[derive(Deserialize)]
struct GoldenCase {
    stemmer: bool,
    multi: String,
    /// By variant, precision, recall and F1 of each segment.
    scores: BTreeMap<String, Vec<[f64; 3]>>,
    /// By variant, the 2.5th, 50th and 97.5th percentile of resamples' means.
    intervals: BTreeMap<String, [[f64; 3]; 3]>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../tests/golden/summary.json")).unwrap()
}

fn rouge(variants: impl IntoIterator<Item = RougeVariant>) -> Rouge {
    Rouge {
        variants: variants.into_iter().collect(),
        ..Rouge::default()
    }
}

fn assert_close(ours: RougeScore, theirs: [f64; 3], what: &str) {
    for (one, other) in ours.numbers().into_iter().zip(theirs) {
        assert!((one - other).abs() < 1e-9, "{what}: {ours:?}, {theirs:?}");
    }
}

#[test]
fn scores_and_intervals_are_those_of_rouge_score() {
    let golden = golden();
    assert!(golden.cases.len() >= 4);
    let hypotheses: Vec<&str> = golden.segments.iter().map(|texts| &*texts[0]).collect();
    let references: Vec<&[String]> = golden.segments.iter().map(|texts| &texts[1..]).collect();
    for case in &golden.cases {
        let names = case.scores.keys().map(|name| name.parse().unwrap());
        let rouge = Rouge {
            stemming: match case.stemmer {
                true => Stemming::Porter,
                false => Stemming::None,
            },
            several: match case.multi.as_str() {
                "best" => SeveralReferences::Best,
                _ => SeveralReferences::Mean,
            },
            ..rouge(names)
        };
        let scores = rouge.scores(&hypotheses, &references);
        let intervals = scores.confidence(Bootstrap::default());
        for (place, (name, expected)) in case.scores.iter().enumerate() {
            assert_eq!(expected.len(), scores.pairs());
            for (row, (&theirs, text)) in scores.rows().zip(expected.iter().zip(&hypotheses)) {
                assert_close(row[place], theirs, &format!("{name} of {text:?}"));
            }
            let RougeInterval { low, mid, high } = intervals[place];
            for (ours, theirs) in [low, mid, high].into_iter().zip(case.intervals[name]) {
                assert_close(ours, theirs, &format!("interval of {name}"));
            }
        }
    }
}

#[test]
fn stems_are_those_of_nltk() {
    let stems = golden().stems;
    assert!(stems.len() > 1_000);
    for (word, expected) in stems {
        let mut stem = word.clone().into_bytes();
        porter::stem(&mut stem);
        assert_eq!(String::from_utf8(stem).unwrap(), expected, "{word}");
    }
}

#[test]
fn variants_have_the_names_of_rouge_score() {
    for variant in RougeVariant::USUAL
        .into_iter()
        .chain((1..=9).map(RougeVariant::Ngrams))
    {
        assert_eq!(variant.to_string().parse(), Ok(variant));
    }
    for name in ["rouge0", "rouge10", "rouge", "rougel", "ROUGE1", "L", ""] {
        assert!(name.parse::<RougeVariant>().is_err(), "{name}");
    }
}

#[test]
fn the_best_reference_is_another_one_for_each_variant() {
    let references = ["b a d c", "a b x y z"];
    let scores = Rouge::default().score("a b c d", &references);
    assert_eq!(scores[0].f1, 1.0);
    assert_eq!(scores[1].recall, 0.25);
}

#[test]
fn nothing_scores_nothing() {
    let rouge = Rouge::default();
    let none: [&str; 0] = [];
    let scores = rouge.scores(&none, &none);
    assert_eq!(scores.means(), [RougeScore::default(); 4]);
    let intervals = scores.confidence(Bootstrap::default());
    assert_eq!(intervals.len(), 4);
    assert_eq!(intervals[3].high, RougeScore::default());
    for [one, other] in [["", ""], ["", "a"], ["a", ""], ["привет", "привет"]] {
        assert_eq!(rouge.score(one, &other), [RougeScore::default(); 4]);
    }
}

proptest! {
    #[test]
    fn swapped_texts_swap_precision_and_recall(
        one in "[a-e \n]{0,60}",
        other in "[a-e \n]{0,60}",
    ) {
        let variants = (1..=9).map(RougeVariant::Ngrams).chain([RougeVariant::Subsequence]);
        let rouge = rouge(variants);
        for (there, back) in rouge.score(&one, &&*other).iter().zip(rouge.score(&other, &&*one)) {
            prop_assert_eq!(there.precision, back.recall);
            prop_assert_eq!(there.recall, back.precision);
            prop_assert!((0.0..=1.0).contains(&there.f1));
        }
    }

    #[test]
    fn a_text_beside_itself_is_perfect(text in "[a-e]( ?[a-e]|\n[a-e]){0,40}") {
        for score in rouge([RougeVariant::Ngrams(1), RougeVariant::Subsequence, RougeVariant::SentenceSubsequences])
            .score(&text, &text)
        {
            prop_assert_eq!(score.f1, 1.0);
        }
    }

    #[test]
    fn any_text_is_stemmed_and_scored(one: String, other: String) {
        let rouge = Rouge { stemming: Stemming::Porter, ..Rouge::default() };
        for score in rouge.score(&one, &other) {
            prop_assert!((0.0..=1.0).contains(&score.precision));
        }
    }
}
