//! How certain the means over a corpus are.

use serde::Serialize;

use super::{RougeScore, RougeScores};
use crate::metrics::translation::Bootstrap;
use crate::metrics::translation::numpy::Generator;

/// Where a mean is with a probability of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RougeInterval {
    /// The 2.5th percentile of the resamples' means.
    pub low: RougeScore,
    /// Their median.
    pub mid: RougeScore,
    /// The 97.5th percentile.
    pub high: RougeScore,
}

impl RougeScores {
    /// The intervals of the means, one a variant: rouge-score's `BootstrapAggregator`. That draws without a
    /// seed, anew for each variant; here all variants have the same resamples. Without pairs all is 0.
    pub fn confidence(&self, bootstrap: Bootstrap) -> Vec<RougeInterval> {
        let width = self.variants();
        let numbers: Vec<f64> = self
            .all()
            .iter()
            .flat_map(|score| score.numbers())
            .collect();
        let pairs = self.pairs();
        let resamples = if pairs == 0 { 0 } else { bootstrap.resamples };
        let mut generator = Generator::new(bootstrap.seed);
        // [3 * variants, resamples]
        let mut means = vec![Vec::with_capacity(resamples as usize); 3 * width];
        let mut sums = vec![0.0; 3 * width];
        for _ in 0..resamples {
            sums.fill(0.0);
            for _ in 0..pairs {
                let start = generator.below(pairs as u32) as usize * sums.len();
                for (sum, number) in sums.iter_mut().zip(&numbers[start..]) {
                    *sum += number;
                }
            }
            for (means, sum) in means.iter_mut().zip(&sums) {
                means.push(sum / pairs as f64);
            }
        }
        for means in &mut means {
            means.sort_by(f64::total_cmp);
        }
        let interval = |means: &[Vec<f64>; 3]| {
            let score = |quantile| {
                RougeScore::of_numbers([0, 1, 2].map(|place| percentile(&means[place], quantile)))
            };
            RougeInterval {
                low: score(0.025),
                mid: score(0.5),
                high: score(0.975),
            }
        };
        means.as_chunks().0.iter().map(interval).collect()
    }
}

/// A quantile of sorted numbers, between two of them by a straight line, as numpy's `percentile`.
fn percentile(sorted: &[f64], quantile: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = quantile * last as f64;
    let lower = place as usize;
    let (one, other) = (sorted[lower], sorted[(lower + 1).min(last)]);
    one + (other - one) * place.fract()
}
