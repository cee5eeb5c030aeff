//! Training a classifier from a recipe, from the corpus to the bundle.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use lstm_core::WeightDraws;
use lstm_models::bundle::BundleError;
use lstm_models::{
    Classifier, ClassifierBundle, ClassifierConfig, TextEncoder, Tokenizer, TokenizerError,
};

use super::data::{Corpora, DataError};
use super::recipe::ClassifierRecipe;
use super::report::{Baselines, Report};
use super::{ClassifierTask, TaskOptions, prior};
use crate::metrics::Metrics;
use crate::recipe::{RecipeError, RecipeText, to_full_text};
use crate::run::files::{self, FileError};
use crate::run::{
    CurvesError, Event, EventError, EventKind, EventLog, RunDirectory, RunError, draw_curves,
    read_events, say,
};
use crate::training::{Outcome, Recorder, TrainError, Trained, Trainer};

/// What is to be trained, and where.
#[derive(Debug)]
pub struct TrainRequest {
    /// The recipe.
    pub recipe: RecipeText,
    /// Changes to it: `section.key=value`.
    pub assignments: Vec<String>,
    /// The folder of its data.
    pub data: Option<PathBuf>,
    /// The run directory; by default `runs/<recipe>`.
    pub run: Option<PathBuf>,
}

/// Why a classifier could not be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainRequestError {
    /// The recipe.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The vocabulary.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The run directory.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The training itself, or what follows it.
    #[error(
        "{source}\nthe run is in {run}; {}",
        if source.is_divergence() {
            "start a new one with other settings".to_owned()
        } else {
            format!("when the cause is mended, go on from its last checkpoint with --resume {}", run.display())
        },
        run = run.display()
    )]
    Stopped {
        /// The run directory.
        run: PathBuf,
        /// Why.
        source: Box<StopCause>,
    },
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum StopCause {
    /// The training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The log.
    #[error(transparent)]
    Events(#[from] EventError),
    /// The curves.
    #[error(transparent)]
    Curves(#[from] CurvesError),
    /// The bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A file of the run directory.
    #[error(transparent)]
    File(#[from] FileError),
}

impl StopCause {
    /// Whether the same would happen again after a resume.
    fn is_divergence(&self) -> bool {
        matches!(self, Self::Train(error) if error.is_divergence())
    }
}

/// How the training of a recipe ended.
#[derive(Debug)]
pub enum TrainEnd {
    /// With a bundle in this run directory.
    Done {
        /// The run directory.
        run: PathBuf,
        /// What it came to.
        report: Box<Report>,
    },
    /// It was interrupted after a step, and can go on.
    Interrupted {
        /// The run directory.
        run: PathBuf,
        /// The last step that was done.
        step: u64,
    },
    /// It had ended before.
    WasDone {
        /// The run directory.
        run: PathBuf,
    },
}

impl TrainRequest {
    pub(super) fn recipe(&self) -> Result<ClassifierRecipe, TrainRequestError> {
        let mut recipe: ClassifierRecipe = self.recipe.parse(&self.assignments)?;
        if recipe.name.is_empty() {
            recipe.name = self.recipe.name.clone();
        }
        if let Some(directory) = self.data.as_ref().or(recipe.data.directory.as_ref()) {
            // Absolute, so that the run can be resumed from elsewhere.
            let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.clone());
            recipe.data.directory = Some(absolute);
        }
        Ok(recipe)
    }
}

/// What linear models reach on a recipe's data, without training anything else.
///
/// # Errors
///
/// A recipe or data that are not as they should be.
pub fn baselines(request: &TrainRequest) -> Result<Option<Baselines>, TrainRequestError> {
    let corpora = request.recipe()?.data.load()?;
    let scored = corpora.test.as_ref().or(corpora.valid.as_ref());
    Ok(scored.map(|scored| Baselines::fit(&corpora.train, scored)))
}

/// Trains a recipe in a new run directory. `watch` is called when training begins, and gives a flag
/// that, once set, stops it with a checkpoint: until then an interruption loses nothing.
///
/// # Errors
///
/// A recipe or data that are not as they should be, a run directory that is in use or cannot be
/// written to, a loss that is no number any more.
pub fn train(
    request: &TrainRequest,
    device: &Device,
    watch: impl FnOnce() -> Arc<AtomicBool>,
) -> Result<TrainEnd, TrainRequestError> {
    let recipe = request.recipe()?;
    let prepared = Prepared::new(recipe, device)?;
    let text = to_full_text(&prepared.recipe, &request.recipe.origin);
    let directory = RunDirectory::create(request.run.as_deref(), &prepared.recipe.name, &text)?;
    prepared.run(directory, device, watch)
}

/// Goes on with an interrupted run, on the data in `data` if they were moved there.
///
/// # Errors
///
/// As [`train`], and data that are not those that the run began with.
pub fn resume(
    path: &Path,
    data: Option<&Path>,
    device: &Device,
    watch: impl FnOnce() -> Arc<AtomicBool>,
) -> Result<TrainEnd, TrainRequestError> {
    let (directory, text) = RunDirectory::open(path)?;
    let is_over = read_events(&directory.events())
        .is_ok_and(|events| events.last().map(|event| event.event) == Some(EventKind::End));
    // Without its bundle it writes that again.
    if is_over && directory.bundle().is_dir() {
        return Ok(TrainEnd::WasDone {
            run: path.to_owned(),
        });
    }
    let text = RecipeText {
        name: String::new(),
        origin: directory.recipe().display().to_string(),
        text,
    };
    let mut recipe: ClassifierRecipe = text.parse(&[])?;
    if let Some(data) = data {
        recipe.data.directory = Some(data.to_owned());
    }
    Prepared::new(recipe, device)?.run(directory, device, watch)
}

/// A recipe with its data read and its vocabulary learned.
pub(super) struct Prepared {
    pub recipe: ClassifierRecipe,
    corpora: Corpora,
    tokenizer: Tokenizer,
    pub task: ClassifierTask,
    pub config: ClassifierConfig,
}

impl Prepared {
    pub fn new(recipe: ClassifierRecipe, device: &Device) -> Result<Self, TrainRequestError> {
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

    fn run(
        self,
        directory: RunDirectory,
        device: &Device,
        watch: impl FnOnce() -> Arc<AtomicBool>,
    ) -> Result<TrainEnd, TrainRequestError> {
        let run = directory.path().to_owned();
        self.run_in(&directory, device, watch)
            .map_err(|source| TrainRequestError::Stopped {
                run,
                source: Box::new(source),
            })
    }

    fn run_in(
        self,
        directory: &RunDirectory,
        device: &Device,
        watch: impl FnOnce() -> Arc<AtomicBool>,
    ) -> Result<TrainEnd, StopCause> {
        let run = directory.path().to_owned();
        // From the next line on, which people see, an interruption saves.
        let interrupted = watch();
        say(&format!(
            "{} texts to learn from, {} classes, {} tokens in the vocabulary; the run is in {}",
            self.corpora.train.len(),
            self.config.classes,
            self.config.vocab,
            run.display()
        ));
        let cut = self.task.cut_texts();
        if cut > 0 {
            say(&format!(
                "{cut} of the texts were cut after {} tokens (tokenizer.max_tokens)",
                self.recipe.tokenizer.max_tokens
            ));
        }
        let mut log = EventLog::open(&directory.events())?;
        let mut draws = WeightDraws::new(self.recipe.training.seed, &device.clone().autodiff());
        let model = self.config.init_with(&mut draws);
        let trainer = Trainer::new(self.recipe.training.clone()).interrupted_by(interrupted);
        let recorder = Recorder {
            directory,
            log: &mut log,
        };
        let trained = match trainer.fit_recorded(&self.task, model, recorder)? {
            Outcome::Finished(trained) => trained,
            Outcome::Interrupted { step } => return Ok(TrainEnd::Interrupted { run, step }),
        };
        let (steps, epoch, seconds) = (trained.steps, trained.epoch, trained.seconds);
        let report = Report::new(&self.recipe, &self.corpora, &self.task, &trained);
        self.write_bundle(directory, trained, &report, device)?;
        if let Some(metrics) = report.test_metrics() {
            let test = Event::new(EventKind::Test, steps, epoch, seconds, &metrics);
            log.append(&test)?;
        }
        let end = Event::new(EventKind::End, steps, epoch, seconds, &Metrics::new());
        draw_curves(&directory.events(), &directory.curves())?;
        log.append(&end)?;
        Ok(TrainEnd::Done {
            run,
            report: Box::new(report),
        })
    }

    fn write_bundle(
        &self,
        directory: &RunDirectory,
        trained: Trained<lstm_models::ClassifierModel>,
        report: &Report,
        device: &Device,
    ) -> Result<(), StopCause> {
        let parts = ClassifierBundle {
            config: self.config.clone(),
            labels: self.corpora.train.labels.clone(),
            prior: prior(&self.corpora.train),
            max_tokens: self.recipe.tokenizer.max_tokens,
        };
        let classifier = Classifier::new(self.tokenizer.clone(), trained.model, parts, device);
        files::replace_directory(&directory.bundle(), |parts| -> Result<(), StopCause> {
            Ok(classifier.save(parts, report.training(), &report.readme())?)
        })
    }
}
