//! Wrong recipes, data and command lines: each gets an error that names the place, and leaves no
//! run behind.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::bench::{Bench, outcome};

/// Asserts that a training is refused with an error that has these parts, and leaves no run.
#[track_caller]
fn refused(bench: &Bench, settings: &[&str], parts: &[&str]) {
    outcome(&mut bench.train("run", settings)).refused(1, parts);
    assert!(!bench.path("run").exists(), "{parts:?}");
}

/// The same for a training whose training file has these bytes.
#[track_caller]
fn refused_file(name: &str, contents: &[u8], settings: &[&str], parts: &[&str]) {
    let bench = Bench::new();
    bench.write(&format!("data/{name}"), contents);
    let train = format!("data.train={name}");
    let settings: Vec<&str> = [train.as_str()].iter().chain(settings).copied().collect();
    refused(&bench, &settings, parts);
}

const GOOD: &str = "positive\tgood\nnegative\tbad\n";

#[test]
fn a_missing_file_is_named_with_those_that_are_needed() {
    let bench = Bench::new();
    let settings = ["data.test=exam.tsv"];
    refused(
        &bench,
        &settings,
        &["data/exam.tsv is missing", "train.tsv, valid.tsv, exam.tsv"],
    );
    std::fs::rename(bench.path("data"), bench.path("moved")).unwrap();
    refused(&bench, &[], &["data/train.tsv is missing", "--data"]);
}

#[test]
fn a_recipe_without_data_of_its_own_asks_for_them() {
    let bench = Bench::new();
    let arguments = ["train", "classifier", "--recipe", "sst2", "--run", "run"];
    outcome(&mut bench.lstm(&arguments)).refused(1, &["--data DIR", "datasets/README.md"]);
    assert!(!bench.path("run").exists());
}

#[test]
fn a_directory_or_a_file_that_may_not_be_read_is_no_corpus() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("data/folder.tsv")).unwrap();
    refused(
        &bench,
        &["data.train=folder.tsv"],
        &["data/folder.tsv: is a directory"],
    );

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = bench.path("data/train.tsv");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
        // Nobody refuses root.
        if std::fs::read(&path).is_err() {
            refused(&bench, &[], &["data/train.tsv: cannot read the file"]);
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_named_by_line_and_byte() {
    let parts = ["data/train.tsv:2: byte 12", "not valid UTF-8", "latin-1"];
    refused_file(
        "train.tsv",
        b"positive\tgood\nnegative\tba\xe9\n",
        &[],
        &parts,
    );
}

#[test]
fn a_line_that_is_no_example_is_named() {
    for (line, parts) in [
        (
            "negative bad",
            ["data/train.tsv:3: ", "columns separated by tabs"],
        ),
        ("", ["data/train.tsv:3: ", "the line is empty"]),
        ("\tbad", ["data/train.tsv:3: ", "the label is empty"]),
    ] {
        let contents = format!("{GOOD}{line}\n{GOOD}");
        refused_file("train.tsv", contents.as_bytes(), &[], &parts);
    }
}

#[test]
fn a_label_that_training_did_not_have_is_named() {
    for name in ["valid.tsv", "test.tsv"] {
        let bench = Bench::new();
        bench.write(&format!("data/{name}"), format!("{GOOD}mixed\tso so\n"));
        let place = format!("data/{name}:3: unknown label \"mixed\"");
        refused(&bench, &[], &[&place, "\"negative\", \"positive\""]);
    }
}

#[test]
fn a_corpus_needs_examples_and_words() {
    refused_file("train.tsv", b"", &[], &["data/train.tsv: has no examples"]);
    refused_file(
        "train.csv",
        b"label,text\n",
        &[],
        &["data/train.csv: has no examples"],
    );
    let silent = b"positive\t\nnegative\t\n";
    refused_file("train.tsv", silent, &[], &["vocabulary"]);
}

#[test]
fn a_column_that_is_not_there_is_named_with_those_that_are() {
    let contents = b"stars,review\n5,good\n1,bad\n";
    let parts = [
        "data/train.csv:1: no column \"label\"",
        "\"stars\", \"review\"",
    ];
    refused_file("train.csv", contents, &[], &parts);
    let label = ["data.label=sentiment"];
    let parts = ["data/train.tsv:1: no column \"sentiment\"", "(data.label)"];
    refused_file("train.tsv", GOOD.as_bytes(), &label, &parts);
    let text = ["data.text=body"];
    let parts = ["data/train.jsonl:1: no key \"body\"", "(data.text)"];
    let contents = b"{\"label\": 1, \"text\": \"good\"}\n";
    refused_file("train.jsonl", contents, &text, &parts);
}

#[test]
fn a_format_that_cannot_be_told_is_asked_for() {
    let parts = ["train.txt cannot be told", "data.format"];
    refused_file("train.txt", GOOD.as_bytes(), &[], &parts);
}

#[test]
fn a_damaged_gz_is_not_half_a_corpus() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(GOOD.repeat(1000).as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let (name, place) = ("train.tsv.gz", "data/train.tsv.gz: ");
    refused_file(
        name,
        &packed[..packed.len() / 2],
        &[],
        &[place, "truncated"],
    );
    refused_file(
        name,
        &packed[..packed.len() - 4],
        &[],
        &[place, "truncated"],
    );
    refused_file(name, GOOD.as_bytes(), &[], &[place, "not a sound .gz file"]);
}

#[test]
fn a_recipe_is_named_with_the_line_or_key_that_is_wrong() {
    let bench = Bench::new();
    let train = |recipe: &str| {
        let arguments = ["train", "classifier", "--run", "run", "--recipe", recipe];
        outcome(&mut bench.lstm(&arguments))
    };
    train("review").refused(1, &["no recipe `review`", "it has reviews, "]);
    train("mine.toml").refused(1, &["cannot read the recipe mine.toml"]);
    train("data").refused(1, &["cannot read the recipe data"]);
    for (text, parts) in [
        ("[model]\nd_hiden = 3\n", ["line 2", "d_hiden"]),
        (
            "[model]\nd_hidden = \"three\"\n",
            ["line 2", "string \"three\""],
        ),
        ("[model]\nd_hidden = 3\n[modle]\n", ["line 3", "modle"]),
        ("[model\n", ["line 1", "[model"]),
        (
            "[training]\nepochs = 0\n",
            ["training.epochs", "at least 1"],
        ),
    ] {
        bench.write("mine.toml", text);
        train("mine.toml").refused(1, &[&["mine.toml"], parts.as_slice()].concat());
    }
    bench.write("mine.toml", b"[model]\nname = \"\xe9\"\n");
    train("mine.toml").refused(1, &["cannot read the recipe mine.toml", "UTF-8"]);
    assert!(!bench.path("run").exists());
}

#[test]
fn a_setting_that_does_not_fit_is_named() {
    let bench = Bench::new();
    for setting in [
        "training.epocs=2",
        "training.epochs=many",
        "training.epochs=-1",
        "training.epochs",
        "epochs=2",
        "=2",
        "model.cell=rnn",
        "data.format=xml",
        "data.encoding=utf-16",
    ] {
        refused(&bench, &[setting], &[&format!("--set {setting}: ")]);
    }
}

#[test]
fn a_value_out_of_range_is_named_with_its_range() {
    let bench = Bench::new();
    for (setting, range) in [
        ("training.epochs=0", "at least 1"),
        ("training.batch_size=0", "at least 1"),
        ("training.learning_rate=0", "above 0"),
        ("training.learning_rate=nan", "above 0"),
        ("training.learning_rate=inf", "above 0"),
        ("training.clip_norm=-1", "at least 0"),
        ("training.label_smoothing=1.0", "in [0, 1)"),
        ("training.metric=speed", "accuracy, loss, macro_f1"),
        ("model.d_hidden=0", "at least 1"),
        ("model.embedding_dropout=1.5", "in [0, 1)"),
        ("tokenizer.max_size=1", "at least 3"),
        ("data.valid_share=1.0", "in [0, 1)"),
        ("data.valid_share=0.1", "exclude each other"),
        ("data.train=", "must name a file"),
    ] {
        let key = setting.split_once('=').unwrap().0;
        refused(&bench, &[setting], &[key, range]);
    }
}

#[test]
fn a_device_that_is_not_there_is_named() {
    let bench = Bench::new();
    for (device, part) in [
        (
            "abacus",
            "there is no backend `abacus`; the backends are flex",
        ),
        ("flex:first", "`flex:first` is not a device"),
    ] {
        let mut command = bench.train("run", &[]);
        outcome(command.args(["--device", device])).refused(1, &[part]);
        assert!(!bench.path("run").exists());
    }
    if !cfg!(feature = "cuda") {
        let mut command = bench.train("run", &[]);
        outcome(command.args(["--device", "cuda"])).refused(1, &["cargo xtask --backend cuda"]);
    }
}

#[test]
fn wrong_usage_has_an_exit_code_of_its_own() {
    let bench = Bench::new();
    for (arguments, part) in [
        (["train", "poet"].as_slice(), "poet"),
        (&["train"], "<TASK>"),
        (&["train", "classifier", "--epochs", "3"], "--epochs"),
        (&["train", "classifier", "--threads", "0"], "--threads"),
        (&["train", "classifier", "--seed", "lucky"], "--seed"),
        (
            &["train", "classifier", "--resume", "run", "--seed", "1"],
            "--resume",
        ),
        (&["evaluate", "--model", "bundle"], "--data"),
        (&["predict", "good"], "--model"),
        (&["dance"], "dance"),
        (&[], "Usage"),
    ] {
        outcome(&mut bench.lstm(arguments)).refused(2, &[part]);
    }
}
