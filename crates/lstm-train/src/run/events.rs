//! `events.jsonl`: what happened in a run, one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::metrics::Metrics;

/// What can be wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The log.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The log.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It ends before the place where a checkpoint goes on.
    #[error("{path} has {found} bytes, but the checkpoint goes on after byte {expected}")]
    TooShort {
        /// The log.
        path: PathBuf,
        /// Its bytes.
        found: u64,
        /// The bytes that there were when the checkpoint was written.
        expected: u64,
    },
    /// A line is not an event.
    #[error("{path}:{line} is not an event: {message}")]
    Line {
        /// The log.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
}

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The run began.
    Start,
    /// Some steps were trained.
    Train,
    /// The validation part was scored.
    Valid,
    /// The test part was scored.
    Test,
    /// A checkpoint was written.
    Checkpoint,
    /// The run is over.
    End,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub event: EventKind,
    /// Optimizer steps done by then.
    pub step: u64,
    /// The epoch under way, counted from 1.
    pub epoch: u64,
    /// Seconds since training began, summed over interruptions.
    pub seconds: f64,
    /// The scores by name; `null` for one that is not a finite number, and `n` as an integer. Beside them, as text,
    /// the `signature` that says how scores were computed, where there is one.
    #[serde(flatten)]
    pub metrics: Map<String, Value>,
}

impl Event {
    /// An event with these scores.
    pub fn new(kind: EventKind, step: u64, epoch: u64, seconds: f64, metrics: &Metrics) -> Self {
        Self {
            event: kind,
            step,
            epoch,
            seconds: (seconds * 1000.0).round() / 1000.0,
            metrics: metrics
                .iter()
                .map(|(name, &value)| {
                    let counts = name == "n";
                    let value = if counts {
                        Value::from(value as u64)
                    } else {
                        value.into()
                    };
                    (name.clone(), value)
                })
                .collect(),
        }
    }

    /// The score of this name, if there is one and it is a number.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.get(name)?.as_f64()
    }
}

/// The log of a run, open for writing.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
    length: u64,
}

impl EventLog {
    /// Opens a log to add to it; creates it if it is not there.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened.
    pub fn open(path: &Path) -> Result<Self, EventError> {
        let failed = |source| EventError::Write {
            path: path.to_owned(),
            source,
        };
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
        })
    }

    /// Adds a line.
    ///
    /// # Errors
    ///
    /// A full disk.
    pub fn append(&mut self, event: &Event) -> Result<(), EventError> {
        let failed = |source| EventError::Write {
            path: self.path.clone(),
            source,
        };
        let mut line = serde_json::to_vec(event).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(failed)?;
        self.length += line.len() as u64;
        Ok(())
    }

    /// Makes the lines so far last, should the machine fail.
    ///
    /// # Errors
    ///
    /// A disk that fails.
    pub fn sync(&self) -> Result<(), EventError> {
        self.file.sync_data().map_err(|source| EventError::Write {
            path: self.path.clone(),
            source,
        })
    }

    /// How many bytes there are: what a checkpoint remembers.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes back what was written after the checkpoint that a run goes on from, so that each step
    /// stands once.
    ///
    /// # Errors
    ///
    /// A file that cannot be shortened, or is shorter already.
    pub fn truncate_to(&mut self, length: u64) -> Result<(), EventError> {
        if self.length < length {
            return Err(EventError::TooShort {
                path: self.path.clone(),
                found: self.length,
                expected: length,
            });
        }
        self.file
            .set_len(length)
            .map_err(|source| EventError::Write {
                path: self.path.clone(),
                source,
            })?;
        self.length = length;
        Ok(())
    }
}

/// Reads a log. A last line without its end, as a killed process leaves it, is passed over.
///
/// # Errors
///
/// A file that cannot be read, a line that is not an event.
pub fn read_events(path: &Path) -> Result<Vec<Event>, EventError> {
    let text = std::fs::read_to_string(path).map_err(|source| EventError::Read {
        path: path.to_owned(),
        source,
    })?;
    text.split_inclusive('\n')
        .enumerate()
        .filter(|(_, line)| line.ends_with('\n'))
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| EventError::Line {
                path: path.to_owned(),
                line: index + 1,
                message: error.to_string(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(step: u64) -> Event {
        let metrics = Metrics::from([("accuracy".to_owned(), 0.5), ("loss".to_owned(), f64::NAN)]);
        Event::new(EventKind::Valid, step, 1, 1.23456, &metrics)
    }

    #[test]
    fn a_line_has_its_metrics_by_name() {
        let line = serde_json::to_string(&event(7)).unwrap();
        assert_eq!(
            line,
            r#"{"event":"valid","step":7,"epoch":1,"seconds":1.235,"accuracy":0.5,"loss":null}"#
        );
    }

    #[test]
    fn after_a_truncation_each_step_stands_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut log = EventLog::open(&path).unwrap();
        log.append(&event(1)).unwrap();
        let checkpoint = log.length();
        log.append(&event(2)).unwrap();
        // Killed in the middle of a line.
        std::fs::write(
            &path,
            [std::fs::read(&path).unwrap(), b"{\"eve".to_vec()].concat(),
        )
        .unwrap();
        assert_eq!(read_events(&path).unwrap().len(), 2);

        let mut log = EventLog::open(&path).unwrap();
        log.truncate_to(checkpoint).unwrap();
        log.append(&event(2)).unwrap();
        let steps: Vec<u64> = read_events(&path)
            .unwrap()
            .iter()
            .map(|event| event.step)
            .collect();
        assert_eq!(steps, [1, 2]);
    }

    #[test]
    fn a_log_is_never_made_longer() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = EventLog::open(&folder.path().join("events.jsonl")).unwrap();
        let error = log.truncate_to(8).unwrap_err();
        assert!(error.to_string().contains("after byte 8"), "{error}");
    }

    #[test]
    fn a_broken_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        std::fs::write(&path, "{}\n").unwrap();
        let error = read_events(&path).unwrap_err();
        assert!(
            error.to_string().contains("events.jsonl:1 is not an event"),
            "{error}"
        );
    }
}
