//! Peak memory of the softmax loss over a vocabulary, forward and back: in chunks as one operation, and
//! composed of burn's operations, as on devices other than the CPU.
//!
//! `cargo bench --workspace --bench softmax_memory` prints a table. Each number is by how much the resident
//! memory of a fresh process grows at most: hidden states, weight and bias are there before; their gradients
//! and whatever lies between are not.

use std::process::Command;
use std::{env, fs};

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use lstm_models::{VocabularyTargets, vocabulary_cross_entropy};

/// Streams and steps of a window.
const WINDOWS: [[usize; 2]; 2] = [[20, 20], [80, 70]];
const VOCABULARIES: [usize; 2] = [10_000, 33_278];
const FEATURES: usize = 200;

const MIB: f64 = (1u64 << 20) as f64;

fn main() {
    // Cargo puts `--bench` behind what it is given.
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    match &arguments[..] {
        [] => table(),
        [form, rows, vocab] => {
            let loss = match form.as_str() {
                "chunks" => in_chunks,
                "composed" => composed,
                other => panic!("no form `{other}`: chunks, composed"),
            };
            let [rows, vocab] = [rows, vocab].map(|size| size.parse().expect("a number"));
            match growth(loss, rows, vocab) {
                Some(bytes) => println!("{bytes}"),
                None => eprintln!("memory is known on Linux only"),
            }
        }
        other => panic!("no argument, or form, rows and vocabulary, not {other:?}"),
    }
}

/// What is measured in a process of its own.
fn table() {
    println!("| rows | vocabulary | `[rows, vocab]` | in chunks | composed | ratio |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for [streams, steps] in WINDOWS {
        for vocab in VOCABULARIES {
            let rows = streams * steps;
            let logits = (4 * rows * vocab) as f64 / MIB;
            let [chunks, composed] =
                ["chunks", "composed"].map(|form| in_a_process(form, rows, vocab) / MIB);
            let ratio = composed / chunks;
            println!(
                "| {streams} × {steps} | {vocab} | {logits:.0} MiB | {chunks:.0} MiB | {composed:.0} MiB | \
                 {ratio:.1} |"
            );
        }
    }
}

/// By how many bytes a process of its own grows.
fn in_a_process(form: &str, rows: usize, vocab: usize) -> f64 {
    let own = env::current_exe().expect("this program's path");
    let output = Command::new(own)
        .args([form, &rows.to_string(), &vocab.to_string()])
        // With it, glibc gives freed memory back at once, so that resident memory is memory in use.
        .env("MALLOC_TRIM_THRESHOLD_", "131072")
        .output()
        .expect("this program starts once more");
    let bytes = String::from_utf8_lossy(&output.stdout);
    let message = String::from_utf8_lossy(&output.stderr);
    bytes
        .trim()
        .parse()
        .unwrap_or_else(|_| panic!("{form}: {} {message}", output.status))
}

/// The loss `[1]` of hidden states, weight, bias and targets.
type Loss = fn(Tensor<2>, Tensor<2>, Tensor<1>, &[u32]) -> Tensor<1>;

fn in_chunks(hidden: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>, targets: &[u32]) -> Tensor<1> {
    vocabulary_cross_entropy(hidden, weight, bias, VocabularyTargets::exact(targets)).objective
}

fn composed(hidden: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>, targets: &[u32]) -> Tensor<1> {
    let device = hidden.device();
    let ids: Vec<i64> = targets.iter().map(|target| i64::from(*target)).collect();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [targets.len(), 1]), &device);
    let logits = hidden.matmul(weight.transpose()) + bias.unsqueeze();
    -log_softmax(logits, 1).gather(1, ids).sum()
}

/// By how many bytes this process grows at most; none where the system does not say.
fn growth(loss: Loss, rows: usize, vocab: usize) -> Option<u64> {
    // Threads and libraries are there before.
    differentiate(&operands(8, 50), loss);
    let operands = operands(rows, vocab);
    fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = resident("VmRSS")?;
    differentiate(&operands, loss);
    Some(resident("VmHWM")?.saturating_sub(before))
}

struct Operands {
    /// `[rows, FEATURES]`
    hidden: Tensor<2>,
    /// `[vocab, FEATURES]`
    weight: Tensor<2>,
    /// `[vocab]`
    bias: Tensor<1>,
    targets: Vec<u32>,
}

fn operands(rows: usize, vocab: usize) -> Operands {
    let device = Device::flex().autodiff();
    Operands {
        hidden: Tensor::ones([rows, FEATURES], &device).require_grad(),
        weight: Tensor::ones([vocab, FEATURES], &device).require_grad(),
        bias: Tensor::ones([vocab], &device).require_grad(),
        targets: (0..rows).map(|row| (row % vocab) as u32).collect(),
    }
}

fn differentiate(operands: &Operands, loss: Loss) {
    let (hidden, weight) = (operands.hidden.clone(), operands.weight.clone());
    let loss = loss(hidden, weight, operands.bias.clone(), &operands.targets);
    let gradients = loss.backward();
    assert!(operands.hidden.grad(&gradients).is_some());
    assert!(operands.weight.grad(&gradients).is_some());
    assert!(operands.bias.grad(&gradients).is_some());
}

/// A figure of this process, in bytes.
fn resident(key: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kib = line.strip_prefix(':')?.trim().strip_suffix(" kB")?;
    kib.parse::<u64>().ok().map(|kib| 1024 * kib)
}
