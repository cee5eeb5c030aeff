//! The language model's network through its public interface.

use burn::tensor::{Device, Tensor};
use lstm_core::Mode;
use lstm_models::{LanguageModelArchitecture, LanguageModelConfig, Window};

/// Two streams of five tokens.
fn window() -> Window {
    Window {
        streams: 2,
        inputs: vec![3, 1, 4, 1, 5, 9, 2, 6, 5, 3],
        targets: vec![1, 4, 1, 5, 9, 2, 6, 5, 3, 5],
    }
}

/// The recurrent layer's output `[2, 5, 6]`, and the objective beyond the likelihood, of a token.
fn penalty(change: fn(&mut LanguageModelArchitecture)) -> (Tensor<3>, f64) {
    let mut architecture = LanguageModelArchitecture {
        d_embedding: 4,
        d_hidden: 6,
        ..LanguageModelArchitecture::default()
    };
    change(&mut architecture);
    let network = LanguageModelConfig::new(10, architecture).init(&Device::flex());
    let window = window();
    let (output, _) = network.forward(&window.inputs, 2, None, Mode::Inference);
    let (loss, _) = network.loss(&window, None, Mode::Inference);
    let scalar = |tensor: Tensor<1>| f64::from(tensor.into_scalar::<f32>());
    let beyond = (scalar(loss.objective) - scalar(loss.nll)) / loss.count;
    (output.reshape([2, 5, 6]), beyond)
}

fn mean_square(tensor: Tensor<3>) -> f64 {
    f64::from(tensor.square().mean().into_scalar::<f32>())
}

#[test]
fn activation_regularization_adds_the_outputs_mean_square() {
    let (_, none) = penalty(|_| ());
    assert_eq!(none, 0.0);
    let (output, beyond) = penalty(|parts| parts.activation_regularization = 50.0);
    let expected = 50.0 * mean_square(output);
    assert!(
        expected > 0.01 && (beyond - expected).abs() < 1e-4 * expected,
        "{beyond} {expected}"
    );
}

#[test]
fn temporal_activation_regularization_adds_the_mean_square_of_changes() {
    let (output, beyond) = penalty(|parts| parts.temporal_activation_regularization = 500.0);
    let later = output.clone().slice([0..2, 1..5]);
    let expected = 500.0 * mean_square(later - output.slice([0..2, 0..4]));
    assert!(
        expected > 0.01 && (beyond - expected).abs() < 1e-4 * expected,
        "{beyond} {expected}"
    );
}

#[test]
fn a_window_of_one_token_has_no_change() {
    let architecture = LanguageModelArchitecture {
        d_embedding: 4,
        d_hidden: 6,
        temporal_activation_regularization: 50.0,
        ..LanguageModelArchitecture::default()
    };
    let network = LanguageModelConfig::new(10, architecture).init(&Device::flex());
    let window = Window {
        streams: 2,
        inputs: vec![3, 1],
        targets: vec![1, 4],
    };
    let (loss, _) = network.loss(&window, None, Mode::Inference);
    assert_eq!(
        loss.objective.into_scalar::<f32>(),
        loss.nll.into_scalar::<f32>()
    );
}
