//! `lstm evaluate`: the same examples get the same scores, from whatever file.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::bench::{Bench, outcome};

fn evaluate(bench: &Bench, data: &str) -> Value {
    let arguments = [
        "evaluate",
        "--model",
        "run/bundle",
        "--json",
        "--data",
        data,
    ];
    let scored = outcome(&mut bench.lstm(&arguments)).succeeded();
    assert_eq!(scored.stdout.lines().count(), 1);
    serde_json::from_str(&scored.stdout).unwrap()
}

#[test]
fn the_test_part_gets_the_scores_of_the_run() {
    let bench = Bench::trained();
    let scores = evaluate(&bench, "data/test.tsv");
    assert_eq!(scores["task"], "classifier");
    assert_eq!(scores["n"], 60);
    assert!(scores["seconds"].as_f64().unwrap() >= 0.0);
    let events = bench.events("run");
    let test = events.iter().find(|event| event["event"] == "test");
    for name in ["accuracy", "loss", "macro_f1"] {
        let (logged, found) = (&test.unwrap()[name], &scores[name]);
        let difference = logged.as_f64().unwrap() - found.as_f64().unwrap();
        assert!(difference.abs() < 1e-6, "{name}: {logged} {found}");
    }
}

#[test]
fn every_format_of_the_same_examples_gets_the_same_scores() {
    let bench = Bench::trained();
    let tsv = bench.read("data/test.tsv");
    let examples: Vec<(&str, &str)> = tsv
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .collect();
    let rows = |row: &dyn Fn(&str, &str) -> String| -> String {
        let rows = examples.iter().map(|(label, text)| row(label, text));
        rows.collect()
    };
    let csv = rows(&|label, text| format!("{label},\"{}\"\r\n", text.replace('"', "\"\"")));
    bench.write("data/test.csv", format!("label,text\r\n{csv}"));
    let json = rows(&|label, text| format!("{}\n", json!({"text": text, "label": label})));
    bench.write("data/test.jsonl", json);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(tsv.as_bytes()).unwrap();
    bench.write("data/packed.tsv.gz", encoder.finish().unwrap());

    let scores = |data: &str| {
        let mut scores = evaluate(&bench, data);
        scores.as_object_mut().unwrap().remove("seconds");
        scores
    };
    let expected = scores("data/test.tsv");
    for data in ["data/test.csv", "data/test.jsonl", "data/packed.tsv.gz"] {
        assert_eq!(scores(data), expected, "{data}");
    }
}

#[test]
fn the_table_has_the_same_numbers_and_a_baseline_on_request() {
    let bench = Bench::trained();
    let scores = evaluate(&bench, "data/test.tsv");
    let shown = format!("accuracy {:.4}", scores["accuracy"].as_f64().unwrap());
    let arguments = [
        "evaluate",
        "--model",
        "run/bundle",
        "--data",
        "data/test.tsv",
    ];
    let baseline = ["--baseline", "data/train.tsv"];
    let table = outcome(bench.lstm(&arguments).args(baseline)).succeeded();
    for part in [&shown, "n = 60", "linear bag of words", "positive"] {
        assert!(table.stdout.contains(part), "{part}: {}", table.stdout);
    }
}
