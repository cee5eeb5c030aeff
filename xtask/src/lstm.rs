//! The `lstm` command: built if need be, then run in this process's place.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::backend::Backend;
use crate::cargo::Cargo;
use crate::failure::Failure;

/// The commands that compute, each with all its words: options follow them.
const WITH_DEVICE: [&[&str]; 10] = [
    &["train"],
    &["evaluate"],
    &["predict"],
    &["summarize"],
    &["translate"],
    &["generate"],
    &["score-text"],
    &["trace"],
    &["profile"],
    &["bench", "layers"],
];

/// Builds `lstm` with the backend, and runs it with the arguments.
///
/// # Errors
///
/// It cannot be built or started. On Unix it takes this process's place: Ctrl-C reaches it alone,
/// and its exit code is this call's.
pub fn run(backend: Option<Backend>, arguments: Vec<OsString>) -> Result<(), Failure> {
    let program = program()?;
    if !program.exists() {
        eprintln!("Compiling the lstm command; the first time, this takes some minutes.");
    }
    Cargo::new(&[
        "build",
        "--release",
        "--package",
        "lstm-train",
        "--bin",
        "lstm",
    ])
    .arguments(backend.map(Backend::cargo_arguments).unwrap_or_default())
    .run()?;
    let mut command = Command::new(&program);
    command.args(with_device(backend, arguments));
    replace_this_process(command)
        .map_err(|error| Failure::Broken(format!("cannot run {}: {error}", program.display())))
}

/// Where cargo puts `lstm`: beside the directory of this program, `TARGET/debug/xtask`, whatever
/// set the target directory.
fn program() -> Result<PathBuf, Failure> {
    let unknown = |what: &str| Failure::Broken(format!("cannot find the target directory: {what}"));
    let this = std::env::current_exe().map_err(|error| unknown(&error.to_string()))?;
    let target = this
        .ancestors()
        .nth(2)
        .ok_or_else(|| unknown("this program has no place"))?;
    let name = format!("lstm{}", std::env::consts::EXE_SUFFIX);
    Ok(target.join("release").join(name))
}

/// Has the backend that was compiled in also used, unless a device is named.
fn with_device(backend: Option<Backend>, mut arguments: Vec<OsString>) -> Vec<OsString> {
    let Some(backend) = backend else {
        return arguments;
    };
    let words = WITH_DEVICE.into_iter().find(|words| {
        let typed = arguments.iter().take(words.len());
        typed.eq(words.iter())
    });
    let mut options = arguments.iter().take_while(|argument| *argument != "--");
    let named = options.any(|argument| {
        argument == "--device" || argument.to_string_lossy().starts_with("--device=")
    });
    if let (Some(words), false) = (words, named) {
        let place = words.len();
        arguments.splice(place..place, ["--device".into(), backend.name().into()]);
    }
    arguments
}

#[cfg(unix)]
fn replace_this_process(mut command: Command) -> Result<(), std::io::Error> {
    // Comes back only if it fails.
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

#[cfg(not(unix))]
fn replace_this_process(mut command: Command) -> Result<(), std::io::Error> {
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(arguments: &str) -> String {
        let arguments = arguments.split_whitespace().map(OsString::from).collect();
        let (backend, arguments) = crate::backend::take(arguments).unwrap();
        let arguments = with_device(backend, arguments);
        let arguments: Vec<&str> = arguments.iter().map(|one| one.to_str().unwrap()).collect();
        arguments.join(" ")
    }

    #[test]
    fn the_backend_becomes_the_device_of_commands_that_compute() {
        for (typed, expected) in [
            (
                "train classifier --backend cuda",
                "train --device cuda classifier",
            ),
            (
                "--backend wgpu predict not bad",
                "predict --device wgpu not bad",
            ),
            (
                "predict --backend flex -- --device",
                "predict --device flex -- --device",
            ),
            (
                "bench --backend cuda layers --json",
                "bench layers --device cuda --json",
            ),
            ("recipes --backend cuda", "recipes"),
            ("bench --backend cuda", "bench"),
            ("bench --help layers --backend cuda", "bench --help layers"),
            ("--backend cuda", ""),
        ] {
            assert_eq!(passed_on(typed), expected);
        }
    }

    #[test]
    fn a_device_that_is_named_stays() {
        for (typed, expected) in [
            (
                "train x --backend cuda --device cuda:1",
                "train x --device cuda:1",
            ),
            (
                "train --device=cuda:1 x --backend cuda",
                "train --device=cuda:1 x",
            ),
            ("train x", "train x"),
        ] {
            assert_eq!(passed_on(typed), expected);
        }
    }

    #[test]
    fn lstm_lies_in_the_target_directory_of_this_program() {
        let program = program().unwrap();
        assert!(
            program.parent().unwrap().ends_with("release"),
            "{}",
            program.display()
        );
    }
}
