//! What language models refuse, or make the best of.

use serde_json::Value;

use crate::bench::{Bench, outcome, outcome_of_input};
use crate::language_model::{texts, train};

fn trained() -> Bench {
    let bench = texts();
    outcome(&mut train(&bench, "run", &["training.epochs=1"])).succeeded();
    bench
}

fn on_bundle<'a>(command: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [&[command, "--model", "run/bundle"], arguments].concat()
}

#[test]
fn a_text_without_a_token_is_refused_by_its_file() {
    let bench = texts();
    for name in ["test.txt", "valid.txt", "train.txt"] {
        for empty in ["", " \n", "\n\n"] {
            bench.write(&format!("texts/{name}"), empty);
            let message = format!("{name} has no token");
            outcome(&mut train(&bench, "run", &[])).refused(1, &[&message]);
        }
    }
    let bench = trained();
    bench.write("empty.txt", "");
    let arguments = on_bundle("evaluate", &["--data", "empty.txt"]);
    outcome(&mut bench.lstm(&arguments)).refused(1, &["empty.txt has no token"]);
}

#[test]
fn a_text_shorter_than_the_streams_is_refused_and_one_shorter_than_a_window_is_not() {
    let bench = texts();
    bench.write("texts/train.txt", "the dogs\n");
    let refused = outcome(&mut train(&bench, "run", &[]));
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    for part in ["train.txt", "3 tokens", "8"] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
    bench.write("texts/train.txt", "the dogs are tame .\n".repeat(4));
    outcome(&mut train(&bench, "short", &["windows.steps=500"])).succeeded();
}

#[test]
fn tokens_of_another_alphabet_are_counted() {
    let bench = trained();
    bench.write("texts/other.txt", "мы читаем the dogs\n");
    let arguments = on_bundle("evaluate", &["--json", "--data", "texts/other.txt"]);
    let scores = outcome(&mut bench.lstm(&arguments)).succeeded().stdout;
    let scores: Value = serde_json::from_str(&scores).unwrap();
    assert_eq!(
        (&scores["tokens"], &scores["unknown"]),
        (&5.into(), &2.into())
    );
    assert!(scores["perplexity"].as_f64().unwrap().is_finite());

    let arguments = on_bundle("generate", &["--prompt", "мы читаем", "--length", "3"]);
    let written = outcome(&mut bench.lstm(&arguments)).succeeded();
    assert!(
        written
            .stderr
            .contains("2 of the 2 tokens given are not in"),
        "{}",
        written.stderr
    );
    assert!(!written.stdout.contains("<unk>"), "{}", written.stdout);

    let mut scored = bench.lstm(&["score-text", "--model", "run/bundle"]);
    let scored = outcome_of_input(&mut scored, "мы\n".as_bytes()).succeeded();
    assert_eq!(scored.stdout.lines().count(), 2);
    assert!(
        scored.stderr.contains("1 of them unknown"),
        "{}",
        scored.stderr
    );
}

#[test]
fn settings_of_generation_that_mean_nothing_are_refused_by_name() {
    let bench = trained();
    for (name, values) in [
        ("--temperature", ["-1", "nan", "inf"]),
        ("--top-p", ["0", "1.5", "nan"]),
        ("--top-k", ["-1", "1.5", "many"]),
        ("--length", ["-1", "1e3", "99999999999999999999999"]),
    ] {
        for value in values {
            let setting = format!("{name}={value}");
            let arguments = on_bundle("generate", &[&setting]);
            outcome(&mut bench.lstm(&arguments)).refused(2, &[name, value]);
        }
    }
}

#[test]
fn options_of_a_cache_that_mean_nothing_are_refused_by_name() {
    let bench = trained();
    let refused = |bench: &Bench, options: &[&str], code, parts: &[&str]| {
        let all = [&["--data", "texts/test.txt"], options].concat();
        outcome(&mut bench.lstm(&on_bundle("evaluate", &all))).refused(code, parts);
    };
    for (option, value, expected) in [
        ("--cache", "0", "at least 1"),
        ("--cache-theta", "nan", "a finite number"),
        ("--cache-theta", "inf", "a finite number"),
        ("--cache-lambda", "-0.1", "in [0, 1]"),
        ("--cache-lambda", "1.1", "in [0, 1]"),
        ("--cache-lambda", "nan", "in [0, 1]"),
    ] {
        let options = match option {
            "--cache" => vec![option, value],
            _ => vec!["--cache", "10", option, value],
        };
        refused(&bench, &options, 1, &[option, expected]);
    }
    refused(&bench, &["--cache", "many"], 2, &["--cache", "many"]);
    for option in ["--cache-theta", "--cache-lambda"] {
        refused(&bench, &[option, "0.5"], 2, &["--cache <N>"]);
    }
    let classifier = Bench::trained();
    let expected = ["--cache is for language models", "classifier"];
    refused(&classifier, &["--cache", "10"], 1, &expected);
}

#[test]
fn weights_that_are_no_numbers_are_refused_with_what_is_wrong() {
    let bench = trained();
    let name = "run/bundle/model.safetensors";
    let mut bytes = std::fs::read(bench.path(name)).unwrap();
    // The tensors follow the header, whose length is the first number.
    let header = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    for value in bytes[8 + header..].chunks_exact_mut(4) {
        value.copy_from_slice(&f32::NAN.to_le_bytes());
    }
    bench.write(name, &bytes);
    for command in ["generate", "inspect", "score-text"] {
        outcome(&mut bench.lstm(&on_bundle(command, &[]))).refused(1, &[name, "holds NaN"]);
    }
}

#[test]
fn a_bundle_of_another_task_is_refused_by_name() {
    let bench = Bench::trained();
    for command in ["generate", "score-text"] {
        let refused = outcome(&mut bench.lstm(&on_bundle(command, &[])));
        assert_eq!(refused.code, Some(1), "{}", refused.stderr);
        for part in ["classifier", "language-model"] {
            assert!(refused.stderr.contains(part), "{}", refused.stderr);
        }
    }
    let bench = trained();
    let refused = outcome(&mut bench.lstm(&on_bundle("predict", &["good"])));
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("language-model"),
        "{}",
        refused.stderr
    );
}
