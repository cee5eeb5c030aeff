//! `lstm evaluate` of a summarizer.

use std::io::{self, Write};
use std::time::Instant;

use burn::tensor::Device;
use lstm_models::Summarizer;
use lstm_train::tasks::summarizer::{Baselines, Comparison, score};
use serde_json::json;

use super::{Arguments, pairs};
use crate::Failure;
use crate::{lines, summarize};

pub fn run(arguments: &Arguments, device: &Device) -> Result<(), Failure> {
    let summarizer = Summarizer::load(&arguments.model, device)?;
    let search = summarize::search(&arguments.search, &arguments.model, 1)?;
    if arguments.baseline.is_some() {
        return Err("--baseline is for classifiers: a summarizer's stand beside its scores".into());
    }
    let corpus = pairs::read(arguments)?;
    let began = Instant::now();
    let scores = score(&summarizer, &corpus, search)?;
    let comparison = Comparison {
        scores,
        seconds: began.elapsed().as_secs_f64(),
        baselines: Baselines::new(&corpus),
        beam: search.beam,
    };
    let cut = format!("cut after {} tokens", summarizer.parts().max_document);
    lines::note(comparison.scores.cut, "document", &cut);
    let mut output = io::stdout().lock();
    if arguments.json {
        let mut object = json!(comparison.metrics());
        object["task"] = json!(Summarizer::TASK);
        object["n"] = json!(comparison.scores.n);
        object["beam"] = json!(search.beam);
        object["seconds"] = json!(comparison.seconds);
        object["baselines"] = comparison.baselines.to_json();
        writeln!(output, "{object}")?;
        return Ok(());
    }
    let what = arguments.data.display().to_string();
    write!(output, "{}", comparison.shown(&what))?;
    Ok(())
}
