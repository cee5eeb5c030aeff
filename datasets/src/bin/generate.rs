//! Writes the files of every set that ships.
//!
//! `cargo run -p datasets --bin generate [-- DIR]`; without `DIR` into this package's own folder.
//! Each file is written beside its place and then renamed, so that none is ever half there.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use datasets::{grammar, pairs, reports, reviews};

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let folder = arguments
        .next()
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    if arguments.next().is_some() || folder.to_string_lossy().starts_with('-') {
        eprintln!(
            "usage: generate [DIR]    (default: {})",
            env!("CARGO_MANIFEST_DIR")
        );
        return ExitCode::from(2);
    }
    let sets = [
        ("reviews", reviews::generate(reviews::SEED).files()),
        (grammar::NAME, grammar::generate(grammar::SEED).files()),
        (pairs::NAME, pairs::generate(pairs::SEED).files()),
        (reports::NAME, reports::generate(reports::SEED).files()),
    ];
    for (set, files) in sets {
        for (name, contents) in files {
            let path = folder.join(set).join(name);
            if let Err(error) = write(&path, &contents) {
                eprintln!("error: cannot write {}: {error}", path.display());
                return ExitCode::FAILURE;
            }
            let (path, lines) = (path.display(), contents.lines().count());
            println!("{path}: {lines} lines, {} bytes", contents.len());
        }
    }
    ExitCode::SUCCESS
}

fn write(path: &Path, contents: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let unfinished = path.with_added_extension("tmp");
    fs::write(&unfinished, contents)?;
    fs::rename(&unfinished, path)
}
