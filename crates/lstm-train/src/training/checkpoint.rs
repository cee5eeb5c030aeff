//! Everything that a run needs to go on as if it had never stopped.
//!
//! A checkpoint is a directory `step-…` with the weights, the optimizer's state, the best weights so far,
//! the mean of the weights, the state that streams are in, and where the loop stands. It is written beside
//! and renamed, so that one that is there is complete, and the one before it is deleted only afterwards.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::Device;
use lstm_core::RecurrentState;
use lstm_models::bundle;
use serde::{Deserialize, Serialize};

use super::average::Average;
use super::optimizer::Optimizer;
use super::state;
use crate::metrics::Metrics;
use crate::run::files::{self, FileError};

/// How many checkpoints are kept: one more than is needed, for people whose newest one is damaged.
const KEPT: usize = 2;

const PREFIX: &str = "step-";
const WEIGHTS: &str = "weights.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const BEST: &str = "best.safetensors";
/// The mean of the weights, where there is one.
const AVERAGE: &str = "average.safetensors";
/// What the last batch left for the next, where that is anything.
const CARRIED: &str = "carried.safetensors";
/// In TOML, not JSON: what is read back from it is the number that was written, to the last bit,
/// and it knows numbers that are not finite.
const POSITION: &str = "position.toml";

/// What can go wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It cannot be written.
    #[error("cannot write the checkpoint {path}: {message}")]
    Write {
        /// The checkpoint.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// It cannot be read.
    #[error(
        "cannot read the checkpoint {path}: {message}; without that directory a run goes on from \
         the checkpoint before it"
    )]
    Read {
        /// The checkpoint.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// It cannot be put in its place.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Where the training loop stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Position {
    /// Optimizer steps done.
    pub step: u64,
    /// The epoch under way, counted from 1.
    pub epoch: u64,
    /// Batches of this epoch that are done.
    pub batch: usize,
    /// Whether training is over, be it by the number of epochs or early.
    pub finished: bool,
    /// Seconds of training.
    pub seconds: f64,
    /// Bytes of the log of events that belong to this position.
    pub log_length: u64,
    /// The data that the run is trained on.
    pub fingerprint: u32,
    /// Sums since the last `train` event.
    pub window: Window,
    /// The best validation so far.
    pub best: Option<Best>,
    /// Validations since then.
    pub stale_validations: u64,
    /// The step of the last validation.
    pub validated_step: u64,
    /// What the metric that picks the best weights was at each validation, where they decide when the
    /// weights are averaged.
    #[serde(default)]
    pub validations: Vec<f64>,
    /// Steps that the mean of the weights is taken over, if it has begun.
    #[serde(default)]
    pub averaged_steps: Option<u64>,
}

impl Position {
    /// Before the first step.
    pub fn start(fingerprint: u32) -> Self {
        Self {
            step: 0,
            epoch: 1,
            batch: 0,
            finished: false,
            seconds: 0.0,
            log_length: 0,
            fingerprint,
            window: Window::default(),
            best: None,
            stale_validations: 0,
            validated_step: 0,
            validations: Vec::new(),
            averaged_steps: None,
        }
    }
}

/// Sums since the last `train` event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Window {
    pub nll: f64,
    pub count: f64,
    pub gradient_norm: f64,
    pub steps: u64,
}

/// The best validation of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The step that it was made after.
    pub step: u64,
    /// The epoch of that step.
    pub epoch: u64,
    /// The validation's scores.
    pub metrics: Metrics,
}

/// What is read back from a checkpoint.
pub(super) struct Restored<M> {
    pub model: M,
    pub optimizer: Optimizer,
    pub position: Position,
    pub best_weights: Option<Vec<u8>>,
    pub average: Option<Average>,
    pub carried: Option<Vec<RecurrentState>>,
}

/// What a checkpoint holds beside the position.
pub(super) struct Parts<'a, M> {
    pub model: &'a M,
    pub optimizer: &'a Optimizer,
    pub best_weights: Option<&'a [u8]>,
    pub average: Option<&'a Average>,
    pub carried: Option<&'a [RecurrentState]>,
}

/// Writes a checkpoint into `directory`, then deletes all but the newest ones.
pub(super) fn write<M: Module>(
    directory: &Path,
    parts: Parts<'_, M>,
    position: &Position,
) -> Result<PathBuf, CheckpointError> {
    let target = directory.join(format!("{PREFIX}{:09}", position.step));
    let failed = |message: String| CheckpointError::Write {
        path: target.clone(),
        message,
    };
    files::replace_directory(&target, |target| -> Result<(), CheckpointError> {
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(target.join(name), bytes).map_err(|error| failed(error.to_string()))
        };
        let record = parts.model.clone().into_record();
        record
            .save(target.join(WEIGHTS))
            .map_err(|error| failed(error.to_string()))?;
        parts
            .optimizer
            .save(&target.join(OPTIMIZER))
            .map_err(|error| failed(error.to_string()))?;
        if let Some(bytes) = parts.best_weights {
            write(BEST, bytes)?;
        }
        if let Some(average) = parts.average {
            let model = average.put_into(parts.model.valid());
            write(AVERAGE, &bundle::weights_to_bytes(&model))?;
        }
        if let Some(states) = parts.carried {
            state::save(states, &target.join(CARRIED)).map_err(&failed)?;
        }
        let text = toml::to_string(position).map_err(|error| failed(error.to_string()))?;
        write(POSITION, text.as_bytes())
    })?;
    let mut all = list(directory)?;
    while all.len() > KEPT {
        let oldest = all.remove(0);
        std::fs::remove_dir_all(&oldest).map_err(|error| CheckpointError::Write {
            path: oldest,
            message: format!("it cannot be deleted: {error}"),
        })?;
    }
    Ok(target)
}

/// Reads the newest checkpoint of `directory`; `None` if there is none yet.
pub(super) fn read_newest<M: Module>(
    directory: &Path,
    model: M,
    optimizer: Optimizer,
    device: &Device,
) -> Result<Option<Restored<M>>, CheckpointError> {
    let Some(path) = list(directory)?.pop() else {
        return Ok(None);
    };
    let failed = |message: String| CheckpointError::Read {
        path: path.clone(),
        message,
    };
    let text = std::fs::read_to_string(path.join(POSITION))
        .map_err(|error| failed(format!("{POSITION}: {error}")))?;
    let position: Position =
        toml::from_str(&text).map_err(|error| failed(format!("{POSITION}: {error}")))?;
    let record = ModuleRecord::load(path.join(WEIGHTS))
        .map_err(|error| failed(format!("{WEIGHTS}: {error}")))?;
    let model = model
        .try_load_record(record)
        .map_err(|error| failed(format!("{WEIGHTS}: {error}")))?;
    let optimizer = optimizer
        .load(&path.join(OPTIMIZER))
        .map_err(|error| failed(format!("{OPTIMIZER}: {error}")))?;
    let best_weights = match &position.best {
        Some(_) => {
            let bytes = std::fs::read(path.join(BEST));
            Some(bytes.map_err(|error| failed(format!("{BEST}: {error}")))?)
        }
        None => None,
    };
    let average = match position.averaged_steps {
        Some(steps) => {
            let file = path.join(AVERAGE);
            let bytes = std::fs::read(&file);
            let bytes = bytes.map_err(|error| failed(format!("{AVERAGE}: {error}")))?;
            let mean = bundle::weights_from_bytes(&file, &bytes, model.valid());
            let mean = mean.map_err(|error| failed(error.to_string()))?;
            Some(Average::restored(&mean, steps))
        }
        None => None,
    };
    let carried = match path.join(CARRIED) {
        file if file.exists() => {
            let states = state::load(&file, device);
            Some(states.map_err(|message| failed(format!("{CARRIED}: {message}")))?)
        }
        _ => None,
    };
    Ok(Some(Restored {
        model,
        optimizer,
        position,
        best_weights,
        average,
        carried,
    }))
}

/// The complete checkpoints of `directory`, oldest first.
fn list(directory: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let failed = |error: std::io::Error| CheckpointError::Read {
        path: directory.to_owned(),
        message: error.to_string(),
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let step = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if let Some(step) = step.and_then(|step| step.parse::<u64>().ok()) {
            found.push((step, entry.path()));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn position(seconds: f64, metric: f64, fingerprint: u32) -> Position {
        Position {
            step: 7,
            epoch: 2,
            batch: 3,
            finished: false,
            seconds,
            log_length: 1234,
            fingerprint,
            window: Window {
                nll: metric * 3.0,
                count: 64.0,
                gradient_norm: seconds / 3.0,
                steps: 2,
            },
            best: Some(Best {
                step: 6,
                epoch: 1,
                metrics: Metrics::from([("accuracy".to_owned(), metric)]),
            }),
            stale_validations: 1,
            validated_step: 6,
            validations: vec![metric, seconds],
            averaged_steps: Some(u64::from(fingerprint)),
        }
    }

    proptest! {
        #[test]
        fn a_position_is_read_back_to_the_last_bit(
            seconds in 0.0..1e6_f64,
            metric in any::<f64>().prop_filter("NaN equals nothing", |value| !value.is_nan()),
            fingerprint: u32,
        ) {
            let position = position(seconds, metric, fingerprint);
            let text = toml::to_string(&position).unwrap();
            prop_assert_eq!(toml::from_str::<Position>(&text).unwrap(), position);
        }
    }
}
