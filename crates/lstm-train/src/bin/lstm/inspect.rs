//! `lstm inspect`

use std::io::{self, Write};
use std::path::PathBuf;

use burn::module::Module;
use clap::Args;
use lstm_models::{
    Classifier, ClassifierBundle, LanguageModel, LanguageModelBundle, Summarizer, SummarizerBundle,
    Translator, TranslatorBundle, bundle,
};
use lstm_train::device;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::Failure;
use crate::score_text::escaped;

#[derive(Args)]
pub struct Arguments {
    /// The bundle of a trained model.
    #[arg(long, value_name = "BUNDLE")]
    model: PathBuf,
}

/// How many tokens of the vocabulary are shown.
const SHOWN: u32 = 20;

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    let device = device::parse(device::default_name())?;
    match bundle::read_task(&arguments.model)?.as_str() {
        LanguageModel::TASK => {
            let model = LanguageModel::load(&arguments.model, &device)?;
            let config =
                bundle::read_config::<LanguageModelBundle>(&arguments.model, LanguageModel::TASK)?;
            writeln!(output, "task       {}", config.task)?;
            writeln!(output, "unit       {:?}", config.model.unit)?;
            show(
                &mut output,
                &config.model.config.architecture,
                model.network(),
                (model.stream().tokenizer().size(), |id| {
                    model.stream().show(id)
                }),
                &config.training,
            )
        }
        Translator::TASK => {
            let translator = Translator::load(&arguments.model, &device)?;
            let config =
                bundle::read_config::<TranslatorBundle>(&arguments.model, Translator::TASK)?;
            let parts = translator.parts();
            writeln!(output, "task       {}", config.task)?;
            writeln!(output, "unit       {:?}", parts.unit)?;
            writeln!(
                output,
                "vocabulary {} of the source, {} of the target{}",
                parts.config.source_vocab,
                parts.config.target_vocab,
                if parts.shared_vocabulary {
                    ": one and the same"
                } else {
                    ""
                }
            )?;
            show(
                &mut output,
                &parts.config.architecture,
                translator.network(),
                (parts.config.target_vocab, |id| {
                    translator.languages().show_target(id)
                }),
                &config.training,
            )
        }
        Summarizer::TASK => {
            let summarizer = Summarizer::load(&arguments.model, &device)?;
            let config =
                bundle::read_config::<SummarizerBundle>(&arguments.model, Summarizer::TASK)?;
            let parts = summarizer.parts();
            writeln!(output, "task       {}", config.task)?;
            writeln!(output, "unit       {:?}", parts.unit)?;
            writeln!(output, "documents  of up to {} tokens", parts.max_document)?;
            writeln!(
                output,
                "coverage   {}",
                if parts.coverage { "yes" } else { "no" }
            )?;
            show(
                &mut output,
                &parts.config.architecture,
                summarizer.network(),
                (parts.config.vocab, |id| {
                    let tokenizer = summarizer.texts().tokenizer();
                    tokenizer.decode(&[id]).unwrap_or_default()
                }),
                &config.training,
            )
        }
        _ => {
            let classifier = Classifier::load(&arguments.model, &device)?;
            let config =
                bundle::read_config::<ClassifierBundle>(&arguments.model, Classifier::TASK)?;
            let parts = classifier.parts();
            writeln!(output, "task       {}", config.task)?;
            writeln!(output, "labels     {}", parts.labels.join(", "))?;
            writeln!(output, "prior      {:?}", parts.prior)?;
            writeln!(output, "max tokens {}", parts.max_tokens)?;
            show(
                &mut output,
                &parts.config.architecture,
                classifier.model(),
                (classifier.tokenizer().size(), |id| {
                    classifier.tokenizer().token(id).unwrap_or_default()
                }),
                &config.training,
            )
        }
    }
}

/// What every bundle has; a vocabulary is its size, and how a token is shown.
fn show<M: Module>(
    output: &mut impl Write,
    architecture: &impl Serialize,
    model: &M,
    (size, token): (usize, impl Fn(u32) -> String),
    training: &Map<String, Value>,
) -> Result<(), Failure> {
    writeln!(output, "\narchitecture")?;
    write!(
        output,
        "{}",
        indented(&serde_json::to_string_pretty(architecture)?)
    )?;

    writeln!(output, "\nparameters")?;
    let mut total = 0;
    for (name, data) in bundle::parameters(model) {
        let count = data.num_elements();
        total += count;
        writeln!(
            output,
            "  {name:<44} {:<18} {count:>12}",
            format!("{:?}", data.shape())
        )?;
    }
    writeln!(output, "  {:<44} {:<18} {total:>12}", "in all", "")?;

    let token = |id| escaped(&token(id));
    let shown: Vec<String> = (0..SHOWN.min(size as u32)).map(token).collect();
    writeln!(
        output,
        "\nvocabulary of {size} tokens: {} …",
        shown.join(" ")
    )?;

    writeln!(output, "\ntraining")?;
    write!(
        output,
        "{}",
        indented(&serde_json::to_string_pretty(training)?)
    )?;
    Ok(())
}

/// The lines of a JSON object, without its braces.
fn indented(json: &str) -> String {
    json.lines()
        .filter(|line| *line != "{" && *line != "}")
        .map(|line| format!("{line}\n"))
        .collect()
}
