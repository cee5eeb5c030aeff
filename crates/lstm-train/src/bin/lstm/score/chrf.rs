//! `lstm score chrf` and `lstm score chrf++`

use clap::Args;
use lstm_train::metrics::translation::{Case, Chrf, ChrfSmoothing, Spaces};

use super::report::ReportArguments;
use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    report: ReportArguments,
    /// The longest n-grams of characters.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=6))]
    char_order: u8,
    /// How many times as much recall counts as precision.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000))]
    beta: u32,
    /// Let white space be part of n-grams of characters.
    #[arg(long)]
    whitespace: bool,
    /// Count what a text is too short for as 1e-16, as Popović's program, NLTK and Moses do.
    #[arg(long)]
    eps_smoothing: bool,
    /// Compare in lower case.
    #[arg(long)]
    lowercase: bool,
}

pub fn run(arguments: &Arguments, word_order: usize) -> Result<(), Failure> {
    let chrf = Chrf {
        character_order: usize::from(arguments.char_order),
        word_order,
        beta: arguments.beta,
        case: match arguments.lowercase {
            true => Case::Lower,
            false => Case::Mixed,
        },
        spaces: match arguments.whitespace {
            true => Spaces::Kept,
            false => Spaces::Ignored,
        },
        smoothing: match arguments.eps_smoothing {
            true => ChrfSmoothing::Epsilon,
            false => ChrfSmoothing::Effective,
        },
    };
    arguments.report.run(&chrf)
}
