//! `lstm recipes`

use std::io::{self, Write};

use clap::Args;
use lstm_train::recipe::{Expected, RecipeText};
use lstm_train::tasks::Prepared;
use lstm_train::tasks::classifier::PreparedClassifier;
use lstm_train::tasks::language_model::PreparedLanguageModel;

use crate::Failure;
use crate::train::TaskName;

#[derive(Args)]
pub struct Arguments {
    /// Only the recipes of this task.
    task: Option<TaskName>,
    /// Print this recipe's text instead: a start for one of your own.
    #[arg(long, value_name = "NAME")]
    show: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    if let Some(name) = &arguments.show {
        write!(output, "{}", find(name, arguments.task)?.text)?;
        return Ok(());
    }
    if arguments.task != Some(TaskName::LanguageModel) {
        list::<PreparedClassifier>(&mut output, |recipe| Listed {
            about: recipe.data.about.clone(),
            shipped: !recipe.data.shipped.is_empty(),
            files: recipe.data.files(),
            expected: recipe.expected.clone(),
        })?;
    }
    if arguments.task != Some(TaskName::Classifier) {
        list::<PreparedLanguageModel>(&mut output, |recipe| Listed {
            about: recipe.data.about.clone(),
            shipped: !recipe.data.shipped.is_empty(),
            files: recipe.data.files(),
            expected: recipe.expected.clone(),
        })?;
    }
    writeln!(
        output,
        "\ntrain one: lstm train TASK --recipe NAME [--data DIR]"
    )?;
    writeln!(output, "see its settings: lstm recipes --show NAME")?;
    Ok(())
}

/// A recipe of any task, or of this one.
fn find(name: &str, task: Option<TaskName>) -> Result<RecipeText, Failure> {
    let classifier =
        || RecipeText::find(PreparedClassifier::TASK, PreparedClassifier::RECIPES, name);
    let language_model = || {
        RecipeText::find(
            PreparedLanguageModel::TASK,
            PreparedLanguageModel::RECIPES,
            name,
        )
    };
    Ok(match task {
        Some(TaskName::Classifier) => classifier()?,
        Some(TaskName::LanguageModel) => language_model()?,
        None => language_model().or_else(|_| classifier())?,
    })
}

/// What is shown of a recipe.
struct Listed {
    about: String,
    shipped: bool,
    files: String,
    expected: Expected,
}

fn list<P: Prepared>(
    output: &mut impl Write,
    shown: impl Fn(&P::Recipe) -> Listed,
) -> Result<(), Failure> {
    writeln!(output, "{}", P::TASK)?;
    for builtin in P::RECIPES {
        let text = RecipeText::find(P::TASK, P::RECIPES, builtin.name)?;
        let Listed {
            about,
            shipped,
            files,
            expected,
        } = shown(&text.parse(&[])?);
        writeln!(output, "  {}", builtin.name)?;
        writeln!(output, "    data      {about}")?;
        if !shipped {
            writeln!(output, "    needs     --data DIR with {files}")?;
        }
        writeln!(output, "    expected  {}", expected.score)?;
        writeln!(
            output,
            "    time      {} ({})",
            expected.time, expected.machine
        )?;
        writeln!(output, "    compare   {}", expected.source)?;
    }
    Ok(())
}
