//! Why a measurement cannot be made.

use crate::device::DeviceError;

use super::workload::Shape;

/// How to get at PyTorch.
const PYTHON_HINT: &str = "`--against pytorch` needs a Python with PyTorch; \
    PYTHON=/path/to/python names it, and `python3 -m pip install torch` installs it";

/// A measurement that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The shape does not fit into memory, or into a number.
    #[error("shape {shape} needs at least {needed:.1} GiB, and {available:.1} GiB are available")]
    TooLarge {
        /// The shape.
        shape: Shape,
        /// What it needs at least, in GiB.
        needed: f64,
        /// What the machine has left, in GiB.
        available: f64,
    },
    /// A single step of several steps.
    #[error("shape {shape}: in mode step a call is one time step, so its second number must be 1")]
    ManySteps {
        /// The shape.
        shape: Shape,
    },
    /// A batch without padding is held against one without padding.
    #[error("--against full is for batches with padding: it goes with --lengths uniform")]
    NoPadding,
    /// There is no such device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device fails.
    #[error("the device fails: {0}")]
    Execution(String),
    /// Python cannot be started.
    #[error("cannot start `{python}` ({error}): {PYTHON_HINT}")]
    NoPython {
        /// The program that was tried.
        python: String,
        /// Why it cannot be started.
        error: std::io::Error,
    },
    /// Python has no PyTorch, or one that cannot be loaded.
    #[error("`{python}` cannot load PyTorch ({message}): {PYTHON_HINT}")]
    NoPyTorch {
        /// The Python.
        python: String,
        /// What it says.
        message: String,
    },
    /// PyTorch does not do what it is asked for.
    #[error("PyTorch fails: {0}")]
    PyTorch(String),
    /// Resident memory is read from Linux's `/proc`.
    #[error("memory is measured by /proc/self/status, which only Linux has ({0})")]
    NoProc(String),
    /// A device whose memory is not this process's.
    #[error("memory is measured on the CPU only: use --device flex, not {device}")]
    DeviceMemory {
        /// The device that was given.
        device: String,
    },
}
