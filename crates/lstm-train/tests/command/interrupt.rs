//! Ctrl-C saves and says how to go on.

use std::process::Command;

use crate::bench::{Bench, Outcome, Running, outcome};
use crate::resume::assert_log_is_whole;

/// Starts a training, presses Ctrl-C, and waits for its end.
fn interrupted(command: &mut Command) -> Outcome {
    let mut training = Running::start(command);
    training.wait_for_training();
    let pid = training.0.id().to_string();
    outcome(Command::new("kill").args(["-INT", &pid])).succeeded();
    training.outcome()
}

#[test]
fn an_interrupted_run_saves_says_how_to_resume_and_ends_in_the_same_weights() {
    let bench = Bench::trained();
    let parts = ["interrupted after step", "saved", "--resume stopped"];
    interrupted(&mut bench.train("stopped", &[])).refused(130, &parts);
    assert!(bench.newest_checkpoint("stopped") > 0);
    assert!(!bench.path("stopped/bundle").exists());

    outcome(&mut bench.resume("stopped")).succeeded();
    assert!(bench.weights("stopped") == bench.weights("run"));
    assert_log_is_whole(&bench, "stopped");
}

#[test]
fn a_run_interrupted_in_each_step_logs_each_step_once() {
    let bench = Bench::new();
    // Two steps an epoch: every other one is its last. Many epochs, so that a busy machine does not end the
    // training before it is interrupted.
    let settings = ["training.batch_size=60", "training.epochs=30"];
    outcome(&mut bench.train("run", &settings)).succeeded();
    let mut ended = interrupted(&mut bench.train("stopped", &settings));
    let mut interruptions = 0;
    while ended.code == Some(130) {
        interruptions += 1;
        ended = interrupted(&mut bench.resume("stopped"));
    }
    ended.succeeded();
    assert!(interruptions > 1, "{interruptions} interruptions");
    assert!(bench.weights("stopped") == bench.weights("run"));
    assert_log_is_whole(&bench, "stopped");
}
