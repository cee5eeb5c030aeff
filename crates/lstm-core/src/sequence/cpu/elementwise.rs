//! What the element-wise part of a time step works on, for every cell.
//!
//! All matrices here are cut into blocks of as many hidden units as a vector has floats. A cell
//! has four *slots* a unit, what its gates come from and what its gradient needs; see `lstm.rs` and
//! `gru.rs`. One call does one block of units for some rows, which lie side by side.

use super::simd::Simd;

/// The element-wise step of one block of units.
///
/// Whoever makes a kernel of it promises that every pointer is good for `rows` rows of what its comment
/// says, and that nobody else uses what is written; `L` is the number of lanes.
pub(crate) struct ForwardStep {
    pub rows: usize,
    /// `[rows, 4 L]`: the slots, from the products.
    pub slots: *const f32,
    /// `[rows, L]`: the state before the step.
    pub previous: *const f32,
    /// `[rows, L]`: the state after the step; may be the place of `previous`.
    pub state: *mut f32,
    /// `[rows, 4 L]`: what the backward pass needs.
    pub saved: Option<*mut f32>,
    /// `[rows, L]`: the hidden state, for the next step's products or for its projection.
    pub hidden: *mut f32,
    /// `[rows, L]`: what the hidden state is multiplied with for the next step's products.
    pub mask: Option<*const f32>,
    pub output: Option<Scattered<*mut f32>>,
    /// The largest absolute value of an LSTM's cell.
    pub clip: Option<f32>,
}

/// The element-wise step of one block of units, backwards; with the same promise.
pub(crate) struct BackwardStep {
    pub rows: usize,
    /// Units of the block: fewer than `L` in the last one.
    pub units: usize,
    /// `[rows, L]`, rows `d_hidden_stride` apart: the gradient of the hidden state from later steps.
    pub d_hidden: *const f32,
    pub d_hidden_stride: usize,
    /// The gradient of the hidden state as an output.
    pub d_output: Option<Scattered<*const f32>>,
    /// `[rows, 4 L]`: what was saved; then the gradients of the slots.
    pub saved: *mut f32,
    /// `[rows, L]`: the state before the step.
    pub previous: *const f32,
    /// `[rows, L]`: the state after the step.
    pub state: *const f32,
    /// `[rows, L]`: the gradient of the state, from later steps and to earlier ones.
    pub d_state: *mut f32,
    /// What was projected, once more, of an LSTM: the gradient of the projection wants it.
    pub unprojected: Option<Spaced>,
    pub clip: Option<f32>,
}

impl ForwardStep {
    /// Puts the hidden state of a row where it belongs.
    ///
    /// # Safety
    ///
    /// The pointers are good for row `row`.
    #[inline(always)]
    pub unsafe fn show<S: Simd>(&self, s: S, row: usize, hidden: S::V) {
        // SAFETY: see above.
        unsafe {
            if let Some(output) = &self.output {
                if output.units == S::LANES {
                    s.store(output.row(row), hidden);
                } else {
                    s.store_first(output.row(row), hidden, output.units);
                }
            }
            let masked = match self.mask {
                Some(mask) => s.mul(hidden, s.load(mask.add(row * S::LANES))),
                None => hidden,
            };
            s.store(self.hidden.add(row * S::LANES), masked);
        }
    }
}

impl BackwardStep {
    /// A slot's gradient as it is stored: zero beyond the last unit, where the products go over it,
    /// because a zero weight times what an infinite input leaves there would not be zero.
    #[inline(always)]
    pub fn of_units<S: Simd>(&self, s: S, gradient: S::V) -> S::V {
        match self.units == S::LANES {
            true => gradient,
            false => s.keep_first(gradient, self.units),
        }
    }

    /// The gradient of a row's hidden state: as an output, and from later products.
    ///
    /// # Safety
    ///
    /// The pointers are good for row `row`.
    #[inline(always)]
    pub unsafe fn d_hidden<S: Simd>(&self, s: S, row: usize) -> S::V {
        // SAFETY: see above.
        unsafe {
            let later = s.load(self.d_hidden.add(row * self.d_hidden_stride));
            match &self.d_output {
                None => later,
                Some(shown) if shown.units == S::LANES => s.add(s.load(shown.row(row)), later),
                Some(shown) => s.add(s.load_first(shown.row(row), shown.units), later),
            }
        }
    }
}

/// Rows that lie apart: row `r` of the block has `units` floats at `data + r * stride`.
#[derive(Clone, Copy)]
pub(crate) struct Spaced {
    pub data: *mut f32,
    pub stride: usize,
    pub units: usize,
}

/// Rows that lie anywhere: row `r` of the block has `units` floats at
/// `data + places[r] * stride`.
#[derive(Clone, Copy)]
pub(crate) struct Scattered<P> {
    pub data: P,
    pub places: *const usize,
    pub stride: usize,
    pub units: usize,
}

impl Scattered<*mut f32> {
    /// # Safety
    ///
    /// There is a row `row`, and it has `units` writable floats.
    #[inline(always)]
    pub unsafe fn row(&self, row: usize) -> *mut f32 {
        // SAFETY: see above.
        unsafe { self.data.add(*self.places.add(row) * self.stride) }
    }
}

impl Scattered<*const f32> {
    /// # Safety
    ///
    /// There is a row `row`, and it has `units` readable floats.
    #[inline(always)]
    pub unsafe fn row(&self, row: usize) -> *const f32 {
        // SAFETY: see above.
        unsafe { self.data.add(*self.places.add(row) * self.stride) }
    }
}
