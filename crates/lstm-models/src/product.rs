//! Products of matrices that lie in slices.

use std::mem::MaybeUninit;

use gemm::Parallelism;
use multiversion::multiversion;
use rayon::prelude::*;

/// Numbers of a matrix that a thread multiplies by a vector at a time: reading them takes as long as
/// waking a few threads.
const VALUES: usize = 1 << 17;

/// Numbers side by side, which one instruction works on. Sums are taken in this many parts whatever the
/// instructions, so that these change no bit.
const LANES: usize = 16;

/// A matrix in a slice, row by row or column by column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    /// From an element to that of the next row, and to that of the next column.
    strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// The matrix whose rows of `columns` numbers follow each other.
    ///
    /// # Panics
    ///
    /// If the last row is not whole.
    pub fn new(values: &'a [f32], columns: usize) -> Self {
        let rows = values.len() / columns.max(1);
        assert_eq!(values.len(), rows * columns, "rows of {columns} numbers");
        Self {
            values,
            rows,
            columns,
            strides: [columns, 1],
        }
    }

    pub fn transposed(self) -> Self {
        let [row, column] = self.strides;
        Self {
            rows: self.columns,
            columns: self.rows,
            strides: [column, row],
            ..self
        }
    }

    /// Adds the product with a vector, a number for each row, to `sums`; the matrix is not transposed. It
    /// takes as long as reading the matrix does.
    ///
    /// # Panics
    ///
    /// If the vector does not have a number for each column, or `sums` for each row.
    pub fn times_vector_onto(self, vector: &[f32], sums: &mut [f32]) {
        assert_eq!(self.strides, [self.columns, 1], "row by row");
        assert_eq!(vector.len(), self.columns, "a number for each column");
        assert_eq!(sums.len(), self.rows, "a sum for each row");
        if self.columns == 0 {
            return;
        }
        let rows = VALUES.div_ceil(self.columns);
        let blocks = sums.par_chunks_mut(rows);
        blocks
            .zip(self.values.par_chunks(rows * self.columns))
            .for_each(|(sums, rows)| add_dot_products(rows, vector, sums));
    }

    /// The product with `right`, row by row.
    pub fn times(self, right: Self) -> Vec<f32> {
        let len = self.rows * right.columns;
        let mut product = Vec::with_capacity(len);
        self.write(right, product.spare_capacity_mut(), false);
        // SAFETY: without anything to add to, the product writes each of its elements.
        #[allow(unsafe_code)]
        unsafe {
            product.set_len(len);
        }
        product
    }

    /// Writes the product with `right` into `product`, row by row.
    ///
    /// # Panics
    ///
    /// If it has another size.
    pub fn times_into(self, right: Self, product: &mut [f32]) {
        self.into_slice(right, product, false);
    }

    /// Adds the product with `right` to `sum`, row by row.
    ///
    /// # Panics
    ///
    /// If it has another size.
    pub fn times_onto(self, right: Self, sum: &mut [f32]) {
        self.into_slice(right, sum, true);
    }

    /// Writes the product with `right` to `to`, or adds it to what is there.
    fn into_slice(self, right: Self, to: &mut [f32], add: bool) {
        assert_eq!(to.len(), self.rows * right.columns, "the product's size");
        // SAFETY: written are numbers, which `to` holds before and after.
        #[allow(unsafe_code)]
        let to = unsafe { &mut *(std::ptr::from_mut(to) as *mut [MaybeUninit<f32>]) };
        self.write(right, to, add);
    }

    /// As [`into_slice`](Self::into_slice); `to` is at least as large as the product, and holds numbers if they are
    /// added to.
    fn write(self, right: Self, to: &mut [MaybeUninit<f32>], add: bool) {
        assert_eq!(self.columns, right.rows, "the factors' sizes");
        assert!(
            to.len() >= self.rows * right.columns,
            "room for the product"
        );
        let [left_row, left_column] = self.strides.map(usize::cast_signed);
        let [right_row, right_column] = right.strides.map(usize::cast_signed);
        // SAFETY: the constructor checked that rows, columns and strides stay within the values, and `to` is
        // large enough for the product.
        #[allow(unsafe_code)]
        unsafe {
            gemm::gemm(
                self.rows,
                right.columns,
                self.columns,
                to.as_mut_ptr().cast(),
                1,
                right.columns.cast_signed(),
                add,
                self.values.as_ptr(),
                left_column,
                left_row,
                right.values.as_ptr(),
                right_column,
                right_row,
                if add { 1.0 } else { 0.0 },
                1.0,
                false,
                false,
                false,
                // As many threads as rayon has here.
                Parallelism::Rayon(0),
            );
        }
    }
}

/// Adds the dot product of each of `rows` with `vector` to its sum.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2", "aarch64+neon"))]
fn add_dot_products(rows: &[f32], vector: &[f32], sums: &mut [f32]) {
    let (groups, rest) = vector.as_chunks::<LANES>();
    for (row, sum) in rows.chunks_exact(vector.len()).zip(sums) {
        let (row_groups, row_rest) = row.as_chunks::<LANES>();
        let mut parts = [0.0_f32; LANES];
        for (row, vector) in row_groups.iter().zip(groups) {
            for ((part, a), b) in parts.iter_mut().zip(row).zip(vector) {
                *part += a * b;
            }
        }
        for ((part, a), b) in parts.iter_mut().zip(row_rest).zip(rest) {
            *part += a * b;
        }
        *sum += parts.into_iter().sum::<f32>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, step: usize) -> Vec<f32> {
        let number = |at: usize| ((at * step) % 17) as f32 - 8.0;
        (0..count).map(number).collect()
    }

    /// Whole numbers, whose sums are exact in any order.
    fn naive(left: Matrix<'_>, right: Matrix<'_>) -> Vec<f32> {
        let at = |matrix: Matrix<'_>, row, column| {
            let [down, along] = matrix.strides;
            matrix.values[row * down + column * along]
        };
        let element = |row, column| {
            let terms = (0..left.columns).map(|k| at(left, row, k) * at(right, k, column));
            terms.sum()
        };
        let rows =
            (0..left.rows).flat_map(|row| (0..right.columns).map(move |column| (row, column)));
        rows.map(|(row, column)| element(row, column)).collect()
    }

    #[test]
    fn products_of_all_orders_are_written_and_added() {
        for (rows, inner, columns) in [(1, 1, 1), (1, 7, 33), (5, 200, 65), (130, 3, 7), (4, 0, 3)]
        {
            let (left, right) = (numbers(rows * inner, 7), numbers(inner * columns, 5));
            let (left_back, right_back) = (numbers(rows * inner, 3), numbers(inner * columns, 11));
            let lefts = [
                Matrix {
                    values: &left,
                    rows,
                    columns: inner,
                    strides: [inner, 1],
                },
                Matrix::new(&left_back, rows).transposed(),
            ];
            let rights = [
                Matrix {
                    values: &right,
                    rows: inner,
                    columns,
                    strides: [columns, 1],
                },
                Matrix {
                    values: &right_back,
                    rows: inner,
                    columns,
                    strides: [1, inner],
                },
            ];
            for left in lefts {
                for right in rights {
                    if left.columns != right.rows {
                        // Of no numbers the constructor cannot tell how many rows there are.
                        assert_eq!(inner, 0);
                        continue;
                    }
                    let expected = naive(left, right);
                    assert_eq!(left.times(right), expected);
                    let mut product = vec![f32::NAN; expected.len()];
                    left.times_into(right, &mut product);
                    assert_eq!(product, expected);
                    left.times_onto(right, &mut product);
                    let twice: Vec<f32> = expected.iter().map(|value| 2.0 * value).collect();
                    assert_eq!(product, twice);
                }
            }
        }
    }

    #[test]
    fn a_product_with_a_vector_is_that_with_a_matrix_of_one_column() {
        for (rows, columns) in [(1, 1), (5, 15), (33, 16), (3, 200), (2000, 131)] {
            let (values, vector) = (numbers(rows * columns, 7), numbers(columns, 5));
            let matrix = Matrix::new(&values, columns);
            let mut sums = vec![3.0; rows];
            matrix.times_vector_onto(&vector, &mut sums);
            let product = matrix.times(Matrix::new(&vector, 1));
            let expected: Vec<f32> = product.iter().map(|value| 3.0 + value).collect();
            assert_eq!(sums, expected);
        }
    }
}
