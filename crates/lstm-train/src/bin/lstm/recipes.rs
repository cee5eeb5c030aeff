//! `lstm recipes`

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
    let task = "classifier";
    if let Some(name) = &arguments.show {
        print!("{}", RecipeText::find(task, &RECIPES, name)?.text);
        return Ok(());
    }
    debug_assert!(arguments.task.as_deref().is_none_or(|name| name == task));
    println!("{task}");
    for builtin in &RECIPES {
        let text = RecipeText::find(task, &RECIPES, builtin.name)?;
        let recipe: ClassifierRecipe = text.parse(&[])?;
        let expected = &recipe.expected;
        println!("  {}", builtin.name);
        println!("    data      {}", recipe.data.about);
        if recipe.data.shipped.is_empty() {
            println!("    needs     --data DIR with {}", recipe.data.files());
        }
        println!("    expected  {}", expected.score);
        println!("    time      {} ({})", expected.time, expected.machine);
        println!("    compare   {}", expected.source);
    }
    println!("\ntrain one: lstm train classifier --recipe NAME [--data DIR]");
    println!("see its settings: lstm recipes --show NAME");
    Ok(())
}
