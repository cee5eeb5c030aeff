//! `lstm predict`: one answer for each line, in order, as they come.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::Value;

use crate::bench::{Bench, Outcome, Running, outcome, outcome_of_input};

fn predict(bench: &Bench, arguments: &[&str], input: impl AsRef<[u8]>) -> Outcome {
    let arguments = [&["predict", "--model", "run/bundle"], arguments].concat();
    outcome_of_input(&mut bench.lstm(&arguments), input.as_ref()).succeeded()
}

fn objects(answers: &Outcome) -> Vec<Value> {
    let lines = answers.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn each_line_gets_its_answer_in_order() {
    let bench = Bench::trained();
    let texts = [
        "a great film",
        "",
        "it was not good",
        "ünknøwn wörds 映画",
        "  ",
    ];
    let answers = predict(&bench, &["--json"], texts.join("\n"));
    let answers = objects(&answers);
    assert_eq!(answers.len(), texts.len());
    for (answer, text) in answers.iter().zip(texts) {
        assert_eq!(answer["text"], text);
        // Alone as among others.
        let alone = objects(&predict(&bench, &["--json", "--", text], ""));
        assert_eq!(&alone[0], answer);
    }
}

#[test]
fn a_plain_answer_is_the_label_and_its_probability() {
    let bench = Bench::trained();
    let text = "a great film";
    let plain = predict(&bench, &[text], "").stdout;
    let object = &objects(&predict(&bench, &["--json", text], ""))[0];
    let probabilities = object["probabilities"].as_object().unwrap();
    let labels: Vec<&String> = probabilities.keys().collect();
    assert_eq!(labels, ["negative", "positive"]);
    let sum: f64 = probabilities.values().filter_map(Value::as_f64).sum();
    assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    let label = object["label"].as_str().unwrap();
    assert_eq!(object["probability"], object["probabilities"][label]);
    let probability = object["probability"].as_f64().unwrap();
    assert!(probability >= 0.5);
    assert_eq!(plain, format!("{label}\t{probability:.4}\n"));
}

#[test]
fn an_empty_line_gets_the_share_of_each_label() {
    let bench = Bench::trained();
    let train = bench.read("data/train.tsv");
    let positive = train
        .lines()
        .filter(|line| line.starts_with("positive"))
        .count();
    let share = positive as f64 / train.lines().count() as f64;
    for answer in objects(&predict(&bench, &["--json"], "\n\r\n")) {
        let found = answer["probabilities"]["positive"].as_f64().unwrap();
        assert!((found - share).abs() < 1e-6, "{found} {share}");
    }
}

#[test]
fn line_ends_of_any_kind_make_no_difference() {
    let bench = Bench::trained();
    let unix = predict(&bench, &[], "good\nbad\n").stdout;
    for input in ["good\r\nbad\r\n", "good\nbad"] {
        assert_eq!(predict(&bench, &[], input).stdout, unix);
    }
    assert_eq!(predict(&bench, &[], "").stdout, "");
}

#[test]
fn a_file_is_read_and_written_like_the_standard_ones() {
    let bench = Bench::trained();
    bench.write("texts.txt", "good\nbad\n");
    let expected = predict(&bench, &[], "good\nbad\n").stdout;
    assert_eq!(
        predict(&bench, &["--input", "texts.txt"], "").stdout,
        expected
    );
    assert_eq!(
        predict(&bench, &["--input", "-"], "good\nbad\n").stdout,
        expected
    );
    assert_eq!(predict(&bench, &["good", "bad"], "").stdout, expected);
    let files = ["--input", "texts.txt", "--output", "answers.tsv"];
    assert_eq!(predict(&bench, &files, "").stdout, "");
    assert_eq!(bench.read("answers.tsv"), expected);
}

#[test]
fn a_line_of_a_million_characters_gets_an_answer() {
    let bench = Bench::new();
    let settings = ["tokenizer.max_tokens=20", "training.epochs=1"];
    outcome(&mut bench.train("run", &settings)).succeeded();
    let words = "good bad ".repeat(120_000);
    let one_word = "x".repeat(1_000_000);
    let answers = predict(&bench, &[], format!("{words}\n{one_word}\ngood\n"));
    assert_eq!(answers.stdout.lines().count(), 3);
}

#[test]
fn an_answer_comes_before_the_input_ends() {
    let bench = Bench::trained();
    let mut command = bench.lstm(&["predict", "--model", "run/bundle"]);
    let mut running = Running::start(command.stdin(Stdio::piped()));
    let mut input = running.0.stdin.take().unwrap();
    let mut output = BufReader::new(running.0.stdout.take().unwrap()).lines();
    for text in ["good", "bad"] {
        writeln!(input, "{text}").unwrap();
        let answer = output.next().unwrap().unwrap();
        assert!(answer.contains('\t'), "{answer}");
    }
    drop(input);
    assert!(output.next().is_none());
    assert_eq!(running.outcome().succeeded().stderr, "");
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let bench = Bench::trained();
    for arguments in [
        ["predict", "--model", "run/bundle"].as_slice(),
        &["inspect", "--model", "run/bundle"],
        &["recipes"],
    ] {
        let mut command = bench.lstm(arguments);
        let mut running = Running::start(command.stdin(Stdio::piped()));
        drop(running.0.stdout.take());
        let mut input = running.0.stdin.take().unwrap();
        // The command may be gone before it has read everything.
        let _ = input.write_all("good\n".repeat(100).as_bytes());
        drop(input);
        assert_eq!(running.outcome().succeeded().stderr, "");
    }
}
