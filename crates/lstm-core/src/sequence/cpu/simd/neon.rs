//! NEON: 4 floats a vector, 32 registers.

use std::arch::aarch64::*;

use super::{Kernel, Simd};

/// The processor has NEON.
#[derive(Clone, Copy)]
pub(crate) struct Neon(());

impl Neon {
    pub fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

/// # Safety
///
/// The processor has NEON.
#[target_feature(enable = "neon")]
unsafe fn compiled<K: Kernel>(simd: Neon, kernel: K) {
    kernel.call(simd);
}

impl Simd for Neon {
    type V = float32x4_t;
    const LANES: usize = 4;
    const REGISTERS: usize = 32;

    fn vectorize<K: Kernel>(self, kernel: K) {
        // SAFETY: a value of this type exists only where the processor has the instructions.
        unsafe { compiled(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> float32x4_t {
        // SAFETY: a value of this type proves the instructions.
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> float32x4_t {
        // SAFETY: as the method says; a value of this type proves the instructions.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: float32x4_t) {
        // SAFETY: as the method says; a value of this type proves the instructions.
        unsafe { vst1q_f32(to, value) }
    }

    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, count: usize) -> float32x4_t {
        let mut lanes = [0.0; 4];
        // SAFETY: both have `count` floats, as the method says.
        unsafe {
            std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count);
            vld1q_f32(lanes.as_ptr())
        }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, value: float32x4_t, count: usize) {
        let mut lanes = [0.0; 4];
        // SAFETY: both have `count` floats, as the method says.
        unsafe {
            vst1q_f32(lanes.as_mut_ptr(), value);
            std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, count);
        }
    }

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: a value of this type proves the instructions.
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: a value of this type proves the instructions.
        unsafe { vsubq_f32(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: a value of this type proves the instructions.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: a value of this type proves the instructions.
        unsafe { vdivq_f32(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: a value of this type proves the instructions.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    fn neg_mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: a value of this type proves the instructions.
        unsafe { vfmsq_f32(c, a, b) }
    }

    #[inline(always)]
    fn clamp(self, x: float32x4_t, low: float32x4_t, high: float32x4_t) -> float32x4_t {
        // Both give NaN where an operand is NaN.
        // SAFETY: a value of this type proves the instructions.
        unsafe { vminq_f32(high, vmaxq_f32(low, x)) }
    }

    #[inline(always)]
    fn keep_first(self, x: float32x4_t, count: usize) -> float32x4_t {
        let mut lanes = [0.0; 4];
        // SAFETY: four floats are written and read; a value of this type proves the instructions.
        unsafe {
            vst1q_f32(lanes.as_mut_ptr(), x);
            lanes[count.min(4)..].fill(0.0);
            vld1q_f32(lanes.as_ptr())
        }
    }

    #[inline(always)]
    fn zero_beyond(self, value: float32x4_t, x: float32x4_t, limit: float32x4_t) -> float32x4_t {
        // SAFETY: a value of this type proves the instructions.
        unsafe {
            let beyond = vcagtq_f32(x, limit);
            vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(value), beyond))
        }
    }

    #[inline(always)]
    fn round(self, x: float32x4_t) -> float32x4_t {
        // SAFETY: a value of this type proves the instructions.
        unsafe { vrndnq_f32(x) }
    }

    #[inline(always)]
    fn pow2(self, n: float32x4_t) -> float32x4_t {
        // SAFETY: a value of this type proves the instructions.
        unsafe {
            let exponent = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent))
        }
    }

    #[inline(always)]
    fn prefetch(self, _from: *const f32) {}
}
