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
    /// There is a run in it already.
    #[error(
        "{path} holds a run already; name another directory with --run, or go on with the run in \
         it: --resume {path}"
    )]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// There is something else in it.
    #[error("{path} is not empty and no run; name another directory with --run")]
    NotEmpty {
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
const CHECKPOINTS: &str = "checkpoints";
const LOCK: &str = "lock";

impl RunDirectory {
    /// Creates a run's directory and writes its full recipe into it: `path`, which must not be
    /// there or be empty; or without one `runs/<name>`, then `runs/<name>-2`, ….
    ///
    /// # Errors
    ///
    /// A directory that is not empty (but for what a run leaves that is killed before it has its
    /// recipe), in use, or cannot be written to.
    pub fn create(path: Option<&Path>, name: &str, recipe: &str) -> Result<Self, RunError> {
        let path = match path {
            Some(path) => {
                std::fs::create_dir_all(path).map_err(FileError::at(path))?;
                path.to_owned()
            }
            None => create_next(name)?,
        };
        // Not even the lock is put into a directory that holds something else.
        let is_run = path.join(RECIPE).exists();
        if !is_run {
            require_empty(&path)?;
        }
        let lock = lock(&path)?;
        // Another process may have been here before the lock was ours.
        if is_run || path.join(RECIPE).exists() {
            return Err(RunError::Exists { path });
        }
        files::recover(&path)?;
        let checkpoints = path.join(CHECKPOINTS);
        std::fs::create_dir_all(&checkpoints).map_err(FileError::at(&checkpoints))?;
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
        let (recipe, checkpoints) = (path.join(RECIPE), path.join(CHECKPOINTS));
        if !recipe.is_file() {
            return Err(not_a_run(RECIPE));
        }
        if !checkpoints.is_dir() {
            return Err(not_a_run(CHECKPOINTS));
        }
        let lock = lock(path)?;
        let text = std::fs::read_to_string(&recipe).map_err(|source| RunError::Recipe {
            path: recipe,
            source,
        })?;
        files::recover(path)?;
        files::recover(&checkpoints)?;
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
        self.path.join(CHECKPOINTS)
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

/// Refuses a directory with anything in it but what a run leaves that is killed before it has its
/// recipe: the lock, an empty folder of checkpoints, an unfinished recipe.
fn require_empty(path: &Path) -> Result<(), RunError> {
    for entry in std::fs::read_dir(path).map_err(FileError::at(path))? {
        let entry = entry.map_err(FileError::at(path))?;
        let metadata = entry.metadata().map_err(FileError::at(path))?;
        let name = entry.file_name();
        let is_leftover = match name.to_str() {
            Some(LOCK) => metadata.len() == 0,
            Some(CHECKPOINTS) => {
                std::fs::read_dir(entry.path()).is_ok_and(|mut inside| inside.next().is_none())
            }
            Some(name) => metadata.is_file() && files::is_unfinished(name),
            None => false,
        };
        if !is_leftover {
            return Err(RunError::NotEmpty {
                path: path.to_owned(),
            });
        }
    }
    Ok(())
}

fn lock(directory: &Path) -> Result<File, RunError> {
    let path = directory.join(LOCK);
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(FileError::at(&path))?;
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
        assert!(error.to_string().contains("is not empty"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_run_that_is_there_is_offered_to_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        drop(RunDirectory::create(Some(&path), "name", "a = 1").unwrap());
        let error = RunDirectory::create(Some(&path), "name", "a = 2").unwrap_err();
        assert!(error.to_string().contains("--resume"), "{error}");
        assert_eq!(RunDirectory::open(&path).unwrap().1, "a = 1");
    }

    #[test]
    fn a_run_that_was_killed_before_its_recipe_was_there_starts_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::write(path.join(LOCK), "").unwrap();
        std::fs::create_dir(path.join(CHECKPOINTS)).unwrap();
        std::fs::write(path.join(".writing-abc"), "a =").unwrap();
        drop(RunDirectory::create(Some(path), "name", "a = 1").unwrap());
        assert_eq!(RunDirectory::open(path).unwrap().1, "a = 1");
        assert!(!path.join(".writing-abc").exists());
    }

    #[test]
    fn a_half_written_run_is_refused_with_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let error = RunDirectory::open(folder.path()).unwrap_err();
        assert!(
            error.to_string().contains("recipe.toml is missing"),
            "{error}"
        );
        std::fs::write(folder.path().join(RECIPE), "").unwrap();
        let error = RunDirectory::open(folder.path()).unwrap_err();
        assert!(
            error.to_string().contains("checkpoints is missing"),
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
