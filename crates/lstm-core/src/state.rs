//! What is carried between steps, calls and batches.

use burn::tensor::{Int, Tensor};

/// The state of an LSTM: of one cell (`D` = 2, `[batch, d_hidden]`) or of all layers and
/// directions (`D` = 3, `[layers * directions, batch, d_hidden]`; a layer's forward direction
/// first, as in PyTorch). A projected hidden state has d_projection features in place of d_hidden.
#[derive(Debug, Clone)]
pub struct LstmState<const D: usize = 3> {
    /// The hidden state h: what the layer shows. `[…, batch, d_hidden]`, or `[…, batch,
    /// d_projection]` if it is projected.
    pub hidden: Tensor<D>,
    /// The cell state c: what the layer remembers. `[…, batch, d_hidden]`.
    pub cell: Tensor<D>,
}

/// The state of a GRU: of one cell (`D` = 2, `[batch, d_hidden]`) or of all layers and directions
/// (`D` = 3, `[layers * directions, batch, d_hidden]`; a layer's forward direction first).
#[derive(Debug, Clone)]
pub struct GruState<const D: usize = 3> {
    /// The hidden state h.
    pub hidden: Tensor<D>,
}

/// The state of a [`Recurrent`](crate::Recurrent) layer.
#[derive(Debug, Clone)]
pub enum RecurrentState {
    /// Of an LSTM.
    Lstm(LstmState),
    /// Of a GRU.
    Gru(GruState),
}

impl RecurrentState {
    /// The hidden state `[layers * directions, batch, d_hidden]`, or d_projection in place of d_hidden
    /// if it is projected.
    pub fn hidden(&self) -> &Tensor<3> {
        match self {
            Self::Lstm(state) => &state.hidden,
            Self::Gru(state) => &state.hidden,
        }
    }
}

/// What every user of a carried state needs: truncated back-propagation detaches it, beam search
/// and streaming rearrange its rows.
pub trait CarriedState: Sized {
    /// Applies `change` to each tensor `[layers * directions, batch, features]` of the state.
    fn map(self, change: impl Fn(Tensor<3>) -> Tensor<3>) -> Self;

    /// The same values without their history: gradients stop here.
    fn detach(self) -> Self {
        self.map(Tensor::detach)
    }

    /// The state whose sequence `i` is this state's sequence `rows[i]`; rows may repeat.
    fn select_rows(self, rows: &Tensor<1, Int>) -> Self {
        self.map(|tensor| tensor.select(1, rows.clone()))
    }
}

impl CarriedState for LstmState {
    fn map(self, change: impl Fn(Tensor<3>) -> Tensor<3>) -> Self {
        Self {
            hidden: change(self.hidden),
            cell: change(self.cell),
        }
    }
}

impl CarriedState for GruState {
    fn map(self, change: impl Fn(Tensor<3>) -> Tensor<3>) -> Self {
        Self {
            hidden: change(self.hidden),
        }
    }
}

impl CarriedState for RecurrentState {
    fn map(self, change: impl Fn(Tensor<3>) -> Tensor<3>) -> Self {
        match self {
            Self::Lstm(state) => Self::Lstm(state.map(change)),
            Self::Gru(state) => Self::Gru(state.map(change)),
        }
    }
}

/// Of several stacks, the lowest first.
impl<S: CarriedState> CarriedState for Vec<S> {
    fn map(self, change: impl Fn(Tensor<3>) -> Tensor<3>) -> Self {
        self.into_iter().map(|state| state.map(&change)).collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn rows_are_selected_in_every_part() {
        let device = Device::flex();
        let numbers = |start: f32| {
            let values: Vec<f32> = (0..6).map(|i| start + i as f32).collect();
            Tensor::<3>::from_data(TensorData::new(values, [1, 3, 2]), &device)
        };
        let state = RecurrentState::Lstm(LstmState {
            hidden: numbers(0.0),
            cell: numbers(10.0),
        });
        let rows = Tensor::<1, Int>::from_ints([2, 0, 2], &device);
        let RecurrentState::Lstm(state) = state.select_rows(&rows) else {
            unreachable!("the kind of state does not change")
        };
        assert_eq!(
            state.hidden.into_data().try_to_vec::<f32>().unwrap(),
            [4.0, 5.0, 0.0, 1.0, 4.0, 5.0]
        );
        assert_eq!(
            state.cell.into_data().try_to_vec::<f32>().unwrap(),
            [14.0, 15.0, 10.0, 11.0, 14.0, 15.0]
        );
    }
}
