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
    fn read(path: &Path) -> Result<Self, Failure> {
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
        let from_input = all.filter(|path| path.as_os_str() == STANDARD_INPUT);
        if from_input.count() > 1 {
            return Err("standard input, `-`, can be read only once".into());
        }
        let system = Text::read(&self.hyp)?;
        let baseline = self.baseline.as_deref().map(Text::read).transpose()?;
        let references = self.references.iter().map(|path| Text::read(path));
        let references = references.collect::<Result<Vec<_>, _>>()?;

        let lines = system.lines().len();
        if lines == 0 {
            return Err(format!("{} is empty, expected a text a line", system.name).into());
        }
        for other in baseline.iter().chain(&references) {
            let others = other.lines().len();
            if others != lines {
                return Err(format!(
                    "{} has {lines} lines, {} has {others}: expected as many, line for line",
                    system.name, other.name
                )
                .into());
            }
        }
        Ok(Texts {
            system,
            baseline,
            references,
        })
    }
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
