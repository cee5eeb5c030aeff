//! `lstm summarize`

mod documents;
mod page;

use std::path::{Path, PathBuf};

use clap::Args;
use lstm_models::{Summarizer, SummarizerBundle, Summary, TranslationSearch, bundle};
use lstm_train::baseline::Extract;
use lstm_train::device;
use lstm_train::run::files;
use lstm_train::tasks::summarizer::DECODING;
use serde_json::{Value, json};

use crate::Failure;
use crate::candidates::{Candidate, Columns};
use crate::lines::{self, Output};
use crate::search::SearchArguments;
use documents::DocumentArguments;

#[derive(Args)]
pub struct Arguments {
    /// The bundle of a summarizer.
    #[arg(
        long,
        value_name = "BUNDLE",
        required_unless_present = "baseline",
        conflicts_with = "baseline"
    )]
    model: Option<PathBuf>,
    /// Take a part of each document instead: lead-N, its first N units, longest-N, its N longest, or lead-N-words.
    /// Units are the lines of a document, or its sentences if it is one line.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["scores", "json", "copy_html"])]
    baseline: Option<Extract>,
    #[command(flatten)]
    documents: DocumentArguments,
    #[command(flatten)]
    search: SearchArguments,
    /// Write up to so many summaries of each document, the best first, each after the document's number, from 1, and a
    /// tab.
    #[arg(long, value_name = "N", default_value = "1")]
    n_best: usize,
    /// Before each summary its score and its log-probability, separated by tabs.
    #[arg(long, conflicts_with = "json")]
    scores: bool,
    /// One JSON object a document: the text, how many of its tokens were read, and each summary with tokens, scores,
    /// attention, and how much of each token was copied and from which places it can be.
    #[arg(long)]
    json: bool,
    /// Also write a page of how much of each word of a summary was copied, and from where.
    #[arg(long, value_name = "FILE.html")]
    copy_html: Option<PathBuf>,
    /// Where to compute.
    #[arg(long, default_value = device::default_name())]
    device: String,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match (&arguments.model, arguments.baseline) {
        (Some(model), _) => summarize(arguments, model),
        (None, Some(baseline)) => extract(arguments, baseline),
        (None, None) => Err("expected --model BUNDLE or --baseline NAME".into()),
    }
}

fn summarize(arguments: &Arguments, model: &Path) -> Result<(), Failure> {
    let device = device::parse(&arguments.device)?;
    let search = search(&arguments.search, model, arguments.n_best)?;
    let summarizer = Summarizer::load(model, &device)?;
    let mut shown = Vec::new();
    let mut notes = Notes::default();
    let mut number = 0;
    arguments.documents.answer(|documents, output| {
        let summaries = summarizer.summarize(documents, search)?;
        for (document, summary) in documents.iter().zip(&summaries) {
            number += 1;
            notes.count(summary);
            write(arguments, number, document, summary, output)?;
        }
        if arguments.copy_html.is_some() {
            shown.extend(summaries);
        }
        Ok(())
    })?;
    notes.tell(summarizer.parts().max_document);
    if let Some(path) = &arguments.copy_html {
        let page = page::render(&shown, summarizer.parts().unit);
        files::write(path, page.as_bytes())?;
        eprintln!("what was copied is in {}", path.display());
    }
    Ok(())
}

fn extract(arguments: &Arguments, baseline: Extract) -> Result<(), Failure> {
    if let Some(option) = arguments.search.given() {
        return Err(format!("{option} is for a model, not for --baseline").into());
    }
    arguments.documents.answer(|documents, output| {
        for document in documents {
            output.line(&baseline.of(document))?;
        }
        Ok(())
    })
}

/// How the summarizer in a bundle searches: as its test part was summarized, unless it is told otherwise.
///
/// # Errors
///
/// A bundle that cannot be read, an option whose value is out of range.
pub fn search(
    given: &SearchArguments,
    model: &Path,
    n_best: usize,
) -> Result<TranslationSearch, Failure> {
    let config = bundle::read_config::<SummarizerBundle>(model, Summarizer::TASK)?;
    let default = match config.training.get(DECODING) {
        None => TranslationSearch::default(),
        Some(value) => serde_json::from_value(value.clone())
            .map_err(|error| format!("{}: training.{DECODING}: {error}", model.display()))?,
    };
    given.search(default, n_best)
}

fn write(
    arguments: &Arguments,
    number: u64,
    document: &str,
    summary: &Summary,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if arguments.json {
        return output.line(&to_json(document, summary).to_string());
    }
    let candidates = summary.candidates.iter().map(|candidate| Candidate {
        text: &candidate.text,
        score: candidate.score,
        log_probability: candidate.log_probability,
    });
    let columns = Columns {
        number: arguments.n_best > 1,
        scores: arguments.scores,
    };
    columns.write(number, candidates, output)
}

fn to_json(document: &str, summary: &Summary) -> Value {
    let candidates: Vec<Value> = summary
        .candidates
        .iter()
        .map(|candidate| {
            let tokens = &candidate.tokens;
            json!({
                "text": candidate.text,
                "score": candidate.score,
                "log_probability": candidate.log_probability,
                "tokens": tokens.iter().map(|token| &token.text).collect::<Vec<_>>(),
                "copied": tokens.iter().map(|token| token.copied).collect::<Vec<_>>(),
                "places": tokens.iter().map(|token| &token.places).collect::<Vec<_>>(),
                "attention": tokens.iter().map(|token| &token.attention).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "document": document,
        "document_tokens": summary.source,
        "read": summary.document.read,
        "of": summary.document.of,
        "summaries": candidates,
    })
}

/// What people should know of some documents.
#[derive(Default)]
struct Notes {
    cut: usize,
    not_found: usize,
}

impl Notes {
    fn count(&mut self, summary: &Summary) {
        if summary.document.is_cut() {
            self.cut += 1;
        }
        if !summary.is_found() {
            self.not_found += 1;
        }
    }

    fn tell(&self, max_document: usize) {
        for (count, what) in [
            (self.cut, format!("cut after {max_document} tokens")),
            (
                self.not_found,
                "left without a summary: the options leave none, or the model's answers are no numbers"
                    .to_owned(),
            ),
        ] {
            lines::note(count, "document", &what);
        }
    }
}
