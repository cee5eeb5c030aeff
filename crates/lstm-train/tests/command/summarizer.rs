//! `lstm train summarizer`, and what its bundles are for.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::bench::{Bench, Outcome, TINY, outcome, outcome_of_input};

/// Settings of a tiny summarizer, beside those of every tiny training.
const SMALL: [&str; 6] = [
    "tokenizer.max_size=300",
    "model.d_encoder=8",
    "model.d_decoder=16",
    "training.learning_rate=0.02",
    "training.label_smoothing=0.1",
    "coverage.from_epoch=0",
];

/// A bench with reports in `reports`: 120 to learn from, 20 and 21 to score.
fn reports() -> Bench {
    let bench = Bench::new();
    let shipped = datasets::shipped("reports").unwrap();
    for (name, lines) in [
        ("train.jsonl", 120),
        ("valid.jsonl", 20),
        ("test.jsonl", 21),
    ] {
        let lines: Vec<&str> = shipped.file(name).unwrap().lines().take(lines).collect();
        bench.write(&format!("reports/{name}"), lines.join("\n") + "\n");
    }
    bench
}

/// `lstm train summarizer` of a tiny model on those reports.
fn train(bench: &Bench, run: &str, settings: &[&str]) -> Command {
    let mut command = bench.lstm(&["train", "summarizer", "--data", "reports", "--run", run]);
    let own = TINY.iter().filter(|setting| !setting.contains("d_hidden"));
    for setting in own.chain(&SMALL).chain(settings) {
        command.args(["--set", setting]);
    }
    command
}

fn trained(settings: &[&str]) -> Bench {
    let bench = reports();
    outcome(&mut train(&bench, "run", settings)).succeeded();
    bench
}

/// A tiny summarizer that is used, and need not be good.
fn hasty() -> Bench {
    trained(&["training.epochs=1"])
}

fn summarize(bench: &Bench, arguments: &[&str], input: &str) -> Outcome {
    let all = [&["summarize", "--model", "run/bundle"], arguments].concat();
    outcome_of_input(&mut bench.lstm(&all), input.as_bytes())
}

fn lines(bench: &Bench, arguments: &[&str], input: &str) -> Vec<String> {
    let answer = summarize(bench, arguments, input).succeeded();
    answer.stdout.lines().map(str::to_owned).collect()
}

/// One side of the pairs in a file, a text a line.
fn side(bench: &Bench, name: &str, key: &str) -> String {
    let text = bench.read(name);
    let objects = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    objects
        .map(|object| format!("{}\n", object[key].as_str().unwrap()))
        .collect()
}

fn documents(bench: &Bench) -> String {
    side(bench, "reports/test.jsonl", "document")
}

const COLUMNS: [&str; 4] = ["--text", "document", "--label", "summary"];

#[test]
fn the_test_part_gets_the_scores_of_the_run() {
    let bench = trained(&["decoding.beam=3", "decoding.no_repeat_ngram=2"]);
    // As the run did, without being told.
    let evaluate = |more: &[&str]| -> Value {
        let all = ["evaluate", "--model", "run/bundle", "--json", "--data"];
        let answer = outcome(&mut bench.lstm(&[&all[..], more].concat())).succeeded();
        serde_json::from_str(&answer.stdout).unwrap()
    };
    let scores = evaluate(&[&["reports/test.jsonl"], &COLUMNS[..]].concat());
    let events = bench.events("run");
    let test = events
        .iter()
        .find(|event| event["event"] == "test")
        .unwrap();
    for name in [
        "rouge1",
        "rouge2",
        "rougeL",
        "rougeLsum",
        "copied",
        "novel_1",
        "novel_2",
        "novel_3",
        "loss",
        "perplexity",
        "baseline_rougeL",
    ] {
        let [found, expected] = [&scores, test].map(|event| event[name].as_f64().unwrap());
        assert!(
            (found - expected).abs() < 1e-9,
            "{name}: {found} {expected}"
        );
    }
    assert_eq!([scores["n"].as_f64(), test["n"].as_f64()], [Some(21.0); 2]);
    assert_eq!(scores["beam"], 3);
    assert!(scores["seconds"].is_number() && test["seconds"].is_number());
    let best = |name: &str| {
        let all = scores["baselines"].as_object().unwrap().values();
        all.map(|baseline| baseline[name].as_f64().unwrap())
            .fold(0.0, f64::max)
    };
    assert_eq!(scores["baseline_rougeL"], best("rougeL"));
    // The same from a file a side, and by another search other scores.
    bench.write("documents", documents(&bench));
    bench.write("summaries", side(&bench, "reports/test.jsonl", "summary"));
    let aligned = ["documents", "--target", "summaries"];
    assert_eq!(evaluate(&aligned)["rouge1"], scores["rouge1"]);
    assert_eq!(
        evaluate(&[&aligned[..], &["--beam", "1"]].concat())["beam"],
        1
    );
}

#[test]
fn scores_are_those_of_the_command_that_scores() {
    let bench = trained(&[]);
    bench.write("documents", documents(&bench));
    bench.write("summaries", side(&bench, "reports/test.jsonl", "summary"));
    let written = lines(&bench, &["--input", "documents"], "");
    bench.write("written", written.join("\n") + "\n");
    let score = ["score", "rouge", "--hyp", "written", "--ref", "summaries"];
    let answer = outcome(&mut bench.lstm(&[&score[..], &["--stemmer", "--json"]].concat()));
    let score: Value = serde_json::from_str(&answer.succeeded().stdout).unwrap();
    let events = bench.events("run");
    let test = events
        .iter()
        .find(|event| event["event"] == "test")
        .unwrap();
    for name in ["rouge1", "rouge2", "rougeL", "rougeLsum"] {
        let of_run = test[name].as_f64().unwrap();
        let of_command = 100.0 * score[name]["f1"].as_f64().unwrap();
        assert!((of_run - of_command).abs() < 1e-9, "{name}");
    }
}

#[test]
fn every_document_has_one_summary_alone_as_in_a_batch() {
    let bench = trained(&["coverage.from_epoch=3"]);
    let few: String = documents(&bench)
        .lines()
        .take(6)
        .map(|line| format!("{line}\n"))
        .collect();
    let input = format!("\n{few}   \n\u{1F980} 日本 ünknøwn\nlast");
    let together = lines(&bench, &["--scores"], &input);
    let documents: Vec<&str> = input.split('\n').collect();
    assert_eq!(together.len(), documents.len());
    for (document, together) in documents.iter().zip(&together) {
        let alone = lines(&bench, &["--scores", "--", document], "");
        assert_eq!(alone, [together.as_str()], "{document}");
        if document.trim().is_empty() {
            assert_eq!(together, "0.0000\t0.0000\t");
        }
    }
}

#[test]
fn n_best_are_sorted_and_differ() {
    let bench = hasty();
    let documents = documents(&bench);
    let document = documents.lines().next().unwrap();
    let found = lines(&bench, &["--n-best", "4", "--scores", "--", document], "");
    let cells: Vec<Vec<&str>> = found
        .iter()
        .map(|line| line.split('\t').collect())
        .collect();
    let scores = cells.iter().map(|cells| cells[1].parse::<f64>().unwrap());
    assert!(scores.is_sorted_by(|a, b| a >= b), "{found:?}");
    let texts: BTreeSet<&str> = cells.iter().map(|cells| cells[3]).collect();
    assert_eq!([found.len(), texts.len()], [4, 4], "{found:?}");
    assert!(cells.iter().all(|cells| cells[0] == "1"));
    assert_eq!(lines(&bench, &["--", document], ""), [cells[0][3]]);
}

#[test]
fn json_lines_are_read_by_key_with_their_line_feeds() {
    let bench = hasty();
    let text = "a mask was sold .\nnobody paid for it .";
    let object = json!({"id": 7, "body": text}).to_string();
    bench.write("docs.jsonl", format!("{object}\n"));
    let by_key = lines(&bench, &["--input", "docs.jsonl", "--key", "body"], "");
    assert_eq!(by_key, lines(&bench, &["--", text], ""));
    assert_eq!(by_key, lines(&bench, &["--key", "body"], &object));
    let strings = Value::from(text).to_string();
    bench.write("strings.jsonl", format!("{strings}\n"));
    assert_eq!(by_key, lines(&bench, &["--input", "strings.jsonl"], ""));
    for (line, parts) in [
        ("{\"body\": \"a\"", ["docs.jsonl:2: ", "not JSON"]),
        (
            "{\"text\": \"a\"}",
            ["docs.jsonl:2: ", "no key `body`, only `text`"],
        ),
        (
            "{\"body\": 5}",
            ["docs.jsonl:2: ", "expected a string, found a number"],
        ),
        ("", ["docs.jsonl:2: ", "not JSON"]),
    ] {
        bench.write("docs.jsonl", format!("{object}\n{line}\n{object}\n"));
        let answer = summarize(&bench, &["--input", "docs.jsonl", "--key", "body"], "");
        assert_eq!(answer.code, Some(1), "{line}");
        let answered: Vec<&str> = answer.stdout.lines().collect();
        assert_eq!(answered, by_key, "the first line has its answer");
        for part in parts {
            assert!(answer.stderr.contains(part), "{part}: {}", answer.stderr);
        }
    }
    bench.write("docs.jsonl", format!("{object}\n"));
    summarize(&bench, &["--input", "docs.jsonl"], "")
        .refused(1, &["docs.jsonl:1: ", "expected --key KEY"]);
}

#[test]
fn packed_files_are_read_as_they_are() {
    let bench = hasty();
    let text = "a mask was sold .\nnobody paid for it .";
    let object = format!("{}\n", json!({"body": text}));
    let expected = lines(&bench, &["--", text], "");
    let packed = packed(&object);
    // By what stands in it, whatever its name.
    for name in ["docs.jsonl.gz", "docs.jsonl"] {
        bench.write(name, &packed);
        assert_eq!(
            lines(&bench, &["--input", name, "--key", "body"], ""),
            expected
        );
    }
    bench.write("cut.jsonl.gz", &packed[..packed.len() - 12]);
    summarize(&bench, &["--input", "cut.jsonl.gz", "--key", "body"], "")
        .refused(1, &["cannot read cut.jsonl.gz"]);
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn documents_that_are_cut_are_counted_by_every_command() {
    let bench = trained(&["training.epochs=1", "documents.max_tokens=12"]);
    let data = ["--data", "reports/test.jsonl"];
    let all = [
        &["evaluate", "--model", "run/bundle", "--json"],
        &data[..],
        &COLUMNS,
    ]
    .concat();
    let evaluated = outcome(&mut bench.lstm(&all)).succeeded();
    let summarized = summarize(&bench, &["--json"], &documents(&bench)).succeeded();
    for answer in [&evaluated, &summarized] {
        let note = "21 documents were cut after 12 tokens";
        assert!(answer.stderr.contains(note), "{}", answer.stderr);
    }
    for line in summarized.stdout.lines() {
        let answer: Value = serde_json::from_str(line).unwrap();
        assert_eq!(answer["read"], 12);
        assert!(answer["of"].as_u64() > Some(12), "{line}");
    }
}

#[test]
fn what_was_copied_is_one_page_without_scripts() {
    let bench = trained(&[]);
    let input: String = documents(&bench)
        .lines()
        .take(2)
        .map(|line| format!("{line}\n\n"))
        .collect();
    let json = lines(&bench, &["--json", "--copy-html", "page.html"], &input);
    let page = bench.read("page.html");
    assert_eq!(page.matches("<table>").count(), 2);
    assert!(!page.contains("<script") && !page.contains("http"));
    let mut rows = 0;
    for line in json {
        let answer: Value = serde_json::from_str(&line).unwrap();
        let best = &answer["summaries"][0];
        let places = answer["document_tokens"].as_array().unwrap().len();
        let tokens = best["tokens"].as_array().unwrap().len();
        assert_eq!(answer["read"], answer["of"]);
        assert_eq!(best["places"].as_array().unwrap().len(), tokens);
        for (copied, attention) in best["copied"]
            .as_array()
            .unwrap()
            .iter()
            .zip(best["attention"].as_array().unwrap())
        {
            assert!((0.0..=1.0).contains(&copied.as_f64().unwrap()));
            let shares = attention.as_array().unwrap();
            assert_eq!(shares.len(), places);
            let sum: f64 = shares.iter().map(|share| share.as_f64().unwrap()).sum();
            assert!((sum - 1.0).abs() < 1e-3, "{sum}");
        }
        rows += tokens;
    }
    assert!(rows > 0);
    assert_eq!(page.matches("class=\"copied\"").count(), rows);
}

#[test]
fn baselines_take_parts_of_documents_without_a_model() {
    let bench = Bench::new();
    let text = "a b c d e f g h i j\nk\nl m n";
    bench.write("docs.jsonl", format!("{}\n", json!({"body": text})));
    let of = |name: &str| {
        let all = ["summarize", "--input", "docs.jsonl", "--key", "body"];
        let answer = outcome(&mut bench.lstm(&[&all[..], &["--baseline", name]].concat()));
        answer.succeeded().stdout
    };
    assert_eq!(of("lead-1"), "a b c d e f g h i j\n");
    assert_eq!(of("lead-2"), "a b c d e f g h i j k\n");
    assert_eq!(of("longest-2"), "a b c d e f g h i j l m n\n");
    assert_eq!(of("lead-8-words"), "a b c d e f g h\n");
    for (options, code, parts) in [
        (&["--baseline", "lead-0", "a"][..], 2, &["lead-0"][..]),
        (
            &["--baseline", "lead-1", "--beam", "2", "a"],
            1,
            &["--beam is for a model"],
        ),
        (&["a"], 2, &["--model <BUNDLE>"]),
        (
            &["--baseline", "lead-1", "--model", "run", "a"],
            2,
            &["cannot be used with"],
        ),
    ] {
        outcome(&mut bench.lstm(&[&["summarize"], options].concat())).refused(code, parts);
    }
}

#[test]
fn baselines_are_scored_without_training() {
    let bench = reports();
    let answer = outcome(train(&bench, "run", &[]).arg("--baseline")).succeeded();
    for name in ["lead-1", "lead-3", "longest-1", "longest-3", "lead-8-words"] {
        assert!(answer.stdout.contains(name), "{}", answer.stdout);
    }
    assert_eq!(answer.stdout.matches("ROUGE-Lsum").count(), 7);
    assert!(!bench.path("run").exists());
}

#[test]
fn an_interrupted_run_ends_in_the_same_weights() {
    let bench = reports();
    // Coverage begins after the kill.
    let settings = [
        "model.word_dropout=0.1",
        "model.output_dropout=0.2",
        "coverage.from_epoch=2",
    ];
    outcome(&mut train(&bench, "whole", &settings)).succeeded();
    bench.until_killed("killed", &mut train(&bench, "killed", &settings));
    outcome(&mut bench.lstm(&["train", "summarizer", "--resume", "killed"])).succeeded();
    assert_eq!(bench.weights("killed"), bench.weights("whole"));
}

#[test]
fn any_number_of_threads_gives_the_same_weights() {
    let bench = reports();
    // Large enough for the products to be shared, batched ones among them.
    let settings = [
        "training.epochs=2",
        "training.batch_size=60",
        "model.d_embedding=64",
        "model.d_encoder=96",
        "model.d_decoder=192",
        "model.output_dropout=0.2",
        "model.recurrent_dropout=0.2",
        "coverage.from_epoch=2",
    ];
    let weights = ["1", "2", "3"].map(|threads| {
        outcome(train(&bench, threads, &settings).args(["--threads", threads])).succeeded();
        bench.weights(threads)
    });
    assert_eq!(weights[0], weights[1]);
    assert_eq!(weights[0], weights[2]);
}

#[test]
fn every_kind_of_summarizer_can_be_trained_and_used() {
    for settings in [
        &[
            "model.cell=gru",
            "model.attention=additive",
            "model.layers=2",
            "coverage.from_epoch=1",
        ][..],
        &[
            "model.input_feeding=true",
            "model.bridge=zero",
            "model.tied=none",
            "coverage.from_epoch=1",
        ],
        &["model.attention=dot", "model.bridge=copy"],
        &["tokenizer.unit=byte_pairs", "coverage.from_epoch=1"],
    ] {
        let bench = trained(&[settings, &["training.epochs=1"]].concat());
        let found = lines(&bench, &["--beam", "2"], &documents(&bench));
        assert_eq!(found.len(), 21, "{settings:?}");
        let inspected = outcome(&mut bench.lstm(&["inspect", "--model", "run/bundle"])).succeeded();
        for part in ["summarizer", "documents  of up to 200 tokens"] {
            assert!(inspected.stdout.contains(part), "{settings:?}");
        }
    }
}

#[test]
fn a_document_may_be_shorter_than_its_summary_and_hold_nothing_known() {
    let bench = reports();
    let odd = [
        json!({"document": "short", "summary": "a summary that is longer than what it is of"}),
        json!({"document": "x1 x2 x3 x4 x5", "summary": "y1 y2 x3"}),
        json!({"document": "", "summary": "of nothing"}),
        json!({"document": "something", "summary": " "}),
    ];
    let train_part = bench.read("reports/train.jsonl");
    let odd: String = odd.iter().map(|object| format!("{object}\n")).collect();
    bench.write("reports/train.jsonl", format!("{odd}{train_part}"));
    let settings = ["training.epochs=1", "documents.max_tokens=12"];
    let answer = outcome(&mut train(&bench, "run", &settings)).succeeded();
    for part in [
        "124 pairs, 2 dropped: 2 with an empty side",
        "120 of the documents were cut after 12 tokens",
    ] {
        assert!(answer.stderr.contains(part), "{}", answer.stderr);
    }
}

#[test]
fn documents_of_any_length_have_a_summary() {
    let bench = hasty();
    for document in [
        "",
        "   ",
        "word",
        "zyxw vuts rqpo nmlk",
        "storm\u{1}\u{FFFD}",
    ] {
        let answer = summarize(&bench, &["--", document], "").succeeded();
        assert_eq!(answer.stdout.lines().count(), 1, "{document}");
        assert!(!answer.stdout.contains("<unk>"), "{}", answer.stdout);
        assert_eq!(answer.stderr, "", "{document}");
    }
    let long = "word ".repeat(100_000);
    let answer = summarize(&bench, &["--beam", "2"], &format!("{long}\nshort one\n")).succeeded();
    assert_eq!(answer.stdout.lines().count(), 2);
    assert!(
        answer
            .stderr
            .contains("1 document was cut after 200 tokens"),
        "{}",
        answer.stderr
    );
}

#[test]
fn what_cannot_be_trained_is_refused_before_anything_is_written() {
    let bench = reports();
    for (settings, parts) in [
        (
            &["documents.max_tokens=0"][..],
            &["documents.max_tokens", "at least 1"][..],
        ),
        (
            &["coverage.from_epoch=5"],
            &["coverage.from_epoch", "at most training.epochs, 4"],
        ),
        (
            &["coverage.weight=-1"],
            &["coverage.weight", "at least 0, not -1"],
        ),
        (
            &["model.attention=dot", "model.d_decoder=20"],
            &["model.attention", "16, not 20"],
        ),
        (&["training.metric=bleu"], &["training.metric", "rougeL"]),
        (&["decoding.beam=0"], &["decoding.beam", "at least 1"]),
        (&["filter.max_summary=1"], &["no pair is left", "120 pairs"]),
        (
            &["data.source=body"],
            &[
                "train.jsonl:1: no key \"body\"",
                "\"document\", \"summary\"",
            ],
        ),
    ] {
        outcome(&mut train(&bench, "run", settings)).refused(1, parts);
        assert!(!bench.path("run").exists(), "{settings:?}");
    }
    bench.write(
        "reports/train.jsonl",
        "{\"document\": \"a\", \"summary\": \"b\"}\n{\"docu\n",
    );
    outcome(&mut train(&bench, "run", &[]))
        .refused(1, &["reports/train.jsonl:2: column ", "a JSON object"]);
}

#[test]
fn what_cannot_be_summarized_or_evaluated_is_refused() {
    let bench = hasty();
    for (arguments, parts) in [
        (
            &["--beam", "0", "--", "a"][..],
            &["--beam", "at least 1"][..],
        ),
        (
            &["--beam", "2", "--n-best", "3", "--", "a"],
            &["--n-best", "at most 2"],
        ),
        (&["--input", "missing.txt"], &["missing.txt"]),
    ] {
        summarize(&bench, arguments, "").refused(1, parts);
    }
    bench.write("two", "a\nb\n");
    for (more, parts) in [
        (&[][..], &["--target"][..]),
        (
            &["--target", "two", "--cache", "5"],
            &["--cache", "summarizer"],
        ),
        (&["--target", "two", "--baseline", "two"], &["--baseline"]),
    ] {
        let all = ["evaluate", "--model", "run/bundle", "--data", "two"];
        outcome(&mut bench.lstm(&[&all[..], more].concat())).refused(1, parts);
    }
    // A bundle of another task.
    let classifier = Bench::trained();
    summarize(&classifier, &["--", "a"], "").refused(1, &["classifier", "summarizer"]);
    let answer = outcome(&mut bench.lstm(&["translate", "--model", "run/bundle", "a"]));
    answer.refused(1, &["summarizer", "translator"]);
}
