//! A language model whose last layer has another size than the others.

use std::fs;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use lstm_core::{Cell, DropoutMask, Mode, RandomSource, RecurrentState};
use lstm_models::bundle::{self, BundleError};
use lstm_models::{
    LanguageModel, LanguageModelArchitecture, LanguageModelBundle, LanguageModelConfig,
    LanguageModelNetwork, TextStream, Tokenizer, TokenizerError, Unit, Window,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

const CELLS: [Cell; 3] = [Cell::Lstm, Cell::Gru, Cell::GruResetBefore];
const STREAMS: usize = 2;
const TIME: usize = 5;
const D_EMBEDDING: usize = 4;
const D_HIDDEN: usize = 6;
const TRAINING: Mode = Mode::Training(RandomSource::new(1));

/// Three layers with everything that training drops.
fn architecture(cell: Cell, tied: bool, d_last: Option<usize>) -> LanguageModelArchitecture {
    LanguageModelArchitecture {
        d_embedding: D_EMBEDDING,
        cell,
        d_hidden: D_HIDDEN,
        layers: 3,
        d_last,
        tied,
        range: 1.0,
        embedding_dropout: 0.1,
        input_dropout: 0.2,
        layer_dropout: 0.4,
        output_dropout: 0.2,
        recurrent_dropout: 0.3,
        weight_dropout: 0.5,
        activation_regularization: 2.0,
        temporal_activation_regularization: 1.0,
        dropout_mask: DropoutMask::Sequence,
        ..LanguageModelArchitecture::default()
    }
}

fn network(architecture: LanguageModelArchitecture, device: &Device) -> LanguageModelNetwork {
    LanguageModelConfig::new(10, architecture).init(device)
}

/// Windows in which every token occurs.
fn window() -> Window {
    Window {
        streams: STREAMS,
        inputs: vec![3, 1, 4, 0, 5, 9, 2, 6, 8, 7],
        targets: vec![1, 4, 0, 5, 9, 2, 6, 8, 7, 3],
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

/// The hidden state of every layer, the lowest first.
fn hidden(state: &[RecurrentState]) -> Vec<f32> {
    let of_stacks = state.iter().map(|state| host(state.hidden().clone()));
    of_stacks.flatten().collect()
}

#[test]
fn a_last_layer_of_the_same_size_changes_no_bit() {
    for cell in CELLS {
        let [without, with] = [None, Some(D_HIDDEN)].map(|d_last| {
            let network = network(architecture(cell, false, d_last), &Device::flex());
            let (first, state) = network.loss(&window(), None, TRAINING);
            let (second, state) = network.loss(&window(), Some(state), TRAINING);
            let objectives = [first.objective, second.objective].map(host);
            (objectives, hidden(&state))
        });
        assert_eq!(without, with, "{cell:?}");
    }
}

#[test]
fn a_state_carried_over_two_windows_equals_one_pass() {
    let ids = window().inputs;
    // The same part of each stream.
    let part = |from: usize, to: usize| -> Vec<u32> {
        let streams = ids.chunks(TIME);
        streams
            .flat_map(|stream| &stream[from..to])
            .copied()
            .collect()
    };
    for cell in CELLS {
        let network = network(architecture(cell, true, Some(9)), &Device::flex());
        let forward = |from, to, state| {
            let (output, state) = network.forward(&part(from, to), STREAMS, state, Mode::Inference);
            let [_, features] = output.dims();
            (output.reshape([STREAMS, to - from, features]), state)
        };
        let (whole, end) = forward(0, TIME, None);
        let (first, state) = forward(0, 2, None);
        let sizes: Vec<usize> = state.iter().map(|state| state.hidden().dims()[2]).collect();
        assert_eq!(sizes, [D_HIDDEN, 9]);
        let (second, state) = forward(2, TIME, Some(state));
        assert_close(&host(Tensor::cat(vec![first, second], 1)), &host(whole));
        assert_close(&hidden(&state), &hidden(&end));
    }
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

/// Asserts that every parameter has a gradient, which is not zero for most of its values.
struct Gradient<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    parameters: usize,
}

impl ModuleVisitor for Gradient<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        let gradient = param.val().grad(self.gradients);
        let gradient = host(gradient.unwrap_or_else(|| panic!("{name} has no gradient")));
        let moved = gradient.iter().filter(|value| **value != 0.0).count();
        assert!(2 * moved > gradient.len(), "{name}: {gradient:?}");
        self.parameters += 1;
    }
}

#[test]
fn every_parameter_gets_a_gradient() {
    for cell in CELLS {
        // Tied weights of another size, with a projection between, and of the same.
        for (tied, d_last, others) in [
            (false, None, 3),
            (false, Some(5), 3),
            (true, Some(5), 3),
            (true, Some(D_EMBEDDING), 2),
        ] {
            let device = Device::flex().autodiff();
            let network = network(architecture(cell, tied, d_last), &device);
            let (loss, _) = network.loss(&window(), None, Mode::Inference);
            let mut visitor = Gradient {
                gradients: &loss.objective.backward(),
                path: Vec::new(),
                parameters: 0,
            };
            network.visit(&mut visitor);
            // Two weights and two biases for each of three layers.
            assert_eq!(visitor.parameters, 3 * 4 + others, "{tied} {d_last:?}");
        }
    }
}

const TEXT: &str = "the cat sat\non the mat";

fn model() -> LanguageModel {
    let device = Device::flex();
    let tokenizer = Tokenizer::characters([TEXT], 1).unwrap();
    let config = LanguageModelConfig::new(
        tokenizer.size(),
        architecture(Cell::Lstm, true, Some(D_EMBEDDING)),
    );
    let network = config.init(&device);
    let unit = Unit::Characters;
    let stream = TextStream::new(tokenizer, unit).unwrap();
    LanguageModel::new(
        stream,
        network,
        LanguageModelBundle { config, unit },
        &device,
    )
}

fn saved(model: &LanguageModel) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    model.save(&directory, Map::new(), "# A model\n").unwrap();
    directory
}

fn load(directory: &TempDir) -> Result<LanguageModel, BundleError> {
    LanguageModel::load(directory, &Device::flex())
}

#[test]
fn a_bundle_comes_back_as_it_was_saved() {
    let model = model();
    let loaded = load(&saved(&model)).unwrap();
    assert_eq!(loaded.parts().config, model.parts().config);
    let weights = bundle::parameters(loaded.network());
    assert_eq!(weights, bundle::parameters(model.network()));
    let nll = |model: &LanguageModel| {
        let score = model.score(TEXT, |_| Ok::<(), TokenizerError>(()));
        score.unwrap().nll
    };
    assert_eq!(nll(&loaded), nll(&model));
}

/// What loading says where the last layer's size is this one; where there is none, it is not named.
fn refused(d_last: Option<Value>) -> String {
    let directory = saved(&model());
    let path = directory.path().join(bundle::CONFIG_FILE);
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let parts = config.pointer_mut("/model/config/architecture").unwrap();
    let parts = parts.as_object_mut().unwrap();
    match d_last {
        Some(d_last) => parts.insert("d_last".to_owned(), d_last),
        None => parts.remove("d_last"),
    };
    fs::write(path, config.to_string()).unwrap();
    load(&directory).unwrap_err().to_string()
}

#[test]
fn a_bundle_has_to_name_the_size_that_its_weights_have() {
    let error = refused(None);
    assert!(error.contains("architecture.d_last"), "{error}");
    let error = refused(Some(json!(0)));
    assert!(
        error.contains("architecture.d_last: must be at least 1"),
        "{error}"
    );
    let error = refused(Some(json!(16_000)));
    assert!(error.contains("architecture.d_last: 16000, but"), "{error}");
    // Tied weights of another size need a projection.
    let error = refused(Some(json!(D_EMBEDDING + 1)));
    assert!(error.contains("missing [\"projection\"]"), "{error}");
    let error = refused(Some(Value::Null));
    assert!(
        error.contains("unknown") && error.contains("last."),
        "{error}"
    );
}
