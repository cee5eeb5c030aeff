//! Training from a recipe: from the data to the bundle, the same for every task.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use lstm_core::WeightDraws;
use lstm_models::TokenizerError;
use lstm_models::bundle::BundleError;

use super::files::DataError;
use crate::metrics::Metrics;
use crate::recipe::{Builtin, Recipe, RecipeError, RecipeText, to_full_text};
use crate::run::files::{self, FileError};
use crate::run::{
    CurvesError, Event, EventError, EventKind, EventLog, RunDirectory, RunError, draw_curves,
    read_events, say,
};
use crate::training::{Outcome, Recorder, Task, TrainError, Trained, Trainer, TrainingOptions};

/// A recipe whose data are read: everything that a training needs beside the loop.
pub trait Prepared: Sized {
    /// The recipe.
    type Recipe: TrainingRecipe;
    /// What the loop works on.
    type Task: Task;
    /// What a training came to, for people.
    type Report: fmt::Display;

    /// What the task is called.
    const TASK: &'static str;
    /// The recipes that are part of the program; the first is the default.
    const RECIPES: &'static [Builtin];

    /// Reads the data and learns the vocabulary.
    ///
    /// # Errors
    ///
    /// Data that are not as they should be.
    fn new(recipe: Self::Recipe, device: &Device) -> Result<Self, TrainRequestError>;

    /// The recipe.
    fn recipe(&self) -> &Self::Recipe;

    /// What the loop works on.
    fn task(&self) -> &Self::Task;

    /// What people should know when training begins, in lines; `run` is where the run is.
    fn opening(&self, run: &Path) -> Vec<String>;

    /// A model with the next weights of `draws`.
    fn init(&self, draws: &mut WeightDraws) -> <Self::Task as Task>::Model;

    /// What a training came to.
    fn report(&self, trained: &Trained<<Self::Task as Task>::Model>) -> Self::Report;

    /// The scores on the test part by name, as the log has them; `None` if there is no such part.
    fn test_metrics(report: &Self::Report) -> Option<Metrics>;

    /// How these scores were computed, where the field has a signature for it.
    fn test_signature(_report: &Self::Report) -> Option<String> {
        None
    }

    /// Writes the bundle's files into an existing directory.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    fn save(
        &self,
        model: <Self::Task as Task>::Model,
        report: &Self::Report,
        device: &Device,
        directory: &Path,
    ) -> Result<(), BundleError>;
}

/// What training from a recipe asks of it.
pub trait TrainingRecipe: Recipe {
    /// What its runs are called.
    fn name_mut(&mut self) -> &mut String;

    /// The folder of its data.
    fn directory_mut(&mut self) -> &mut Option<PathBuf>;

    /// How it trains.
    fn training(&self) -> &TrainingOptions;
}

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

/// Why a recipe could not be trained.
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
pub enum TrainEnd<R> {
    /// With a bundle in this run directory.
    Done {
        /// The run directory.
        run: PathBuf,
        /// What it came to.
        report: Box<R>,
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
    pub(super) fn recipe<R: TrainingRecipe>(&self) -> Result<R, TrainRequestError> {
        let mut recipe: R = self.recipe.parse(&self.assignments)?;
        if recipe.name_mut().is_empty() {
            recipe.name_mut().clone_from(&self.recipe.name);
        }
        let directory = self.data.as_ref().or(recipe.directory_mut().as_ref());
        if let Some(directory) = directory.cloned() {
            // Absolute, so that the run can be resumed from elsewhere.
            let absolute = std::path::absolute(&directory).unwrap_or(directory);
            *recipe.directory_mut() = Some(absolute);
        }
        Ok(recipe)
    }
}

/// Trains a recipe in a new run directory. `watch` is called when training begins, and gives a flag
/// that, once set, stops it with a checkpoint: until then an interruption loses nothing.
///
/// # Errors
///
/// A recipe or data that are not as they should be, a run directory that is in use or cannot be
/// written to, a loss that is no number any more.
pub fn train<P: Prepared>(
    request: &TrainRequest,
    device: &Device,
    watch: impl FnOnce() -> Arc<AtomicBool>,
) -> Result<TrainEnd<P::Report>, TrainRequestError> {
    let mut recipe: P::Recipe = request.recipe()?;
    let name = recipe.name_mut().clone();
    let prepared = P::new(recipe, device)?;
    let text = to_full_text(prepared.recipe(), &request.recipe.origin);
    let directory = RunDirectory::create(request.run.as_deref(), &name, &text)?;
    run(&prepared, &directory, device, watch)
}

/// Goes on with an interrupted run, on the data in `data` if they were moved there.
///
/// # Errors
///
/// As [`train`], and data that are not those that the run began with.
pub fn resume<P: Prepared>(
    path: &Path,
    data: Option<&Path>,
    device: &Device,
    watch: impl FnOnce() -> Arc<AtomicBool>,
) -> Result<TrainEnd<P::Report>, TrainRequestError> {
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
    let mut recipe: P::Recipe = text.parse(&[])?;
    if let Some(data) = data {
        *recipe.directory_mut() = Some(data.to_owned());
    }
    run(&P::new(recipe, device)?, &directory, device, watch)
}

fn run<P: Prepared>(
    prepared: &P,
    directory: &RunDirectory,
    device: &Device,
    watch: impl FnOnce() -> Arc<AtomicBool>,
) -> Result<TrainEnd<P::Report>, TrainRequestError> {
    run_in(prepared, directory, device, watch).map_err(|source| TrainRequestError::Stopped {
        run: directory.path().to_owned(),
        source: Box::new(source),
    })
}

fn run_in<P: Prepared>(
    prepared: &P,
    directory: &RunDirectory,
    device: &Device,
    watch: impl FnOnce() -> Arc<AtomicBool>,
) -> Result<TrainEnd<P::Report>, StopCause> {
    let run = directory.path().to_owned();
    // From the next line on, which people see, an interruption saves.
    let interrupted = watch();
    for line in prepared.opening(&run) {
        say(&line);
    }
    let options = prepared.recipe().training();
    let mut log = EventLog::open(&directory.events())?;
    let mut draws = WeightDraws::new(options.seed, &device.clone().autodiff());
    let model = prepared.init(&mut draws);
    let trainer = Trainer::new(options.clone()).interrupted_by(interrupted);
    let recorder = Recorder {
        directory,
        log: &mut log,
    };
    let trained = match trainer.fit_recorded(prepared.task(), model, recorder)? {
        Outcome::Finished(trained) => trained,
        Outcome::Interrupted { step } => return Ok(TrainEnd::Interrupted { run, step }),
    };
    let (steps, epoch, seconds) = (trained.steps, trained.epoch, trained.seconds);
    let report = prepared.report(&trained);
    files::replace_directory(&directory.bundle(), |parts| -> Result<(), StopCause> {
        Ok(prepared.save(trained.model, &report, device, parts)?)
    })?;
    if let Some(metrics) = P::test_metrics(&report) {
        let mut test = Event::new(EventKind::Test, steps, epoch, seconds, &metrics);
        if let Some(signature) = P::test_signature(&report) {
            test.metrics
                .insert("signature".to_owned(), signature.into());
        }
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
