//! Constants that cannot be computed, or ask for too much: an error names file, node and tensor.

use super::{
    counted, error, floats, input_weight, int, integers, ints, lstm, model, named, node,
    recurrent_weight, says,
};
use crate::weights::onnx::proto::{Node, Tensor};

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
