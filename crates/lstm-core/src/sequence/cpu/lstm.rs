//! The element-wise part of an LSTM's time step. Slots: i, f, c̃, o; state: c.

use super::activation::{sigmoid, tanh};
use super::elementwise::{BackwardStep, ForwardStep};
use super::simd::{Kernel, Simd};

/// The forward step.
pub(crate) struct LstmForward(ForwardStep);

impl LstmForward {
    /// # Safety
    ///
    /// The pointers are good, as [`ForwardStep`] says, while the kernel runs.
    pub unsafe fn new(step: ForwardStep) -> Self {
        Self(step)
    }
}

impl Kernel for LstmForward {
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self(step) = self;
        let lanes = S::LANES;
        for row in 0..step.rows {
            // SAFETY: the pointers are good for this row, as `new` was promised.
            unsafe {
                let slots = step.slots.add(row * 4 * lanes);
                // i_t = σ(…), f_t = σ(…), c̃_t = tanh(…), o_t = σ(…)
                let input = sigmoid(s, s.load(slots));
                let forget = sigmoid(s, s.load(slots.add(lanes)));
                let candidate = tanh(s, s.load(slots.add(2 * lanes)));
                let output = sigmoid(s, s.load(slots.add(3 * lanes)));
                // c_t = f_t ⊙ c_{t-1} + i_t ⊙ c̃_t
                let previous = s.load(step.previous.add(row * lanes));
                let mut cell = s.mul_add(forget, previous, s.mul(input, candidate));
                if let Some(clip) = step.clip {
                    cell = s.clamp(cell, s.splat(-clip), s.splat(clip));
                }
                // h_t = o_t ⊙ tanh(c_t)
                let hidden = s.mul(output, tanh(s, cell));
                s.store(step.state.add(row * lanes), cell);
                if let Some(saved) = step.saved {
                    let saved = saved.add(row * 4 * lanes);
                    s.store(saved, input);
                    s.store(saved.add(lanes), forget);
                    s.store(saved.add(2 * lanes), candidate);
                    s.store(saved.add(3 * lanes), output);
                }
                step.show(s, row, hidden);
            }
        }
    }
}

/// The backward step.
pub(crate) struct LstmBackward(BackwardStep);

impl LstmBackward {
    /// # Safety
    ///
    /// The pointers are good, as [`BackwardStep`] says, while the kernel runs.
    pub unsafe fn new(step: BackwardStep) -> Self {
        Self(step)
    }
}

impl Kernel for LstmBackward {
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self(step) = self;
        let lanes = S::LANES;
        let one = s.splat(1.0);
        for row in 0..step.rows {
            // SAFETY: the pointers are good for this row, as `new` was promised.
            unsafe {
                let saved = step.saved.add(row * 4 * lanes);
                let input = s.load(saved);
                let forget = s.load(saved.add(lanes));
                let candidate = s.load(saved.add(2 * lanes));
                let output = s.load(saved.add(3 * lanes));
                let previous = s.load(step.previous.add(row * lanes));
                let cell = s.load(step.state.add(row * lanes));
                let d_hidden = step.d_hidden(s, row);
                let tanh_cell = tanh(s, cell);
                // ∂c_t = ∂c_t (later) + ∂h_t ⊙ o_t ⊙ (1 - tanh²(c_t))
                let mut d_cell = s.mul_add(
                    s.mul(d_hidden, output),
                    s.neg_mul_add(tanh_cell, tanh_cell, one),
                    s.load(step.d_state.add(row * lanes)),
                );
                if let Some(clip) = step.clip {
                    // As the forward step had it before it was limited, bit for bit.
                    let unlimited = s.mul_add(forget, previous, s.mul(input, candidate));
                    d_cell = s.zero_beyond(d_cell, unlimited, s.splat(clip));
                }
                // σ' = σ ⊙ (1 - σ), tanh' = 1 - tanh²
                let d_input = s.mul(s.mul(d_cell, candidate), s.neg_mul_add(input, input, input));
                let d_forget = s.mul(
                    s.mul(d_cell, previous),
                    s.neg_mul_add(forget, forget, forget),
                );
                let d_candidate = s.mul(
                    s.mul(d_cell, input),
                    s.neg_mul_add(candidate, candidate, one),
                );
                let d_output = s.mul(
                    s.mul(d_hidden, tanh_cell),
                    s.neg_mul_add(output, output, output),
                );
                if let Some(unprojected) = step.unprojected {
                    let to = unprojected.data.add(row * unprojected.stride);
                    s.store_first(to, s.mul(output, tanh_cell), unprojected.units);
                }
                s.store(step.d_state.add(row * lanes), s.mul(d_cell, forget));
                s.store(saved, step.of_units(s, d_input));
                s.store(saved.add(lanes), step.of_units(s, d_forget));
                s.store(saved.add(2 * lanes), step.of_units(s, d_candidate));
                s.store(saved.add(3 * lanes), step.of_units(s, d_output));
            }
        }
    }
}
