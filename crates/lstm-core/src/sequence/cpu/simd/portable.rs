//! No instruction set at all: plain Rust on four floats at a time, for every processor, and the
//! twin that the others are tested against.

use super::{Kernel, Simd};

/// Every processor has it.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

const LANES: usize = 4;

#[inline(always)]
fn each(f: impl Fn(usize) -> f32) -> [f32; LANES] {
    std::array::from_fn(f)
}

impl Simd for Portable {
    type V = [f32; LANES];
    const LANES: usize = LANES;
    const REGISTERS: usize = 16;

    fn vectorize<K: Kernel>(self, kernel: K) {
        kernel.call(self);
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::V {
        // SAFETY: as the method says.
        unsafe { from.cast::<Self::V>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: Self::V) {
        // SAFETY: as the method says.
        unsafe { to.cast::<Self::V>().write_unaligned(value) }
    }

    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, count: usize) -> Self::V {
        let mut lanes = [0.0; LANES];
        // SAFETY: both have `count` floats, as the method says.
        unsafe { std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count) };
        lanes
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, value: Self::V, count: usize) {
        // SAFETY: both have `count` floats, as the method says.
        unsafe { std::ptr::copy_nonoverlapping(value.as_ptr(), to, count) }
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        each(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        each(|lane| a[lane] - b[lane])
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        each(|lane| a[lane] * b[lane])
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        each(|lane| a[lane] / b[lane])
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Rounded twice: without the instruction, a fused one is a slow function call.
        each(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        each(|lane| c[lane] - a[lane] * b[lane])
    }

    #[inline(always)]
    fn clamp(self, x: Self::V, low: Self::V, high: Self::V) -> Self::V {
        each(|lane| {
            if x[lane] < low[lane] {
                low[lane]
            } else if x[lane] > high[lane] {
                high[lane]
            } else {
                x[lane]
            }
        })
    }

    #[inline(always)]
    fn keep_first(self, x: Self::V, count: usize) -> Self::V {
        each(|lane| if lane < count { x[lane] } else { 0.0 })
    }

    #[inline(always)]
    fn zero_beyond(self, value: Self::V, x: Self::V, limit: Self::V) -> Self::V {
        each(|lane| match x[lane].abs() > limit[lane] {
            true => 0.0,
            false => value[lane],
        })
    }

    #[inline(always)]
    fn round(self, x: Self::V) -> Self::V {
        // Beyond 2²³ a float has no fraction: adding it and taking it away again rounds to even.
        const SHIFT: f32 = 12_582_912.0;
        each(|lane| (x[lane] + SHIFT) - SHIFT)
    }

    #[inline(always)]
    fn pow2(self, n: Self::V) -> Self::V {
        each(|lane| f32::from_bits(((n[lane] as i32 + 127) as u32) << 23))
    }

    #[inline(always)]
    fn prefetch(self, _from: *const f32) {}
}
