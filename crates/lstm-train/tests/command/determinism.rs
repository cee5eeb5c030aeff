//! The same recipe and seed give the same weights to the last bit.

use crate::bench::{Bench, outcome};

/// A model with everything that draws random numbers or adds up in threads.
pub const EVERYTHING: [&str; 9] = [
    "model.cell=gru",
    "model.layers=2",
    "model.layer_dropout=0.1",
    "model.pooling=[\"attention\", \"mean\"]",
    "model.subword_buckets=300",
    "model.word_dropout=0.1",
    "training.accumulate=2",
    "training.label_smoothing=0.1",
    "training.valid_steps=5",
];

#[test]
fn the_same_seed_gives_the_same_bundle_and_another_seed_another_one() {
    let bench = Bench::trained();
    outcome(&mut bench.train("again", &[])).succeeded();
    outcome(&mut bench.train("other", &["training.seed=2"])).succeeded();
    assert!(bench.weights("again") == bench.weights("run"));
    assert!(bench.weights("other") != bench.weights("run"));
    let tokenizer = |run: &str| bench.read(&format!("{run}/bundle/tokenizer.json"));
    assert_eq!(tokenizer("again"), tokenizer("run"));
}

#[test]
fn seed_is_short_for_a_setting() {
    let bench = Bench::new();
    outcome(&mut bench.train("set", &["training.seed=7"])).succeeded();
    outcome(bench.train("seed", &[]).args(["--seed", "7"])).succeeded();
    assert!(bench.weights("set") == bench.weights("seed"));
}

#[test]
fn any_number_of_threads_gives_the_same_weights() {
    for (name, settings) in [("plain", [].as_slice()), ("everything", &EVERYTHING)] {
        let bench = Bench::new();
        for threads in ["1", "2", "3"] {
            let mut command = bench.train(threads, settings);
            outcome(command.args(["--threads", threads])).succeeded();
            assert!(bench.weights(threads) == bench.weights("1"), "{name}");
        }
    }
}
