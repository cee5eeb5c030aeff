//! Numbers with a shape, on the host.

use half::{bf16, f16};

/// Numbers in row-major order, on the host, as 32-bit floats whatever the file had.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// The size of each dimension.
    pub shape: Vec<usize>,
    /// As many values as the shape says.
    pub values: Vec<f32>,
}

impl Array {
    /// An array of the given shape.
    ///
    /// # Panics
    ///
    /// If there are not as many values as the shape says.
    pub fn new(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Self {
        let shape = shape.into();
        assert_eq!(
            shape.iter().product::<usize>(),
            values.len(),
            "values of an array of shape {shape:?}"
        );
        Self { shape, values }
    }

    /// A matrix's rows and columns.
    ///
    /// # Panics
    ///
    /// If it has another number of dimensions than 2.
    pub fn rows_and_columns(&self) -> (usize, usize) {
        match self.shape[..] {
            [rows, columns] => (rows, columns),
            _ => panic!("an array of shape {:?} is no matrix", self.shape),
        }
    }

    /// The transpose `[columns, rows]` of a matrix `[rows, columns]`.
    ///
    /// # Panics
    ///
    /// If it has another number of dimensions than 2.
    pub fn transposed(&self) -> Self {
        /// Rows and columns of a tile, so that both sides of the copy stay in the cache.
        const TILE: usize = 32;
        let (rows, columns) = self.rows_and_columns();
        let mut values = vec![0.0; self.values.len()];
        for top in (0..rows).step_by(TILE) {
            for left in (0..columns).step_by(TILE) {
                for row in top..rows.min(top + TILE) {
                    for column in left..columns.min(left + TILE) {
                        values[column * rows + row] = self.values[row * columns + column];
                    }
                }
            }
        }
        Self {
            shape: vec![columns, rows],
            values,
        }
    }

    /// The gates of packed columns, `[rows, gates * d_hidden]` or `[gates * d_hidden]`, in another order:
    /// gate `i` of the result is gate `order[i]` of this.
    ///
    /// # Panics
    ///
    /// If the columns cannot be divided by the number of gates.
    pub fn with_gates(&self, order: &[usize]) -> Self {
        let columns = *self.shape.last().expect("gates lie side by side");
        let gates = order.len();
        assert_eq!(columns % gates, 0, "{gates} gates in {columns} columns");
        let d_hidden = columns / gates;
        let mut values = Vec::with_capacity(self.values.len());
        if columns > 0 {
            for row in self.values.chunks_exact(columns) {
                for gate in order {
                    values.extend_from_slice(&row[gate * d_hidden..(gate + 1) * d_hidden]);
                }
            }
        }
        Self {
            shape: self.shape.clone(),
            values,
        }
    }
}

/// What one element of a tensor in a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElementType {
    /// IEEE 754 double precision.
    F64,
    /// IEEE 754 single precision: what the layers compute in.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of a single.
    BF16,
    /// Something else, such as an integer, by the file's own name.
    Other(String),
}

impl ElementType {
    /// Bytes of one element of a floating-point type.
    pub(crate) fn size(&self) -> Option<usize> {
        match self {
            Self::F64 => Some(8),
            Self::F32 => Some(4),
            Self::F16 | Self::BF16 => Some(2),
            Self::Other(_) => None,
        }
    }

    /// Little-endian elements as 32-bit floats, rounded to nearest; `None` of another type than
    /// floating-point.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Option<Vec<f32>> {
        Some(match self {
            Self::F32 => elements(bytes, f32::from_le_bytes),
            Self::F64 => elements(bytes, |element| f64::from_le_bytes(element) as f32),
            Self::F16 => elements(bytes, |element| f16::from_le_bytes(element).to_f32()),
            Self::BF16 => elements(bytes, |element| bf16::from_le_bytes(element).to_f32()),
            Self::Other(_) => return None,
        })
    }
}

/// Elements of `N` bytes each, decoded.
pub(crate) fn elements<const N: usize, T>(bytes: &[u8], decode: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (elements, _) = bytes.as_chunks::<N>();
    elements.iter().map(|element| decode(*element)).collect()
}

impl std::fmt::Display for ElementType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::Other(name) => name,
        })
    }
}
