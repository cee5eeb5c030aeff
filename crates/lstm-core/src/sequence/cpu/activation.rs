//! The sigmoid and tanh on vectors.

use super::simd::Simd;

/// eˣ to one unit in the last place or so, for x of at least -87, and infinity from some 88.4 on, so that σ
/// is exactly 0 at -∞: x = n·ln 2 + r, and eʳ by the polynomial of Cephes' `expf` (Moshier 1989).
#[inline(always)]
#[allow(clippy::excessive_precision)] // the published digits
fn exp<S: Simd>(s: S, x: S::V) -> S::V {
    let x = s.clamp(x, s.splat(-87.0), s.splat(89.0));
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    // ln 2 in two parts, the first of which has few digits, so that n times it is exact.
    let r = s.neg_mul_add(n, s.splat(0.693_359_375), x);
    let r = s.neg_mul_add(n, s.splat(-2.121_944_4e-4), r);
    let mut p = s.splat(1.987_569_15e-4);
    for coefficient in [
        1.398_199_950_7e-3,
        8.333_451_907_3e-3,
        4.166_579_589_4e-2,
        1.666_666_545_9e-1,
        5.000_000_120_1e-1,
    ] {
        p = s.mul_add(p, r, s.splat(coefficient));
    }
    let p = s.mul_add(s.mul(r, r), p, s.add(r, s.splat(1.0)));
    s.mul(p, s.pow2(n))
}

/// σ(x) = 1 / (1 + e⁻ˣ), with an absolute error of at most 3e-7; NaN gives NaN.
#[inline(always)]
pub(super) fn sigmoid<S: Simd>(s: S, x: S::V) -> S::V {
    let one = s.splat(1.0);
    s.div(one, s.add(one, exp(s, s.sub(s.splat(0.0), x))))
}

/// tanh(x) = 1 - 2 / (e²ˣ + 1), with an absolute error of at most 3e-7; NaN gives NaN.
#[inline(always)]
pub(super) fn tanh<S: Simd>(s: S, x: S::V) -> S::V {
    let one = s.splat(1.0);
    s.sub(one, s.div(s.splat(2.0), s.add(exp(s, s.add(x, x)), one)))
}

#[cfg(test)]
mod tests {
    use super::super::simd::{Isa, Kernel};
    use super::*;

    /// σ and tanh of `x`, as many as fit whole vectors.
    struct Both<'a> {
        x: &'a [f32],
        sigmoid: &'a mut [f32],
        tanh: &'a mut [f32],
    }

    impl Kernel for Both<'_> {
        #[inline(always)]
        fn call<S: Simd>(self, s: S) {
            for start in (0..self.x.len()).step_by(S::LANES) {
                let count = (self.x.len() - start).min(S::LANES);
                // SAFETY: `count` floats of each slice lie at `start`.
                unsafe {
                    let x = s.load_first(self.x.as_ptr().add(start), count);
                    s.store_first(self.sigmoid.as_mut_ptr().add(start), sigmoid(s, x), count);
                    s.store_first(self.tanh.as_mut_ptr().add(start), tanh(s, x), count);
                }
            }
        }
    }

    fn both(isa: Isa, x: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (mut sigmoid, mut tanh) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        isa.run(Both {
            x,
            sigmoid: &mut sigmoid,
            tanh: &mut tanh,
        });
        (sigmoid, tanh)
    }

    #[test]
    fn the_absolute_error_is_at_most_3e_7() {
        let count = if cfg!(miri) { 60 } else { 60_000 };
        let x: Vec<f32> = (-count..=count)
            .map(|i| 30.0 * i as f32 / count as f32)
            .collect();
        for isa in Isa::available() {
            let (sigmoids, tanhs) = both(isa, &x);
            for ((x, sigmoid), tanh) in x.iter().zip(&sigmoids).zip(&tanhs) {
                let exact = f64::from(*x);
                let sigmoid_error = f64::from(*sigmoid) - 1.0 / (1.0 + (-exact).exp());
                let tanh_error = f64::from(*tanh) - exact.tanh();
                assert!(sigmoid_error.abs() <= 3e-7, "{isa:?}: σ({x}) = {sigmoid}");
                assert!(tanh_error.abs() <= 3e-7, "{isa:?}: tanh({x}) = {tanh}");
            }
        }
    }

    #[test]
    fn nan_comes_through_and_infinity_saturates() {
        let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0];
        for isa in Isa::available() {
            let (sigmoid, tanh) = both(isa, &x);
            assert!(sigmoid[0].is_nan() && tanh[0].is_nan(), "{isa:?}");
            assert_eq!(tanh[1..], [1.0, -1.0, 1.0, 0.0], "{isa:?}");
            assert_eq!((sigmoid[1], sigmoid[3], sigmoid[4]), (1.0, 1.0, 0.5));
            assert_eq!(sigmoid[2], 0.0, "{isa:?}");
        }
    }
}
