//! `cargo xtask …`: builds the `lstm` command for the chosen backend and runs it; tests; checks.
//!
//! It has no dependencies, so that it is there in a second, and knows nothing of machine learning:
//! what it does not know is for the `lstm` command.

mod backend;
mod cargo;
mod check;
mod dependencies;
mod failure;
mod lstm;

use std::ffi::OsString;
use std::process::ExitCode;

use failure::Failure;

const HELP: &str = "\
Recurrent networks on text: everything from this checkout, with one command.

Usage: cargo xtask [--backend NAME] COMMAND [ARGUMENT]…

A first run, on data that ship with the project; the very first call compiles for some minutes:

    cargo xtask train classifier
    cargo xtask predict --model runs/reviews/bundle \"not bad at all\"

Commands of the program `lstm`, which this builds and passes all arguments on to
(`cargo xtask COMMAND --help` has the details):

    train      Train a model from a recipe, or go on with an interrupted run
    evaluate   Score a trained model on a labelled file or a text
    predict    Use a classifier: one answer for each text or line of input
    generate   Let a language model write, token by token
    score-text Say how surprising each token of a text is to a language model
    score      Score texts beside reference texts: `score bleu --hyp FILE --ref FILE`
    trace      Show what a language model's gates do with a text, as a page
    profile    Time the parts of a training step
    recipes    List the recipes: their data, what score to expect, how long they take
    inspect    Show what is in a bundle: architecture, parameters, vocabulary, training
    weights    List the recurrent layers in a file of PyTorch, Keras, ONNX or burn
    convert    Write such a layer in another program's form
    bench      Measure how fast the layers are: `bench layers --against pytorch`

Commands for those who change the code:

    test       Run all tests, those in the documentation too; arguments go to `cargo test`
    ci         Check what tests do not: formatting, lints, each library alone, WebAssembly,
               NEON, which crate may depend on what
    help       Show this

Options:

    --backend NAME   What computes: flex (the default: any CPU), ndarray, wgpu, vulkan, metal,
                     cuda, rocm. It is compiled in when first used, and train, evaluate,
                     predict, generate, score-text, trace, profile and bench use it unless
                     --device says otherwise.

Paths are relative to where you are.
";

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Vec<OsString>) -> Result<(), Failure> {
    let (backend, arguments) = backend::take(arguments)?;
    let command = arguments.first().and_then(|first| first.to_str());
    match (command, arguments.len()) {
        (None | Some("-h" | "--help"), 0..=1) | (Some("help"), 1) => {
            print!("{HELP}");
            Ok(())
        }
        (Some("test"), _) => check::test(backend, &arguments[1..]),
        (Some("ci"), 1) if backend.is_none() => check::ci(),
        (Some("ci"), _) => Err(Failure::Usage(
            "`ci` takes no arguments and no backend".to_owned(),
        )),
        _ => lstm::run(backend, arguments),
    }
}
