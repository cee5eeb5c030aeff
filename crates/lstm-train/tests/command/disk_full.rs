//! A disk that is full when a checkpoint is written costs nothing but the time since the last one.

use std::path::Path;
use std::process::Command;

use crate::bench::{Bench, files, outcome};
use crate::resume::assert_log_is_whole;

/// The command, unable to write files of more than this many bytes.
fn limited(command: &Command, bytes: u64) -> Command {
    let mut shell = Command::new("sh");
    // POSIX counts in blocks of 512 bytes.
    shell.args(["-c", "ulimit -f \"$0\" && exec \"$@\""]);
    shell.arg((bytes / 512).to_string());
    shell.arg(command.get_program()).args(command.get_args());
    shell.current_dir(command.get_current_dir().unwrap());
    shell
}

/// Asserts that no interrupted write has left anything.
#[track_caller]
fn assert_is_clean(run: &Path) {
    for folder in [run.to_owned(), run.join("checkpoints")] {
        for entry in folder.read_dir().unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.starts_with('.') && !name.ends_with(".old"), "{name}");
        }
    }
}

#[test]
fn a_first_checkpoint_without_room_is_named_and_the_run_starts_over() {
    let bench = Bench::trained();
    let error = [
        "cannot write the checkpoint",
        "full/checkpoints/step-000000003",
    ];
    outcome(&mut limited(&bench.train("full", &[]), 8192)).refused(1, &error);
    assert_eq!(bench.newest_checkpoint("full"), 0);
    assert_is_clean(&bench.path("full"));

    outcome(&mut bench.resume("full")).succeeded();
    assert!(bench.weights("full") == bench.weights("run"));
    assert_log_is_whole(&bench, "full");
}

#[test]
fn a_checkpoint_without_room_leaves_the_one_before() {
    let bench = Bench::trained();
    bench.train_until_killed("full", &[]);
    // The step that it goes on from may be a later one than the one that was waited for.
    let step = bench.newest_checkpoint("full");
    let before = files(&bench.path("full/checkpoints"));
    let size = |name: &str| {
        let name = Path::new(&format!("step-{step:09}")).join(name);
        before[&name].len() as u64
    };
    // There is room for the weights, but not for the optimizer's state.
    let (weights, optimizer) = (size("weights.bpk"), size("optimizer.bpk"));
    assert!(weights + 4096 < optimizer);
    let error = [
        "cannot write the checkpoint",
        "full/checkpoints/step-",
        "--resume full",
    ];
    for _ in 0..2 {
        let limit = (weights + optimizer) / 2;
        outcome(&mut limited(&bench.resume("full"), limit)).refused(1, &error);
        assert!(files(&bench.path("full/checkpoints")) == before);
    }
    outcome(&mut bench.resume("full")).succeeded();
    assert!(bench.weights("full") == bench.weights("run"));
    assert_is_clean(&bench.path("full"));
    assert_log_is_whole(&bench, "full");
}
