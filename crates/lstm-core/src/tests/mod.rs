//! The properties that every recurrent layer has, and what their tests share.

mod agreement;
mod burn_layers;
mod finite_differences;
mod gradients;
mod padding;
mod pytorch;
mod recurrent_dropout;
mod stacked_dropout;
mod state;
mod stream;
mod weight_dropout;

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use crate::weights::PackedWeights;
use crate::{
    Cell, GruState, LstmConfig, LstmState, Purpose, RandomSource, Recurrent, RecurrentConfig,
    RecurrentInit, RecurrentState, WeightDraws,
};

const CELLS: [Cell; 3] = [Cell::Lstm, Cell::Gru, Cell::GruResetBefore];

pub(crate) fn device() -> Device {
    Device::flex().autodiff()
}

/// Random numbers in ±1; the same for the same seed and name.
pub(crate) fn random<const D: usize>(seed: u64, name: &str, shape: [usize; D]) -> Tensor<D> {
    let mut stream = RandomSource::new(seed).stream(Purpose::named(name), 0);
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| (2.0 * stream.uniform() - 1.0) as f32)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), &device())
}

pub(crate) fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().iter().collect()
}

/// A layer whose biases, unlike the initial ones, are not zero.
fn layer(config: &RecurrentConfig) -> Recurrent {
    let mut draws = WeightDraws::new(1, &device());
    config
        .clone()
        .with_init(RecurrentInit::Uniform)
        .init_with(&mut draws)
}

/// Every cell, in one direction and in both, and a projected and limited LSTM, in two layers.
fn layers(d_input: usize, d_hidden: usize) -> Vec<(String, Recurrent)> {
    let mut layers = Vec::new();
    for cell in CELLS {
        for bidirectional in [false, true] {
            let config = RecurrentConfig::new(cell, d_input, d_hidden)
                .with_layers(2)
                .with_bidirectional(bidirectional);
            layers.push((
                format!("{cell:?}, bidirectional: {bidirectional}"),
                layer(&config),
            ));
        }
    }
    let config = projected_and_limited(d_input, d_hidden).with_bidirectional(true);
    layers.push(("projected and limited Lstm".to_owned(), lstm_layer(&config)));
    layers
}

/// Two layers whose hidden states are projected and whose cell states are limited.
fn projected_and_limited(d_input: usize, d_hidden: usize) -> LstmConfig {
    LstmConfig::new(d_input, d_hidden)
        .with_projection(Some(d_hidden - 1))
        .with_cell_clip(Some(0.3))
        .with_layers(2)
}

/// As [`layer`], for what only an LSTM has.
fn lstm_layer(config: &LstmConfig) -> Recurrent {
    let mut draws = WeightDraws::new(1, &device());
    let config = config.clone().with_init(RecurrentInit::Uniform);
    Recurrent::Lstm(config.init_with(&mut draws))
}

/// The weights of each layer of a stack.
fn weights_of(layer: &Recurrent) -> &[PackedWeights] {
    match layer {
        Recurrent::Lstm(lstm) => &lstm.layers,
        Recurrent::Gru(gru) => &gru.layers,
    }
}

/// A random state of `layer`, as its tensors: hidden first.
fn random_state(layer: &Recurrent, seed: u64, batch: usize) -> Vec<Tensor<3>> {
    let stack = weights_of(layer);
    let first = &stack[0];
    let rows = stack.len() * first.directions();
    let parts = match layer {
        Recurrent::Lstm(_) => vec![("hidden", first.d_recurrent()), ("cell", first.d_hidden())],
        Recurrent::Gru(_) => vec![("hidden", first.d_recurrent())],
    };
    parts
        .into_iter()
        .map(|(name, features)| random(seed, name, [rows, batch, features]))
        .collect()
}

pub(crate) fn state_of(tensors: &[Tensor<3>]) -> RecurrentState {
    match tensors {
        [hidden, cell] => RecurrentState::Lstm(LstmState {
            hidden: hidden.clone(),
            cell: cell.clone(),
        }),
        [hidden] => RecurrentState::Gru(GruState {
            hidden: hidden.clone(),
        }),
        _ => unreachable!("a state has one or two tensors"),
    }
}

pub(crate) fn tensors_of(state: RecurrentState) -> Vec<Tensor<3>> {
    match state {
        RecurrentState::Lstm(state) => vec![state.hidden, state.cell],
        RecurrentState::Gru(state) => vec![state.hidden],
    }
}

/// A number that depends on every output and every final state, each with its own weight.
fn weighted_sum(output: &Tensor<3>, finals: &[Tensor<3>]) -> Tensor<1> {
    let weigh =
        |tensor: &Tensor<3>, name: &str| (tensor.clone() * random(99, name, tensor.dims())).sum();
    finals
        .iter()
        .zip(["final hidden", "final cell"])
        .fold(weigh(output, "output"), |sum, (state, name)| {
            sum + weigh(state, name)
        })
}

/// The gradient of `tensor`, which must have one.
fn gradient<const D: usize>(tensor: &Tensor<D>, gradients: &Gradients) -> Vec<f32> {
    let gradient = tensor.grad(gradients);
    values(&gradient.unwrap_or_else(|| panic!("{:?} has no gradient", tensor.shape())))
}

/// The gradient of every parameter by its path.
fn parameter_gradients<M: Module>(module: &M, gradients: &Gradients) -> BTreeMap<String, Vec<f32>> {
    let mut collector = GradientCollector {
        gradients,
        path: Vec::new(),
        found: BTreeMap::new(),
    };
    module.visit(&mut collector);
    collector.found
}

struct GradientCollector<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for GradientCollector<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = gradient(&param.val(), self.gradients);
        self.found.insert(self.path.join("."), gradient);
    }
}

/// Asserts that the values agree within 1e-5 of the largest expected one, or of 1.
pub(crate) fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    let largest = expected.iter().fold(1.0_f32, |max, x| max.max(x.abs()));
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= 1e-5 * largest,
            "{what}: {found} at {place}, expected {expected}"
        );
    }
}
