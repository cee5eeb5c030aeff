//! What a language model's training came to, for people.

use std::fmt;

use lstm_models::{LanguageModel, LanguageModelConfig, LanguageModelNetwork};
use serde_json::{Map, Value, json};

use super::data::Texts;
use super::recipe::LanguageModelRecipe;
use super::{LanguageModelTask, LanguageScores};
use crate::baseline::Trigram;
use crate::metrics::Metrics;
use crate::tasks::provenance::Provenance;
use crate::training::{Part, Trained};

/// What a training came to.
#[derive(Debug)]
pub struct Report {
    /// The scores, where there is a test or a validation part.
    pub scored: Option<Scored>,
    provenance: Provenance,
}

/// Scores on a part of the text, with what they are to be compared with.
#[derive(Debug)]
pub struct Scored {
    /// The test part, or else the validation part.
    pub part: Part,
    /// The model's scores.
    pub scores: LanguageScores,
    /// The perplexity of a trigram that was fitted to the same text.
    pub trigram: f64,
    /// That of the grammar which the text was drawn from; `None` of text that people wrote.
    pub best_possible: Option<f64>,
}

impl Report {
    /// Scores a trained model.
    pub(super) fn new(
        recipe: &LanguageModelRecipe,
        texts: &Texts,
        task: &LanguageModelTask,
        config: &LanguageModelConfig,
        trained: &Trained<LanguageModelNetwork>,
    ) -> Self {
        let scored = Scored::new(recipe, texts, task, config, &trained.model);
        let mut provenance = Provenance::new(
            LanguageModel::TASK,
            &recipe.name,
            &recipe.data.about,
            &recipe.training,
            trained,
        );
        if let Some(scored) = &scored {
            provenance.note(scored.part.name(), json!(scored.metrics()));
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
            "# A language model\n\n```text\n{self}```\n\nUse it:\n\n```console\n\
             $ lstm generate --model . --prompt \"some text\"\n```\n"
        )
    }
}

impl Scored {
    /// `None` where there is neither a test nor a validation part.
    fn new(
        recipe: &LanguageModelRecipe,
        texts: &Texts,
        task: &LanguageModelTask,
        config: &LanguageModelConfig,
        model: &LanguageModelNetwork,
    ) -> Option<Self> {
        let (part, text) = match (&texts.test, &texts.valid) {
            (Some(test), _) => (Part::Test, test),
            (None, Some(valid)) => (Part::Valid, valid),
            (None, None) => return None,
        };
        let scores = task.scores(model, part)?;
        let train = task.part(Part::Train)?;
        let trigram = Trigram::fit(train.tokens(), config.vocab, train.start());
        let drawn =
            recipe.data.shipped == datasets::grammar::NAME && recipe.data.directory.is_none();
        Some(Self {
            part,
            scores,
            trigram: trigram.perplexity(task.part(part)?.tokens()),
            best_possible: match drawn {
                true => datasets::grammar::perplexity(text.lines()).ok(),
                false => None,
            },
        })
    }

    fn metrics(&self) -> Metrics {
        let mut all = self.scores.metrics();
        all.insert("tokens".to_owned(), self.scores.tokens as f64);
        all.insert("trigram".to_owned(), self.trigram);
        if let Some(best_possible) = self.best_possible {
            all.insert("best_possible".to_owned(), best_possible);
        }
        all
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scored) = &self.scored {
            let scores = &scored.scores;
            let model = format!(
                "this model, {} part ({} tokens)",
                scored.part.name(),
                scores.tokens
            );
            writeln!(
                f,
                "{model:<44} perplexity {:.3}  loss {:.4}  bits a character {:.4}",
                scores.perplexity(),
                scores.loss(),
                scores.bits_per_character()
            )?;
            let trigram = "trigram (interpolated Kneser-Ney)";
            writeln!(f, "{trigram:<44} perplexity {:.3}", scored.trigram)?;
            if let Some(best) = scored.best_possible {
                let grammar = "best possible (the grammar that made the text)";
                writeln!(f, "{grammar:<44} perplexity {best:.3}")?;
            }
            if scores.perplexity() >= scored.trigram {
                writeln!(f, "this model does not beat a trigram on these data")?;
            }
            writeln!(f)?;
        }
        write!(f, "{}", self.provenance)
    }
}
