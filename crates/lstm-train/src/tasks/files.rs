//! Where a recipe's files are: in a folder, or in a set that ships with the program.

use std::path::{Path, PathBuf};

use crate::corpus::{CorpusError, Dropped};

/// Why a recipe's data cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// No folder was named.
    #[error(
        "this recipe needs data that do not ship with the program: name their folder with \
         --data DIR; it must hold {files}. datasets/README.md says where they come from"
    )]
    NoDirectory {
        /// The files.
        files: String,
    },
    /// A file is missing.
    #[error("{path} is missing: --data must name the folder that holds {files}")]
    NoFile {
        /// The file.
        path: PathBuf,
        /// All files of the recipe.
        files: String,
    },
    /// There is no shipped set of this name.
    #[error("data.shipped: no set `{name}` ships with the program; there are {}", known.join(", "))]
    NotShipped {
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<&'static str>,
    },
    /// The shipped set has no such file.
    #[error("data: the shipped set `{set}` has no file `{file}`")]
    NotInSet {
        /// The set.
        set: String,
        /// The file.
        file: String,
    },
    /// The format cannot be told.
    #[error("the format of {path} cannot be told from its name: set data.format to {formats}")]
    NoFormat {
        /// The file.
        path: PathBuf,
        /// The formats that it can have.
        formats: &'static str,
    },
    /// A text is nothing but white space.
    #[error("{file} has no token, expected a text")]
    NoToken {
        /// The file.
        file: String,
    },
    /// A text is shorter than its streams.
    #[error(
        "{file} has {tokens} tokens: each of the {streams} streams (training.batch_size) needs at least one"
    )]
    TooShort {
        /// The file.
        file: String,
        /// Its tokens.
        tokens: usize,
        /// Streams that are read side by side.
        streams: usize,
    },
    /// No pair is left to learn from.
    #[error(
        "{files}: no pair is left to learn from ({dropped}); see the section [filter] of the recipe"
    )]
    NoPair {
        /// The files.
        files: String,
        /// What became of the pairs.
        dropped: Dropped,
    },
    /// The file is not what its format says.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
}

/// Where the files of a recipe are looked for.
pub(super) struct DataSource<'a> {
    /// The name of a set that is part of the program, used where no directory is given.
    pub shipped: &'a str,
    /// The folder of the files; what `--data` sets.
    pub directory: Option<&'a Path>,
    /// All of them; empty names for none.
    pub files: Vec<&'a str>,
}

/// Where a file is.
pub(super) enum Located {
    /// In a folder.
    Path(PathBuf),
    /// In the program: its contents.
    Shipped(&'static str),
}

impl DataSource<'_> {
    /// Finds one of the files.
    pub fn locate(&self, file: &str) -> Result<Located, DataError> {
        if let Some(directory) = self.directory {
            let path = directory.join(file);
            return match path.exists() {
                true => Ok(Located::Path(path)),
                false => Err(DataError::NoFile {
                    path,
                    files: self.names(),
                }),
            };
        }
        if self.shipped.is_empty() {
            return Err(DataError::NoDirectory {
                files: self.names(),
            });
        }
        let set = datasets::shipped(self.shipped).ok_or_else(|| DataError::NotShipped {
            name: self.shipped.to_owned(),
            known: datasets::all().iter().map(|set| set.name).collect(),
        })?;
        let contents = set.file(file).ok_or_else(|| DataError::NotInSet {
            set: self.shipped.to_owned(),
            file: file.to_owned(),
        })?;
        Ok(Located::Shipped(contents))
    }

    /// The files, as a reader needs them.
    pub fn names(&self) -> String {
        let files = self.files.iter().copied().filter(|file| !file.is_empty());
        files.collect::<Vec<_>>().join(", ")
    }
}
