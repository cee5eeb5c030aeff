//! Token ids to vectors: rows of an embedding's table.

use burn::tensor::module::embedding;
use burn::tensor::{Int, Tensor, TensorData};

#[cfg(feature = "flex")]
use crate::embedding::WeightedRows;
#[cfg(feature = "flex")]
use crate::host;

/// The rows of `table` `[vocab, features]` that `ids` name, each times its factor if there are factors:
/// `[ids, features]`.
pub(crate) fn look_up(table: Tensor<2>, ids: &[u32], factors: Option<&[f32]>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if host::holds(&table) {
        let mut rows = WeightedRows::default();
        for (place, id) in ids.iter().enumerate() {
            let factor = factors.map_or(1.0, |factors| factors[place]);
            rows.push(place as u32, *id, factor);
        }
        return rows.sums(table, ids.len());
    }
    let device = table.device();
    let [_, features] = table.dims();
    let places: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
    let places = TensorData::new(places, [1, ids.len()]);
    let vectors = embedding(table, Tensor::<2, Int>::from_data(places, &device));
    let vectors = vectors.reshape([ids.len(), features]);
    match factors {
        None => vectors,
        Some(factors) => {
            let factors = TensorData::new(factors.to_vec(), [ids.len(), 1]);
            vectors * Tensor::from_data(factors, &device)
        }
    }
}
