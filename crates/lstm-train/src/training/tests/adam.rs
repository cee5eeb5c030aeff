//! The update in one pass: burn's own, to rounding, whatever the number of threads.

use burn::module::{Module, Param};
use burn::optim::{AdamWState, GradientsParams, Optimizer as _};
use burn::tensor::{Device, Tensor};
use lstm_core::{Purpose, RandomSource};

use crate::training::adam::{Adam, Decay};
use crate::training::optimizer::{Factor, Optimizer};
use crate::training::{OptimizerKind, TrainingOptions};

/// More than a thread takes at a time, and not a multiple of it.
const SHAPE: [usize; 2] = [301, 173];

const DECAYS: [Decay; 4] = [
    Decay::Gradient(0.0),
    Decay::Gradient(0.1),
    Decay::Weights(0.0),
    Decay::Weights(0.3),
];

/// Standard normal numbers, a third of them 0, as in the gradient of an embedding.
fn random(index: u64) -> Tensor<2> {
    let mut stream = RandomSource::new(7).stream(Purpose::named("test"), index);
    let mut draw = |place| match place % 3 {
        0 => 0.0,
        _ => stream.normal() as f32,
    };
    let values: Vec<f32> = (0..SHAPE[0] * SHAPE[1]).map(&mut draw).collect();
    Tensor::<1>::from_floats(values.as_slice(), &Device::flex()).reshape(SHAPE)
}

type Step = fn(
    &Adam,
    f64,
    Tensor<2>,
    Tensor<2>,
    Option<AdamWState<2>>,
) -> (Tensor<2>, Option<AdamWState<2>>);

/// The weights and both moments after some steps.
fn after_steps(decay: Decay, step: Step) -> [Vec<f32>; 3] {
    let factor = Factor::default();
    let adam = Adam {
        decay,
        factor: factor.clone(),
    };
    let (mut weights, mut state) = (random(0), None);
    for index in 1..=5 {
        factor.set(0.3 * index as f64);
        (weights, state) = step(&adam, 0.01, weights, random(index), state);
    }
    let state = state.unwrap().momentum;
    assert_eq!(state.time, 5);
    [weights, state.moment_1, state.moment_2].map(|tensor| tensor.into_data().iter().collect())
}

#[test]
fn one_pass_does_what_burns_optimizers_do() {
    for decay in DECAYS {
        let here = after_steps(decay, Adam::step);
        let elsewhere = after_steps(decay, Adam::step_elsewhere);
        for (here, elsewhere) in here.iter().flatten().zip(elsewhere.iter().flatten()) {
            let difference = (here - elsewhere).abs();
            assert!(
                difference <= 2e-6 * (1.0 + elsewhere.abs()),
                "{here} instead of {elsewhere}: {decay:?}"
            );
        }
    }
}

#[test]
fn any_number_of_threads_makes_the_same_update_to_the_last_bit() {
    let after_steps_in = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap()
            .install(|| after_steps(Decay::Weights(0.1), Adam::step))
    };
    let one = after_steps_in(1);
    for threads in [2, 3, 7] {
        assert_eq!(after_steps_in(threads), one, "{threads} threads");
    }
}

#[derive(Module, Debug)]
struct Table {
    weight: Param<Tensor<2>>,
}

/// The table after a step on random gradients.
fn step(optimizer: &mut Optimizer, table: Table, index: u64) -> Table {
    let gradient = random(index).autodiff();
    let loss = (table.weight.val() * gradient).sum();
    let gradients = GradientsParams::from_grads(loss.backward(), &table);
    optimizer.step(0.01, 0.5, table, gradients)
}

#[test]
fn a_saved_state_goes_on_to_the_last_bit() {
    for optimizer in [
        OptimizerKind::Adam,
        OptimizerKind::Adamw,
        OptimizerKind::Sgd,
    ] {
        let options = TrainingOptions {
            optimizer,
            weight_decay: 0.1,
            momentum: 0.9,
            ..TrainingOptions::default()
        };
        let mut optimizer = Optimizer::new(&options);
        let mut table = Table {
            weight: Param::from_tensor(random(0).autodiff()),
        };
        for index in 1..=3 {
            table = step(&mut optimizer, table, index);
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("optimizer.bpk");
        optimizer.save(&file).unwrap();
        let mut restored = Optimizer::new(&options).load(&file).unwrap();
        let here = step(&mut optimizer, table.clone(), 4).weight.val();
        let there = step(&mut restored, table, 4).weight.val();
        here.into_data().assert_eq(&there.into_data(), true);
    }
}

#[test]
fn others_who_hold_a_model_keep_theirs() {
    let mut optimizer = Optimizer::new(&TrainingOptions::default());
    let table = Table {
        weight: Param::from_tensor(random(0).autodiff()),
    };
    let kept = table.clone();
    let table = step(&mut optimizer, table, 1);
    assert_ne!(
        table.weight.val().into_data(),
        kept.weight.val().into_data()
    );
    kept.weight
        .val()
        .into_data()
        .assert_eq(&random(0).into_data(), true);
}
