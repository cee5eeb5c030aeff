//! `lstm score rouge`: the numbers of rouge-score, and errors that name file and line.

use serde_json::Value;

use crate::bench::{Bench, outcome, outcome_of_input};

const HYPOTHESES: &str = "Anna will bring the cake.<n>Tom is late.\nThe dogs were running.\n";
const FIRST: &str = "Tom will be late.<n>Anna brings the cake.\nA dog runs.\n";
const SECOND: &str = "Anna has a cake, Tom has none.\nDogs ran.\n";

fn bench() -> Bench {
    let bench = Bench::new();
    for (name, contents) in [
        ("hyp.txt", HYPOTHESES),
        ("ref0.txt", FIRST),
        ("ref1.txt", SECOND),
    ] {
        bench.write(name, contents);
        let texts = contents.lines().map(|line| line.replace("<n>", "\n"));
        let objects = texts
            .clone()
            .map(|text| serde_json::json!({"id": 1, "summary": text}));
        let objects: String = objects.map(|object| format!("{object}\n")).collect();
        bench.write(&name.replace(".txt", ".objects.jsonl"), objects);
        let strings: String = texts
            .map(|text| format!("{}\n", Value::from(text)))
            .collect();
        bench.write(&name.replace(".txt", ".jsonl"), strings);
    }
    bench
}

fn printed(bench: &Bench, options: &[&str]) -> String {
    let arguments = [&["score", "rouge"], options].concat();
    outcome(&mut bench.lstm(&arguments)).succeeded().stdout
}

fn object(bench: &Bench, options: &[&str]) -> Value {
    serde_json::from_str(&printed(bench, &[options, &["--json"]].concat())).unwrap()
}

const LINES: [&str; 4] = ["--hyp", "hyp.txt", "--ref", "ref0.txt"];

#[test]
fn means_are_those_of_rouge_score() {
    // rouge-score 0.1.2: RougeScorer([...], use_stemmer=True).score(target, prediction) of both lines of
    // hyp.txt beside ref0.txt, with \n for <n>; the mean of both.
    let bench = bench();
    let scores = object(
        &bench,
        &[&LINES[..], &["--separator", "<n>", "--stemmer"]].concat(),
    );
    for (name, expected) in [
        ("rouge1", [0.6875, 0.7708333333333333, 0.7232142857142858]),
        (
            "rouge2",
            [
                0.14285714285714285,
                0.14285714285714285,
                0.14285714285714285,
            ],
        ),
        ("rougeL", [0.5, 0.5833333333333333, 0.5357142857142858]),
        (
            "rougeLsum",
            [0.6875, 0.7708333333333333, 0.7232142857142858],
        ),
    ] {
        for (measure, expected) in ["precision", "recall", "f1"].into_iter().zip(expected) {
            let ours = scores[name][measure].as_f64().unwrap();
            assert!((ours - expected).abs() < 1e-9, "{name} {measure}: {ours}");
        }
    }
    assert_eq!(scores["n"], 2);
    assert_eq!(scores.as_object().unwrap().len(), 5);
}

#[test]
fn json_lines_and_a_separator_say_the_same() {
    let bench = bench();
    let separator = ["--separator", "<n>"];
    let expected = printed(&bench, &[&LINES[..], &separator].concat());
    assert!(expected.contains("rougeLsum"), "{expected}");
    for (hyp, reference) in [
        ("hyp.jsonl", "ref0.jsonl"),
        ("hyp.objects.jsonl:summary", "ref0.objects.jsonl:summary"),
        ("hyp.jsonl", "ref0.objects.jsonl:summary"),
    ] {
        assert_eq!(
            printed(&bench, &["--hyp", hyp, "--ref", reference]),
            expected
        );
    }
    assert_ne!(printed(&bench, &LINES), expected);
    let options = [
        "score",
        "rouge",
        "--hyp",
        "-",
        "--ref",
        "ref0.txt",
        "--separator",
        "<n>",
    ];
    let scored = outcome_of_input(&mut bench.lstm(&options), HYPOTHESES.as_bytes()).succeeded();
    assert_eq!(scored.stdout, expected);
}

#[test]
fn several_references_count_by_the_best_or_by_their_mean() {
    let bench = bench();
    let f1 = |options: &[&str]| {
        let scores = object(
            &bench,
            &[&["--hyp", "hyp.txt", "--types", "rouge1"], options].concat(),
        );
        scores["rouge1"]["f1"].as_f64().unwrap()
    };
    let (first, second) = (f1(&["--ref", "ref0.txt"]), f1(&["--ref", "ref1.txt"]));
    let both = ["--ref", "ref0.txt", "--ref", "ref1.txt"];
    assert!(f1(&both) >= first.max(second));
    let mean = f1(&[&both[..], &["--multi", "average"]].concat());
    assert!((mean - (first + second) / 2.0).abs() < 1e-12);
}

#[test]
fn each_text_gets_its_scores_and_intervals_hold_the_means() {
    let bench = bench();
    let lines = printed(&bench, &[&LINES[..], &["--sentence", "--json"]].concat());
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["line"], 2);
    let all = object(&bench, &[&LINES[..], &["--confidence"]].concat());
    let interval = &all["rouge1"]["confidence"];
    let mean = all["rouge1"]["f1"].as_f64().unwrap();
    assert!(interval["low"]["f1"].as_f64().unwrap() <= mean);
    assert!(interval["high"]["f1"].as_f64().unwrap() >= mean);
    assert_eq!(
        all,
        object(&bench, &[&LINES[..], &["--confidence"]].concat())
    );
}

#[test]
fn what_is_wrong_is_said_with_file_and_line() {
    let bench = bench();
    bench.write("short.txt", "one\n");
    bench.write("bad.jsonl", "\"a\"\n{\"summary\": 3}\n");
    bench.write("broken.jsonl", "\"a\"\n\"b\n");
    for (hyp, parts) in [
        (
            "short.txt",
            ["short.txt has 1 lines", "ref0.txt has 2"].as_slice(),
        ),
        ("bad.jsonl", &["bad.jsonl:2", "FILE.jsonl:KEY"]),
        (
            "bad.jsonl:summary",
            &["bad.jsonl:1", "`summary`", "a string"],
        ),
        (
            "hyp.objects.jsonl:text",
            &["hyp.objects.jsonl:1", "no key `text`", "`summary`"],
        ),
        (
            "hyp.objects.jsonl:id",
            &["hyp.objects.jsonl:1", "expected a string", "a number"],
        ),
        ("broken.jsonl", &["broken.jsonl:2", "not JSON"]),
        ("none.jsonl:summary", &["none.jsonl: cannot read"]),
    ] {
        let arguments = ["score", "rouge", "--hyp", hyp, "--ref", "ref0.txt"];
        outcome(&mut bench.lstm(&arguments)).refused(1, parts);
    }
    let arguments = [&["score", "rouge"], &LINES[..], &["--types", "rouge10"]].concat();
    outcome(&mut bench.lstm(&arguments)).refused(2, &["rouge10", "rouge1 to rouge9"]);
}
