//! How likely a model finds texts that it does not learn from.

use lstm_models::Loss;

use crate::training::batches;

/// Mean negative log-likelihood of a token, in nats, of pairs that are evaluated `batch_size` at a time; `loss` is given
/// which.
pub(super) fn mean_nll(
    lengths: &[[usize; 2]],
    batch_size: usize,
    loss: impl Fn(&[usize]) -> Loss,
) -> f64 {
    let (mut nll, mut count) = (0.0, 0.0);
    for batch in batches::sorted(lengths, batch_size) {
        let loss = loss(&batch);
        nll += f64::from(loss.nll.into_scalar::<f32>());
        count += loss.count;
    }
    nll / count
}
