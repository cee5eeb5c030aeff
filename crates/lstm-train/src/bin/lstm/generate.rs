//! `lstm generate`

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use lstm_models::{Generator, LanguageModel};
use lstm_train::device;

use crate::Failure;
use crate::sampling::SamplingArguments;

#[derive(Args)]
pub struct Arguments {
    /// The bundle of a language model.
    #[arg(long, value_name = "BUNDLE")]
    model: PathBuf,
    /// The text to go on from; without one, the model begins a line.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    prompt: String,
    /// How many tokens to write.
    #[arg(long, value_name = "N", default_value = "200")]
    length: usize,
    #[command(flatten)]
    sampling: SamplingArguments,
    /// Read lines from standard input and go on from each, with all that was said before in mind.
    #[arg(long, conflicts_with = "prompt")]
    interactive: bool,
    /// Also say on standard error how many tokens a second were written.
    #[arg(long, conflicts_with = "interactive")]
    speed: bool,
    /// Where to compute.
    #[arg(long, default_value = device::default_name())]
    device: String,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let device = device::parse(&arguments.device)?;
    let model = LanguageModel::load(&arguments.model, &device)?;
    let sampling = &arguments.sampling;
    let mut generator = model.writer(sampling.sampling(), sampling.seed());
    let mut output = io::stdout().lock();
    if arguments.interactive {
        return converse(&model, &mut generator, arguments.length, &mut output);
    }
    read(&mut generator, &arguments.prompt)?;
    write!(output, "{}", arguments.prompt)?;
    let mut writer = model.stream().writer();
    if !arguments.prompt.is_empty() {
        // The first word is another one in the prompt's line.
        writer = writer.within_line();
    }
    let began = Instant::now();
    for _ in 0..arguments.length {
        let Some(id) = generator.next() else {
            return Err(NO_NUMBER.into());
        };
        write!(output, "{}", writer.write(id))?;
        output.flush()?;
    }
    let seconds = began.elapsed().as_secs_f64();
    writeln!(output, "{}", writer.finish())?;
    if arguments.speed && arguments.length > 0 {
        let tokens = arguments.length;
        let each = seconds / tokens as f64;
        eprintln!(
            "{tokens} tokens in {seconds:.2} s: {:.1} tokens a second, {:.3} ms each",
            1.0 / each,
            1000.0 * each
        );
    }
    Ok(())
}

const NO_NUMBER: &str = "the model's answer is no number: its weights are damaged";

/// Goes on from each line of input until the model ends its own line, or `length` tokens.
fn converse(
    model: &LanguageModel,
    generator: &mut Generator,
    length: usize,
    output: &mut impl Write,
) -> Result<(), Failure> {
    let prompts = io::stdin().is_terminal();
    let mut lines = io::stdin().lock().lines();
    loop {
        if prompts {
            write!(output, "> ")?;
            output.flush()?;
        }
        let Some(line) = lines.next() else {
            return Ok(());
        };
        let line = line?;
        read(generator, &line)?;
        let mut writer = model.stream().writer();
        for _ in 0..length {
            let Some(id) = generator.next() else {
                return Err(NO_NUMBER.into());
            };
            if model.stream().ends_line(id) {
                break;
            }
            write!(output, "{}", writer.write(id))?;
            output.flush()?;
        }
        writeln!(output, "{}", writer.finish())?;
    }
}

/// Has the model read text, and says what it does not know.
fn read(generator: &mut Generator, text: &str) -> Result<(), Failure> {
    let read = generator.read(text)?;
    if read.unknown > 0 {
        eprintln!(
            "note: {} of the {} tokens given are not in the model's vocabulary",
            read.unknown, read.tokens
        );
    }
    Ok(())
}
