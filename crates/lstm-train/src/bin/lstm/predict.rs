//! `lstm predict`

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use lstm_models::{Answer, Classifier};
use lstm_train::device;
use lstm_train::run::files;
use serde_json::json;

use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    /// The bundle of a trained model.
    #[arg(long, value_name = "BUNDLE")]
    model: PathBuf,
    /// Texts to classify; without any, every line of the input.
    #[arg(
        value_name = "TEXT",
        conflicts_with = "input",
        allow_hyphen_values = true
    )]
    texts: Vec<String>,
    /// Read one text a line from this file; - is standard input.
    #[arg(long, value_name = "FILE|-")]
    input: Option<PathBuf>,
    /// Write the answers to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where to compute.
    #[arg(long, default_value = device::default_name())]
    device: String,
    /// One JSON object a line: the text, its label, and the probability of every label.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let device = device::parse(&arguments.device)?;
    let classifier = Classifier::load(&arguments.model, &device)?;
    match &arguments.output {
        None => answer_all(&classifier, arguments, &mut Output::standard()),
        // The file appears when it is complete: it may be the input.
        Some(path) => files::write_with(path, |file| {
            let mut output = Output::new(path.display().to_string(), file);
            answer_all(&classifier, arguments, &mut output)
        }),
    }
}

fn answer_all(
    classifier: &Classifier,
    arguments: &Arguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if !arguments.texts.is_empty() {
        for text in &arguments.texts {
            answer(classifier, text, arguments.json, output)?;
        }
        return Ok(());
    }
    match &arguments.input {
        Some(path) if path != Path::new("-") => {
            let file = File::open(path).map_err(|error| named(path, "read", &error))?;
            let name = path.display().to_string();
            answer_lines(classifier, BufReader::new(file), &name, arguments, output)
        }
        _ => {
            if io::stdin().is_terminal() {
                eprintln!("one text a line; Ctrl-D ends");
            }
            let input = io::stdin().lock();
            answer_lines(classifier, input, "standard input", arguments, output)
        }
    }
}

/// Answers line by line as they come, so that a pipe can be talked to.
fn answer_lines(
    classifier: &Classifier,
    mut input: impl BufRead,
    name: &str,
    arguments: &Arguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        number += 1;
        let length = input
            .read_until(b'\n', &mut line)
            .map_err(|error| format!("cannot read {name}: {error}"))?;
        if length == 0 {
            return Ok(());
        }
        let text = std::str::from_utf8(&line)
            .map_err(|error| format!("{name}:{number} is not UTF-8: {error}"))?;
        let text = text.trim_end_matches(['\n', '\r']);
        // What some editors put at the start of a file.
        let text = match number {
            1 => text.trim_start_matches('\u{feff}'),
            _ => text,
        };
        answer(classifier, text, arguments.json, output)?;
    }
}

fn answer(
    classifier: &Classifier,
    text: &str,
    as_json: bool,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let answer = classifier.classify(text)?;
    output.line(&match as_json {
        true => to_json(text, &answer, classifier.labels()).to_string(),
        false => format!("{}\t{:.4}", answer.label, answer.probability()),
    })
}

/// Where answers go.
struct Output<'a> {
    name: String,
    writer: Box<dyn Write + 'a>,
}

impl<'a> Output<'a> {
    fn new(name: String, writer: impl Write + 'a) -> Self {
        Self {
            name,
            writer: Box::new(writer),
        }
    }

    fn standard() -> Self {
        Self::new("standard output".to_owned(), io::stdout().lock())
    }

    /// Writes a line, which whoever reads the output sees at once.
    fn line(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.writer, "{line}")
            .and_then(|()| self.writer.flush())
            .map_err(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => error.into(),
                _ => format!("cannot write {}: {error}", self.name).into(),
            })
    }
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
