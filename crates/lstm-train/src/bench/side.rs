//! Who computes a workload.

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use lstm_core::{Purpose, RandomSource};

use super::sgemm;
use super::{BenchError, Workload};

/// How many different values a tensor has: a prime, so that no two rows are alike.
const PERIOD: usize = 65_537;

/// One call of a prepared workload.
pub type Call = Box<dyn FnMut()>;

/// Whoever can compute workloads, and says how long it takes.
pub trait Side {
    /// Makes weights and input; what was prepared before is forgotten.
    ///
    /// # Errors
    ///
    /// It cannot.
    fn prepare(&mut self, workload: &Workload) -> Result<(), BenchError>;

    /// The seconds of each of so many calls.
    ///
    /// # Errors
    ///
    /// It cannot.
    fn run(&mut self, calls: usize) -> Result<Vec<f64>, BenchError>;

    /// The seconds of each of so many products of two square matrices of [`sgemm::SIZE`] rows.
    ///
    /// # Errors
    ///
    /// It cannot.
    fn products(&mut self, calls: usize) -> Result<Vec<f64>, BenchError>;

    /// The process that computes.
    fn process(&self) -> u32 {
        std::process::id()
    }
}

/// A side in this process, on one of burn's devices.
pub struct InProcess {
    prepare: fn(&Workload, &Device) -> Call,
    device: Device,
    call: Option<Call>,
}

impl InProcess {
    /// A side whose calls are made by `prepare`.
    pub fn new(prepare: fn(&Workload, &Device) -> Call, device: &Device) -> Self {
        Self {
            prepare,
            device: device.clone(),
            call: None,
        }
    }
}

impl Side for InProcess {
    fn prepare(&mut self, workload: &Workload) -> Result<(), BenchError> {
        // What is there is dropped before memory is taken for the next.
        self.call = None;
        self.call = Some((self.prepare)(workload, &self.device));
        Ok(())
    }

    fn run(&mut self, calls: usize) -> Result<Vec<f64>, BenchError> {
        let call = self
            .call
            .as_mut()
            .expect("a side is prepared before it runs");
        timed(calls, &self.device, call)
    }

    fn products(&mut self, calls: usize) -> Result<Vec<f64>, BenchError> {
        timed(calls, &self.device, &mut sgemm::product(&self.device))
    }
}

/// The seconds of each of so many calls, to the end of what they began on the device.
fn timed(calls: usize, device: &Device, call: &mut Call) -> Result<Vec<f64>, BenchError> {
    let sync = || {
        let end = device.sync();
        end.map_err(|error| BenchError::Execution(format!("{error:?}")))
    };
    sync()?;
    let mut seconds = Vec::with_capacity(calls);
    for _ in 0..calls {
        let start = Instant::now();
        call();
        sync()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(seconds)
}

/// A normally distributed tensor of these sizes. Its values come again after a while: times do not
/// depend on them, and large matrices are there sooner.
pub(super) fn normal<const D: usize>(sizes: [usize; D], device: &Device) -> Tensor<D> {
    let mut stream = RandomSource::new(1).stream(Purpose::named("input of a benchmark"), 0);
    let drawn: Vec<f32> = (0..PERIOD).map(|_| stream.normal() as f32).collect();
    let values = drawn.into_iter().cycle().take(sizes.iter().product());
    Tensor::from_data(TensorData::new(values.collect(), sizes), device)
}
