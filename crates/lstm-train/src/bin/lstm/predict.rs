//! `lstm predict`

use std::path::PathBuf;

use clap::Args;
use lstm_models::{Answer, Classifier};
use lstm_train::device;
use serde_json::json;

use crate::Failure;
use crate::lines::LineArguments;

#[derive(Args)]
pub struct Arguments {
    /// The bundle of a trained model.
    #[arg(long, value_name = "BUNDLE")]
    model: PathBuf,
    #[command(flatten)]
    lines: LineArguments,
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
    arguments.lines.answer(|texts, output| {
        for text in texts {
            let answer = classifier.classify(text)?;
            output.line(&match arguments.json {
                true => to_json(text, &answer, classifier.labels()).to_string(),
                false => format!("{}\t{:.4}", answer.label, answer.probability()),
            })?;
        }
        Ok(())
    })
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
