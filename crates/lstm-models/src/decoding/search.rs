//! One of the ways to write, chosen by options.

use super::{Beam, Decoder, DecodingError, Hypothesis, Sampler, SpecialTokens};

/// How sequences are written: searched for, or drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Search {
    /// The best ones are searched for.
    Beam(Beam),
    /// One is drawn.
    Sample {
        /// How.
        sampler: Sampler,
        /// The number of the first source among all that there are: the draws of each depend on its number.
        first: u64,
    },
}

impl From<Beam> for Search {
    fn from(beam: Beam) -> Self {
        Self::Beam(beam)
    }
}

impl Search {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        match self {
            Self::Beam(beam) => beam.check(),
            Self::Sample { sampler, .. } => sampler.check(),
        }
    }

    /// How many rows a source has at most.
    pub fn rows(&self) -> usize {
        match self {
            Self::Beam(beam) => beam.size,
            Self::Sample { .. } => 1,
        }
    }

    /// What is found for each source, the best first: `[sources][found]`.
    ///
    /// # Shapes
    ///
    /// - `decoder`: one row for each source
    /// - `source_lengths`: `[sources]`
    /// - `places`: `[sources]`, how many sources come before each among all that are written for
    ///
    /// # Errors
    ///
    /// As [`Beam::search`] and [`Sampler::sample`].
    ///
    /// # Panics
    ///
    /// As there.
    pub fn run<D: Decoder + ?Sized>(
        &self,
        decoder: &mut D,
        special: &SpecialTokens,
        source_lengths: &[usize],
        places: &[usize],
    ) -> Result<Vec<Vec<Hypothesis>>, DecodingError> {
        match self {
            Self::Beam(beam) => beam.search(decoder, special, source_lengths),
            Self::Sample { sampler, first } => {
                let numbers = places.iter().map(|place| first + *place as u64);
                let numbers: Vec<u64> = numbers.collect();
                let drawn = sampler.sample(decoder, special, source_lengths, &numbers)?;
                Ok(drawn
                    .into_iter()
                    .map(|one| one.into_iter().collect())
                    .collect())
            }
        }
    }
}
