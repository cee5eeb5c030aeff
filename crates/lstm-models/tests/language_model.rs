//! The language model's network through its public interface.

use burn::tensor::{Device, Tensor};
use lstm_core::{Mode, RandomSource};
use lstm_models::{LanguageModelArchitecture, LanguageModelConfig, LanguageModelNetwork, Window};

const STREAMS: usize = 2;
const TIME: usize = 5;
const D_HIDDEN: usize = 6;
const TRAINING: Mode = Mode::Training(RandomSource::new(1));

fn window() -> Window {
    Window {
        streams: STREAMS,
        inputs: vec![3, 1, 4, 1, 5, 9, 2, 6, 5, 3],
        targets: vec![1, 4, 1, 5, 9, 2, 6, 5, 3, 5],
    }
}

/// A network that drops half of its output in training.
fn network(change: fn(&mut LanguageModelArchitecture)) -> LanguageModelNetwork {
    let mut architecture = LanguageModelArchitecture {
        d_embedding: 4,
        d_hidden: D_HIDDEN,
        output_dropout: 0.5,
        ..LanguageModelArchitecture::default()
    };
    change(&mut architecture);
    LanguageModelConfig::new(10, architecture).init(&Device::flex())
}

/// What the objective has beyond the likelihood, of a token in training.
fn penalty(network: &LanguageModelNetwork, window: &Window) -> f64 {
    let (loss, _) = network.loss(window, None, TRAINING);
    let scalar = |tensor: Tensor<1>| f64::from(tensor.into_scalar::<f32>());
    (scalar(loss.objective) - scalar(loss.nll)) / loss.count
}

/// The recurrent layer's output: dropped in training.
fn output(network: &LanguageModelNetwork, mode: Mode) -> Tensor<3> {
    let (output, _) = network.forward(&window().inputs, STREAMS, None, mode);
    output.reshape([STREAMS, TIME, D_HIDDEN])
}

fn mean_square(tensor: Tensor<3>) -> f64 {
    f64::from(tensor.square().mean().into_scalar::<f32>())
}

#[track_caller]
fn assert_close(found: f64, expected: f64) {
    let is_close = (found - expected).abs() < 1e-4 * expected;
    assert!(expected > 0.01 && is_close, "{found} {expected}");
}

#[test]
fn activation_regularization_adds_the_mean_square_of_what_dropout_leaves() {
    assert_eq!(penalty(&network(|_| ()), &window()), 0.0);
    let network = network(|parts| parts.activation_regularization = 50.0);
    let [whole, dropped] =
        [Mode::Inference, TRAINING].map(|mode| 50.0 * mean_square(output(&network, mode)));
    assert!((whole - dropped).abs() > 0.1 * whole);
    assert_close(penalty(&network, &window()), dropped);
}

#[test]
fn temporal_activation_regularization_adds_the_mean_square_of_changes_before_dropout() {
    let network = network(|parts| parts.temporal_activation_regularization = 500.0);
    let output = output(&network, Mode::Inference);
    let later = output.clone().slice([0..STREAMS, 1..TIME]);
    let change = later - output.slice([0..STREAMS, 0..TIME - 1]);
    assert_close(penalty(&network, &window()), 500.0 * mean_square(change));
}

#[test]
fn a_window_of_one_token_has_no_change() {
    let network = network(|parts| parts.temporal_activation_regularization = 50.0);
    let window = Window {
        streams: STREAMS,
        inputs: vec![3, 1],
        targets: vec![1, 4],
    };
    assert_eq!(penalty(&network, &window), 0.0);
}

#[test]
fn penalties_out_of_range_are_refused_by_their_key() {
    let key = |change: fn(&mut LanguageModelArchitecture)| {
        let mut architecture = LanguageModelArchitecture::default();
        change(&mut architecture);
        architecture.check().unwrap_err().0
    };
    assert_eq!(
        key(|parts| parts.activation_regularization = -1.0),
        "activation_regularization"
    );
    assert_eq!(
        key(|parts| parts.temporal_activation_regularization = f64::NAN),
        "temporal_activation_regularization"
    );
}
