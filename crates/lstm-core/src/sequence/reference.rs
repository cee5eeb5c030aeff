//! The plain body: the sequence in plain tensor operations, on every backend.
//!
//! It is the cells' own steps that run here. On a device with autodiff they are differentiated one by
//! one, which is what the hand-written gradients are tested against.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::packing::{Order, Packing};
use super::{Recurrence, SequenceOptions, TimeStep};
use crate::weights::DirectionWeights;

/// Runs one layer over `x` `[batch, time, d_input]` from the states `[directions, batch, features]`,
/// hidden first, one direction after the other.
///
/// Calls `before` with the direction, the step, and the states of the sequences that take it.
pub(super) fn run(
    recurrence: Recurrence,
    x: Tensor<3>,
    weights: &[DirectionWeights],
    initial: Vec<Tensor<3>>,
    packing: &Packing,
    options: &SequenceOptions,
    mut before: impl FnMut(usize, usize, &[Tensor<2>]),
) -> (Tensor<3>, Vec<Tensor<3>>) {
    let device = x.device();
    let like = (&device, x.dtype());
    if packing.batch == 0 {
        // burn takes a size of 0 in a new shape for "as it is", and so can cut and stack nothing of it.
        let directions = weights.len();
        let d_recurrent = initial[0].dims()[2];
        let output = Tensor::zeros([0, packing.time, directions * d_recurrent], like);
        return (output, initial);
    }
    let mut outputs = Vec::new();
    let mut finals = vec![Vec::new(); initial.len()];
    for (direction, weights) in weights.iter().enumerate() {
        let step = recurrence.time_step(weights, options);
        let initial = initial
            .iter()
            .map(|state| of_direction(state, direction))
            .collect();
        let order = packing.direction(direction);
        let mask_shape = [packing.batch, weights.recurrent_weight.dims()[0]];
        let mask = options.mask_of(direction, mask_shape, like);
        let before = |step, state: &[Tensor<2>]| before(direction, step, state);
        let (output, states) =
            run_direction(&step, x.clone(), initial, mask, packing, order, before);
        outputs.push(output);
        for (all, state) in finals.iter_mut().zip(states) {
            all.push(state);
        }
    }
    let finals = finals
        .into_iter()
        .map(|all| Tensor::stack(all, 0))
        .collect();
    (Tensor::cat(outputs, 2), finals)
}

/// One direction's matrix of something that has one for each.
pub(super) fn of_direction(stacked: &Tensor<3>, direction: usize) -> Tensor<2> {
    let [_, rows, columns] = stacked.dims();
    stacked
        .clone()
        .slice([direction..direction + 1])
        .reshape([rows, columns])
}

/// Runs one direction over `x` `[batch, time, d_input]` from the states, hidden `[batch,
/// d_recurrent]` first, with the recurrent mask `[batch, d_recurrent]` if there is one: the output
/// `[batch, time, d_recurrent]` and the final states.
fn run_direction(
    step: &TimeStep,
    x: Tensor<3>,
    initial: Vec<Tensor<2>>,
    mask: Option<Tensor<2>>,
    packing: &Packing,
    order: &Order,
    mut before: impl FnMut(usize, &[Tensor<2>]),
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

    let x = x.reshape([batch * time, d_input]);
    // What autodiff keeps it keeps in any case; without, only a stretch's projection is there.
    let stretches = match device.is_autodiff() {
        true => vec![0..packing.active.len()],
        false => packing.stretches(),
    };
    let mut state: Vec<_> = initial
        .into_iter()
        .map(|state| sort(state, packing))
        .collect();
    let mut mask = mask.map(|mask| sort(mask, packing));
    let mut outputs = Vec::with_capacity(packing.active.len());
    let mut finished = vec![Vec::new(); state.len()];
    let mut running = batch;
    for steps in stretches {
        // The input projection of all of a stretch's real steps is one product.
        let places = &order.gather[packing.offsets[steps.start]..packing.offsets[steps.end]];
        let packed = x.clone().select(0, indices(places, &device));
        let projected = split_rows(step.project(packed), &packing.active[steps.clone()]);
        for (index, projected) in steps.zip(projected) {
            let active = packing.active[index];
            if active < running {
                for (state, finished) in state.iter_mut().zip(&mut finished) {
                    finished.push(state.clone().slice([active..running]));
                    *state = state.clone().slice([0..active]);
                }
                mask = mask.map(|mask| mask.slice([0..active]));
                running = active;
            }
            before(index, &state);
            state = step.forward(projected, state, mask.as_ref());
            outputs.push(state[0].clone());
        }
    }
    let finals = state
        .into_iter()
        .zip(finished)
        .map(|(last, finished)| {
            // The shortest sequences are finished first, and lie last.
            let parts = std::iter::once(last).chain(finished.into_iter().rev());
            unsort(Tensor::cat(parts.collect(), 0), packing)
        })
        .collect();

    let output = scatter(outputs, packing, order).reshape([batch, time, d_recurrent]);
    (output, finals)
}

/// Puts the rows of a batch into the order of the packing: longest sequences first.
pub(super) fn sort(batch: Tensor<2>, packing: &Packing) -> Tensor<2> {
    if packing.is_sorted() {
        batch
    } else {
        let rows = indices(&packing.rows, &batch.device());
        batch.select(0, rows)
    }
}

/// Puts them back into the order of the batch.
pub(super) fn unsort(sorted: Tensor<2>, packing: &Packing) -> Tensor<2> {
    if packing.is_sorted() {
        sorted
    } else {
        let places = indices(&packing.places(), &sorted.device());
        sorted.select(0, places)
    }
}

/// Lays packed rows out as `[batch * time]`, with zeros in the padding.
pub(super) fn scatter(mut packed: Vec<Tensor<2>>, packing: &Packing, order: &Order) -> Tensor<2> {
    let (device, dtype) = (packed[0].device(), packed[0].dtype());
    if packing.is_ragged() {
        let columns = packed[0].dims()[1];
        packed.push(Tensor::zeros([1, columns], (&device, dtype)));
    }
    Tensor::cat(packed, 0).select(0, indices(&order.scatter, &device))
}

/// Cuts the rows of a tensor `[rows, features]` into parts of `sizes[t]` rows each.
///
/// By halves: the gradient of a slice is as large as what was sliced, so that cutting off step
/// after step would cost time × time in the backward pass, and this costs time × log time.
pub fn split_rows(packed: Tensor<2>, sizes: &[usize]) -> Vec<Tensor<2>> {
    if !packed.device().is_autodiff() {
        return split_at_once(&packed, sizes);
    }
    if sizes.len() == 1 {
        return vec![packed];
    }
    let (first, second) = sizes.split_at(sizes.len() / 2);
    let rows = packed.dims()[0];
    let middle: usize = first.iter().sum();
    let mut steps = split_rows(packed.clone().slice([0..middle]), first);
    steps.extend(split_rows(packed.slice([middle..rows]), second));
    steps
}

fn split_at_once(packed: &Tensor<2>, sizes: &[usize]) -> Vec<Tensor<2>> {
    let mut start = 0;
    let mut next = |size| {
        let rows = start..start + size;
        start = rows.end;
        packed.clone().slice([rows])
    };
    sizes.iter().map(|&size| next(size)).collect()
}

pub(super) fn indices(values: &[usize], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i64> = values.iter().map(|&value| value as i64).collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}
