//! How the weights of one direction are laid out for the products.

use std::ops::Range;

use super::blocks::ByUnit;
use super::buffers::Buffer;
use super::product::panel_vectors;
use super::simd::Isa;

/// A cell whose element-wise step has a fast body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FastCell {
    Lstm,
    /// With the reset gate after the product.
    Gru,
}

/// Slots of a unit: what its gates come from; see `elementwise.rs`.
pub(super) const SLOTS: usize = 4;

/// What the input, or the hidden state, goes into.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    /// The first of its slots; the others follow.
    pub first: usize,
    /// For each of its slots, the gate in the packed weights.
    pub gates: &'static [usize],
}

impl Side {
    pub fn slots(self) -> usize {
        self.gates.len()
    }
}

/// The sizes of one layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub cell: FastCell,
    pub directions: usize,
    pub d_input: usize,
    pub d_hidden: usize,
    /// Features of the hidden state: fewer than `d_hidden` if it is projected, which only an
    /// LSTM's can be.
    pub d_recurrent: usize,
    pub isa: Isa,
    /// Whether weights are laid out for one or two sequences, or for any number.
    pub few_rows: bool,
}

impl Sizes {
    pub fn lanes(&self) -> usize {
        self.isa.lanes()
    }

    /// Blocks of hidden units.
    pub fn blocks(&self) -> usize {
        self.d_hidden.div_ceil(self.lanes())
    }

    /// Whether the hidden state is projected.
    pub fn is_projected(&self) -> bool {
        self.d_recurrent != self.d_hidden
    }

    /// Blocks of the features of the hidden state.
    pub fn shown_blocks(&self) -> usize {
        self.d_recurrent.div_ceil(self.lanes())
    }

    /// Vectors that hold a row of the input.
    pub fn input_vectors(&self) -> usize {
        self.d_input.div_ceil(self.lanes())
    }

    /// Room for a value of each hidden unit of each sequence.
    pub fn by_unit(&self, batch: usize) -> Buffer {
        Buffer::take(self.by_unit_len(batch))
    }

    /// Floats of a value of each hidden unit of each sequence.
    pub fn by_unit_len(&self, batch: usize) -> usize {
        ByUnit::len(self.directions, batch, self.d_hidden, self.lanes())
    }

    pub fn share_by_unit<'a>(&self, buffer: &'a mut Buffer, batch: usize) -> ByUnit<'a> {
        ByUnit::new(buffer, batch, self.d_hidden, self.lanes())
    }

    /// Room for a value of each feature of the hidden state of each sequence.
    pub fn by_feature(&self, batch: usize) -> Buffer {
        Buffer::take(ByUnit::len(
            self.directions,
            batch,
            self.d_recurrent,
            self.lanes(),
        ))
    }

    pub fn share_by_feature<'a>(&self, buffer: &'a mut Buffer, batch: usize) -> ByUnit<'a> {
        ByUnit::new(buffer, batch, self.d_recurrent, self.lanes())
    }

    /// Hidden units of a block.
    pub fn units(&self, block: usize) -> usize {
        (self.d_hidden - block * self.lanes()).min(self.lanes())
    }

    /// Columns of the packed weights.
    pub fn columns(&self) -> usize {
        let gates = match self.cell {
            FastCell::Lstm => 4,
            FastCell::Gru => 3,
        };
        gates * self.d_hidden
    }

    /// Slots i, f, c̃, o; or the candidate from the input, r, z, the candidate from the state.
    pub fn input_side(&self) -> Side {
        Side {
            first: 0,
            gates: match self.cell {
                FastCell::Lstm => &[0, 1, 2, 3],
                FastCell::Gru => &[2, 0, 1],
            },
        }
    }

    pub fn hidden_side(&self) -> Side {
        match self.cell {
            FastCell::Lstm => self.input_side(),
            FastCell::Gru => Side {
                first: 1,
                gates: &[0, 1, 2],
            },
        }
    }

    /// Vectors of a panel that gives slots of one block.
    pub fn slot_vectors(&self, side: Side) -> usize {
        panel_vectors(self.isa.registers(), side.slots(), self.few_rows)
    }

    /// Vectors of a panel that gives columns of the input or of the hidden state.
    pub fn column_vectors(&self) -> usize {
        panel_vectors(self.isa.registers(), 4, self.few_rows)
    }

    /// Floats of the panels that give one block's slots from the input.
    pub fn input_panels(&self) -> usize {
        self.input_side().slots() * self.lanes() * self.d_input
    }

    /// Floats of the panels that give one block's slots from the hidden state.
    pub fn hidden_panels(&self) -> usize {
        self.hidden_side().slots() * self.lanes() * self.d_recurrent
    }

    /// How many slots' gradients there are in all blocks of one side.
    pub fn slots_depth(&self, side: Side) -> usize {
        self.blocks() * side.slots() * self.lanes()
    }
}

/// Lays out one block's part of a weight `[depth, columns]` for the product that gives its slots:
/// `[panels, depth, vectors * LANES]`.
pub(super) fn pack_slots(sizes: &Sizes, side: Side, weight: &[f32], block: usize, to: &mut [f32]) {
    let (lanes, columns, units) = (sizes.lanes(), sizes.columns(), sizes.units(block));
    let vectors = sizes.slot_vectors(side);
    let depth = weight.len() / columns;
    for (slot, gate) in side.gates.iter().enumerate() {
        let (panel, vector) = (slot / vectors, slot % vectors);
        let from = gate * sizes.d_hidden + block * lanes;
        let start = panel * depth * vectors * lanes + vector * lanes;
        for (k, row) in weight.chunks_exact(columns).enumerate() {
            let to = &mut to[start + k * vectors * lanes..][..lanes];
            to[..units].copy_from_slice(&row[from..from + units]);
            to[units..].fill(0.0);
        }
    }
}

/// What one block's slots start from, `[SLOTS * LANES]`: the sums of both biases, or apart where
/// a slot has one side only.
pub(super) fn pack_bias(sizes: &Sizes, biases: [&[f32]; 2], block: usize, to: &mut [f32]) {
    let (lanes, units) = (sizes.lanes(), sizes.units(block));
    to.fill(0.0);
    for (side, bias) in [sizes.input_side(), sizes.hidden_side()]
        .into_iter()
        .zip(biases)
    {
        for (slot, gate) in (side.first..).zip(side.gates) {
            let from = gate * sizes.d_hidden + block * lanes;
            let to = &mut to[slot * lanes..][..units];
            for (to, bias) in to.iter_mut().zip(&bias[from..from + units]) {
                *to += bias;
            }
        }
    }
}

/// Lays out some vectors' worth of rows of a weight `[rows, columns]` for the product that gives
/// the gradient of those rows' factors: `[slots_depth, vectors * LANES]`.
pub(super) fn pack_rows(
    sizes: &Sizes,
    side: Side,
    weight: &[f32],
    vectors: Range<usize>,
    to: &mut [f32],
) {
    let (lanes, columns) = (sizes.lanes(), sizes.columns());
    let rows = weight.len() / columns;
    let width = vectors.len() * lanes;
    to.fill(0.0);
    let wanted = vectors.start * lanes..(vectors.end * lanes).min(rows);
    for block in 0..sizes.blocks() {
        for (slot, gate) in side.gates.iter().enumerate() {
            let from = gate * sizes.d_hidden + block * lanes;
            let start = (block * side.slots() + slot) * lanes * width;
            let to = &mut to[start..start + lanes * width];
            for (column, row) in wanted.clone().enumerate() {
                let units = &weight[row * columns + from..][..sizes.units(block)];
                for (to, value) in to[column..].iter_mut().step_by(width).zip(units) {
                    *to = *value;
                }
            }
        }
    }
}

/// Lays out some vectors' worth of columns of a matrix `[depth, d_recurrent]`:
/// `[depth, vectors * LANES]`.
pub(super) fn pack_columns(sizes: &Sizes, matrix: &[f32], vectors: Range<usize>, to: &mut [f32]) {
    let lanes = sizes.lanes();
    let columns = vectors.start * lanes..(vectors.end * lanes).min(sizes.d_recurrent);
    let rows = matrix.chunks_exact(sizes.d_recurrent);
    for (to, row) in to.chunks_exact_mut(vectors.len() * lanes).zip(rows) {
        to[..columns.len()].copy_from_slice(&row[columns.clone()]);
        to[columns.len()..].fill(0.0);
    }
}

/// Lays out some vectors' worth of rows of a matrix `[rows, d_recurrent]` as columns:
/// `[d_recurrent, vectors * LANES]`.
pub(super) fn pack_transposed(
    sizes: &Sizes,
    matrix: &[f32],
    vectors: Range<usize>,
    to: &mut [f32],
) {
    let lanes = sizes.lanes();
    let width = vectors.len() * lanes;
    to.fill(0.0);
    let rows = matrix.chunks_exact(sizes.d_recurrent);
    for (column, row) in rows.skip(vectors.start * lanes).take(width).enumerate() {
        for (to, value) in to[column..].iter_mut().step_by(width).zip(row) {
            *to = *value;
        }
    }
}
