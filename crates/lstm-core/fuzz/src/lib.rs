//! What all targets do.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

use lstm_core::{Checkpoint, Format};

/// Reads everything that a file of these bytes gives: each tensor, and each layer as each format has it.
/// `name` is what the file is called.
pub fn read(name: &str, bytes: &[u8]) {
    let path = written(name, bytes);
    if let Ok(checkpoint) = Checkpoint::open(&path) {
        for tensor in checkpoint.entries().keys() {
            let _ = checkpoint.read(tensor);
        }
    }
    for format in Format::ALL {
        if let Ok(file) = format.open(&path) {
            for prefix in file.prefixes() {
                if let Ok(weights) = file.read(&prefix) {
                    // What was read can be written.
                    let _ = weights.state_dict("");
                }
            }
        }
    }
}

/// The one file that all runs of this process use, with these bytes: in memory where there is a place.
pub fn written(name: &str, bytes: &[u8]) -> PathBuf {
    static FILE: LazyLock<Mutex<Option<(File, PathBuf)>>> = LazyLock::new(Mutex::default);
    let mut file = FILE.lock().expect("no run ends while it holds the file");
    let (file, path) = file.get_or_insert_with(|| {
        let memory = PathBuf::from("/dev/shm");
        let folder = match memory.is_dir() {
            true => memory,
            false => std::env::temp_dir(),
        };
        let path = folder.join(format!("lstm-core-fuzz-{}-{name}", std::process::id()));
        (File::create(&path).expect("a file can be made"), path)
    });
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(bytes))
        .expect("the file can be written");
    path.clone()
}
