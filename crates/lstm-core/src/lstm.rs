//! The LSTM layer: stacked, bidirectional, regularised, ragged.

use burn::config::Config;
use burn::module::{Content, DisplaySettings, Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};

use crate::cell::checked_cell_clip;
use crate::draws::WeightDraws;
use crate::dropout::{DropoutMask, Mode, check_probability};
use crate::gate::LstmGate;
use crate::initial::{RecurrentInit, StackSizes};
use crate::lengths::Lengths;
use crate::sequence::{FastCell, Recurrence, Stack, checked_checkpoint_every};
use crate::state::LstmState;
use crate::stream::{PreparedLayer, PreparedStream};
use crate::weights::PackedWeights;

/// Configuration of an [`Lstm`].
#[derive(Config, Debug)]
pub struct LstmConfig {
    /// Features of the input.
    pub d_input: usize,
    /// Features of the cell state of one layer in one direction, and of its hidden state where that
    /// is not projected.
    pub d_hidden: usize,
    /// Features that the hidden state of one layer in one direction is projected to, and with it
    /// what the layer above, the next time step and the output read (LSTMP, Sak et al. 2014;
    /// PyTorch's `proj_size`): fewer than `d_hidden`.
    pub projection: Option<usize>,
    /// What the cell state is limited to at each step, before anything reads it: ± this, which must
    /// be above 0 (TensorFlow's `cell_clip`). Where |c_t| is beyond the limit, the gradient
    /// is zero; at the limit itself it passes, as in PyTorch's `clamp`.
    pub cell_clip: Option<f64>,
    /// In training, keep the states of every so many time steps only, and compute those between
    /// again when the gradients are: less memory for a third more time, for long sequences (Chen et
    /// al. 2016). At least 1; it pays near the square root of the length. Without, everything is
    /// kept on the CPU in 32-bit floats; other devices and floats never keep more than the cell
    /// state of every step.
    pub checkpoint_every: Option<usize>,
    /// How many layers are stacked, each reading the output of the one below.
    #[config(default = 1)]
    pub layers: usize,
    /// How many layers of other stacks lie below this one, which reads their output: layers of several
    /// sizes are several stacks. In training the input is then dropped as between the layers of one stack,
    /// and no mask is one of theirs.
    #[config(default = 0)]
    pub layers_below: usize,
    /// Whether each layer also reads every sequence from its end; the outputs of both directions
    /// are put side by side (Schuster and Paliwal 1997).
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
    /// Probability that a recurrent weight (hidden to hidden) is zero in a forward pass, in training;
    /// the others are divided by 1 - p: DropConnect (Wan et al. 2013), on an LSTM's recurrent weights
    /// the "weight drop" of Merity et al. 2018 (AWD-LSTM).
    ///
    /// One mask a forward pass, for all time steps and all sequences of the batch; each layer and
    /// direction has its own. Input weights, biases and a projection are never dropped. In
    /// contrast, `recurrent_dropout` drops features of the hidden state, all weights that read one at
    /// once, and for each sequence others.
    #[config(default = 0.0)]
    pub weight_dropout: f64,
    /// Whether the gates have biases.
    #[config(default = true)]
    pub bias: bool,
    /// How the weights start.
    #[config(default = "RecurrentInit::Orthogonal")]
    pub init: RecurrentInit,
}

impl LstmConfig {
    /// A layer with weights of seed 0. Layers that are to differ take turns with
    /// [`init_with`](Self::init_with).
    ///
    /// # Panics
    ///
    /// If a size or the number of layers is 0, the projection not narrower than `d_hidden`, the
    /// limit of the cell state not above 0, `checkpoint_every` 0, or a dropout probability outside
    /// `[0, 1)`.
    pub fn init(&self, device: &Device) -> Lstm {
        self.init_with(&mut WeightDraws::new(0, device))
    }

    /// A layer with the next weights of `draws`.
    ///
    /// # Panics
    ///
    /// As [`init`](Self::init).
    pub fn init_with(&self, draws: &mut WeightDraws) -> Lstm {
        check_probability(self.dropout);
        check_probability(self.recurrent_dropout);
        check_probability(self.weight_dropout);
        let sizes = StackSizes {
            layers: self.layers,
            bidirectional: self.bidirectional,
            gates: LstmGate::COUNT,
            d_input: self.d_input,
            d_hidden: self.d_hidden,
            d_projection: self.projection,
            bias: self.bias,
        };
        Lstm {
            layers: sizes.draw(self.init, Some(LstmGate::Forget as usize), draws),
            layers_below: self.layers_below,
            dropout: self.dropout,
            dropout_mask: self.dropout_mask,
            recurrent_dropout: self.recurrent_dropout,
            weight_dropout: self.weight_dropout,
            cell_clip: checked_cell_clip(self.cell_clip),
            checkpoint_every: checked_checkpoint_every(self.checkpoint_every),
        }
    }
}

/// A Long Short-Term Memory layer (Hochreiter and Schmidhuber 1997, with the forget gate of Gers
/// et al. 2000, and the projection of Sak et al. 2014): `torch.nn.LSTM(batch_first=True)` that takes
/// ragged batches as they are.
///
/// Should be created with [`LstmConfig`]. The equations are those of [`LstmGate`].
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct Lstm {
    pub(crate) layers: Vec<PackedWeights>,
    #[module(skip)]
    layers_below: usize,
    #[module(skip)]
    dropout: f64,
    #[module(skip)]
    dropout_mask: DropoutMask,
    #[module(skip)]
    recurrent_dropout: f64,
    #[module(skip)]
    weight_dropout: f64,
    #[module(skip)]
    pub(crate) cell_clip: Option<f32>,
    #[module(skip)]
    checkpoint_every: Option<usize>,
}

impl ModuleDisplay for Lstm {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new()
            .with_new_line_after_attribute(false)
            .optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let content = content
            .add("d_input", &self.d_input())
            .add("d_hidden", &self.d_hidden());
        let content = match self.d_projection() {
            Some(d_projection) => content.add("d_projection", &d_projection),
            None => content,
        };
        content
            .add("layers", &self.layers.len())
            .add("directions", &self.directions())
            .optional()
    }
}

impl Lstm {
    /// Runs the layer over a batch without padding; no dropout.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, time, d_input]`
    /// - `state`, and the final one that is returned: `cell` of
    ///   `[layers * directions, batch, d_hidden]`, and `hidden` of the same, or of
    ///   `[layers * directions, batch, d_projection]` if it is projected; `None` starts at zero
    /// - the output: `[batch, time, d_output]`, of the last layer; d_output is
    ///   directions * d_hidden, or directions * d_projection
    pub fn forward(&self, x: Tensor<3>, state: Option<LstmState>) -> (Tensor<3>, LstmState) {
        let [batch, time, _] = x.dims();
        self.forward_ragged(x, &Lengths::full(batch, time), state)
    }

    /// Runs the layer over padded sequences of different lengths; no dropout.
    ///
    /// The padding is not read: the output there is zero, the reverse direction starts at each
    /// sequence's own end, and the final state is that after its last real step (for an empty
    /// sequence the initial one). Shapes are those of [`forward`](Self::forward).
    ///
    /// # Panics
    ///
    /// If the sizes of `x`, `lengths` and `state` do not fit each other or the layer, or their floats
    /// are of another kind than the layer's.
    pub fn forward_ragged(
        &self,
        x: Tensor<3>,
        lengths: &Lengths,
        state: Option<LstmState>,
    ) -> (Tensor<3>, LstmState) {
        self.forward_with(x, lengths, state, Mode::Inference)
    }

    /// [`forward_ragged`](Self::forward_ragged), with dropout if `mode` says so.
    pub fn forward_with(
        &self,
        x: Tensor<3>,
        lengths: &Lengths,
        state: Option<LstmState>,
        mode: Mode,
    ) -> (Tensor<3>, LstmState) {
        let stack = Stack {
            recurrence: Recurrence::Lstm,
            layers: &self.layers,
            layers_below: self.layers_below,
            dropout: self.dropout,
            dropout_mask: self.dropout_mask,
            recurrent_dropout: self.recurrent_dropout,
            weight_dropout: self.weight_dropout,
            cell_clip: self.cell_clip,
            checkpoint_every: self.checkpoint_every,
        };
        let initial = state.map(|state| vec![state.hidden, state.cell]);
        let (output, state) = stack.forward(x, lengths, initial, mode);
        let [hidden, cell] = state.try_into().expect("an LSTM's state has two tensors");
        (output, LstmState { hidden, cell })
    }

    /// One time step, for streaming.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, d_input]`
    /// - `state`, and what is returned beside the output: as in [`forward`](Self::forward)
    /// - the output: `[batch, d_output]`
    ///
    /// # Panics
    ///
    /// If the layer is bidirectional: its reverse direction starts at the end.
    pub fn step(&self, x: Tensor<2>, state: Option<LstmState>) -> (Tensor<2>, LstmState) {
        assert_eq!(
            self.directions(),
            1,
            "a bidirectional layer cannot be stepped"
        );
        let [batch, d_input] = x.dims();
        let (output, state) = self.forward(x.reshape([batch, 1, d_input]), state);
        (output.reshape([batch, self.d_output()]), state)
    }

    /// The layer for streams: its weights are laid out once, on the host, for single steps.
    ///
    /// # Panics
    ///
    /// If the layer is bidirectional: its reverse direction starts at the end.
    pub fn prepare(&self) -> PreparedLayer {
        PreparedLayer::new(FastCell::Lstm, &self.layers, self.cell_clip)
    }

    /// A stream of `batch` sequences, whose states are zero. For several streams of one layer,
    /// [`prepare`](Self::prepare) it once.
    ///
    /// # Panics
    ///
    /// As [`prepare`](Self::prepare).
    pub fn stream(&self, batch: usize) -> PreparedStream {
        self.prepare().stream(batch)
    }

    /// Features of the input.
    pub fn d_input(&self) -> usize {
        self.layers[0].d_input()
    }

    /// Features of the cell state of one layer in one direction.
    pub fn d_hidden(&self) -> usize {
        self.layers[0].d_hidden()
    }

    /// Features of the projected hidden state of one layer in one direction, if it is projected.
    pub fn d_projection(&self) -> Option<usize> {
        self.layers[0].d_projection()
    }

    /// 2 if the layer is bidirectional, else 1.
    pub fn directions(&self) -> usize {
        self.layers[0].directions()
    }

    /// Features of the output.
    pub fn d_output(&self) -> usize {
        self.directions() * self.layers[0].d_recurrent()
    }
}
