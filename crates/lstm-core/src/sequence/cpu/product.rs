//! Matrix products in the shapes that a recurrent layer needs, on operands laid out for them.
//!
//! Every element of a result is added up in the order of its terms, whatever the tile that it is
//! computed in. So a sequence gives the same bits alone and in any batch, with any number of
//! threads.

use super::simd::{Kernel, Simd};

/// Bytes of a panel that stay in the first level of the cache while the rows go over it.
const BLOCK_BYTES: usize = 16 << 10;

/// Floats in a cache line.
const LINE: usize = 16;

/// A matrix whose columns come in blocks: element (row, column) lies at
/// `row * row_stride + (column / block) * block_stride + column % block`.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    data: *const f32,
    len: usize,
    row_stride: usize,
    block: usize,
    block_stride: usize,
}

impl Rows {
    /// A matrix in blocks, of which the parts that are not read may be written meanwhile.
    ///
    /// # Safety
    ///
    /// `data` points to `len` floats, and those that a product reads are there while it runs.
    pub unsafe fn blocked(
        (data, len): (*const f32, usize),
        row_stride: usize,
        block: usize,
        block_stride: usize,
    ) -> Self {
        Self {
            data,
            len,
            row_stride,
            block,
            block_stride,
        }
    }

    /// A matrix whose rows lie one behind the other, while it is borrowed.
    ///
    /// # Safety
    ///
    /// The slice outlives the value.
    pub unsafe fn plain(data: &[f32], columns: usize) -> Self {
        // SAFETY: see above.
        unsafe { Self::blocked((data.as_ptr(), data.len()), columns, columns, 0) }
    }

    /// Whether `rows` rows of `columns` columns lie within the data.
    fn hold(&self, rows: usize, columns: usize) -> bool {
        let blocks = (columns - 1) / self.block;
        let last = (rows - 1) * self.row_stride
            + blocks * self.block_stride
            + (columns - 1 - blocks * self.block);
        last < self.len
    }
}

/// What a product is added to.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    /// The same for every row, such as a bias; a panel's columns lie side by side.
    Row(&'a [f32]),
    /// Row by row, this far apart.
    Rows(&'a [f32], usize),
    /// What the result holds already.
    Result,
}

/// What a product without bias starts from: the widest panel's row.
pub(super) static ZEROS: [f32; 64] = [0.0; 64];

/// result = start + lhs · panels.
///
/// A panel is `[depth, vectors * LANES]`; several lie one behind the other, and so do their
/// columns in the result.
pub(crate) struct Product<'a> {
    pub rows: usize,
    pub depth: usize,
    pub lhs: Rows,
    pub panels: &'a [f32],
    /// Vectors in a panel: 1 to 4.
    pub vectors: usize,
    pub start: Start<'a>,
    pub result: &'a mut [f32],
    pub result_stride: usize,
    /// What the next product goes through, to be fetched on the way, where it is not what follows
    /// the panels.
    pub next: Option<*const f32>,
}

impl Kernel for Product<'_> {
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        if self.rows == 0 {
            return;
        }
        assert!(self.depth > 0, "a product has a depth");
        let width = self.vectors * S::LANES;
        let count = self.panels.len() / (self.depth * width);
        let columns = count * width;
        assert!(
            self.lhs.hold(self.rows, self.depth)
                && self.panels.len() == count * self.depth * width
                && (self.rows - 1) * self.result_stride + columns <= self.result.len(),
            "a product of {} rows, depth {} and {columns} columns does not fit its operands",
            self.rows,
            self.depth,
        );
        match self.start {
            Start::Row(start) => assert!(columns <= start.len(), "a bias for every column"),
            Start::Rows(start, stride) => assert!(
                (self.rows - 1) * stride + columns <= start.len(),
                "a start for every row"
            ),
            Start::Result => {}
        }
        let result = self.result.as_mut_ptr();
        let (start, start_stride) = match self.start {
            Start::Row(start) => (start.as_ptr(), 0),
            Start::Rows(start, stride) => (start.as_ptr(), stride),
            Start::Result => (result.cast_const(), self.result_stride),
        };
        for panel in 0..count {
            // SAFETY: the operands have the sizes just checked.
            unsafe {
                let panel_product = PanelProduct {
                    rows: self.rows,
                    depth: self.depth,
                    lhs: self.lhs,
                    panel: self.panels.as_ptr().add(panel * self.depth * width),
                    start: start.add(panel * width),
                    start_stride,
                    result: result.add(panel * width),
                    result_stride: self.result_stride,
                    next: self.next.filter(|_| panel + 1 == count),
                };
                match (self.vectors, S::REGISTERS >= 32) {
                    (1, _) => panel_product.run::<S, 1, 6>(s),
                    (2, false) => panel_product.run::<S, 2, 6>(s),
                    (2, true) => panel_product.run::<S, 2, 8>(s),
                    (3, false) => panel_product.run::<S, 3, 3>(s),
                    (3, true) => panel_product.run::<S, 3, 8>(s),
                    (4, false) => panel_product.run::<S, 4, FEW_ROWS>(s),
                    (4, true) => panel_product.run::<S, 4, 6>(s),
                    _ => unreachable!("a panel has one to four vectors"),
                }
            }
        }
    }
}

/// So few rows that a tile is as wide as it can be, because additions to one accumulator wait for
/// each other.
pub(crate) const FEW_ROWS: usize = 2;

/// The vectors of a panel, at most `wanted`, that a tile of accumulators has room for.
pub(super) fn panel_vectors(registers: usize, wanted: usize, few_rows: bool) -> usize {
    match (registers >= 32 || few_rows, wanted) {
        (false, 4..) => 2,
        (true, 4..) => 4,
        _ => wanted,
    }
}

struct PanelProduct {
    rows: usize,
    depth: usize,
    lhs: Rows,
    panel: *const f32,
    start: *const f32,
    start_stride: usize,
    result: *mut f32,
    result_stride: usize,
    next: Option<*const f32>,
}

impl PanelProduct {
    /// Runs over the depth in blocks that stay in the cache, and over the rows in tiles of at most
    /// `TILE`, all of about the same size.
    ///
    /// # Safety
    ///
    /// The operands have the sizes that the fields say.
    #[inline(always)]
    unsafe fn run<S: Simd, const VECTORS: usize, const TILE: usize>(self, s: S) {
        let width = VECTORS * S::LANES;
        let tiles = self.rows.div_ceil(TILE);
        // Whole blocks of the left side's columns, unless it has only one.
        let unit = self.lhs.block.min(self.depth).max(1);
        let depth_block = match tiles {
            1 => self.depth,
            _ if unit == self.depth => (BLOCK_BYTES / (4 * width)).next_multiple_of(4),
            _ => (BLOCK_BYTES / (4 * width)).next_multiple_of(unit),
        };
        let mut done = 0;
        let (mut start, mut start_stride) = (self.start, self.start_stride);
        loop {
            let depth = depth_block.min(self.depth - done);
            let mut row = 0;
            for tile in 0..tiles {
                let rows = (self.rows - row).div_ceil(tiles - tile);
                // SAFETY: tile and block lie within the operands.
                unsafe {
                    let (blocks, within) = if unit == self.depth {
                        (0, done)
                    } else {
                        (done / unit, 0)
                    };
                    let lhs = self
                        .lhs
                        .data
                        .add(row * self.lhs.row_stride + blocks * self.lhs.block_stride + within);
                    let panel = self.panel.add(done * width);
                    // Each tile has its share of the next block fetched.
                    let lines = (4 * width / LINE).div_ceil(tiles);
                    let next = match self.next {
                        Some(next) if done + depth == self.depth => next,
                        _ => panel.wrapping_add(depth * width),
                    };
                    let job = Tile {
                        depth,
                        lhs,
                        row_stride: self.lhs.row_stride,
                        block: unit,
                        block_stride: self.lhs.block_stride,
                        panel,
                        start: start.add(row * start_stride),
                        start_stride,
                        result: self.result.add(row * self.result_stride),
                        result_stride: self.result_stride,
                        next: next.wrapping_add(tile * (depth / 4) * lines * LINE),
                        next_lines: lines,
                    };
                    match rows {
                        8 => job.run::<S, VECTORS, 8>(s),
                        7 => job.run::<S, VECTORS, 7>(s),
                        6 => job.run::<S, VECTORS, 6>(s),
                        5 => job.run::<S, VECTORS, 5>(s),
                        4 => job.run::<S, VECTORS, 4>(s),
                        3 => job.run::<S, VECTORS, 3>(s),
                        2 => job.run::<S, VECTORS, 2>(s),
                        _ => job.run::<S, VECTORS, 1>(s),
                    }
                }
                row += rows;
            }
            done += depth;
            if done == self.depth {
                return;
            }
            (start, start_stride) = (self.result.cast_const(), self.result_stride);
        }
    }
}

struct Tile {
    depth: usize,
    lhs: *const f32,
    row_stride: usize,
    block: usize,
    block_stride: usize,
    panel: *const f32,
    start: *const f32,
    start_stride: usize,
    result: *mut f32,
    result_stride: usize,
    /// What is wanted next: fetched on the way, this many cache lines every four steps.
    next: *const f32,
    next_lines: usize,
}

impl Tile {
    /// # Safety
    ///
    /// `ROWS` rows of the operands have the sizes that the fields say.
    #[inline(always)]
    unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self, s: S) {
        let width = VECTORS * S::LANES;
        let mut sums = [[s.splat(0.0); VECTORS]; ROWS];
        // SAFETY: see above.
        unsafe {
            for (row, sums) in sums.iter_mut().enumerate() {
                for (vector, sum) in sums.iter_mut().enumerate() {
                    let start = self.start.add(row * self.start_stride + vector * S::LANES);
                    *sum = s.load(start);
                }
            }
            let mut panel = self.panel;
            let mut next = self.next;
            let mut lhs: [*const f32; ROWS] =
                std::array::from_fn(|row| self.lhs.wrapping_add(row * self.row_stride));
            let mut left = self.depth;
            while left > 0 {
                let depth = left.min(self.block);
                let mut k = 0;
                while k + 4 <= depth {
                    for line in 0..self.next_lines {
                        s.prefetch(next.wrapping_add(line * LINE));
                    }
                    next = next.wrapping_add(self.next_lines * LINE);
                    for ahead in 0..4 {
                        step(s, &mut sums, &lhs, k + ahead, panel.add(ahead * width));
                    }
                    panel = panel.add(4 * width);
                    k += 4;
                }
                while k < depth {
                    step(s, &mut sums, &lhs, k, panel);
                    panel = panel.add(width);
                    k += 1;
                }
                left -= depth;
                for row in &mut lhs {
                    *row = row.wrapping_add(self.block_stride);
                }
            }
            for (row, sums) in sums.iter().enumerate() {
                for (vector, sum) in sums.iter().enumerate() {
                    let result = self
                        .result
                        .add(row * self.result_stride + vector * S::LANES);
                    s.store(result, *sum);
                }
            }
        }
    }
}

/// One column of the left side times one row of the panel.
///
/// # Safety
///
/// Column `k` of each row, and `VECTORS` vectors of the panel, can be read.
#[inline(always)]
unsafe fn step<S: Simd, const VECTORS: usize, const ROWS: usize>(
    s: S,
    sums: &mut [[S::V; VECTORS]; ROWS],
    lhs: &[*const f32; ROWS],
    k: usize,
    panel: *const f32,
) {
    // SAFETY: see above.
    unsafe {
        let panel: [S::V; VECTORS] =
            std::array::from_fn(|vector| s.load(panel.add(vector * S::LANES)));
        for (sums, lhs) in sums.iter_mut().zip(lhs) {
            let factor = s.splat(*lhs.add(k));
            for (sum, panel) in sums.iter_mut().zip(panel) {
                *sum = s.mul_add(factor, panel, *sum);
            }
        }
    }
}
