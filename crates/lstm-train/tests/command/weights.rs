//! `lstm weights` and `lstm convert`.

use serde_json::Value;

use crate::bench::{Bench, Outcome, outcome};

/// A bundle's weights: one layer among other tensors.
const BUNDLE: &str = "run/bundle/model.safetensors";

fn convert(bench: &Bench, from: &str, to: &str, files: [&str; 2], more: &[&str]) -> Outcome {
    let arguments = ["convert", "--from", from, "--to", to, files[0], files[1]];
    outcome(&mut bench.lstm(&[&arguments, more].concat()))
}

#[test]
fn a_bundles_layer_goes_through_every_format_and_comes_back_bit_for_bit() {
    let bench = Bench::trained();
    let convert = |from, to, files| convert(&bench, from, to, files, &[]).succeeded();
    convert("native", "native", [BUNDLE, "first.safetensors"]);
    convert("native", "pytorch", ["first.safetensors", "a.safetensors"]);
    convert("pytorch", "burn", ["a.safetensors", "b.bpk"]);
    convert("burn", "burn", ["b.bpk", "c.safetensors"]);
    convert("burn", "native", ["c.safetensors", "last.safetensors"]);
    let [first, last] =
        ["first", "last"].map(|name| std::fs::read(bench.path(&format!("{name}.safetensors"))));
    assert_eq!(first.unwrap(), last.unwrap());
}

#[test]
fn the_layers_of_a_file_are_listed_with_their_sizes() {
    let bench = Bench::trained();
    let listed = outcome(&mut bench.lstm(&["weights", BUNDLE, "--json"])).succeeded();
    let layer: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(layer["cell"], "lstm");
    assert_eq!(layer["d_hidden"], 16);
    assert_eq!(layer["d_input"], 16);

    let prefix = layer["prefix"].as_str().unwrap();
    let listed = outcome(&mut bench.lstm(&["weights", BUNDLE])).succeeded();
    assert!(
        listed
            .stdout
            .starts_with(&format!("`{prefix}`  an LSTM, 16 to 16"))
    );
}

#[test]
fn what_cannot_be_converted_is_refused_and_nothing_is_written() {
    let bench = Bench::trained();
    let refused = |from, to, files: [&str; 2], more: &[&str], parts: &[&str]| {
        convert(&bench, from, to, files, more).refused(1, parts);
        assert!(!bench.path(files[1]).exists(), "{} is written", files[1]);
    };
    let out = "out.safetensors";
    refused(
        "pytorch",
        "native",
        [BUNDLE, out],
        &[],
        &["no LSTM or GRU of PyTorch"],
    );
    let elsewhere = ["--prefix", "encoder"];
    refused(
        "native",
        "burn",
        [BUNDLE, out],
        &elsewhere,
        &["`encoder`", "it has layers at"],
    );
    refused(
        "native",
        "pytorch",
        [BUNDLE, "out.pt"],
        &[],
        &["out.pt", ".safetensors"],
    );
    refused(
        "native",
        "pytorch",
        ["none.safetensors", out],
        &[],
        &["cannot read none"],
    );
    refused(
        "native",
        "pytorch",
        ["data/train.tsv", out],
        &[],
        &["data/train.tsv", "begins with"],
    );
    refused(
        "native",
        "pytorch",
        ["data", out],
        &[],
        &["cannot read data"],
    );
    refused(
        "native",
        "pytorch",
        [BUNDLE, "none/out.safetensors"],
        &[],
        &["cannot write none"],
    );
}

#[test]
fn a_file_without_recurrent_layers_says_so() {
    let bench = Bench::new();
    bench.write("empty.safetensors", b"\x02\0\0\0\0\0\0\0{}");
    outcome(&mut bench.lstm(&["weights", "empty.safetensors"]))
        .refused(1, &["empty.safetensors holds no recurrent layer"]);
    bench.write("nothing", b"");
    outcome(&mut bench.lstm(&["weights", "nothing"])).refused(1, &["nothing", "it is empty"]);
}

#[test]
fn what_is_wrong_with_a_model_is_said_by_its_reader() {
    let bench = Bench::trained();
    convert(&bench, "native", "onnx", [BUNDLE, "whole.onnx"], &[]).succeeded();
    let bytes = std::fs::read(bench.path("whole.onnx")).unwrap();
    bench.write("cut.onnx", &bytes[..bytes.len() / 2]);
    outcome(&mut bench.lstm(&["weights", "cut.onnx"]))
        .refused(1, &["cut.onnx is not a complete ONNX model"]);
}

#[test]
fn a_conversion_that_fails_leaves_the_file_that_was_there() {
    let bench = Bench::trained();
    let kept = |from, to, files: [&str; 2], more: &[&str]| {
        bench.write(files[1], b"what was there");
        convert(&bench, from, to, files, more).refused(1, &[]);
        assert_eq!(
            std::fs::read(bench.path(files[1])).unwrap(),
            b"what was there"
        );
    };
    kept("native", "onnx", [BUNDLE, "out.pt"], &["--lengths"]);
    kept("native", "onnx", [BUNDLE, "out.pt"], &[]);
    kept("native", "burn", [BUNDLE, "out.bpk"], &["--prefix", "none"]);
    kept(
        "native",
        "native",
        [BUNDLE, "a.safetensors"],
        &["--lengths"],
    );
    kept("pytorch", "native", [BUNDLE, "a.safetensors"], &[]);
}
