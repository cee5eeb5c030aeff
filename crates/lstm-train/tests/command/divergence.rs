//! A training whose numbers overflow ends with an error, and keeps its last good checkpoint.

use crate::bench::{Bench, files, outcome};

#[test]
fn a_loss_that_is_no_number_names_the_step_and_what_to_change() {
    let bench = Bench::new();
    let settings = ["training.learning_rate=1e39", "training.clip_norm=0"];
    outcome(&mut bench.train("run", &settings))
        .refused(1, &["at step 2 (epoch 1)", "training.learning_rate"]);
    assert_eq!(bench.newest_checkpoint("run"), 0);
    assert!(!bench.path("run/bundle").exists());
}

#[test]
fn weights_that_overflow_in_the_last_step_become_no_bundle() {
    let bench = Bench::new();
    for (run, valid) in [("scored", "valid.tsv"), ("unscored", "")] {
        let settings = [
            "training.learning_rate=1e39",
            "training.epochs=1",
            "training.batch_size=120",
            &format!("data.valid={valid}"),
        ];
        outcome(&mut bench.train(run, &settings))
            .refused(1, &["after step 1 (epoch 1)", "training.learning_rate"]);
        assert_eq!(bench.newest_checkpoint(run), 0);
        assert!(!bench.path(run).join("bundle").exists());
    }
}

#[test]
fn a_run_that_diverged_keeps_its_last_checkpoint() {
    let bench = Bench::trained();
    bench.train_until_killed("killed", &[]);
    let recipe = bench.read("killed/recipe.toml");
    let too_fast = recipe.replace("learning_rate = 0.005", "learning_rate = 1e39");
    assert_ne!(too_fast, recipe);
    let checkpoints = files(&bench.path("killed/checkpoints"));
    bench.write("killed/recipe.toml", too_fast);
    outcome(&mut bench.resume("killed")).refused(1, &["(epoch ", "training.learning_rate"]);
    assert!(files(&bench.path("killed/checkpoints")) == checkpoints);

    bench.write("killed/recipe.toml", recipe);
    outcome(&mut bench.resume("killed")).succeeded();
    assert!(bench.weights("killed") == bench.weights("run"));
}
