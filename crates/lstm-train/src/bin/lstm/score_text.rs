//! `lstm score-text`

use std::io::{self, Read, Write};
use std::path::PathBuf;

use clap::Args;
use lstm_models::{LanguageModel, TextScore, TokenScore};
use lstm_train::corpus::{self, Encoding};
use lstm_train::device;
use serde_json::json;

use crate::Failure;
use crate::cache::CacheArguments;

#[derive(Args)]
pub struct Arguments {
    /// The bundle of a language model.
    #[arg(long, value_name = "BUNDLE")]
    model: PathBuf,
    /// The text; .gz is read as it is [default: standard input].
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Print the perplexity of each line instead of each token's surprisal.
    #[arg(long)]
    lines: bool,
    /// JSON lines instead of TSV.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    cache: CacheArguments,
    /// Where to compute.
    #[arg(long, default_value = device::default_name())]
    device: String,
}

/// Prints each token and its surprisal in nats, −ln p(token | all before it).
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let cache = arguments.cache.options()?;
    let device = device::parse(&arguments.device)?;
    let model = LanguageModel::load(&arguments.model, &device)?;
    let text = match &arguments.input {
        Some(path) => corpus::read_plain(path, Encoding::Utf8)?,
        None => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text)?;
            text
        }
    };
    let mut output = io::BufWriter::new(io::stdout().lock());
    let mut line = Line::default();
    let whole = model.score_with(cache, &text, |token| -> Result<(), Failure> {
        if !arguments.lines {
            return token_line(&mut output, &token, arguments.json);
        }
        line.add(&token);
        if model.stream().ends_line(token.id) {
            line.write(&mut output, arguments.json)?;
            line = Line {
                number: line.number + 1,
                ..Line::default()
            };
        }
        Ok(())
    })?;
    if line.score.tokens > 0 {
        line.write(&mut output, arguments.json)?;
    }
    output.flush()?;
    if whole.tokens > 0 {
        eprintln!("{whole}");
    }
    Ok(())
}

fn token_line(output: &mut impl Write, token: &TokenScore, json: bool) -> Result<(), Failure> {
    if json {
        writeln!(output, "{}", serde_json::to_string(token)?)?;
    } else {
        writeln!(output, "{}\t{}", escaped(&token.token), token.surprisal)?;
    }
    Ok(())
}

/// A token on one line and in one field of a table.
pub fn escaped(token: &str) -> String {
    token
        .replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

/// A line's score, as far as it was read.
#[derive(Default)]
struct Line {
    /// From 0.
    number: usize,
    score: TextScore,
}

impl Line {
    fn add(&mut self, token: &TokenScore) {
        self.score.tokens += 1;
        self.score.nll += token.surprisal;
    }

    fn write(&self, output: &mut impl Write, json: bool) -> Result<(), Failure> {
        let (line, tokens) = (self.number + 1, self.score.tokens);
        let perplexity = self.score.perplexity();
        if json {
            let object = json!({"line": line, "tokens": tokens, "perplexity": perplexity});
            writeln!(output, "{object}")?;
        } else {
            writeln!(output, "{line}\t{tokens}\t{perplexity}")?;
        }
        Ok(())
    }
}
