//! The random numbers and the sums of numpy, which sacreBLEU resamples with.
//!
//! `numpy.random.default_rng(seed)`: PCG64 (O'Neill 2014), XSL-RR with 128 bits of state, its state from
//! `SeedSequence`; bounded integers by Lemire's method (2019) on halves of its outputs.

use super::real::Real;

/// The multiplier of PCG64.
const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

/// `numpy.random.default_rng`.
#[derive(Debug, Clone)]
pub struct Generator {
    state: u128,
    increment: u128,
    /// The upper half of the last output, where only the lower one is used up.
    half: Option<u32>,
}

impl Generator {
    /// The generator of a seed.
    pub fn new(seed: u32) -> Self {
        let [state_high, state_low, stream_high, stream_low] = seed_sequence(seed);
        let join = |high: u64, low: u64| u128::from(high) << 64 | u128::from(low);
        let increment = join(stream_high, stream_low) << 1 | 1;
        let mut generator = Self {
            state: join(state_high, state_low).wrapping_add(increment),
            increment,
            half: None,
        };
        generator.step();
        generator
    }

    fn step(&mut self) {
        self.state = self
            .state
            .wrapping_mul(MULTIPLIER)
            .wrapping_add(self.increment);
    }

    fn next_u64(&mut self) -> u64 {
        self.step();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    fn next_u32(&mut self) -> u32 {
        if let Some(half) = self.half.take() {
            return half;
        }
        let both = self.next_u64();
        self.half = Some((both >> 32) as u32);
        both as u32
    }

    /// A number below `bound`, as `choice(bound)` and `integers(bound)` draw it.
    pub fn below(&mut self, bound: u32) -> u32 {
        if bound <= 1 {
            return 0;
        }
        let mut product = u64::from(self.next_u32()) * u64::from(bound);
        if (product as u32) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u32) < threshold {
                product = u64::from(self.next_u32()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }

    /// Draws booleans as `integers(2, size=…, dtype=bool)` does: 32 from each half of an output.
    pub fn booleans(&mut self) -> impl FnMut() -> bool {
        let (mut bits, mut left) = (0, 0);
        move || {
            if left == 0 {
                (bits, left) = (self.next_u32(), 32);
            } else {
                bits >>= 1;
            }
            left -= 1;
            bits & 1 == 1
        }
    }
}

/// `SeedSequence(seed).generate_state(4, uint64)`, after O'Neill's `seed_seq`.
fn seed_sequence(seed: u32) -> [u64; 4] {
    let mut constant: u32 = 0x43b0_d7e5;
    let mut hash = |value: u32| {
        let value = value ^ constant;
        constant = constant.wrapping_mul(0x931e_8875);
        let value = value.wrapping_mul(constant);
        value ^ value >> 16
    };
    let mut pool = [seed, 0, 0, 0].map(&mut hash);
    for source in 0..4 {
        for target in (0..4).filter(|&target| target != source) {
            let mixed = pool[target]
                .wrapping_mul(0xca01_f9dd)
                .wrapping_sub(hash(pool[source]).wrapping_mul(0x4973_f715));
            pool[target] = mixed ^ mixed >> 16;
        }
    }
    let mut constant: u32 = 0x8b51_f9dd;
    let mut word = |place: usize| {
        let value = pool[place % 4] ^ constant;
        constant = constant.wrapping_mul(0x58f3_8ded);
        let value = value.wrapping_mul(constant);
        u64::from(value ^ value >> 16)
    };
    std::array::from_fn(|place| word(2 * place) | word(2 * place + 1) << 32)
}

/// The mean as `numpy.mean` has it, whose sums are pairwise: in blocks of 128, eight sums side by side.
pub fn mean<F: Real>(values: &[F]) -> F {
    pairwise_sum(values) / F::nearest(values.len() as f64)
}

fn pairwise_sum<F: Real>(values: &[F]) -> F {
    let n = values.len();
    if n > 128 {
        let (left, right) = values.split_at(n / 2 / 8 * 8);
        return pairwise_sum(left) + pairwise_sum(right);
    }
    let (eights, rest) = values.as_chunks::<8>();
    let mut sum = F::nearest(0.0);
    if let Some((first, others)) = eights.split_first() {
        let mut sums = *first;
        for eight in others {
            for (sum, &value) in sums.iter_mut().zip(eight) {
                *sum += value;
            }
        }
        let [a, b, c, d, e, f, g, h] = sums;
        sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    }
    for &value in rest {
        sum += value;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_numpy() {
        // numpy 2.4.6: rng = numpy.random.default_rng(12345)
        //   rng.choice(1000, size=10), rng.choice(7, size=10)
        let mut generator = Generator::new(12345);
        let mut draw = |bound| -> Vec<u32> { (0..10).map(|_| generator.below(bound)).collect() };
        assert_eq!(
            draw(1000),
            [699, 227, 788, 316, 204, 797, 642, 676, 988, 391]
        );
        assert_eq!(draw(7), [5, 2, 3, 4, 1, 1, 1, 4, 4, 6]);
    }

    #[test]
    fn booleans_are_those_of_numpy() {
        // numpy 2.4.6: numpy.random.default_rng(12345).integers(2, size=40, dtype=bool)
        let expected = "1011100110000011111111110100110110110001";
        let mut generator = Generator::new(12345);
        let mut boolean = generator.booleans();
        let drawn: String = (0..40).map(|_| if boolean() { '1' } else { '0' }).collect();
        assert_eq!(drawn, expected);
    }

    #[test]
    fn a_single_choice_uses_up_no_number() {
        let mut generator = Generator::new(1);
        let before = format!("{generator:?}");
        assert_eq!(generator.below(1), 0);
        assert_eq!(format!("{generator:?}"), before);
    }

    #[test]
    fn means_are_those_of_numpy() {
        // numpy 2.4.6: numpy.array([1 / (k + 1) for k in range(n)], dtype="float32").mean().item()
        for (n, expected) in [
            (5, 0.4566667079925537),
            (100, 0.05187378451228142),
            (999, 0.007491963915526867),
            (5000, 0.0018189018592238426),
        ] {
            let values: Vec<f32> = (0..n).map(|k| (1.0 / f64::from(k + 1)) as f32).collect();
            assert_eq!(f64::from(mean(&values)), expected, "{n}");
        }
    }
}
