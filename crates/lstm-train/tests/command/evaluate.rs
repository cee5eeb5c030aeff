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

/// Asserts that `data/test.tsv` gets the scores that the run logged, and returns them.
#[track_caller]
fn assert_test_is_repeated(bench: &Bench) -> Value {
    let scores = evaluate(bench, "data/test.tsv");
    let events = bench.events("run");
    let test = events.iter().find(|event| event["event"] == "test");
    for name in ["accuracy", "loss", "macro_f1"] {
        let (logged, found) = (&test.unwrap()[name], &scores[name]);
        let difference = logged.as_f64().unwrap() - found.as_f64().unwrap();
        assert!(difference.abs() < 1e-6, "{name}: {logged} {found}");
    }
    scores
}

#[test]
fn the_test_part_gets_the_scores_of_the_run() {
    let scores = assert_test_is_repeated(&Bench::trained());
    assert_eq!(scores["task"], "classifier");
    assert_eq!(scores["n"], 60);
    assert!(scores["seconds"].as_f64().unwrap() >= 0.0);
}

#[test]
fn a_model_of_byte_pairs_is_as_good_from_its_bundle() {
    let bench = Bench::new();
    for buckets in ["0", "100"] {
        let settings = [
            "tokenizer.kind=bpe",
            "tokenizer.max_size=400",
            &format!("model.subword_buckets={buckets}"),
        ];
        outcome(&mut bench.train("run", &settings)).succeeded();
        let tokenizer = bench.read("run/bundle/tokenizer.json");
        assert!(tokenizer.contains("\"BPE\""), "{buckets} buckets");
        assert_test_is_repeated(&bench);
        let texts = ["a great film", "", "ünknøwn wörds 映画"];
        let predict = ["predict", "--model", "run/bundle", "--"];
        let answers = outcome(bench.lstm(&predict).args(texts)).succeeded();
        assert_eq!(answers.stdout.lines().count(), texts.len());
        std::fs::remove_dir_all(bench.path("run")).unwrap();
    }
}

#[test]
fn a_line_of_a_million_characters_is_cut_and_says_so() {
    let bench = Bench::new();
    let long = |text: &str| text.repeat(1_000_000_usize.div_ceil(text.len()));
    let longest = format!("positive\t{}\nnegative\t{}\n", long("good "), long("x"));
    for name in ["data/train.tsv", "data/test.tsv"] {
        bench.write(name, bench.read(name) + &longest);
    }
    // The second of them is a single word.
    for (kind, cut) in [("words", 1), ("bpe", 2)] {
        let kind = format!("tokenizer.kind={kind}");
        let settings = ["training.epochs=1", "tokenizer.max_size=400", &kind];
        let trained = outcome(&mut bench.train("run", &settings)).succeeded();
        let part = format!("{cut} of the texts were cut after 1000 tokens (tokenizer.max_tokens)");
        assert!(trained.stderr.contains(&part), "{kind}: {}", trained.stderr);
        assert_eq!(assert_test_is_repeated(&bench)["n"], 62);
        std::fs::remove_dir_all(bench.path("run")).unwrap();
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
