//! `test` and `ci`: what has to hold before a change goes in.

use std::ffi::OsString;
use std::time::Instant;

use crate::backend::Backend;
use crate::cargo::Cargo;
use crate::dependencies;
use crate::failure::Failure;

const LIBRARIES: [&str; 3] = ["lstm-core", "lstm-models", "lstm-train"];

/// Runs all tests of the workspace, with one profile for tests and training, so that one compiles
/// what the other needs. They run on the CPU; a backend that is named is compiled in as well.
///
/// # Errors
///
/// Something does not compile, or a test fails.
pub fn test(backend: Option<Backend>, arguments: &[OsString]) -> Result<(), Failure> {
    Cargo::new(&["test", "--workspace", "--release"])
        .arguments(backend.map(Backend::added_arguments).unwrap_or_default())
        .arguments(arguments)
        .run()
}

/// Checks what the tests do not, cheapest first.
///
/// # Errors
///
/// The first check that fails.
pub fn ci() -> Result<(), Failure> {
    let start = Instant::now();
    timed("which crate depends on what", dependencies::check)?;
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--release",
        "--",
        "-D",
        "warnings",
    ])?;
    cargo(&["doc", "--workspace", "--no-deps", "--release"])?;
    // Alone, a library has only the features that it asks for itself: burn is compiled again.
    for library in LIBRARIES {
        cargo(&["test", "--release", "--package", library])?;
    }
    check(
        &["lstm-core", "lstm-models"],
        Some("wasm32-unknown-unknown"),
        "flex,lstm-core/weights",
    )?;
    // What is compiled in only when asked for.
    check(&["lstm-core"], None, "flex,ndarray")?;
    // The vectors of the other processor: types only, because there is none to run them on.
    check(&["lstm-core"], Some("aarch64-unknown-linux-gnu"), "flex")?;
    eprintln!(
        "All checks passed in {:.0} s.",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Checks the types of some libraries with these features only.
fn check(packages: &[&str], target: Option<&str>, features: &str) -> Result<(), Failure> {
    let mut arguments = vec!["check", "--release"];
    for package in packages {
        arguments.extend(["--package", package]);
    }
    if let Some(target) = target {
        arguments.extend(["--target", target]);
    }
    arguments.extend(["--no-default-features", "--features", features]);
    cargo(&arguments)
}

fn cargo(arguments: &[&str]) -> Result<(), Failure> {
    let cargo = Cargo::new(arguments);
    let name = cargo.shown().to_owned();
    timed(&name, || cargo.run())
}

fn timed(name: &str, check: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    eprintln!("==> {name}");
    let start = Instant::now();
    check()?;
    eprintln!("    {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
