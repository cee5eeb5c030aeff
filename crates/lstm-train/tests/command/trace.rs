//! `lstm trace`: a page of everything that a language model does with a text.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;

use crate::bench::{Bench, Outcome, files, outcome, outcome_of_input};

/// A word that would end the page's data and begin a script, and one that would begin a comment.
const MARKUP: &str = "</script><script>alert(1)</script> <!--<script>";

/// A training of less than a second.
const TINY: [&str; 9] = [
    "training.epochs=1",
    "training.batch_size=4",
    "training.warmup_steps=0",
    "training.checkpoint_steps=100",
    "windows.steps=8",
    "model.d_embedding=6",
    "model.d_hidden=5",
    "model.layers=2",
    "model.output_dropout=0.0",
];

/// A folder with the bundle of a tiny language model in `lm`.
fn bench(settings: &[&str]) -> Bench {
    let bench = Bench::new();
    let text = format!("the cat sat on the mat\na dog saw the cat\n{MARKUP}\n").repeat(20);
    for name in ["train", "valid", "test"] {
        bench.write(&format!("data/{name}.txt"), &text);
    }
    let mut train = bench.lstm(&["train", "language-model", "--data", "data", "--run", "lm"]);
    for setting in TINY.iter().chain(settings) {
        train.args(["--set", setting]);
    }
    outcome(&mut train).succeeded();
    bench
}

/// The same with an LSTM, which is trained once for all tests.
fn lstm_bench() -> Bench {
    static FILES: OnceLock<BTreeMap<PathBuf, Vec<u8>>> = OnceLock::new();
    let files = FILES.get_or_init(|| files(&bench(&[]).path("lm")));
    let bench = Bench::new();
    for (path, contents) in files {
        bench.write(&format!("lm/{}", path.display()), contents);
    }
    bench
}

fn trace(bench: &Bench, arguments: &[&str]) -> Outcome {
    let arguments = [&["trace", "--model", "lm/bundle"], arguments].concat();
    outcome(&mut bench.lstm(&arguments))
}

/// What a page holds.
fn data(page: &str) -> Value {
    let (_, data) = page.split_once("id=\"data\">").unwrap();
    let (data, _) = data.split_once("</script>").unwrap();
    serde_json::from_str(data).unwrap()
}

#[test]
fn a_page_holds_every_series_of_every_layer() {
    let of_lstm = ["f", "i", "o", "c̃", "c", "h"];
    for (settings, symbols, sizes) in [
        (&["model.cell=lstm"][..], &of_lstm[..], [5, 5]),
        (&["model.cell=gru"], &["r", "z", "h̃", "h"], [5, 5]),
        (&["model.d_last=3"], &of_lstm, [5, 3]),
    ] {
        let bench = bench(settings);
        trace(&bench, &["the cat sat"]).succeeded();
        let data = data(&bench.read("trace.html"));
        // The line's beginning, three words, and its end.
        assert_eq!(data["steps"].as_array().unwrap().len(), 5);
        let layers = data["layers"].as_array().unwrap();
        assert_eq!(layers.len(), 2);
        for (layer, d_hidden) in layers.iter().zip(sizes) {
            assert_eq!(layer["d_hidden"], d_hidden);
            let series = layer["series"].as_array().unwrap();
            let found: Vec<&str> = series
                .iter()
                .map(|series| series["symbol"].as_str().unwrap())
                .collect();
            assert_eq!(found, symbols);
            for series in series {
                // 5 steps of units of 2 bytes: groups of 3 bytes, of which each makes 4 letters.
                let letters = (5 * d_hidden * 2_usize).div_ceil(3) * 4;
                assert_eq!(series["values"].as_str().unwrap().len(), letters);
            }
        }
    }
}

#[test]
fn a_page_has_the_surprisals_of_score_text() {
    let bench = lstm_bench();
    let text = "a dog sat\nthe mat";
    trace(&bench, &[text, "--output", "page.html"]).succeeded();
    let mut score = bench.lstm(&["score-text", "--model", "lm/bundle", "--json"]);
    let scores = outcome_of_input(&mut score, text.as_bytes()).succeeded();
    let data = data(&bench.read("page.html"));
    let steps = &data["steps"].as_array().unwrap()[1..];
    assert_eq!(steps.len(), scores.stdout.lines().count());
    for (step, line) in steps.iter().zip(scores.stdout.lines()) {
        let score: Value = serde_json::from_str(line).unwrap();
        assert_eq!(step["token"], score["token"]);
        let nats = |value: &Value| value["surprisal"].as_f64().unwrap();
        assert!((nats(step) - nats(&score)).abs() < 1e-5);
    }
}

#[test]
fn a_page_needs_nothing_else() {
    let bench = lstm_bench();
    trace(&bench, &["the cat"]).succeeded();
    let page = bench.read("trace.html");
    // The name of SVG's elements, which nobody fetches.
    let page = page.replace("http://www.w3.org/2000/svg", "");
    for sign in [
        "http:", "https:", "src=", "href=", "@import", "url(", "fetch(",
    ] {
        assert!(!page.contains(sign), "{sign}");
    }
}

#[test]
fn markup_in_a_text_stays_text() {
    let bench = lstm_bench();
    trace(&bench, &["the cat"]).succeeded();
    let plain = bench.read("trace.html");
    trace(&bench, &[MARKUP]).succeeded();
    let page = bench.read("trace.html");
    for sign in ["<script", "</script", "<!--"] {
        let count = |page: &str| page.matches(sign).count();
        assert_eq!(count(&page), count(&plain), "{sign}");
    }
    let data = data(&page);
    let tokens = data["steps"].as_array().unwrap()[1..3].iter();
    let tokens: Vec<&str> = tokens.map(|step| step["token"].as_str().unwrap()).collect();
    assert_eq!(tokens.join(" "), MARKUP);
}

#[test]
fn a_file_is_traced_like_an_argument() {
    let bench = lstm_bench();
    bench.write("text.txt", "the dog\n");
    trace(&bench, &["the dog", "--output", "a.html"]).succeeded();
    trace(&bench, &["--input", "text.txt", "--output", "b.html"]).succeeded();
    assert_eq!(bench.read("a.html"), bench.read("b.html"));
}

#[test]
fn words_that_the_model_does_not_know_are_counted() {
    let bench = lstm_bench();
    let traced = trace(&bench, &["zebras yodel"]).succeeded();
    assert!(traced.stderr.contains("3 tokens, 2 of them unknown"));
    assert_eq!(data(&bench.read("trace.html"))["unknown"], 2);
}

#[test]
fn what_cannot_be_traced_is_refused_and_leaves_no_page() {
    let bench = lstm_bench();
    trace(&bench, &[""]).refused(1, &["the text has no token"]);
    let long = "cat ".repeat(2000);
    trace(&bench, &[&long]).refused(1, &["2001 tokens", "at most 2000"]);
    trace(&bench, &[]).refused(2, &["TEXT"]);
    trace(&bench, &["--input", "no.txt"]).refused(1, &["no.txt: cannot read"]);
    trace(&bench, &["cat", "--output", "no/page.html"]).refused(1, &["cannot write no/page.html"]);
    assert!(!bench.path("trace.html").exists());
}

#[test]
fn a_bundle_of_another_task_is_refused() {
    let bench = Bench::trained();
    let mut command = bench.lstm(&["trace", "--model", "run/bundle", "good"]);
    outcome(&mut command).refused(1, &["task `classifier`, not `language-model`"]);
}

#[test]
fn weights_that_give_no_numbers_are_refused() {
    let bench = lstm_bench();
    let weights = "lm/bundle/model.safetensors";
    let mut bytes = std::fs::read(bench.path(weights)).unwrap();
    // Eight bytes say how long the header is that comes before the values.
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for (value, part) in [(f32::NAN, "holds NaN"), (f32::MAX, "is no number")] {
        for place in bytes[8 + header..].chunks_exact_mut(4) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        bench.write(weights, &bytes);
        trace(&bench, &["the cat"]).refused(1, &[part]);
        assert!(!bench.path("trace.html").exists());
    }
}
