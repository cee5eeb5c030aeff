//! Dropout with masks drawn on the host, sequence by sequence.

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::random::{Purpose, RandomSource};

/// Whether a forward pass trains, and if so where its random numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// No dropout: the same input gives the same output.
    Inference,
    /// Dropout with masks from this source.
    Training(RandomSource),
}

impl Mode {
    /// The mode of a part of a model; see [`RandomSource::of_part`].
    pub const fn of_part(self, part: Purpose) -> Self {
        match self {
            Self::Inference => Self::Inference,
            Self::Training(source) => Self::Training(source.of_part(part)),
        }
    }
}

/// What one element of a dropout mask covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropoutMask {
    /// One feature of one time step (Srivastava et al. 2014; between layers: Zaremba et al. 2014).
    #[default]
    Element,
    /// One feature of all time steps of a sequence: variational dropout (Gal and Ghahramani 2016).
    Sequence,
    /// All features of one time step: whole words of an embedded text (word dropout, Iyyer et al.
    /// 2015).
    Step,
}

/// Sets a share `probability` of `x` `[batch, time, features]` to zero and scales the rest up to
/// keep the mean; in inference, or with probability 0, returns `x` as it is.
///
/// The mask of a sequence depends on its row and not on the padding beside it.
///
/// # Panics
///
/// If `probability` is outside `[0, 1)`.
pub fn dropout(
    x: Tensor<3>,
    probability: f64,
    mask: DropoutMask,
    purpose: Purpose,
    mode: Mode,
) -> Tensor<3> {
    let device = x.device();
    match dropout_factors(x.dims(), probability, mask, purpose, mode) {
        None => x,
        Some(factors) => x * Tensor::from_data(factors, &device),
    }
}

/// What [`dropout`] multiplies by, on the host: `[batch, time, features]` with 1 in place of what
/// the mask does not tell apart; `None` where it changes nothing.
///
/// # Panics
///
/// If `probability` is outside `[0, 1)`.
pub fn dropout_factors(
    [batch, time, features]: [usize; 3],
    probability: f64,
    mask: DropoutMask,
    purpose: Purpose,
    mode: Mode,
) -> Option<TensorData> {
    check_probability(probability);
    let Mode::Training(source) = mode else {
        return None;
    };
    if probability == 0.0 {
        return None;
    }
    let [time, features] = match mask {
        DropoutMask::Element => [time, features],
        DropoutMask::Sequence => [1, features],
        DropoutMask::Step => [time, 1],
    };
    let mut factors = vec![0.0; batch * time * features];
    if !factors.is_empty() {
        // Each sequence has its own stream, so that threads can share the work.
        let sequences = factors.par_chunks_exact_mut(time * features).enumerate();
        sequences.for_each(|(row, factors)| {
            let mut stream = source.stream(purpose, row as u64);
            stream.dropout_mask(probability, factors);
        });
    }
    Some(TensorData::new(factors, [batch, time, features]))
}

/// What the hidden state h_{t-1} of one layer is multiplied by before the recurrent products, at
/// every time step alike (Gal and Ghahramani 2016; Keras' `recurrent_dropout`): `[directions, batch,
/// d_recurrent]` in row-major order, rows as in the batch. None where nothing is dropped: in
/// inference, and with probability 0.
///
/// The mask of a sequence depends on its row, the layer and the direction only.
pub(crate) fn recurrent_mask(
    probability: f64,
    layer: usize,
    [directions, batch, d_recurrent]: [usize; 3],
    mode: Mode,
) -> Option<Vec<f32>> {
    let Mode::Training(source) = mode else {
        return None;
    };
    if probability == 0.0 {
        return None;
    }
    let mut mask = vec![0.0; directions * batch * d_recurrent];
    for (index, row) in mask.chunks_exact_mut(d_recurrent).enumerate() {
        let (direction, row_index) = (index / batch, index % batch);
        let purpose = Purpose::named("recurrent dropout").part(layer * directions + direction);
        source
            .stream(purpose, row_index as u64)
            .dropout_mask(probability, row);
    }
    Some(mask)
}

/// What the recurrent weights of one layer are multiplied by, in all time steps and for all sequences
/// alike (DropConnect, Wan et al. 2013; on recurrent weights: Merity et al. 2018): `[directions,
/// d_recurrent, columns]` in row-major order. None where nothing is dropped: in inference, and with
/// probability 0.
///
/// The mask depends on the layer, the direction and the sizes only, not on the batch.
pub(crate) fn weight_mask(
    probability: f64,
    layer: usize,
    [directions, d_recurrent, columns]: [usize; 3],
    mode: Mode,
) -> Option<Vec<f32>> {
    let Mode::Training(source) = mode else {
        return None;
    };
    if probability == 0.0 {
        return None;
    }
    let mut mask = vec![0.0; directions * d_recurrent * columns];
    // Each row has its own stream, so that threads can share the work: of large layers it is as long as
    // some passes over all weights.
    let rows = mask.par_chunks_exact_mut(columns).enumerate();
    rows.for_each(|(index, row)| {
        let (direction, row_index) = (index / d_recurrent, index % d_recurrent);
        let purpose = Purpose::named("weight dropout").part(layer * directions + direction);
        source
            .stream(purpose, row_index as u64)
            .dropout_mask(probability, row);
    });
    Some(mask)
}

/// Asserts that a share `probability` can be dropped and the rest scaled up.
pub(crate) fn check_probability(probability: f64) {
    assert!(
        (0.0..1.0).contains(&probability),
        "a dropout probability lies in [0, 1), not at {probability}"
    );
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn ones(shape: [usize; 3]) -> Tensor<3> {
        Tensor::ones(shape, &Device::flex())
    }

    fn dropped(x: Tensor<3>, mask: DropoutMask) -> Vec<f32> {
        let mode = Mode::Training(RandomSource::new(1));
        dropout(x, 0.5, mask, Purpose::named("test"), mode)
            .into_data()
            .try_to_vec()
            .unwrap()
    }

    #[test]
    fn inference_changes_nothing() {
        let x = ones([2, 3, 4]);
        let same = dropout(
            x.clone(),
            0.5,
            DropoutMask::Element,
            Purpose::named("test"),
            Mode::Inference,
        );
        same.into_data().assert_eq(&x.into_data(), true);
    }

    #[test]
    fn a_sequence_mask_is_the_same_at_every_step() {
        let values = dropped(ones([3, 5, 64]), DropoutMask::Sequence);
        for sequence in values.chunks(5 * 64) {
            for step in sequence.chunks(64) {
                assert_eq!(step, &sequence[..64]);
            }
        }
        assert_ne!(values[..64], values[5 * 64..6 * 64]);
    }

    #[test]
    fn a_step_mask_drops_whole_steps() {
        let values = dropped(ones([2, 64, 8]), DropoutMask::Step);
        for step in values.chunks(8) {
            assert!(step.iter().all(|value| *value == step[0]));
        }
        assert!(values.contains(&0.0) && values.contains(&2.0));
    }

    #[test]
    fn padding_does_not_change_a_mask() {
        let short = dropped(ones([2, 4, 8]), DropoutMask::Element);
        let long = dropped(ones([2, 9, 8]), DropoutMask::Element);
        assert_eq!(short[..32], long[..32]);
        assert_eq!(short[32..], long[72..104]);
    }

    fn recurrent(probability: f64, layer: usize, shape: [usize; 3]) -> Vec<f32> {
        let mode = Mode::Training(RandomSource::new(1));
        recurrent_mask(probability, layer, shape, mode).unwrap()
    }

    #[test]
    fn a_recurrent_mask_drops_its_share_and_keeps_the_mean() {
        let mask = recurrent(0.3, 0, [2, 8, 1000]);
        let count = mask.len() as f32;
        let dropped = mask.iter().filter(|factor| **factor == 0.0).count();
        assert!((dropped as f32 / count - 0.3).abs() < 0.02, "{dropped}");
        let mean = mask.iter().sum::<f32>() / count;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        let kept = mask.iter().filter(|factor| **factor != 0.0);
        assert!(kept.into_iter().all(|factor| *factor == 1.0 / 0.7));
    }

    #[test]
    fn every_sequence_layer_and_direction_has_a_recurrent_mask_of_its_own() {
        let two_layers = [0, 1].map(|layer| recurrent(0.5, layer, [2, 3, 64]));
        let masks: Vec<&[f32]> = two_layers.iter().flat_map(|mask| mask.chunks(64)).collect();
        for (index, mask) in masks.iter().enumerate() {
            assert!(!masks[..index].contains(mask), "{index}");
        }
    }

    #[test]
    fn company_does_not_change_a_recurrent_mask() {
        let alone = recurrent(0.5, 1, [1, 1, 64]);
        let among_others = recurrent(0.5, 1, [1, 5, 64]);
        assert_eq!(alone, among_others[..64]);
    }

    #[test]
    fn nothing_recurrent_is_dropped_in_inference_or_with_probability_0() {
        let training = Mode::Training(RandomSource::new(1));
        assert_eq!(recurrent_mask(0.5, 0, [1, 2, 3], Mode::Inference), None);
        assert_eq!(recurrent_mask(0.0, 0, [1, 2, 3], training), None);
    }

    fn weight(probability: f64, layer: usize, shape: [usize; 3]) -> Vec<f32> {
        let mode = Mode::Training(RandomSource::new(1));
        weight_mask(probability, layer, shape, mode).unwrap()
    }

    #[test]
    fn a_weight_mask_drops_its_share_and_scales_the_rest() {
        let mask = weight(0.3, 0, [2, 100, 400]);
        let dropped = mask.iter().filter(|factor| **factor == 0.0).count();
        let share = dropped as f32 / mask.len() as f32;
        assert!((share - 0.3).abs() < 0.01, "{share}");
        let kept = mask.iter().filter(|factor| **factor != 0.0);
        assert!(kept.into_iter().all(|factor| *factor == 1.0 / 0.7));
    }

    #[test]
    fn every_row_layer_and_direction_has_a_weight_mask_of_its_own() {
        let two_layers = [0, 1].map(|layer| weight(0.5, layer, [2, 3, 64]));
        let rows: Vec<&[f32]> = two_layers.iter().flat_map(|mask| mask.chunks(64)).collect();
        for (index, row) in rows.iter().enumerate() {
            assert!(!rows[..index].contains(row), "{index}");
        }
    }

    #[test]
    fn no_weight_is_dropped_in_inference_or_with_probability_0() {
        let training = Mode::Training(RandomSource::new(1));
        assert_eq!(weight_mask(0.5, 0, [1, 2, 3], Mode::Inference), None);
        assert_eq!(weight_mask(0.0, 0, [1, 2, 3], training), None);
    }
}
