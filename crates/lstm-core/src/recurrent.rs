//! Either layer behind one type, chosen by configuration: what the models use.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::draws::WeightDraws;
use crate::dropout::{DropoutMask, Mode};
use crate::gate::ResetGate;
use crate::gru::{Gru, GruConfig};
use crate::initial::RecurrentInit;
use crate::lengths::Lengths;
use crate::lstm::{Lstm, LstmConfig};
use crate::state::RecurrentState;
use crate::stream::PreparedLayer;

/// Which recurrent cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Long Short-Term Memory.
    #[default]
    Lstm,
    /// Gated Recurrent Unit, with the reset gate after the product (PyTorch, cuDNN).
    Gru,
    /// Gated Recurrent Unit, with the reset gate before the product (Cho et al. 2014).
    GruResetBefore,
}

impl std::fmt::Display for Cell {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Lstm => "an LSTM",
            Self::Gru => "a GRU with the reset gate after the product",
            Self::GruResetBefore => "a GRU with the reset gate before the product",
        })
    }
}

/// Configuration of a [`Recurrent`] layer.
#[derive(Config, Debug)]
pub struct RecurrentConfig {
    /// Which cell.
    pub cell: Cell,
    /// Features of the input.
    pub d_input: usize,
    /// Features of the hidden state of one layer in one direction.
    pub d_hidden: usize,
    /// In training, keep the states of every so many time steps only; see
    /// [`LstmConfig::checkpoint_every`].
    pub checkpoint_every: Option<usize>,
    /// How many layers are stacked.
    #[config(default = 1)]
    pub layers: usize,
    /// How many layers of other stacks lie below this one, which reads their output; see
    /// [`LstmConfig::layers_below`].
    #[config(default = 0)]
    pub layers_below: usize,
    /// Whether each layer also reads every sequence from its end.
    #[config(default = false)]
    pub bidirectional: bool,
    /// Probability of dropout on the output of every layer but the last, in training.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// What one element of the dropout mask covers.
    #[config(default = "DropoutMask::Element")]
    pub dropout_mask: DropoutMask,
    /// Probability of dropout on the hidden state that the gates read of the time step before, in
    /// training: one mask for all time steps of a sequence (Gal and Ghahramani 2016; Keras'
    /// `recurrent_dropout`).
    #[config(default = 0.0)]
    pub recurrent_dropout: f64,
    /// Probability that a recurrent weight is zero in a forward pass, in training: one mask for all time
    /// steps and sequences (DropConnect, Wan et al. 2013; Merity et al. 2018); see
    /// [`LstmConfig::weight_dropout`].
    #[config(default = 0.0)]
    pub weight_dropout: f64,
    /// How the weights start.
    #[config(default = "RecurrentInit::Orthogonal")]
    pub init: RecurrentInit,
}

impl RecurrentConfig {
    /// A layer with weights of seed 0.
    ///
    /// # Panics
    ///
    /// If a size, the number of layers or `checkpoint_every` is 0, or a dropout probability outside
    /// `[0, 1)`.
    pub fn init(&self, device: &Device) -> Recurrent {
        self.init_with(&mut WeightDraws::new(0, device))
    }

    /// A layer with the next weights of `draws`.
    ///
    /// # Panics
    ///
    /// As [`init`](Self::init).
    pub fn init_with(&self, draws: &mut WeightDraws) -> Recurrent {
        match self.cell {
            Cell::Lstm => Recurrent::Lstm(self.lstm().init_with(draws)),
            Cell::Gru => Recurrent::Gru(self.gru(ResetGate::AfterProduct).init_with(draws)),
            Cell::GruResetBefore => {
                Recurrent::Gru(self.gru(ResetGate::BeforeProduct).init_with(draws))
            }
        }
    }

    /// Features of the output.
    pub fn d_output(&self) -> usize {
        self.d_hidden * if self.bidirectional { 2 } else { 1 }
    }

    fn lstm(&self) -> LstmConfig {
        LstmConfig::new(self.d_input, self.d_hidden)
            .with_layers(self.layers)
            .with_layers_below(self.layers_below)
            .with_bidirectional(self.bidirectional)
            .with_dropout(self.dropout)
            .with_dropout_mask(self.dropout_mask)
            .with_recurrent_dropout(self.recurrent_dropout)
            .with_weight_dropout(self.weight_dropout)
            .with_checkpoint_every(self.checkpoint_every)
            .with_init(self.init)
    }

    fn gru(&self, reset: ResetGate) -> GruConfig {
        GruConfig::new(self.d_input, self.d_hidden)
            .with_layers(self.layers)
            .with_layers_below(self.layers_below)
            .with_bidirectional(self.bidirectional)
            .with_dropout(self.dropout)
            .with_dropout_mask(self.dropout_mask)
            .with_recurrent_dropout(self.recurrent_dropout)
            .with_weight_dropout(self.weight_dropout)
            .with_checkpoint_every(self.checkpoint_every)
            .with_init(self.init)
            .with_reset(reset)
    }
}

/// An [`Lstm`] or a [`Gru`].
#[derive(Module, Debug)]
pub enum Recurrent {
    /// An LSTM.
    Lstm(Lstm),
    /// A GRU.
    Gru(Gru),
}

impl Recurrent {
    /// Runs the layer over padded sequences of different lengths, with dropout if `mode` says so.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, time, d_input]`
    /// - the output: `[batch, time, d_output]`, zero in the padding
    /// - the states: `[layers * directions, batch, d_hidden]`; the hidden state of a projected LSTM has
    ///   d_projection features
    ///
    /// # Panics
    ///
    /// If `state` is that of the other kind of cell.
    pub fn forward(
        &self,
        x: Tensor<3>,
        lengths: &Lengths,
        state: Option<RecurrentState>,
        mode: Mode,
    ) -> (Tensor<3>, RecurrentState) {
        match self {
            Self::Lstm(lstm) => {
                let state = state.map(|state| match state {
                    RecurrentState::Lstm(state) => state,
                    RecurrentState::Gru(_) => panic!("an LSTM cannot start from a GRU's state"),
                });
                let (output, state) = lstm.forward_with(x, lengths, state, mode);
                (output, RecurrentState::Lstm(state))
            }
            Self::Gru(gru) => {
                let state = state.map(|state| match state {
                    RecurrentState::Gru(state) => state,
                    RecurrentState::Lstm(_) => panic!("a GRU cannot start from an LSTM's state"),
                });
                let (output, state) = gru.forward_with(x, lengths, state, mode);
                (output, RecurrentState::Gru(state))
            }
        }
    }

    /// The layer for streams: its weights are laid out once, on the host, for single steps. `None` of a layer
    /// that has no such form: a bidirectional one, and a GRU with the reset gate before the product.
    pub fn prepare(&self) -> Option<PreparedLayer> {
        match self {
            Self::Lstm(lstm) => (lstm.directions() == 1).then(|| lstm.prepare()),
            Self::Gru(gru) => (gru.directions() == 1 && gru.reset == ResetGate::AfterProduct)
                .then(|| gru.prepare()),
        }
    }

    /// Features of the output.
    pub fn d_output(&self) -> usize {
        match self {
            Self::Lstm(lstm) => lstm.d_output(),
            Self::Gru(gru) => gru.d_output(),
        }
    }
}
