//! PyTorch in a process of its own, told what to do line by line: see `pytorch.py`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::side::Side;
use super::{BenchError, LengthsChoice, Workload, sgemm};

const SCRIPT: &str = include_str!("pytorch.py");

/// PyTorch's layers.
pub struct PyTorch {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl PyTorch {
    /// Starts the Python that the environment's PYTHON names, else `python3`, to compute on what
    /// corresponds to burn's device of that name: the CPU, or a GPU of the same index.
    ///
    /// # Errors
    ///
    /// There is no such Python, it has no PyTorch, or that sees no GPU.
    pub fn start(device: &str, threads: usize) -> Result<Self, BenchError> {
        Self::start_with(device, threads, &[])
    }

    /// [`start`](Self::start), with these variables in the environment of its process.
    pub(super) fn start_with(
        device: &str,
        threads: usize,
        environment: &[(&str, &str)],
    ) -> Result<Self, BenchError> {
        let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        let shown = python.to_string_lossy().into_owned();
        let mut command = Command::new(&python);
        command
            .args(["-W", "ignore", "-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .envs(environment.iter().copied());
        let mut process = command.spawn().map_err(|error| BenchError::NoPython {
            python: shown.clone(),
            error,
        })?;
        let commands = process.stdin.take().expect("the input is piped");
        let answers = process.stdout.take().expect("the output is piped");
        let mut this = Self {
            process,
            commands,
            answers: BufReader::new(answers),
        };
        this.answer().map_err(|error| BenchError::NoPyTorch {
            python: shown,
            message: match error {
                BenchError::PyTorch(message) => message,
                other => other.to_string(),
            },
        })?;
        let (name, index) = device.split_once(':').unwrap_or((device, "0"));
        let kind = match name {
            "flex" | "ndarray" => "cpu",
            _ => "gpu",
        };
        this.ask(json!({
            "command": "begin",
            "threads": threads,
            "device": kind,
            "index": index.parse::<usize>().unwrap_or(0),
        }))?;
        Ok(this)
    }

    /// By how many bytes resident memory grows at most during one call of what is prepared.
    ///
    /// # Errors
    ///
    /// It fails, or there is no `/proc`.
    pub fn growth(&mut self) -> Result<u64, BenchError> {
        let answer = self.ask(json!({"command": "growth"}))?;
        answer["bytes"].as_u64().ok_or_else(|| senseless(&answer))
    }

    fn seconds(&mut self, command: Value, calls: usize) -> Result<Vec<f64>, BenchError> {
        let answer = self.ask(command)?;
        let seconds = answer["seconds"].as_array().map(|values| {
            let values = values.iter().map(Value::as_f64);
            values.collect::<Option<Vec<f64>>>().unwrap_or_default()
        });
        match seconds {
            Some(seconds) if seconds.len() == calls => Ok(seconds),
            _ => Err(senseless(&answer)),
        }
    }

    fn ask(&mut self, command: Value) -> Result<Value, BenchError> {
        writeln!(self.commands, "{command}")
            .and_then(|()| self.commands.flush())
            .map_err(|error| BenchError::PyTorch(format!("it takes no commands: {error}")))?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Value, BenchError> {
        let failed = |message: String| Err(BenchError::PyTorch(message));
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(0) => return failed("its process has ended".to_owned()),
            Ok(_) => (),
            Err(error) => return failed(format!("it gives no answer: {error}")),
        }
        match serde_json::from_str::<Value>(&line) {
            Ok(answer) => match answer["error"].as_str() {
                None => Ok(answer),
                Some(message) => failed(message.to_owned()),
            },
            Err(_) => failed(format!("it answers {:?}", line.trim_end())),
        }
    }
}

fn senseless(answer: &Value) -> BenchError {
    BenchError::PyTorch(format!("it answers {answer}"))
}

impl Drop for PyTorch {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Side for PyTorch {
    fn prepare(&mut self, workload: &Workload) -> Result<(), BenchError> {
        let lengths = match workload.lengths {
            LengthsChoice::Full => Value::Null,
            LengthsChoice::Uniform | LengthsChoice::Even { .. } => {
                json!(workload.lengths().as_slice())
            }
        };
        self.ask(json!({
            "command": "prepare",
            "cell": workload.cell.name(),
            "mode": workload.mode.name(),
            "shape": workload.shape.to_array(),
            "lengths": lengths,
        }))?;
        Ok(())
    }

    fn run(&mut self, calls: usize) -> Result<Vec<f64>, BenchError> {
        self.seconds(json!({"command": "run", "calls": calls}), calls)
    }

    fn products(&mut self, calls: usize) -> Result<Vec<f64>, BenchError> {
        let command = json!({"command": "products", "calls": calls, "size": sgemm::SIZE});
        self.seconds(command, calls)
    }

    fn process(&self) -> u32 {
        self.process.id()
    }
}
