//! burn's own recurrent layers: a chain of them, since each is one layer.
//!
//! They have no ragged batches: like any program that pads, they compute the padding too.

use std::hint::black_box;

use burn::nn::{Gru, GruConfig, Lstm, LstmConfig, LstmState};
use burn::tensor::{Device, Tensor};

use super::side::{Call, normal};
use super::{Cell, Mode, Shape, Workload};

/// Makes the layers and their input on `device`, and what one call does with them.
pub fn call(workload: &Workload, device: &Device) -> Call {
    let device = match workload.mode {
        Mode::Train => device.clone().autodiff(),
        Mode::Infer | Mode::Step => device.clone(),
    };
    let Shape {
        batch,
        time,
        d_input,
        ..
    } = workload.shape;
    let x = normal([batch, time, d_input], &device);
    let chain = Chain::new(workload, &device);
    match workload.mode {
        Mode::Infer => Box::new(move || drop(black_box(chain.forward(x.clone())))),
        Mode::Train => {
            let x = x.require_grad();
            Box::new(move || drop(black_box(chain.forward(x.clone()).backward())))
        }
        Mode::Step => chain.stream(x),
    }
}

enum Chain {
    Lstm(Vec<Lstm>),
    Gru(Vec<Gru>),
}

impl Chain {
    fn new(workload: &Workload, device: &Device) -> Self {
        let shape = workload.shape;
        let inputs = shape.inputs();
        match workload.cell {
            Cell::Lstm => {
                let layer = |d_input| LstmConfig::new(d_input, shape.d_hidden, true).init(device);
                Self::Lstm(inputs.map(layer).collect())
            }
            Cell::Gru => {
                let layer = |d_input| GruConfig::new(d_input, shape.d_hidden, true).init(device);
                Self::Gru(inputs.map(layer).collect())
            }
        }
    }

    /// `[batch, time, d_input]` to `[batch, time, d_hidden]`
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Lstm(layers) => layers
                .iter()
                .fold(x, |input, layer| layer.forward(input, None).0),
            Self::Gru(layers) => layers
                .iter()
                .fold(x, |input, layer| layer.forward(input, None)),
        }
    }

    /// Each call is the next step of one stream, `x` `[batch, 1, d_input]`.
    fn stream(self, x: Tensor<3>) -> Call {
        match self {
            Self::Lstm(layers) => {
                let mut states: Vec<Option<LstmState<2>>> = vec![None; layers.len()];
                Box::new(move || {
                    let steps = layers.iter().zip(&mut states);
                    black_box(steps.fold(x.clone(), |input, (layer, state)| {
                        let (output, next) = layer.forward(input, state.take());
                        *state = Some(next);
                        output
                    }));
                })
            }
            Self::Gru(layers) => {
                let mut states: Vec<Option<Tensor<2>>> = vec![None; layers.len()];
                Box::new(move || {
                    let steps = layers.iter().zip(&mut states);
                    black_box(steps.fold(x.clone(), |input, (layer, state)| {
                        let output = layer.forward(input, state.take());
                        let [batch, _, d_hidden] = output.dims();
                        *state = Some(output.clone().reshape([batch, d_hidden]));
                        output
                    }));
                })
            }
        }
    }
}
