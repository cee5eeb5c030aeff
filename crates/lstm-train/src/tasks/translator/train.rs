//! Training a translator from a recipe.

use std::path::Path;

use burn::tensor::Device;
use lstm_core::WeightDraws;
use lstm_models::bundle::BundleError;
use lstm_models::{Languages, Translator, TranslatorBundle, TranslatorConfig, TranslatorNetwork};

use super::recipe::{RECIPES, TranslatorRecipe};
use super::report::Report;
use super::{TaskOptions, TranslatorTask};
use crate::metrics::Metrics;
use crate::recipe::Builtin;
use crate::tasks::{DataError, Prepared, TrainRequestError};
use crate::training::Trained;

/// A translator's recipe with its texts read and its vocabularies learned.
#[derive(Debug)]
pub struct PreparedTranslator {
    recipe: TranslatorRecipe,
    languages: Languages,
    task: TranslatorTask,
    config: TranslatorConfig,
}

impl Prepared for PreparedTranslator {
    type Recipe = TranslatorRecipe;
    type Task = TranslatorTask;
    type Report = Report;

    const TASK: &'static str = Translator::TASK;
    const RECIPES: &'static [Builtin] = &RECIPES;

    fn new(recipe: TranslatorRecipe, _device: &Device) -> Result<Self, TrainRequestError> {
        let texts = recipe.data.load()?;
        let languages = recipe.tokenizer.learn(&texts.train)?;
        let config = TranslatorConfig {
            source_vocab: languages.source_vocab(),
            target_vocab: languages.target_vocab(),
            architecture: recipe.model.clone(),
        };
        let parts = TranslatorBundle {
            config: config.clone(),
            unit: recipe.tokenizer.unit,
            shared_vocabulary: recipe.tokenizer.shared,
            longest_source: 0,
        };
        let options = TaskOptions {
            batch_size: recipe.training.batch_size,
            seed: recipe.training.seed,
            label_smoothing: recipe.training.label_smoothing,
        };
        let task = TranslatorTask::new(&texts, &recipe.filter, &languages, parts, options)?;
        if task.pairs() == 0 {
            return Err(DataError::NoPair {
                files: recipe.data.files(),
                dropped: *task.dropped(),
            }
            .into());
        }
        Ok(Self {
            recipe,
            languages,
            task,
            config,
        })
    }

    fn recipe(&self) -> &TranslatorRecipe {
        &self.recipe
    }

    fn task(&self) -> &TranslatorTask {
        &self.task
    }

    fn opening(&self, run: &Path) -> Vec<String> {
        let vocabularies = match self.languages.are_shared() {
            true => format!("{} tokens in the vocabulary", self.config.source_vocab),
            false => format!(
                "{} and {} tokens in the vocabularies",
                self.config.source_vocab, self.config.target_vocab
            ),
        };
        let (dropped, run) = (self.task.dropped(), run.display());
        vec![format!("{dropped}; {vocabularies}; the run is in {run}")]
    }

    fn init(&self, draws: &mut WeightDraws) -> TranslatorNetwork {
        self.config.init_with(draws)
    }

    fn report(&self, trained: &Trained<TranslatorNetwork>) -> Report {
        Report::new(&self.recipe, &self.task, trained)
    }

    fn test_metrics(report: &Report) -> Option<Metrics> {
        report.test_metrics()
    }

    fn test_signature(report: &Report) -> Option<String> {
        let scored = report.scored.as_ref()?;
        Some(scored.scores.bleu.signature.clone())
    }

    fn save(
        &self,
        model: TranslatorNetwork,
        report: &Report,
        _device: &Device,
        directory: &Path,
    ) -> Result<(), BundleError> {
        let translator = self.task.translator(model);
        translator.save(directory, report.training(), &report.readme())
    }
}
