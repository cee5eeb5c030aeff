//! `lstm bench layers`: times and memory of the layers. (The folder that commands are tried in is
//! called a bench too, see `bench.rs`.)

use std::process::Command;

use serde_json::Value;

use crate::bench::{Outcome, outcome};

fn bench_layers(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lstm"));
    command.args(["bench", "layers"]).args(arguments);
    command
}

/// Its outcome for a shape that takes next to no time.
fn tiny(arguments: &[&str]) -> Outcome {
    let mut command = bench_layers(&["--seconds", "0.01", "--patience", "0"]);
    outcome(command.args(arguments))
}

fn objects(outcome: &Outcome) -> Vec<Value> {
    let lines = outcome.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn positive(value: &Value) -> f64 {
    let number = value.as_f64().unwrap();
    assert!(number > 0.0 && number.is_finite(), "{number}");
    number
}

#[test]
fn json_says_what_was_measured_and_what_came_of_it() {
    let shape = ["--shape", "3,5,8,16,2", "--lengths", "uniform", "--json"];
    let kind = ["--mode", "infer,train", "--cell", "gru", "--threads", "1"];
    let outcome = tiny(&[&shape[..], &kind].concat());
    let objects = objects(&outcome.succeeded());
    assert_eq!(objects.len(), 2);
    for (object, mode) in objects.iter().zip(["infer", "train"]) {
        assert_eq!(object["cell"], "gru");
        assert_eq!(object["mode"], mode);
        assert_eq!(object["shape"], serde_json::json!([3, 5, 8, 16, 2]));
        assert_eq!(object["lengths"], "uniform");
        assert_eq!(object["device"], "flex");
        assert_eq!(object["threads"], 1);
        let median = positive(&object["median_ms"]);
        assert!(positive(&object["min_ms"]) <= median);
        assert!(positive(&object["max_ms"]) >= median);
        positive(&object["gflops"]);
        positive(&object["sgemm_gflops"]);
        assert_eq!(object.get("against"), None);
    }
}

#[test]
fn layers_are_compared_with_those_of_burn() {
    let arguments = ["--shape", "3,1,8,16,2", "--against", "burn"];
    let arguments = [
        &arguments[..],
        &["--mode", "step,train", "--cell", "lstm,gru"],
    ]
    .concat();
    let json = tiny(&[&arguments[..], &["--json"]].concat()).succeeded();
    let objects = objects(&json);
    assert_eq!(objects.len(), 4);
    for object in &objects {
        assert_eq!(object["against"], "burn");
        let ratio = positive(&object["against_median_ms"]) / positive(&object["median_ms"]);
        assert!((positive(&object["ratio"]) / ratio - 1.0).abs() < 1e-9);
    }
    for kind in ["lstm step", "lstm train", "gru step", "gru train"] {
        let line = format!("{kind} against burn: geometric mean");
        assert!(json.stderr.contains(&line), "{}", json.stderr);
    }
}

#[test]
fn a_ragged_batch_is_compared_with_one_without_padding() {
    let arguments = ["--shape", "4,9,8,16,2", "--lengths", "uniform", "--json"];
    let arguments = [&arguments[..], &["--against", "full", "--mode", "train"]].concat();
    let outcome = tiny(&arguments).succeeded();
    let objects = objects(&outcome);
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0]["against"], "full");
    positive(&objects[0]["against_median_ms"]);
    let line = "lstm train, ragged against full: geometric mean";
    assert!(outcome.stderr.contains(line), "{}", outcome.stderr);
}

#[test]
fn the_table_is_for_people() {
    let table = tiny(&["--shape", "3,5,8,16,1", "4,2,8,8,1", "--against", "burn"]).succeeded();
    for part in [
        "device flex, ",
        " threads; matrix product: burn ",
        "lstm infer, lengths full",
        "\n3,5,8,16,1 ",
        "\n4,2,8,8,1 ",
        "matrix product, at the end: burn ",
        "times as fast, worst ",
    ] {
        assert!(table.stdout.contains(part), "{part}: {}", table.stdout);
    }
}

#[test]
fn wrong_shapes_and_names_are_refused_by_name() {
    for (arguments, parts) in [
        (
            ["--shape", "32,64,128,128"],
            ["32,64,128,128", "five positive numbers"],
        ),
        (
            ["--shape", "32,64,128,0,1"],
            ["32,64,128,0,1", "five positive numbers"],
        ),
        (
            ["--shape", "32,64,x,128,1"],
            ["32,64,x,128,1", "five positive numbers"],
        ),
        (["--cell", "rnn"], ["'rnn'", "lstm, gru"]),
        (["--mode", "walk"], ["'walk'", "infer, train, step"]),
        (["--against", "keras"], ["'keras'", "pytorch, burn, full"]),
        (["--lengths", "long"], ["'long'", "full, uniform"]),
        (["--threads", "0"], ["--threads", "0"]),
        (["--seconds", "0"], ["--seconds", "positive"]),
        (["--patience", "NaN"], ["--patience", "positive"]),
    ] {
        outcome(&mut bench_layers(&arguments)).refused(2, &parts);
    }
}

#[test]
fn a_shape_that_cannot_be_measured_is_refused_before_anything_is() {
    let largest = [(); 5].map(|()| usize::MAX.to_string()).join(",");
    for shape in ["1000000,1000000,64,64,1", &largest] {
        let arguments = ["--shape", "2,2,2,2,1", shape, "--mode", "train"];
        outcome(&mut bench_layers(&arguments)).refused(1, &[shape, "GiB"]);
    }
    let arguments = ["--shape", "2,3,4,5,1", "--mode", "step"];
    outcome(&mut bench_layers(&arguments)).refused(1, &["2,3,4,5,1", "step"]);
    outcome(&mut bench_layers(&["--against", "full"])).refused(1, &["--lengths uniform"]);
    outcome(&mut bench_layers(&["--device", "abacus"])).refused(1, &["`abacus`"]);
}

#[test]
fn a_python_that_is_not_there_is_named_with_what_to_do() {
    let mut command = bench_layers(&["--against", "pytorch"]);
    let parts = [
        "`/nonexistent`",
        "PYTHON=/path/to/python",
        "pip install torch",
    ];
    outcome(command.env("PYTHON", "/nonexistent")).refused(1, &parts);
}

#[cfg(unix)]
mod pretended {
    use super::*;
    use crate::bench::Bench;

    /// A comparison with a shell script in PyTorch's place.
    fn against(script: &str) -> Outcome {
        let bench = Bench::new();
        let (script, python) = (
            bench.write("script", format!("#!/bin/sh\n{script}")),
            bench.path("python"),
        );
        // Written by another process: a file that this one has open for writing may be so in the
        // child of another test, and cannot be started then.
        let mut install = Command::new("install");
        let install = install.args(["-m", "755"]).args([&script, &python]);
        outcome(install).succeeded();
        let shape = ["--shape", "2,2,8,8,1", "--json", "--against", "pytorch"];
        let mut command = bench_layers(&["--seconds", "0.01", "--patience", "0"]);
        outcome(command.args(shape).env("PYTHON", python))
    }

    #[test]
    fn a_python_without_pytorch_says_so() {
        let error = "No module named torch";
        let script = format!("echo '{{\"error\": \"{error}\"}}'");
        against(&script).refused(1, &[error, "PYTHON=/path/to/python"]);
    }

    #[test]
    fn a_pytorch_that_fails_or_talks_nonsense_ends_in_an_error() {
        let ready = "echo '{\"version\": \"0\"}'; read begin; ";
        for (script, part) in [
            ("", "PyTorch fails: its process has ended"),
            ("echo oh", "it answers \"oh\""),
            ("echo '{\"error\": \"no GPU\"}'", "PyTorch fails: no GPU"),
            (
                "echo '{}'; read products; echo '{\"seconds\": [1, 1]}'",
                "it answers {\"seconds\":[1,1]}",
            ),
        ] {
            against(&format!("{ready}{script}")).refused(1, &[part]);
        }
    }

    #[test]
    fn its_times_are_compared_with_ours() {
        let script = "
            echo '{\"version\": \"0\"}'
            while read -r line; do
                case $line in
                *calls*)
                    calls=${line#*\\\"calls\\\":}
                    calls=${calls%%,*}
                    echo \"{\\\"seconds\\\": [$(yes 100 | head -n $calls | paste -s -d , -)]}\" ;;
                *) echo '{}' ;;
                esac
            done";
        let objects = objects(&against(script).succeeded());
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0]["against"], "pytorch");
        assert_eq!(objects[0]["against_median_ms"], 100_000.0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_that_of_one_training_step() {
    let shapes = ["--shape", "8,20,64,64,1", "8,200,64,64,1"];
    let arguments = ["--memory", "--json", "--threads", "1", "--against", "burn"];
    let outcome = outcome(bench_layers(&arguments).args(shapes)).succeeded();
    let objects = objects(&outcome);
    assert_eq!(objects.len(), 2);
    for object in &objects {
        assert_eq!(object["mode"], "train");
        assert_eq!(object["against"], "burn");
        positive(&object["against_memory_mib"]);
        positive(&object["ratio"]);
    }
    // Ten times as many steps; the gradients of the weights stay what they are.
    let [short, long] = [0, 1].map(|index| positive(&objects[index]["memory_mib"]));
    assert!(long > 3.0 * short, "{short} MiB, {long} MiB");
}

#[test]
fn memory_of_another_device_is_not_measured() {
    let mut command = bench_layers(&["--memory", "--device", "cuda"]);
    outcome(&mut command).refused(1, &["cuda", "--device flex"]);
}
