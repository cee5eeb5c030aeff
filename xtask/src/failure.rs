//! How a call can fail, and the exit code that it ends with.

use std::process::{ExitCode, ExitStatus};

/// Why a call failed.
#[derive(Debug, PartialEq)]
pub enum Failure {
    /// It was called wrongly.
    Usage(String),
    /// Something does not work, or a rule is broken.
    Broken(String),
    /// A program failed, and has said why itself.
    Program {
        /// What was called.
        call: String,
        /// How it ended.
        status: ExitStatus,
    },
}

impl Failure {
    /// Says what is wrong, on standard error, and gives the exit code: 2 for a wrong call, a
    /// program's own, else 1.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Usage(message) => {
                eprintln!("error: {message}\n\nFor help: cargo xtask help");
                ExitCode::from(2)
            }
            Self::Broken(message) => {
                eprintln!("error: {message}");
                ExitCode::FAILURE
            }
            Self::Program { call, status } => {
                eprintln!("error: `{call}` failed ({status})");
                let code = status.code().and_then(|code| u8::try_from(code).ok());
                code.map_or(ExitCode::FAILURE, ExitCode::from)
            }
        }
    }
}
