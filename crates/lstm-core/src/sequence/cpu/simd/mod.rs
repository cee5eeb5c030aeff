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

    /// The nearest whole number, for |x| < 2²²; NaN gives anything.
    fn round(self, x: Self::V) -> Self::V;

    /// 2ⁿ for whole numbers n in -126..=127; anything for NaN.
    fn pow2(self, n: Self::V) -> Self::V;

    /// Has the cache line of `from`, an address that need not exist, fetched into the second level.
    fn prefetch(self, from: *const f32);
}

/// Something that is compiled for every instruction set.
pub(crate) trait Kernel {
    /// Runs it; must be `#[inline(always)]`, with everything that it calls.
    fn call<S: Simd>(self, simd: S);
}

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
    /// `LSTM_SIMD` names, if the processor has it.
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let available = Self::available();
            let wanted = std::env::var("LSTM_SIMD").unwrap_or_default();
            let named = available.iter().find(|isa| isa.name() == wanted);
            *named.unwrap_or(&available[0])
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
