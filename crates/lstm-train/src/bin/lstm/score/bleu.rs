//! `lstm score bleu`

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use lstm_train::metrics::translation::{Bleu, Case, Orders, Smoothing, Tokenizer};

use super::report::ReportArguments;
use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    report: ReportArguments,
    /// What a token is.
    #[arg(long, value_name = "TOKENIZER", default_value = Tokenizer::default().name(),
        value_parser = tokenizer())]
    tokenize: Tokenizer,
    /// What is done about n-grams of which none matches.
    #[arg(long, value_enum, default_value_t = Method::Exp)]
    smooth: Method,
    /// The value of `floor` [default: 0.1] or `add-k` [default: 1].
    #[arg(long, value_name = "VALUE", value_parser = smoothing_value)]
    smooth_value: Option<f64>,
    /// Compare in lower case.
    #[arg(long)]
    lowercase: bool,
}

/// The methods of smoothing by sacreBLEU's names.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Method {
    /// The score is 0 then.
    None,
    /// That many count as matched.
    Floor,
    /// That many are added to matches and n-grams of two words and more.
    AddK,
    /// Half a match, then a quarter, …
    Exp,
}

fn tokenizer() -> impl TypedValueParser<Value = Tokenizer> {
    let names = Tokenizer::ALL.map(Tokenizer::name);
    PossibleValuesParser::new(names)
        .try_map(|name| Tokenizer::named(&name).ok_or("not a tokenizer"))
}

fn smoothing_value(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.0..=1e6).contains(&value) => Ok(value),
        _ => Err("expected a number from 0 to 1000000".to_owned()),
    }
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let value = arguments.smooth_value;
    let smoothing = match arguments.smooth {
        Method::Floor => Smoothing::Floor(value.unwrap_or(0.1)),
        Method::AddK => Smoothing::AddK(value.unwrap_or(1.0)),
        Method::None | Method::Exp if value.is_some() => {
            return Err("--smooth-value: only --smooth floor and add-k have a value".into());
        }
        Method::None => Smoothing::None,
        Method::Exp => Smoothing::Exponential,
    };
    let bleu = Bleu {
        tokenizer: arguments.tokenize,
        smoothing,
        case: match arguments.lowercase {
            true => Case::Lower,
            false => Case::Mixed,
        },
        // As in sacreBLEU: a line may have less than four words.
        orders: match arguments.report.is_by_sentence() {
            true => Orders::Effective,
            false => Orders::All,
        },
    };
    arguments.report.run(&bleu)
}
