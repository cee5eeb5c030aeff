//! How certain a score is, and whether two systems' scores differ by more than chance.

use serde::Serialize;

use super::numpy::{Generator, mean};
use super::real::Real;
use super::statistics::Statistics;
use super::{Score, TranslationMetric};

/// Resamples of a corpus: as many segments as it has, drawn with replacement (Koehn 2004).
///
/// Segments are drawn as numpy's `default_rng(seed).choice` draws them and their numbers are added up
/// in 32-bit floats, so that scores are sacreBLEU's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    /// How many.
    pub resamples: u32,
    /// The seed of numpy's generator.
    pub seed: u32,
}

/// Trials in which each segment's two translations change systems or not, by chance (Riezler and
/// Maxwell 2005).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Randomization {
    /// How many.
    pub trials: u32,
    /// The seed of numpy's generator.
    pub seed: u32,
}

/// sacreBLEU's seed.
const SEED: u32 = 12_345;

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            resamples: 1_000,
            seed: SEED,
        }
    }
}

impl Default for Randomization {
    fn default() -> Self {
        Self {
            trials: 10_000,
            seed: SEED,
        }
    }
}

/// Where a score is with a probability of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Confidence {
    /// The mean of the resamples' scores.
    pub mean: f64,
    /// Half the distance between the 2.5th and the 97.5th percentile of the resamples' scores.
    pub half_width: f64,
}

/// How two systems differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    /// The system's score less the baseline's.
    pub difference: f64,
    /// How probable so large a difference would be by chance alone. As in sacreBLEU and MultEval it is
    /// small where there is no difference, and says nothing then.
    pub p_value: f64,
}

impl Comparison {
    /// Below which probability a difference is called significant.
    pub const SIGNIFICANT: f64 = 0.05;

    /// Whether there is a difference, and one that is hardly due to chance.
    pub fn is_significant(&self) -> bool {
        self.difference != 0.0 && self.p_value < Self::SIGNIFICANT
    }
}

impl Bootstrap {
    /// The confidence interval of a corpus' score. That of no segments, or from no resamples, is 0.
    pub fn confidence<M: TranslationMetric>(
        &self,
        metric: &M,
        statistics: &Statistics,
    ) -> Confidence {
        let [mut scores] = self.scores(metric, [statistics]);
        scores.sort_by(|one, other| one.value().total_cmp(&other.value()));
        let Some(last) = scores.len().checked_sub(1) else {
            return Confidence {
                mean: 0.0,
                half_width: 0.0,
            };
        };
        let lower = scores.len() / 40;
        let width = scores[last - lower] - scores[lower];
        let sum: f64 = scores.iter().map(|score| score.value()).sum();
        Confidence {
            mean: M::Resampled::nearest(sum / scores.len() as f64).value(),
            half_width: (M::Resampled::nearest(0.5) * width).value(),
        }
    }

    /// The paired bootstrap test: both systems are scored on the same resamples. p is the share of
    /// resamples in which the systems' distance is beyond its mean by more than the distance observed.
    ///
    /// # Panics
    ///
    /// If the two have not as many segments.
    pub fn compare<M: TranslationMetric>(
        &self,
        metric: &M,
        baseline: &Statistics,
        system: &Statistics,
    ) -> Comparison {
        let difference = difference(metric, baseline, system);
        let [baseline, system] = self.scores(metric, [baseline, system]);
        let distances = baseline
            .iter()
            .zip(&system)
            .map(|(&one, &other)| distance(one, other));
        let distances: Vec<M::Resampled> = distances.collect();
        let mean = mean(&distances);
        let observed = M::Resampled::nearest(difference.abs());
        let beyond = distances
            .iter()
            .filter(|&&distance| distance - mean > observed);
        Comparison {
            difference,
            p_value: p_value(beyond.count(), self.resamples),
        }
    }

    /// The scores of several systems' resamples, each of the same segments.
    fn scores<M: TranslationMetric, const N: usize>(
        &self,
        metric: &M,
        systems: [&Statistics; N],
    ) -> [Vec<M::Resampled>; N] {
        let width = metric.width();
        let tables = systems.map(|statistics| -> Vec<f32> {
            let rows = statistics.rows().flatten();
            rows.map(|&number| number as f32).collect()
        });
        let segments = systems[0].segments();
        let mut scores = [(); N].map(|()| Vec::with_capacity(self.resamples as usize));
        if segments == 0 {
            return scores;
        }
        let mut generator = Generator::new(self.seed);
        let mut sums = vec![0.0; N * width];
        for _ in 0..self.resamples {
            sums.fill(0.0);
            for _ in 0..segments {
                let start = generator.below(segments as u32) as usize * width;
                for (table, sums) in tables.iter().zip(sums.chunks_exact_mut(width)) {
                    add(sums, &table[start..start + width]);
                }
            }
            for (scores, sums) in scores.iter_mut().zip(sums.chunks_exact(width)) {
                scores.push(metric.resampled(sums));
            }
        }
        scores
    }
}

impl Randomization {
    /// Approximate randomization: p is the share of trials in which the systems' distance is beyond the
    /// distance observed.
    ///
    /// # Panics
    ///
    /// If the two have not as many segments.
    pub fn compare<M: TranslationMetric>(
        &self,
        metric: &M,
        baseline: &Statistics,
        system: &Statistics,
    ) -> Comparison {
        let difference = difference(metric, baseline, system);
        let score = |sums: &[f64]| metric.score(sums, String::new()).value();
        let mut generator = Generator::new(self.seed);
        let mut is_kept = generator.booleans();
        let mut beyond = 0;
        let (mut one, mut other) = (vec![0.0; metric.width()], vec![0.0; metric.width()]);
        for _ in 0..self.trials {
            one.fill(0.0);
            other.fill(0.0);
            for (baseline, system) in baseline.rows().zip(system.rows()) {
                let (first, second) = match is_kept() {
                    true => (baseline, system),
                    false => (system, baseline),
                };
                add(&mut one, first);
                add(&mut other, second);
            }
            if distance(score(&one), score(&other)) > difference.abs() {
                beyond += 1;
            }
        }
        Comparison {
            difference,
            p_value: p_value(beyond, self.trials),
        }
    }
}

fn add<F: Real>(sums: &mut [F], numbers: &[F]) {
    for (sum, &number) in sums.iter_mut().zip(numbers) {
        *sum += number;
    }
}

fn distance<F: Real>(one: F, other: F) -> F {
    match one > other {
        true => one - other,
        false => other - one,
    }
}

fn difference<M: TranslationMetric>(metric: &M, baseline: &Statistics, system: &Statistics) -> f64 {
    let (theirs, ours) = (baseline.segments(), system.segments());
    assert_eq!(theirs, ours, "{theirs} segments beside {ours}");
    let score = |statistics| metric.score_of(statistics).value();
    score(system) - score(baseline)
}

/// p = (trials beyond + 1) / (trials + 1), so that no number of trials makes it 0.
fn p_value(beyond: usize, trials: u32) -> f64 {
    (beyond + 1) as f64 / (f64::from(trials) + 1.0)
}
