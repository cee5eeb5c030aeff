//! A run directory holds one run, which one process trains.

use crate::bench::{Bench, Running, files, outcome};

#[test]
fn a_complete_run_is_not_trained_again() {
    let bench = Bench::trained();
    let before = files(&bench.path("run"));
    let again = outcome(&mut bench.resume("run")).succeeded();
    assert!(
        again.stdout.contains("this run is complete"),
        "{}",
        again.stdout
    );
    assert!(files(&bench.path("run")) == before);

    std::fs::remove_dir_all(bench.path("run/bundle")).unwrap();
    outcome(&mut bench.resume("run")).succeeded();
    assert!(files(&bench.path("run/bundle")).len() == 4);
    let weights = std::path::Path::new("bundle/model.safetensors");
    assert!(bench.weights("run") == before[weights]);
}

#[test]
fn a_second_process_is_kept_out() {
    let bench = Bench::new();
    let mut training = Running::start(&mut bench.train("run", &["training.epochs=100000"]));
    training.wait_until(|| bench.path("run/recipe.toml").exists());
    for mut second in [bench.resume("run"), bench.train("run", &[])] {
        outcome(&mut second).refused(1, &["run is in use"]);
    }
    training.kill();
    // The lock dies with the process.
    outcome(&mut bench.train("run", &[])).refused(1, &["run holds a run already", "--resume run"]);
}

#[test]
fn what_else_is_in_a_directory_stays_as_it_is() {
    let bench = Bench::new();
    bench.write("home/thesis.txt", "years of work");
    bench.write("home/lock", "of the door");
    let before = files(&bench.path("home"));
    outcome(&mut bench.train("home", &[])).refused(1, &["home is not empty", "--run"]);
    assert_eq!(files(&bench.path("home")), before);
    // Where a file is in the way.
    outcome(&mut bench.train("home/thesis.txt", &[])).refused(1, &["home/thesis.txt"]);
    assert_eq!(files(&bench.path("home")), before);
}

#[test]
fn a_half_written_run_is_refused_with_what_is_missing() {
    let bench = Bench::trained();
    let recipe = bench.path("run/recipe.toml");
    let text = bench.read("run/recipe.toml");
    std::fs::remove_file(&recipe).unwrap();
    outcome(&mut bench.resume("run")).refused(1, &["run is not a run", "recipe.toml is missing"]);

    std::fs::write(&recipe, text.replace("epochs", "epocs")).unwrap();
    std::fs::remove_file(bench.path("run/events.jsonl")).unwrap();
    outcome(&mut bench.resume("run")).refused(1, &["run/recipe.toml", "epocs"]);

    outcome(&mut bench.resume("nowhere")).refused(1, &["nowhere", "the directory is missing"]);
    assert!(!bench.path("nowhere").exists());
}

#[test]
fn a_run_goes_on_with_its_own_data_only() {
    let bench = Bench::trained();
    bench.train_until_killed("killed", &[]);
    for name in ["data/train.tsv", "data/valid.tsv"] {
        let text = bench.read(name);
        bench.write(name, text.replacen("negative\t", "positive\t", 1));
        let before = files(&bench.path("killed"));
        outcome(&mut bench.resume("killed")).refused(
            1,
            &["killed: the training data are not those that the run began with"],
        );
        assert!(files(&bench.path("killed")) == before);
        bench.write(name, text);
    }
    outcome(&mut bench.resume("killed")).succeeded();
    assert!(bench.weights("killed") == bench.weights("run"));
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let bench = Bench::new();
    bench.train_until_killed("run", &[]);
    let step = bench.newest_checkpoint("run");
    for name in ["weights.bpk", "optimizer.bpk", "position.toml"] {
        let name = format!("run/checkpoints/step-{step:09}/{name}");
        let path = bench.path(&name);
        let whole = std::fs::read(&path).unwrap();
        for part in [&whole[..whole.len() / 2], &[]] {
            bench.write(&name, part);
            outcome(&mut bench.resume("run")).refused(
                1,
                &["cannot read the checkpoint", &format!("step-{step:09}: ")],
            );
        }
        bench.write(&name, &whole);
    }
    let log = bench.read("run/events.jsonl");
    bench.write("run/events.jsonl", "");
    outcome(&mut bench.resume("run")).refused(1, &["run/events.jsonl has 0 bytes"]);
    bench.write("run/events.jsonl", log);
    outcome(&mut bench.resume("run")).succeeded();
}

#[test]
fn runs_without_a_name_are_numbered() {
    let bench = Bench::new();
    for directory in ["runs/reviews", "runs/reviews-2"] {
        let mut command = bench.lstm(&["train", "classifier", "--data", "data"]);
        let mut training = Running::start(&mut command);
        training.wait_until(|| bench.path(directory).join("recipe.toml").exists());
        training.kill();
        assert!(bench.path(directory).join("recipe.toml").exists());
    }
}
