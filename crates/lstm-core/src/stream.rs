//! Streams: one time step after the other, on plain slices, with constant memory.

use std::sync::Arc;

use burn::module::Param;
use burn::tensor::Tensor;

use crate::sequence::{Company, FastCell, LayerStream, LooseWeights, PreparedWeights, sizes};
use crate::weights::PackedWeights;

/// Something that reads one time step after the other and remembers. A trait, so that a stream
/// with other weights, such as 8-bit ones, can take the place of [`PreparedStream`].
pub trait Stream {
    /// Goes on by one time step: from `x` `[batch, d_input]` to the output `[batch, d_output]`,
    /// both row by row.
    ///
    /// # Panics
    ///
    /// If `x` has another size.
    fn step(&mut self, x: &[f32]) -> &[f32];

    /// Begins anew: all states are zero.
    fn reset(&mut self);

    /// How many sequences go on at once.
    fn batch(&self) -> usize;

    /// Features of the input.
    fn d_input(&self) -> usize;

    /// Features of the output.
    fn d_output(&self) -> usize;
}

/// A unidirectional LSTM or GRU whose weights are laid out for single steps. Cheap to clone;
/// streams of one layer share its weights.
///
/// It is a copy: training the layer on does not change it. Whatever device the layer is on, it
/// computes on the processor, in the calling thread. Where a step is long enough (some 4 µs), threads
/// of rayon's global pool that are free take over parts of it: from a step on they wait for the
/// next for some 60 µs, busily, and then leave. A pool of one thread, or a step in a thread of
/// rayon's own, has no such company. It changes no bit of a result.
///
/// ```
/// use burn::tensor::Device;
/// use lstm_core::{LstmConfig, Stream};
///
/// let lstm = LstmConfig::new(2, 4).init(&Device::flex());
/// let mut stream = lstm.stream(1);
/// for x in [[0.1, 0.2], [0.3, 0.4]] {
///     let hidden: &[f32] = stream.step(&x);
///     assert_eq!(hidden.len(), 4);
/// }
/// ```
#[derive(Clone)]
pub struct PreparedLayer {
    layers: Vec<Arc<PreparedWeights>>,
}

impl PreparedLayer {
    pub(crate) fn new(cell: FastCell, layers: &[PackedWeights], clip: Option<f32>) -> Self {
        let prepare = |weights: &PackedWeights| {
            // Most streams are of one sequence.
            let sizes = sizes(cell, weights, 1);
            assert_eq!(
                sizes.directions, 1,
                "a bidirectional layer cannot be stepped"
            );
            let bias = |bias: &Option<Param<Tensor<2>>>| match bias {
                Some(bias) => values(bias.val()),
                None => vec![0.0; sizes.columns()],
            };
            let biases = [bias(&weights.input_bias), bias(&weights.recurrent_bias)];
            let projection = weights.projection_weight.as_ref();
            let weights = LooseWeights {
                input: &values(weights.input_weight.val()),
                recurrent: &values(weights.recurrent_weight.val()),
                biases: [&biases[0], &biases[1]],
                projection: &projection.map_or_else(Vec::new, |weight| values(weight.val())),
            };
            Arc::new(PreparedWeights::new(sizes, &weights, clip))
        };
        Self {
            layers: layers.iter().map(prepare).collect(),
        }
    }

    /// A stream of `batch` sequences, whose states are zero.
    pub fn stream(&self, batch: usize) -> PreparedStream {
        let members = |weights: &Arc<PreparedWeights>| weights.members(batch);
        let layers = self.layers.iter();
        PreparedStream {
            batch,
            company: Company::new(layers.clone().map(members).max().unwrap_or(1)),
            layers: layers
                .map(|weights| LayerStream::new(weights.clone(), batch, members(weights)))
                .collect(),
        }
    }

    /// Features of the input.
    pub fn d_input(&self) -> usize {
        self.layers[0].sizes().d_input
    }

    /// Features of the output.
    pub fn d_output(&self) -> usize {
        self.layers[0].sizes().d_recurrent
    }
}

/// A stream through a [`PreparedLayer`]. A step allocates nothing, but for the request to rayon when
/// it wants company: once in 512 steps where they follow each other closely.
pub struct PreparedStream {
    batch: usize,
    company: Company,
    layers: Vec<LayerStream>,
}

/// What a [`PreparedStream`] remembers, row by row: to save it, or to begin from it.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamState {
    /// `[layers, batch, d_hidden]`; `d_projection` wide if it is projected
    pub hidden: Vec<f32>,
    /// `[layers, batch, d_hidden]`; of a GRU nothing
    pub cell: Vec<f32>,
}

impl PreparedStream {
    /// What the stream remembers.
    pub fn state(&self) -> StreamState {
        let states: Vec<_> = self.layers.iter().map(LayerStream::state).collect();
        StreamState {
            hidden: states
                .iter()
                .flat_map(|(hidden, _)| hidden.clone())
                .collect(),
            cell: states.into_iter().flat_map(|(_, cell)| cell).collect(),
        }
    }

    /// Goes on from a state of a stream with the same sizes.
    ///
    /// # Panics
    ///
    /// If the state has other sizes.
    pub fn set_state(&mut self, state: &StreamState) {
        let now = self.state();
        assert_eq!(
            (state.hidden.len(), state.cell.len()),
            (now.hidden.len(), now.cell.len()),
            "a state has as many values of the hidden state and of the cell as the stream"
        );
        let count = self.layers.len();
        for (index, layer) in self.layers.iter_mut().enumerate() {
            let part = |all: &'_ [f32]| {
                let size = all.len() / count;
                index * size..(index + 1) * size
            };
            let (hidden, cell) = (part(&state.hidden), part(&state.cell));
            layer.set_state(&state.hidden[hidden], &state.cell[cell]);
        }
    }
}

impl Stream for PreparedStream {
    fn step(&mut self, x: &[f32]) -> &[f32] {
        assert_eq!(
            x.len(),
            self.batch * self.d_input(),
            "a step reads [batch, d_input] = [{}, {}] numbers",
            self.batch,
            self.d_input()
        );
        let (first, rest) = self
            .layers
            .split_first_mut()
            .expect("a layer has at least one layer in its stack");
        rest.iter_mut()
            .fold(first.step(&mut self.company, x), |below, layer| {
                layer.step(&mut self.company, below)
            })
    }

    fn reset(&mut self) {
        self.layers.iter_mut().for_each(LayerStream::reset);
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn d_input(&self) -> usize {
        self.layers[0].sizes().d_input
    }

    fn d_output(&self) -> usize {
        self.layers[0].sizes().d_recurrent
    }
}

impl std::fmt::Debug for PreparedLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sizes = self.layers.iter().map(|weights| weights.sizes());
        f.debug_list().entries(sizes).finish()
    }
}

impl std::fmt::Debug for PreparedStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sizes = self.layers.iter().map(LayerStream::sizes);
        f.debug_list().entries(sizes).finish()
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}
