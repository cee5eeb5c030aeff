//! What the `lstm` command promises, tried on the command itself.

mod bench;

mod bad_bundle;
mod bad_input;
mod bench_layers;
mod determinism;
mod divergence;
mod evaluate;
mod language_model;
mod language_model_input;
mod predict;
mod profile;
mod report;
mod resume;
mod run_directory;
mod score;
mod score_rouge;
mod summarizer;
mod trace;
mod translator;
mod weights;

#[cfg(unix)]
mod disk_full;
#[cfg(unix)]
mod interrupt;
