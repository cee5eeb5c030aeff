//! `lstm profile`: where a step's time goes.

use crate::bench::{Bench, outcome};

#[test]
fn the_parts_of_a_step_add_up_to_the_whole() {
    let bench = Bench::new();
    let arguments = ["profile", "classifier", "--data", "data"];
    let mut command = bench.lstm(&arguments);
    command.args(["--batches", "2", "--rounds", "1"]);
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
        "  pooling to loss, forward",
        "  pooling to loss, backward",
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
