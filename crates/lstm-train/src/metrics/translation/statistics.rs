//! The numbers of all segments of a corpus.

use std::fmt;

use rayon::prelude::*;

use super::TranslationMetric;

/// The references of one segment: one text, or a list of texts.
pub trait References: Sync {
    /// All of them.
    fn texts(&self) -> impl Iterator<Item = &str>;
}

impl References for &str {
    fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(*self)
    }
}

impl References for String {
    fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.as_str())
    }
}

impl<T: AsRef<str> + Sync> References for Vec<T> {
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.iter().map(AsRef::as_ref)
    }
}

impl<T: AsRef<str> + Sync> References for &[T] {
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.iter().map(AsRef::as_ref)
    }
}

impl<T: AsRef<str> + Sync, const N: usize> References for [T; N] {
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.iter().map(AsRef::as_ref)
    }
}

/// How many references the segments have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceCount {
    /// So many each.
    Fixed(usize),
    /// Not all the same.
    Variable,
}

impl fmt::Display for ReferenceCount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(count) => write!(formatter, "{count}"),
            Self::Variable => formatter.write_str("var"),
        }
    }
}

/// What a metric's score of a corpus is computed from, segment by segment.
#[derive(Debug, Clone)]
pub struct Statistics {
    /// `[segments, width]`
    rows: Vec<f64>,
    width: usize,
    references: ReferenceCount,
}

impl Statistics {
    /// Gathers a metric's numbers, on all threads.
    ///
    /// # Panics
    ///
    /// If there are more hypotheses or less than segments with references, or a segment has none.
    pub fn gather<M: TranslationMetric, H: AsRef<str> + Sync, R: References>(
        metric: &M,
        hypotheses: &[H],
        references: &[R],
    ) -> Self {
        assert_eq!(
            hypotheses.len(),
            references.len(),
            "{} hypotheses beside {} segments with references",
            hypotheses.len(),
            references.len()
        );
        let pairs = hypotheses.par_iter().zip(references);
        let rows = pairs.flat_map_iter(|(hypothesis, references)| {
            let references: Vec<&str> = references.texts().collect();
            metric.segment(hypothesis.as_ref(), &references)
        });
        let mut counts = references
            .iter()
            .map(|references| references.texts().count());
        let first = counts.next().unwrap_or(0);
        Self {
            rows: rows.collect(),
            width: metric.width(),
            references: match counts.all(|count| count == first) {
                true => ReferenceCount::Fixed(first),
                false => ReferenceCount::Variable,
            },
        }
    }

    /// The number of segments.
    pub fn segments(&self) -> usize {
        self.rows.len() / self.width
    }

    /// How many references the segments have.
    pub fn references(&self) -> ReferenceCount {
        self.references
    }

    /// The numbers of each segment, `[width]`.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.rows.chunks_exact(self.width)
    }

    /// The sums over all segments, `[width]`.
    pub fn sums(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.width];
        for row in self.rows() {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
        sums
    }
}
