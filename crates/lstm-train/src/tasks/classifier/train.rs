//! Training a classifier from a recipe.

use std::path::Path;

use burn::tensor::Device;
use lstm_core::WeightDraws;
use lstm_models::bundle::BundleError;
use lstm_models::{
    Classifier, ClassifierBundle, ClassifierConfig, ClassifierModel, TextEncoder, Tokenizer,
};

use super::data::Corpora;
use super::recipe::{ClassifierRecipe, RECIPES};
use super::report::{Baselines, Report};
use super::{ClassifierTask, TaskOptions, prior};
use crate::metrics::Metrics;
use crate::recipe::Builtin;
use crate::tasks::{Prepared, TrainRequest, TrainRequestError};
use crate::training::Trained;

/// What linear models reach on a recipe's data, without training anything else.
///
/// # Errors
///
/// A recipe or data that are not as they should be.
pub fn baselines(request: &TrainRequest) -> Result<Option<Baselines>, TrainRequestError> {
    let corpora = request.recipe::<ClassifierRecipe>()?.data.load()?;
    let scored = corpora.test.as_ref().or(corpora.valid.as_ref());
    Ok(scored.map(|scored| Baselines::fit(&corpora.train, scored)))
}

/// A classifier's recipe with its data read and its vocabulary learned.
#[derive(Debug)]
pub struct PreparedClassifier {
    pub(super) recipe: ClassifierRecipe,
    corpora: Corpora,
    tokenizer: Tokenizer,
    pub(super) task: ClassifierTask,
    pub(super) config: ClassifierConfig,
}

impl Prepared for PreparedClassifier {
    type Recipe = ClassifierRecipe;
    type Task = ClassifierTask;
    type Report = Report;

    const TASK: &'static str = Classifier::TASK;
    const RECIPES: &'static [Builtin] = &RECIPES;

    fn new(recipe: ClassifierRecipe, device: &Device) -> Result<Self, TrainRequestError> {
        let corpora = recipe.data.load()?;
        let tokenizer = recipe.tokenizer.learn(&corpora.train)?;
        let options = TaskOptions {
            batch_size: recipe.training.batch_size,
            seed: recipe.training.seed,
            label_smoothing: recipe.training.label_smoothing,
            weak_smoothing: recipe.training.weak_smoothing,
        };
        let device = device.clone().autodiff();
        let encoder = TextEncoder::new(
            tokenizer.clone(),
            recipe.tokenizer.max_tokens,
            recipe.model.subword_buckets,
        );
        let task = ClassifierTask::new(&corpora, &encoder, &options, &device)?;
        let config = ClassifierConfig::new(tokenizer.size(), corpora.train.labels.len())
            .with_architecture(recipe.model.clone());
        Ok(Self {
            recipe,
            corpora,
            tokenizer,
            task,
            config,
        })
    }

    fn recipe(&self) -> &ClassifierRecipe {
        &self.recipe
    }

    fn task(&self) -> &ClassifierTask {
        &self.task
    }

    fn opening(&self, run: &Path) -> Vec<String> {
        let mut lines = vec![format!(
            "{} texts to learn from, {} classes, {} tokens in the vocabulary; the run is in {}",
            self.corpora.train.len(),
            self.config.classes,
            self.config.vocab,
            run.display()
        )];
        let cut = self.task.cut_texts();
        if cut > 0 {
            lines.push(format!(
                "{cut} of the texts were cut after {} tokens (tokenizer.max_tokens)",
                self.recipe.tokenizer.max_tokens
            ));
        }
        lines
    }

    fn init(&self, draws: &mut WeightDraws) -> ClassifierModel {
        self.config.init_with(draws)
    }

    fn report(&self, trained: &Trained<ClassifierModel>) -> Report {
        Report::new(&self.recipe, &self.corpora, &self.task, trained)
    }

    fn test_metrics(report: &Report) -> Option<Metrics> {
        report.test_metrics()
    }

    fn save(
        &self,
        model: ClassifierModel,
        report: &Report,
        device: &Device,
        directory: &Path,
    ) -> Result<(), BundleError> {
        let parts = ClassifierBundle {
            config: self.config.clone(),
            labels: self.corpora.train.labels.clone(),
            prior: prior(&self.corpora.train),
            max_tokens: self.recipe.tokenizer.max_tokens,
        };
        let classifier = Classifier::new(self.tokenizer.clone(), model, parts, device);
        classifier.save(directory, report.training(), &report.readme())
    }
}
