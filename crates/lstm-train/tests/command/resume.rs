//! A run that is killed and resumed ends as if nothing had happened.

use std::collections::HashSet;
use std::thread::sleep;
use std::time::Duration;

use crate::bench::{Bench, Running, outcome};
use crate::determinism::{EVERYTHING, MOMENTUM};

/// Asserts that a run's log is that of a run that was never interrupted.
#[track_caller]
pub fn assert_log_is_whole(bench: &Bench, run: &str) {
    let events = bench.events(run);
    let kind = |index: usize| events[index]["event"].as_str().unwrap();
    assert_eq!(kind(0), "start");
    assert_eq!(kind(events.len() - 2), "test");
    assert_eq!(kind(events.len() - 1), "end");
    let mut seen = HashSet::new();
    let mut last = 0.0;
    for event in &events {
        let name = event["event"].as_str().unwrap().to_owned();
        let step = event["step"].as_u64().unwrap();
        assert!(seen.insert((name, step)), "twice: {event}");
        let seconds = event["seconds"].as_f64().unwrap();
        assert!(seconds >= last, "time runs backwards: {event}");
        last = seconds;
    }
}

#[test]
fn a_run_killed_at_any_moment_ends_in_the_same_weights() {
    let bench = Bench::trained();
    let is_there = |name: &str| bench.path("killed").join(name).exists();
    let reached = |step: u64| bench.newest_checkpoint("killed") >= step;
    let moments: [(&str, &dyn Fn() -> bool); 6] = [
        ("before the log", &|| is_there("recipe.toml")),
        ("before a checkpoint", &|| is_there("events.jsonl")),
        ("after the first", &|| reached(3)),
        ("in the first epoch", &|| reached(12)),
        ("at the epoch's end", &|| reached(15)),
        ("in the third epoch", &|| reached(33)),
    ];
    for (name, is_now) in moments {
        let mut command = match is_there("recipe.toml") {
            false => bench.train("killed", &[]),
            true => bench.resume("killed"),
        };
        let mut training = Running::start(&mut command);
        training.wait_until(is_now);
        assert!(training.killed_alive(), "{name}");
        assert!(is_now(), "{name}");
    }
    kill_after_the_bundle(&bench, "killed");
    outcome(&mut bench.resume("killed")).succeeded();
    assert!(bench.weights("killed") == bench.weights("run"));
    assert_log_is_whole(&bench, "killed");
    assert_eq!(scores(&bench, "killed"), scores(&bench, "run"));
}

/// Kills a resumed run between its bundle and its end, which is a few milliseconds later.
#[track_caller]
fn kill_after_the_bundle(bench: &Bench, run: &str) {
    let bundle = bench.path(run).join("bundle");
    for _ in 0..50 {
        let mut training = Running::start(&mut bench.resume(run));
        training.wait_until(|| bundle.exists());
        if training.killed_alive() {
            assert!(bundle.exists());
            return;
        }
        // Without its bundle a run that is over writes that again.
        std::fs::remove_dir_all(&bundle).unwrap();
    }
    panic!("it always ended before it was killed");
}

/// The `valid` and `test` events without their times.
fn scores(bench: &Bench, run: &str) -> Vec<serde_json::Value> {
    let mut events = bench.events(run);
    events.retain(|event| event["event"] == "valid" || event["event"] == "test");
    for event in &mut events {
        event.as_object_mut().unwrap().remove("seconds");
    }
    events
}

#[test]
fn a_run_with_every_option_killed_again_and_again_ends_in_the_same_weights() {
    for (name, settings) in [("adamw", EVERYTHING.as_slice()), ("momentum", &MOMENTUM)] {
        let bench = Bench::new();
        outcome(&mut bench.train("run", settings)).succeeded();
        let mut command = bench.train("killed", settings);
        let mut alive = Duration::from_millis(40);
        let mut reached = HashSet::new();
        loop {
            let training = Running::start(&mut command);
            sleep(alive);
            if !training.killed_alive() {
                break;
            }
            reached.insert(bench.newest_checkpoint("killed"));
            alive = alive * 3 / 2;
            command = match bench.path("killed/recipe.toml").exists() {
                false => bench.train("killed", settings),
                true => bench.resume("killed"),
            };
        }
        reached.remove(&0);
        assert!(!reached.is_empty(), "{name}: never killed in training");
        assert!(bench.weights("killed") == bench.weights("run"), "{name}");
        assert_log_is_whole(&bench, "killed");
    }
}

#[test]
fn a_kill_between_the_renames_of_a_checkpoint_loses_nothing() {
    let bench = Bench::trained();
    bench.train_until_killed("killed", &[]);
    let step = bench.newest_checkpoint("killed");
    let checkpoint = bench.path(&format!("killed/checkpoints/step-{step:09}"));
    std::fs::rename(&checkpoint, checkpoint.with_extension("old")).unwrap();
    bench.write("killed/checkpoints/.writing-abc/parts/weights.bpk", "half");
    bench.write("killed/bundle.old/config.json", "{}");
    bench.write("killed/bundle/config.json", "{}");

    let resumed = outcome(&mut bench.resume("killed")).succeeded();
    assert!(
        resumed.stderr.contains(&format!("after step {step}")),
        "{}",
        resumed.stderr
    );
    assert!(bench.weights("killed") == bench.weights("run"));
    assert!(!bench.path("killed/checkpoints/.writing-abc").exists());
    assert!(!bench.path("killed/bundle.old").exists());
}
