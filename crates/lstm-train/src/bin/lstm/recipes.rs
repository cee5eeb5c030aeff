//! `lstm recipes`

use std::io::{self, Write};

use clap::Args;
use lstm_train::recipe::RecipeText;
use lstm_train::tasks::classifier::recipe::{ClassifierRecipe, RECIPES};

use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    /// Only the recipes of this task.
    #[arg(value_parser = ["classifier"])]
    task: Option<String>,
    /// Print this recipe's text instead: a start for one of your own.
    #[arg(long, value_name = "NAME")]
    show: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    let task = "classifier";
    if let Some(name) = &arguments.show {
        write!(output, "{}", RecipeText::find(task, &RECIPES, name)?.text)?;
        return Ok(());
    }
    debug_assert!(arguments.task.as_deref().is_none_or(|name| name == task));
    writeln!(output, "{task}")?;
    for builtin in &RECIPES {
        let text = RecipeText::find(task, &RECIPES, builtin.name)?;
        let recipe: ClassifierRecipe = text.parse(&[])?;
        let expected = &recipe.expected;
        writeln!(output, "  {}", builtin.name)?;
        writeln!(output, "    data      {}", recipe.data.about)?;
        if recipe.data.shipped.is_empty() {
            writeln!(
                output,
                "    needs     --data DIR with {}",
                recipe.data.files()
            )?;
        }
        writeln!(output, "    expected  {}", expected.score)?;
        writeln!(
            output,
            "    time      {} ({})",
            expected.time, expected.machine
        )?;
        writeln!(output, "    compare   {}", expected.source)?;
    }
    writeln!(
        output,
        "\ntrain one: lstm train classifier --recipe NAME [--data DIR]"
    )?;
    writeln!(output, "see its settings: lstm recipes --show NAME")?;
    Ok(())
}
