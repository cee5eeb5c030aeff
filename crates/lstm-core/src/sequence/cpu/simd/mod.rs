//! Vectors of 32-bit floats, once for every instruction set.
//!
//! A kernel is written once over [`Simd`] and compiled for each instruction set by
//! [`Simd::vectorize`]; which one runs is decided when the program does. A value of a type that
//! implements [`Simd`] is the proof that the processor has its instructions.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
use neon::Neon;
use portable::Portable;

/// Vectors of an instruction set. Everything is inlined into the function that
/// [`vectorize`](Self::vectorize) compiles with the instructions switched on.
pub(crate) trait Simd: Copy {
    /// A vector of [`LANES`](Self::LANES) floats.
    type V: Copy;
    /// Floats in a vector.
    const LANES: usize;
    /// Vector registers: how large a tile of accumulators may be.
    const REGISTERS: usize;

    /// Runs a kernel compiled for this instruction set.
    fn vectorize<K: Kernel>(self, kernel: K);

    fn splat(self, value: f32) -> Self::V;

    /// # Safety
    ///
    /// `from` points to `LANES` readable floats; no alignment is asked for.
    unsafe fn load(self, from: *const f32) -> Self::V;

    /// # Safety
    ///
    /// `to` points to `LANES` writable floats.
    unsafe fn store(self, to: *mut f32, value: Self::V);

    /// The first `count` floats, then zeros.
    ///
    /// # Safety
    ///
    /// `from` points to `count <= LANES` readable floats.
    unsafe fn load_first(self, from: *const f32, count: usize) -> Self::V;

    /// Stores the first `count` floats.
    ///
    /// # Safety
    ///
    /// `to` points to `count <= LANES` writable floats.
    unsafe fn store_first(self, to: *mut f32, value: Self::V, count: usize);

    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;

    /// a·b + c
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// c - a·b
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// x limited to `low..=high`; NaN stays NaN.
    fn clamp(self, x: Self::V, low: Self::V, high: Self::V) -> Self::V;

    /// The first `count` lanes, and zeros in the others, whatever they hold.
    fn keep_first(self, x: Self::V, count: usize) -> Self::V;

    /// `value` where |x| <= limit, or where x is NaN; else 0.
    fn zero_beyond(self, value: Self::V, x: Self::V, limit: Self::V) -> Self::V;

    /// The nearest whole number, for |x| < 2²²; NaN gives anything.
    fn round(self, x: Self::V) -> Self::V;

    /// 2ⁿ for whole numbers n in -126..=127, infinity for 128; anything for NaN.
    fn pow2(self, n: Self::V) -> Self::V;

    /// Has the cache line of `from`, an address that need not exist, fetched into the second level.
    fn prefetch(self, from: *const f32);
}

/// Something that is compiled for every instruction set.
pub(crate) trait Kernel {
    /// Runs it; must be `#[inline(always)]`, with everything that it calls.
    fn call<S: Simd>(self, simd: S);
}

/// What names the instruction set that is wanted.
const VARIABLE: &str = "LSTM_SIMD";

/// The instruction sets that this program was compiled for; a value says that the processor has it.
#[derive(Clone, Copy)]
pub(crate) enum Isa {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
    Portable(Portable),
}

impl Isa {
    /// The fastest one that the processor has, or the one that the environment variable
    /// `LSTM_SIMD` names.
    ///
    /// # Panics
    ///
    /// If it names one that the processor does not have.
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let wanted = std::env::var_os(VARIABLE).unwrap_or_default();
            match Self::named(&wanted.to_string_lossy()) {
                Ok(isa) => isa,
                Err(message) => panic!("{message}"),
            }
        })
    }

    /// The one of that name, or the fastest if the name is empty.
    fn named(wanted: &str) -> Result<Self, String> {
        let available = Self::available();
        if wanted.is_empty() {
            return Ok(available[0]);
        }
        let named = available.iter().find(|isa| isa.name() == wanted);
        named.copied().ok_or_else(|| {
            let names: Vec<_> = available.iter().map(|isa| isa.name()).collect();
            format!(
                "the environment variable {VARIABLE} is {wanted:?}; this processor has {}",
                names.join(", ")
            )
        })
    }

    /// All that the processor has, fastest first.
    pub fn available() -> Vec<Self> {
        [
            #[cfg(target_arch = "x86_64")]
            Avx512::detect().map(Self::Avx512),
            #[cfg(target_arch = "x86_64")]
            Avx2::detect().map(Self::Avx2),
            #[cfg(target_arch = "aarch64")]
            Neon::detect().map(Self::Neon),
            Some(Self::Portable(Portable)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
            Self::Portable(_) => "portable",
        }
    }

    pub fn run<K: Kernel>(self, kernel: K) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => simd.vectorize(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => simd.vectorize(kernel),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(simd) => simd.vectorize(kernel),
            Self::Portable(simd) => simd.vectorize(kernel),
        }
    }

    pub fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => Avx512::LANES,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Avx2::LANES,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => Neon::LANES,
            Self::Portable(_) => Portable::LANES,
        }
    }

    pub fn registers(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => Avx512::REGISTERS,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Avx2::REGISTERS,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => Neon::REGISTERS,
            Self::Portable(_) => Portable::REGISTERS,
        }
    }
}

impl std::fmt::Debug for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_set_is_found_by_its_name_or_refused() {
        for isa in Isa::available() {
            assert_eq!(Isa::named(isa.name()).unwrap().name(), isa.name());
        }
        let best = Isa::available()[0].name();
        assert_eq!(Isa::named("").unwrap().name(), best);
        let message = Isa::named("avx-2").unwrap_err();
        for part in ["LSTM_SIMD", "\"avx-2\"", best, "portable"] {
            assert!(message.contains(part), "{message}");
        }
    }

    /// Lanes beyond the first `count`, and values beyond the limit.
    struct Selects<'a> {
        count: usize,
        kept: &'a mut Vec<f32>,
        within: &'a mut Vec<f32>,
    }

    /// What is asked whether it lies within ±0.5.
    const ASKED: [f32; 8] = [
        0.5,
        -0.5,
        0.500_001,
        -0.6,
        f32::NAN,
        f32::NEG_INFINITY,
        0.0,
        0.4,
    ];

    impl Kernel for Selects<'_> {
        #[inline(always)]
        fn call<S: Simd>(self, s: S) {
            let lanes = S::LANES;
            self.kept.resize(lanes, 0.0);
            let asked: Vec<f32> = ASKED.iter().copied().cycle().take(16).collect();
            self.within.resize(16, 0.0);
            // SAFETY: all have as many floats.
            unsafe {
                let kept = s.keep_first(s.splat(f32::NAN), self.count);
                s.store(self.kept.as_mut_ptr(), kept);
                for start in (0..16).step_by(lanes) {
                    let x = s.load(asked.as_ptr().add(start));
                    let within = s.zero_beyond(s.splat(3.0), x, s.splat(0.5));
                    s.store(self.within.as_mut_ptr().add(start), within);
                }
            }
        }
    }

    #[test]
    fn lanes_are_selected_alike_everywhere() {
        for isa in Isa::available() {
            for count in 0..=isa.lanes() {
                let (mut kept, mut within) = (Vec::new(), Vec::new());
                isa.run(Selects {
                    count,
                    kept: &mut kept,
                    within: &mut within,
                });
                for (lane, kept) in kept.iter().enumerate() {
                    assert!(kept.is_nan() == (lane < count) && (kept.is_nan() || *kept == 0.0));
                }
                let expected = [3.0, 3.0, 0.0, 0.0, 3.0, 0.0, 3.0, 3.0];
                assert_eq!(within[..8], expected, "{isa:?}");
                assert_eq!(within[8..], expected, "{isa:?}");
            }
        }
    }
}
