//! What is minimised and what is reported.

use burn::tensor::activation::{log_sigmoid, log_softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::pointer::LEAST;
#[cfg(feature = "flex")]
use crate::{host, softmax_loss};

/// The loss of a batch as sums with their weight, so that averages over ragged batches and
/// accumulated steps are exact.
#[derive(Debug)]
pub struct Loss {
    /// What is minimised, summed over the batch: `[1]`.
    pub objective: Tensor<1>,
    /// The negative log-likelihood of the truth in nats, summed over the batch: `[1]`.
    pub nll: Tensor<1>,
    /// How many items the sums run over.
    pub count: f64,
    /// What the objective is divided by, once it is summed over all batches of a step: the count, if its
    /// mean is minimised.
    pub divisor: f64,
}

/// What a batch's item should have been.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// The true class.
    pub class: usize,
    /// The share ε of the truth that is moved to all classes evenly (label smoothing, Szegedy et
    /// al. 2016). It changes the objective, never the reported likelihood.
    pub smoothing: f32,
}

/// What should have followed in each of many rows over a vocabulary.
#[derive(Debug, Clone, Copy)]
pub struct VocabularyTargets<'a> {
    /// The true token of each row.
    pub tokens: &'a [u32],
    /// As that of a [`Target`], for all rows.
    pub smoothing: f32,
}

impl<'a> VocabularyTargets<'a> {
    /// Targets that nothing of the truth is moved away from.
    pub fn exact(tokens: &'a [u32]) -> Self {
        Self {
            tokens,
            smoothing: 0.0,
        }
    }
}

/// Softmax cross-entropy of `logits` `[batch, classes]`.
///
/// # Panics
///
/// If there is not one target for each row of `logits`, or a true class is not below `classes`.
pub fn cross_entropy(logits: Tensor<2>, targets: &[Target]) -> Loss {
    let device: Device = logits.device();
    let [batch, count] = logits.dims();
    assert_eq!(targets.len(), batch, "each row of logits has a target");
    assert!(
        targets.iter().all(|target| target.class < count),
        "a true class is below {count}: {targets:?}"
    );
    let classes: Vec<i64> = targets.iter().map(|target| target.class as i64).collect();
    let classes = Tensor::<2, Int>::from_data(TensorData::new(classes, [batch, 1]), &device);
    let log_probabilities = log_softmax(logits, 1);
    let nll = -log_probabilities.clone().gather(1, classes);
    let objective = if targets.iter().all(|target| target.smoothing == 0.0) {
        nll.clone()
    } else {
        let smoothing: Vec<f32> = targets.iter().map(|target| target.smoothing).collect();
        let smoothing = Tensor::<2>::from_data(TensorData::new(smoothing, [batch, 1]), &device);
        let uniform = -log_probabilities.mean_dim(1);
        // (1 - ε)·nll + ε·uniform
        nll.clone() + smoothing * (uniform - nll.clone())
    };
    Loss {
        objective: objective.sum(),
        nll: nll.sum().detach(),
        count: batch as f64,
        divisor: batch as f64,
    }
}

/// Softmax cross-entropy of the logits `hidden · weightᵀ + bias` over a vocabulary.
///
/// On the CPU the logits are never held for all rows, see `softmax_loss.rs`; elsewhere the operations of
/// the backend compute them.
///
/// # Shapes
///
/// - `hidden`: `[rows, features]`
/// - `weight`: `[vocab, features]`, as that of an embedding, which it may be
/// - `bias`: `[vocab]`
/// - `targets`: a token below `vocab` for each row
///
/// # Panics
///
/// If there is not one target for each row, or one is not below `vocab`.
pub fn vocabulary_cross_entropy(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    targets: VocabularyTargets<'_>,
) -> Loss {
    check_targets(&hidden, &weight, targets.tokens);
    Loss::of_sums(sums(hidden, weight, bias, None, targets), targets)
}

/// As [`vocabulary_cross_entropy`], where a row's target is generated with the probability p_gen = σ(gate), or else
/// copied (pointer-generator, See et al. 2017): −ln(p_gen·P_vocab(y) + (1 − p_gen)·a).
///
/// # Shapes
///
/// - `pointer`: `[rows, 2]`, each row's gate, and a, the attention of all places of the source that hold its target
/// - `targets`: a token for each row; those at or beyond `vocab` can only be copied
///
/// # Panics
///
/// If there is not one target and one row of `pointer` for each row.
pub(crate) fn pointer_cross_entropy(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    pointer: Tensor<2>,
    targets: VocabularyTargets<'_>,
) -> Loss {
    let rows = targets.tokens.len();
    let found = [hidden.dims()[0], pointer.dims()[0]];
    assert_eq!(found, [rows; 2], "each row has a target and a pointer");
    Loss::of_sums(sums(hidden, weight, bias, Some(pointer), targets), targets)
}

impl Loss {
    fn of_sums([objective, nll]: [Tensor<1>; 2], targets: VocabularyTargets<'_>) -> Self {
        let count = targets.tokens.len() as f64;
        Self {
            objective,
            nll,
            count,
            divisor: count,
        }
    }
}

/// Objective and negative log-likelihood, each summed over the rows.
fn sums(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    pointer: Option<Tensor<2>>,
    targets: VocabularyTargets<'_>,
) -> [Tensor<1>; 2] {
    #[cfg(feature = "flex")]
    if softmax_loss::holds(&hidden, &weight, &bias) && pointer.as_ref().is_none_or(host::holds) {
        return softmax_loss::sum(hidden, weight, bias, pointer, targets);
    }
    sums_of_rows(hidden, weight, bias, pointer, targets)
}

/// The same with the operations of the backend.
fn sums_of_rows(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    pointer: Option<Tensor<2>>,
    targets: VocabularyTargets<'_>,
) -> [Tensor<1>; 2] {
    let logits = logits(hidden, weight, bias);
    let nll = match pointer {
        None => row_losses(logits.clone(), targets.tokens),
        Some(pointer) => mixed_losses(logits.clone(), pointer, targets.tokens),
    };
    let objective = match targets.smoothing {
        0.0 => nll.clone(),
        smoothing => {
            let uniform = -log_softmax(logits, 1).mean_dim(1);
            // (1 - ε)·nll + ε·uniform
            nll.clone() * (1.0 - smoothing) + uniform * smoothing
        }
    };
    [objective.sum(), nll.sum().detach()]
}

/// The negative log-likelihood of each row's target in nats, of the same logits as
/// [`vocabulary_cross_entropy`].
///
/// # Panics
///
/// As there.
pub fn vocabulary_losses(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    targets: &[u32],
) -> Vec<f32> {
    check_targets(&hidden, &weight, targets);
    #[cfg(feature = "flex")]
    if softmax_loss::holds(&hidden, &weight, &bias) {
        return softmax_loss::rows(hidden, weight, bias, targets);
    }
    let losses = row_losses(logits(hidden, weight, bias), targets);
    losses.into_data().iter().collect()
}

fn logits(hidden: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    hidden.matmul(weight.transpose()) + bias.unsqueeze()
}

/// The loss of each row of logits, with the operations of the backend: `[rows, 1]`.
fn row_losses(logits: Tensor<2>, targets: &[u32]) -> Tensor<2> {
    let device = logits.device();
    let ids: Vec<i64> = targets.iter().map(|target| i64::from(*target)).collect();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [targets.len(), 1]), &device);
    -log_softmax(logits, 1).gather(1, ids)
}

/// The same where targets may be copied.
fn mixed_losses(logits: Tensor<2>, pointer: Tensor<2>, targets: &[u32]) -> Tensor<2> {
    /// e to this is 0 in 32-bit floats.
    const NEVER: f32 = -1e9;
    let device = logits.device();
    let [rows, vocab] = logits.dims();
    let is_known = |target: &u32| (*target as usize) < vocab;
    let known: Vec<u32> = targets
        .iter()
        .map(|target| if is_known(target) { *target } else { 0 })
        .collect();
    let unknown = targets
        .iter()
        .map(|target| if is_known(target) { 0.0 } else { NEVER });
    let unknown = TensorData::new(unknown.collect::<Vec<f32>>(), [rows, 1]);
    let unknown = Tensor::<2>::from_data(unknown, &device);
    let gate = pointer.clone().slice([0..rows, 0..1]);
    let copied = pointer.slice([0..rows, 1..2]).clamp_min(LEAST);
    // ln(p_gen·P_vocab) and ln((1 − p_gen)·a)
    let generated = log_sigmoid(gate.clone()) - row_losses(logits, &known) + unknown;
    let copied = log_sigmoid(-gate) + copied.log();
    let greatest = generated.clone().max_pair(copied.clone()).detach();
    let sum = (generated - greatest.clone()).exp() + (copied - greatest.clone()).exp();
    -(greatest + sum.log())
}

fn check_targets(hidden: &Tensor<2>, weight: &Tensor<2>, targets: &[u32]) {
    let ([rows, _], [vocab, _]) = (hidden.dims(), weight.dims());
    assert_eq!(targets.len(), rows, "each row has a target");
    assert!(
        targets.iter().all(|target| (*target as usize) < vocab),
        "a target is below {vocab}: {targets:?}"
    );
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tolerance;

    use super::*;

    /// PyTorch 2.15: `F.cross_entropy(torch.tensor([[1., 2., 3.], [2., -1., 0.]]),
    /// torch.tensor([2, 1]), reduction="sum", label_smoothing=s)` for s of 0 and 0.1.
    #[test]
    fn agrees_with_pytorch() {
        let logits = Tensor::<2>::from_floats([[1.0, 2.0, 3.0], [2.0, -1.0, 0.0]], &Device::flex());
        for (smoothing, expected) in [(0.0, 3.577_452), (0.1, 3.544_119)] {
            let targets = [2, 1].map(|class| Target { class, smoothing });
            let loss = cross_entropy(logits.clone(), &targets);
            loss.objective
                .into_data()
                .assert_approx_eq::<f32>(&TensorData::from([expected]), Tolerance::absolute(1e-5));
        }
    }

    /// Hidden states, weight, bias and targets: more rows than a chunk of so large a vocabulary has.
    fn vocabulary(device: &Device) -> ([Tensor<2>; 2], Tensor<1>, Vec<u32>) {
        let numbers = |count: usize, step: usize, scale: f32| -> Vec<f32> {
            let number = |at: usize| ((at * step) % 2003) as f32 / 1001.5 - 1.0;
            (0..count).map(|at| scale * number(at)).collect()
        };
        let (rows, vocab, features) = (ROWS, VOCAB, 5);
        let tensor = |values: Vec<f32>, shape: [usize; 2]| {
            Tensor::<2>::from_data(TensorData::new(values, shape), device)
        };
        let hidden = tensor(numbers(rows * features, 7919, 9.0), [rows, features]);
        let weight = tensor(numbers(vocab * features, 104_729, 3.0), [vocab, features]);
        let bias = numbers(vocab, 1_299_709, 1.0);
        let bias = Tensor::<1>::from_floats(bias.as_slice(), device);
        let targets = (0..rows)
            .map(|row| ((row * 65_537) % vocab) as u32)
            .collect();
        ([hidden, weight], bias, targets)
    }

    const ROWS: usize = 45;
    const VOCAB: usize = 100_003;

    #[test]
    fn a_vocabularys_loss_in_chunks_is_that_of_the_operations() {
        for smoothing in [0.0, 0.1] {
            compare_with_the_operations(smoothing);
        }
    }

    fn compare_with_the_operations(smoothing: f32) {
        let device = Device::flex().autodiff();
        let results = [false, true].map(|chunked| {
            let ([hidden, weight], bias, targets) = vocabulary(&device);
            let [hidden, weight] = [hidden, weight].map(Tensor::require_grad);
            let bias = bias.require_grad();
            let operands = (hidden.clone(), weight.clone(), bias.clone());
            let targets = VocabularyTargets {
                tokens: &targets,
                smoothing,
            };
            let [objective, nll] = match chunked {
                true => sums(operands.0, operands.1, operands.2, None, targets),
                false => sums_of_rows(operands.0, operands.1, operands.2, None, targets),
            };
            // Not 1, so that the gradients are scaled.
            let gradients = (objective.clone() * 0.25).backward();
            [
                objective.into_data(),
                nll.into_data(),
                hidden.grad(&gradients).unwrap().into_data(),
                weight.grad(&gradients).unwrap().into_data(),
                bias.grad(&gradients).unwrap().into_data(),
            ]
        });
        let [operations, chunked] = &results;
        for (chunked, operations) in chunked.iter().zip(operations) {
            // 100,003 terms a sum, in another order.
            chunked.assert_approx_eq::<f32>(operations, Tolerance::rel_abs(1e-4, 1e-5));
        }
    }

    #[test]
    fn a_pointers_loss_in_chunks_is_that_of_the_operations() {
        let device = Device::flex().autodiff();
        for smoothing in [0.0, 0.1] {
            let [operations, chunked] = [false, true].map(|chunked| {
                let ([hidden, weight], bias, mut targets) = vocabulary(&device);
                // Some can only be copied.
                for target in targets.iter_mut().step_by(3) {
                    *target += VOCAB as u32;
                }
                let pointer = (0..2 * ROWS).map(|at| match at % 2 {
                    0 => at as f32 / 20.0 - 2.0,
                    _ => ((at * 7) % 11) as f32 / 11.0,
                });
                let pointer = TensorData::new(pointer.collect::<Vec<f32>>(), [ROWS, 2]);
                let pointer = Tensor::<2>::from_data(pointer, &device).require_grad();
                let [hidden, weight] = [hidden, weight].map(Tensor::require_grad);
                let bias = bias.require_grad();
                let targets = VocabularyTargets {
                    tokens: &targets,
                    smoothing,
                };
                let operands = (hidden.clone(), weight.clone(), bias.clone());
                let of_rows = Some(pointer.clone());
                let [objective, nll] = match chunked {
                    true => sums(operands.0, operands.1, operands.2, of_rows, targets),
                    false => sums_of_rows(operands.0, operands.1, operands.2, of_rows, targets),
                };
                // Not 1, so that the gradients are scaled.
                let gradients = (objective.clone() * 0.25).backward();
                [
                    objective.into_data(),
                    nll.into_data(),
                    hidden.grad(&gradients).unwrap().into_data(),
                    weight.grad(&gradients).unwrap().into_data(),
                    bias.grad(&gradients).unwrap().into_data(),
                    pointer.grad(&gradients).unwrap().into_data(),
                ]
            });
            for (chunked, operations) in chunked.iter().zip(&operations) {
                chunked.assert_approx_eq::<f32>(operations, Tolerance::rel_abs(1e-4, 1e-5));
            }
        }
    }

    #[test]
    fn the_losses_of_rows_add_up_to_the_loss() {
        let ([hidden, weight], bias, targets) = vocabulary(&Device::flex());
        let rows = vocabulary_losses(hidden.clone(), weight.clone(), bias.clone(), &targets);
        let exact = VocabularyTargets::exact(&targets);
        let loss = vocabulary_cross_entropy(hidden, weight, bias, exact);
        let sum: f64 = rows.into_iter().map(f64::from).sum();
        let loss = f64::from(loss.nll.into_scalar::<f32>());
        assert!((sum - loss).abs() < 1e-5 * loss, "{sum} {loss}");
    }

    #[test]
    fn logits_that_are_no_numbers_give_a_loss_that_is_none() {
        let device = Device::flex();
        let hidden = Tensor::<2>::from_floats([[f32::NAN, 1.0]], &device);
        let weight = Tensor::<2>::ones([20, 2], &device);
        let bias = Tensor::zeros([20], &device);
        let loss = vocabulary_cross_entropy(hidden, weight, bias, VocabularyTargets::exact(&[3]));
        assert!(loss.nll.into_scalar::<f32>().is_nan());
    }
}
