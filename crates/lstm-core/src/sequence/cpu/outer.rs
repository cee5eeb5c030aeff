//! The gradient of a weight: the sum over all time steps of what went in times what came back.

use super::simd::{Kernel, Simd};

/// Rows of a tile of accumulators `vectors` wide.
pub(super) fn tile_rows(registers: usize, vectors: usize) -> usize {
    match (registers >= 32, vectors) {
        (true, 4) => 6,
        (true, _) => 8,
        (false, 3) => 3,
        (false, _) => 6,
    }
}

/// result += lhsᵀ · rhs, a tile of rows after the other.
pub(crate) struct OuterProduct<'a> {
    /// How many time steps of how many sequences are added up.
    pub depth: usize,
    /// `[tiles, depth, tile_rows]`
    pub lhs: &'a [f32],
    pub tiles: usize,
    /// Each of `depth` rows has `vectors * LANES` columns, and they are `rhs_stride` apart.
    pub rhs: &'a [f32],
    pub rhs_stride: usize,
    pub vectors: usize,
    /// `[tiles * tile_rows, vectors * LANES]`
    pub result: &'a mut [f32],
}

impl Kernel for OuterProduct<'_> {
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let width = self.vectors * S::LANES;
        let tile_rows = tile_rows(S::REGISTERS, self.vectors);
        if self.depth == 0 || self.tiles == 0 {
            return;
        }
        assert!(
            self.lhs.len() >= self.tiles * self.depth * tile_rows
                && (self.depth - 1) * self.rhs_stride + width <= self.rhs.len()
                && self.result.len() >= self.tiles * tile_rows * width,
            "the sum over {} products in {} tiles does not fit its operands",
            self.depth,
            self.tiles,
        );
        for tile in 0..self.tiles {
            // SAFETY: the operands have the sizes just checked.
            unsafe {
                let job = Tile {
                    depth: self.depth,
                    lhs: self.lhs.as_ptr().add(tile * self.depth * tile_rows),
                    rhs: self.rhs.as_ptr(),
                    rhs_stride: self.rhs_stride,
                    result: self.result.as_mut_ptr().add(tile * tile_rows * width),
                };
                match (self.vectors, S::REGISTERS >= 32) {
                    (1, true) => job.run::<S, 1, 8>(s),
                    (1, false) => job.run::<S, 1, 6>(s),
                    (2, true) => job.run::<S, 2, 8>(s),
                    (2, false) => job.run::<S, 2, 6>(s),
                    (3, true) => job.run::<S, 3, 8>(s),
                    (3, false) => job.run::<S, 3, 3>(s),
                    (4, true) => job.run::<S, 4, 6>(s),
                    _ => unreachable!("a tile has at most as many vectors as registers allow"),
                }
            }
        }
    }
}

struct Tile {
    depth: usize,
    lhs: *const f32,
    rhs: *const f32,
    rhs_stride: usize,
    result: *mut f32,
}

impl Tile {
    /// # Safety
    ///
    /// The operands of one tile have the sizes that the fields say.
    #[inline(always)]
    unsafe fn run<S: Simd, const VECTORS: usize, const ROWS: usize>(self, s: S) {
        let width = VECTORS * S::LANES;
        let mut sums = [[s.splat(0.0); VECTORS]; ROWS];
        let (mut lhs, mut rhs) = (self.lhs, self.rhs);
        // SAFETY: see above; the pointers do not go on beyond the last step.
        unsafe {
            for _ in 0..self.depth / 4 {
                for ahead in 0..4 {
                    step(
                        s,
                        &mut sums,
                        lhs.add(ahead * ROWS),
                        rhs.wrapping_add(ahead * self.rhs_stride),
                    );
                }
                lhs = lhs.add(4 * ROWS);
                rhs = rhs.wrapping_add(4 * self.rhs_stride);
            }
            for _ in 0..self.depth % 4 {
                step(s, &mut sums, lhs, rhs);
                lhs = lhs.add(ROWS);
                rhs = rhs.wrapping_add(self.rhs_stride);
            }
            for (row, sums) in sums.iter().enumerate() {
                for (vector, sum) in sums.iter().enumerate() {
                    let result = self.result.add(row * width + vector * S::LANES);
                    s.store(result, s.add(s.load(result), *sum));
                }
            }
        }
    }
}

/// One time step of one sequence.
///
/// # Safety
///
/// `ROWS` floats of the left and `VECTORS` vectors of the right side can be read.
#[inline(always)]
unsafe fn step<S: Simd, const VECTORS: usize, const ROWS: usize>(
    s: S,
    sums: &mut [[S::V; VECTORS]; ROWS],
    lhs: *const f32,
    rhs: *const f32,
) {
    // SAFETY: see above.
    unsafe {
        let rhs: [S::V; VECTORS] = std::array::from_fn(|vector| s.load(rhs.add(vector * S::LANES)));
        for (row, sums) in sums.iter_mut().enumerate() {
            let factor = s.splat(*lhs.add(row));
            for (sum, rhs) in sums.iter_mut().zip(rhs) {
                *sum = s.mul_add(factor, rhs, *sum);
            }
        }
    }
}
