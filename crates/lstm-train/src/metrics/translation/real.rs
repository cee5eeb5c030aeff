//! The floats that scores are computed in.

use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// `f64` for a score; `f32` where sacreBLEU has numpy compute the scores of resamples in it, so that
/// they are equal to the last bit.
pub trait Real:
    Copy
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
{
    /// The nearest number of this kind.
    fn nearest(value: f64) -> Self;
    /// The same number.
    fn value(self) -> f64;
}

impl Real for f32 {
    fn nearest(value: f64) -> Self {
        value as f32
    }

    fn value(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    fn nearest(value: f64) -> Self {
        value
    }

    fn value(self) -> f64 {
        self
    }
}
