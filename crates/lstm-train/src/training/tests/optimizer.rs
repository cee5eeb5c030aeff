//! The optimizers step where PyTorch's do.

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use crate::training::optimizer::Optimizer;
use crate::training::{OptimizerKind, TrainingOptions};

#[derive(Module, Debug)]
struct Weights {
    embedding: Param<Tensor<2>>,
    weight: Param<Tensor<2>>,
}

/// The gradients of three steps, of the embedding and of the weight. The last column is so small
/// that Adam's epsilon counts.
const GRADIENTS: [[[f32; 3]; 2]; 3] = [
    [[0.5, -0.25, 1e-7], [1.0, 0.0, -2e-7]],
    [[-0.125, 0.75, 2e-7], [0.5, 0.0, 1e-7]],
    [[0.25, 0.5, -1e-7], [-2.0, 1.0, 3e-7]],
];

/// Where the optimizer is after steps on `GRADIENTS`.
fn after_three_steps(options: &TrainingOptions) -> [Vec<f32>; 2] {
    let device = Device::flex().autodiff();
    let parameter = |values: [f32; 3]| Param::from_tensor(Tensor::from_floats([values], &device));
    let mut weights = Weights {
        embedding: parameter([0.5, -0.25, 1.0]),
        weight: parameter([1.0, -1.0, 0.125]),
    };
    let mut optimizer = Optimizer::new(options);
    for [embedding, weight] in GRADIENTS {
        let product = |parameter: &Param<Tensor<2>>, gradient: [f32; 3]| {
            (parameter.val() * Tensor::<2>::from_floats([gradient], &device)).sum()
        };
        let loss = product(&weights.embedding, embedding) + product(&weights.weight, weight);
        let gradients = GradientsParams::from_grads(loss.backward(), &weights);
        weights = optimizer.step(options.learning_rate, 1.0, weights, gradients);
    }
    [weights.embedding, weights.weight]
        .map(|parameter| parameter.val().into_data().iter().collect())
}

/// Asserts that options lead to `expected`, which tests/golden/optimizers.py prints with PyTorch
/// 2.15.0.
#[track_caller]
fn assert_agrees(options: &TrainingOptions, expected: [[f32; 3]; 2]) {
    let found = after_three_steps(options);
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!(
            (found - expected).abs() < 2e-6,
            "{found} instead of {expected}: {options:?}"
        );
    }
}

#[test]
fn adam_agrees_with_pytorch() {
    let mut options = TrainingOptions {
        optimizer: OptimizerKind::Adam,
        learning_rate: 0.01,
        ..TrainingOptions::default()
    };
    assert_agrees(
        &options,
        [
            [0.479_250_6, -0.251_585_9, 0.977_907_84],
            [0.982_741_8, -1.006_388_2, 0.133_307_07],
        ],
    );
    options.weight_decay = 0.1;
    assert_agrees(
        &options,
        [
            [0.477_530_3, -0.250_947_98, 0.970_010_1],
            [0.981_879_83, -0.985_124_35, 0.095_115_535],
        ],
    );
}

#[test]
fn adamw_agrees_with_pytorch() {
    let mut options = TrainingOptions {
        optimizer: OptimizerKind::Adamw,
        learning_rate: 0.01,
        weight_decay: 0.5,
        ..TrainingOptions::default()
    };
    let weight = [0.967_963, -0.991_463, 0.131_333_9];
    let embedding = [0.471_911_28, -0.247_929_66, 0.963_118_8];
    assert_agrees(&options, [embedding, weight]);
    options.embedding_weight_decay = Some(2.0);
    let embedding = [0.450_336_55, -0.237_181_08, 0.919_641_44];
    assert_agrees(&options, [embedding, weight]);
}

#[test]
fn sgd_agrees_with_pytorch() {
    let mut options = TrainingOptions {
        optimizer: OptimizerKind::Sgd,
        learning_rate: 0.1,
        ..TrainingOptions::default()
    };
    assert_agrees(
        &options,
        [[0.437_5, -0.35, 1.0], [1.05, -1.1, 0.124_999_97]],
    );
    options.weight_decay = 0.1;
    assert_agrees(
        &options,
        [
            [0.423_519_5, -0.342_322_26, 0.970_299],
            [1.022_789, -1.070_299, 0.121_287_35],
        ],
    );
    options.momentum = 0.9;
    assert_agrees(
        &options,
        [
            [0.337_209_5, -0.361_042_26, 0.944_379],
            [0.782_669, -1.044_379, 0.118_047_39],
        ],
    );
}
