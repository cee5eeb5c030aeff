//! `lstm score`: the numbers of sacreBLEU, and errors that name the file.

use std::io::Write;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::bench::{Bench, outcome, outcome_of_input};

const HYPOTHESES: &str =
    "The dog bit the man.\nIt wasn't surprising.\nThe man had just bitten him.\n";
const FIRST: &str = "The dog bit the man.\nIt was not unexpected.\nThe man bit him first.\n";
const SECOND: &str =
    "The dog had bit the man.\nNo one was surprised.\nThe man had bitten the dog.\n";
const BASELINE: &str = "A dog bit a man.\nIt was no surprise.\nHe bit him first.\n";

fn bench() -> Bench {
    let bench = Bench::new();
    for (name, contents) in [
        ("hyp.txt", HYPOTHESES),
        ("ref0.txt", FIRST),
        ("ref1.txt", SECOND),
        ("baseline.txt", BASELINE),
    ] {
        bench.write(name, contents);
    }
    bench
}

/// `lstm score METRIC` of `hyp.txt` beside both references, with these options.
fn score(bench: &Bench, metric: &str, options: &[&str]) -> Command {
    let mut command = bench.lstm(&["score", metric, "--hyp", "hyp.txt"]);
    command.args(["--ref", "ref0.txt", "--ref", "ref1.txt"]);
    command.args(options);
    command
}

fn printed(command: &mut Command) -> String {
    outcome(command).succeeded().stdout
}

fn object(command: &mut Command) -> Value {
    serde_json::from_str(&printed(command.arg("--json"))).unwrap()
}

fn without_version(line: &str) -> String {
    let (before, version) = line.split_once("|version:").unwrap();
    let (version, after) = version.split_once(' ').unwrap();
    assert!(version.starts_with("lstm-"), "{line}");
    assert!(version.ends_with("=sacrebleu-2.6.0"), "{line}");
    format!("{before} {after}")
}

#[test]
fn a_line_is_that_of_sacrebleu() {
    // sacreBLEU 2.6.0: sacrebleu ref0.txt ref1.txt -i hyp.txt -m bleu chrf ter -f text -w 4
    //   --chrf-word-order 2 for chrf++; -ci for confidence
    let bench = bench();
    for (metric, options, expected) in [
        (
            "bleu",
            [].as_slice(),
            "BLEU|nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp = 48.5308 82.4/50.0/45.5/37.5 \
             (BP = 0.943 ratio = 0.944 hyp_len = 17 ref_len = 18)",
        ),
        (
            "bleu",
            &["--tokenize", "intl", "--smooth", "floor", "--lowercase"],
            "BLEU|nrefs:2|case:lc|eff:no|tok:intl|smooth:floor[0.10] = 43.9162 \
             73.7/43.8/38.5/30.0 (BP = 1.000 ratio = 1.056 hyp_len = 19 ref_len = 18)",
        ),
        (
            "bleu",
            &["--confidence"],
            "BLEU|nrefs:2|bs:1000|seed:12345|case:mixed|eff:no|tok:13a|smooth:exp = 48.5308 \
             (μ = 46.9597 ± 46.7550) 82.4/50.0/45.5/37.5 (BP = 0.943 ratio = 0.944 hyp_len = 17 ref_len = 18)",
        ),
        (
            "chrf",
            &[],
            "chrF2|nrefs:2|case:mixed|eff:yes|nc:6|nw:0|space:no = 59.7275",
        ),
        (
            "chrf++",
            &["--confidence"],
            "chrF2++|nrefs:2|bs:1000|seed:12345|case:mixed|eff:yes|nc:6|nw:2|space:no = \
             59.1531 (μ = 59.2463 ± 35.4274)",
        ),
        (
            "ter",
            &["--normalized"],
            "TER|nrefs:2|case:lc|tok:tercom|norm:yes|punct:yes|asian:no = 33.3333",
        ),
    ] {
        let line = printed(&mut score(
            &bench,
            metric,
            &[&["--width", "4"], options].concat(),
        ));
        assert_eq!(without_version(line.trim_end()), expected);
    }
}

#[test]
fn each_line_gets_its_score() {
    let bench = bench();
    let lines = printed(&mut score(&bench, "bleu", &["--sentence"]));
    assert_eq!(lines.lines().count(), 3);
    assert!(lines.starts_with("BLEU|nrefs:2|case:mixed|eff:yes|tok:13a|smooth:exp|"));
    let objects = printed(&mut score(&bench, "bleu", &["--sentence", "--json"]));
    let objects: Vec<Value> = objects
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(objects.len(), 3);
    assert_eq!(objects[2]["line"], 3);
    assert!((objects[0]["score"].as_f64().unwrap() - 100.0).abs() < 1e-9);
}

#[test]
fn json_has_score_signature_and_what_it_is_made_of() {
    let bench = bench();
    let bleu = object(&mut score(&bench, "bleu", &["--confidence"]));
    assert_eq!(bleu["metric"], "BLEU");
    assert!((bleu["score"].as_f64().unwrap() - 48.530827009929865).abs() < 1e-9);
    assert_eq!(bleu["matches"][0], 14);
    assert_eq!(bleu["hypothesis_length"], 17);
    assert!(
        bleu["signature"]
            .as_str()
            .unwrap()
            .starts_with("nrefs:2|bs:1000|seed:12345|")
    );
    assert!(bleu["confidence"]["half_width"].as_f64().unwrap() > 0.0);
    let ter = object(&mut score(&bench, "ter", &[]));
    assert!(ter["edits"].as_u64().unwrap() > 0);
    assert!(ter.get("confidence").is_none());
}

#[test]
fn another_system_is_compared_with() {
    let bench = bench();
    for (test, name) in [
        ("bootstrap", "paired bootstrap"),
        ("randomization", "approximate randomization"),
    ] {
        let options = ["--baseline", "baseline.txt", "--test", test];
        let both = object(&mut score(&bench, "bleu", &options));
        let score_of = |value: &Value| value["score"].as_f64().unwrap();
        let difference = score_of(&both) - score_of(&both["baseline"]);
        assert!((both["comparison"]["difference"].as_f64().unwrap() - difference).abs() < 1e-9);
        let p = both["comparison"]["p_value"].as_f64().unwrap();
        assert!(p > 0.0 && p <= 1.0);
        assert_eq!(both["comparison"]["test"], name);
        let text = printed(&mut score(&bench, "bleu", &options));
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with("baseline.txt: BLEU|nrefs:2|"),
            "{text}"
        );
        assert!(lines[1].starts_with("hyp.txt: BLEU|nrefs:2|"), "{text}");
        assert!(lines[2].starts_with("difference +"), "{text}");
        assert!(lines[2].contains(&format!("p = {p:.4}: ")), "{text}");
    }
}

#[test]
fn a_system_does_not_differ_from_itself() {
    let bench = bench();
    let text = printed(&mut score(&bench, "chrf", &["--baseline", "hyp.txt"]));
    assert!(text.contains("difference +0.0"), "{text}");
    assert!(text.contains("not significant"), "{text}");
}

#[test]
fn standard_input_line_ends_and_packed_files_change_no_score() {
    let bench = bench();
    let expected = printed(&mut score(&bench, "chrf++", &["--whitespace"]));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(HYPOTHESES.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let windows = HYPOTHESES.replace('\n', " \u{2028}\r\n");
    let marked = format!("\u{feff}{}", HYPOTHESES.trim_end());
    for bytes in [
        HYPOTHESES.as_bytes(),
        windows.as_bytes(),
        marked.as_bytes(),
        &packed,
    ] {
        bench.write("other.txt", bytes);
        for hypotheses in ["other.txt", "-"] {
            let mut command = bench.lstm(&["score", "chrf++", "--whitespace", "--hyp", hypotheses]);
            command.args(["--ref", "ref0.txt", "--ref", "ref1.txt"]);
            let scored = outcome_of_input(&mut command, bytes).succeeded();
            assert_eq!(scored.stdout, expected);
        }
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name() {
    let bench = bench();
    bench.write("short.txt", "one\ntwo\n");
    bench.write("empty.txt", "");
    bench.write("latin.txt", b"caf\xe9\n\n\n");
    bench.write("second.txt", b"a\ncaf\xe9\n\n");
    for (options, parts) in [
        (
            ["--hyp", "hyp.txt", "--ref", "short.txt"].as_slice(),
            ["hyp.txt has 3 lines", "short.txt has 2"].as_slice(),
        ),
        (
            &[
                "--hyp",
                "hyp.txt",
                "--ref",
                "ref0.txt",
                "--ref",
                "short.txt",
            ],
            &["hyp.txt has 3 lines", "short.txt has 2"],
        ),
        (
            &[
                "--hyp",
                "hyp.txt",
                "--ref",
                "ref0.txt",
                "--baseline",
                "short.txt",
            ],
            &["hyp.txt has 3 lines", "short.txt has 2"],
        ),
        (
            &["--hyp", "hyp.txt", "--ref", "empty.txt"],
            &["empty.txt has 0"],
        ),
        (
            &["--hyp", "empty.txt", "--ref", "empty.txt"],
            &["empty.txt is empty"],
        ),
        (
            &["--hyp", "none.txt", "--ref", "ref0.txt"],
            &["none.txt: cannot read"],
        ),
        (&["--hyp", "hyp.txt", "--ref", "data"], &["data"]),
        (
            &["--hyp", "latin.txt", "--ref", "ref0.txt"],
            &["latin.txt:1", "UTF-8"],
        ),
        (
            &["--hyp", "hyp.txt", "--ref", "second.txt"],
            &["second.txt:2", "UTF-8"],
        ),
        (&["--hyp", "-", "--ref", "-"], &["standard input"]),
        (
            &["--hyp", "-", "--ref", "ref0.txt"],
            &["standard input is empty"],
        ),
    ] {
        let arguments = [&["score", "bleu"], options].concat();
        outcome(&mut bench.lstm(&arguments)).refused(1, parts);
    }
    let mut command = bench.lstm(&["score", "ter", "--hyp", "-", "--ref", "ref0.txt"]);
    outcome_of_input(&mut command, b"a\nb\n\xff\n").refused(1, &["standard input:3", "UTF-8"]);
}

#[test]
fn wrong_options_are_named_with_what_they_may_be() {
    let bench = bench();
    for (metric, options, parts) in [
        (
            "bleu",
            ["--tokenize", "moses"].as_slice(),
            ["13a", "intl"].as_slice(),
        ),
        ("bleu", &["--smooth", "linear"], &["add-k"]),
        (
            "bleu",
            &["--smooth", "floor", "--smooth-value", "nan"],
            &["expected a number"],
        ),
        ("bleu", &["--sentence", "--confidence"], &["--sentence"]),
        ("bleu", &["--test", "bootstrap"], &["--baseline"]),
        ("bleu", &["--resamples", "0"], &["--resamples"]),
        ("chrf", &["--char-order", "7"], &["--char-order"]),
        ("rogue", &[], &["rogue"]),
    ] {
        outcome(&mut score(&bench, metric, options)).refused(2, parts);
    }
    let options = ["--smooth-value", "0.5"];
    outcome(&mut score(&bench, "bleu", &options)).refused(1, &["--smooth-value", "floor"]);
    outcome(&mut bench.lstm(&["score", "bleu", "--hyp", "hyp.txt"])).refused(2, &["--ref"]);
}
