//! `lstm train translator`, and what its bundles are for.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::bench::{Bench, Outcome, TINY, outcome, outcome_of_input};

/// Settings of a tiny translator, beside those of every tiny training.
const SMALL: [&str; 5] = [
    "tokenizer.max_size=300",
    "model.d_encoder=8",
    "model.d_decoder=16",
    "training.learning_rate=0.02",
    "training.label_smoothing=0.1",
];

/// A bench with pairs in `pairs`: 120 to learn from, 20 and 21 to score.
pub fn pairs() -> Bench {
    let bench = Bench::new();
    let shipped = datasets::shipped("pairs").unwrap();
    for (name, lines) in [("train.tsv", 120), ("valid.tsv", 20), ("test.tsv", 21)] {
        let lines: Vec<&str> = shipped.file(name).unwrap().lines().take(lines).collect();
        bench.write(&format!("pairs/{name}"), lines.join("\n") + "\n");
    }
    bench
}

/// `lstm train translator` of a tiny model on those pairs.
pub fn train(bench: &Bench, run: &str, settings: &[&str]) -> Command {
    let mut command = bench.lstm(&["train", "translator", "--data", "pairs", "--run", run]);
    let own = TINY.iter().filter(|setting| !setting.contains("d_hidden"));
    for setting in own.chain(&SMALL).chain(settings) {
        command.args(["--set", setting]);
    }
    command
}

fn trained(settings: &[&str]) -> Bench {
    let bench = pairs();
    outcome(&mut train(&bench, "run", settings)).succeeded();
    bench
}

fn translate(bench: &Bench, arguments: &[&str], input: &str) -> Outcome {
    let all = [&["translate", "--model", "run/bundle"], arguments].concat();
    outcome_of_input(&mut bench.lstm(&all), input.as_bytes())
}

fn lines(bench: &Bench, arguments: &[&str], input: &str) -> Vec<String> {
    let answer = translate(bench, arguments, input).succeeded();
    answer.stdout.lines().map(str::to_owned).collect()
}

/// One side of the pairs in a file.
fn side(bench: &Bench, name: &str, column: usize) -> String {
    let text = bench.read(name);
    let cells = text
        .lines()
        .map(|line| line.split('\t').nth(column).unwrap());
    cells.map(|cell| format!("{cell}\n")).collect()
}

#[test]
fn the_test_part_gets_the_scores_of_the_run() {
    let bench = trained(&["decoding.beam=3"]);
    let evaluate = [
        "evaluate",
        "--model",
        "run/bundle",
        "--beam",
        "3",
        "--json",
        "--data",
    ];
    let score = |more: &[&str]| -> Value {
        let all = [&evaluate[..], more].concat();
        let answer = outcome(&mut bench.lstm(&all)).succeeded();
        serde_json::from_str(&answer.stdout).unwrap()
    };
    let scores = score(&["pairs/test.tsv"]);
    let events = bench.events("run");
    let test = events
        .iter()
        .find(|event| event["event"] == "test")
        .unwrap();
    for name in ["bleu", "chrf", "loss", "perplexity"] {
        let [found, expected] = [&scores, test].map(|event| event[name].as_f64().unwrap());
        assert!(
            (found - expected).abs() < 1e-9,
            "{name}: {found} {expected}"
        );
    }
    assert_eq!(scores["signature"], test["signature"]);
    assert!(scores["signature"].as_str().unwrap().contains("tok:13a"));
    assert_eq!([&scores["n"], &test["n"]], [21, 21]);
    // The same from a file a side.
    bench.write("sources", side(&bench, "pairs/test.tsv", 0));
    bench.write("targets", side(&bench, "pairs/test.tsv", 1));
    let same = score(&["sources", "--target", "targets"]);
    assert_eq!(same["bleu"], scores["bleu"]);
    assert_eq!(same["loss"], scores["loss"]);
}

#[test]
fn every_line_has_one_translation_alone_as_in_a_batch() {
    let bench = trained(&[]);
    let sources = side(&bench, "pairs/test.tsv", 0);
    let input = format!("\n{sources}   \n\u{1F980} 日本 ünknøwn\nlast");
    let together = lines(&bench, &["--scores"], &input);
    let sources: Vec<&str> = input.split('\n').collect();
    assert_eq!(together.len(), sources.len());
    for (source, together) in sources.iter().zip(&together) {
        let alone = lines(&bench, &["--scores", "--", source], "");
        assert_eq!(alone, [together.as_str()], "{source}");
        if source.trim().is_empty() {
            assert_eq!(together, "0.0000\t0.0000\t");
        }
    }
}

#[test]
fn n_best_are_sorted_and_differ() {
    let bench = trained(&[]);
    let source = side(&bench, "pairs/test.tsv", 0)
        .lines()
        .next()
        .unwrap()
        .to_owned();
    let found = lines(&bench, &["--n-best", "4", "--scores", "--", &source], "");
    let cells: Vec<Vec<&str>> = found
        .iter()
        .map(|line| line.split('\t').collect())
        .collect();
    assert!(
        cells
            .iter()
            .all(|cells| cells.len() == 4 && cells[0] == "1")
    );
    let scores: Vec<f64> = cells
        .iter()
        .map(|cells| cells[1].parse().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let texts: BTreeSet<&str> = cells.iter().map(|cells| cells[3]).collect();
    assert_eq!([found.len(), texts.len()], [4, 4], "{found:?}");
    let plain = lines(&bench, &["--n-best", "4", "--", &source], "");
    let numbered = cells.iter().map(|cells| format!("1\t{}", cells[3]));
    assert!(numbered.eq(plain));
    let best = lines(&bench, &["--", &source], "");
    assert_eq!(best[0], cells[0][3]);
}

#[test]
fn what_is_drawn_is_repeatable_by_its_seed() {
    let bench = trained(&["training.epochs=1"]);
    let sources = side(&bench, "pairs/test.tsv", 0);
    let drawn = |seed: &str| {
        lines(
            &bench,
            &["--sample", "--top-k", "20", "--seed", seed],
            &sources,
        )
    };
    assert_eq!(drawn("3"), drawn("3"));
    assert_ne!(drawn("3"), drawn("4"));
    let sure = lines(&bench, &["--sample", "--temperature", "0"], &sources);
    assert_eq!(sure, lines(&bench, &["--beam", "1"], &sources));
}

#[test]
fn two_bundles_translate_together() {
    let bench = trained(&[]);
    outcome(&mut train(&bench, "other", &["training.seed=2"])).succeeded();
    let source = side(&bench, "pairs/test.tsv", 0)
        .lines()
        .next()
        .unwrap()
        .to_owned();
    let scores = |more: &[&str]| lines(&bench, &[more, &["--scores", "--", &source]].concat(), "");
    let one = scores(&[]);
    let same = scores(&["--model", "run/bundle"]);
    let score = |lines: &[String]| -> f64 { lines[0].split('\t').nth(1).unwrap().parse().unwrap() };
    assert!(
        (score(&one) - score(&same)).abs() < 1e-3,
        "{one:?} {same:?}"
    );
    assert_ne!(scores(&["--model", "other/bundle"]), one);
    let settings = ["tokenizer.max_size=280"];
    outcome(&mut train(&bench, "foreign", &settings)).succeeded();
    translate(&bench, &["--model", "foreign/bundle", "--", "a"], "")
        .refused(1, &["translator 2 has other vocabularies"]);
}

#[test]
fn attention_is_one_page_without_scripts() {
    let bench = trained(&[]);
    let sources = side(&bench, "pairs/test.tsv", 0);
    let input: String = sources
        .lines()
        .take(2)
        .map(|line| format!("{line}\n\n"))
        .collect();
    translate(&bench, &["--attention", "page.html"], &input).succeeded();
    let page = bench.read("page.html");
    assert_eq!(page.matches("<table>").count(), 2);
    assert!(page.contains("&lt;/s&gt;") && !page.contains("<script"));
    assert!(!page.contains("http"), "it needs nothing from elsewhere");
}

#[test]
fn an_interrupted_run_ends_in_the_same_weights() {
    let bench = pairs();
    let settings = ["model.word_dropout=0.1", "model.output_dropout=0.2"];
    outcome(&mut train(&bench, "whole", &settings)).succeeded();
    bench.until_killed("killed", &mut train(&bench, "killed", &settings));
    outcome(&mut bench.lstm(&["train", "translator", "--resume", "killed"])).succeeded();
    assert_eq!(bench.weights("killed"), bench.weights("whole"));
}

#[test]
fn any_number_of_threads_gives_the_same_weights() {
    let bench = pairs();
    // Large enough for the products to be shared, batched ones among them.
    let large = [
        "training.epochs=1",
        "training.batch_size=60",
        "model.d_embedding=64",
        "model.d_encoder=96",
        "model.d_decoder=192",
        "model.output_dropout=0.2",
        "model.recurrent_dropout=0.2",
    ];
    for attention in ["multiplicative", "additive"] {
        let attention = format!("model.attention={attention}");
        let settings = [&large[..], &[&attention]].concat();
        let weights = ["1", "2", "3"].map(|threads| {
            let run = format!("{attention}-{threads}");
            outcome(train(&bench, &run, &settings).args(["--threads", threads])).succeeded();
            bench.weights(&run)
        });
        assert_eq!(weights[0], weights[1], "{attention}");
        assert_eq!(weights[0], weights[2], "{attention}");
    }
}

#[test]
fn every_kind_of_translator_can_be_trained_and_used() {
    for settings in [
        &[
            "model.cell=gru",
            "model.attention=additive",
            "model.layers=2",
        ][..],
        &[
            "model.input_feeding=true",
            "model.bridge=zero",
            "model.tied=none",
        ],
        &["model.attention=dot", "model.bridge=copy"],
        &[
            "tokenizer.shared=true",
            "model.tied=all",
            "tokenizer.unit=words",
        ],
    ] {
        let bench = trained(&[settings, &["training.epochs=1"]].concat());
        let source = side(&bench, "pairs/test.tsv", 0);
        let found = lines(&bench, &["--beam", "2"], &source);
        assert_eq!(found.len(), 21, "{settings:?}");
        let inspected = outcome(&mut bench.lstm(&["inspect", "--model", "run/bundle"])).succeeded();
        assert!(inspected.stdout.contains("translator"), "{settings:?}");
    }
}

#[test]
fn what_cannot_be_trained_is_refused_before_anything_is_written() {
    let bench = pairs();
    for (settings, parts) in [
        (
            &["model.tied=all"][..],
            &["model.tied", "tokenizer.shared"][..],
        ),
        (
            &["model.attention=dot", "model.d_decoder=20"],
            &["model.attention", "16, not 20"],
        ),
        (&["training.metric=accuracy"], &["training.metric", "bleu"]),
        (&["decoding.beam=0"], &["decoding.beam", "at least 1"]),
        (&["filter.max_source=1"], &["no pair is left", "120 pairs"]),
        (&["data.train=[\"train.tsv\"]"], &["train"]),
    ] {
        outcome(&mut train(&bench, "run", settings)).refused(1, parts);
        assert!(!bench.path("run").exists(), "{settings:?}");
    }
    bench.write("pairs/a", "eins\nzwei\n");
    bench.write("pairs/b", "one\n");
    outcome(&mut train(&bench, "run", &["data.train=[\"a\", \"b\"]"]))
        .refused(1, &["pairs/a has 2 lines and", "pairs/b has 1;"]);
}

#[test]
fn what_cannot_be_translated_is_refused() {
    let bench = trained(&["training.epochs=1"]);
    for (arguments, code, parts) in [
        (
            &["--beam", "0", "--", "a"][..],
            1,
            &["--beam", "at least 1"][..],
        ),
        (
            &["--beam", "20000", "--", "a"],
            1,
            &["--beam", "at most 1000, not 20000"],
        ),
        (
            &["--min-length", "9000", "--", "a"],
            1,
            &["--min-length", "at most"],
        ),
        (&["--seed", "2", "--", "a"], 1, &["--seed is for --sample"]),
        (
            &["--sample", "--beam", "2", "--", "a"],
            1,
            &["--beam", "--sample draws"],
        ),
        (
            &["--beam", "2", "--n-best", "3", "--", "a"],
            1,
            &["--n-best", "at most 2"],
        ),
        (
            &["--length-penalty", "-1", "--", "a"],
            2,
            &["none, average, or a number"],
        ),
        (&["--input", "missing.txt"], 1, &["missing.txt"]),
    ] {
        translate(&bench, arguments, "").refused(code, parts);
    }
    fs::write(bench.path("bytes"), b"ein\n\xff\n").unwrap();
    let answer = translate(&bench, &["--input", "bytes"], "");
    assert_eq!(answer.code, Some(1));
    assert_eq!(
        answer.stdout.lines().count(),
        1,
        "the first line has its answer"
    );
    assert!(
        answer.stderr.contains("bytes:2 is not UTF-8"),
        "{}",
        answer.stderr
    );
    // A bundle of another task.
    let classifier = Bench::trained();
    translate(&classifier, &["--", "a"], "").refused(1, &["classifier", "translator"]);
    let answer = outcome(&mut bench.lstm(&["predict", "--model", "run/bundle", "a"]));
    answer.refused(1, &["translator", "classifier"]);
}

#[test]
fn what_cannot_be_evaluated_is_refused() {
    let bench = trained(&["training.epochs=1"]);
    bench.write("three", "a\nb\nc\n");
    bench.write("two", "a\nb\n");
    let evaluate = |bundle: &str, more: &[&str]| {
        let all = [&["evaluate", "--model", bundle, "--data", "three"], more].concat();
        outcome(&mut bench.lstm(&all))
    };
    for (more, parts) in [
        (
            &["--target", "two"][..],
            &["three has 3 lines and two has 2"][..],
        ),
        (&[], &["--target"]),
        (&["--target", "two", "--format", "tsv"], &["--format"]),
        (
            &["--target", "two", "--cache", "5"],
            &["--cache", "translator"],
        ),
        (&["--target", "two", "--baseline", "two"], &["--baseline"]),
    ] {
        evaluate("run/bundle", more).refused(1, parts);
    }
    let classifier = Bench::trained();
    for option in [["--target", "data/test.tsv"], ["--beam", "3"]] {
        let all = [
            "evaluate",
            "--model",
            "run/bundle",
            "--data",
            "data/test.tsv",
        ];
        outcome(&mut classifier.lstm(&[&all[..], &option].concat()))
            .refused(1, &[option[0], "is for translators", "classifier"]);
    }
}

#[test]
fn a_word_never_seen_is_translated_all_the_same() {
    let bench = trained(&["tokenizer.unit=words", "training.epochs=1"]);
    let found = lines(&bench, &[], "der xylograph sieht den hund .\n");
    assert_eq!(found.len(), 1);
    assert!(!found[0].contains("<unk>"), "{found:?}");
}

#[test]
fn a_line_longer_than_any_learned_from_is_translated_and_said() {
    let bench = trained(&["training.epochs=1"]);
    let long = "wort ".repeat(100);
    let answer = translate(&bench, &["--beam", "1", "--", &long], "").succeeded();
    assert_eq!(answer.stdout.lines().count(), 1);
    assert!(
        answer.stderr.contains("1 line was longer than any"),
        "{}",
        answer.stderr
    );
    let longer = "wort ".repeat(3000);
    let answer = translate(&bench, &["--beam", "1", "--", &longer], "").succeeded();
    assert!(
        answer.stderr.contains("1 line was cut after 1000 tokens"),
        "{}",
        answer.stderr
    );
}
