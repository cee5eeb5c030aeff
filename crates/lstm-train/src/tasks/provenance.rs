//! How a model came about: what its bundle says, the same for every task.

use std::fmt;

use burn::module::Module;
use serde_json::{Map, Value, json};

use crate::run::duration;
use crate::training::{Trained, TrainingOptions};

/// How a model came about.
#[derive(Debug)]
pub(super) struct Provenance {
    /// Task, recipe, seed, epoch, parameters and version in one line.
    signature: String,
    /// The same and more by name, for the bundle's `config.json`; a task adds its scores.
    pub notes: Map<String, Value>,
    /// Seconds that training took.
    seconds: f64,
}

impl Provenance {
    /// Of a model of `task` that was trained by `recipe` on data that are called `about`.
    pub fn new<M: Module>(
        task: &str,
        recipe: &str,
        about: &str,
        options: &TrainingOptions,
        trained: &Trained<M>,
    ) -> Self {
        let best = trained.best.as_ref();
        let signature = format!(
            "task:{task}|recipe:{recipe}|seed:{}|epoch:{}/{}|params:{}|version:{}",
            options.seed,
            best.map_or(trained.epoch, |best| best.epoch),
            options.epochs,
            trained.model.num_params(),
            env!("CARGO_PKG_VERSION"),
        );
        let mut notes = Map::new();
        let mut note = |key: &str, value: Value| notes.insert(key.to_owned(), value);
        note("signature", json!(signature));
        note("recipe", json!(recipe));
        note("data", json!(about));
        note("seed", json!(options.seed));
        note("steps", json!(trained.steps));
        note("seconds", json!(trained.seconds.round()));
        if let Some(best) = best {
            note("valid", json!(best.metrics));
        }
        Self {
            signature,
            notes,
            seconds: trained.seconds,
        }
    }

    /// Adds what a task knows.
    pub fn note(&mut self, key: &str, value: Value) {
        self.notes.insert(key.to_owned(), value);
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "trained in {}", duration(self.seconds))?;
        writeln!(f, "signature {}", self.signature)
    }
}
