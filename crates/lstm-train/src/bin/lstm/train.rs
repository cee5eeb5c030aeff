//! `lstm train`

use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Args, ValueEnum};
use lstm_train::device;
use lstm_train::recipe::RecipeText;
use lstm_train::tasks::classifier::{self, PreparedClassifier};
use lstm_train::tasks::language_model::PreparedLanguageModel;
use lstm_train::tasks::summarizer::{self, PreparedSummarizer};
use lstm_train::tasks::translator::PreparedTranslator;
use lstm_train::tasks::{self, Prepared, TrainEnd, TrainRequest};

use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    /// What kind of model to train.
    task: TaskName,
    /// A recipe's name (see `lstm recipes`) or a TOML file [default: the task's first].
    #[arg(long, value_name = "NAME|FILE")]
    recipe: Option<String>,
    /// The folder of the recipe's data; with --resume, where they are now.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Change one setting of the recipe, such as training.epochs=2; may be given often.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Where to compute: flex (CPU), or a backend that was built in, such as wgpu or cuda:1.
    #[arg(long, default_value = device::default_name())]
    device: String,
    /// Decides initial weights, dropout and the order of examples; the same as --set training.seed=N.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// How many threads compute; all cores by default. The weights are the same for any number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// The directory of the run [default: runs/RECIPE, then runs/RECIPE-2, …].
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Go on with the interrupted run of this directory; its own recipe says everything else.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["recipe", "settings", "seed", "run", "baseline"])]
    resume: Option<PathBuf>,
    /// Of classifiers and summarizers: train nothing but the baselines, and print their scores.
    #[arg(long)]
    baseline: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum TaskName {
    /// Labels for texts.
    Classifier,
    /// What text follows text.
    LanguageModel,
    /// Lines of another language for lines of one.
    Translator,
    /// Summaries for documents.
    Summarizer,
}

/// The exit code after an interruption: that of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.task {
        TaskName::Classifier if arguments.baseline => {
            print(classifier::baselines(&request::<PreparedClassifier>(
                arguments,
            )?)?)
        }
        TaskName::Summarizer if arguments.baseline => {
            print(summarizer::baselines(&request::<PreparedSummarizer>(
                arguments,
            )?)?)
        }
        _ if arguments.baseline => {
            let of = "the tasks classifier and summarizer";
            Err(format!("--baseline is for {of}: others print theirs at the end").into())
        }
        TaskName::Classifier => train::<PreparedClassifier>(arguments, "predict", "\"some text\""),
        TaskName::LanguageModel => {
            train::<PreparedLanguageModel>(arguments, "generate", "--prompt \"some text\"")
        }
        TaskName::Translator => {
            train::<PreparedTranslator>(arguments, "translate", "\"some text\"")
        }
        TaskName::Summarizer => {
            train::<PreparedSummarizer>(arguments, "summarize", "\"a long text\"")
        }
    }
}

/// What the arguments ask for.
fn request<P: Prepared>(arguments: Arguments) -> Result<TrainRequest, Failure> {
    let recipe = arguments.recipe.as_deref().unwrap_or(P::RECIPES[0].name);
    let mut assignments = arguments.settings;
    assignments.extend(arguments.seed.map(|seed| format!("training.seed={seed}")));
    Ok(TrainRequest {
        recipe: RecipeText::find(P::TASK, P::RECIPES, recipe)?,
        assignments,
        data: arguments.data,
        run: arguments.run,
    })
}

/// Baselines' scores; `None` where there is nothing to score.
fn print(baselines: Option<impl Display>) -> Result<ExitCode, Failure> {
    let mut output = io::stdout();
    match baselines {
        Some(baselines) => write!(output, "{baselines}")?,
        None => writeln!(
            output,
            "the recipe has neither a test nor a validation part"
        )?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Trains; at the end, people are told to use the model by `command`, with `text`.
fn train<P: Prepared>(
    arguments: Arguments,
    command: &str,
    text: &str,
) -> Result<ExitCode, Failure> {
    let device = device::parse(&arguments.device)?;
    // Where signals cannot be watched, Ctrl-C ends the program: a run goes on from its checkpoint.
    let watch = || watch_signals().unwrap_or_default();
    let mut output = io::stdout();
    let xtask = match arguments.device.split(':').next() {
        Some(backend) if backend != device::default_name() => {
            format!("cargo xtask --backend {backend}")
        }
        _ => "cargo xtask".to_owned(),
    };
    let end = match &arguments.resume {
        Some(directory) => {
            let data = arguments.data.as_deref();
            tasks::resume::<P>(directory, data, &device, watch)?
        }
        None => tasks::train::<P>(&request::<P>(arguments)?, &device, watch)?,
    };
    Ok(match end {
        TrainEnd::Done { run, report } => {
            writeln!(output, "{report}")?;
            let bundle = run.join("bundle");
            let bundle = bundle.display();
            writeln!(output, "the model is in {bundle}; try it:")?;
            writeln!(output, "  {xtask} {command} --model {bundle} {text}")?;
            ExitCode::SUCCESS
        }
        TrainEnd::WasDone { run } => {
            writeln!(
                output,
                "this run is complete; its model is in {}",
                run.join("bundle").display()
            )?;
            ExitCode::SUCCESS
        }
        TrainEnd::Interrupted { run, step } => {
            eprintln!(
                "interrupted after step {step}; everything is saved. Go on with:\n  \
                 {xtask} train {} --resume {}",
                P::TASK,
                run.display()
            );
            ExitCode::from(INTERRUPTED)
        }
    })
}

/// A flag that Ctrl-C sets; a second Ctrl-C ends the program at once.
fn watch_signals() -> Result<Arc<AtomicBool>, Failure> {
    use signal_hook::consts::signal::{SIGINT, SIGTERM};
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let code = i32::from(INTERRUPTED);
        signal_hook::flag::register_conditional_shutdown(signal, code, interrupted.clone())?;
        signal_hook::flag::register(signal, interrupted.clone())?;
    }
    Ok(interrupted)
}
