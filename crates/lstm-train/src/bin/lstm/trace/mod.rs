//! `lstm trace`

mod page;

use std::path::PathBuf;

use clap::Args;
use lstm_models::LanguageModel;
use lstm_train::corpus::{self, Encoding};
use lstm_train::device;
use lstm_train::run::files;

use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    /// The bundle of a language model.
    #[arg(long, value_name = "BUNDLE")]
    model: PathBuf,
    /// The text to look at; as any text it begins with a line.
    #[arg(
        value_name = "TEXT",
        required_unless_present = "input",
        conflicts_with = "input",
        allow_hyphen_values = true
    )]
    text: Option<String>,
    /// Read the text from this file; .gz is read as it is.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The page to write.
    #[arg(long, value_name = "FILE", default_value = "trace.html")]
    output: PathBuf,
    /// Where to compute.
    #[arg(long, default_value = device::default_name())]
    device: String,
}

/// Writes a page that shows what every unit does at every token.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let device = device::parse(&arguments.device)?;
    let model = LanguageModel::load(&arguments.model, &device)?;
    let text = match (&arguments.text, &arguments.input) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => corpus::read_plain(path, Encoding::Utf8)?,
        (None, None) => String::new(),
    };
    let trace = model.trace(&text)?;
    let page = page::render(&trace, &arguments.model, model.parts().unit)?;
    let path = &arguments.output;
    files::write(path, page.as_bytes())?;
    eprintln!("{}", trace.score());
    eprintln!("the trace is in {}", path.display());
    Ok(())
}
