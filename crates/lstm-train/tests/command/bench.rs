//! A folder with small data in which the command can be tried, and what came of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Settings that make a training of about a second: 4 epochs of 15 steps. It is that long so that a
/// test that is not woken at once still kills it long before its end.
pub const TINY: [&str; 8] = [
    "training.epochs=4",
    "training.batch_size=8",
    "training.warmup_steps=0",
    "training.checkpoint_steps=3",
    "training.checkpoint_minutes=0",
    "training.log_steps=4",
    "model.d_embedding=16",
    "model.d_hidden=16",
];

/// What a run that hangs is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with the data of a classifier, and room for runs.
pub struct Bench {
    folder: TempDir,
}

impl Bench {
    /// A folder with `data/train.tsv` of 120 reviews, `data/valid.tsv` of 40 and `data/test.tsv`
    /// of 60.
    pub fn new() -> Self {
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let reviews = datasets::shipped("reviews").unwrap();
        for (name, lines) in [("train.tsv", 120), ("valid.tsv", 40), ("test.tsv", 60)] {
            let lines: Vec<&str> = reviews.file(name).unwrap().lines().take(lines).collect();
            bench.write(&format!("data/{name}"), lines.join("\n") + "\n");
        }
        bench
    }

    /// The same after a training in `run`, which is done once for all tests.
    pub fn trained() -> Self {
        static FILES: OnceLock<BTreeMap<PathBuf, Vec<u8>>> = OnceLock::new();
        let files = FILES.get_or_init(|| {
            let bench = Self::new();
            outcome(&mut bench.train("run", &[])).succeeded();
            files(&bench.path(""))
        });
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for (path, contents) in files {
            bench.write(path.to_str().unwrap(), contents);
        }
        // The recipe has the absolute path of the data.
        let recipe = bench.read("run/recipe.toml");
        let lines = recipe.lines().map(|line| match line.split_once(" = ") {
            Some(("directory", _)) => format!("directory = {:?}\n", bench.path("data")),
            _ => format!("{line}\n"),
        });
        bench.write("run/recipe.toml", lines.collect::<String>());
        bench
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders that it is in.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// A file's text.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// `lstm` with these arguments, run in the folder.
    pub fn lstm(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lstm"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// `lstm train` of a tiny classifier on the folder's data.
    pub fn train(&self, run: &str, settings: &[&str]) -> Command {
        let mut command = self.lstm(&["train", "classifier", "--data", "data", "--run", run]);
        for setting in TINY.iter().chain(settings) {
            command.args(["--set", setting]);
        }
        command
    }

    /// `lstm train --resume`.
    pub fn resume(&self, run: &str) -> Command {
        self.lstm(&["train", "classifier", "--resume", run])
    }

    /// The bytes of a run's trained weights.
    pub fn weights(&self, run: &str) -> Vec<u8> {
        fs::read(self.path(run).join("bundle/model.safetensors")).unwrap()
    }

    /// A run's events.
    pub fn events(&self, run: &str) -> Vec<Value> {
        self.read(&format!("{run}/events.jsonl"))
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The step of a run's newest checkpoint, 0 without any.
    pub fn newest_checkpoint(&self, run: &str) -> u64 {
        let Ok(entries) = fs::read_dir(self.path(run).join("checkpoints")) else {
            return 0;
        };
        entries
            .filter_map(|entry| {
                let name = entry.unwrap().file_name().into_string().unwrap();
                name.strip_prefix("step-")?.parse().ok()
            })
            .max()
            .unwrap_or(0)
    }

    /// A training that is killed as soon as there is a checkpoint of step 3 or later.
    pub fn train_until_killed(&self, run: &str, settings: &[&str]) {
        self.until_killed(run, &mut self.train(run, settings));
    }

    /// The same of any training.
    pub fn until_killed(&self, run: &str, command: &mut Command) {
        let mut training = Running::start(command);
        training.wait_until(|| self.newest_checkpoint(run) >= 3);
        training.kill();
    }
}

/// All files in a folder by their path in it.
pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; none after a signal.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Runs a command to its end.
pub fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a command to its end, with `input` for its standard input.
pub fn outcome_of_input(command: &mut Command, input: &[u8]) -> Outcome {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(input).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    outcome(command.stdin(file))
}

impl Outcome {
    /// Asserts that all went well.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// Asserts that the command ended with this code, said nothing on standard output, and on
    /// standard error something with all these parts in it.
    #[track_caller]
    pub fn refused(self, code: i32, parts: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{parts:?}: {}", self.stderr);
        assert_eq!(self.stdout, "", "{parts:?}");
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no `{part}` in: {}",
                self.stderr
            );
        }
        self
    }
}

/// A command under way.
pub struct Running(pub Child);

impl Running {
    /// Starts a command.
    pub fn start(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Waits until something is so, or the command has ended.
    #[track_caller]
    pub fn wait_until(&mut self, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() && self.0.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < PATIENCE, "nothing happens");
            sleep(Duration::from_millis(1));
        }
    }

    /// Waits until it says on standard error that its training begins: from then on Ctrl-C saves.
    pub fn wait_for_training(&mut self) {
        let mut said = Vec::new();
        let stderr = self.0.stderr.as_mut().unwrap();
        // Byte by byte: the rest is for `outcome`.
        let mut byte = [0];
        while stderr.read(&mut byte).unwrap() == 1 {
            said.extend(byte);
            if said.ends_with(b"the run is in ") {
                return;
            }
        }
        panic!("{}", String::from_utf8_lossy(&said));
    }

    /// Ends it with SIGKILL.
    ///
    /// # Panics
    ///
    /// If it has ended by itself: then nothing is tried.
    #[track_caller]
    pub fn kill(self) {
        assert!(self.killed_alive(), "it ended before it was killed");
    }

    /// Ends it with SIGKILL; whether it had not ended by itself.
    pub fn killed_alive(mut self) -> bool {
        let is_alive = self.0.try_wait().unwrap().is_none();
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        is_alive
    }

    /// Waits for its end.
    pub fn outcome(self) -> Outcome {
        let output = self.0.wait_with_output().unwrap();
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
