//! `lstm recipes`

use std::io::{self, Write};

use clap::Args;
use lstm_train::recipe::{Expected, RecipeText};
use lstm_train::tasks::Prepared;
use lstm_train::tasks::classifier::PreparedClassifier;
use lstm_train::tasks::language_model::PreparedLanguageModel;
use lstm_train::tasks::parallel::ParallelOptions;
use lstm_train::tasks::summarizer::PreparedSummarizer;
use lstm_train::tasks::translator::PreparedTranslator;

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
    let wanted = |task| arguments.task.is_none_or(|wanted| wanted == task);
    if wanted(TaskName::Classifier) {
        list::<PreparedClassifier>(&mut output, |recipe| Listed {
            about: recipe.data.about.clone(),
            shipped: !recipe.data.shipped.is_empty(),
            files: recipe.data.files(),
            expected: recipe.expected.clone(),
        })?;
    }
    if wanted(TaskName::LanguageModel) {
        list::<PreparedLanguageModel>(&mut output, |recipe| Listed {
            about: recipe.data.about.clone(),
            shipped: !recipe.data.shipped.is_empty(),
            files: recipe.data.files(),
            expected: recipe.expected.clone(),
        })?;
    }
    if wanted(TaskName::Translator) {
        list::<PreparedTranslator>(&mut output, |recipe| {
            Listed::of_pairs(&recipe.data, &recipe.expected)
        })?;
    }
    if wanted(TaskName::Summarizer) {
        list::<PreparedSummarizer>(&mut output, |recipe| {
            Listed::of_pairs(&recipe.data, &recipe.expected)
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
    let of = |task| match task {
        TaskName::Classifier => of_task::<PreparedClassifier>(name),
        TaskName::LanguageModel => of_task::<PreparedLanguageModel>(name),
        TaskName::Translator => of_task::<PreparedTranslator>(name),
        TaskName::Summarizer => of_task::<PreparedSummarizer>(name),
    };
    match task {
        Some(task) => of(task),
        None => of(TaskName::LanguageModel)
            .or_else(|_| of(TaskName::Translator))
            .or_else(|_| of(TaskName::Summarizer))
            .or_else(|_| of(TaskName::Classifier)),
    }
}

fn of_task<P: Prepared>(name: &str) -> Result<RecipeText, Failure> {
    Ok(RecipeText::find(P::TASK, P::RECIPES, name)?)
}

/// What is shown of a recipe.
struct Listed {
    about: String,
    shipped: bool,
    files: String,
    expected: Expected,
}

impl Listed {
    /// Of a task whose data are pairs of texts.
    fn of_pairs(data: &ParallelOptions, expected: &Expected) -> Self {
        Self {
            about: data.about.clone(),
            shipped: !data.shipped.is_empty(),
            files: data.files(),
            expected: expected.clone(),
        }
    }
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
