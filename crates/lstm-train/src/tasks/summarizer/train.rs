//! Training a summarizer from a recipe.

use std::path::Path;

use burn::tensor::Device;
use lstm_core::WeightDraws;
use lstm_models::bundle::BundleError;
use lstm_models::{
    Summarizer, SummarizerBundle, SummarizerConfig, SummarizerNetwork, SummaryTexts,
    TranslationSearch,
};

use super::recipe::{RECIPES, SummarizerRecipe};
use super::report::Report;
use super::{Baselines, SummarizerTask, TaskOptions};
use crate::metrics::Metrics;
use crate::recipe::Builtin;
use crate::tasks::{DataError, Prepared, TrainRequest, TrainRequestError};
use crate::training::Trained;

/// A summarizer's recipe with its texts read and its vocabulary learned.
#[derive(Debug)]
pub struct PreparedSummarizer {
    recipe: SummarizerRecipe,
    task: SummarizerTask,
    config: SummarizerConfig,
}

impl Prepared for PreparedSummarizer {
    type Recipe = SummarizerRecipe;
    type Task = SummarizerTask;
    type Report = Report;

    const TASK: &'static str = Summarizer::TASK;
    const RECIPES: &'static [Builtin] = &RECIPES;

    fn new(recipe: SummarizerRecipe, _device: &Device) -> Result<Self, TrainRequestError> {
        let corpora = recipe.data.load()?;
        let all = corpora.train.sources().chain(corpora.train.targets());
        let tokenizer = recipe.tokenizer.learn(all)?;
        let texts = SummaryTexts::new(
            tokenizer,
            recipe.tokenizer.unit,
            recipe.documents.max_tokens,
        );
        let config = SummarizerConfig {
            vocab: texts.vocab(),
            architecture: recipe.model.clone(),
        };
        let parts = SummarizerBundle {
            config: config.clone(),
            unit: recipe.tokenizer.unit,
            max_document: recipe.documents.max_tokens,
            coverage: recipe.coverage.is_used(),
        };
        let options = TaskOptions {
            batch_size: recipe.training.batch_size,
            seed: recipe.training.seed,
            label_smoothing: recipe.training.label_smoothing,
            coverage: recipe.coverage.clone(),
            validation: TranslationSearch {
                beam: 1,
                n_best: 1,
                ..recipe.decoding
            },
        };
        let task = SummarizerTask::new(&corpora, &recipe.filter, &texts, parts, options)?;
        if task.pairs() == 0 {
            return Err(DataError::NoPair {
                files: recipe.data.files(),
                dropped: *task.dropped(),
            }
            .into());
        }
        Ok(Self {
            recipe,
            task,
            config,
        })
    }

    fn recipe(&self) -> &SummarizerRecipe {
        &self.recipe
    }

    fn task(&self) -> &SummarizerTask {
        &self.task
    }

    fn opening(&self, run: &Path) -> Vec<String> {
        let (dropped, run) = (self.task.dropped(), run.display());
        let mut lines = vec![format!(
            "{dropped}; {} tokens in the vocabulary; the run is in {run}",
            self.config.vocab
        )];
        let (cut, most) = (self.task.cut(), self.recipe.documents.max_tokens);
        if cut > 0 {
            lines.push(format!(
                "{cut} of the documents were cut after {most} tokens"
            ));
        }
        lines
    }

    fn init(&self, draws: &mut WeightDraws) -> SummarizerNetwork {
        self.config.init_with(draws)
    }

    fn report(&self, trained: &Trained<SummarizerNetwork>) -> Report {
        Report::new(&self.recipe, &self.task, trained)
    }

    fn test_metrics(report: &Report) -> Option<Metrics> {
        report.test_metrics()
    }

    fn save(
        &self,
        model: SummarizerNetwork,
        report: &Report,
        _device: &Device,
        directory: &Path,
    ) -> Result<(), BundleError> {
        let summarizer = self.task.summarizer(model);
        summarizer.save(directory, report.training(), &report.readme())
    }
}

/// What the simplest systems score on the test part of a recipe, or else the validation part; `None` if it has
/// neither.
///
/// # Errors
///
/// A recipe or data that are not as they should be.
pub fn baselines(request: &TrainRequest) -> Result<Option<Baselines>, TrainRequestError> {
    let recipe: SummarizerRecipe = request.recipe()?;
    let held_out = recipe.data.load()?.held_out();
    let part = held_out.scored();
    Ok(part
        .and_then(|part| held_out.part(part))
        .map(Baselines::new))
}
