//! `lstm profile`

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lstm_train::device;
use lstm_train::recipe::RecipeText;
use lstm_train::tasks::classifier::PreparedClassifier;
use lstm_train::tasks::language_model::PreparedLanguageModel;
use lstm_train::tasks::translator::PreparedTranslator;
use lstm_train::tasks::{Profiled, StepProfile, TrainRequest, profile};

use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    /// What the model does.
    #[arg(value_name = "TASK")]
    task: TaskName,
    /// A recipe's name, or a TOML file [default: the task's first].
    #[arg(long)]
    recipe: Option<String>,
    /// The folder of the recipe's data.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Change one setting of the recipe, such as training.batch_size=32; may be given often.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Where to compute: flex (CPU), or a backend that was built in, such as wgpu or cuda:1.
    #[arg(long, default_value = device::default_name())]
    device: String,
    /// How many threads compute; all cores by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Batches of the first epoch, over which the times are averaged.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    batches: u16,
    /// How often each batch is timed; its fastest time counts.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
}

#[derive(Clone, Copy, ValueEnum)]
enum TaskName {
    /// Labels for texts.
    Classifier,
    /// What text follows text.
    LanguageModel,
    /// Lines of another language for lines of one.
    Translator,
}

pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let profile = match arguments.task {
        TaskName::Classifier => of::<PreparedClassifier>(arguments)?,
        TaskName::LanguageModel => of::<PreparedLanguageModel>(arguments)?,
        TaskName::Translator => of::<PreparedTranslator>(arguments)?,
    };
    write!(io::stdout(), "{profile}")?;
    Ok(())
}

fn of<P: Profiled>(arguments: Arguments) -> Result<StepProfile, Failure> {
    let device = device::parse(&arguments.device)?;
    let recipe = arguments.recipe.as_deref().unwrap_or(P::RECIPES[0].name);
    let request = TrainRequest {
        recipe: RecipeText::find(P::TASK, P::RECIPES, recipe)?,
        assignments: arguments.settings,
        data: arguments.data,
        run: None,
    };
    let (batches, rounds) = (arguments.batches.into(), arguments.rounds.into());
    Ok(profile::<P>(&request, &device, batches, rounds)?)
}
