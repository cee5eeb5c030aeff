//! The state that streams are in, as a file of a checkpoint.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use lstm_core::{GruState, LstmState, RecurrentState};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

const HIDDEN: &str = "hidden";
const CELL: &str = "cell";

/// Writes the state, to the last bit.
pub fn save(state: &RecurrentState, path: &Path) -> Result<(), String> {
    let mut parts = BTreeMap::from([(HIDDEN, state.hidden().clone())]);
    if let RecurrentState::Lstm(state) = state {
        parts.insert(CELL, state.cell.clone());
    }
    let parts: Vec<(&str, [usize; 3], Vec<u8>)> = parts
        .into_iter()
        .map(|(name, tensor)| {
            let shape = tensor.dims();
            let data = tensor.into_data();
            let bytes = data.iter::<f32>().flat_map(f32::to_le_bytes).collect();
            (name, shape, bytes)
        })
        .collect();
    let views = parts.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes)
            .expect("a tensor has as many values as its shape says");
        (*name, view)
    });
    let bytes = safetensors::serialize(views, None).map_err(|error| error.to_string())?;
    std::fs::write(path, bytes).map_err(|error| error.to_string())
}

/// Reads a state: of an LSTM if it has a cell state.
pub fn load(path: &Path, device: &Device) -> Result<RecurrentState, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| error.to_string())?;
    let read = |name: &str| -> Result<Tensor<3>, String> {
        let view = file.tensor(name).map_err(|error| error.to_string())?;
        let shape: [usize; 3] = match (view.dtype(), view.shape().try_into()) {
            (Dtype::F32, Ok(shape)) => shape,
            (dtype, _) => {
                let found = view.shape();
                return Err(format!(
                    "`{name}` is {dtype:?} {found:?}, expected 32-bit floats in 3 dimensions"
                ));
            }
        };
        let (values, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = values
            .iter()
            .map(|value| f32::from_le_bytes(*value))
            .collect();
        Ok(Tensor::from_data(TensorData::new(values, shape), device))
    };
    let hidden = read(HIDDEN)?;
    Ok(match file.names().contains(&CELL) {
        true => RecurrentState::Lstm(LstmState {
            hidden,
            cell: read(CELL)?,
        }),
        false => RecurrentState::Gru(GruState { hidden }),
    })
}
