//! The bodies of the operation against the cells' steps in 64-bit floats, differentiated by autodiff one
//! by one.

mod fused;
mod gradient;
mod limits;
mod sharing;
mod sizes;

use std::sync::Arc;

use burn::module::Param;
use burn::tensor::{FloatDType, Gradients, Tensor};
use proptest::collection::vec;
use proptest::prelude::*;

use super::cpu::{Isa, Sizes};
use super::operation::{self, Body};
use super::packing::Packing;
use super::{Recurrence, SequenceOptions, reference};
use crate::tests::{device, random, values};
use crate::weights::PackedWeights;
use crate::{GruConfig, Lengths, LstmConfig, RecurrentInit, ResetGate, WeightDraws};

#[derive(Debug, Clone)]
struct Case {
    recurrence: Recurrence,
    bidirectional: bool,
    bias: bool,
    d_input: usize,
    d_hidden: usize,
    d_projection: Option<usize>,
    cell_clip: Option<f32>,
    masked: bool,
    checkpoint_every: Option<usize>,
    lengths: Vec<usize>,
    padding: usize,
    reaches: Reaches,
    learns: Learns,
    seed: u64,
}

/// What the loss depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reaches {
    Everything,
    Output,
    FinalStates,
}

/// What gets a gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Learns {
    Everything,
    /// And the initial states.
    Input,
    /// And the biases.
    Weights,
    /// If there are none, the recurrent weights.
    Biases,
}

const FAST: [Recurrence; 2] = [Recurrence::Lstm, Recurrence::Gru(ResetGate::AfterProduct)];

fn cases(recurrences: &'static [Recurrence]) -> impl Strategy<Value = Case> {
    let layer = (
        prop::sample::select(recurrences),
        any::<bool>(),
        any::<bool>(),
        1..=40_usize,
        1..=40_usize,
        prop::option::weighted(0.3, 1..=39_usize),
    );
    let options = (
        prop::option::weighted(0.2, prop::sample::select(vec![0.2_f32, 0.5])),
        prop::bool::weighted(0.3),
        prop::option::weighted(0.4, 1..=4_usize),
    );
    // A batch of empty sequences gives nothing that learns.
    let lengths = vec(0..=9_usize, 1..=20).prop_filter("a step", |all| all.iter().any(|x| *x > 0));
    let batch = (lengths, 0..=2_usize);
    let loss = (
        prop::sample::select(vec![
            Reaches::Everything,
            Reaches::Output,
            Reaches::FinalStates,
        ]),
        prop::sample::select(vec![
            Learns::Everything,
            Learns::Input,
            Learns::Weights,
            Learns::Biases,
        ]),
        any::<u64>(),
    );
    (layer, options, batch, loss).prop_map(|(layer, options, batch, loss)| {
        let (recurrence, bidirectional, bias, d_input, d_hidden, d_projection) = layer;
        let (cell_clip, masked, checkpoint_every) = options;
        let lstm = matches!(recurrence, Recurrence::Lstm);
        Case {
            recurrence,
            bidirectional,
            bias,
            d_input,
            d_hidden,
            d_projection: d_projection.filter(|size| *size < d_hidden && lstm),
            cell_clip: cell_clip.filter(|_| lstm),
            masked,
            checkpoint_every,
            lengths: batch.0,
            padding: batch.1,
            reaches: loss.0,
            learns: loss.1,
            seed: loss.2,
        }
    })
}

impl Case {
    fn weights(&self) -> PackedWeights {
        let mut draws = WeightDraws::new(self.seed, &device());
        let layers = match self.recurrence {
            Recurrence::Gru(reset) => {
                GruConfig::new(self.d_input, self.d_hidden)
                    .with_bidirectional(self.bidirectional)
                    .with_bias(self.bias)
                    .with_init(RecurrentInit::Uniform)
                    .with_reset(reset)
                    .init_with(&mut draws)
                    .layers
            }
            Recurrence::Lstm => {
                LstmConfig::new(self.d_input, self.d_hidden)
                    .with_bidirectional(self.bidirectional)
                    .with_projection(self.d_projection)
                    .with_bias(self.bias)
                    .with_init(RecurrentInit::Uniform)
                    .init_with(&mut draws)
                    .layers
            }
        };
        layers.into_iter().next().unwrap()
    }

    fn options(&self, weights: &PackedWeights) -> SequenceOptions {
        let size = weights.directions() * self.lengths.len() * weights.d_recurrent();
        SequenceOptions {
            cell_clip: self.cell_clip,
            recurrent_mask: self.masked.then(|| {
                values(&random(self.seed, "mask", [size]) as &Tensor<1>)
                    .iter()
                    .map(|x| if *x > 0.0 { 2.0 } else { 0.0 })
                    .collect()
            }),
            checkpoint_every: self.checkpoint_every,
        }
    }

    fn time(&self) -> usize {
        (self.lengths.iter().max().unwrap_or(&0) + self.padding).max(1)
    }
}

/// What computes.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// A fused body, in 32-bit floats.
    Fused(Isa),
    /// The plain body with its gradient written by hand, in 64-bit floats.
    ByHand,
    /// The steps differentiated one by one, in 64-bit floats.
    ByAutodiff,
}

impl Way {
    fn dtype(self) -> FloatDType {
        match self {
            Self::Fused(_) => FloatDType::F32,
            Self::ByHand | Self::ByAutodiff => FloatDType::F64,
        }
    }
}

type Named<const D: usize> = (&'static str, Tensor<D>);

/// A case's tensors, by which of them learn.
struct Setting {
    /// `[batch, time, d_input]`
    x: Tensor<3>,
    weights: PackedWeights,
    initial: Vec<Tensor<3>>,
    learns_input: bool,
    learns_weights: bool,
    learns_biases: bool,
}

impl Setting {
    fn new(case: &Case, dtype: FloatDType) -> Self {
        let drawn = case.weights();
        let learns = |what| case.learns == Learns::Everything || case.learns == what;
        let learns_input = learns(Learns::Input);
        let learns_biases = case.bias && (learns(Learns::Weights) || learns(Learns::Biases));
        let learns_weights = learns(Learns::Weights) || (learns(Learns::Biases) && !case.bias);
        let parameter3 = |param: &Param<Tensor<3>>| {
            let tensor = param.val().set_require_grad(false).cast(dtype);
            Param::from_tensor(tensor).set_require_grad(learns_weights)
        };
        let parameter2 = |param: &Param<Tensor<2>>| {
            let tensor = param.val().set_require_grad(false).cast(dtype);
            Param::from_tensor(tensor).set_require_grad(learns_biases)
        };
        let weights = PackedWeights {
            input_weight: parameter3(&drawn.input_weight),
            recurrent_weight: parameter3(&drawn.recurrent_weight),
            input_bias: drawn.input_bias.as_ref().map(parameter2),
            recurrent_bias: drawn.recurrent_bias.as_ref().map(parameter2),
            projection_weight: drawn.projection_weight.as_ref().map(parameter3),
        };
        let batch = case.lengths.len();
        // Not contiguous: features and time steps lie the other way round.
        let x = random(case.seed, "x", [batch, case.d_input, case.time()])
            .swap_dims(1, 2)
            .cast(dtype)
            .set_require_grad(learns_input);
        let features = case.recurrence.state_features(&weights);
        let initial = features
            .iter()
            .zip(["hidden", "cell"])
            .map(|(features, name)| {
                random(case.seed, name, [weights.directions(), batch, *features])
                    .cast(dtype)
                    .set_require_grad(learns_input)
            })
            .collect();
        Self {
            x,
            weights,
            initial,
            learns_input,
            learns_weights,
            learns_biases,
        }
    }

    /// The output and the final states.
    fn run(&self, case: &Case, way: Way) -> (Tensor<3>, Vec<Tensor<3>>) {
        let weights = &self.weights;
        let options = case.options(weights);
        let lengths = Lengths::new(case.lengths.clone(), case.time()).unwrap();
        let packing = Arc::new(Packing::new(&lengths));
        let (x, initial) = (self.x.clone(), self.initial.clone());
        let body = match way {
            Way::ByAutodiff => {
                let directions = 0..weights.directions();
                let weights: Vec<_> = directions
                    .map(|direction| weights.direction(direction))
                    .collect();
                return reference::run(
                    case.recurrence,
                    x,
                    &weights,
                    initial,
                    &packing,
                    &options,
                    |_, _, _| (),
                );
            }
            Way::ByHand => Body::of(case.recurrence, &x, weights),
            Way::Fused(isa) => match Body::of(case.recurrence, &x, weights) {
                Some(Body::Fused(sizes)) => Some(Body::Fused(Sizes { isa, ..sizes })),
                other => panic!("32-bit floats on the CPU took {other:?}"),
            },
        };
        let body = body.expect("a body for every cell");
        operation::call(body, x, weights, initial, &packing, options)
    }

    /// What learns, by name.
    fn parameters(&self) -> (Vec<Named<3>>, Vec<Named<2>>) {
        let mut stacked = Vec::new();
        if self.learns_input {
            stacked.push(("x", self.x.clone()));
            for (name, state) in ["initial hidden", "initial cell"].iter().zip(&self.initial) {
                stacked.push((*name, state.clone()));
            }
        }
        if self.learns_weights {
            for (name, weight) in [
                ("input weight", Some(&self.weights.input_weight)),
                ("recurrent weight", Some(&self.weights.recurrent_weight)),
                ("projection weight", self.weights.projection_weight.as_ref()),
            ] {
                stacked.extend(weight.map(|weight| (name, weight.val())));
            }
        }
        let mut biases = Vec::new();
        if self.learns_biases {
            for (name, bias) in [
                ("input bias", &self.weights.input_bias),
                ("recurrent bias", &self.weights.recurrent_bias),
            ] {
                biases.extend(bias.as_ref().map(|bias| (name, bias.val())));
            }
        }
        (stacked, biases)
    }
}

/// A number that depends on what the case says, each output with its own weight.
fn loss(case: &Case, output: &Tensor<3>, finals: &[Tensor<3>]) -> Tensor<1> {
    let weigh = |tensor: &Tensor<3>, name: &str| {
        let dtype: FloatDType = tensor.dtype().into();
        (tensor.clone() * random(99, name, tensor.dims()).cast(dtype)).sum()
    };
    let mut terms = Vec::new();
    if case.reaches != Reaches::FinalStates {
        terms.push(weigh(output, "output"));
    }
    if case.reaches != Reaches::Output {
        let finals = finals.iter().zip(["final hidden", "final cell"]);
        terms.extend(finals.map(|(state, name)| weigh(state, name)));
    }
    terms.into_iter().reduce(|a, b| a + b).unwrap()
}

/// Everything that a way of computing gives, by name.
fn run(case: &Case, way: Way) -> Vec<(String, Vec<f64>)> {
    run_in(&Setting::new(case, way.dtype()), case, way)
}

/// The same, with other tensors.
fn run_in(setting: &Setting, case: &Case, way: Way) -> Vec<(String, Vec<f64>)> {
    let (output, finals) = setting.run(case, way);
    let mut all = vec![("output".to_owned(), doubles(&output))];
    all.extend(
        finals
            .iter()
            .map(|state| ("final state".to_owned(), doubles(state))),
    );
    let gradients = loss(case, &output, &finals).backward();
    let (stacked, biases) = setting.parameters();
    for (name, tensor) in &stacked {
        let gradient = gradient(case, way, (name, tensor), &gradients);
        all.push((format!("gradient of {name}"), gradient));
    }
    for (name, tensor) in &biases {
        let gradient = gradient(case, way, (name, tensor), &gradients);
        all.push((format!("gradient of {name}"), gradient));
    }
    all
}

/// Asserts that all values agree within `tolerance` of the largest of their kind, or of 1.
fn assert_agree(
    way: Way,
    found: &[(String, Vec<f64>)],
    expected: &[(String, Vec<f64>)],
    tolerance: f64,
) {
    assert_eq!(found.len(), expected.len());
    for ((name, found), (_, expected)) in found.iter().zip(expected) {
        assert_eq!(found.len(), expected.len(), "{way:?}: {name}");
        let largest = expected.iter().fold(1.0_f64, |max, x| max.max(x.abs()));
        for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!(
                (found - expected).abs() <= tolerance * largest,
                "{way:?}: {name}: {found} at {place}, expected {expected}"
            );
        }
    }
}

fn doubles<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter().collect()
}

/// The gradient of a tensor that learns.
///
/// Without a step nothing depends on input and weights, and autodiff has no gradient of them.
fn gradient<const D: usize>(
    case: &Case,
    way: Way,
    (name, tensor): (&str, &Tensor<D>),
    gradients: &Gradients,
) -> Vec<f64> {
    let has_steps = case.lengths.iter().any(|length| *length > 0);
    match tensor.grad(gradients) {
        Some(gradient) => doubles(&gradient),
        None if !has_steps && matches!(way, Way::ByAutodiff) => {
            vec![0.0; tensor.shape().num_elements()]
        }
        None => panic!("{way:?}: {name} has no gradient"),
    }
}
