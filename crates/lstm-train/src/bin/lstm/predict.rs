//! `lstm predict`

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use lstm_models::{Answer, Classifier};
use lstm_train::device;
use serde_json::json;

use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    /// The bundle of a trained model.
    #[arg(long, value_name = "BUNDLE")]
    model: PathBuf,
    /// Texts to classify; without any, every line of the input.
    #[arg(value_name = "TEXT", conflicts_with = "input")]
    texts: Vec<String>,
    /// Read one text a line from this file; - is standard input.
    #[arg(long, value_name = "FILE|-")]
    input: Option<PathBuf>,
    /// Write the answers to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where to compute.
    #[arg(long, default_value = "flex")]
    device: String,
    /// One JSON object a line: the text, its label, and the probability of every label.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let device = device::parse(&arguments.device)?;
    let classifier = Classifier::load(&arguments.model, &device)?;
    let mut output: Box<dyn Write> = match &arguments.output {
        Some(path) => Box::new(File::create(path).map_err(|error| named(path, "write", &error))?),
        None => Box::new(io::stdout().lock()),
    };
    if !arguments.texts.is_empty() {
        for text in &arguments.texts {
            answer(&classifier, text, arguments.json, &mut output)?;
        }
        return Ok(output.flush()?);
    }
    match &arguments.input {
        Some(path) if path != Path::new("-") => {
            let file = File::open(path).map_err(|error| named(path, "read", &error))?;
            let name = path.display().to_string();
            answer_lines(
                &classifier,
                BufReader::new(file),
                &name,
                arguments,
                &mut output,
            )
        }
        _ => {
            if io::stdin().is_terminal() {
                eprintln!("one text a line; Ctrl-D ends");
            }
            let input = io::stdin().lock();
            answer_lines(&classifier, input, "standard input", arguments, &mut output)
        }
    }
}

/// Answers line by line as they come, so that a pipe can be talked to.
fn answer_lines(
    classifier: &Classifier,
    mut input: impl BufRead,
    name: &str,
    arguments: &Arguments,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        number += 1;
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let text = std::str::from_utf8(&line)
            .map_err(|error| format!("{name}:{number} is not UTF-8: {error}"))?;
        let text = text.trim_end_matches(['\n', '\r']);
        answer(classifier, text, arguments.json, output)?;
    }
}

fn answer(
    classifier: &Classifier,
    text: &str,
    as_json: bool,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let answer = classifier.classify(text)?;
    if as_json {
        writeln!(output, "{}", to_json(text, &answer, classifier.labels()))?;
    } else {
        writeln!(output, "{}\t{:.4}", answer.label, answer.probability())?;
    }
    Ok(output.flush()?)
}

fn to_json(text: &str, answer: &Answer, labels: &[String]) -> serde_json::Value {
    let probabilities: serde_json::Map<_, _> = labels
        .iter()
        .zip(&answer.probabilities)
        .map(|(label, probability)| (label.clone(), json!(probability)))
        .collect();
    json!({
        "text": text,
        "label": answer.label,
        "probability": answer.probability(),
        "probabilities": probabilities,
    })
}

fn named(path: &Path, verb: &str, error: &io::Error) -> String {
    format!("cannot {verb} {}: {error}", path.display())
}
