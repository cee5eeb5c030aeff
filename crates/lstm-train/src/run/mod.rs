//! Everything about one run, in one directory: the full recipe, `events.jsonl`, curves,
//! checkpoints, and the bundle.

mod curves;
mod directory;
mod events;
pub mod files;
mod progress;

pub use curves::{CurvesError, draw_curves};
pub use directory::{RunDirectory, RunError};
pub use events::{Event, EventError, EventKind, EventLog, read_events};
pub use progress::{Progress, duration, say};
