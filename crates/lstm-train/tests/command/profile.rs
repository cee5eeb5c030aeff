//! `lstm profile`: where a step's time goes.

use crate::bench::{Bench, outcome};

/// The parts of a step of the task's first recipe add up to the whole.
#[track_caller]
fn assert_adds_up(task: &str, settings: &[&str], model: &[&str]) {
    let bench = Bench::new();
    let mut command = bench.lstm(&["profile", task, "--batches", "2", "--rounds", "1"]);
    command.args(settings);
    let profile = outcome(&mut command).succeeded().stdout;
    let time = |name: &str| -> f64 {
        let line = profile.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("no {name}: {profile}"));
        let time = line[name.len()..].trim().split(' ').next().unwrap();
        time.parse().unwrap()
    };
    let around = time("all around it");
    let both_ways =
        |name: &&str| time(&format!("  {name}, forward")) + time(&format!("  {name}, backward"));
    let model: f64 = model.iter().map(both_ways).sum();
    let others = ["  batch", "  norm of the gradients", "  optimizer"].map(time);
    let parts = model + others.iter().sum::<f64>();
    // Printed with two digits each.
    assert!((parts - around).abs() < 0.05, "{profile}");
    let whole = time("a step");
    let sum = time("recurrence") + around;
    assert!((whole - sum).abs() < 0.05, "{profile}");
}

#[test]
fn the_parts_of_a_classifiers_step_add_up_to_the_whole() {
    assert_adds_up(
        "classifier",
        &["--data", "data"],
        &["embedding", "pooling to loss"],
    );
}

#[test]
fn the_parts_of_a_language_models_step_add_up_to_the_whole() {
    assert_adds_up("language-model", &[], &["embedding", "decoder and loss"]);
}

#[test]
fn the_parts_of_a_translators_step_add_up_to_the_whole() {
    let ends = ["source embedding", "target embedding", "output and loss"];
    let [source, target, output] = ends;
    assert_adds_up("translator", &[], &[source, target, "attention", output]);
    // Step by step attention is within the recurrence.
    assert_adds_up("translator", &["--set", "model.input_feeding=true"], &ends);
}
