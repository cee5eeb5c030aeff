//! Vectors of tokens: weighted sums of a table's rows, on the CPU.

use crate::fresh;
use crate::host::{self, HostOperation};
use burn::tensor::{Tensor, TensorData};

/// Which rows of a table are added up for each token, and how much each counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct WeightedRows {
    /// What is to be added up, token by token.
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    token: u32,
    row: u32,
    weight: f32,
}

impl WeightedRows {
    /// Adds a row to a token's sum; the tokens come in ascending order. A weight of 0 is no part.
    pub fn push(&mut self, token: u32, row: u32, weight: f32) {
        debug_assert!(self.parts.last().is_none_or(|last| last.token <= token));
        if weight != 0.0 {
            self.parts.push(Part { token, row, weight });
        }
    }

    /// The sums `[tokens, features]` of rows of `table` `[rows, features]`, which this process
    /// holds.
    pub fn sums(self, table: Tensor<2>, tokens: usize) -> Tensor<2> {
        let [rows, features] = table.dims();
        let lookup = Lookup {
            parts: self.parts,
            tokens,
            rows,
            features,
        };
        host::apply(table, lookup)
    }
}

/// The sums of rows as an operation on the table.
#[derive(Debug)]
struct Lookup {
    parts: Vec<Part>,
    tokens: usize,
    rows: usize,
    features: usize,
}

/// Rows of an output that a thread fills at a time.
const BLOCK: usize = 256;

impl HostOperation for Lookup {
    fn forward(&self, table: &[f32]) -> TensorData {
        let sums = self.add_up(
            &self.parts,
            self.tokens,
            |part| (part.token, part.row),
            table,
        );
        TensorData::new(sums, [self.tokens, self.features])
    }

    fn backward(&self, gradient: &[f32]) -> TensorData {
        // By row, and for each row in the order of tokens: so its sum does not depend on threads.
        let mut parts = self.parts.clone();
        parts.sort_by_key(|part| part.row);
        let sums = self.add_up(&parts, self.rows, |part| (part.row, part.token), gradient);
        TensorData::new(sums, [self.rows, self.features])
    }
}

impl Lookup {
    /// Σ weight · from[source] for each of `rows` targets; `parts` are sorted by target.
    fn add_up(
        &self,
        parts: &[Part],
        rows: usize,
        ends: impl Fn(&Part) -> (u32, u32) + Sync,
        from: &[f32],
    ) -> Vec<f32> {
        let features = self.features;
        fresh::filled(rows * features, (BLOCK * features).max(1), |block, sums| {
            let first = block * BLOCK;
            let start = parts.partition_point(|part| (ends(part).0 as usize) < first);
            for part in &parts[start..] {
                let (target, source) = ends(part);
                let at = (target as usize - first) * features;
                let Some(sum) = sums.get_mut(at..at + features) else {
                    break;
                };
                let source = source as usize * features;
                for (sum, value) in sum.iter_mut().zip(&from[source..source + features]) {
                    *sum += part.weight * value;
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int};

    use super::*;

    /// Token, row, weight: a token without a row, and a row that several tokens have.
    const PARTS: [(u32, u32, f32); 6] = [
        (0, 700, 1.0),
        (2, 3, 0.5),
        (2, 700, 0.25),
        (2, 0, 0.0),
        (3, 3, 2.0),
        (3, 3, 1.0),
    ];
    const ROWS: usize = 701;
    const TOKENS: usize = 5;

    fn numbers(rows: usize, columns: usize) -> TensorData {
        let numbers = (0..rows * columns).map(|at| ((at * 7919) % 101) as f32 / 50.0 - 1.0);
        TensorData::new(numbers.collect::<Vec<f32>>(), [rows, columns])
    }

    /// The sums, and the table's gradient where that of the sums is anything.
    fn looked_up(sums: impl Fn(Tensor<2>) -> Tensor<2>) -> [TensorData; 2] {
        let device = Device::flex().autodiff();
        let table = Tensor::<2>::from_data(numbers(ROWS, 7), &device).require_grad();
        let sums = sums(table.clone());
        let objective = sums.clone() * Tensor::from_data(numbers(TOKENS, 7), &device);
        let gradients = objective.sum().backward();
        [
            sums.into_data(),
            table.grad(&gradients).unwrap().into_data(),
        ]
    }

    fn on_host() -> [TensorData; 2] {
        looked_up(|table| {
            let mut rows = WeightedRows::default();
            for (token, row, weight) in PARTS {
                rows.push(token, row, weight);
            }
            rows.sums(table, TOKENS)
        })
    }

    #[test]
    fn sums_are_the_product_with_the_matrix_of_weights() {
        let product = looked_up(|table| {
            let mut weights = vec![0.0; TOKENS * ROWS];
            for (token, row, weight) in PARTS {
                weights[token as usize * ROWS + row as usize] += weight;
            }
            let weights = TensorData::new(weights, [TOKENS, ROWS]);
            Tensor::<2>::from_data(weights, &table.device()).matmul(table)
        });
        let tolerance = burn::tensor::Tolerance::<f32>::absolute(1e-6);
        for (here, elsewhere) in on_host().iter().zip(&product) {
            here.assert_approx_eq(elsewhere, tolerance);
        }
    }

    #[test]
    fn single_rows_are_the_rows_themselves() {
        let ids = [5, 0, 5, 700, 1];
        let [here, here_gradient] = looked_up(|table| {
            let mut rows = WeightedRows::default();
            for (token, id) in (0..).zip(ids) {
                rows.push(token, id as u32, 1.0);
            }
            rows.sums(table, TOKENS)
        });
        let [selected, gradient] = looked_up(|table| {
            let ids = Tensor::<1, Int>::from_data(TensorData::from(ids), &table.device());
            table.select(0, ids)
        });
        here.assert_eq(&selected, true);
        here_gradient.assert_eq(&gradient, true);
    }

    #[test]
    fn any_number_of_threads_gives_the_same_to_the_last_bit() {
        let in_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(on_host)
        };
        let one = in_threads(1);
        for threads in [2, 3, 7] {
            assert_eq!(in_threads(threads), one);
        }
    }
}
