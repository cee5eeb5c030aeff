//! The GRU layer: stacked, bidirectional, regularised, ragged.

use burn::config::Config;
use burn::module::{Content, DisplaySettings, Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};

use crate::draws::WeightDraws;
use crate::dropout::{DropoutMask, Mode, check_probability};
use crate::gate::{GruGate, ResetGate};
use crate::initial::{RecurrentInit, StackSizes};
use crate::lengths::Lengths;
use crate::sequence::{FastCell, Recurrence, Stack, checked_checkpoint_every};
use crate::state::GruState;
use crate::stream::{PreparedLayer, PreparedStream};
use crate::weights::PackedWeights;

/// Configuration of a [`Gru`].
#[derive(Config, Debug)]
pub struct GruConfig {
    /// Features of the input.
    pub d_input: usize,
    /// Features of the hidden state of one layer in one direction.
    pub d_hidden: usize,
    /// In training, keep the states of every so many time steps only, and compute those between
    /// again when the gradients are: less memory for a third more time, for long sequences (Chen et
    /// al. 2016). At least 1; it pays near the square root of the length. Without, everything is
    /// kept on the CPU in 32-bit floats; other devices and floats, and a reset gate before the
    /// product, keep nothing but the output in any case.
    pub checkpoint_every: Option<usize>,
    /// How many layers are stacked, each reading the output of the one below.
    #[config(default = 1)]
    pub layers: usize,
    /// How many layers of other stacks lie below this one, which reads their output; see
    /// [`LstmConfig::layers_below`](crate::LstmConfig::layers_below).
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
    ///
    /// The mask acts on what is multiplied by U, in both forms of the reset gate; what the update
    /// gate keeps of the hidden state is never dropped.
    #[config(default = 0.0)]
    pub recurrent_dropout: f64,
    /// Probability that a recurrent weight (hidden to hidden) is zero in a forward pass, in training;
    /// the others are divided by 1 - p: DropConnect (Wan et al. 2013), on an LSTM's recurrent weights
    /// the "weight drop" of Merity et al. 2018 (AWD-LSTM).
    ///
    /// One mask a forward pass, for all time steps and all sequences of the batch; each layer and
    /// direction has its own. Input weights, biases and what the update gate keeps are never dropped. In
    /// contrast, `recurrent_dropout` drops features of the hidden state, all weights that read one at
    /// once, and for each sequence others.
    #[config(default = 0.0)]
    pub weight_dropout: f64,
    /// Whether the gates have biases.
    #[config(default = true)]
    pub bias: bool,
    /// Where the reset gate acts. Before the product, a layer is slower; see
    /// [`ResetGate::BeforeProduct`].
    #[config(default = "ResetGate::AfterProduct")]
    pub reset: ResetGate,
    /// How the weights start.
    #[config(default = "RecurrentInit::Orthogonal")]
    pub init: RecurrentInit,
}

impl GruConfig {
    /// A layer with weights of seed 0. Layers that are to differ take turns with
    /// [`init_with`](Self::init_with).
    ///
    /// # Panics
    ///
    /// If a size, the number of layers or `checkpoint_every` is 0, or a dropout probability outside
    /// `[0, 1)`.
    pub fn init(&self, device: &Device) -> Gru {
        self.init_with(&mut WeightDraws::new(0, device))
    }

    /// A layer with the next weights of `draws`.
    ///
    /// # Panics
    ///
    /// As [`init`](Self::init).
    pub fn init_with(&self, draws: &mut WeightDraws) -> Gru {
        check_probability(self.dropout);
        check_probability(self.recurrent_dropout);
        check_probability(self.weight_dropout);
        let sizes = StackSizes {
            layers: self.layers,
            bidirectional: self.bidirectional,
            gates: GruGate::COUNT,
            d_input: self.d_input,
            d_hidden: self.d_hidden,
            d_projection: None,
            bias: self.bias,
        };
        Gru {
            layers: sizes.draw(self.init, None, draws),
            layers_below: self.layers_below,
            dropout: self.dropout,
            dropout_mask: self.dropout_mask,
            recurrent_dropout: self.recurrent_dropout,
            weight_dropout: self.weight_dropout,
            checkpoint_every: checked_checkpoint_every(self.checkpoint_every),
            reset: self.reset,
        }
    }
}

/// A Gated Recurrent Unit layer (Cho et al. 2014): `torch.nn.GRU(batch_first=True)` that takes
/// ragged batches as they are.
///
/// Should be created with [`GruConfig`]. The equations are those of [`GruGate`] and [`ResetGate`].
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct Gru {
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
    checkpoint_every: Option<usize>,
    #[module(skip)]
    pub(crate) reset: ResetGate,
}

impl ModuleDisplay for Gru {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new()
            .with_new_line_after_attribute(false)
            .optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content
            .add("d_input", &self.d_input())
            .add("d_hidden", &self.d_hidden())
            .add("layers", &self.layers.len())
            .add("directions", &self.directions())
            .optional()
    }
}

impl Gru {
    /// Runs the layer over a batch without padding; no dropout.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, time, d_input]`
    /// - `state`, and the final one that is returned: `hidden` of
    ///   `[layers * directions, batch, d_hidden]`; `None` starts at zero
    /// - the output: `[batch, time, directions * d_hidden]`, of the last layer
    pub fn forward(&self, x: Tensor<3>, state: Option<GruState>) -> (Tensor<3>, GruState) {
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
        state: Option<GruState>,
    ) -> (Tensor<3>, GruState) {
        self.forward_with(x, lengths, state, Mode::Inference)
    }

    /// [`forward_ragged`](Self::forward_ragged), with dropout if `mode` says so.
    pub fn forward_with(
        &self,
        x: Tensor<3>,
        lengths: &Lengths,
        state: Option<GruState>,
        mode: Mode,
    ) -> (Tensor<3>, GruState) {
        let stack = Stack {
            recurrence: Recurrence::Gru(self.reset),
            layers: &self.layers,
            layers_below: self.layers_below,
            dropout: self.dropout,
            dropout_mask: self.dropout_mask,
            recurrent_dropout: self.recurrent_dropout,
            weight_dropout: self.weight_dropout,
            cell_clip: None,
            checkpoint_every: self.checkpoint_every,
        };
        let initial = state.map(|state| vec![state.hidden]);
        let (output, state) = stack.forward(x, lengths, initial, mode);
        let [hidden] = state.try_into().expect("a GRU's state has one tensor");
        (output, GruState { hidden })
    }

    /// One time step, for streaming.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, d_input]`
    /// - `state`, and what is returned beside the output: as in [`forward`](Self::forward)
    /// - the output: `[batch, d_hidden]`
    ///
    /// # Panics
    ///
    /// If the layer is bidirectional: its reverse direction starts at the end.
    pub fn step(&self, x: Tensor<2>, state: Option<GruState>) -> (Tensor<2>, GruState) {
        assert_eq!(
            self.directions(),
            1,
            "a bidirectional layer cannot be stepped"
        );
        let [batch, d_input] = x.dims();
        let (output, state) = self.forward(x.reshape([batch, 1, d_input]), state);
        (output.reshape([batch, self.d_hidden()]), state)
    }

    /// The layer for streams: its weights are laid out once, on the host, for single steps.
    ///
    /// # Panics
    ///
    /// If the layer is bidirectional, because its reverse direction starts at the end, or if
    /// its reset gate comes before the product: take [`step`](Self::step) there.
    pub fn prepare(&self) -> PreparedLayer {
        assert_eq!(
            self.reset,
            ResetGate::AfterProduct,
            "only a GRU with the reset gate after the product can be prepared"
        );
        PreparedLayer::new(FastCell::Gru, &self.layers, None)
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

    /// Features of the hidden state of one layer in one direction.
    pub fn d_hidden(&self) -> usize {
        self.layers[0].d_hidden()
    }

    /// 2 if the layer is bidirectional, else 1.
    pub fn directions(&self) -> usize {
        self.layers[0].directions()
    }

    /// Features of the output.
    pub fn d_output(&self) -> usize {
        self.directions() * self.d_hidden()
    }
}
