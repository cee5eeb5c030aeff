//! `lstm translate`

mod page;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lstm_models::{
    Beam, Constraints, CoveragePenalty, LengthPenalty, MAX_SOURCE, Sampler, Search, SourceLength,
    Stopping, Translation, Translator, translate_together,
};
use lstm_train::device;
use lstm_train::run::files;
use serde_json::{Value, json};

use crate::Failure;
use crate::lines::{LineArguments, Output};
use crate::sampling::SamplingArguments;

#[derive(Args)]
pub struct Arguments {
    /// The bundle of a translator; given more than once, their probabilities are averaged.
    #[arg(long, value_name = "BUNDLE", required = true)]
    model: Vec<PathBuf>,
    #[command(flatten)]
    lines: LineArguments,
    #[command(flatten)]
    search: SearchArguments,
    /// Draw each token instead of searching for the best translation.
    #[arg(long, conflicts_with = "n_best")]
    sample: bool,
    #[command(flatten)]
    sampling: SamplingArguments,
    /// Write so many translations of each line, the best first.
    #[arg(long, value_name = "N", default_value = "1", value_parser = at_least_one)]
    n_best: usize,
    /// Before each translation its score and its log-probability, separated by tabs; with --n-best also the
    /// line's number, from 1.
    #[arg(long, conflicts_with = "json")]
    scores: bool,
    /// One JSON object a line: the text, and each translation with tokens, scores and attention.
    #[arg(long)]
    json: bool,
    /// Also write a page of what each word of the translation looked at in the source.
    #[arg(long, value_name = "FILE.html")]
    attention: Option<PathBuf>,
    /// Where to compute.
    #[arg(long, default_value = device::default_name())]
    device: String,
}

/// How translations are searched for.
#[derive(Args)]
pub struct SearchArguments {
    /// How many hypotheses are followed at once; 1 takes the most probable token each time.
    #[arg(long, value_name = "N", default_value = "5", value_parser = at_least_one)]
    beam: usize,
    /// What length does to a score: none, average (of a token), or the α of Wu et al. 2016.
    #[arg(long, value_name = "none|average|ALPHA", default_value = "average", value_parser = length_penalty)]
    length_penalty: LengthPenalty,
    /// End a line's search when nothing better is likely to come, or only when it is certain that nothing can: that
    /// takes two to three times as long.
    #[arg(long, value_enum, default_value = "likely")]
    stopping: StoppingName,
    /// The β of Wu et al. 2016: a translation that leaves parts of its source unread scores less.
    #[arg(long, value_name = "BETA", default_value = "0", value_parser = weight)]
    coverage_penalty: f64,
    /// The fewest tokens of a translation.
    #[arg(long, value_name = "N", default_value = "0")]
    min_length: usize,
    /// The most tokens of a translation; it never has more than twice its source's and 10.
    #[arg(long, value_name = "N", default_value = "200")]
    max_length: usize,
    /// Never write the same N tokens twice in a line; 0 for no such limit.
    #[arg(long, value_name = "N", default_value = "0")]
    no_repeat_ngram: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum StoppingName {
    Likely,
    Certain,
}

impl SearchArguments {
    /// The search for so many translations.
    pub fn beam(&self, n_best: usize) -> Beam {
        Beam::new(self.beam)
            .with_n_best(n_best)
            .with_length_penalty(self.length_penalty)
            .with_stopping(match self.stopping {
                StoppingName::Likely => Stopping::Likely,
                StoppingName::Certain => Stopping::Certain,
            })
            .with_coverage_penalty(match self.coverage_penalty {
                0.0 => CoveragePenalty::None,
                beta => CoveragePenalty::Wu { beta },
            })
            .with_constraints(self.constraints())
    }

    fn constraints(&self) -> Constraints {
        Constraints::default()
            .with_min_length(self.min_length)
            .with_max_length(self.max_length)
            .with_max_relative(2.0, 10)
            .with_no_repeat_ngram(self.no_repeat_ngram)
            .without_unknown()
    }
}

/// Names the option where a value is out of range.
pub fn checked(search: impl Into<Search>) -> Result<Search, Failure> {
    let search = search.into();
    search.check().map_err(|(key, message)| {
        let option = key.rsplit('.').next().unwrap_or(key).replace('_', "-");
        format!("--{option} {message}")
    })?;
    Ok(search)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number >= 1 => Ok(number),
        _ => Err("it must be a whole number of at least 1".to_owned()),
    }
}

fn weight(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number >= 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("it must be a number of at least 0".to_owned()),
    }
}

fn length_penalty(text: &str) -> Result<LengthPenalty, String> {
    match text {
        "none" => Ok(LengthPenalty::None),
        "average" => Ok(LengthPenalty::Average),
        _ => match weight(text) {
            Ok(alpha) => Ok(LengthPenalty::Wu { alpha }),
            Err(_) => Err("it must be none, average, or a number of at least 0".to_owned()),
        },
    }
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let device = device::parse(&arguments.device)?;
    let beam = checked(arguments.search.beam(arguments.n_best))?;
    let sampler = Sampler::new(arguments.sampling.seed)
        .with_sampling(arguments.sampling.sampling())
        .with_constraints(arguments.search.constraints());
    let translators = arguments
        .model
        .iter()
        .map(|bundle| Translator::load(bundle, &device))
        .collect::<Result<Vec<_>, _>>()?;
    let translators: Vec<&Translator> = translators.iter().collect();
    let mut shown = Vec::new();
    let mut lengths = Lengths::default();
    let mut number = 0;
    arguments.lines.answer(|lines, output| {
        let search = match arguments.sample {
            true => checked(Search::Sample {
                sampler,
                first: number,
            })?,
            false => beam,
        };
        let translations = translate_together(&translators, lines, search)?;
        for (line, translation) in lines.iter().zip(&translations) {
            number += 1;
            lengths.count(translation.length);
            write(arguments, number, line, translation, output)?;
        }
        if arguments.attention.is_some() {
            shown.extend(translations);
        }
        Ok(())
    })?;
    lengths.tell();
    if let Some(path) = &arguments.attention {
        files::write(path, page::render(&shown).as_bytes())?;
        eprintln!("what was looked at is in {}", path.display());
    }
    Ok(())
}

fn write(
    arguments: &Arguments,
    number: u64,
    line: &str,
    translation: &Translation,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if arguments.json {
        return output.line(&to_json(line, translation).to_string());
    }
    for candidate in &translation.candidates {
        let (score, text) = (candidate.score, &candidate.text);
        let log_probability = candidate.log_probability;
        output.line(&match (arguments.scores, arguments.n_best) {
            (false, _) => text.clone(),
            (true, 1) => format!("{score:.4}\t{log_probability:.4}\t{text}"),
            (true, _) => format!("{number}\t{score:.4}\t{log_probability:.4}\t{text}"),
        })?;
    }
    Ok(())
}

fn to_json(line: &str, translation: &Translation) -> Value {
    let candidates: Vec<Value> = translation
        .candidates
        .iter()
        .map(|candidate| {
            json!({
                "text": candidate.text,
                "score": candidate.score,
                "log_probability": candidate.log_probability,
                "tokens": candidate.tokens,
                "attention": candidate.attention,
            })
        })
        .collect();
    json!({
        "source": line,
        "source_tokens": translation.source,
        "translations": candidates,
    })
}

/// How many lines were longer than the model knows.
#[derive(Default)]
struct Lengths {
    unusual: usize,
    cut: usize,
}

impl Lengths {
    fn count(&mut self, length: SourceLength) {
        match length {
            SourceLength::Usual => (),
            SourceLength::Unusual => self.unusual += 1,
            SourceLength::Cut => self.cut += 1,
        }
    }

    fn tell(&self) {
        if self.unusual > 0 {
            eprintln!(
                "note: {} lines are longer than any that the model has learned from",
                self.unusual
            );
        }
        if self.cut > 0 {
            eprintln!(
                "note: {} lines were cut after {MAX_SOURCE} tokens",
                self.cut
            );
        }
    }
}
