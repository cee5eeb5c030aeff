//! What a summarizer's training came to, for people.

use std::fmt;
use std::time::Instant;

use lstm_models::{Summarizer, SummarizerNetwork};
use serde_json::{Map, Value, json};

use super::recipe::SummarizerRecipe;
use super::{Baselines, Comparison, SummarizerTask};
use crate::metrics::Metrics;
use crate::tasks::provenance::Provenance;
use crate::training::{Part, Trained};

/// What a training came to.
#[derive(Debug)]
pub struct Report {
    /// The test part, or else the validation part, and the scores on it; where there is either.
    pub scored: Option<(Part, Comparison)>,
    provenance: Provenance,
}

impl Report {
    /// Scores a trained model.
    pub(super) fn new(
        recipe: &SummarizerRecipe,
        task: &SummarizerTask,
        trained: &Trained<SummarizerNetwork>,
    ) -> Self {
        let scored = compare(recipe, task, &trained.model);
        let mut provenance = Provenance::new(
            Summarizer::TASK,
            &recipe.name,
            &recipe.data.about,
            &recipe.training,
            trained,
        );
        if let Some((part, comparison)) = &scored {
            let mut scores = json!(comparison.metrics());
            scores["baselines"] = comparison.baselines.to_json();
            provenance.note(part.name(), scores);
        }
        provenance.note(DECODING, json!(recipe.decoding));
        Self { scored, provenance }
    }

    /// The scores on the test part by name, as the log has them; `None` if there is no such part.
    pub fn test_metrics(&self) -> Option<Metrics> {
        match &self.scored {
            Some((Part::Test, comparison)) => Some(comparison.metrics()),
            _ => None,
        }
    }

    /// How the model came about, for the bundle's `config.json`.
    pub fn training(&self) -> Map<String, Value> {
        self.provenance.notes.clone()
    }

    /// The bundle's `README.md`.
    pub fn readme(&self) -> String {
        format!(
            "# A summarizer\n\n```text\n{self}```\n\nUse it:\n\n```console\n\
             $ echo \"a long text\" | lstm summarize --model .\n```\n"
        )
    }
}

/// The key under which a bundle says how its test part was summarized.
pub const DECODING: &str = "decoding";

/// `None` where there is neither a test nor a validation part.
fn compare(
    recipe: &SummarizerRecipe,
    task: &SummarizerTask,
    model: &SummarizerNetwork,
) -> Option<(Part, Comparison)> {
    let began = Instant::now();
    let part = task.held_out.scored()?;
    let scores = task.scores(model, part, recipe.decoding)?;
    let seconds = began.elapsed().as_secs_f64();
    let comparison = Comparison {
        scores,
        baselines: Baselines::new(task.held_out.part(part)?),
        beam: recipe.decoding.beam,
        seconds,
    };
    Some((part, comparison))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((part, comparison)) = &self.scored {
            let part = format!("{} part", part.name());
            writeln!(f, "{}", comparison.shown(&part))?;
        }
        write!(f, "{}", self.provenance)
    }
}
