//! One counter-based generator for every random number of models and training.
//!
//! A number depends only on (seed, purpose, step, sequence index) and is drawn on the host: never
//! on how many numbers were drawn before, on which backend, or by which thread. So a run is the
//! same after a resume and on every device.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What random numbers are for: two purposes never share a number.
///
/// ```
/// use lstm_core::Purpose;
///
/// let shuffle = Purpose::named("shuffle");
/// let second_layer = Purpose::named("dropout").part(1);
/// assert_ne!(shuffle, second_layer);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose(u64);

impl Purpose {
    /// A purpose by its name (its 64-bit FNV-1a hash: Fowler, Noll, Vo 1991).
    pub const fn named(name: &str) -> Self {
        let bytes = name.as_bytes();
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut index = 0;
        while index < bytes.len() {
            hash = (hash ^ bytes[index] as u64).wrapping_mul(FNV_PRIME);
            index += 1;
        }
        Self(hash)
    }

    /// A part of this purpose, for instance one layer of a stack.
    pub const fn part(self, index: usize) -> Self {
        Self((self.0 ^ (index as u64 + 1)).wrapping_mul(FNV_PRIME))
    }
}

const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Where all random numbers of one step of one run come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomSource {
    seed: u64,
    step: u64,
}

impl RandomSource {
    /// The source of a run's seed, at step 0.
    pub const fn new(seed: u64) -> Self {
        Self { seed, step: 0 }
    }

    /// The same run's source at another step.
    pub const fn at_step(self, step: u64) -> Self {
        Self {
            seed: self.seed,
            step,
        }
    }

    /// The source of a part of a model, all of whose numbers are others than those of the whole: for one that has
    /// the same layers as another part, such as a decoder beside its encoder.
    pub const fn of_part(self, part: Purpose) -> Self {
        Self {
            seed: (self.seed ^ part.0).wrapping_mul(FNV_PRIME),
            step: self.step,
        }
    }

    /// The stream of numbers for `purpose` and the sequence (or item) `index`.
    pub fn stream(&self, purpose: Purpose, index: u64) -> RandomStream {
        // The 256-bit key of ChaCha (Bernstein 2008) is the four counters; 8 rounds suffice.
        let mut key = [0; 32];
        for (bytes, word) in key
            .chunks_exact_mut(8)
            .zip([self.seed, purpose.0, self.step, index])
        {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        RandomStream(ChaCha8Rng::from_seed(key))
    }

    /// A random order of `0..count` (Fisher and Yates 1938).
    pub fn permutation(&self, purpose: Purpose, count: usize) -> Vec<usize> {
        let mut stream = self.stream(purpose, 0);
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, stream.below(last as u64 + 1) as usize);
        }
        order
    }
}

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct RandomStream(ChaCha8Rng);

impl RandomStream {
    /// Uniform in `[0, 1)`, with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Uniform in `0..bound`, without bias (Lemire 2019). `bound` must not be 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number lies below 0");
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(bound);
            if product as u64 >= bound.wrapping_neg() % bound {
                return (product >> 64) as u64;
            }
        }
    }

    /// Fills `mask` with 0 in a share of `probability` of the places and with
    /// `1 / (1 - probability)` in the others: what dropout multiplies by.
    pub fn dropout_mask(&mut self, probability: f64, mask: &mut [f32]) {
        // 16 random bits a place: the probability is met within 2^-17.
        let threshold = (probability * 65536.0).round() as u32;
        let kept = (1.0 / (1.0 - probability)) as f32;
        let mut bytes = [0; 1024];
        for places in mask.chunks_mut(bytes.len() / 2) {
            // Words of 64 bits whole, as every number of a stream takes one.
            let bytes = &mut bytes[..2 * places.len().next_multiple_of(4)];
            self.0.fill_bytes(bytes);
            for (place, bits) in places.iter_mut().zip(bytes.chunks_exact(2)) {
                let bits = u16::from_le_bytes([bits[0], bits[1]]);
                *place = if u32::from(bits) < threshold {
                    0.0
                } else {
                    kept
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coordinate_changes_the_stream() {
        let source = RandomSource::new(1);
        let purpose = Purpose::named("test");
        let first = source.stream(purpose, 0).uniform();
        for other in [
            RandomSource::new(2).stream(purpose, 0).uniform(),
            source.at_step(1).stream(purpose, 0).uniform(),
            source.stream(purpose.part(0), 0).uniform(),
            source.of_part(purpose).stream(purpose, 0).uniform(),
            source.stream(purpose, 1).uniform(),
        ] {
            assert_ne!(first, other);
        }
        assert_eq!(first, source.stream(purpose, 0).uniform());
    }

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let mut stream = RandomSource::new(7).stream(Purpose::named("test"), 0);
        let draws: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| x * x).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.01, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.02, "variance {variance}");
    }

    #[test]
    fn dropout_mask_keeps_the_mean() {
        let mut mask = vec![0.0; 100_001];
        let mut stream = RandomSource::new(3).stream(Purpose::named("test"), 0);
        stream.dropout_mask(0.3, &mut mask);
        let mean = mask.iter().map(|x| f64::from(*x)).sum::<f64>() / mask.len() as f64;
        assert!((mean - 1.0).abs() < 0.01, "mean {mean}");
        assert!(
            mask.iter()
                .all(|x| *x == 0.0 || (x - 1.0 / 0.7).abs() < 1e-6)
        );
    }

    #[test]
    fn dropout_mask_takes_four_places_from_a_number() {
        let stream = RandomSource::new(3).stream(Purpose::named("test"), 0);
        for count in [1, 4, 7, 512, 515, 1030] {
            let (mut masked, mut numbers) = (stream.clone(), stream.clone());
            let mut mask = vec![0.0; count];
            masked.dropout_mask(0.3, &mut mask);
            for places in mask.chunks(4) {
                let bits = numbers.0.next_u64();
                for (place, &factor) in places.iter().enumerate() {
                    let share = (bits >> (16 * place) & 0xffff) as f64 / 65536.0;
                    assert_eq!(factor == 0.0, share < 0.3, "place {place} of {count}");
                }
            }
            assert_eq!(masked.uniform(), numbers.uniform());
        }
    }

    #[test]
    fn permutation_holds_every_number_once() {
        let mut order = RandomSource::new(5).permutation(Purpose::named("test"), 1000);
        assert_ne!(order, (0..1000).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }
}
