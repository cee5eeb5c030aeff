//! `lstm bench`

use std::io::{self, Write};
use std::process::Command;

use clap::{Args, Subcommand};
use lstm_train::bench::memory::{self, MemoryRow};
use lstm_train::bench::{
    Bench, BenchError, Cell, LengthsChoice, Limits, Mode, Peer, Shape, Summary, Workload,
};
use lstm_train::device;

use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// How fast LSTM and GRU layers are, alone or beside PyTorch's and burn's own.
    Layers(Layers),
    /// What one training step takes, for `layers --memory`: it needs a fresh process.
    #[command(hide = true)]
    StepMemory(StepMemory),
}

#[derive(Args)]
struct Layers {
    /// Which cells.
    #[arg(long, value_delimiter = ',', default_value = "lstm")]
    cell: Vec<Cell>,
    /// What one call does.
    #[arg(long, value_delimiter = ',', default_value = "infer")]
    mode: Vec<Mode>,
    /// The sizes batch,time,d_input,d_hidden,layers; several may be given [default: seven of small
    /// and large layers; one step of 256 units in mode step].
    #[arg(long, value_name = "B,T,I,H,L", num_args = 1..)]
    shape: Vec<Shape>,
    /// How long the sequences of a batch are.
    #[arg(long, default_value = "full")]
    lengths: LengthsChoice,
    /// Whose layers to compare with, in turns; may be given several times.
    #[arg(long, value_name = "PEER", value_delimiter = ',')]
    against: Vec<Peer>,
    /// Measure the memory of one training step instead of times (Linux only).
    #[arg(long, conflicts_with_all = ["mode", "seconds", "patience"])]
    memory: bool,
    /// How long each shape is measured, in seconds; five rounds are made however long they take.
    #[arg(long, value_name = "SECONDS", default_value = "4", value_parser = positive)]
    seconds: f64,
    /// How long each shape waits besides for other programs to be quiet, in seconds (Linux only).
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = not_negative)]
    patience: f64,
    /// One JSON object a line for every shape and peer; everything else goes to standard error.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    machine: Machine,
}

#[derive(Args)]
struct Machine {
    /// Where to compute: flex (CPU), or a backend that was built in, such as wgpu or cuda:1.
    #[arg(long, default_value = device::default_name())]
    device: String,
    /// How many threads compute, on every side; all cores by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

#[derive(Args)]
struct StepMemory {
    #[arg(long)]
    cell: Cell,
    #[arg(long)]
    shape: Shape,
    #[arg(long)]
    lengths: LengthsChoice,
    #[arg(long)]
    against: Option<Peer>,
    #[command(flatten)]
    machine: Machine,
}

fn positive(text: &str) -> Result<f64, String> {
    match not_negative(text) {
        Ok(number) if number > 0.0 => Ok(number),
        _ => Err("it must be a positive number below a million".to_owned()),
    }
}

fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..1e6).contains(&number) => Ok(number),
        _ => Err("it must be 0 or a positive number below a million".to_owned()),
    }
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.what {
        What::Layers(arguments) => layers(arguments),
        What::StepMemory(arguments) => step_memory(arguments),
    }
}

impl Machine {
    /// Has that many threads compute; how many that is.
    fn set_threads(&self) -> Result<usize, Failure> {
        if let Some(threads) = self.threads {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads.into())
                .build_global()?;
        }
        Ok(rayon::current_num_threads())
    }
}

impl Layers {
    /// Everything to measure, cell by cell and mode by mode.
    fn workloads(&self, modes: &[Mode]) -> Result<Vec<Workload>, Failure> {
        if self.against.contains(&Peer::Full) && self.lengths == LengthsChoice::Full {
            return Err(BenchError::NoPadding.into());
        }
        let mut workloads = Vec::new();
        for &cell in &self.cell {
            for &mode in modes {
                let shapes = match self.shape.is_empty() {
                    true => mode.default_shapes(),
                    false => self.shape.clone(),
                };
                for shape in shapes {
                    let lengths = self.lengths;
                    let workload = Workload {
                        cell,
                        mode,
                        shape,
                        lengths,
                    };
                    workload.check()?;
                    workloads.push(workload);
                }
            }
        }
        Ok(workloads)
    }

    /// What is for people: beside JSON, on standard error.
    fn note(&self, text: &str) -> Result<(), io::Error> {
        match self.json {
            true => writeln!(io::stderr(), "{text}"),
            false => writeln!(io::stdout(), "{text}"),
        }
    }
}

fn layers(arguments: &Layers) -> Result<(), Failure> {
    let threads = arguments.machine.set_threads()?;
    if arguments.memory {
        return layers_memory(arguments, threads);
    }
    let workloads = arguments.workloads(&arguments.mode)?;
    let mut bench = Bench::new(&arguments.machine.device, threads, &arguments.against)?;
    let limits = Limits {
        seconds: arguments.seconds,
        patience: arguments.patience,
    };
    let sgemm = bench.sgemm(limits)?;
    let device = &arguments.machine.device;
    arguments.note(&format!(
        "device {device}, {threads} threads; matrix product: {sgemm}"
    ))?;

    let mut summary = Summary::default();
    let mut shown = None;
    for workload in &workloads {
        let row = bench.measure(workload, limits)?;
        summary.add(&row);
        if arguments.json {
            for object in row.to_json() {
                writeln!(io::stdout(), "{object}")?;
            }
            continue;
        }
        let kind = (workload.cell, workload.mode);
        if shown.replace(kind) != Some(kind) {
            arguments.note(&format!("\n{}", row.heading()))?;
        }
        arguments.note(&row.to_text())?;
    }
    let sgemm = bench.sgemm(limits)?;
    arguments.note(&format!("\nmatrix product, at the end: {sgemm}"))?;
    let summary = summary.to_string();
    if !summary.is_empty() {
        arguments.note(summary.trim_end())?;
    }
    Ok(())
}

fn layers_memory(arguments: &Layers, threads: usize) -> Result<(), Failure> {
    let workloads = arguments.workloads(&[Mode::Train])?;
    memory::check_device(&arguments.machine.device)?;
    let mut shown = None;
    for workload in workloads {
        let growth = |peer| growth_in_child(&workload, &arguments.machine.device, threads, peer);
        let mut peers = Vec::new();
        for &peer in &arguments.against {
            peers.push((peer, growth(Some(peer))?));
        }
        let row = MemoryRow {
            workload,
            device: arguments.machine.device.clone(),
            threads,
            ours: growth(None)?,
            peers,
        };
        if arguments.json {
            for object in row.to_json() {
                writeln!(io::stdout(), "{object}")?;
            }
            continue;
        }
        if shown.replace(workload.cell) != Some(workload.cell) {
            let (cell, lengths) = (workload.cell.name(), workload.lengths.name());
            arguments.note(&format!("{cell}, one training step, lengths {lengths}"))?;
        }
        arguments.note(&row.to_text())?;
    }
    Ok(())
}

/// [`memory::growth`] in a fresh process.
fn growth_in_child(
    workload: &Workload,
    device: &str,
    threads: usize,
    peer: Option<Peer>,
) -> Result<u64, Failure> {
    let mut child = Command::new(std::env::current_exe()?);
    child
        .args(["bench", "step-memory", "--cell", workload.cell.name()])
        .args(["--shape", &workload.shape.to_string()])
        .args(["--lengths", workload.lengths.name()])
        .args(["--device", device, "--threads", &threads.to_string()])
        .envs(memory::ENVIRONMENT);
    if let Some(peer) = peer {
        child.args(["--against", peer.name()]);
    }
    let output = child.output()?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        let message = message.trim().trim_start_matches("error: ");
        return Err(match message.is_empty() {
            true => format!(
                "the step that was to be measured ended with {}",
                output.status
            ),
            false => message.to_owned(),
        }
        .into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn step_memory(arguments: &StepMemory) -> Result<(), Failure> {
    arguments.machine.set_threads()?;
    let workload = Workload {
        cell: arguments.cell,
        mode: Mode::Train,
        shape: arguments.shape,
        lengths: arguments.lengths,
    };
    let bytes = memory::growth(&workload, &arguments.machine.device, arguments.against)?;
    writeln!(io::stdout(), "{bytes}")?;
    Ok(())
}
