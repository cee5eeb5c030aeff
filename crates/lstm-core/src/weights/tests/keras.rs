//! Layers of Keras 3.15: `tests/golden/keras/generate.py` made the files and the numbers.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;

use super::npz::{npy, write_npz};
use super::{keras_file, path};
use crate::tests::{assert_close, device, state_of, tensors_of, values};
use crate::weights::{Format, WeightsError};
use crate::{Gru, Lengths, Lstm, Mode, Recurrent, ResetGate};

#[derive(Deserialize)]
struct Golden {
    keras: String,
    d_input: usize,
    lengths: Vec<usize>,
    time: usize,
    x: Vec<f32>,
    initial: Vec<Vec<f32>>,
    layers: Vec<Case>,
    #[cfg(feature = "hdf5")]
    model: Vec<Case>,
    #[cfg(feature = "hdf5")]
    stack: Vec<Case>,
}

/// What one of Keras' layers gave.
#[derive(Deserialize)]
struct Case {
    layer: String,
    output: Vec<f32>,
    #[serde(rename = "final")]
    finals: Vec<Vec<f32>>,
}

fn golden() -> Golden {
    let text = std::fs::read_to_string(keras_file("golden.json")).unwrap();
    let golden: Golden = serde_json::from_str(&text).unwrap();
    assert_eq!(golden.keras, "3.15.1");
    golden
}

impl Golden {
    /// Keras' list of a layer's states (`[batch, d_hidden]` each; forward hidden and cell, then backward)
    /// as ours: hidden and cell, `[directions, batch, d_hidden]` each.
    fn states(&self, layer: &Recurrent, list: &[Vec<f32>]) -> Vec<Tensor<3>> {
        let kinds = match layer {
            Recurrent::Lstm(_) => 2,
            Recurrent::Gru(_) => 1,
        };
        let batch = self.lengths.len();
        let directions = list.len() / kinds;
        let d_hidden = list[0].len() / batch;
        (0..kinds)
            .map(|kind| {
                let both: Vec<f32> = (0..directions)
                    .flat_map(|direction| list[direction * kinds + kind].iter().copied())
                    .collect();
                let data = TensorData::new(both, [directions, batch, d_hidden]);
                Tensor::from_data(data, &device())
            })
            .collect()
    }

    /// Runs `layer` on Keras' input and states, and compares the output and the final states.
    fn check(&self, case: &Case, layer: &Recurrent) {
        let batch = self.lengths.len();
        let x = TensorData::new(self.x.clone(), [batch, self.time, self.d_input]);
        let x = Tensor::<3>::from_data(x, &device());
        let lengths = Lengths::new(self.lengths.clone(), self.time).unwrap();
        let initial = &self.initial[..case.finals.len()];
        let initial = state_of(&self.states(layer, initial));
        let (output, finals) = layer.forward(x, &lengths, Some(initial), Mode::Inference);
        assert_close(&values(&output), &case.output, &case.layer);
        let expected = self.states(layer, &case.finals);
        for (found, expected) in tensors_of(finals).iter().zip(&expected) {
            assert_close(&values(found), &values(expected), &case.layer);
        }
    }

    /// That each case's layer is in a file, at the place that `place` makes of its name, and agrees.
    fn check_file(&self, file: &str, cases: &[Case], place: impl Fn(&Case) -> String) {
        for case in cases {
            let layer = Recurrent::from_keras(keras_file(file), &place(case), &device()).unwrap();
            self.check(case, &layer);
        }
    }
}

#[test]
fn layers_by_their_variables_paths_agree_with_keras() {
    let golden = golden();
    // The last GRU has no biases, and its reset gate where Keras' default is.
    golden.check_file("layers.npz", &golden.layers, |case| case.layer.clone());
    golden.check_file("layers.safetensors", &golden.layers, |case| {
        case.layer.clone()
    });
}

#[cfg(feature = "hdf5")]
#[test]
fn layers_of_keras_archives_agree_with_keras() {
    let golden = golden();
    golden.check_file("model.keras", &golden.model, |case| {
        format!("layers/{}", case.layer)
    });
}

#[cfg(feature = "hdf5")]
#[test]
fn layers_of_weight_files_agree_with_keras_unless_they_need_the_configuration() {
    let golden = golden();
    let place = |case: &Case| format!("layers/{}", case.layer);
    let [lstm, gru, bidirectional] = &golden.model[..] else {
        panic!("three cases");
    };
    for case in [lstm, bidirectional] {
        golden.check_file("model.weights.h5", std::slice::from_ref(case), place);
    }
    // Without biases nothing in this file says that the reset gate is before the product.
    let cell = |file: &str| {
        let file = Format::Keras.open(keras_file(file)).unwrap();
        file.read(&place(gru)).unwrap().cell
    };
    assert_eq!(cell("model.weights.h5"), crate::Cell::Gru);
    assert_eq!(cell("model.keras"), crate::Cell::GruResetBefore);
}

#[cfg(feature = "hdf5")]
#[test]
fn layers_of_whole_models_in_hdf5_agree_with_keras() {
    let golden = golden();
    golden.check_file("stack.h5", &golden.stack, |case| {
        format!("model_weights/{0}/sequential/{0}", case.layer)
    });
}

#[test]
fn layers_are_found_where_they_are() {
    let file = Format::Keras.open(keras_file("layers.npz")).unwrap();
    let expected = [
        "bidirectional/",
        "bidirectional_1/",
        "bidirectional_2/",
        "gru/",
        "gru_1/",
        "gru_4/",
        "lstm/",
        "lstm_2/",
        "rnn/stacked_rnn_cells/lstm_cell/",
        "rnn/stacked_rnn_cells/lstm_cell_1/",
        "simple_rnn/simple_rnn_cell/",
    ];
    assert_eq!(file.prefixes(), expected);
    let first = file.read("rnn/stacked_rnn_cells/lstm_cell").unwrap();
    assert_eq!((first.d_input(), first.d_hidden()), (3, 2));
    let error = file.read("simple_rnn/simple_rnn_cell").unwrap_err();
    assert!(error.to_string().contains("no gates"), "{error}");
    let error = file.read("dense").unwrap_err();
    assert!(matches!(error, WeightsError::NoLayer { .. }), "{error}");
}

#[test]
fn layers_keep_their_kind() {
    let file = keras_file("layers.npz");
    let lstm = Lstm::from_keras(&file, "bidirectional/", &Device::flex()).unwrap();
    assert_eq!(
        (lstm.d_input(), lstm.d_hidden(), lstm.directions()),
        (3, 4, 2)
    );
    let gru = Gru::from_keras(&file, "gru_1", &Device::flex()).unwrap();
    assert_eq!(gru.reset, ResetGate::BeforeProduct);
    let error = Gru::from_keras(&file, "lstm", &Device::flex()).unwrap_err();
    let WeightsError::InFile { source, .. } = error else {
        panic!("{error}");
    };
    assert!(matches!(*source, WeightsError::Cell { .. }), "{source}");
}

#[test]
fn keras_files_are_not_written() {
    let (_directory, path) = path("a.npz");
    let file = Format::Keras.open(keras_file("layers.npz")).unwrap();
    let weights = file.read("lstm").unwrap();
    let error = Format::Keras.write(&weights, &path, "lstm").unwrap_err();
    assert_eq!(
        error.to_string(),
        "layers of Keras are read, but not written"
    );
    assert!(!path.exists());
}

#[cfg(not(feature = "hdf5"))]
#[test]
fn without_the_feature_files_of_hdf5_say_which_one_reads_them() {
    for (file, container) in [("stack.h5", "HDF5 file"), ("model.keras", "Keras file")] {
        let error = Format::Keras
            .open(keras_file(file))
            .err()
            .expect("it is not read");
        let expected = format!(
            "is a {container}, which only builds with the feature `hdf5` of lstm-core read"
        );
        assert!(error.to_string().contains(&expected), "{error}");
    }
}

/// An `.npz` file of zeros under these names.
fn zeros(path: &Path, tensors: &[(&str, &[usize])]) {
    let entries = tensors.iter().map(|(name, shape)| {
        let values = vec![0; 4 * shape.iter().product::<usize>()];
        (name.to_string(), npy("<f4", false, shape, &values))
    });
    write_npz(path, entries.collect::<BTreeMap<_, _>>(), false);
}

fn prefixes(tensors: &[(&str, &[usize])]) -> Vec<String> {
    let (_directory, path) = path("a.npz");
    zeros(&path, tensors);
    Format::Keras.open(&path).unwrap().prefixes()
}

fn error(tensors: &[(&str, &[usize])], prefix: &str) -> String {
    let (_directory, path) = path("a.npz");
    zeros(&path, tensors);
    let file = Format::Keras.open(&path).unwrap();
    file.read(prefix).unwrap_err().to_string()
}

#[test]
fn names_are_known_with_any_prefix_and_separator() {
    let names = |start: &str, end: &str| {
        let own = |own: &str| format!("{start}{own}{end}");
        let (kernel, recurrent) = (own("kernel"), own("recurrent_kernel"));
        prefixes(&[(&kernel, &[3, 8]), (&recurrent, &[2, 8])])
    };
    assert_eq!(names("", ""), [""]);
    assert_eq!(names("encoder.", ""), ["encoder."]);
    assert_eq!(names("encoder.gru_cell.", ""), ["encoder."]);
    // TensorFlow's Keras 2.
    assert_eq!(names("lstm/lstm/lstm_cell_3/", ":0"), ["lstm/lstm/"]);
    // A layer's own name may have dots.
    assert_eq!(names("a/b.c/lstm_cell/", ""), ["a/b.c/"]);
}

#[test]
fn two_cells_in_one_place_keep_their_names() {
    let tensors: [(&str, &[usize]); 4] = [
        ("model/gru_cell/kernel", &[3, 6]),
        ("model/gru_cell/recurrent_kernel", &[2, 6]),
        ("model/lstm_cell/kernel", &[3, 8]),
        ("model/lstm_cell/recurrent_kernel", &[2, 8]),
    ];
    assert_eq!(prefixes(&tensors), ["model/gru_cell/", "model/lstm_cell/"]);
}

#[test]
fn numbered_variables_of_other_layers_are_no_cells() {
    let tensors: [(&str, &[usize]); 6] = [
        ("layers/dense/vars/0", &[3, 8]),
        ("layers/dense/vars/1", &[8]),
        ("layers/einsum_dense/vars/0", &[3, 8]),
        ("layers/einsum_dense/vars/1", &[2, 8]),
        ("layers/lstm/cell/vars/0", &[3, 8]),
        ("layers/lstm/cell/vars/1", &[2, 8]),
    ];
    assert_eq!(prefixes(&tensors), ["layers/lstm/"]);
}

/// A bidirectional LSTM's tensors but for those named.
fn both_without(missing: &[&str]) -> Vec<(&'static str, &'static [usize])> {
    let all: [(&'static str, &'static [usize]); 6] = [
        ("both/backward_lstm/lstm_cell/bias", &[8]),
        ("both/backward_lstm/lstm_cell/kernel", &[3, 8]),
        ("both/backward_lstm/lstm_cell/recurrent_kernel", &[2, 8]),
        ("both/forward_lstm/lstm_cell/bias", &[8]),
        ("both/forward_lstm/lstm_cell/kernel", &[3, 8]),
        ("both/forward_lstm/lstm_cell/recurrent_kernel", &[2, 8]),
    ];
    let there = all.into_iter();
    there
        .filter(|(name, _)| !missing.iter().any(|missing| name.ends_with(missing)))
        .collect()
}

#[test]
fn a_missing_tensor_is_named() {
    for missing in [
        "backward_lstm/lstm_cell/bias",
        "forward_lstm/lstm_cell/bias",
        "backward_lstm/lstm_cell/kernel",
        "backward_lstm/lstm_cell/recurrent_kernel",
        "forward_lstm/lstm_cell/recurrent_kernel",
    ] {
        let error = error(&both_without(&[missing]), "both");
        let named = format!("missing [\"both/{missing}\"], unknown []");
        assert!(error.contains(&named), "{error}");
    }
    // Half of what can only be a bidirectional layer.
    let half: [(&str, &[usize]); 2] = [
        ("a/backward_layer/cell/vars/0", &[3, 8]),
        ("a/backward_layer/cell/vars/1", &[2, 8]),
    ];
    let error = error(&half, "a");
    assert!(error.contains("a/forward_layer/cell/vars/1"), "{error}");
}

#[test]
fn half_a_bidirectional_layer_is_a_layer_by_its_own_name() {
    let half = both_without(&[
        "backward_lstm/lstm_cell/kernel",
        "backward_lstm/lstm_cell/recurrent_kernel",
        "backward_lstm/lstm_cell/bias",
    ]);
    assert_eq!(prefixes(&half), ["both/forward_lstm/"]);
}

#[test]
fn an_unknown_tensor_is_named() {
    let mut tensors = both_without(&[]);
    tensors.push(("both/forward_lstm/lstm_cell/peephole", &[2]));
    let error = error(&tensors, "both");
    let named = "unknown [\"both/forward_lstm/lstm_cell/peephole\"]";
    assert!(error.contains(named), "{error}");
}

#[test]
fn shapes_that_disagree_are_named() {
    let cases: [(&str, &[usize], &str); 9] = [
        ("forward_lstm/lstm_cell/kernel", &[3, 12], "expected [3, 8]"),
        ("forward_lstm/lstm_cell/kernel", &[24], "expected a matrix"),
        (
            "forward_lstm/lstm_cell/kernel",
            &[0, 8],
            "expected a matrix",
        ),
        ("backward_lstm/lstm_cell/kernel", &[4, 8], "expected [3, 8]"),
        (
            "forward_lstm/lstm_cell/recurrent_kernel",
            &[3, 8],
            "expected [3, 4 * 3] of an LSTM or [3, 3 * 3] of a GRU",
        ),
        (
            "backward_lstm/lstm_cell/recurrent_kernel",
            &[3, 12],
            "expected [2, 8]",
        ),
        ("forward_lstm/lstm_cell/bias", &[2, 8], "expected [8]"),
        ("forward_lstm/lstm_cell/bias", &[4], "expected [8]"),
        ("backward_lstm/lstm_cell/bias", &[], "expected [8]"),
    ];
    for (name, shape, expected) in cases {
        let mut tensors = both_without(&[name]);
        let name = format!("both/{name}");
        tensors.push((&name, shape));
        let error = error(&tensors, "both");
        let found = format!("tensor `{name}` has the shape {shape:?}, {expected}");
        assert!(error.contains(&found), "{error}");
    }
    // Biases of a GRU say where its reset gate is, and both directions the same.
    let gru: [(&str, &[usize]); 6] = [
        ("forward_a/kernel", &[3, 6]),
        ("forward_a/recurrent_kernel", &[2, 6]),
        ("forward_a/bias", &[2, 6]),
        ("backward_a/kernel", &[3, 6]),
        ("backward_a/recurrent_kernel", &[2, 6]),
        ("backward_a/bias", &[6]),
    ];
    let error = error(&gru, "");
    assert!(
        error.contains("`backward_a/bias` has the shape [6], expected [2, 6]"),
        "{error}"
    );
}
