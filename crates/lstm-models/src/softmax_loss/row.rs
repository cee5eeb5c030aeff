//! The loss of one row of logits, and their gradient in their place.

use multiversion::multiversion;

use crate::pointer::Pointer;

/// Numbers side by side, which one instruction works on. Sums are taken in this many parts whatever the
/// instructions, so that these change no bit.
const LANES: usize = 16;

/// What becomes of a chunk's logits.
#[derive(Clone, Copy, PartialEq)]
pub enum Rows {
    /// Their losses are all that is wanted.
    Losses,
    /// They become the gradients of the logits.
    Gradients,
}

/// The loss of a row, or of several together.
#[derive(Debug, Clone, Copy, Default)]
pub struct RowLoss {
    pub objective: f64,
    pub nll: f64,
    /// The objective's gradient by what the row's [`Pointer`] is made of.
    pub pointer: [f32; 2],
}

impl RowLoss {
    pub fn sum(losses: &[Self]) -> Self {
        losses.iter().fold(Self::default(), |sum, loss| Self {
            objective: sum.objective + loss.objective,
            nll: sum.nll + loss.nll,
            ..sum
        })
    }
}

/// What should have followed in a row.
#[derive(Clone, Copy)]
pub struct RowTarget {
    /// One beyond the vocabulary can only be copied.
    pub token: usize,
    pub smoothing: f32,
    pub pointer: Option<Pointer>,
}

/// A row's loss, where nll is −log softmax(logits + bias)[target] and the objective (1 − ε)·nll + ε·u, with
/// u the mean of −log softmax over the vocabulary; its logits become exp(logits − max), or the gradients
/// softmax − (1 − ε)·onehot − ε/vocab. With a pointer nll is that of the [`Pointer`], of which the share r goes back
/// to the vocabulary: the gradients are ((1 − ε)·r + ε)·softmax − (1 − ε)·r·onehot − ε/vocab.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2", "aarch64+neon"))]
pub fn row(logits: &mut [f32], bias: &[f32], target: RowTarget, wanted: Rows) -> RowLoss {
    let smoothing = target.smoothing;
    let (groups, rest) = logits.as_chunks_mut::<LANES>();
    let (bias_groups, bias_rest) = bias.as_chunks::<LANES>();
    let mut greatest = [f32::NEG_INFINITY; LANES];
    for (logits, bias) in groups.iter_mut().zip(bias_groups) {
        add_bias(logits, bias, &mut greatest);
    }
    add_bias(rest, bias_rest, &mut greatest);
    let greatest = greatest.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let of_target = logits.get(target.token).copied();
    let of_target = of_target.unwrap_or(f32::NEG_INFINITY);
    let mean = mean_if(smoothing > 0.0, logits);
    let (groups, rest) = logits.as_chunks_mut::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for logits in groups {
        exponentiate(logits, greatest, &mut sums);
    }
    exponentiate(rest, greatest, &mut sums);
    let sum: f64 = sums.into_iter().map(f64::from).sum();
    let normalizer = sum.ln() + f64::from(greatest);
    let generated = normalizer - f64::from(of_target);
    let (nll, mut pointer, share) = match target.pointer {
        None => (generated, [0.0; 2], 1.0),
        Some(pointer) => {
            let mixed = pointer.mix(generated);
            (mixed.nll, mixed.gradient, mixed.generated)
        }
    };
    pointer = pointer.map(|gradient| (1.0 - smoothing) * gradient);
    let share = (1.0 - f64::from(smoothing)) * share;
    if wanted == Rows::Gradients {
        let scale = ((share + f64::from(smoothing)) / sum) as f32;
        let evenly = smoothing / logits.len() as f32;
        for logit in logits.iter_mut() {
            *logit = *logit * scale - evenly;
        }
        if let Some(logit) = logits.get_mut(target.token) {
            *logit -= share as f32;
        }
    }
    let smoothing = f64::from(smoothing);
    RowLoss {
        objective: match smoothing > 0.0 {
            true => (1.0 - smoothing) * nll + smoothing * (normalizer - mean),
            false => nll,
        },
        nll,
        pointer,
    }
}

/// The mean of the logits, if it is wanted.
#[inline(always)]
fn mean_if(wanted: bool, logits: &[f32]) -> f64 {
    if !wanted {
        return 0.0;
    }
    let (groups, rest) = logits.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for logits in groups.iter().map(|group| &group[..]).chain([rest]) {
        for (sum, logit) in sums.iter_mut().zip(logits) {
            *sum += logit;
        }
    }
    let sum: f64 = sums.into_iter().map(f64::from).sum();
    sum / logits.len() as f64
}

/// Adds the bias to up to [`LANES`] logits, and looks for greater ones.
#[inline(always)]
fn add_bias(logits: &mut [f32], bias: &[f32], greatest: &mut [f32; LANES]) {
    for ((logit, bias), greatest) in logits.iter_mut().zip(bias).zip(greatest) {
        *logit += bias;
        *greatest = if *logit > *greatest {
            *logit
        } else {
            *greatest
        };
    }
}

/// Up to [`LANES`] logits become exp(logits − greatest), which are added to the sums.
#[inline(always)]
fn exponentiate(logits: &mut [f32], greatest: f32, sums: &mut [f32; LANES]) {
    for (logit, sum) in logits.iter_mut().zip(sums) {
        *logit = exp_of_negative(*logit - greatest);
        *sum += *logit;
    }
}

/// e^x for x ≤ 0, to 2 units in the last place; below −87, where single precision ends, e^−87. NaN stays.
#[inline(always)]
fn exp_of_negative(x: f32) -> f32 {
    /// Adding it rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x < -87.0 { -87.0 } else { x };
    // e^x = 2^n · e^r with |r| ≤ ln 2 / 2
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    // Cephes' polynomial (Moshier 1989).
    let mut y = 1.987_569_1e-4_f32;
    y = y * r + 1.398_199_9e-3;
    y = y * r + 8.333_452e-3;
    y = y * r + 4.166_579_6e-2;
    y = y * r + 1.666_666_5e-1;
    y = y * r + 0.5;
    let y = y * (r * r) + r + 1.0;
    // `rounded` and `ROUND` differ by n in their last bits.
    let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits());
    let power = f32::from_bits(exponent.wrapping_add(127) << 23);
    y * power
}
