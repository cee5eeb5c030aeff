//! `lstm train`

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Args, ValueEnum};
use lstm_train::device;
use lstm_train::recipe::RecipeText;
use lstm_train::tasks::classifier::recipe::RECIPES;
use lstm_train::tasks::classifier::{self, TrainEnd, TrainRequest};

use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    /// What kind of model to train.
    task: TaskName,
    /// A recipe's name (see `lstm recipes`) or a TOML file.
    #[arg(long, value_name = "NAME|FILE", default_value = RECIPES[0].name)]
    recipe: String,
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
    threads: Option<u16>,
    /// The directory of the run [default: runs/RECIPE, then runs/RECIPE-2, …].
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Go on with the interrupted run of this directory; its own recipe says everything else.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["recipe", "settings", "seed", "run", "baseline"])]
    resume: Option<PathBuf>,
    /// Train nothing but the linear baselines, and print their scores.
    #[arg(long)]
    baseline: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum TaskName {
    /// Labels for texts.
    Classifier,
}

/// The exit code after an interruption: that of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let TaskName::Classifier = arguments.task;
    if let Some(threads) = arguments.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads.into())
            .build_global()?;
    }
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
            classifier::resume(directory, data, &device, watch)?
        }
        None => {
            let mut settings = arguments.settings;
            settings.extend(arguments.seed.map(|seed| format!("training.seed={seed}")));
            let request = TrainRequest {
                recipe: RecipeText::find("classifier", &RECIPES, &arguments.recipe)?,
                assignments: settings,
                data: arguments.data,
                run: arguments.run,
            };
            if arguments.baseline {
                match classifier::baselines(&request)? {
                    Some(baselines) => write!(output, "{baselines}")?,
                    None => writeln!(
                        output,
                        "the recipe has neither a test nor a validation part"
                    )?,
                }
                return Ok(ExitCode::SUCCESS);
            }
            classifier::train(&request, &device, watch)?
        }
    };
    Ok(match end {
        TrainEnd::Done { run, report } => {
            writeln!(output, "{report}")?;
            let bundle = run.join("bundle");
            writeln!(output, "the model is in {}; try it:", bundle.display())?;
            writeln!(
                output,
                "  {xtask} predict --model {} \"some text\"",
                bundle.display()
            )?;
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
                 {xtask} train classifier --resume {}",
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
