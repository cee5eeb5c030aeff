//! `lstm score`: texts beside reference texts. A file a metric, and what all have in common.

mod bleu;
mod chrf;
mod report;
mod rouge;
mod segments;
mod summaries;
mod ter;

use clap::{Args, Subcommand};

use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    metric: Metric,
}

#[derive(Subcommand)]
enum Metric {
    /// BLEU of translations (Papineni et al. 2002), equal to sacreBLEU's.
    Bleu(bleu::Arguments),
    /// chrF of translations (Popović 2015), equal to sacreBLEU's.
    Chrf(chrf::Arguments),
    /// chrF++ of translations: chrF with pairs of words (Popović 2017).
    #[command(name = "chrf++")]
    ChrfPlusPlus(chrf::Arguments),
    /// ROUGE of summaries (Lin 2004), equal to rouge-score's.
    Rouge(rouge::Arguments),
    /// Translation edit rate (Snover et al. 2006), equal to sacreBLEU's; less is better.
    Ter(ter::Arguments),
}

/// Prints how good texts are beside their references.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.metric {
        Metric::Bleu(arguments) => bleu::run(arguments),
        Metric::Chrf(arguments) => chrf::run(arguments, 0),
        Metric::ChrfPlusPlus(arguments) => chrf::run(arguments, 2),
        Metric::Rouge(arguments) => rouge::run(arguments),
        Metric::Ter(arguments) => ter::run(arguments),
    }
}
