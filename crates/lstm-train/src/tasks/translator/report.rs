//! What a translator's training came to, for people.

use std::fmt;
use std::time::Instant;

use lstm_models::{Translator, TranslatorNetwork};
use serde_json::{Map, Value, json};

use super::recipe::TranslatorRecipe;
use super::{TranslationScores, TranslatorTask};
use crate::metrics::Metrics;
use crate::metrics::translation::Score;
use crate::tasks::provenance::Provenance;
use crate::training::{Part, Trained};

/// What a training came to.
#[derive(Debug)]
pub struct Report {
    /// The scores, where there is a test or a validation part.
    pub scored: Option<Scored>,
    provenance: Provenance,
}

/// Scores on a part of the corpus.
#[derive(Debug)]
pub struct Scored {
    /// The test part, or else the validation part.
    pub part: Part,
    /// The model's scores.
    pub scores: TranslationScores,
    /// How wide the search was.
    pub beam: usize,
    /// Seconds that the search and the scores took.
    pub seconds: f64,
}

impl Report {
    /// Scores a trained model.
    pub(super) fn new(
        recipe: &TranslatorRecipe,
        task: &TranslatorTask,
        trained: &Trained<TranslatorNetwork>,
    ) -> Self {
        let scored = Scored::new(recipe, task, &trained.model);
        let mut provenance = Provenance::new(
            Translator::TASK,
            &recipe.name,
            &recipe.data.about,
            &recipe.training,
            trained,
        );
        if let Some(scored) = &scored {
            let mut scores = json!(scored.metrics());
            scores["signature"] = json!(scored.scores.bleu.signature);
            provenance.note(scored.part.name(), scores);
        }
        Self { scored, provenance }
    }

    /// The scores on the test part by name, as the log has them; `None` if there is no such part.
    pub fn test_metrics(&self) -> Option<Metrics> {
        let scored = self.scored.as_ref()?;
        (scored.part == Part::Test).then(|| scored.metrics())
    }

    /// How the model came about, for the bundle's `config.json`.
    pub fn training(&self) -> Map<String, Value> {
        self.provenance.notes.clone()
    }

    /// The bundle's `README.md`.
    pub fn readme(&self) -> String {
        format!(
            "# A translator\n\n```text\n{self}```\n\nUse it:\n\n```console\n\
             $ echo \"some text\" | lstm translate --model .\n```\n"
        )
    }
}

impl Scored {
    /// `None` where there is neither a test nor a validation part.
    fn new(
        recipe: &TranslatorRecipe,
        task: &TranslatorTask,
        model: &TranslatorNetwork,
    ) -> Option<Self> {
        let began = Instant::now();
        let part = task.held_out.scored()?;
        let scores = task.scores(model, part, recipe.decoding)?;
        Some(Self {
            part,
            scores,
            beam: recipe.decoding.beam,
            seconds: began.elapsed().as_secs_f64(),
        })
    }

    fn metrics(&self) -> Metrics {
        let mut all = self.scores.metrics();
        all.insert("n".to_owned(), self.scores.n as f64);
        all
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scored) = &self.scored {
            let (part, scores) = (scored.part.name(), &scored.scores);
            writeln!(
                f,
                "this model, {part} part (n = {}), beam {}: BLEU {:.2}  chrF {:.2}  perplexity {:.3}  \
                 loss {:.4}  ({:.1} s)",
                scores.n,
                scored.beam,
                scores.bleu.score,
                scores.chrf.score,
                scores.perplexity(),
                scores.loss,
                scored.seconds,
            )?;
            writeln!(
                f,
                "BLEU {} {}",
                scores.bleu.signature,
                scores.bleu.details()
            )?;
            writeln!(f, "chrF {}", scores.chrf.signature)?;
            writeln!(f)?;
        }
        write!(f, "{}", self.provenance)
    }
}
