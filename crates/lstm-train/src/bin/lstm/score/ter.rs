//! `lstm score ter`

use clap::Args;
use lstm_train::metrics::translation::{AsianSupport, Case, Normalization, Punctuation, Ter};

use super::report::ReportArguments;
use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    report: ReportArguments,
    /// Take punctuation apart and undo escapes of XML, as Tercom can.
    #[arg(long)]
    normalized: bool,
    /// Take out punctuation.
    #[arg(long)]
    no_punct: bool,
    /// With --normalized, ideographs are words; with --no-punct, full-width punctuation goes too.
    #[arg(long)]
    asian_support: bool,
    /// Let capital letters be letters of their own.
    #[arg(long)]
    case_sensitive: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let ter = Ter {
        case: match arguments.case_sensitive {
            true => Case::Mixed,
            false => Case::Lower,
        },
        normalization: match arguments.normalized {
            true => Normalization::Tercom,
            false => Normalization::None,
        },
        punctuation: match arguments.no_punct {
            true => Punctuation::Removed,
            false => Punctuation::Kept,
        },
        asian: match arguments.asian_support {
            true => AsianSupport::Characters,
            false => AsianSupport::None,
        },
    };
    arguments.report.run(&ter)
}
