//! The ranges that the values of every architecture lie in.
//!
//! Each check names the first key whose value is outside, and says what it must be.

use lstm_core::RecurrentInit;

/// Bounds beyond which a size is a slip of the pen rather than a model.
pub(crate) const MAX_FEATURES: usize = 16_384;
pub(crate) const MAX_LAYERS: usize = 64;

/// A key whose value is not in its range, and what it must be.
pub(crate) type OutOfRange = (&'static str, String);

/// Sizes of at least 1 and at most their bound.
pub(crate) fn check_sizes(
    sizes: impl IntoIterator<Item = (&'static str, usize, usize)>,
) -> Result<(), OutOfRange> {
    for (key, size, most) in sizes {
        if !(1..=most).contains(&size) {
            let message = format!("must be at least 1 and at most {most}, not {size}");
            return Err((key, message));
        }
    }
    Ok(())
}

/// Probabilities of dropout.
pub(crate) fn check_probabilities(
    probabilities: impl IntoIterator<Item = (&'static str, f64)>,
) -> Result<(), OutOfRange> {
    for (key, probability) in probabilities {
        if !(0.0..1.0).contains(&probability) {
            let message = format!("must be a probability in [0, 1), not {probability}");
            return Err((key, message));
        }
    }
    Ok(())
}

/// What embeddings, under `range`, and recurrent weights start within.
pub(crate) fn check_initial(range: f64, init: RecurrentInit) -> Result<(), OutOfRange> {
    let init = match init {
        RecurrentInit::Range(range) => range,
        RecurrentInit::Orthogonal | RecurrentInit::Uniform => 1.0,
    };
    for (key, range) in [("range", range), ("init.range", init)] {
        if !(range > 0.0 && range.is_finite()) {
            return Err((key, format!("must be above 0, not {range}")));
        }
    }
    Ok(())
}
