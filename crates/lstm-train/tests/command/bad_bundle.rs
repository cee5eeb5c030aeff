//! Bundles that are not whole, and what they cannot be asked.

use std::process::Command;

use crate::bench::{Bench, outcome};

/// Every command that reads a bundle.
fn readers(bench: &Bench) -> [Command; 3] {
    [
        bench.lstm(&["predict", "--model", "run/bundle", "good"]),
        bench.lstm(&[
            "evaluate",
            "--model",
            "run/bundle",
            "--data",
            "data/test.tsv",
        ]),
        bench.lstm(&["inspect", "--model", "run/bundle"]),
    ]
}

#[test]
fn a_bundle_that_lacks_a_file_or_half_of_it_is_refused_by_that_file() {
    let bench = Bench::trained();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let name = format!("run/bundle/{name}");
        let whole = std::fs::read(bench.path(&name)).unwrap();
        for part in [&[], &whole[..whole.len() / 2], &whole[..whole.len() - 1]] {
            bench.write(&name, part);
            for mut command in readers(&bench) {
                outcome(&mut command).refused(1, &[&name]);
            }
        }
        std::fs::remove_file(bench.path(&name)).unwrap();
        for mut command in readers(&bench) {
            outcome(&mut command).refused(1, &[&format!("cannot read {name}")]);
        }
        bench.write(&name, &whole);
    }
    for mut command in readers(&bench) {
        outcome(&mut command).succeeded();
    }
}

#[test]
fn a_bundle_of_another_task_or_format_is_refused() {
    let bench = Bench::trained();
    let config = bench.read("run/bundle/config.json");
    for (from, to, part) in [
        (
            "\"task\": \"classifier\"",
            "\"task\": \"tagger\"",
            "task `tagger`, not `classifier`",
        ),
        (
            "\"format_version\": 1",
            "\"format_version\": 99",
            "format version 99",
        ),
        ("\"d_hidden\": 16", "\"d_hidden\": 17", "run/bundle"),
    ] {
        let changed = config.replace(from, to);
        assert_ne!(changed, config);
        bench.write("run/bundle/config.json", changed);
        for mut command in readers(&bench) {
            outcome(&mut command).refused(1, &[part]);
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_or_written_is_named() {
    let bench = Bench::trained();
    let predict = |arguments: &[&str]| {
        let arguments = [&["predict", "--model", "run/bundle"], arguments].concat();
        outcome(&mut bench.lstm(&arguments))
    };
    predict(&["--input", "no.txt"]).refused(1, &["cannot read no.txt"]);
    predict(&["--input", "data"]).refused(1, &["cannot read data"]);
    predict(&["--output", "no/answers", "good"]).refused(1, &["cannot write no/answers"]);
    bench.write("latin.txt", b"caf\xe9\n");
    predict(&["--input", "latin.txt"]).refused(1, &["latin.txt:1 is not UTF-8"]);
    if cfg!(target_os = "linux") {
        predict(&["--output", "/dev/full", "good"]).refused(1, &["cannot write /dev/full"]);
    }
}

#[test]
fn a_file_that_cannot_be_scored_is_named() {
    let bench = Bench::trained();
    bench.write("data/test.txt", "positive\tgood\n");
    bench.write("data/other.tsv", "positive\tgood\nmixed\tso so\n");
    let evaluate = |data: &str, more: &[&str]| {
        let arguments = ["evaluate", "--model", "run/bundle", "--data", data];
        outcome(&mut bench.lstm(&[&arguments, more].concat()))
    };
    evaluate("data/test.txt", &[]).refused(1, &["data/test.txt cannot be told", "--format"]);
    evaluate("data/test.txt", &["--format", "tsv"]).succeeded();
    evaluate("data/test.txt", &["--format", "xml"]).refused(2, &["xml", "tsv, csv, jsonl"]);
    evaluate("data/no.tsv", &[]).refused(1, &["data/no.tsv"]);
    evaluate("data", &["--format", "tsv"]).refused(1, &["data: is a directory"]);
    evaluate("data/other.tsv", &[]).refused(1, &["data/other.tsv:2: unknown label \"mixed\""]);
}
