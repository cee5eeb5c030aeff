//! What went into the products: one factor of the gradients of their weights.

use std::ops::Range;

use super::backward_pass::Trace;
use super::operands::{Before, Operands};
use super::weight_gradients::{HIDDEN, INPUT};

/// What went in at each packed step of a segment.
pub(crate) struct Sources<'a> {
    rows: Vec<&'a [f32]>,
    /// What each row is multiplied with.
    masks: Option<Vec<&'a [f32]>>,
}

impl<'a> Sources<'a> {
    /// # Safety
    ///
    /// All parts have been run over the segment, and nobody writes what they left.
    pub unsafe fn new(
        operands: &'a Operands,
        output: &'a [f32],
        trace: &Trace<'a>,
        direction: usize,
        weight: usize,
    ) -> Self {
        let sizes = &operands.sizes;
        let packed = operands.packed_steps(&trace.segment);
        match weight {
            INPUT => {
                let row =
                    |place: &usize| &operands.x[place * sizes.d_input..(place + 1) * sizes.d_input];
                let gather = &operands.packing.direction(direction).gather;
                Self {
                    rows: gather[packed].iter().map(row).collect(),
                    masks: None,
                }
            }
            HIDDEN => {
                let columns = 0..sizes.d_recurrent;
                let mut rows = Vec::with_capacity(packed.len());
                let mut masks = operands.mask.map(|_| Vec::with_capacity(packed.len()));
                for step in trace.segment.clone() {
                    for place in 0..operands.packing.active[step] {
                        rows.push(match operands.before(direction, step, place, &columns) {
                            Before::Initial(row) => row,
                            Before::Output(at) => &output[at],
                        });
                        if let (Some(masks), Some(mask)) = (&mut masks, operands.mask) {
                            masks.push(operands.of_sequence(mask, direction, place));
                        }
                    }
                }
                Self { rows, masks }
            }
            _ => {
                // SAFETY: see above.
                let unprojected = unsafe { trace.unprojected.block(direction, 0) };
                Self {
                    rows: unprojected.chunks_exact(sizes.d_hidden).collect(),
                    masks: None,
                }
            }
        }
    }

    /// How many packed steps there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Lays out the rows of some steps as tiles of `height` columns: `[tiles, steps, height]`. After
    /// the last column comes the 1 of the bias, if there is one, and zeros.
    pub fn lay_out(
        &self,
        height: usize,
        bias: bool,
        tiles: &Range<usize>,
        steps: Range<usize>,
        to: &mut [f32],
    ) {
        let count = steps.len();
        for (index, step) in steps.enumerate() {
            for (tile_index, tile) in tiles.clone().enumerate() {
                let to = &mut to[(tile_index * count + index) * height..][..height];
                let first = tile * height;
                let columns = self.rows[step].len();
                let values = columns.saturating_sub(first).min(height);
                let wanted = first..first + values;
                to[..values].copy_from_slice(&self.rows[step][wanted.clone()]);
                if let Some(masks) = &self.masks {
                    for (to, mask) in to.iter_mut().zip(&masks[step][wanted]) {
                        *to *= mask;
                    }
                }
                if values < height {
                    to[values..].fill(0.0);
                    if first + values == columns && bias {
                        to[values] = 1.0;
                    }
                }
            }
        }
    }
}
