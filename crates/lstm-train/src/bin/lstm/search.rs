//! The options of a search for what is to be written of a text.

use clap::{Args, ValueEnum};
use lstm_models::{CoveragePenalty, LengthPenalty, Stopping, TranslationSearch};

use crate::Failure;

/// How a translation, or a summary, is searched for.
#[derive(Args)]
pub struct SearchArguments {
    /// How many hypotheses are followed at once; 1 takes the most probable token each time [default: 5; of a
    /// summarizer, as of all these, what its test part was summarized with].
    #[arg(long, value_name = "N")]
    beam: Option<usize>,
    /// What length does to a score: none, average (of a token), or the α of Wu et al. 2016 [default: average].
    #[arg(long, value_name = "none|average|ALPHA", value_parser = length_penalty)]
    length_penalty: Option<LengthPenalty>,
    /// The β of Wu et al. 2016: what leaves parts of its source unread scores less [default: 0].
    #[arg(long, value_name = "BETA", value_parser = weight)]
    coverage_penalty: Option<f64>,
    /// End a line's search when nothing better is likely to come, or only when it is certain that nothing can: that
    /// takes two to three times as long [default: likely].
    #[arg(long, value_enum)]
    stopping: Option<StoppingName>,
    /// The fewest tokens of what is written [default: 0].
    #[arg(long, value_name = "N")]
    min_length: Option<usize>,
    /// The most tokens of what is written; it never has more than twice its source's and 10.
    #[arg(long, value_name = "N")]
    max_length: Option<usize>,
    /// Never write the same N tokens twice in a line [default: no such limit].
    #[arg(long, value_name = "N")]
    no_repeat_ngram: Option<usize>,
}

#[derive(Clone, Copy, ValueEnum)]
enum StoppingName {
    Likely,
    Certain,
}

impl SearchArguments {
    /// The search for so many answers to a line; what was not given is as `default` has it.
    ///
    /// # Errors
    ///
    /// The first option whose value is out of range, and what it must be.
    pub fn search(
        &self,
        default: TranslationSearch,
        n_best: usize,
    ) -> Result<TranslationSearch, Failure> {
        let search = TranslationSearch {
            beam: self.beam.unwrap_or(default.beam),
            n_best,
            length_penalty: self.length_penalty.unwrap_or(default.length_penalty),
            coverage_penalty: match self.coverage_penalty {
                None => default.coverage_penalty,
                Some(0.0) => CoveragePenalty::None,
                Some(beta) => CoveragePenalty::Wu { beta },
            },
            stopping: match self.stopping {
                None => default.stopping,
                Some(StoppingName::Likely) => Stopping::Likely,
                Some(StoppingName::Certain) => Stopping::Certain,
            },
            min_length: self.min_length.unwrap_or(default.min_length),
            max_length: self.max_length.unwrap_or(default.max_length),
            no_repeat_ngram: self.no_repeat_ngram.unwrap_or(default.no_repeat_ngram),
        };
        search
            .check()
            .map_err(|(key, message)| format!("--{} {message}", key.replace('_', "-")))?;
        Ok(search)
    }

    /// The first option that was given and is of a beam only.
    pub fn given_of_beam(&self) -> Option<&'static str> {
        [
            ("--beam", self.beam.is_some()),
            ("--length-penalty", self.length_penalty.is_some()),
            ("--coverage-penalty", self.coverage_penalty.is_some()),
            ("--stopping", self.stopping.is_some()),
        ]
        .into_iter()
        .find_map(|(name, given)| given.then_some(name))
    }

    /// The first option that was given.
    pub fn given(&self) -> Option<&'static str> {
        let lengths = [
            ("--min-length", self.min_length.is_some()),
            ("--max-length", self.max_length.is_some()),
            ("--no-repeat-ngram", self.no_repeat_ngram.is_some()),
        ];
        let of_lengths = lengths
            .into_iter()
            .find_map(|(name, given)| given.then_some(name));
        self.given_of_beam().or(of_lengths)
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
