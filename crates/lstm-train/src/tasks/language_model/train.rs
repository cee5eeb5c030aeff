//! Training a language model from a recipe.

use std::path::Path;

use burn::tensor::Device;
use lstm_core::WeightDraws;
use lstm_models::bundle::BundleError;
use lstm_models::{
    LanguageModel, LanguageModelBundle, LanguageModelConfig, LanguageModelNetwork, TextStream,
    UNKNOWN,
};

use super::LanguageModelTask;
use super::recipe::{LanguageModelRecipe, RECIPES};
use super::report::Report;
use crate::metrics::Metrics;
use crate::recipe::Builtin;
use crate::tasks::language_model::data::Texts;
use crate::tasks::{DataError, Prepared, TrainRequestError};
use crate::training::{Part, Task, Trained};

/// A language model's recipe with its texts read and its vocabulary learned.
#[derive(Debug)]
pub struct PreparedLanguageModel {
    recipe: LanguageModelRecipe,
    texts: Texts,
    stream: TextStream,
    task: LanguageModelTask,
    config: LanguageModelConfig,
}

impl Prepared for PreparedLanguageModel {
    type Recipe = LanguageModelRecipe;
    type Task = LanguageModelTask;
    type Report = Report;

    const TASK: &'static str = LanguageModel::TASK;
    const RECIPES: &'static [Builtin] = &RECIPES;

    fn new(recipe: LanguageModelRecipe, _device: &Device) -> Result<Self, TrainRequestError> {
        let texts = recipe.data.load(recipe.tokenizer.unit)?;
        let stream = recipe.tokenizer.learn(&texts.train)?;
        let training = &recipe.training;
        let streams = training.batch_size;
        let task = LanguageModelTask::new(&texts, &stream, streams, recipe.windows, training.seed)?;
        if task.batch_count(1) == 0 {
            return Err(DataError::TooShort {
                file: recipe.data.train.clone(),
                tokens: task.part(Part::Train).map_or(0, |part| part.tokens().len()),
                streams,
            }
            .into());
        }
        let vocab = stream.tokenizer().size();
        let config = LanguageModelConfig::new(vocab, recipe.model.clone());
        Ok(Self {
            recipe,
            texts,
            stream,
            task,
            config,
        })
    }

    fn recipe(&self) -> &LanguageModelRecipe {
        &self.recipe
    }

    fn task(&self) -> &LanguageModelTask {
        &self.task
    }

    fn opening(&self, run: &Path) -> Vec<String> {
        let tokens = |part| self.task.part(part).map(|part| part.tokens());
        let train = tokens(Part::Train).unwrap_or_default();
        let mut lines = vec![format!(
            "{} tokens to learn from, {} in the vocabulary; the run is in {}",
            train.len(),
            self.config.vocab,
            run.display()
        )];
        for (name, part) in [("validation", Part::Valid), ("test", Part::Test)] {
            let tokens = tokens(part).unwrap_or_default();
            let unknown = tokens.iter().filter(|token| **token == UNKNOWN).count();
            // Where the training text spells them out, they are tokens like others.
            if unknown > 0 && !train.contains(&UNKNOWN) {
                lines.push(format!(
                    "{unknown} of the {name} part's {} tokens are not in the vocabulary",
                    tokens.len()
                ));
            }
        }
        lines
    }

    fn init(&self, draws: &mut WeightDraws) -> LanguageModelNetwork {
        self.config.init_with(draws)
    }

    fn report(&self, trained: &Trained<LanguageModelNetwork>) -> Report {
        Report::new(&self.recipe, &self.texts, &self.task, &self.config, trained)
    }

    fn test_metrics(report: &Report) -> Option<Metrics> {
        report.test_metrics()
    }

    fn save(
        &self,
        model: LanguageModelNetwork,
        report: &Report,
        device: &Device,
        directory: &Path,
    ) -> Result<(), BundleError> {
        let parts = LanguageModelBundle {
            config: self.config.clone(),
            unit: self.recipe.tokenizer.unit,
        };
        let model = LanguageModel::new(self.stream.clone(), model, parts, device);
        model.save(directory, report.training(), &report.readme())
    }
}
