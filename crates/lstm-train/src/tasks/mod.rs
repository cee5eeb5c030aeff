//! Each task ties its corpus, model and metrics together.

pub mod classifier;
