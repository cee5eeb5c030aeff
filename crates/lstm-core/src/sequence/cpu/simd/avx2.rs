//! AVX2 and FMA: 8 floats a vector, 16 registers.

use std::arch::x86_64::*;

use super::{Kernel, Simd};

/// The processor has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

/// # Safety
///
/// The processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
unsafe fn compiled<K: Kernel>(simd: Avx2, kernel: K) {
    kernel.call(simd);
}

impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    const REGISTERS: usize = 16;

    fn vectorize<K: Kernel>(self, kernel: K) {
        // SAFETY: a value of this type exists only where the processor has the instructions.
        unsafe { compiled(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: a value of this type proves the instructions.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: as the method says; a value of this type proves the instructions.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m256) {
        // SAFETY: as the method says; a value of this type proves the instructions.
        unsafe { _mm256_storeu_ps(to, value) }
    }

    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, count: usize) -> __m256 {
        // SAFETY: as the method says; a value of this type proves the instructions.
        unsafe { _mm256_maskload_ps(from, first(count)) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, value: __m256, count: usize) {
        // SAFETY: as the method says; a value of this type proves the instructions.
        unsafe { _mm256_maskstore_ps(to, first(count), value) }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: a value of this type proves the instructions.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: a value of this type proves the instructions.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: a value of this type proves the instructions.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: a value of this type proves the instructions.
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: a value of this type proves the instructions.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn neg_mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: a value of this type proves the instructions.
        unsafe { _mm256_fnmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn clamp(self, x: __m256, low: __m256, high: __m256) -> __m256 {
        // Of two operands with a NaN among them, both instructions give the second.
        // SAFETY: a value of this type proves the instructions.
        unsafe { _mm256_min_ps(high, _mm256_max_ps(low, x)) }
    }

    #[inline(always)]
    fn keep_first(self, x: __m256, count: usize) -> __m256 {
        // SAFETY: a value of this type proves the instructions.
        unsafe { _mm256_and_ps(_mm256_castsi256_ps(first(count)), x) }
    }

    #[inline(always)]
    fn zero_beyond(self, value: __m256, x: __m256, limit: __m256) -> __m256 {
        // SAFETY: a value of this type proves the instructions.
        unsafe {
            let absolute = _mm256_andnot_ps(_mm256_set1_ps(-0.0), x);
            let beyond = _mm256_cmp_ps::<_CMP_GT_OQ>(absolute, limit);
            _mm256_andnot_ps(beyond, value)
        }
    }

    #[inline(always)]
    fn round(self, x: __m256) -> __m256 {
        // SAFETY: a value of this type proves the instructions.
        unsafe { _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x) }
    }

    #[inline(always)]
    fn pow2(self, n: __m256) -> __m256 {
        // SAFETY: a value of this type proves the instructions.
        unsafe {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent))
        }
    }

    #[inline(always)]
    fn prefetch(self, from: *const f32) {
        // SAFETY: a hint, which reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
    }
}

/// All bits of the first `count` lanes.
///
/// # Safety
///
/// The processor has AVX2.
#[inline(always)]
unsafe fn first(count: usize) -> __m256i {
    // SAFETY: see above.
    unsafe {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes)
    }
}
