//! What is minimised and what is reported.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

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
    }
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
}
