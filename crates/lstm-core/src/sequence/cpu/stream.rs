//! One step at a time, with weights laid out once: for streams that never end.

use std::ops::Range;
use std::sync::Arc;

use super::blocks::ByUnit;
use super::buffers::Buffer;
use super::elementwise::{ForwardStep, Scattered};
use super::gru::GruForward;
use super::layout::{FastCell, SLOTS, Sizes, pack_bias, pack_columns, pack_slots};
use super::lstm::LstmForward;
use super::panels::panels;
use super::product::{Product, Rows, Start, ZEROS};

/// One layer's weights, laid out for single steps.
pub(crate) struct PreparedWeights {
    sizes: Sizes,
    clip: Option<f32>,
    /// For each block of units: the panels of the input, of the hidden state, and the bias.
    blocks: Vec<[Buffer; 3]>,
    /// Of a projected hidden state: the vectors of it that each panel gives.
    projection: Vec<(Range<usize>, Buffer)>,
}

/// One layer's weights as they come.
pub(crate) struct LooseWeights<'a> {
    /// `[d_input, gates * d_hidden]`
    pub input: &'a [f32],
    /// `[d_recurrent, gates * d_hidden]`
    pub recurrent: &'a [f32],
    /// Of the input and of the hidden state, each `[gates * d_hidden]`.
    pub biases: [&'a [f32]; 2],
    /// `[d_hidden, d_recurrent]`, if the hidden state is projected
    pub projection: &'a [f32],
}

impl PreparedWeights {
    /// Lays out the weights of a layer in one direction.
    pub fn new(sizes: Sizes, weights: &LooseWeights, clip: Option<f32>) -> Self {
        let lanes = sizes.lanes();
        let blocks = (0..sizes.blocks()).map(|block| {
            let mut input = Buffer::take(sizes.input_panels());
            let mut hidden = Buffer::take(sizes.hidden_panels());
            let mut bias = Buffer::take(SLOTS * lanes);
            let to = input.as_mut_slice();
            pack_slots(&sizes, sizes.input_side(), weights.input, block, to);
            let to = hidden.as_mut_slice();
            pack_slots(&sizes, sizes.hidden_side(), weights.recurrent, block, to);
            pack_bias(&sizes, weights.biases, block, bias.as_mut_slice());
            [input, hidden, bias]
        });
        let shown = match sizes.is_projected() {
            true => 0..sizes.shown_blocks(),
            false => 0..0,
        };
        let projection = panels(&sizes, &shown).map(|vectors| {
            let mut panel = Buffer::take(sizes.d_hidden * vectors.len() * lanes);
            let to = panel.as_mut_slice();
            pack_columns(&sizes, weights.projection, vectors.clone(), to);
            (vectors, panel)
        });
        Self {
            blocks: blocks.collect(),
            projection: projection.collect(),
            sizes,
            clip,
        }
    }

    pub fn sizes(&self) -> &Sizes {
        &self.sizes
    }
}

/// One layer of a stream: its state, and room for one step.
pub(crate) struct LayerStream {
    weights: Arc<PreparedWeights>,
    batch: usize,
    /// The state that the element-wise step carries, by unit.
    carried: Buffer,
    /// The hidden state before and after the next step, by feature.
    hidden: [Buffer; 2],
    /// What the hidden state is projected from, by unit.
    unprojected: Buffer,
    /// `[batch, SLOTS * LANES]`
    slots: Buffer,
    /// `[batch, d_recurrent]`: what the last step showed.
    output: Vec<f32>,
    /// 0, 1, 2, …: the rows of the output.
    places: Vec<usize>,
    /// Whether the next step goes through the blocks from the last to the first.
    backwards: bool,
}

impl LayerStream {
    /// A stream of `batch` sequences, whose states are zero.
    pub fn new(weights: Arc<PreparedWeights>, batch: usize) -> Self {
        let sizes = &weights.sizes;
        let mut stream = Self {
            batch,
            carried: sizes.by_unit(batch),
            hidden: [sizes.by_feature(batch), sizes.by_feature(batch)],
            unprojected: sizes.by_unit(batch),
            slots: Buffer::take(batch * SLOTS * sizes.lanes()),
            output: vec![0.0; batch * sizes.d_recurrent],
            places: (0..batch).collect(),
            backwards: false,
            weights,
        };
        stream.reset();
        stream
    }

    pub fn sizes(&self) -> &Sizes {
        &self.weights.sizes
    }

    /// Sets all states to zero.
    pub fn reset(&mut self) {
        self.carried.as_mut_slice().fill(0.0);
        self.hidden[0].as_mut_slice().fill(0.0);
    }

    /// Goes on by one step: `x` is `[batch, d_input]`, the output `[batch, d_recurrent]`.
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        let weights = Arc::clone(&self.weights);
        let sizes = &weights.sizes;
        // Back and forth: what the last step went through last is still in the cache.
        let last = sizes.blocks() - 1;
        for index in 0..=last {
            let in_turn = |index: usize| match self.backwards {
                true => last - index,
                false => index,
            };
            let (block, next) = (in_turn(index), in_turn((index + 1).min(last)));
            self.products(&weights, block, next, x);
            self.element_wise(&weights, block);
        }
        self.backwards = !self.backwards;
        for (vectors, panel) in &weights.projection {
            self.project(sizes, vectors, panel);
        }
        self.hidden.swap(0, 1);
        &self.output
    }

    /// The slots of one block, before another one's turn comes.
    fn products(&mut self, weights: &PreparedWeights, block: usize, next: usize, x: &[f32]) {
        let sizes = &weights.sizes;
        let lanes = sizes.lanes();
        let [input, hidden, bias] = &weights.blocks[block];
        let slots = self.slots.as_mut_slice();
        for slots in slots.chunks_exact_mut(SLOTS * lanes) {
            slots.copy_from_slice(bias.as_slice());
        }
        let before = self.hidden[0].as_slice();
        // SAFETY: the slices outlive this call, and nobody writes them meanwhile.
        let (x, before) = unsafe {
            let before = (before.as_ptr(), before.len());
            (
                Rows::plain(x, sizes.d_input),
                Rows::blocked(before, lanes, lanes, self.batch * lanes),
            )
        };
        let next = &weights.blocks[next][0];
        for (side, lhs, depth, panels, next) in [
            (sizes.input_side(), x, sizes.d_input, input, hidden),
            (sizes.hidden_side(), before, sizes.d_recurrent, hidden, next),
        ] {
            sizes.isa.run(Product {
                rows: self.batch,
                depth,
                lhs,
                panels: panels.as_slice(),
                vectors: sizes.slot_vectors(side),
                start: Start::Result,
                result: &mut slots[side.first * lanes..],
                result_stride: SLOTS * lanes,
                next: Some(next.as_slice().as_ptr()),
            });
        }
    }

    /// The element-wise step of one block.
    fn element_wise(&mut self, weights: &PreparedWeights, block: usize) {
        let sizes = &weights.sizes;
        let rows = self.batch * sizes.lanes();
        let of_block = block * rows..(block + 1) * rows;
        let carried = self.carried.as_mut_slice()[of_block.clone()].as_mut_ptr();
        let projected = sizes.is_projected();
        let hidden = match projected {
            true => &mut self.unprojected,
            false => &mut self.hidden[1],
        };
        let output = &mut self.output;
        let job = ForwardStep {
            rows: self.batch,
            slots: self.slots.as_slice().as_ptr(),
            previous: carried.cast_const(),
            state: carried,
            saved: None,
            hidden: hidden.as_mut_slice()[of_block].as_mut_ptr(),
            mask: None,
            output: (!projected).then(|| Scattered {
                data: output[block * sizes.lanes()..].as_mut_ptr(),
                places: self.places.as_ptr(),
                stride: sizes.d_recurrent,
                units: sizes.units(block),
            }),
            clip: weights.clip,
        };
        // Every pointer is good for `batch` rows.
        match sizes.cell {
            FastCell::Lstm => sizes.isa.run(LstmForward(job)),
            FastCell::Gru => sizes.isa.run(GruForward(job)),
        }
    }

    /// Some vectors of the projected hidden state.
    fn project(&mut self, sizes: &Sizes, vectors: &Range<usize>, panel: &Buffer) {
        let (batch, lanes) = (self.batch, sizes.lanes());
        let width = vectors.len() * lanes;
        let from = self.unprojected.as_slice();
        let result = &mut self.slots.as_mut_slice()[..batch * width];
        // SAFETY: nobody writes what is read meanwhile.
        let lhs =
            unsafe { Rows::blocked((from.as_ptr(), from.len()), lanes, lanes, batch * lanes) };
        sizes.isa.run(Product {
            rows: batch,
            depth: sizes.d_hidden,
            lhs,
            panels: panel.as_slice(),
            vectors: vectors.len(),
            start: Start::Row(&ZEROS),
            result,
            result_stride: width,
            next: None,
        });
        for (row, shown) in result.chunks_exact(width).enumerate() {
            let first = vectors.start * lanes;
            let count = width.min(sizes.d_recurrent - first);
            self.output[row * sizes.d_recurrent + first..][..count]
                .copy_from_slice(&shown[..count]);
            for (block, shown) in vectors.clone().zip(shown.chunks_exact(lanes)) {
                let to = &mut self.hidden[1].as_mut_slice()[(block * batch + row) * lanes..];
                to[..lanes].copy_from_slice(shown);
            }
        }
    }

    /// The hidden state `[batch, d_recurrent]` and, of an LSTM, the cell `[batch, d_hidden]`;
    /// else nothing.
    pub fn state(&self) -> (Vec<f32>, Vec<f32>) {
        let sizes = &self.weights.sizes;
        let hidden = self.rows(&self.hidden[0], sizes.d_recurrent);
        let cell = match sizes.cell {
            FastCell::Lstm => self.rows(&self.carried, sizes.d_hidden),
            FastCell::Gru => Vec::new(),
        };
        (hidden, cell)
    }

    /// `[batch, units]` of what lies in blocks.
    fn rows(&self, blocks: &Buffer, units: usize) -> Vec<f32> {
        let lanes = self.weights.sizes.lanes();
        let place =
            |row: usize, unit: usize| (unit / lanes * self.batch + row) * lanes + unit % lanes;
        let values = blocks.as_slice();
        (0..self.batch * units)
            .map(|index| values[place(index / units, index % units)])
            .collect()
    }

    /// Goes on from this state, shaped as [`state`](Self::state) gives it.
    pub fn set_state(&mut self, hidden: &[f32], cell: &[f32]) {
        let (sizes, batch) = (self.weights.sizes, self.batch);
        set_rows(
            sizes.share_by_feature(&mut self.hidden[0], batch),
            batch,
            hidden,
        );
        let carried = match sizes.cell {
            FastCell::Lstm => cell,
            FastCell::Gru => hidden,
        };
        set_rows(
            sizes.share_by_unit(&mut self.carried, batch),
            batch,
            carried,
        );
    }
}

/// Puts `[batch, units]` into blocks.
fn set_rows(to: ByUnit, batch: usize, from: &[f32]) {
    for (row, from) in from
        .chunks_exact((from.len() / batch.max(1)).max(1))
        .enumerate()
    {
        for block in 0..to.blocks() {
            let from = &from[to.columns(block)];
            // SAFETY: the buffer is borrowed alone.
            let to = unsafe { to.rows_mut(0, block, &(row..row + 1)) };
            to[..from.len()].copy_from_slice(from);
            to[from.len()..].fill(0.0);
        }
    }
}
