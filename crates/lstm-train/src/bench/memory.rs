//! What one training step takes: by how much the resident memory of a fresh process grows at most.
//!
//! Weights and input are there before; gradients and whatever is kept to go back are not. A tiny
//! step of the same kind goes first, so that threads and libraries are there too.

use std::fs;

use serde_json::{Value, json};

use crate::device;

use super::pytorch::PyTorch;
use super::side::Side;
use super::{BenchError, LengthsChoice, Mode, Peer, Shape, Workload, burn_layers, ours};

/// Bytes.
pub const GIB: f64 = (1u64 << 30) as f64;

const MIB: f64 = (1u64 << 20) as f64;

/// For the processes that are measured: with it, glibc asks the system for every large block and
/// gives it back at once, so that resident memory is memory in use. Without, it would keep freed
/// blocks that a step can take without growing.
pub const ENVIRONMENT: [(&str, &str); 1] = [("MALLOC_TRIM_THRESHOLD_", "131072")];

/// The memory in bytes that the system could still give, where it says so.
pub fn available() -> Option<f64> {
    figure("/proc/meminfo", "MemAvailable").ok()
}

/// By how many bytes the resident memory of this process grows at most during one training step.
/// This has to be a fresh process, with [`ENVIRONMENT`] in its environment.
///
/// # Errors
///
/// There is no such device, it is not the CPU, or this is not Linux.
pub fn growth(workload: &Workload, device: &str, peer: Option<Peer>) -> Result<u64, BenchError> {
    check_device(device)?;
    let prepare = match peer {
        None => ours::call,
        Some(Peer::Burn) => burn_layers::call,
        Some(Peer::Full) => ours::call_without_padding,
        Some(Peer::PyTorch) => {
            let threads = rayon::current_num_threads();
            let mut pytorch = PyTorch::start_with(device, threads, &ENVIRONMENT)?;
            pytorch.prepare(&warm_up(workload))?;
            pytorch.run(2)?;
            pytorch.prepare(workload)?;
            return pytorch.growth();
        }
    };
    let device = device::parse(device)?;
    let mut tiny = prepare(&warm_up(workload), &device);
    tiny();
    tiny();
    drop(tiny);
    let mut call = prepare(workload, &device);
    forget_peak()?;
    let before = own("VmRSS")?;
    call();
    Ok((own("VmHWM")? - before).max(0.0) as u64)
}

/// Checks that the memory of this device is memory of the process.
///
/// # Errors
///
/// It is not.
pub fn check_device(device: &str) -> Result<(), BenchError> {
    match device {
        "flex" | "ndarray" => Ok(()),
        _ => Err(BenchError::DeviceMemory {
            device: device.to_owned(),
        }),
    }
}

fn warm_up(workload: &Workload) -> Workload {
    Workload {
        cell: workload.cell,
        mode: Mode::Train,
        shape: Shape::from([2, 2, 8, 8, 1]),
        lengths: LengthsChoice::Full,
    }
}

/// From now on the peak is that of what follows.
fn forget_peak() -> Result<(), BenchError> {
    fs::write("/proc/self/clear_refs", "5").map_err(|error| BenchError::NoProc(error.to_string()))
}

fn own(key: &str) -> Result<f64, BenchError> {
    figure("/proc/self/status", key).map_err(BenchError::NoProc)
}

/// A figure in bytes from a file of lines such as `VmRSS:  1234 kB`.
fn figure(path: &str, key: &str) -> Result<f64, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let line = text.lines().find_map(|line| {
        let rest = line.strip_prefix(key)?.strip_prefix(':')?;
        rest.trim().strip_suffix(" kB")?.parse::<f64>().ok()
    });
    line.map(|kib| kib * 1024.0)
        .ok_or_else(|| format!("{path} has no {key}"))
}

/// What one training step takes on all sides.
pub struct MemoryRow {
    /// What was measured.
    pub workload: Workload,
    /// The name of burn's device.
    pub device: String,
    /// How many threads compute.
    pub threads: usize,
    /// What ours takes, in bytes.
    pub ours: u64,
    /// What its peers take, in bytes.
    pub peers: Vec<(Peer, u64)>,
}

impl MemoryRow {
    /// How many times as much as ours a peer takes.
    pub fn ratio(&self, theirs: u64) -> f64 {
        theirs as f64 / self.ours as f64
    }

    /// A JSON object a peer, or one without any.
    pub fn to_json(&self) -> Vec<Value> {
        let mut ours = self.workload.to_json();
        ours["device"] = json!(self.device);
        ours["threads"] = json!(self.threads);
        ours["memory_mib"] = json!(self.ours as f64 / MIB);
        if self.peers.is_empty() {
            return vec![ours];
        }
        let with_peer = |(peer, bytes): &(Peer, u64)| {
            let mut object = ours.clone();
            object["against"] = json!(peer.name());
            object["against_memory_mib"] = json!(*bytes as f64 / MIB);
            object["ratio"] = json!(self.ratio(*bytes));
            object
        };
        self.peers.iter().map(with_peer).collect()
    }

    /// A line for people.
    pub fn to_text(&self) -> String {
        let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / MIB);
        let mut line = format!("{:<22} {:>12}", self.workload.shape, mib(self.ours));
        for (peer, bytes) in &self.peers {
            line += &format!(
                "   {} {} (ratio {:.2})",
                peer.name(),
                mib(*bytes),
                self.ratio(*bytes)
            );
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_compares_memory() {
        let row = MemoryRow {
            workload: Workload {
                mode: Mode::Train,
                ..warm_up_of_lstm()
            },
            device: "flex".to_owned(),
            threads: 2,
            ours: 3 << 20,
            peers: vec![(Peer::Burn, 6 << 20)],
        };
        let object = &row.to_json()[0];
        assert_eq!(object["memory_mib"], 3.0);
        assert_eq!(object["against_memory_mib"], 6.0);
        assert_eq!(object["ratio"], 2.0);
        assert!(row.to_text().contains("burn 6.0 MiB (ratio 2.00)"));
    }

    #[test]
    fn memory_of_another_device_is_not_this_process_s() {
        assert!(check_device("flex").is_ok());
        let message = check_device("cuda:1").unwrap_err().to_string();
        assert!(message.contains("cuda:1"), "{message}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_says_what_is_available() {
        assert!(available().unwrap() > 0.0);
        assert!(own("VmHWM").unwrap() > own("VmRSS").unwrap() / 2.0);
        let message = own("VmNothing").unwrap_err().to_string();
        assert!(message.contains("VmNothing"), "{message}");
    }

    fn warm_up_of_lstm() -> Workload {
        warm_up(&Workload {
            cell: super::super::Cell::Lstm,
            mode: Mode::Train,
            shape: Shape::from([1; 5]),
            lengths: LengthsChoice::Full,
        })
    }
}
