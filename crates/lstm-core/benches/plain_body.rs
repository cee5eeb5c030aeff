//! Time and memory of a training step where there is no fused body: in 64-bit floats on the CPU.
//!
//! `cargo bench --workspace --bench plain_body -- lstm 8,400,128`: the cell, and batch, time steps
//! and features, of the input and hidden; after them perhaps `checkpoint_every`. Each run is one
//! shape, because memory is what a fresh process grows by. With `MALLOC_TRIM_THRESHOLD_=131072` in
//! the environment, glibc gives freed memory back at once, so that it is not counted twice.

use std::fs;
use std::time::Instant;

use burn::tensor::{Device, FloatDType, Tensor};
use lstm_core::{Cell, Lengths, Mode, Recurrent, RecurrentConfig};

fn main() {
    // Cargo puts `--bench` behind what it is given.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| *argument != "--bench")
        .collect();
    let cell = match arguments.first() {
        None | Some(&"lstm") => Cell::Lstm,
        Some(&"gru") => Cell::Gru,
        Some(&"gru_reset_before") => Cell::GruResetBefore,
        Some(other) => panic!("no cell `{other}`: lstm, gru, gru_reset_before"),
    };
    let shape = arguments.get(1).unwrap_or(&"8,400,128");
    let sizes: Vec<usize> = shape
        .split(',')
        .map(|size| size.parse().expect("a shape is batch,time,features"))
        .collect();
    let [batch, time, features] = sizes[..] else {
        panic!("a shape is batch,time,features, not {shape}");
    };
    let every = arguments
        .get(2)
        .map(|every| every.parse().expect("how many steps lie between states"));

    let mut device = Device::flex();
    device
        .configure(FloatDType::F64)
        .expect("a device that has not been used");
    let device = device.autodiff();
    step(&layer(cell, 8, None, &device), &device, 2, 2);

    let layer = layer(cell, features, every, &device);
    let forget_peak = fs::write("/proc/self/clear_refs", "5");
    let before = resident("VmRSS");
    step(&layer, &device, batch, time);
    let grown = resident("VmHWM")
        .zip(before)
        .map(|(peak, before)| peak - before);
    match (forget_peak, grown) {
        (Ok(()), Some(kib)) => println!("{cell:?} {shape}: {:.1} MiB", kib / 1024.0),
        _ => println!("{cell:?} {shape}: memory is known on Linux only"),
    }

    let mut times: Vec<f64> = (0..9).map(|_| step(&layer, &device, batch, time)).collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{cell:?} {shape}: {:.1} ms, quartiles {:.1} and {:.1}",
        times[4], times[2], times[6]
    );
}

fn layer(cell: Cell, features: usize, every: Option<usize>, device: &Device) -> Recurrent {
    RecurrentConfig::new(cell, features, features)
        .with_checkpoint_every(every)
        .init(device)
}

/// One training step, from an input that wants a gradient too; in milliseconds.
fn step(layer: &Recurrent, device: &Device, batch: usize, time: usize) -> f64 {
    let features = layer.d_output();
    let x: Tensor<3> = Tensor::ones([batch, time, features], device).require_grad();
    let start = Instant::now();
    let lengths = Lengths::full(batch, time);
    let (output, _) = layer.forward(x.clone(), &lengths, None, Mode::Inference);
    let gradients = output.sum().backward();
    assert!(x.grad(&gradients).is_some());
    start.elapsed().as_secs_f64() * 1e3
}

/// A figure of this process, in KiB.
fn resident(key: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kib = line.strip_prefix(':')?.trim().strip_suffix(" kB")?;
    kib.parse().ok()
}
