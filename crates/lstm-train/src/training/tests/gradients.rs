//! Norms of gradients that are large enough for threads to share their sum.

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use crate::training::gradients::global_norm;

/// burn's CPU backend adds up 4 Mi elements and more in threads.
const ROWS: usize = 20_000;
const COLUMNS: usize = 256;

#[derive(Module, Debug)]
struct Table {
    weight: Param<Tensor<2>>,
}

/// The norm of the gradients `values`.
fn norm(values: &[f32]) -> f64 {
    let device = Device::flex().autodiff();
    let tensor = || Tensor::<1>::from_floats(values, &device).reshape([ROWS, COLUMNS]);
    let table = Table {
        weight: Param::from_tensor(tensor()),
    };
    let loss = (table.weight.val() * tensor()).sum();
    let mut gradients = GradientsParams::from_grads(loss.backward(), &table);
    global_norm(&table, &mut gradients)
}

#[test]
fn any_number_of_threads_gives_the_same_norm_to_the_last_bit() {
    let values: Vec<f32> = (0..ROWS * COLUMNS)
        .map(|place| ((place * 7919) % 1009) as f32 / 1009.0)
        .collect();
    let norm_in = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| norm(&values))
    };
    let one = norm_in(1);
    let squares = values.iter().map(|&value| f64::from(value).powi(2));
    let exact = squares.sum::<f64>().sqrt();
    assert!((one - exact).abs() < 1e-6 * exact, "{one} {exact}");
    for threads in [2, 3, 4, 7] {
        assert_eq!(norm_in(threads), one, "{threads} threads");
    }
}
