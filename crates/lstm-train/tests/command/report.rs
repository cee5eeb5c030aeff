//! What a run says about itself when it is over.

use serde_json::Value;

use crate::bench::{Bench, Running, outcome};

#[test]
fn the_test_event_has_the_scores_and_the_baseline() {
    let bench = Bench::trained();
    let events = bench.events("run");
    let test = &events[events.len() - 2];
    assert_eq!(test["event"], "test");
    assert_eq!(test["n"], 60);
    for name in ["accuracy", "macro_f1", "baseline_accuracy"] {
        let score = test[name].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&score), "{name}: {score}");
    }
    assert!(test["loss"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_bundle_has_the_scores_for_people_and_for_programs() {
    let bench = Bench::trained();
    let events = bench.events("run");
    let test = &events[events.len() - 2];
    let config: Value = serde_json::from_str(&bench.read("run/bundle/config.json")).unwrap();
    let training = &config["training"];
    for name in ["accuracy", "loss", "macro_f1"] {
        assert_eq!(training["test"][name], test[name]);
    }
    let baseline = &training["baseline"]["words"]["accuracy"];
    assert_eq!(baseline, &test["baseline_accuracy"]);
    let signature = training["signature"].as_str().unwrap();
    let readme = bench.read("run/bundle/README.md");
    let accuracy = format!("accuracy {:.4}", test["accuracy"].as_f64().unwrap());
    for part in [signature, &accuracy, "linear bag of words"] {
        assert!(readme.contains(part), "{part}: {readme}");
    }
    assert!(bench.read("run/curves.svg").starts_with("<svg"));
}

#[test]
fn a_run_without_a_test_part_reports_on_its_validation_part() {
    let bench = Bench::new();
    let settings = ["data.test=", "training.epochs=1"];
    let report = outcome(&mut bench.train("run", &settings)).succeeded();
    assert!(
        report.stdout.contains("valid part (n = 40)"),
        "{}",
        report.stdout
    );
    let events = bench.events("run");
    assert!(events.iter().all(|event| event["event"] != "test"));
    assert_eq!(events.last().unwrap()["event"], "end");
}

#[test]
fn the_recipe_of_a_run_repeats_it() {
    let bench = Bench::trained();
    let recipe = ["train", "classifier", "--recipe", "run/recipe.toml"];
    outcome(bench.lstm(&recipe).args(["--run", "again"])).succeeded();
    assert!(bench.weights("again") == bench.weights("run"));
}

#[test]
fn a_training_goes_on_when_nobody_reads_its_progress() {
    let bench = Bench::trained();
    let mut training = Running::start(&mut bench.train("unseen", &[]));
    drop(training.0.stderr.take());
    drop(training.0.stdout.take());
    training.outcome().succeeded();
    assert!(bench.weights("unseen") == bench.weights("run"));
}

#[test]
fn baselines_can_be_had_without_a_training() {
    let bench = Bench::new();
    let arguments = ["train", "classifier", "--data", "data", "--baseline"];
    let printed = outcome(&mut bench.lstm(&arguments)).succeeded().stdout;
    assert!(printed.contains("linear bag of words"), "{printed}");
    assert!(!bench.path("runs").exists());
}
