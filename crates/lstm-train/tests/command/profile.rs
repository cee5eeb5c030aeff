//! `lstm profile`: where a step's time goes.

use crate::bench::{Bench, outcome};

/// The parts of a step of the task's first recipe add up to the whole.
#[track_caller]
fn assert_adds_up(task: &str, settings: &[&str], after: &str) {
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
    let parts: f64 = [
        "  batch",
        "  embedding, forward",
        "  embedding, backward",
        &format!("  {after}, forward"),
        &format!("  {after}, backward"),
        "  norm of the gradients",
        "  optimizer",
    ]
    .map(time)
    .iter()
    .sum();
    // Printed with two digits each.
    assert!((parts - around).abs() < 0.05, "{profile}");
    let whole = time("a step");
    let sum = time("recurrence") + around;
    assert!((whole - sum).abs() < 0.05, "{profile}");
}

#[test]
fn the_parts_of_a_classifiers_step_add_up_to_the_whole() {
    assert_adds_up("classifier", &["--data", "data"], "pooling to loss");
}

#[test]
fn the_parts_of_a_language_models_step_add_up_to_the_whole() {
    assert_adds_up("language-model", &[], "decoder and loss");
}
