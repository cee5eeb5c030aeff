//! The fused bodies, one for each instruction set, against the plain one in 64-bit floats.

use std::sync::Arc;

use burn::module::Param;
use burn::tensor::{DType, FloatDType, Gradients, Tensor};
use proptest::collection::vec;
use proptest::prelude::*;

use super::cpu::Isa;
use super::packing::Packing;
use super::{Recurrence, SequenceOptions, fused, plain};
use crate::tests::{device, random, values};
use crate::weights::PackedWeights;
use crate::{GruConfig, Lengths, LstmConfig, RecurrentInit, ResetGate, WeightDraws};

#[derive(Debug, Clone)]
struct Case {
    gru: bool,
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
    Input,
    Weights,
}

fn cases() -> impl Strategy<Value = Case> {
    let layer = (
        any::<bool>(),
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
        prop::sample::select(vec![Learns::Everything, Learns::Input, Learns::Weights]),
        any::<u64>(),
    );
    (layer, options, batch, loss).prop_map(|(layer, options, batch, loss)| {
        let (gru, bidirectional, bias, d_input, d_hidden, d_projection) = layer;
        let (cell_clip, masked, checkpoint_every) = options;
        Case {
            gru,
            bidirectional,
            bias,
            d_input,
            d_hidden,
            d_projection: d_projection.filter(|size| *size < d_hidden && !gru),
            cell_clip: cell_clip.filter(|_| !gru),
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
        let layers = if self.gru {
            GruConfig::new(self.d_input, self.d_hidden)
                .with_bidirectional(self.bidirectional)
                .with_bias(self.bias)
                .with_init(RecurrentInit::Uniform)
                .init_with(&mut draws)
                .layers
        } else {
            LstmConfig::new(self.d_input, self.d_hidden)
                .with_bidirectional(self.bidirectional)
                .with_projection(self.d_projection)
                .with_bias(self.bias)
                .with_init(RecurrentInit::Uniform)
                .init_with(&mut draws)
                .layers
        };
        layers.into_iter().next().unwrap()
    }

    fn recurrence(&self) -> Recurrence {
        match self.gru {
            true => Recurrence::Gru(ResetGate::AfterProduct),
            false => Recurrence::Lstm,
        }
    }

    fn time(&self) -> usize {
        (self.lengths.iter().max().unwrap_or(&0) + self.padding).max(1)
    }
}

/// Which body computes.
#[derive(Debug, Clone, Copy)]
enum Body {
    Fused(Isa),
    /// In 64-bit floats.
    Plain,
}

/// Everything that a body gives, by name.
fn run(case: &Case, body: Body) -> Vec<(String, Vec<f64>)> {
    let dtype = match body {
        Body::Fused(_) => FloatDType::F32,
        Body::Plain => FloatDType::F64,
    };
    let (batch, time) = (case.lengths.len(), case.time());
    let directions = if case.bidirectional { 2 } else { 1 };
    let learns = |what| case.learns == Learns::Everything || case.learns == what;
    let parameter3 = |param: &Param<Tensor<3>>| {
        let tensor = param.val().set_require_grad(false).cast(dtype);
        Param::from_tensor(tensor).set_require_grad(learns(Learns::Weights))
    };
    let parameter2 = |param: &Param<Tensor<2>>| {
        let tensor = param.val().set_require_grad(false).cast(dtype);
        Param::from_tensor(tensor).set_require_grad(learns(Learns::Weights))
    };
    let drawn = case.weights();
    let weights = PackedWeights {
        input_weight: parameter3(&drawn.input_weight),
        recurrent_weight: parameter3(&drawn.recurrent_weight),
        input_bias: drawn.input_bias.as_ref().map(parameter2),
        recurrent_bias: drawn.recurrent_bias.as_ref().map(parameter2),
        projection_weight: drawn.projection_weight.as_ref().map(parameter3),
    };
    // Not contiguous: features and time steps lie the other way round.
    let x = random(case.seed, "x", [batch, case.d_input, time])
        .swap_dims(1, 2)
        .cast(dtype)
        .set_require_grad(learns(Learns::Input));
    let features = case.recurrence().state_features(&weights);
    let initial: Vec<Tensor<3>> = features
        .iter()
        .zip(["hidden", "cell"])
        .map(|(features, name)| {
            random(case.seed, name, [directions, batch, *features])
                .cast(dtype)
                .set_require_grad(learns(Learns::Input))
        })
        .collect();
    let options = SequenceOptions {
        cell_clip: case.cell_clip,
        recurrent_mask: case.masked.then(|| {
            let mask: Tensor<1> = random(case.seed, "mask", [directions * batch * features[0]]);
            values(&mask)
                .iter()
                .map(|x| if *x > 0.0 { 2.0 } else { 0.0 })
                .collect()
        }),
        checkpoint_every: case.checkpoint_every,
    };
    let packing = Arc::new(Packing::new(
        &Lengths::new(case.lengths.clone(), time).unwrap(),
    ));
    let (output, finals) = match body {
        Body::Plain => plain(
            case.recurrence(),
            x.clone(),
            &weights,
            initial.clone(),
            &packing,
            &options,
        ),
        Body::Fused(isa) => {
            let cell = fused::body(case.recurrence(), &x).expect("32-bit floats on the CPU");
            let mut sizes = fused::sizes(cell, &weights, batch);
            sizes.isa = isa;
            fused::run(
                sizes,
                x.clone(),
                &weights,
                initial.clone(),
                &packing,
                options,
            )
        }
    };

    let mut all = vec![("output".to_owned(), doubles(&output))];
    all.extend(
        finals
            .iter()
            .map(|state| ("final state".to_owned(), doubles(state))),
    );
    let weigh = |tensor: &Tensor<3>, name: &str| {
        (tensor.clone() * random(99, name, tensor.dims()).cast(dtype)).sum()
    };
    let mut terms = Vec::new();
    if case.reaches != Reaches::FinalStates {
        terms.push(weigh(&output, "output"));
    }
    if case.reaches != Reaches::Output {
        let finals = finals.iter().zip(["final hidden", "final cell"]);
        terms.extend(finals.map(|(state, name)| weigh(state, name)));
    }
    let loss = terms.into_iter().reduce(|a, b| a + b).unwrap();
    let gradients = loss.backward();
    let mut add =
        |name: &str, gradient: Vec<f64>| all.push((format!("gradient of {name}"), gradient));
    if learns(Learns::Input) {
        add("x", gradient(&x, &gradients));
        for initial in &initial {
            add("an initial state", gradient(initial, &gradients));
        }
    }
    if learns(Learns::Weights) {
        for (name, weight) in [
            ("input weight", Some(&weights.input_weight)),
            ("recurrent weight", Some(&weights.recurrent_weight)),
            ("projection weight", weights.projection_weight.as_ref()),
        ] {
            if let Some(weight) = weight {
                add(name, gradient(&weight.val(), &gradients));
            }
        }
        for (name, bias) in [
            ("input bias", &weights.input_bias),
            ("recurrent bias", &weights.recurrent_bias),
        ] {
            if let Some(bias) = bias {
                add(name, gradient(&bias.val(), &gradients));
            }
        }
    }
    all
}

fn doubles<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter().collect()
}

/// The gradient of `tensor`; zeros where nothing depends on it.
fn gradient<const D: usize>(tensor: &Tensor<D>, gradients: &Gradients) -> Vec<f64> {
    match tensor.grad(gradients) {
        Some(gradient) => doubles(&gradient),
        None => vec![0.0; tensor.shape().num_elements()],
    }
}

/// A cell that comes within rounding of its limit at some step is on one side of it for one body and
/// on the other for another; then their gradients differ. It shows when the limit itself moves as
/// little.
fn is_at_the_limit(case: &Case) -> bool {
    let Some(clip) = case.cell_clip else {
        return false;
    };
    let [below, above] = [1.0 - 2e-6, 1.0 + 2e-6].map(|factor| {
        let moved = Case {
            cell_clip: Some(clip * factor),
            ..case.clone()
        };
        run(&moved, Body::Plain)
    });
    below.iter().zip(&above).any(|((_, below), (_, above))| {
        let largest = below.iter().fold(1.0_f64, |max, x| max.max(x.abs()));
        let mut pairs = below.iter().zip(above);
        pairs.any(|(below, above)| (below - above).abs() > 8e-6 * largest)
    })
}

fn agree(case: &Case) {
    if is_at_the_limit(case) {
        return;
    }
    let expected = run(case, Body::Plain);
    for isa in Isa::available() {
        let found = run(case, Body::Fused(isa));
        assert_eq!(found.len(), expected.len());
        for ((name, found), (_, expected)) in found.iter().zip(&expected) {
            assert_eq!(found.len(), expected.len(), "{isa:?}: {name}");
            let largest = expected.iter().fold(1.0_f64, |max, x| max.max(x.abs()));
            for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert!(
                    (found - expected).abs() <= 1e-5 * largest,
                    "{isa:?}: {name}: {found} at {place}, expected {expected}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        // An hour of them: PROPTEST_CASES=100000 cargo test --release --workspace fused
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn fused_bodies_agree_with_the_plain_one(case in cases()) {
        agree(&case);
    }
}

#[test]
fn without_segments_and_with_the_bits_are_the_same() {
    for gru in [false, true] {
        let whole = Case {
            gru,
            bidirectional: true,
            bias: true,
            d_input: 19,
            d_hidden: 35,
            d_projection: None,
            cell_clip: None,
            masked: true,
            checkpoint_every: None,
            lengths: vec![9, 3, 0, 7, 9, 1],
            padding: 1,
            reaches: Reaches::Everything,
            learns: Learns::Input,
            seed: 5,
        };
        for isa in Isa::available() {
            let expected = run(&whole, Body::Fused(isa));
            for every in [1, 2, 4, 9, 100] {
                let cut = Case {
                    checkpoint_every: Some(every),
                    ..whole.clone()
                };
                assert_eq!(
                    run(&cut, Body::Fused(isa)),
                    expected,
                    "{isa:?}, every {every}"
                );
            }
        }
    }
}

#[test]
fn other_floats_take_the_plain_body() {
    let x: Tensor<3> = random(1, "x", [1, 1, 1]);
    assert!(fused::body(Recurrence::Lstm, &x).is_some());
    assert_eq!(x.clone().cast(FloatDType::F64).dtype(), DType::F64);
    assert!(fused::body(Recurrence::Lstm, &x.cast(FloatDType::F64)).is_none());
}
