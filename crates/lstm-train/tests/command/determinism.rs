//! The same recipe and seed give the same weights to the last bit.

use crate::bench::{Bench, outcome};

/// A model with everything that draws random numbers or adds up in threads, and an optimizer that
/// treats embeddings apart.
pub const EVERYTHING: [&str; 13] = [
    "model.cell=gru",
    "model.layers=2",
    "model.layer_dropout=0.1",
    "model.pooling=[\"attention\", \"mean\"]",
    "model.subword_buckets=300",
    "model.word_dropout=0.1",
    "training.accumulate=2",
    "training.label_smoothing=0.1",
    "training.valid_steps=5",
    "training.optimizer=adamw",
    "training.weight_decay=0.01",
    "training.embedding_weight_decay=0.3",
    "training.clip_norm=0.5",
];

/// An optimizer with another state.
pub const MOMENTUM: [&str; 4] = [
    "training.optimizer=sgd",
    "training.momentum=0.9",
    "training.weight_decay=0.001",
    "training.learning_rate=0.1",
];

/// Sizes from which burn's CPU backend computes in threads: 192³ multiplications of a product of
/// matrices, 256 Ki elements of anything else. Two steps, and one validation.
const WIDE: [&str; 8] = [
    "data.train=wide.tsv",
    "model.d_embedding=256",
    "model.d_hidden=256",
    "training.batch_size=128",
    "training.accumulate=1",
    "training.epochs=1",
    "training.checkpoint_steps=0",
    // So low that the norm has a say in each step.
    "training.clip_norm=0.01",
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
    // A sum is shared by threads from 4 Mi elements on: the gradient of 17,000 rows of 256.
    let subwords = [WIDE.as_slice(), &["model.subword_buckets=17000"]].concat();
    for (name, settings) in [
        ("plain", WIDE.to_vec()),
        ("everything", [EVERYTHING.as_slice(), &subwords].concat()),
    ] {
        let bench = Bench::new();
        let train = datasets::shipped("reviews").unwrap().file("train.tsv");
        let lines: Vec<&str> = train.unwrap().lines().take(256).collect();
        bench.write("data/wide.tsv", lines.join("\n"));
        for threads in ["1", "2", "4"] {
            let mut command = bench.train(threads, &settings);
            outcome(command.args(["--threads", threads])).succeeded();
            let same = bench.weights(threads) == bench.weights("1");
            assert!(same, "{name}: {threads} threads");
        }
    }
}
