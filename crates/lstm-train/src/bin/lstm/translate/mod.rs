//! `lstm translate`

mod page;

use std::path::PathBuf;

use clap::Args;
use lstm_models::{
    MAX_SOURCE, Sampler, Search, SourceLength, Translation, TranslationSearch, Translator,
    TranslatorEnsemble,
};
use lstm_train::device;
use lstm_train::run::files;
use serde_json::{Value, json};

use crate::Failure;
use crate::candidates::{Candidate, Columns};
use crate::lines::{self, LineArguments, Output};
use crate::sampling::SamplingArguments;
use crate::search::SearchArguments;

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
    /// Write up to so many translations of each line, the best first, each after the line's number, from 1, and a tab.
    #[arg(long, value_name = "N", default_value = "1")]
    n_best: usize,
    /// Before each translation its score and its log-probability, separated by tabs.
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

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let device = device::parse(&arguments.device)?;
    let way = Way::new(arguments)?;
    let translators = arguments
        .model
        .iter()
        .map(|bundle| Translator::load(bundle, &device))
        .collect::<Result<Vec<_>, _>>()?;
    let ensemble = TranslatorEnsemble::new(translators)?;
    let mut shown = Vec::new();
    let mut notes = Notes::default();
    let mut number = 0;
    arguments.lines.answer(|lines, output| {
        let translations = ensemble.translate(lines, way.search(number))?;
        for (line, translation) in lines.iter().zip(&translations) {
            number += 1;
            notes.count(translation);
            write(arguments, number, line, translation, output)?;
        }
        if arguments.attention.is_some() {
            shown.extend(translations);
        }
        Ok(())
    })?;
    notes.tell();
    if let Some(path) = &arguments.attention {
        files::write(path, page::render(&shown).as_bytes())?;
        eprintln!("what was looked at is in {}", path.display());
    }
    Ok(())
}

/// How translations are written.
enum Way {
    Beam(TranslationSearch),
    Sample(Sampler),
}

impl Way {
    fn new(arguments: &Arguments) -> Result<Self, Failure> {
        let search = arguments
            .search
            .search(TranslationSearch::default(), arguments.n_best)?;
        let sampling = &arguments.sampling;
        if !arguments.sample {
            return match sampling.given() {
                Some(option) => Err(format!("{option} is for --sample").into()),
                None => Ok(Self::Beam(search)),
            };
        }
        if let Some(option) = arguments.search.given_of_beam() {
            return Err(format!("{option} is for a search, and --sample draws").into());
        }
        Ok(Self::Sample(
            Sampler::new(sampling.seed())
                .with_sampling(sampling.sampling())
                .with_constraints(search.constraints()),
        ))
    }

    /// The search for lines, of which so many come before.
    fn search(&self, before: u64) -> Search {
        match *self {
            Self::Beam(search) => search.into(),
            Self::Sample(sampler) => Search::Sample {
                sampler,
                first: before,
            },
        }
    }
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
    let candidates = translation.candidates.iter().map(|candidate| Candidate {
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

/// What people should know of some lines.
#[derive(Default)]
struct Notes {
    unusual: usize,
    cut: usize,
    not_found: usize,
}

impl Notes {
    fn count(&mut self, translation: &Translation) {
        match translation.length {
            SourceLength::Usual => (),
            SourceLength::Unusual => self.unusual += 1,
            SourceLength::Cut => self.cut += 1,
        }
        if !translation.is_found() {
            self.not_found += 1;
        }
    }

    fn tell(&self) {
        for (count, what) in [
            (
                self.unusual,
                "longer than any that the model has learned from".to_owned(),
            ),
            (self.cut, format!("cut after {MAX_SOURCE} tokens")),
            (
                self.not_found,
                "left empty: the options leave no translation, or the model's answers are no numbers"
                    .to_owned(),
            ),
        ] {
            lines::note(count, "line", &what);
        }
    }
}
