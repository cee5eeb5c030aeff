//! The sequence in plain tensor operations: runs on every backend, differentiated by autodiff.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::TimeStep;
use super::packing::{Order, Packing};

/// Runs one direction over `x` `[batch, time, d_input]` from the states, hidden `[batch,
/// d_recurrent]` first, with the recurrent mask `[batch, d_recurrent]` if there is one: the output `[batch, time, d_recurrent]` and the final states.
pub(super) fn run(
    step: &TimeStep,
    x: Tensor<3>,
    initial: Vec<Tensor<2>>,
    mask: Option<Tensor<2>>,
    packing: &Packing,
    order: &Order,
) -> (Tensor<3>, Vec<Tensor<2>>) {
    let (device, dtype) = (x.device(), x.dtype());
    let [batch, time, d_input] = x.dims();
    let d_recurrent = initial[0].dims()[1];
    if order.gather.is_empty() {
        return (
            Tensor::zeros([batch, time, d_recurrent], (&device, dtype)),
            initial,
        );
    }

    // The input projection of all real steps is one product.
    let packed = x
        .reshape([batch * time, d_input])
        .select(0, indices(&order.gather, &device));
    let projected = split_steps(step.project(packed), &packing.active);

    let mut state: Vec<_> = initial
        .into_iter()
        .map(|state| sort(state, packing))
        .collect();
    let mut mask = mask.map(|mask| sort(mask, packing));
    let mut outputs = Vec::with_capacity(packing.active.len());
    let mut finished = vec![Vec::new(); state.len()];
    let mut running = batch;
    for (projected, &active) in projected.into_iter().zip(&packing.active) {
        if active < running {
            for (state, finished) in state.iter_mut().zip(&mut finished) {
                finished.push(state.clone().slice([active..running]));
                *state = state.clone().slice([0..active]);
            }
            mask = mask.map(|mask| mask.slice([0..active]));
            running = active;
        }
        state = step.forward(projected, state, mask.as_ref());
        outputs.push(state[0].clone());
    }
    let finals = state
        .into_iter()
        .zip(finished)
        .map(|(last, finished)| unsort(last, finished, packing))
        .collect();

    let mut output = outputs;
    if packing.is_ragged() {
        output.push(Tensor::zeros([1, d_recurrent], (&device, dtype)));
    }
    let output = Tensor::cat(output, 0)
        .select(0, indices(&order.scatter, &device))
        .reshape([batch, time, d_recurrent]);
    (output, finals)
}

/// Puts the rows of a batch into the order of the packing: longest sequences first.
fn sort(batch: Tensor<2>, packing: &Packing) -> Tensor<2> {
    if packing.is_sorted() {
        batch
    } else {
        let rows = indices(&packing.rows, &batch.device());
        batch.select(0, rows)
    }
}

/// Puts the final states, shortest sequences first, back into the order of the batch.
fn unsort(last: Tensor<2>, finished: Vec<Tensor<2>>, packing: &Packing) -> Tensor<2> {
    let device = last.device();
    let sorted = if finished.is_empty() {
        last
    } else {
        let parts = std::iter::once(last).chain(finished.into_iter().rev());
        Tensor::cat(parts.collect(), 0)
    };
    if packing.is_sorted() {
        sorted
    } else {
        sorted.select(0, indices(&packing.places(), &device))
    }
}

/// Cuts packed rows into time steps of `sizes[t]` rows each.
///
/// By halves: the gradient of a slice is as large as what was sliced, so that cutting off step
/// after step would cost time × time in the backward pass, and this costs time × log time.
fn split_steps(packed: Tensor<2>, sizes: &[usize]) -> Vec<Tensor<2>> {
    if sizes.len() == 1 {
        return vec![packed];
    }
    let (first, second) = sizes.split_at(sizes.len() / 2);
    let rows = packed.dims()[0];
    let middle: usize = first.iter().sum();
    let mut steps = split_steps(packed.clone().slice([0..middle]), first);
    steps.extend(split_steps(packed.slice([middle..rows]), second));
    steps
}

fn indices(values: &[usize], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i64> = values.iter().map(|&value| value as i64).collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}
