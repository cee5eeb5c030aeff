//! What a sound model is asked for and has not, and what its nodes are run on.

use burn::tensor::Device;
use prost::Message;

use super::{HIDDEN, error, input_weight, lstm, model, recurrent_weight, says, string, written};
use crate::weights::onnx::OnnxModel;
use crate::weights::onnx::proto::Model;
use crate::{GruState, RecurrentState, WeightsError};

#[test]
fn a_node_or_stack_that_is_not_there_is_answered_with_those_that_are() {
    let (_folder, path) = written(&reverse().encode_to_vec());
    let model = OnnxModel::open(path).unwrap();
    let message = model
        .layer("other", &Device::flex())
        .err()
        .unwrap()
        .to_string();
    says(&message, &["of ONNX at `other`", "layers at `rnn`"]);
    let message = model.weights("other").unwrap_err().to_string();
    says(&message, &["of ONNX at `other`", "layers at `rnn`"]);
}

fn reverse() -> Model {
    let nodes = vec![lstm(vec![string("direction", "reverse")])];
    model(nodes, vec![input_weight(), recurrent_weight()])
}

#[test]
fn a_node_that_only_reads_in_reverse_is_a_layer_but_no_weights() {
    says(
        &error(&reverse()),
        &["`rnn` only reads in reverse", "OnnxModel::layer"],
    );
    let (_folder, path) = written(&reverse().encode_to_vec());
    let model = OnnxModel::open(path).unwrap();
    assert!(model.layer("rnn", &Device::flex()).is_ok());
}

#[test]
fn what_a_node_is_run_on_must_fit_it() {
    let (_folder, path) = written(&reverse().encode_to_vec());
    let layer = OnnxModel::open(path)
        .unwrap()
        .layer("rnn", &Device::flex())
        .unwrap();
    let zeros = |shape: [usize; 3]| burn::tensor::Tensor::<3>::zeros(shape, &Device::flex());
    let refused = |x, lengths, state| match layer.forward(x, lengths, state) {
        Err(WeightsError::Size {
            what,
            found,
            expected,
        }) => format!("{what}: {found}, {expected}"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it ran"),
    };
    assert_eq!(
        refused(zeros([5, 2, 4]), None, None),
        "the input's features: [4], [3]"
    );
    assert_eq!(
        refused(zeros([5, 2, 3]), Some(&[5]), None),
        "the number of sequence_lens: [1], [2]"
    );
    assert_eq!(
        refused(zeros([5, 2, 3]), Some(&[5, 6]), None),
        "a length in sequence_lens (of sequence 1): 6, at most 5"
    );
    let state = |batch| {
        let hidden = zeros([1, batch, HIDDEN]);
        let cell = hidden.clone();
        RecurrentState::Lstm(crate::LstmState { hidden, cell })
    };
    assert_eq!(
        refused(zeros([5, 2, 3]), None, Some(state(3))),
        "the hidden state: [1, 3, 2], [1, 2, 2]"
    );
    let of_gru = RecurrentState::Gru(GruState {
        hidden: zeros([1, 2, HIDDEN]),
    });
    assert_eq!(
        refused(zeros([5, 2, 3]), None, Some(of_gru)),
        "the state: that of a GRU, that of the other cell"
    );
    assert!(
        layer
            .forward(zeros([0, 2, 3]), None, Some(state(2)))
            .is_ok()
    );
    assert!(layer.forward(zeros([5, 0, 3]), None, None).is_ok());
}
