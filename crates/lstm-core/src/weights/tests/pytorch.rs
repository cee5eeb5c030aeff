//! Files that PyTorch 2.15 wrote, and what it gave for them: `tests/golden/pytorch/generate.py` made both.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use half::{bf16, f16};

use super::path;
use crate::tests::{assert_close, state_of, tensors_of};
use crate::weights::{Array, Checkpoint, ElementType, Format, RecurrentWeights, write_safetensors};
use crate::{Cell, Gru, GruConfig, Lengths, Lstm, LstmConfig, Mode, Recurrent, ResetGate};

fn golden(file: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pytorch");
    folder.join(file)
}

fn read(file: &str, prefix: &str) -> RecurrentWeights {
    Format::PyTorch
        .open(golden(file))
        .unwrap()
        .read(prefix)
        .unwrap()
}

/// Runs `layer` on what PyTorch's layer read, and compares everything with what that gave.
fn agrees(layer: &Recurrent, values: &str) {
    let values = Checkpoint::open(golden(values)).unwrap();
    let device = Device::flex().autodiff();
    let leaf = |name: &str| {
        let array = values.read(name).unwrap();
        let data = TensorData::new(array.values, array.shape);
        Tensor::<3>::from_data(data, &device).require_grad()
    };
    let of_layer: &[&str] = match layer {
        Recurrent::Lstm(_) => &["h0", "c0"],
        Recurrent::Gru(_) => &["h0"],
    };
    let x = leaf("input");
    let initial: Vec<Tensor<3>> = of_layer.iter().map(|name| leaf(name)).collect();
    let lengths = values.read_integers("lengths").unwrap();
    let lengths: Vec<usize> = lengths.iter().map(|length| *length as usize).collect();
    let lengths = Lengths::new(lengths, x.dims()[1]).unwrap();
    let (output, finals) = layer.forward(
        x.clone(),
        &lengths,
        Some(state_of(&initial)),
        Mode::Inference,
    );
    let finals = tensors_of(finals);
    let outputs = [&output].into_iter().chain(&finals);
    for (found, name) in outputs.clone().zip(["output", "h_n", "c_n"]) {
        same(found, &values.read(name).unwrap(), name);
    }

    // Each element has its own weight in the loss.
    let loss = outputs
        .map(|tensor| {
            let weights = (0..tensor.shape().num_elements()).map(|i| (i % 7) as f32 / 4.0 - 0.75);
            let weights = TensorData::new(weights.collect::<Vec<f32>>(), tensor.dims());
            (tensor.clone() * Tensor::from_data(weights, &device)).sum()
        })
        .reduce(|sum, part| sum + part)
        .unwrap();
    let gradients = loss.backward();
    for (leaf, name) in [x].iter().chain(&initial).zip(["input", "h0", "c0"]) {
        let name = format!("grad.{name}");
        same(
            &leaf.grad(&gradients).unwrap(),
            &values.read(&name).unwrap(),
            &name,
        );
    }
    let found = layer
        .weight_gradients(&gradients)
        .state_dict("grad")
        .unwrap();
    let leaves = 1 + initial.len();
    let expected = values
        .entries()
        .keys()
        .filter(|name| name.starts_with("grad."));
    assert_eq!(found.len() + leaves, expected.count());
    for (name, gradient) in found {
        let expected = values.read(&name).unwrap();
        assert_eq!(gradient.shape, expected.shape, "{name}");
        assert_close(&gradient.values, &expected.values, &name);
    }
}

fn same(found: &Tensor<3>, expected: &Array, what: &str) {
    assert_eq!(found.dims()[..], expected.shape, "{what}");
    let values: Vec<f32> = found.to_data().iter().collect();
    assert_close(&values, &expected.values, what);
}

#[test]
fn lstms_give_what_they_gave_in_pytorch() {
    let device = Device::flex().autodiff();
    for container in ["safetensors", "pt"] {
        for name in ["lstm", "lstm_projected"] {
            let path = golden(&format!("{name}.{container}"));
            let lstm = Lstm::from_pytorch(path, "", &device).unwrap();
            agrees(
                &Recurrent::Lstm(lstm),
                &format!("{name}_values.safetensors"),
            );
        }
    }
}

#[test]
fn grus_give_what_they_gave_in_pytorch() {
    let device = Device::flex().autodiff();
    for container in ["safetensors", "pt"] {
        let path = golden(&format!("gru.{container}"));
        let gru = Gru::from_pytorch(path, "", &device).unwrap();
        agrees(&Recurrent::Gru(gru), "gru_values.safetensors");
    }
}

#[test]
fn every_way_to_save_gives_the_same_bits() {
    let expected = read("trained.safetensors", "");
    for (file, prefix) in [
        ("checkpoint.pt", "model.encoder.rnn."),
        ("checkpoint.pt", "model.encoder.rnn"),
        ("data_parallel.pth", "module.rnn."),
        ("module.pt", ""),
        ("legacy.pt", ""),
        ("views.pt", ""),
    ] {
        assert_eq!(read(file, prefix), expected, "{file}");
    }
}

#[test]
fn layers_are_found_in_a_larger_checkpoint() {
    let file = Format::PyTorch.open(golden("checkpoint.pt")).unwrap();
    assert_eq!(file.prefixes(), ["model.encoder.rnn."]);
    let error = file.read("encoder.rnn").unwrap_err().to_string();
    assert!(
        error.ends_with(
            "has no LSTM or GRU of PyTorch at `encoder.rnn`; it has layers at `model.encoder.rnn.`"
        ),
        "{error}"
    );
}

#[test]
fn other_floats_are_converted_and_named() {
    let single = read("trained.safetensors", "");
    type Rounded = (&'static str, ElementType, fn(f32) -> f32);
    let rounded: [Rounded; 3] = [
        ("float64", ElementType::F64, |value| value),
        ("float16", ElementType::F16, |value| {
            f16::from_f32(value).to_f32()
        }),
        ("bfloat16", ElementType::BF16, |value| {
            bf16::from_f32(value).to_f32()
        }),
    ];
    for (name, from, round) in rounded {
        let mut expected = single.clone();
        for arrays in expected.layers.iter_mut().flatten() {
            let biases = [&mut arrays.input_bias, &mut arrays.recurrent_bias];
            let weights = [&mut arrays.input_weight, &mut arrays.recurrent_weight];
            let arrays = weights.into_iter().chain(biases.into_iter().flatten());
            for value in arrays.flat_map(|array| &mut array.values) {
                *value = round(*value);
            }
        }
        for container in ["pt", "safetensors"] {
            let found = read(&format!("{name}.{container}"), "");
            assert_eq!(found.layers, expected.layers, "{name}.{container}");
            let names: Vec<&str> = found.converted.iter().map(|c| c.tensor.as_str()).collect();
            assert_eq!(names.len(), 16, "{names:?}");
            assert!(names.contains(&"weight_hh_l1_reverse"), "{names:?}");
            assert!(
                found
                    .converted
                    .iter()
                    .all(|converted| converted.from == from)
            );
        }
    }
    assert!(single.converted.is_empty());
}

#[test]
fn cells_are_layers_of_one_direction() {
    let lstm = read("lstm_cell.pt", "cell");
    assert_eq!(
        (lstm.cell, lstm.layers.len(), lstm.directions()),
        (Cell::Lstm, 1, 1)
    );
    let gru = read("gru_cell.pt", "cell");
    assert_eq!(
        (gru.cell, gru.layers.len(), gru.directions()),
        (Cell::Gru, 1, 1)
    );
    assert_eq!((gru.d_input(), gru.d_hidden()), (3, 4));
}

#[test]
fn what_pytorch_wrote_is_written_back_with_the_same_bits() {
    let (_directory, path) = path("back.safetensors");
    for name in ["lstm", "lstm_projected", "gru"] {
        let original = golden(&format!("{name}.safetensors"));
        let device = Device::flex();
        let layer = Recurrent::from_file(Format::PyTorch, &original, "", &device).unwrap();
        layer.to_pytorch(&path, "rnn").unwrap();
        assert_eq!(tensors(&path, "rnn."), tensors(&original, ""), "{name}");
    }
}

#[test]
fn what_pytorch_has_not_is_refused_and_leaves_the_file_that_was_there() {
    let (_directory, path) = path("back.safetensors");
    std::fs::write(&path, "what was there").unwrap();
    let device = Device::flex();
    let limited = LstmConfig::new(2, 3).with_cell_clip(Some(1.0));
    let reset_before = GruConfig::new(2, 3).with_reset(ResetGate::BeforeProduct);
    let refused = [
        limited.init(&device).to_pytorch(&path, ""),
        reset_before.init(&device).to_pytorch(&path, ""),
    ];
    let messages = refused.map(|refused| refused.unwrap_err().to_string());
    assert_eq!(
        messages,
        [
            "PyTorch has no limit of the cell state",
            "PyTorch has no GRU with the reset gate before the product"
        ]
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"what was there");
}

/// All tensors of a file whose names begin with `prefix`, by the rest.
fn tensors(path: &PathBuf, prefix: &str) -> BTreeMap<String, Array> {
    let file = Checkpoint::open(path).unwrap();
    let names = file.entries().keys();
    names
        .map(|name| {
            let own = name.strip_prefix(prefix).unwrap().to_owned();
            (own, file.read(name).unwrap())
        })
        .collect()
}

#[test]
fn headers_of_every_length_are_safetensors() {
    // One that begins as a pickle or an archive would, for instance: 640 is 80 02.
    let (_directory, path) = path("a.safetensors");
    for letters in 1..800 {
        let name = "x".repeat(letters);
        let tensors = BTreeMap::from([(name.clone(), Array::new([1], vec![letters as f32]))]);
        write_safetensors(&path, &tensors).unwrap();
        let file = Checkpoint::open(&path).unwrap();
        assert_eq!(file.read(&name).unwrap().values, [letters as f32]);
    }
}
