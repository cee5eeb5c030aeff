//! What was measured, for people and for programs.

use std::fmt;

use serde_json::{Value, json};

use super::load::QUIET;
use super::rounds::Measured;
use super::statistics::geometric_mean;
use super::{Cell, Mode, Peer, Shape, Workload};

/// One workload on all sides.
pub struct Row {
    /// What was measured.
    pub workload: Workload,
    /// The name of burn's device.
    pub device: String,
    /// How many threads compute.
    pub threads: usize,
    /// The machine's best matrix product.
    pub sgemm_gflops: f64,
    /// The share of the processors that other programs used meanwhile, where the system tells it.
    pub others: Option<f64>,
    /// The times of ours.
    pub ours: Measured,
    /// Those of its peers.
    pub peers: Vec<(Peer, Measured)>,
}

impl Workload {
    /// The keys that say what was measured.
    pub(super) fn to_json(self) -> Value {
        json!({
            "cell": self.cell.name(),
            "mode": self.mode.name(),
            "shape": self.shape.to_array(),
            "lengths": self.lengths.name(),
        })
    }
}

impl Row {
    fn gflops(&self) -> f64 {
        self.workload.flops() / self.ours.median_ms() / 1e6
    }

    /// How many times as fast as a peer ours is.
    pub fn ratio(&self, peer: &Measured) -> f64 {
        peer.median_ms() / self.ours.median_ms()
    }

    /// A JSON object a peer, or one without any.
    pub fn to_json(&self) -> Vec<Value> {
        let mut ours = self.workload.to_json();
        let (min_ms, max_ms) = self.ours.range_ms();
        let (quarter_ms, three_quarters_ms) = self.ours.quartiles_ms();
        for (key, value) in [
            ("device", json!(self.device)),
            ("threads", json!(self.threads)),
            ("median_ms", json!(self.ours.median_ms())),
            ("min_ms", json!(min_ms)),
            ("max_ms", json!(max_ms)),
            ("quartiles_ms", json!([quarter_ms, three_quarters_ms])),
            ("gflops", json!(self.gflops())),
            ("sgemm_gflops", json!(self.sgemm_gflops)),
            ("others_share", json!(self.others)),
        ] {
            ours[key] = value;
        }
        if self.peers.is_empty() {
            return vec![ours];
        }
        let with_peer = |(peer, measured): &(Peer, Measured)| {
            let mut object = ours.clone();
            let (lowest, highest) = self.ours.ratios_of_rounds(measured);
            object["against"] = json!(peer.name());
            object["against_median_ms"] = json!(measured.median_ms());
            object["ratio"] = json!(self.ratio(measured));
            object["ratio_of_rounds"] = json!([lowest, highest]);
            object
        };
        self.peers.iter().map(with_peer).collect()
    }

    /// What stands above the lines of this row's kind.
    pub fn heading(&self) -> String {
        let workload = self.workload;
        let mut line = format!(
            "{} {}, lengths {}\n{:<27} {:>9} {:>19} {:>8} {:>6}",
            workload.cell.name(),
            workload.mode.name(),
            workload.lengths.name(),
            "batch,time,in,hidden,layers",
            "ms",
            "quartiles",
            "GFLOP/s",
            "share"
        );
        for (peer, _) in &self.peers {
            let name = format!("{} ms", peer.name());
            line += &format!(
                " | {name:>10} {:>19} {:>6} {:>13}",
                "quartiles", "ratio", "rounds"
            );
        }
        line
    }

    /// A line for people.
    pub fn to_text(&self) -> String {
        let gflops = self.gflops();
        let mut line = format!(
            "{:<27} {:>9} {:>19} {gflops:>8.1} {:>6.2}",
            self.workload.shape,
            number(self.ours.median_ms()),
            range(self.ours.quartiles_ms()),
            gflops / self.sgemm_gflops,
        );
        for (_, measured) in &self.peers {
            let (lowest, highest) = self.ours.ratios_of_rounds(measured);
            line += &format!(
                " | {:>10} {:>19} {:>6.2} {:>13}",
                number(measured.median_ms()),
                range(measured.quartiles_ms()),
                self.ratio(measured),
                format!("{lowest:.2}..{highest:.2}"),
            );
        }
        if let Some(others) = self.others.filter(|others| *others > QUIET) {
            let percent = 100.0 * others;
            line += &format!("  ! others used {percent:.0} % of the processors");
        }
        line
    }
}

fn range((low, high): (f64, f64)) -> String {
    format!("{}..{}", number(low), number(high))
}

/// A time with three or four digits that say something.
fn number(milliseconds: f64) -> String {
    let decimals = match milliseconds {
        0.0..1.0 => 4,
        1.0..10.0 => 3,
        10.0..100.0 => 2,
        _ => 1,
    };
    format!("{milliseconds:.decimals$}")
}

/// The ratios of all rows: their mean and the worst, for each cell, mode and peer.
#[derive(Default)]
pub struct Summary {
    groups: Vec<Group>,
}

struct Group {
    cell: Cell,
    mode: Mode,
    peer: Peer,
    ratios: Vec<(f64, Shape)>,
}

impl Summary {
    /// Takes a row's ratios in.
    pub fn add(&mut self, row: &Row) {
        for (peer, measured) in &row.peers {
            self.add_ratio(row.workload, *peer, row.ratio(measured));
        }
    }

    fn add_ratio(&mut self, workload: Workload, peer: Peer, ratio: f64) {
        let Workload { cell, mode, .. } = workload;
        let key = (cell, mode, peer);
        let place = self
            .groups
            .iter()
            .position(|group| (group.cell, group.mode, group.peer) == key);
        let place = place.unwrap_or_else(|| {
            self.groups.push(Group {
                cell,
                mode,
                peer,
                ratios: Vec::new(),
            });
            self.groups.len() - 1
        });
        self.groups[place].ratios.push((ratio, workload.shape));
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in &self.groups {
            let ratios: Vec<f64> = group.ratios.iter().map(|(ratio, _)| *ratio).collect();
            let worst = group.ratios.iter().min_by(|a, b| a.0.total_cmp(&b.0));
            let (worst, shape) = worst.expect("a group begins with a ratio");
            let (cell, mode) = (group.cell.name(), group.mode.name());
            let mean = geometric_mean(&ratios);
            match group.peer {
                // What padding costs, although it is not computed.
                Peer::Full => writeln!(
                    f,
                    "{cell} {mode}, ragged against full: geometric mean {:.2} times as long, \
                     worst {:.2} ({shape})",
                    1.0 / mean,
                    1.0 / worst,
                )?,
                peer => writeln!(
                    f,
                    "{cell} {mode} against {}: geometric mean {mean:.2} times as fast, \
                     worst {worst:.2} ({shape})",
                    peer.name(),
                )?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::LengthsChoice;

    #[test]
    fn times_are_shown_with_the_digits_that_matter() {
        let shown = [0.03812, 5.0514, 12.345, 729.96].map(number);
        assert_eq!(shown, ["0.0381", "5.051", "12.35", "730.0"]);
    }

    #[test]
    fn the_summary_has_mean_and_worst_of_each_cell_mode_and_peer() {
        let mut summary = Summary::default();
        let workload = |mode, shape: [usize; 5]| Workload {
            cell: Cell::Gru,
            mode,
            shape: Shape::from(shape),
            lengths: LengthsChoice::Full,
        };
        for (mode, shape, ratio) in [
            (Mode::Infer, [1, 2, 3, 4, 1], 4.0),
            (Mode::Infer, [1, 2, 3, 4, 2], 1.0),
            (Mode::Train, [1, 2, 3, 4, 1], 0.5),
        ] {
            summary.add_ratio(workload(mode, shape), Peer::Burn, ratio);
        }
        assert_eq!(
            summary.to_string(),
            "gru infer against burn: geometric mean 2.00 times as fast, worst 1.00 (1,2,3,4,2)\n\
             gru train against burn: geometric mean 0.50 times as fast, worst 0.50 (1,2,3,4,1)\n"
        );

        let mut summary = Summary::default();
        for (shape, ratio) in [([1, 2, 3, 4, 1], 0.8), ([1, 2, 3, 4, 2], 1.25)] {
            summary.add_ratio(workload(Mode::Train, shape), Peer::Full, ratio);
        }
        assert_eq!(
            summary.to_string(),
            "gru train, ragged against full: geometric mean 1.00 times as long, worst 1.25 \
             (1,2,3,4,1)\n"
        );
    }
}
