//! Which nodes are one stack, and what it is called.

use super::{counted, floats, int, integers, ints, model, named, node, stacks, string, weights};
use crate::weights::onnx::proto::{Attribute, Model, Node};

const HIDDEN: usize = 2;

/// Two GRUs, `lower` and `upper`, of as many directions, and between them the nodes from `y` to `x`.
fn two(directions: usize, between: Vec<Node>, change: impl Fn(&mut Node, &mut Node)) -> Model {
    let direction = if directions == 2 {
        "bidirectional"
    } else {
        "forward"
    };
    let gru = |name: &str, x: &str, y: &str| {
        let own = |part: &str| format!("{name}.{part}");
        let attributes = vec![
            int("hidden_size", HIDDEN as i64),
            string("direction", direction),
        ];
        named(
            name,
            node("GRU", &[x, &own("W"), &own("R")], &[y], attributes),
        )
    };
    let (mut lower, mut upper) = (gru("lower", "input", "y"), gru("upper", "x", "output"));
    change(&mut lower, &mut upper);
    let weight = |name: &str, columns| counted(name, &[directions, 3 * HIDDEN, columns]);
    let constants = vec![
        weight("lower.W", 3),
        weight("lower.R", HIDDEN),
        weight("upper.W", directions * HIDDEN),
        weight("upper.R", HIDDEN),
        integers("merged", &[0, 0, -1]),
        integers("one", &[1]),
        integers("flat", &[-1, (directions * HIDDEN) as i64]),
    ];
    model([vec![lower], between, vec![upper]].concat(), constants)
}

fn unchanged(_: &mut Node, _: &mut Node) {}

fn perm(order: &[i64]) -> Vec<Attribute> {
    vec![ints("perm", order)]
}

/// Directions and features joined, as exporters do.
fn joined() -> Vec<Node> {
    vec![
        node("Transpose", &["y"], &["turned"], perm(&[0, 2, 1, 3])),
        node("Reshape", &["turned", "merged"], &["x"], vec![]),
    ]
}

#[test]
fn layers_between_which_directions_and_features_are_joined_are_one_stack() {
    let model = two(2, joined(), unchanged);
    assert_eq!(stacks(&model), ["lower"]);
    let weights = weights(&model).unwrap();
    assert_eq!(
        (
            weights.layers.len(),
            weights.directions(),
            weights.d_input()
        ),
        (2, 2, 3)
    );
}

#[test]
fn layers_between_which_the_direction_is_dropped_are_one_stack() {
    let by_input = vec![node("Squeeze", &["y", "one"], &["x"], vec![])];
    assert_eq!(stacks(&two(1, by_input, unchanged)), ["lower"]);
    let by_attribute = vec![
        node("Squeeze", &["y"], &["squeezed"], vec![ints("axes", &[1])]),
        node("Dropout", &["squeezed"], &["x"], vec![]),
    ];
    assert_eq!(stacks(&two(1, by_attribute, unchanged)), ["lower"]);
    assert_eq!(stacks(&two(1, joined(), unchanged)), ["lower"]);
}

#[test]
fn layers_between_which_time_and_batch_change_places_twice_are_one_stack() {
    let twice = vec![
        node("Squeeze", &["y", "one"], &["squeezed"], vec![]),
        node(
            "Transpose",
            &["squeezed"],
            &["batch_first"],
            perm(&[1, 0, 2]),
        ),
        node("Identity", &["batch_first"], &["same"], vec![]),
        node("Transpose", &["same"], &["x"], perm(&[1, 0, 2])),
    ];
    assert_eq!(stacks(&two(1, twice, unchanged)), ["lower"]);
    let once = vec![
        node("Squeeze", &["y", "one"], &["squeezed"], vec![]),
        node("Transpose", &["squeezed"], &["x"], perm(&[1, 0, 2])),
    ];
    assert_eq!(stacks(&two(1, once, unchanged)), ["lower", "upper"]);
}

#[test]
fn layers_with_the_batch_first_are_one_stack() {
    let joined = vec![node("Reshape", &["y", "merged"], &["x"], vec![])];
    let batch_first = |lower: &mut Node, upper: &mut Node| {
        lower.attribute.push(int("layout", 1));
        upper.attribute.push(int("layout", 1));
    };
    assert_eq!(stacks(&two(2, joined.clone(), batch_first)), ["lower"]);
    assert_eq!(stacks(&two(2, joined, unchanged)), ["lower", "upper"]);
}

#[test]
fn a_shape_that_is_known_only_when_the_model_runs_joins_too() {
    let computed = vec![
        node("Transpose", &["y"], &["turned"], perm(&[0, 2, 1, 3])),
        node("Shape", &["turned"], &["shape"], vec![]),
        node("Reshape", &["turned", "shape"], &["x"], vec![]),
    ];
    assert_eq!(stacks(&two(2, computed, unchanged)), ["lower"]);
}

#[test]
fn layers_between_which_something_is_computed_are_apart() {
    let relu = vec![
        node("Squeeze", &["y", "one"], &["squeezed"], vec![]),
        node("Relu", &["squeezed"], &["x"], vec![]),
    ];
    assert_eq!(stacks(&two(1, relu, unchanged)), ["lower", "upper"]);
    let flat = vec![node("Reshape", &["y", "flat"], &["x"], vec![])];
    assert_eq!(stacks(&two(1, flat, unchanged)), ["lower", "upper"]);
}

#[test]
fn layers_that_differ_are_apart() {
    type Change = fn(&mut Node, &mut Node);
    let changes: [Change; 6] = [
        |_, upper| upper.op_type = Some("LSTM".to_owned()),
        |_, upper| upper.attribute.push(int("linear_before_reset", 1)),
        |_, upper| upper.attribute.push(string("direction", "reverse")),
        |_, upper| upper.attribute.push(int("hidden_size", 3)),
        |_, upper| upper.input.push("upper.B".to_owned()),
        |_, upper| upper.input.extend(["", "lengths"].map(str::to_owned)),
    ];
    for change in changes {
        assert_eq!(stacks(&two(1, joined(), change)), ["lower", "upper"]);
    }
}

#[test]
fn an_output_that_two_layers_read_is_the_end_of_a_stack() {
    let mut model = two(1, joined(), unchanged);
    let graph = model.graph.as_mut().unwrap();
    let mut third = graph.node.last().unwrap().clone();
    (third.name, third.output) = (Some("third".to_owned()), vec!["other".to_owned()]);
    graph.node.push(third);
    assert_eq!(stacks(&model), ["lower", "upper", "third"]);
}

#[test]
fn nodes_without_names_or_with_the_same_are_called_after_their_place() {
    let without = |lower: &mut Node, upper: &mut Node| {
        lower.name = None;
        upper.name = Some(String::new());
    };
    assert_eq!(stacks(&two(1, vec![], without)), ["GRU_0", "GRU_1"]);
    let same = |lower: &mut Node, upper: &mut Node| {
        lower.name = Some("GRU_1".to_owned());
        upper.name = Some("GRU_1".to_owned());
    };
    assert_eq!(stacks(&two(1, vec![], same)), ["GRU_1", "GRU_2"]);
}

#[test]
fn a_beginning_that_only_one_stack_has_is_enough() {
    use prost::Message;
    let bytes = two(1, vec![], unchanged).encode_to_vec();
    let (_folder, path) = super::written(&bytes);
    let file = crate::Format::Onnx.open(path).unwrap();
    assert_eq!(file.prefixes(), ["lower", "upper"]);
    assert!(file.read("upper").is_ok());
    assert!(file.read("up").is_ok());
    let message = file.read("").unwrap_err().to_string();
    assert!(
        message.contains("it has layers at `lower`, `upper`"),
        "{message}"
    );
}

#[test]
fn states_that_a_model_holds_are_refused_unless_they_are_zero() {
    let with = |state: Vec<f32>| {
        let mut model = two(1, joined(), |lower, _| {
            lower.input.extend(["", "", "state"].map(str::to_owned));
        });
        let graph = model.graph.as_mut().unwrap();
        graph.initializer.push(floats("state", &[1, 1, 2], &state));
        weights(&model)
    };
    assert!(with(vec![0.0; 2]).is_ok());
    let message = with(vec![0.0, 0.5]).unwrap_err().to_string();
    assert!(
        message.contains("`lower` has a constant initial_h"),
        "{message}"
    );
}
