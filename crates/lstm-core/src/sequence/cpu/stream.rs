//! One step at a time, with weights laid out once: for streams that never end.

use std::ops::Range;
use std::sync::Arc;

use super::blocks::ByUnit;
use super::buffers::{Buffer, Shared};
use super::company::{Company, Piece, Pieces};
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

    /// Multiplications of a step of `batch` sequences, without a projection's.
    fn multiplications(&self, batch: usize) -> usize {
        let sizes = &self.sizes;
        batch * (sizes.d_input + sizes.d_recurrent) * sizes.columns()
    }

    /// How many threads the steps of `batch` sequences are worth.
    pub fn members(&self, batch: usize) -> usize {
        let sizes = &self.sizes;
        match self.multiplications(batch) / WORTH_A_MEMBER {
            0 | 1 => 1,
            worth => worth.min(sizes.blocks()).min(rayon::current_num_threads()),
        }
    }
}

/// Multiplications of a step that are worth a thread, some 2 µs. Fewer would still be faster for
/// company, which costs a quarter of a microsecond, but hardly worth a processor.
const WORTH_A_MEMBER: usize = 32 << 10;

/// One layer of a stream: its state, and room for one step.
pub(crate) struct LayerStream {
    weights: Arc<PreparedWeights>,
    batch: usize,
    /// The most threads that share a step.
    members: usize,
    /// The state that the element-wise step carries, by unit.
    carried: Buffer,
    /// The hidden state before and after the next step, by feature.
    hidden: [Buffer; 2],
    /// What the hidden state is projected from, by unit.
    unprojected: Buffer,
    /// For each member: `[batch, SLOTS * LANES]`
    slots: Buffer,
    /// `[batch, d_recurrent]`: what the last step showed.
    output: Buffer,
    /// 0, 1, 2, …: the rows of the output.
    places: Vec<usize>,
    /// Whether the next step goes through the blocks from the last to the first.
    backwards: bool,
}

impl LayerStream {
    /// A stream of `batch` sequences, whose states are zero, and whose steps at most so many
    /// threads share.
    pub fn new(weights: Arc<PreparedWeights>, batch: usize, members: usize) -> Self {
        let sizes = &weights.sizes;
        let mut stream = Self {
            batch,
            members,
            carried: sizes.by_unit(batch),
            hidden: [sizes.by_feature(batch), sizes.by_feature(batch)],
            unprojected: sizes.by_unit(batch),
            slots: Buffer::take(members * slots_of_member(sizes, batch)),
            output: Buffer::zeros(batch * sizes.d_recurrent),
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
    pub fn step(&mut self, company: &mut Company, x: &[f32]) -> &[f32] {
        if self.batch == 0 {
            return &[];
        }
        let sizes = &self.weights.sizes;
        let [before, after] = &mut self.hidden;
        let step = Step {
            weights: &self.weights,
            batch: self.batch,
            x,
            before: Shared::read_only(before.as_slice()),
            carried: self.carried.share(),
            after: after.share(),
            unprojected: self.unprojected.share(),
            slots: self.slots.share(),
            output: self.output.share(),
            places: &self.places,
        };
        let blocks = Pieces {
            count: sizes.blocks(),
            multiplications: self.weights.multiplications(self.batch) / sizes.blocks(),
            members: self.members,
            // Back and forth: what the last step went through last is still in the cache.
            backwards: self.backwards,
        };
        company.run(blocks, |piece| {
            // SAFETY: nobody else has this member's slots or this block's units.
            unsafe {
                step.products(piece);
                step.element_wise(piece);
            }
        });
        if sizes.is_projected() {
            let panels = Pieces {
                count: self.weights.projection.len(),
                multiplications: self.batch * sizes.d_hidden * sizes.d_recurrent
                    / self.weights.projection.len(),
                ..blocks
            };
            // SAFETY: nobody else has this member's slots or this panel's features.
            company.run(panels, |piece| unsafe { step.project(piece) });
        }
        self.backwards = !self.backwards;
        self.hidden.swap(0, 1);
        self.output.as_slice()
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

/// Floats of a member's slots: no two members write the same lines of memory.
fn slots_of_member(sizes: &Sizes, batch: usize) -> usize {
    (batch * SLOTS * sizes.lanes()).next_multiple_of(32)
}

/// One step of a layer, for all threads that share it.
struct Step<'a> {
    weights: &'a PreparedWeights,
    batch: usize,
    /// `[batch, d_input]`
    x: &'a [f32],
    before: Shared<'a>,
    carried: Shared<'a>,
    after: Shared<'a>,
    unprojected: Shared<'a>,
    slots: Shared<'a>,
    output: Shared<'a>,
    places: &'a [usize],
}

impl<'a> Step<'a> {
    /// # Safety
    ///
    /// The member is the caller, and has no other slice of its slots.
    unsafe fn slots(&self, member: usize) -> &'a mut [f32] {
        let len = slots_of_member(&self.weights.sizes, self.batch);
        // SAFETY: see above.
        unsafe { self.slots.write(member * len, len) }
    }

    /// The slots of one block.
    ///
    /// # Safety
    ///
    /// Nobody else uses the member's slots, or writes the state before the step.
    unsafe fn products(&self, piece: Piece) {
        let sizes = &self.weights.sizes;
        let lanes = sizes.lanes();
        let [input, hidden, bias] = &self.weights.blocks[piece.index];
        // SAFETY: see above; the slices outlive this call, and nobody writes them meanwhile.
        let (slots, x, before) = unsafe {
            (
                self.slots(piece.member),
                Rows::plain(self.x, sizes.d_input),
                Rows::blocked(self.before.tail(0), lanes, lanes, self.batch * lanes),
            )
        };
        let slots = &mut slots[..self.batch * SLOTS * lanes];
        for slots in slots.chunks_exact_mut(SLOTS * lanes) {
            slots.copy_from_slice(bias.as_slice());
        }
        let next = &self.weights.blocks[piece.next][0];
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
    ///
    /// # Safety
    ///
    /// Nobody else uses the member's slots, or this block's units after the step.
    unsafe fn element_wise(&self, piece: Piece) {
        let sizes = &self.weights.sizes;
        let lanes = sizes.lanes();
        let (block, rows) = (piece.index, self.batch * lanes);
        let carried = self.carried.part(block * rows, rows);
        let projected = sizes.is_projected();
        let hidden = match projected {
            true => &self.unprojected,
            false => &self.after,
        };
        // SAFETY: see above.
        let slots = unsafe { self.slots(piece.member) };
        let job = ForwardStep {
            rows: self.batch,
            slots: slots.as_ptr(),
            previous: carried.cast_const(),
            state: carried,
            saved: None,
            hidden: hidden.part(block * rows, rows),
            mask: None,
            output: (!projected).then(|| Scattered {
                data: self.output.part(block * lanes, 0),
                places: self.places.as_ptr(),
                stride: sizes.d_recurrent,
                units: sizes.units(block),
            }),
            clip: self.weights.clip,
        };
        // SAFETY: every pointer is good for `batch` rows, and nobody else uses them.
        unsafe {
            match sizes.cell {
                FastCell::Lstm => sizes.isa.run(LstmForward::new(job)),
                FastCell::Gru => sizes.isa.run(GruForward::new(job)),
            }
        }
    }

    /// Some vectors of the projected hidden state.
    ///
    /// # Safety
    ///
    /// Nobody else uses the member's slots, or these vectors after the step, or writes what is
    /// projected.
    unsafe fn project(&self, piece: Piece) {
        let sizes = &self.weights.sizes;
        let (vectors, panel) = &self.weights.projection[piece.index];
        let (batch, lanes) = (self.batch, sizes.lanes());
        let width = vectors.len() * lanes;
        // SAFETY: see above.
        let (slots, lhs) = unsafe {
            (
                self.slots(piece.member),
                Rows::blocked(self.unprojected.tail(0), lanes, lanes, batch * lanes),
            )
        };
        let result = &mut slots[..batch * width];
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
            // SAFETY: see above.
            let output = unsafe { self.output.write(row * sizes.d_recurrent + first, count) };
            output.copy_from_slice(&shown[..count]);
            for (block, shown) in vectors.clone().zip(shown.chunks_exact(lanes)) {
                // SAFETY: see above.
                let to = unsafe { self.after.write((block * batch + row) * lanes, lanes) };
                to.copy_from_slice(shown);
            }
        }
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
