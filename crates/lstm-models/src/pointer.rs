//! The mixture of what is generated and what is copied (pointer-generator, See et al. 2017).

/// How a row's target may be copied, beside being generated: P = p_gen·P_vocab + (1 − p_gen)·a, with p_gen = σ(gate)
/// and a how much attention the places have that hold the target.
#[cfg(feature = "flex")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pointer {
    gate: f64,
    copied: f64,
}

/// The loss of a row whose target may be copied.
#[cfg(feature = "flex")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mixed {
    /// −ln P
    pub nll: f64,
    /// p_gen·P_vocab / P, the share of P that is generated: ∂(−ln P)/∂(−ln P_vocab)
    pub generated: f64,
    /// ∂(−ln P)/∂gate and ∂(−ln P)/∂a
    pub gradient: [f32; 2],
}

/// Less attention counts as this, and has no gradient: a target that can neither be generated nor copied has a finite
/// loss.
pub(crate) const LEAST: f32 = 1e-30;

#[cfg(feature = "flex")]
impl Pointer {
    /// Gate and a.
    pub fn new([gate, copied]: [f32; 2]) -> Self {
        Self {
            gate: gate.into(),
            copied: copied.into(),
        }
    }

    /// The loss where −ln P_vocab is this; infinite for a target outside the vocabulary.
    pub fn mix(self, nll: f64) -> Mixed {
        // ln p_gen = −ln(1 + e^−gate), ln(1 − p_gen) = −ln(1 + e^gate)
        let [ln_gate, ln_not] = [self.gate, -self.gate].map(log_sigmoid);
        let least = f64::from(LEAST);
        // `f64::max` would make least of what is no number.
        let copied = match self.copied < least {
            true => least,
            false => self.copied,
        };
        let (generated, copied) = (ln_gate - nll, ln_not + copied.ln());
        let greatest = generated.max(copied);
        let sum = (generated - greatest).exp() + (copied - greatest).exp();
        let ln_p = greatest + sum.ln();
        let share = (generated - ln_p).exp();
        Mixed {
            nll: -ln_p,
            generated: share,
            gradient: [
                // p_gen − r
                (ln_gate.exp() - share) as f32,
                // −(1 − p_gen) / P
                match self.copied <= least {
                    true => 0.0,
                    false => -(ln_not - ln_p).exp() as f32,
                },
            ],
        }
    }
}

/// ln σ(x), without overflow.
pub(crate) fn log_sigmoid(x: f64) -> f64 {
    x.min(0.0) - (-x.abs()).exp().ln_1p()
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    #[test]
    fn a_mixture_is_that_of_the_equation_and_its_gradient_that_of_differences() {
        for (gate, copied, nll) in [(0.3, 0.25, 2.0), (-1.5, 0.9, 0.1), (2.0, 0.01, 9.0)] {
            let loss = |gate: f64, copied: f64, nll: f64| {
                let p = 1.0 / (1.0 + (-gate).exp());
                -(p * (-nll).exp() + (1.0 - p) * copied).ln()
            };
            let mixed = Pointer { gate, copied }.mix(nll);
            assert!((mixed.nll - loss(gate, copied, nll)).abs() < 1e-12);
            let h = 1e-5;
            let slopes = [
                (loss(gate + h, copied, nll) - loss(gate - h, copied, nll)) / (2.0 * h),
                (loss(gate, copied + h, nll) - loss(gate, copied - h, nll)) / (2.0 * h),
                (loss(gate, copied, nll + h) - loss(gate, copied, nll - h)) / (2.0 * h),
            ];
            let [of_gate, of_copied] = mixed.gradient.map(f64::from);
            for (found, expected) in [of_gate, of_copied, mixed.generated].iter().zip(slopes) {
                let tolerance = 1e-5 * expected.abs().max(1.0);
                assert!((found - expected).abs() < tolerance, "{found} {expected}");
            }
        }
    }

    #[test]
    fn losses_and_gradients_are_finite_at_the_borders() {
        for gate in [-90.0, 0.0, 90.0] {
            for copied in [0.0, 1.0] {
                for nll in [0.0, 200.0, f64::INFINITY] {
                    let mixed = Pointer::new([gate, copied]).mix(nll);
                    let all = [mixed.nll as f32, mixed.generated as f32];
                    let all = all.into_iter().chain(mixed.gradient);
                    assert!(all.into_iter().all(f32::is_finite), "{mixed:?}");
                }
            }
        }
        let unknown = Pointer::new([0.0, 0.5]).mix(f64::INFINITY);
        assert!((unknown.nll - 0.25_f64.ln().abs()).abs() < 1e-12);
        assert_eq!(unknown.generated, 0.0);
        assert!(Pointer::new([f32::NAN, 0.5]).mix(1.0).nll.is_nan());
        assert!(Pointer::new([0.0, 0.5]).mix(f64::NAN).nll.is_nan());
    }

    #[test]
    fn attention_that_is_no_number_has_no_loss_and_no_gradient_that_is_one() {
        for nll in [0.0, 1.0, f64::INFINITY] {
            let mixed = Pointer::new([0.5, f32::NAN]).mix(nll);
            assert!(mixed.nll.is_nan() && mixed.generated.is_nan(), "{mixed:?}");
            assert!(mixed.gradient.iter().all(|x| x.is_nan()), "{mixed:?}");
        }
    }
}
