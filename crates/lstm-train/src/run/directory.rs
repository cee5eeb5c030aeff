//! The directory of one run, and the lock that keeps a second process out of it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::files::{self, FileError};

/// What can be wrong with a run directory.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It cannot be created or written to.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is there already.
    #[error(
        "{path} is there already and not empty; name another directory with --run, or go on with \
         the run in it: --resume {path}"
    )]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// Another process trains in it.
    #[error("{path} is in use: another process trains in it")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// It holds no run.
    #[error(
        "{path} is not a run that can be resumed: {missing} is missing; start a new run instead"
    )]
    NotARun {
        /// The directory.
        path: PathBuf,
        /// What is missing.
        missing: &'static str,
    },
    /// Its recipe cannot be read.
    #[error("cannot read {path}: {source}")]
    Recipe {
        /// The recipe.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The directory of one run. The lock on it is the system's and dies with the process.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    _lock: File,
}

const RECIPE: &str = "recipe.toml";
const LOCK: &str = "lock";

impl RunDirectory {
    /// Creates a run's directory and writes its full recipe into it: `path`, which must not be
    /// there or be empty; or without one `runs/<name>`, then `runs/<name>-2`, ….
    ///
    /// # Errors
    ///
    /// A directory that is not empty, in use, or cannot be written to.
    pub fn create(path: Option<&Path>, name: &str, recipe: &str) -> Result<Self, RunError> {
        let path = match path {
            Some(path) => {
                std::fs::create_dir_all(path).map_err(FileError::at(path))?;
                path.to_owned()
            }
            None => create_next(name)?,
        };
        let lock = lock(&path)?;
        for entry in std::fs::read_dir(&path).map_err(FileError::at(&path))? {
            if entry.map_err(FileError::at(&path))?.file_name() != LOCK {
                return Err(RunError::Exists { path });
            }
        }
        let checkpoints = path.join("checkpoints");
        std::fs::create_dir(&checkpoints).map_err(FileError::at(&checkpoints))?;
        // The recipe comes last: a directory that has one is complete.
        files::write(&path.join(RECIPE), recipe.as_bytes())?;
        Ok(Self { path, _lock: lock })
    }

    /// Opens the directory of a run that is to go on, and reads its recipe.
    ///
    /// # Errors
    ///
    /// A directory that is missing, holds no run, or is in use.
    pub fn open(path: &Path) -> Result<(Self, String), RunError> {
        let not_a_run = |missing| RunError::NotARun {
            path: path.to_owned(),
            missing,
        };
        if !path.is_dir() {
            return Err(not_a_run("the directory"));
        }
        let recipe = path.join(RECIPE);
        if !recipe.is_file() {
            return Err(not_a_run(RECIPE));
        }
        let lock = lock(path)?;
        let text = std::fs::read_to_string(&recipe).map_err(|source| RunError::Recipe {
            path: recipe,
            source,
        })?;
        // What an interrupted write left behind.
        for folder in [path.to_owned(), path.join("checkpoints")] {
            for entry in std::fs::read_dir(&folder).map_err(FileError::at(&folder))? {
                let entry = entry.map_err(FileError::at(&folder))?.path();
                let name = entry.file_name().unwrap_or_default().to_string_lossy();
                if name.starts_with(".writing-") || name.starts_with(".tmp") {
                    let removed = if entry.is_dir() {
                        std::fs::remove_dir_all(&entry)
                    } else {
                        std::fs::remove_file(&entry)
                    };
                    removed.map_err(FileError::at(&entry))?;
                }
            }
        }
        let run = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        Ok((run, text))
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The full recipe, with which the run can be repeated.
    pub fn recipe(&self) -> PathBuf {
        self.path.join(RECIPE)
    }

    /// The log of events.
    pub fn events(&self) -> PathBuf {
        self.path.join("events.jsonl")
    }

    /// The curves of loss and scores.
    pub fn curves(&self) -> PathBuf {
        self.path.join("curves.svg")
    }

    /// The folder of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// The trained model.
    pub fn bundle(&self) -> PathBuf {
        self.path.join("bundle")
    }
}

/// `runs/<name>`, or the first free of `runs/<name>-2`, `runs/<name>-3`, ….
fn create_next(name: &str) -> Result<PathBuf, FileError> {
    let runs = Path::new("runs");
    std::fs::create_dir_all(runs).map_err(FileError::at(runs))?;
    let mut number = 1;
    loop {
        let path = match number {
            1 => runs.join(name),
            _ => runs.join(format!("{name}-{number}")),
        };
        // The system decides who of two processes gets the name.
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(FileError::at(&path)(error)),
        }
    }
}

fn lock(directory: &Path) -> Result<File, RunError> {
    let path = directory.join(LOCK);
    let file = File::create(&path).map_err(FileError::at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RunError::InUse {
            path: directory.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(FileError::at(&path)(error).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_in_use_is_refused_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let run = RunDirectory::create(Some(&path), "name", "a = 1").unwrap();
        assert!(matches!(
            RunDirectory::open(&path),
            Err(RunError::InUse { .. })
        ));
        drop(run);
        let (run, recipe) = RunDirectory::open(&path).unwrap();
        assert_eq!((run.path(), recipe.as_str()), (path.as_path(), "a = 1"));
    }

    #[test]
    fn a_directory_with_something_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
        let error = RunDirectory::create(Some(folder.path()), "name", "").unwrap_err();
        assert!(error.to_string().contains("--resume"), "{error}");
        assert!(!folder.path().join(RECIPE).exists());
    }

    #[test]
    fn a_half_written_run_is_refused_with_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let error = RunDirectory::open(folder.path()).unwrap_err();
        assert!(
            error.to_string().contains("recipe.toml is missing"),
            "{error}"
        );
        let error = RunDirectory::open(&folder.path().join("nowhere")).unwrap_err();
        assert!(
            error.to_string().contains("the directory is missing"),
            "{error}"
        );
    }

    #[test]
    fn leftovers_of_an_interrupted_write_are_cleared_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        drop(RunDirectory::create(Some(&path), "name", "a = 1").unwrap());
        let leftover = path.join("checkpoints/.writing-1234");
        std::fs::create_dir(&leftover).unwrap();
        RunDirectory::open(&path).unwrap();
        assert!(!leftover.exists());
    }
}
