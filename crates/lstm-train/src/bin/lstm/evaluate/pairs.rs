//! The pairs of texts that a translator or a summarizer is evaluated on.

use lstm_train::corpus::{self, Format, PairOptions, ParallelCorpus};

use super::Arguments;
use crate::Failure;

/// Sources and references, from two files or from one that holds both.
///
/// # Errors
///
/// Options that do not go together, and whatever is wrong with the files.
pub fn read(arguments: &Arguments) -> Result<ParallelCorpus, Failure> {
    let data = &arguments.data;
    if let Some(target) = &arguments.target {
        for (option, given) in [
            ("--format", arguments.format.is_some()),
            ("--text", arguments.text.is_some()),
            ("--label", arguments.label.is_some()),
        ] {
            if given {
                return Err(format!(
                    "{option} is for a file that holds both sides, not beside --target"
                )
                .into());
            }
        }
        return Ok(corpus::read_aligned(data, target, arguments.encoding)?);
    }
    let format = arguments.format.or_else(|| Format::from_path(data));
    let format = format.ok_or_else(|| {
        format!(
            "{} is the sources: name the file of what is to be written of them with --target, or a tsv, csv or jsonl \
             that holds both",
            data.display()
        )
    })?;
    Ok(corpus::read_pairs(
        data,
        &PairOptions {
            encoding: arguments.encoding,
            source: arguments.text.clone(),
            target: arguments.label.clone(),
            ..PairOptions::new(format)
        },
    )?)
}
