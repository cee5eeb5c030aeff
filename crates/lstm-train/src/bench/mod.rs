//! How fast the recurrent layers are, alone or beside those of PyTorch and of burn.
//!
//! A [`Workload`] is what is computed; a [`Side`] computes it: [`ours`] and [`burn_layers`] in this
//! process, [`pytorch`] in one of its own. [`rounds`] lets the sides take turns, so that what else
//! the machine does meets all of them alike, [`sgemm`] measures what the machine can do at best,
//! and [`report`] says what came of it. [`memory`] is about what one training step takes.

pub mod burn_layers;
pub mod error;
mod load;
pub mod memory;
pub mod ours;
pub mod pytorch;
pub mod report;
pub mod rounds;
pub mod sgemm;
pub mod side;
pub mod statistics;
pub mod workload;

use crate::device;

pub use error::BenchError;
pub use report::{Row, Summary};
pub use rounds::Limits;
pub use sgemm::Sgemm;
pub use workload::{Cell, LengthsChoice, Mode, Shape, Workload};

use pytorch::PyTorch;
use rounds::measure;
use side::{InProcess, Side};

/// Whose layers ours are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    /// `torch.nn`, in the Python that PYTHON names.
    #[value(name = "pytorch")]
    PyTorch,
    /// `burn::nn`, which has no ragged batches: it computes the padding too.
    Burn,
    /// Ours, with as many steps in a batch without padding: for `--lengths uniform`.
    Full,
}

impl Peer {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::PyTorch => "pytorch",
            Self::Burn => "burn",
            Self::Full => "full",
        }
    }
}

/// All sides of a comparison, ready to be measured.
pub struct Bench {
    device: String,
    threads: usize,
    ours: InProcess,
    peers: Vec<(Peer, Box<dyn Side>)>,
    best_product: Sgemm,
}

/// How long products are tried before each workload, in seconds.
const LOOK: f64 = 0.3;

impl Bench {
    /// Ours and its peers on the device of that name, with that number of threads each.
    ///
    /// # Errors
    ///
    /// There is no such device, or a peer is not there.
    pub fn new(device: &str, threads: usize, peers: &[Peer]) -> Result<Self, BenchError> {
        let burn_device = device::parse(device)?;
        let mut others: Vec<(Peer, Box<dyn Side>)> = Vec::new();
        for &peer in peers {
            let side: Box<dyn Side> = match peer {
                Peer::PyTorch => Box::new(PyTorch::start(device, threads)?),
                Peer::Burn => Box::new(InProcess::new(burn_layers::call, &burn_device)),
                Peer::Full => Box::new(InProcess::new(ours::call_without_padding, &burn_device)),
            };
            others.push((peer, side));
        }
        Ok(Self {
            device: device.to_owned(),
            threads,
            ours: InProcess::new(ours::call, &burn_device),
            peers: others,
            best_product: Sgemm::default(),
        })
    }

    /// The best matrix product of every side, each after a wait for other programs to be quiet.
    ///
    /// # Errors
    ///
    /// A side fails.
    pub fn sgemm(&mut self, limits: Limits) -> Result<Sgemm, BenchError> {
        let mut best = Sgemm::default();
        let ours: (&str, &mut dyn Side) = ("burn", &mut self.ours);
        // The others stand on the same product as ours.
        let peers = self
            .peers
            .iter_mut()
            .filter(|(peer, _)| *peer == Peer::PyTorch);
        let peers = peers.map(|(peer, side)| (peer.name(), side.as_mut() as &mut dyn Side));
        for (name, side) in std::iter::once(ours).chain(peers) {
            best.add(name, sgemm::best(side, limits)?);
        }
        self.best_product.add_all(&best);
        Ok(best)
    }

    /// Measures one workload on all sides, and holds it against the best matrix product so far.
    ///
    /// # Errors
    ///
    /// A side fails.
    pub fn measure(&mut self, workload: &Workload, limits: Limits) -> Result<Row, BenchError> {
        // A machine is not always at its best when a run begins.
        self.sgemm(Limits {
            seconds: limits.seconds.min(LOOK),
            patience: 0.0,
        })?;
        let mut sides: Vec<&mut dyn Side> = vec![&mut self.ours];
        for (_, side) in &mut self.peers {
            sides.push(side.as_mut());
        }
        for side in &mut sides {
            side.prepare(workload)?;
        }
        let (measured, others) = measure(&mut sides, limits)?;
        let mut measured = measured.into_iter();
        let ours = measured.next().expect("ours is a side");
        let peers = self.peers.iter().map(|(peer, _)| *peer);
        Ok(Row {
            workload: *workload,
            device: self.device.clone(),
            threads: self.threads,
            sgemm_gflops: self.best_product.best(),
            others,
            ours,
            peers: peers.zip(measured).collect(),
        })
    }
}
