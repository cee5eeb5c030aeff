//! The element-wise part of a GRU's time step, with the reset gate after the product. Slots: the
//! candidate's part from the input, r, z, and the candidate's part from the hidden state; state: h.

use super::activation::{sigmoid, tanh};
use super::elementwise::{BackwardStep, ForwardStep};
use super::simd::{Kernel, Simd};

/// The forward step.
pub(crate) struct GruForward(ForwardStep);

impl GruForward {
    /// # Safety
    ///
    /// The pointers are good, as [`ForwardStep`] says, while the kernel runs.
    pub unsafe fn new(step: ForwardStep) -> Self {
        Self(step)
    }
}

impl Kernel for GruForward {
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self(step) = self;
        let lanes = S::LANES;
        for row in 0..step.rows {
            // SAFETY: the pointers are good for this row, as `new` was promised.
            unsafe {
                let slots = step.slots.add(row * 4 * lanes);
                // r_t = σ(…), z_t = σ(…)
                let reset = sigmoid(s, s.load(slots.add(lanes)));
                let update = sigmoid(s, s.load(slots.add(2 * lanes)));
                // h̃_t = tanh(W_h·x_t + b_h + r_t ⊙ (U_h·h_{t-1} + b'_h))
                let recalled = s.load(slots.add(3 * lanes));
                let candidate = tanh(s, s.mul_add(reset, recalled, s.load(slots)));
                // h_t = (1 - z_t) ⊙ h̃_t + z_t ⊙ h_{t-1} = h̃_t + z_t ⊙ (h_{t-1} - h̃_t)
                let previous = s.load(step.previous.add(row * lanes));
                let hidden = s.mul_add(update, s.sub(previous, candidate), candidate);
                s.store(step.state.add(row * lanes), hidden);
                if let Some(saved) = step.saved {
                    let saved = saved.add(row * 4 * lanes);
                    s.store(saved, candidate);
                    s.store(saved.add(lanes), reset);
                    s.store(saved.add(2 * lanes), update);
                    s.store(saved.add(3 * lanes), recalled);
                }
                step.show(s, row, hidden);
            }
        }
    }
}

/// The backward step.
pub(crate) struct GruBackward(BackwardStep);

impl GruBackward {
    /// # Safety
    ///
    /// The pointers are good, as [`BackwardStep`] says, while the kernel runs.
    pub unsafe fn new(step: BackwardStep) -> Self {
        Self(step)
    }
}

impl Kernel for GruBackward {
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self(step) = self;
        let lanes = S::LANES;
        let one = s.splat(1.0);
        for row in 0..step.rows {
            // SAFETY: the pointers are good for this row, as `new` was promised.
            unsafe {
                let saved = step.saved.add(row * 4 * lanes);
                let candidate = s.load(saved);
                let reset = s.load(saved.add(lanes));
                let update = s.load(saved.add(2 * lanes));
                let recalled = s.load(saved.add(3 * lanes));
                let previous = s.load(step.previous.add(row * lanes));
                // ∂h_t: as an output, from later products, and from the later step's z ⊙ h
                let d_hidden = s.add(step.d_hidden(s, row), s.load(step.d_state.add(row * lanes)));
                // ∂z_t = ∂h_t ⊙ (h_{t-1} - h̃_t) ⊙ z_t ⊙ (1 - z_t)
                let d_update = s.mul(
                    s.mul(d_hidden, s.sub(previous, candidate)),
                    s.neg_mul_add(update, update, update),
                );
                // ∂h̃_t = ∂h_t ⊙ (1 - z_t) ⊙ (1 - h̃_t²)
                let d_candidate = s.mul(
                    s.neg_mul_add(d_hidden, update, d_hidden),
                    s.neg_mul_add(candidate, candidate, one),
                );
                let d_reset = s.mul(
                    s.mul(d_candidate, recalled),
                    s.neg_mul_add(reset, reset, reset),
                );
                s.store(step.d_state.add(row * lanes), s.mul(d_hidden, update));
                s.store(saved, step.of_units(s, d_candidate));
                s.store(saved.add(lanes), step.of_units(s, d_reset));
                s.store(saved.add(2 * lanes), step.of_units(s, d_update));
                s.store(
                    saved.add(3 * lanes),
                    step.of_units(s, s.mul(d_candidate, reset)),
                );
            }
        }
    }
}
