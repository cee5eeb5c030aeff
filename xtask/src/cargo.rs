//! Calls of cargo on this workspace, from wherever the user is.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// A call of the cargo that runs this program, on this workspace.
pub struct Cargo {
    command: Command,
    /// As a user would type it.
    shown: String,
}

impl Cargo {
    /// A call such as `cargo test --workspace`.
    pub fn new(arguments: &[&str]) -> Self {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(program);
        // xtask is a member of the workspace: its parent directory is the root.
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml");
        let (name, rest) = arguments
            .split_first()
            .expect("cargo is called with a subcommand");
        command
            .arg(name)
            .arg("--manifest-path")
            .arg(manifest)
            .args(rest);
        Self {
            command,
            shown: format!("cargo {}", arguments.join(" ")),
        }
    }

    /// More arguments.
    pub fn arguments<T: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        for argument in arguments {
            self.shown.push(' ');
            self.shown.push_str(&argument.as_ref().to_string_lossy());
            self.command.arg(argument);
        }
        self
    }

    /// The call as a user would type it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Runs it, with everything that it prints.
    ///
    /// # Errors
    ///
    /// There is no cargo, or it fails.
    pub fn run(mut self) -> Result<(), Failure> {
        let status = self.command.status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::Program {
                call: self.shown,
                status,
            }),
            Err(error) => Err(Failure::Broken(format!(
                "cannot run `{}`: {error}",
                self.shown
            ))),
        }
    }

    /// Runs it and gives what it prints on standard output.
    ///
    /// # Errors
    ///
    /// There is no cargo, or it fails.
    pub fn output(mut self) -> Result<String, Failure> {
        match self.command.stderr(Stdio::inherit()).output() {
            Ok(output) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            Ok(output) => Err(Failure::Program {
                call: self.shown,
                status: output.status,
            }),
            Err(error) => Err(Failure::Broken(format!(
                "cannot run `{}`: {error}",
                self.shown
            ))),
        }
    }
}
