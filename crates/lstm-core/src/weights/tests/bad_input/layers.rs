//! Sound files whose tensors make no layer.

use std::collections::BTreeMap;

use burn::tensor::Device;

use super::{path, read, without_path};
use crate::weights::{Array, Format, write_safetensors};
use crate::{Lstm, LstmConfig};

type Tensors = BTreeMap<String, Array>;

/// The tensors of an LSTM of two layers, from 3 features to 4.
fn lstm() -> Tensors {
    let (_directory, path) = path("weights");
    let (_other, changed) = super::path("changed.safetensors");
    let weights = read(&path, &super::golden("lstm.safetensors")).unwrap();
    let layers = weights.layers.into_iter().map(|layer| layer[..1].to_vec());
    let mut weights = crate::weights::RecurrentWeights {
        layers: layers.collect(),
        ..weights
    };
    // Both directions were below the second layer.
    let below = &mut weights.layers[1][0].input_weight;
    *below = Array::new([4, 16], below.values[..64].to_vec());
    Format::PyTorch.write(&weights, &changed, "").unwrap();
    weights.state_dict("").unwrap()
}

fn zeros(shape: &[usize]) -> Array {
    Array::new(shape, vec![0.0; shape.iter().product()])
}

/// What is wrong with the layer at `prefix`, after a change to its tensors.
fn refused_at(prefix: &str, change: impl FnOnce(&mut Tensors)) -> String {
    let (_directory, path) = path("weights.safetensors");
    let mut tensors = lstm();
    change(&mut tensors);
    write_safetensors(&path, &tensors).unwrap();
    let file = Format::PyTorch.open(&path).unwrap();
    without_path(&file.read(prefix).unwrap_err(), &path)
}

fn refused(change: impl FnOnce(&mut Tensors)) -> String {
    refused_at("", change)
}

/// The start of what is said of names that make no layer.
fn incomplete(missing: &str, unknown: &str) -> String {
    format!(
        "FILE: the layer at `` is not complete: missing {missing}, unknown {unknown}, found [\"bias_"
    )
}

#[test]
fn missing_tensors_are_named() {
    for name in lstm().keys() {
        let message = refused(|tensors| drop(tensors.remove(name)));
        let expected = incomplete(&format!("[{name:?}]"), "[]");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn unknown_tensors_are_named() {
    for name in ["weight_ix_l0", "weight_ih_l01", "peephole"] {
        let message = refused(|tensors| drop(tensors.insert(name.to_owned(), zeros(&[16, 4]))));
        let expected = incomplete("[]", &format!("[{name:?}]"));
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn a_layer_number_beyond_all_others_asks_for_those_between() {
    let name = format!("weight_ih_l{}", usize::MAX);
    let message = refused(|tensors| drop(tensors.insert(name.clone(), zeros(&[16, 4]))));
    assert!(message.contains("\"weight_hh_l2\""), "{message}");
    assert!(
        message.contains(&format!("unknown [{name:?}]")),
        "{message}"
    );
}

#[test]
fn names_of_two_layers_mixed_are_named() {
    // One layer has a reverse direction, the other has not.
    let message = refused(|tensors| {
        tensors.insert("weight_ih_l0_reverse".to_owned(), zeros(&[16, 3]));
    });
    for missing in [
        "weight_hh_l0_reverse",
        "weight_ih_l1_reverse",
        "bias_ih_l0_reverse",
    ] {
        assert!(message.contains(missing), "{message}");
    }
    // A cell's names among a layer's.
    let message = refused(|tensors| {
        tensors.insert("weight_ih".to_owned(), zeros(&[16, 3]));
    });
    assert!(message.contains("unknown [\"weight_ih\"]"), "{message}");
}

#[test]
fn tensors_of_an_lstm_and_a_gru_mixed_are_named() {
    let message = refused(|tensors| {
        tensors.insert("weight_hh_l0".to_owned(), zeros(&[12, 4]));
    });
    // By its recurrent weight it is a GRU, whose input weight has three gates.
    assert!(
        message.starts_with("FILE: tensor `weight_ih_l0` has the shape [16, 3], expected [12, 3]"),
        "{message}"
    );
}

#[test]
fn sizes_that_disagree_are_named() {
    let shape = |name: &str, shape: &[usize]| {
        refused(|tensors| drop(tensors.insert(name.to_owned(), zeros(shape))))
    };
    let expected = |name: &str, found: &str, expected: &str| {
        format!("FILE: tensor `{name}` has the shape {found}, expected {expected}")
    };
    assert_eq!(
        shape("weight_hh_l1", &[20, 5]),
        expected("weight_hh_l1", "[20, 5]", "[16, 4]")
    );
    assert_eq!(
        shape("weight_ih_l1", &[16, 5]),
        expected("weight_ih_l1", "[16, 5]", "[16, 4]")
    );
    assert_eq!(
        shape("bias_hh_l0", &[15]),
        expected("bias_hh_l0", "[15]", "[16]")
    );
    assert_eq!(
        shape("weight_hh_l0", &[17, 4]),
        expected(
            "weight_hh_l0",
            "[17, 4]",
            "[4 * 4, 4] of an LSTM or [3 * 4, 4] of a GRU"
        )
    );
    for wrong in [&[16][..], &[16, 4, 1], &[], &[0, 4], &[16, 0]] {
        assert_eq!(
            shape("weight_hh_l0", wrong),
            expected(
                "weight_hh_l0",
                &format!("{wrong:?}"),
                "a matrix with sizes above 0"
            )
        );
    }
}

#[test]
fn a_plain_rnn_is_refused() {
    let message = refused(|tensors| {
        tensors.insert("weight_hh_l0".to_owned(), zeros(&[4, 4]));
    });
    assert_eq!(
        message,
        "FILE: the layer at `` has no gates: it is a plain RNN, expected an LSTM or a GRU"
    );
}

#[test]
fn a_prefix_without_a_layer_lists_those_that_have_one() {
    assert_eq!(
        refused_at("decoder", |_| ()),
        "FILE has no LSTM or GRU of PyTorch at `decoder`; it has layers at ``"
    );
    assert_eq!(
        refused_at("", |tensors| {
            *tensors = Tensors::from([("head.weight".to_owned(), zeros(&[2, 2]))]);
        }),
        "FILE has no LSTM or GRU of PyTorch at ``; it has none anywhere"
    );
}

/// What is wrong with a layer of this crate's own of these tensors.
fn refused_of_ours(tensors: &[(&str, &[usize])]) -> String {
    let (_directory, path) = path("weights.safetensors");
    let tensors = tensors.iter().map(|(name, shape)| {
        let name = format!("rnn.layers.{name}_weight");
        (name, zeros(shape))
    });
    write_safetensors(&path, &tensors.collect()).unwrap();
    let file = Format::Native.open(&path).unwrap();
    without_path(&file.read("rnn").unwrap_err(), &path)
}

#[test]
fn directions_that_take_no_bytes_are_refused_without_room_for_them() {
    let message = refused_of_ours(&[
        ("0.input", &[1, 3, 4]),
        ("0.recurrent", &[1, 1, 4]),
        ("1.input", &[1 << 40, 0, 4]),
        ("1.recurrent", &[1 << 40, 0, 4]),
    ]);
    assert_eq!(
        message,
        "FILE: tensor `rnn.layers.1.input_weight` has the shape [1099511627776, 0, 4], expected \
         [directions, d_input, gates * d_hidden] of one or two directions"
    );
}

#[test]
fn sizes_that_disagree_are_refused_with_the_file_and_the_layer() {
    let message = refused_of_ours(&[
        ("0.input", &[1, 3, 4]),
        ("0.recurrent", &[1, 1, 4]),
        ("1.input", &[1, 7, 4]),
        ("1.recurrent", &[1, 1, 4]),
    ]);
    assert_eq!(
        message,
        "FILE: the layer at `rnn.`: the input weight of layer 1 is [7, 4], expected [1, 4]"
    );
}

#[test]
fn values_that_their_shape_does_not_have_are_refused() {
    let layer = LstmConfig::new(3, 4).init(&Device::flex());
    let mut weights = layer.weights();
    weights.layers[0][0].recurrent_weight.values.pop();
    let error = layer.with_weights(&weights).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the recurrent weight of layer 0 is 63 values, expected as many as [4, 16] has"
    );
}

#[test]
fn another_cell_than_the_layers_is_refused_with_the_file() {
    let (_directory, path) = path("weights");
    std::fs::write(&path, super::golden("gru.safetensors")).unwrap();
    let error = Lstm::from_pytorch(&path, "", &Device::flex()).unwrap_err();
    assert_eq!(
        without_path(&error, &path),
        "FILE: the layer at ``: the weights are those of a GRU with the reset gate after the product, \
         expected an LSTM"
    );
}
