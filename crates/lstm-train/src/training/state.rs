//! The states that streams are in, as a file of a checkpoint.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use lstm_core::{GruState, LstmState, RecurrentState};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

const HIDDEN: &str = "hidden";
const CELL: &str = "cell";

/// What a part of a stack's state is called: `hidden`, and of the stacks above the lowest `hidden.1` and so on.
fn name(part: &str, stack: usize) -> String {
    match stack {
        0 => part.to_owned(),
        _ => format!("{part}.{stack}"),
    }
}

/// Writes the states of stacks of layers, to the last bit.
pub fn save(states: &[RecurrentState], path: &Path) -> Result<(), String> {
    let mut parts = Vec::new();
    for (stack, state) in states.iter().enumerate() {
        parts.push((name(HIDDEN, stack), state.hidden().clone()));
        if let RecurrentState::Lstm(state) = state {
            parts.push((name(CELL, stack), state.cell.clone()));
        }
    }
    let parts: Vec<(String, [usize; 3], Vec<u8>)> = parts
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
        (name, view)
    });
    let bytes = safetensors::serialize(views, None).map_err(|error| error.to_string())?;
    std::fs::write(path, bytes).map_err(|error| error.to_string())
}

/// Reads states, the lowest stack's first: of an LSTM if there is a cell state.
pub fn load(path: &Path, device: &Device) -> Result<Vec<RecurrentState>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| error.to_string())?;
    let has = |name: &str| file.names().contains(&name);
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
    let state = |stack: usize| -> Result<RecurrentState, String> {
        let hidden = read(&name(HIDDEN, stack))?;
        let cell = name(CELL, stack);
        Ok(match has(&cell) {
            true => RecurrentState::Lstm(LstmState {
                hidden,
                cell: read(&cell)?,
            }),
            false => RecurrentState::Gru(GruState { hidden }),
        })
    };
    let mut states = vec![state(0)?];
    while has(&name(HIDDEN, states.len())) {
        states.push(state(states.len())?);
    }
    Ok(states)
}

#[cfg(test)]
mod tests {
    use lstm_core::{Purpose, RandomSource};

    use super::*;

    fn tensor(stack: usize, part: usize, d_hidden: usize) -> Tensor<3> {
        let purpose = Purpose::named("test").part(stack).part(part);
        let mut random = RandomSource::new(1).stream(purpose, 0);
        let shape = [2, 3, d_hidden];
        let values: Vec<f32> = (0..6 * d_hidden).map(|_| random.normal() as f32).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    /// The tensors of states, bit by bit.
    fn parts(states: &[RecurrentState]) -> Vec<TensorData> {
        let of = |state: &RecurrentState| match state {
            RecurrentState::Lstm(state) => vec![state.hidden.to_data(), state.cell.to_data()],
            RecurrentState::Gru(state) => vec![state.hidden.to_data()],
        };
        states.iter().flat_map(of).collect()
    }

    #[test]
    fn the_states_of_all_stacks_are_read_back_to_the_last_bit() {
        let lstm = |(stack, d_hidden)| {
            RecurrentState::Lstm(LstmState {
                hidden: tensor(stack, 0, d_hidden),
                cell: tensor(stack, 1, d_hidden),
            })
        };
        let gru = |(stack, d_hidden)| {
            RecurrentState::Gru(GruState {
                hidden: tensor(stack, 0, d_hidden),
            })
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        for sizes in [&[4][..], &[4, 2], &[2, 5, 3]] {
            let stacks = || sizes.iter().copied().enumerate();
            for states in [stacks().map(lstm).collect(), stacks().map(gru).collect()] {
                let states: Vec<RecurrentState> = states;
                save(&states, &path).unwrap();
                let read = load(&path, &Device::flex()).unwrap();
                assert_eq!(parts(&read), parts(&states));
            }
        }
    }

    #[test]
    fn a_file_without_a_hidden_state_is_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        save(&[], &path).unwrap();
        let error = load(&path, &Device::flex()).unwrap_err();
        assert!(error.contains("`hidden`"), "{error}");
    }
}
