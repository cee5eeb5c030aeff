//! The files of a score: a line a segment.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use lstm_train::corpus::{self, Encoding};
use lstm_train::metrics::translation;

use crate::Failure;

/// The name of standard input.
const STANDARD_INPUT: &str = "-";

#[derive(Args)]
pub struct Files {
    /// The texts to score, one a line; `-` is standard input. .gz is read as it is.
    #[arg(long, value_name = "FILE")]
    hyp: PathBuf,
    /// The reference for each line; repeat the option for several references.
    #[arg(long = "ref", value_name = "FILE", required = true)]
    references: Vec<PathBuf>,
    /// Another system's texts: is the difference more than chance? (paired test)
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
}

/// A file and what is in it.
pub struct Text {
    /// What it is called.
    pub name: String,
    contents: String,
}

impl Text {
    /// Reads a file, or standard input.
    ///
    /// # Errors
    ///
    /// What cannot be read, unpacked or decoded.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        if path != Path::new(STANDARD_INPUT) {
            return Ok(Self {
                name: path.display().to_string(),
                contents: corpus::read_plain(path, Encoding::Utf8)?,
            });
        }
        let name = "standard input".to_owned();
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        let contents = corpus::read_plain_bytes(&name, bytes, Encoding::Utf8)?;
        Ok(Self { name, contents })
    }

    /// Its lines, without white space at their ends.
    pub fn lines(&self) -> Vec<&str> {
        translation::lines(&self.contents)
    }
}

/// All files of a score, each with as many lines.
pub struct Texts {
    /// What is scored.
    pub system: Text,
    /// What it is compared with.
    pub baseline: Option<Text>,
    references: Vec<Text>,
}

impl Files {
    /// Reads all files.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, one without lines, files of different lengths, standard input
    /// asked for more than once.
    pub fn read(&self) -> Result<Texts, Failure> {
        let all = [&self.hyp].into_iter().chain(&self.baseline);
        let all = all.chain(&self.references);
        at_most_once_from_input(all)?;
        let system = Text::read(&self.hyp)?;
        let baseline = self.baseline.as_deref().map(Text::read).transpose()?;
        let references = self.references.iter().map(|path| Text::read(path));
        let references = references.collect::<Result<Vec<_>, _>>()?;

        let others = baseline.iter().chain(&references);
        let others = others.map(|text| (&*text.name, text.lines().len()));
        as_many_lines((&system.name, system.lines().len()), others)?;
        Ok(Texts {
            system,
            baseline,
            references,
        })
    }
}

/// # Errors
///
/// Standard input asked for more than once.
pub fn at_most_once_from_input<'a>(
    paths: impl Iterator<Item = &'a PathBuf>,
) -> Result<(), Failure> {
    match paths
        .filter(|path| path.as_os_str() == STANDARD_INPUT)
        .count()
    {
        0 | 1 => Ok(()),
        _ => Err("standard input, `-`, can be read only once".into()),
    }
}

/// Files by name, each with the number of its lines.
///
/// # Errors
///
/// A first one without lines, others with more or less.
pub fn as_many_lines<'a>(
    (name, lines): (&str, usize),
    others: impl Iterator<Item = (&'a str, usize)>,
) -> Result<(), Failure> {
    if lines == 0 {
        return Err(format!("{name} is empty, expected a text a line").into());
    }
    for (other, others) in others {
        if others != lines {
            return Err(format!(
                "{name} has {lines} lines, {other} has {others}: expected as many, line for line"
            )
            .into());
        }
    }
    Ok(())
}

impl Texts {
    /// The references of each line, `[lines, references]`.
    pub fn references(&self) -> Vec<Vec<&str>> {
        let mut segments =
            vec![Vec::with_capacity(self.references.len()); self.system.lines().len()];
        for reference in &self.references {
            for (segment, line) in segments.iter_mut().zip(reference.lines()) {
                segment.push(line);
            }
        }
        segments
    }
}
