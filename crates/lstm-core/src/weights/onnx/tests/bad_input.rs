//! Models that are complete, but are not what is read: an error names file, node and tensor.

use burn::tensor::Device;
use prost::Message;

use super::{
    HIDDEN, counted, error, floats, input_weight, int, integers, ints, lstm, model, named, node,
    recurrent_weight, string, weights, written,
};
use crate::weights::onnx::OnnxModel;
use crate::weights::onnx::proto::{Attribute, Model, Node, Tensor, data_type};
use crate::{GruState, RecurrentState, WeightsError};

fn with_attribute(attribute: Attribute) -> String {
    error(&model(
        vec![lstm(vec![attribute])],
        vec![input_weight(), recurrent_weight()],
    ))
}

fn with_weight(weight: Tensor) -> String {
    error(&model(vec![lstm(vec![])], vec![weight, recurrent_weight()]))
}

fn says(message: &str, parts: &[&str]) {
    assert!(message.contains("model.onnx"), "{message}");
    for part in parts {
        assert!(message.contains(part), "{message} lacks {part}");
    }
}

#[test]
fn what_no_layer_does_is_refused_by_name() {
    let mut clip = int("clip", 0);
    clip.f = Some(3.0);
    says(&with_attribute(clip), &["`rnn`", "±3 (clip)"]);
    says(
        &with_attribute(int("input_forget", 1)),
        &["`rnn`", "input_forget"],
    );
    says(
        &with_attribute(int("layout", 2)),
        &["`rnn`", "unknown attribute `layout` = 2"],
    );
    says(
        &with_attribute(int("speed", 7)),
        &["`rnn`", "unknown attribute `speed`"],
    );
    says(
        &with_attribute(string("direction", "up")),
        &["`rnn`", "direction `up`"],
    );
    says(
        &with_attribute(int("hidden_size", -1)),
        &["`rnn`", "hidden_size -1"],
    );
    let mut activations = string("activations", "");
    activations.strings = vec![b"Sigmoid".to_vec(), b"Relu".to_vec(), b"Tanh".to_vec()];
    says(
        &with_attribute(activations),
        &["`rnn`", "Relu", "[\"Sigmoid\", \"Tanh\", \"Tanh\"]"],
    );
}

#[test]
fn the_usual_activations_are_no_reason_to_refuse() {
    let mut activations = string("activations", "");
    activations.strings = ["sigmoid", "Tanh", "tanh"]
        .map(|name| name.as_bytes().to_vec())
        .into();
    let nodes = vec![lstm(vec![activations])];
    assert!(weights(&model(nodes, vec![input_weight(), recurrent_weight()])).is_ok());
}

fn with_inputs(inputs: &[&str], constants: Vec<Tensor>) -> Result<(), String> {
    let node = named(
        "rnn",
        node("LSTM", inputs, &["y"], vec![int("hidden_size", 2)]),
    );
    let constants = [constants, vec![input_weight(), recurrent_weight()]].concat();
    let found = weights(&model(vec![node], constants));
    found.map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn peepholes_are_refused_unless_they_are_zero() {
    let inputs = ["x", "W", "R", "", "", "", "", "P"];
    let peepholes = |value: f32| vec![floats("P", &[1, 6], &[value; 6])];
    assert_eq!(with_inputs(&inputs, peepholes(0.0)), Ok(()));
    let message = with_inputs(&inputs, peepholes(0.1)).unwrap_err();
    says(&message, &["`rnn`", "peephole"]);
}

#[test]
fn missing_weights_are_listed() {
    let message = with_inputs(&["x", "", "R"], vec![]).unwrap_err();
    says(
        &message,
        &["`rnn`", "missing [\"W\"]", "found [\"X\", \"R\"]"],
    );
    let message = with_inputs(&["x"], vec![]).unwrap_err();
    says(&message, &["missing [\"W\", \"R\"]"]);
}

#[test]
fn sizes_that_disagree_are_refused_with_both() {
    let message = with_weight(counted("W", &[1, 7, 3]));
    says(&message, &["W of rnn, W", "[1, 7, 3]", "[1, 8, 3]"]);
    let message = with_weight(counted("W", &[8, 3]));
    says(&message, &["W of rnn, W", "[8, 3]"]);
    let message = with_weight(floats("W", &[1, 8, 0], &[]));
    says(&message, &["W of rnn, W", "[1, 8, 0]"]);
    let nodes = vec![lstm(vec![string("direction", "bidirectional")])];
    let message = error(&model(nodes, vec![input_weight(), recurrent_weight()]));
    says(&message, &["R of rnn, R", "[1, 8, 2]", "[2, 8, 2]"]);
    let nodes = vec![lstm(vec![int("hidden_size", 5)])];
    let message = error(&model(nodes, vec![input_weight(), recurrent_weight()]));
    says(&message, &["R of rnn, R", "[1, 8, 2]", "[1, 20, 5]"]);
    let inputs = ["x", "W", "R", "B"];
    let message = with_inputs(&inputs, vec![counted("B", &[1, 8])]).unwrap_err();
    says(&message, &["B of rnn, B", "[1, 8]", "[1, 16]"]);
    let huge = vec![lstm(vec![int("hidden_size", i64::MAX)])];
    let message = error(&model(huge, vec![input_weight(), recurrent_weight()]));
    says(&message, &["R of rnn, R"]);
}

#[test]
fn weights_that_are_no_floats_are_refused_by_type() {
    let quantised = Tensor {
        data_type: Some(3),
        float_data: vec![],
        raw_data: Some(vec![1; 24].into()),
        ..input_weight()
    };
    says(
        &with_weight(quantised.clone()),
        &["W of rnn, W", "int8", "expected f32"],
    );
    says(
        &with_weight(integers("W", &[1; 24])),
        &["W of rnn, W", "int64", "expected f32"],
    );
    let nodes = vec![
        node("DequantizeLinear", &["quantised", "scale"], &["W"], vec![]),
        lstm(vec![]),
    ];
    let quantised = Tensor {
        name: Some("quantised".to_owned()),
        ..quantised
    };
    let message = error(&model(nodes, vec![quantised, recurrent_weight()]));
    says(
        &message,
        &[
            "`rnn`",
            "no constant W",
            "DequantizeLinear",
            "expected an initializer",
        ],
    );
    let mut quantised = named(
        "q",
        node("DynamicQuantizeLSTM", &["x", "W"], &["y"], vec![]),
    );
    quantised.domain = Some("com.microsoft".to_owned());
    says(
        &error(&model(vec![quantised], vec![])),
        &["`q` is a DynamicQuantizeLSTM"],
    );
}

#[test]
fn weights_from_outside_are_refused_by_name() {
    let message = error(&model(vec![lstm(vec![])], vec![recurrent_weight()]));
    says(
        &message,
        &["`rnn`", "no constant W: `W` comes from outside"],
    );
}

#[test]
fn a_tensor_whose_size_is_a_lie_is_refused_without_room_for_it() {
    let lies = |dims: &[i64]| Tensor {
        dims: dims.to_vec(),
        ..input_weight()
    };
    says(
        &with_weight(lies(&[1, 8, 4])),
        &["W of rnn, W", "holds 24 elements", "32"],
    );
    says(
        &with_weight(lies(&[1, -8, 3])),
        &["W of rnn, W", "dims are [1, -8, 3]"],
    );
    says(
        &with_weight(lies(&[1 << 40, 1 << 40, 3])),
        &["W of rnn, W", "overflow"],
    );
    says(
        &with_weight(lies(&[1 << 40, 1 << 40, 0])),
        &["W of rnn, W", "overflow"],
    );
    says(
        &with_weight(lies(&[1, 8, 1 << 50])),
        &["W of rnn, W", "holds 24 elements"],
    );
    says(
        &with_weight(lies(&[1; 1000])),
        &["W of rnn, W", "1000 axes"],
    );
    let raw = |dims: &[i64], bytes: usize| Tensor {
        float_data: vec![],
        raw_data: Some(vec![0; bytes].into()),
        ..lies(dims)
    };
    says(
        &with_weight(raw(&[1, 8, 3], 95)),
        &["W of rnn, W", "95 bytes", "96"],
    );
    says(
        &with_weight(raw(&[1, 8, 1 << 50], 96)),
        &["W of rnn, W", "96 bytes"],
    );
    let empty = Tensor {
        data_type: None,
        ..input_weight()
    };
    says(&with_weight(empty), &["W of rnn, W", "number 0 of ONNX"]);
    let doubles = Tensor {
        data_type: Some(data_type::DOUBLE),
        ..input_weight()
    };
    says(&with_weight(doubles), &["W of rnn, W", "holds 0 elements"]);
}

fn computed(nodes: Vec<Node>, constants: Vec<Tensor>) -> String {
    let nodes = [nodes, vec![lstm(vec![])]].concat();
    error(&model(
        nodes,
        [constants, vec![recurrent_weight()]].concat(),
    ))
}

#[test]
fn cycles_and_endless_chains_end() {
    let cycle = vec![
        node("Identity", &["a"], &["W"], vec![]),
        node("Identity", &["W"], &["a"], vec![]),
    ];
    says(&computed(cycle, vec![]), &["W of rnn, W", "a cycle"]);
    let joined = vec![node("Concat", &["W", "W"], &["W"], vec![int("axis", 0)])];
    says(&computed(joined, vec![]), &["W of rnn, W"]);
    let long: Vec<Node> = (0..100_000)
        .map(|i| {
            node(
                "Identity",
                &[&format!("v{}", i + 1)],
                &[&format!("v{i}")],
                vec![],
            )
        })
        .collect();
    let long = [long, vec![node("Identity", &["v0"], &["W"], vec![])]].concat();
    says(
        &computed(long, vec![]),
        &["W of rnn, W", "more than 128 nodes"],
    );

    // Nodes that are each other's lower layer, and one that is its own.
    let turn = |from: &str, to: &str| node("Squeeze", &[from], &[to], vec![ints("axes", &[1])]);
    let own = |mut node: Node, x: &str, y: &str| {
        (node.input[0], node.output[0]) = (x.to_owned(), y.to_owned());
        node
    };
    let nodes = vec![
        own(named("a", lstm(vec![])), "xa", "ya"),
        turn("ya", "xb"),
        own(named("b", lstm(vec![])), "xb", "yb"),
        turn("yb", "xa"),
        own(named("c", lstm(vec![])), "xc", "yc"),
        turn("yc", "xc"),
    ];
    let cyclic = model(nodes, vec![input_weight(), recurrent_weight()]);
    assert_eq!(super::stacks(&cyclic), ["a", "b", "c"]);
}

#[test]
fn few_nodes_cannot_ask_for_much_room_or_time() {
    let doubled = |first: &str| -> Vec<Node> {
        let step = |i: usize| {
            let from = match i {
                0 => first.to_owned(),
                i => format!("v{i}"),
            };
            node(
                "Concat",
                &[&from, &from],
                &[&format!("v{}", i + 1)],
                vec![int("axis", 0)],
            )
        };
        let last = node("Identity", &["v60"], &["W"], vec![]);
        (0..60).map(step).chain([last]).collect()
    };
    says(
        &computed(doubled("one"), vec![floats("one", &[1], &[1.0])]),
        &["W of rnn, W"],
    );
    // Without elements it is time that doubles.
    says(
        &computed(doubled("none"), vec![floats("none", &[0], &[])]),
        &["W of rnn, W", "more work"],
    );
    let expanded = vec![node("Expand", &["one", "shape"], &["W"], vec![])];
    let shape = || integers("shape", &[1 << 20, 1 << 20]);
    says(
        &computed(expanded, vec![floats("one", &[1], &[1.0]), shape()]),
        &["W of rnn, W", "more than the file accounts for"],
    );
    let filled = vec![node("ConstantOfShape", &["shape"], &["W"], vec![])];
    says(
        &computed(filled, vec![shape()]),
        &["more than the file accounts for"],
    );
    let rows = || floats("rows", &[1 << 40, 0], &[]);
    let joined = vec![node(
        "Concat",
        &["rows", "rows"],
        &["W"],
        vec![int("axis", 1)],
    )];
    says(
        &computed(joined, vec![rows()]),
        &["W of rnn, W", "[1099511627776, 0]"],
    );
}

#[test]
fn operators_that_do_not_fit_their_inputs_are_refused_by_name() {
    let weight = || counted("w", &[1, 8, 3]);
    let cases = [
        (
            node("Transpose", &["w"], &["W"], vec![ints("perm", &[0, 0, 1])]),
            "the axis 0 twice",
        ),
        (
            node("Transpose", &["w"], &["W"], vec![ints("perm", &[0])]),
            "perm is [0]",
        ),
        (
            node("Reshape", &["w", "list"], &["W"], vec![]),
            "reshapes [1, 8, 3] to [5, -1]",
        ),
        (node("Reshape", &["w"], &["W"], vec![]), "no shape"),
        (
            node("Squeeze", &["w"], &["W"], vec![ints("axes", &[1])]),
            "squeezes",
        ),
        (
            node("Unsqueeze", &["w"], &["W"], vec![ints("axes", &[9])]),
            "the axis 9",
        ),
        (
            node("Unsqueeze", &["w"], &["W"], vec![ints("axes", &[i64::MIN])]),
            "the axis",
        ),
        (
            node("Slice", &["w", "list"], &["W"], vec![]),
            "no starts or ends",
        ),
        (
            node("Slice", &["w", "list", "one"], &["W"], vec![]),
            "not equally many",
        ),
        (
            node("Slice", &["w", "one", "one", "one", "zero"], &["W"], vec![]),
            "step is 0",
        ),
        (
            node("Slice", &["w", "w", "w"], &["W"], vec![]),
            "starts are of type f32",
        ),
        (
            node("Concat", &["w", "list"], &["W"], vec![int("axis", 0)]),
            "joins",
        ),
        (node("Concat", &["w"], &["W"], vec![]), "no axis"),
        (node("Expand", &["w", "list"], &["W"], vec![]), "[5, -1]"),
        (
            node("Cast", &["w"], &["W"], vec![int("to", 3)]),
            "casts f32 to int8",
        ),
        (node("Gather", &["w", "one"], &["W"], vec![]), "gathers"),
        (
            node("Gather", &["list", "list"], &["W"], vec![]),
            "the axis 5 of 2",
        ),
        (node("Mul", &["w", "w"], &["W"], vec![]), "multiplies"),
        (node("Mul", &["most", "most"], &["W"], vec![]), "overflows"),
        (node("Identity", &[], &["W"], vec![]), "input 0 is missing"),
        (node("Constant", &[], &["W"], vec![]), "no value"),
    ];
    for (broken, part) in cases {
        let operator = broken.op_type().to_owned();
        let constants = vec![
            weight(),
            integers("list", &[5, -1]),
            integers("one", &[1]),
            integers("zero", &[0]),
            integers("most", &[i64::MAX]),
        ];
        let message = computed(vec![named("broken", broken)], constants);
        says(&message, &["W of rnn, W", "node `broken`", &operator, part]);
    }
}

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
