//! The layers of `lstm-core`, called as a user calls them.

use std::hint::black_box;

use burn::tensor::{Device, Gradients, Tensor};
use lstm_core::{Gru, GruConfig, Lengths, Lstm, LstmConfig, RecurrentInit, Stream};

use super::side::{Call, normal};
use super::{Cell, Mode, Shape, Workload};

/// A layer that is measured.
enum Layer {
    Lstm(Lstm),
    Gru(Gru),
}

/// Makes the layer and its input on `device`, and what one call does with them.
pub fn call(workload: &Workload, device: &Device) -> Call {
    match workload.mode {
        Mode::Infer => infer(workload, device),
        Mode::Train => train(workload, device),
        Mode::Step => step(workload, device),
    }
}

/// The same with as many real steps in a batch without padding.
pub fn call_without_padding(workload: &Workload, device: &Device) -> Call {
    call(&workload.without_padding(), device)
}

fn infer(workload: &Workload, device: &Device) -> Call {
    let (layer, x) = (Layer::new(workload, device), input(workload, device));
    let lengths = workload.lengths();
    Box::new(move || drop(black_box(layer.forward(x.clone(), &lengths))))
}

fn train(workload: &Workload, device: &Device) -> Call {
    let device = device.clone().autodiff();
    let layer = Layer::new(workload, &device);
    let x = input(workload, &device).require_grad();
    let lengths = workload.lengths();
    Box::new(move || drop(black_box(layer.gradients(x.clone(), &lengths))))
}

/// Each call is the next step of one stream, on plain slices.
fn step(workload: &Workload, device: &Device) -> Call {
    let Shape { batch, d_input, .. } = workload.shape;
    let x: Vec<f32> = normal([batch, d_input], device)
        .into_data()
        .iter()
        .collect();
    let mut stream = match Layer::new(workload, device) {
        Layer::Lstm(lstm) => lstm.stream(batch),
        Layer::Gru(gru) => gru.stream(batch),
    };
    Box::new(move || {
        black_box(stream.step(&x));
    })
}

fn input(workload: &Workload, device: &Device) -> Tensor<3> {
    let Shape {
        batch,
        time,
        d_input,
        ..
    } = workload.shape;
    normal([batch, time, d_input], device)
}

impl Layer {
    fn new(workload: &Workload, device: &Device) -> Self {
        let Shape {
            d_input,
            d_hidden,
            layers,
            ..
        } = workload.shape;
        match workload.cell {
            Cell::Lstm => Self::Lstm(
                LstmConfig::new(d_input, d_hidden)
                    .with_layers(layers)
                    .with_init(RecurrentInit::Uniform)
                    .init(device),
            ),
            Cell::Gru => Self::Gru(
                GruConfig::new(d_input, d_hidden)
                    .with_layers(layers)
                    .with_init(RecurrentInit::Uniform)
                    .init(device),
            ),
        }
    }

    /// `[batch, time, d_input]` to `[batch, time, d_hidden]`
    fn forward(&self, x: Tensor<3>, lengths: &Lengths) -> Tensor<3> {
        match self {
            Self::Lstm(lstm) => lstm.forward_ragged(x, lengths, None).0,
            Self::Gru(gru) => gru.forward_ragged(x, lengths, None).0,
        }
    }

    /// The gradients of the sum of all outputs. burn starts going back from a dense tensor of ones
    /// in the output's shape, so that no loss has to be computed whose time would be counted here.
    fn gradients(&self, x: Tensor<3>, lengths: &Lengths) -> Gradients {
        self.forward(x, lengths).backward()
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::module::{Module, ModuleVisitor, Param};

    use super::*;
    use crate::bench::LengthsChoice;

    struct Counted<'a> {
        gradients: &'a Gradients,
        parameters: usize,
        with_gradient: usize,
    }

    impl ModuleVisitor for Counted<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.parameters += 1;
            if let Some(gradient) = param.val().grad(self.gradients) {
                assert_eq!(gradient.dims(), param.val().dims());
                self.with_gradient += 1;
            }
        }
    }

    #[test]
    fn training_computes_the_gradients_of_the_input_and_of_all_weights() {
        for cell in [Cell::Lstm, Cell::Gru] {
            let workload = Workload {
                cell,
                mode: Mode::Train,
                shape: Shape::from([3, 4, 5, 6, 2]),
                lengths: LengthsChoice::Uniform,
            };
            let device = Device::flex().autodiff();
            let x = input(&workload, &device).require_grad();
            let layer = Layer::new(&workload, &device);
            let gradients = layer.gradients(x.clone(), &workload.lengths());
            assert_eq!(x.grad(&gradients).unwrap().dims(), [3, 4, 5]);
            let mut counted = Counted {
                gradients: &gradients,
                parameters: 0,
                with_gradient: 0,
            };
            match &layer {
                Layer::Lstm(lstm) => lstm.visit(&mut counted),
                Layer::Gru(gru) => gru.visit(&mut counted),
            }
            // Two layers, each with two weights and two biases.
            assert_eq!((counted.parameters, counted.with_gradient), (8, 8));
        }
    }
}
