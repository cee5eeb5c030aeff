//! The `lstm` command: trains, evaluates, uses and inspects recurrent models.

mod bench;
mod cache;
mod candidates;
mod convert;
mod evaluate;
mod generate;
mod html;
mod inspect;
mod json_lines;
mod lines;
mod memory;
mod predict;
mod profile;
mod recipes;
mod sampling;
mod score;
mod score_text;
mod search;
mod summarize;
mod threads;
mod trace;
mod train;
mod translate;
mod weights;

use std::process::ExitCode;
#[cfg(unix)]
use std::sync::{Arc, atomic::AtomicBool};

use clap::{Parser, Subcommand};

/// Recurrent networks on text: train from a recipe, evaluate, predict.
///
/// A first run, on data that ship with the program:
///
///     lstm train classifier
///     lstm predict --model runs/reviews/bundle "not bad at all"
#[derive(Parser)]
#[command(name = "lstm", version, verbatim_doc_comment, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a model from a recipe, or go on with an interrupted run.
    Train(train::Arguments),
    /// Score a trained model: a classifier on a labelled file, a language model on a text, a translator on
    /// lines and their translations, a summarizer on documents and their summaries.
    Evaluate(evaluate::Arguments),
    /// Use a trained classifier: one answer for each text or line of input.
    Predict(predict::Arguments),
    /// Translate lines: one line of output for each line of input.
    Translate(translate::Arguments),
    /// Summarize documents: one line of output for each document.
    Summarize(summarize::Arguments),
    /// Have a language model write text.
    Generate(generate::Arguments),
    /// How surprising each token of a text is to a language model.
    ScoreText(score_text::Arguments),
    /// Score texts beside reference texts: BLEU, chrF, ROUGE, TER.
    Score(score::Arguments),
    /// Write a page that shows every gate, state and surprisal of a language model as it reads a text.
    Trace(trace::Arguments),
    /// Time the parts of a training step.
    Profile(profile::Arguments),
    /// List the recipes: their data, what score to expect, how long they take.
    Recipes(recipes::Arguments),
    /// Show what is in a bundle: architecture, parameters, vocabulary, how it was trained.
    Inspect(inspect::Arguments),
    /// List the recurrent layers in a file of weights: PyTorch's, Keras', ONNX, burn's or this program's.
    Weights(weights::Arguments),
    /// Convert a recurrent layer's weights from one program's file to another's.
    Convert(convert::Arguments),
    /// Measure how fast the layers are, alone or beside PyTorch's and burn's own.
    Bench(bench::Arguments),
}

/// What a command may end with: a message for people.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let result = report_full_disks().and_then(|()| match command {
        Command::Train(arguments) => {
            memory::keep();
            threads::with(arguments.threads, || train::run(arguments))
        }
        Command::Evaluate(arguments) => {
            threads::with(None, || evaluate::run(&arguments)).map(|()| ExitCode::SUCCESS)
        }
        Command::Predict(arguments) => predict::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Translate(arguments) => {
            threads::with(None, || translate::run(&arguments)).map(|()| ExitCode::SUCCESS)
        }
        Command::Summarize(arguments) => {
            threads::with(None, || summarize::run(&arguments)).map(|()| ExitCode::SUCCESS)
        }
        Command::Generate(arguments) => generate::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::ScoreText(arguments) => score_text::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Score(arguments) => score::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Trace(arguments) => trace::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Profile(arguments) => {
            memory::keep();
            let done = threads::with(arguments.threads, || profile::run(arguments));
            done.map(|()| ExitCode::SUCCESS)
        }
        Command::Recipes(arguments) => recipes::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Inspect(arguments) => inspect::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Weights(arguments) => weights::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Convert(arguments) => convert::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Bench(arguments) => bench::run(&arguments).map(|()| ExitCode::SUCCESS),
    });
    match result {
        Ok(code) => code,
        Err(failure) if is_broken_pipe(failure.as_ref()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// A file that grows beyond its limit is an error to report, not a signal to die of.
fn report_full_disks() -> Result<(), Failure> {
    #[cfg(unix)]
    signal_hook::flag::register(
        signal_hook::consts::signal::SIGXFSZ,
        Arc::new(AtomicBool::new(false)),
    )?;
    Ok(())
}

/// Whether whoever reads our output has had enough (`lstm predict … | head`).
fn is_broken_pipe(failure: &(dyn std::error::Error + 'static)) -> bool {
    failure
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
