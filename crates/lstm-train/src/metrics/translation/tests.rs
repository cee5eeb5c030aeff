//! Scores beside those of sacreBLEU: `tests/golden/translation.json`, which `translation.py` beside it made.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::*;

/// What sacreBLEU 2.6.0 says of hostile texts.
#[derive(Deserialize)]
struct Golden {
    /// Hypothesis, two references, another system's hypothesis.
    segments: Vec<[String; 4]>,
    /// By tokenizer, all of these texts.
    tokenized: BTreeMap<String, Vec<String>>,
    cases: Vec<GoldenCase>,
    statistics: BTreeMap<String, Tests>,
}

/// A metric with its options, and what it gives.
#[derive(Deserialize)]
struct GoldenCase {
    bleu: Option<(String, String, Option<f64>, bool)>,
    chrf: Option<(usize, u32, bool, bool, bool)>,
    ter: Option<[bool; 4]>,
    references: usize,
    score: f64,
    name: String,
    signature: String,
    verbose: Option<String>,
    edits: Option<u64>,
    sentences: Option<Vec<f64>>,
}

/// Interval and p-values of a metric.
#[derive(Deserialize)]
struct Tests {
    signature: String,
    mean: f64,
    ci: f64,
    bs: f64,
    ar: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../tests/golden/translation.json")).unwrap()
}

impl Golden {
    fn column(&self, column: usize) -> Vec<&str> {
        let texts = self.segments.iter().map(|texts| texts[column].as_str());
        texts.collect()
    }

    fn references(&self, count: usize) -> Vec<&[String]> {
        let segments = self.segments.iter().map(|texts| &texts[1..1 + count]);
        segments.collect()
    }

    /// Asserts that a metric gives what it has to.
    fn check<M: TranslationMetric>(&self, case: &GoldenCase, corpus: &M, sentence: &M) {
        let references = self.references(case.references);
        let score = corpus.corpus(&self.column(0), &references);
        let (name, signature) = (corpus.name(), score.signature());
        assert_close(score.value(), case.score, signature);
        assert_eq!(name, case.name);
        assert_eq!(without_version(signature), without_version(&case.signature));
        assert_eq!(score.details(), case.verbose.as_deref().unwrap_or_default());
        let score = serde_json::to_value(&score).unwrap();
        assert_eq!(score.get("edits").and_then(Value::as_u64), case.edits);
        for (number, expected) in case.sentences.iter().flatten().enumerate() {
            let score = sentence.sentence(self.column(0)[number], &references[number]);
            let place = format!("line {} {}", number + 1, score.signature());
            assert_close(score.value(), *expected, &place);
        }
    }
}

#[track_caller]
fn assert_close(ours: f64, theirs: f64, place: &str) {
    assert!(
        (ours - theirs).abs() < 1e-9,
        "{place}: {ours} is not {theirs}"
    );
}

fn without_version(signature: &str) -> &str {
    signature.split("|version:").next().unwrap()
}

fn lowered(is_lower: bool) -> Case {
    match is_lower {
        true => Case::Lower,
        false => Case::Mixed,
    }
}

#[test]
fn tokens_are_those_of_sacrebleu() {
    let golden = golden();
    assert_eq!(golden.tokenized.len(), Tokenizer::ALL.len() - 1);
    for (name, expected) in &golden.tokenized {
        let tokenizer = Tokenizer::named(name).unwrap();
        for (text, expected) in golden.segments.iter().flatten().zip(expected) {
            let tokens = tokenizer.tokenize(white_space::trim_end(text));
            let expected: Vec<&str> = white_space::words(expected).collect();
            assert_eq!(tokens, expected.join(" "), "{name}");
        }
    }
}

#[test]
fn bleu_is_that_of_sacrebleu() {
    let golden = golden();
    for case in &golden.cases {
        let Some((tokenizer, smoothing, value, is_lower)) = &case.bleu else {
            continue;
        };
        let bleu = Bleu {
            tokenizer: Tokenizer::named(tokenizer).unwrap(),
            smoothing: match smoothing.as_str() {
                "none" => Smoothing::None,
                "floor" => Smoothing::Floor(value.unwrap_or(0.1)),
                "add-k" => Smoothing::AddK(value.unwrap_or(1.0)),
                _ => Smoothing::Exponential,
            },
            case: lowered(*is_lower),
            orders: Orders::All,
        };
        let sentence = Bleu {
            orders: Orders::Effective,
            ..bleu
        };
        golden.check(case, &bleu, &sentence);
    }
}

#[test]
fn chrf_is_that_of_sacrebleu() {
    let golden = golden();
    for case in &golden.cases {
        let Some((word_order, beta, is_lower, has_spaces, is_epsilon)) = case.chrf else {
            continue;
        };
        let chrf = Chrf {
            character_order: 6,
            word_order,
            beta,
            case: lowered(is_lower),
            spaces: match has_spaces {
                true => Spaces::Kept,
                false => Spaces::Ignored,
            },
            smoothing: match is_epsilon {
                true => ChrfSmoothing::Epsilon,
                false => ChrfSmoothing::Effective,
            },
        };
        golden.check(case, &chrf, &chrf);
    }
}

#[test]
fn ter_is_that_of_sacrebleu() {
    let golden = golden();
    for case in &golden.cases {
        let Some([is_normalized, without_punctuation, is_asian, is_sensitive]) = case.ter else {
            continue;
        };
        let ter = Ter {
            case: lowered(!is_sensitive),
            normalization: match is_normalized {
                true => Normalization::Tercom,
                false => Normalization::None,
            },
            punctuation: match without_punctuation {
                true => Punctuation::Removed,
                false => Punctuation::Kept,
            },
            asian: match is_asian {
                true => AsianSupport::Characters,
                false => AsianSupport::None,
            },
        };
        golden.check(case, &ter, &ter);
    }
}

#[test]
fn every_metric_was_compared() {
    let cases = golden().cases;
    let count = |is_of: fn(&GoldenCase) -> bool| cases.iter().filter(|case| is_of(case)).count();
    let counts = [
        count(|case| case.bleu.is_some()),
        count(|case| case.chrf.is_some()),
        count(|case| case.ter.is_some()),
    ];
    assert_eq!(counts, [120, 64, 32]);
}

#[test]
fn intervals_and_tests_are_those_of_sacrebleu() {
    let golden = golden();
    check_tests(&golden, "bleu", &Bleu::default());
    check_tests(&golden, "chrf", &Chrf::default());
    check_tests(&golden, "ter", &Ter::default());
}

fn check_tests<M: TranslationMetric>(golden: &Golden, name: &str, metric: &M) {
    let expected = &golden.statistics[name];
    let references = golden.references(2);
    let gather = |column| Statistics::gather(metric, &golden.column(column), &references);
    let [system, baseline] = [0, 3].map(gather);
    let bootstrap = Bootstrap::default();
    let signature = metric.signature(system.references(), Some(bootstrap), None);
    assert_eq!(
        without_version(&signature),
        without_version(&expected.signature)
    );
    let Confidence { mean, half_width } = bootstrap.confidence(metric, &system);
    assert_close(mean, expected.mean, name);
    assert_close(half_width, expected.ci, name);
    let paired = bootstrap.compare(metric, &baseline, &system);
    assert_close(paired.p_value, expected.bs, name);
    let randomization = Randomization {
        trials: 1000,
        ..Randomization::default()
    };
    let paired = randomization.compare(metric, &baseline, &system);
    assert_close(paired.p_value, expected.ar, name);
}

#[test]
fn scores_are_those_of_sacrebleus_own_tests() {
    // sacreBLEU 2.6.0, README.md and test/test_bleu.py.
    let hypotheses = [
        "The dog bit the man.",
        "It wasn't surprising.",
        "The man had just bitten him.",
    ];
    let references = [
        ["The dog bit the man.", "The dog had bit the man."],
        ["It was not unexpected.", "No one was surprised."],
        ["The man bit him first.", "The man had bitten the dog."],
    ];
    for (tokenizer, expected) in [
        (Tokenizer::Mteval13a, 48.530827009929865),
        (Tokenizer::None, 49.1919566),
        (Tokenizer::International, 43.91623493),
    ] {
        let bleu = Bleu {
            tokenizer,
            ..Bleu::default()
        };
        let score = bleu.corpus(&hypotheses, &references).score;
        assert!((score - expected).abs() < 1e-7, "{score} is not {expected}");
    }
}

#[test]
fn a_variable_number_of_references_is_said_in_the_signature() {
    // sacreBLEU 2.6.0: BLEU().corpus_score(["a b c d", "e f g h"], [["a b c x", "e f g h"], ["a b c d", None]])
    let references = [vec!["a b c x", "a b c d"], vec!["e f g h"]];
    let score = Bleu::default().corpus(&["a b c d", "e f g h"], &references);
    assert!((score.score - 100.0).abs() < 1e-9, "{}", score.score);
    assert!(
        score.signature.starts_with("nrefs:var|"),
        "{}",
        score.signature
    );
}

#[test]
fn no_segments_and_empty_texts_score_nothing() {
    let none: [&str; 0] = [];
    for (score, expected) in [
        (Bleu::default().corpus(&none, &none).score, 0.0),
        (Chrf::default().corpus(&none, &none).score, 0.0),
        (Ter::default().corpus(&none, &none).score, 0.0),
        (Bleu::default().corpus(&[""], &[""]).score, 0.0),
        (Bleu::default().corpus(&[""], &["a"]).score, 0.0),
        (Chrf::plus_plus().corpus(&["a"], &[""]).score, 0.0),
        (Ter::default().corpus(&["a b"], &[""]).score, 100.0),
    ] {
        assert_eq!(score, expected);
    }
    let statistics = Statistics::gather(&Bleu::default(), &none, &none);
    let confidence = Bootstrap::default().confidence(&Bleu::default(), &statistics);
    assert_eq!((confidence.mean, confidence.half_width), (0.0, 0.0));
}

#[test]
fn equal_systems_do_not_differ() {
    let golden = golden();
    let references = golden.references(1);
    let system = Statistics::gather(&Chrf::default(), &golden.column(0), &references);
    for comparison in [
        Bootstrap::default().compare(&Chrf::default(), &system, &system),
        Randomization::default().compare(&Chrf::default(), &system, &system),
    ] {
        assert_eq!(comparison.difference, 0.0);
        assert!(!comparison.is_significant());
    }
}

#[test]
fn lines_end_at_line_feeds_only() {
    let text = "a\r\nb\x0bc \u{2028}\n\u{2028}d\re\n\n\tf";
    assert_eq!(lines(text), ["a", "b\x0bc", "\u{2028}d\re", "", "\tf"]);
    assert!(lines("").is_empty());
    assert_eq!(lines("\n"), [""]);
}
