//! `lstm score rouge`

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lstm_train::metrics::translation::Bootstrap;
use lstm_train::metrics::{
    Rouge, RougeInterval, RougeScore, RougeScores, RougeVariant, SeveralReferences, Stemming,
};
use serde_json::{Map, Value, json};

use super::segments;
use super::summaries::Summaries;
use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    /// The texts to score, one a line; `-` is standard input. .gz is read as it is. Of a file of JSON lines a
    /// line is a string, or FILE.jsonl:KEY names the key of an object.
    #[arg(long, value_name = "FILE")]
    hyp: PathBuf,
    /// The reference for each text, in the same forms; repeat the option for several references.
    #[arg(long = "ref", value_name = "FILE", required = true)]
    references: Vec<PathBuf>,
    /// What stands between the sentences of a text, beside line feeds (in JSON): `<n>`, say. rougeLsum
    /// compares sentences.
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    separator: Option<String>,
    /// What is computed: rouge1 to rouge9, rougeL, rougeLsum.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_values_t = RougeVariant::USUAL)]
    types: Vec<RougeVariant>,
    /// Compare words by their stems (Porter's stemmer as NLTK has it).
    #[arg(long)]
    stemmer: bool,
    /// Which of several references counts.
    #[arg(long, value_enum, default_value_t = Multi::Best)]
    multi: Multi,
    /// Print each text's scores instead of their means.
    #[arg(long, conflicts_with = "confidence")]
    sentence: bool,
    /// 95 % confidence intervals by bootstrap resampling.
    #[arg(long)]
    confidence: bool,
    /// Resamples of the bootstrap.
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().resamples,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    resamples: u32,
    /// Its seed.
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().seed)]
    seed: u32,
    /// Digits behind the point.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(0..=15))]
    width: u8,
    /// One JSON object, or with --sentence one a text.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Multi {
    /// The one with the best F1, for each type by itself.
    Best,
    /// All: their mean.
    Average,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let paths = [&arguments.hyp].into_iter().chain(&arguments.references);
    segments::at_most_once_from_input(paths)?;
    let separator = arguments.separator.as_deref();
    let system = Summaries::read(&arguments.hyp, separator)?;
    let references = arguments.references.iter();
    let references = references.map(|path| Summaries::read(path, separator));
    let references = references.collect::<Result<Vec<_>, _>>()?;
    let others = references.iter().map(|it| (&*it.name, it.texts.len()));
    segments::as_many_lines((&system.name, system.texts.len()), others)?;

    let of_text = |text: usize| references.iter().map(|it| &*it.texts[text]).collect();
    let of_texts: Vec<Vec<&str>> = (0..system.texts.len()).map(of_text).collect();
    let rouge = Rouge {
        variants: arguments.types.clone(),
        stemming: match arguments.stemmer {
            true => Stemming::Porter,
            false => Stemming::None,
        },
        several: match arguments.multi {
            Multi::Best => SeveralReferences::Best,
            Multi::Average => SeveralReferences::Mean,
        },
    };
    let scores = rouge.scores(&system.texts, &of_texts);
    let mut output = io::BufWriter::new(io::stdout().lock());
    match arguments.sentence {
        true => arguments.print_texts(&scores, &mut output)?,
        false => arguments.print_means(&scores, &mut output)?,
    }
    output.flush()?;
    Ok(())
}

impl Arguments {
    fn print_texts(&self, scores: &RougeScores, output: &mut impl Write) -> Result<(), Failure> {
        for (index, row) in scores.rows().enumerate() {
            if self.json {
                let mut object = self.object(row, &[]);
                object.insert("line".to_owned(), json!(index + 1));
                writeln!(output, "{}", Value::from(object))?;
            } else {
                let f1 = self.types.iter().zip(row);
                let f1 =
                    f1.map(|(name, it)| format!("{name} {:.*}", usize::from(self.width), it.f1));
                writeln!(output, "{}", f1.collect::<Vec<_>>().join(" "))?;
            }
        }
        Ok(())
    }

    fn print_means(&self, scores: &RougeScores, output: &mut impl Write) -> Result<(), Failure> {
        let means = scores.means();
        let bootstrap = Bootstrap {
            resamples: self.resamples,
            seed: self.seed,
        };
        let intervals = match self.confidence {
            true => scores.confidence(bootstrap),
            false => Vec::new(),
        };
        if self.json {
            let mut object = self.object(&means, &intervals);
            object.insert("n".to_owned(), json!(scores.pairs()));
            writeln!(output, "{}", Value::from(object))?;
            return Ok(());
        }
        let width = usize::from(self.width);
        let wide = (width + 2).max("precision".len());
        writeln!(
            output,
            "{:9}  {:>wide$}  {:>wide$}  {:>wide$}",
            "", "precision", "recall", "F1"
        )?;
        for (place, (name, mean)) in self.types.iter().zip(&means).enumerate() {
            let RougeScore {
                precision,
                recall,
                f1,
            } = mean;
            let name = name.to_string();
            write!(
                output,
                "{name:9}  {precision:wide$.width$}  {recall:wide$.width$}  {f1:wide$.width$}"
            )?;
            if let Some(RougeInterval { low, high, .. }) = intervals.get(place) {
                write!(output, "  ({:.width$} to {:.width$})", low.f1, high.f1)?;
            }
            writeln!(output)?;
        }
        Ok(())
    }

    /// Scores by name, for JSON, with the intervals where there are any.
    fn object(&self, scores: &[RougeScore], intervals: &[RougeInterval]) -> Map<String, Value> {
        let object = |(place, score): (usize, &RougeScore)| {
            let mut value = json!(score);
            if let Some(interval) = intervals.get(place) {
                value["confidence"] = json!(interval);
            }
            value
        };
        let names = self.types.iter().map(RougeVariant::to_string);
        names.zip(scores.iter().enumerate().map(object)).collect()
    }
}
