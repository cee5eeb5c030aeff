//! What the machine can do at best: the product of two large matrices of `f32`.
//!
//! A layer is made of such products, so its share of this figure says how much of the machine it
//! uses, and can be compared between machines.

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use burn::tensor::Device;

use super::BenchError;
use super::load::Load;
use super::rounds::Limits;
use super::side::{Call, Side, normal};

/// How many rows and columns the matrices have.
pub const SIZE: usize = 2048;

/// The longest that products are tried, in seconds.
const LONGEST: f64 = 1.0;

/// The best GFLOP/s of every library that was measured.
#[derive(Debug, Clone, Default)]
pub struct Sgemm {
    libraries: Vec<(String, f64)>,
}

impl Sgemm {
    pub(super) fn add(&mut self, library: &str, gflops: f64) {
        match self.libraries.iter_mut().find(|(name, _)| name == library) {
            Some((_, best)) => *best = best.max(gflops),
            None => self.libraries.push((library.to_owned(), gflops)),
        }
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for (library, gflops) in &other.libraries {
            self.add(library, *gflops);
        }
    }

    /// The machine's best.
    pub fn best(&self) -> f64 {
        let figures = self.libraries.iter().map(|(_, gflops)| *gflops);
        figures.fold(0.0, f64::max)
    }
}

impl fmt::Display for Sgemm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures: Vec<String> = self
            .libraries
            .iter()
            .map(|(library, gflops)| format!("{library} {gflops:.0} GFLOP/s"))
            .collect();
        f.write_str(&figures.join(", "))
    }
}

/// The product on one of burn's devices.
pub(super) fn product(device: &Device) -> Call {
    let (a, b) = (normal([SIZE, SIZE], device), normal([SIZE, SIZE], device));
    Box::new(move || drop(black_box(a.clone().matmul(b.clone()))))
}

/// The GFLOP/s of a side's fastest product.
pub(super) fn best(side: &mut dyn Side, limits: Limits) -> Result<f64, BenchError> {
    let load = Load::besides(vec![std::process::id(), side.process()]);
    load.wait_for_quiet(Duration::from_secs_f64(limits.patience));
    let seconds = limits.seconds.min(LONGEST);
    let start = Instant::now();
    let (mut fastest, mut products) = (f64::INFINITY, 1);
    loop {
        let began = Instant::now();
        for time in side.products(products)? {
            fastest = fastest.min(time);
        }
        let each = began.elapsed().as_secs_f64() / products as f64;
        let left = seconds - start.elapsed().as_secs_f64();
        products = (left / each) as usize;
        if products == 0 {
            return Ok(2.0 * (SIZE as f64).powi(3) / fastest / 1e9);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_every_library_is_kept() {
        let (mut best, mut later) = (Sgemm::default(), Sgemm::default());
        best.add("burn", 100.0);
        best.add("pytorch", 120.0);
        later.add("pytorch", 110.0);
        later.add("burn", 130.0);
        best.add_all(&later);
        assert_eq!(best.to_string(), "burn 130 GFLOP/s, pytorch 120 GFLOP/s");
        assert_eq!(best.best(), 130.0);
    }
}
