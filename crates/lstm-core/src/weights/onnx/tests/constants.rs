//! Weights that a model computes, and however they are stored.

use half::{bf16, f16};
use prost::Message;

use super::{
    INPUT, counted, first_weight, floats, input_weight, int, integers, ints, lstm, model, node,
    plain, recurrent_weight, weights, written,
};
use crate::weights::array::ElementType;
use crate::weights::format::Format;
use crate::weights::onnx::proto::{Node, StringStringEntry, Tensor, data_type};

/// That the nodes, which compute `W`, give 1, 2, 3, … of its shape `[1, 8, 3]`.
fn gives_plain(nodes: Vec<Node>, constants: Vec<Tensor>) {
    let nodes = [nodes, vec![lstm(vec![])]].concat();
    let constants = [constants, vec![recurrent_weight()]].concat();
    assert_eq!(weights(&model(nodes, constants)).unwrap(), plain());
}

#[test]
fn gates_are_put_into_our_order() {
    // ONNX has i, o, f, c of two rows each; ours are i, f, g, o.
    let weight = first_weight(&plain()).clone();
    assert_eq!(weight.shape, [3, 8]);
    assert_eq!(
        weight.values[..8],
        [1.0, 4.0, 13.0, 16.0, 19.0, 22.0, 7.0, 10.0]
    );
}

#[test]
fn a_constant_node_is_a_constant() {
    let mut value = super::string("value", "");
    value.t = Some(input_weight());
    gives_plain(vec![node("Constant", &[], &["W"], vec![value])], vec![]);
}

#[test]
fn transposed_and_reshaped_weights_are_followed() {
    let turned: Vec<f32> = (0..24)
        .map(|place| (place % 8 * 3 + place / 8 + 1) as f32)
        .collect();
    gives_plain(
        vec![
            node(
                "Transpose",
                &["turned"],
                &["matrix"],
                vec![ints("perm", &[1, 0])],
            ),
            node("Identity", &["matrix"], &["same"], vec![]),
            node("Reshape", &["same", "shape"], &["W"], vec![]),
        ],
        vec![
            floats("turned", &[3, 8], &turned),
            integers("shape", &[1, -1, 3]),
        ],
    );
}

#[test]
fn axes_come_from_inputs_and_from_attributes_of_older_versions() {
    gives_plain(
        vec![node("Unsqueeze", &["matrix", "axes"], &["W"], vec![])],
        vec![counted("matrix", &[8, 3]), integers("axes", &[0])],
    );
    gives_plain(
        vec![node(
            "Unsqueeze",
            &["matrix"],
            &["W"],
            vec![ints("axes", &[-3])],
        )],
        vec![counted("matrix", &[8, 3])],
    );
    gives_plain(
        vec![node("Squeeze", &["more"], &["W"], vec![ints("axes", &[1])])],
        vec![counted("more", &[1, 1, 8, 3])],
    );
    gives_plain(
        vec![node("Squeeze", &["more", "axes"], &["W"], vec![])],
        vec![counted("more", &[1, 1, 8, 3]), integers("axes", &[-4])],
    );
}

#[test]
fn gates_that_are_cut_apart_and_joined_again_are_followed() {
    gives_plain(
        vec![
            node(
                "Slice",
                &["turned", "four", "eight", "axis"],
                &["first"],
                vec![],
            ),
            node(
                "Slice",
                &["turned"],
                &["second"],
                vec![
                    ints("starts", &[0]),
                    ints("ends", &[-4]),
                    ints("axes", &[1]),
                ],
            ),
            node("Concat", &["first", "second"], &["W"], vec![int("axis", 1)]),
        ],
        vec![
            // The last four rows first.
            floats(
                "turned",
                &[1, 8, 3],
                &(13..=24)
                    .chain(1..=12)
                    .map(|x| x as f32)
                    .collect::<Vec<_>>(),
            ),
            integers("four", &[4]),
            integers("eight", &[i64::MAX]),
            integers("axis", &[1]),
        ],
    );
}

#[test]
fn slices_may_step_and_go_backwards() {
    let reversed: Vec<f32> = (1..=24).rev().map(|x| x as f32).collect();
    gives_plain(
        vec![node(
            "Slice",
            &["reversed", "from", "to", "axes", "steps"],
            &["W"],
            vec![],
        )],
        vec![
            floats("reversed", &[1, 8, 3], &reversed),
            integers("from", &[-1, -1]),
            integers("to", &[i64::MIN, -100]),
            integers("axes", &[1, 2]),
            integers("steps", &[-1, -1]),
        ],
    );
    let doubled: Vec<f32> = (1..=24).flat_map(|x| [x as f32, 0.0]).collect();
    gives_plain(
        vec![node(
            "Slice",
            &["doubled", "from", "to", "axes", "steps"],
            &["W"],
            vec![],
        )],
        vec![
            floats("doubled", &[1, 8, 6], &doubled),
            integers("from", &[0]),
            integers("to", &[6]),
            integers("axes", &[2]),
            integers("steps", &[2]),
        ],
    );
}

#[test]
fn borders_that_are_computed_from_shapes_are_followed() {
    gives_plain(
        vec![
            node("Shape", &["long"], &["shape"], vec![]),
            node(
                "Gather",
                &["shape", "one"],
                &["sixteen"],
                vec![int("axis", 0)],
            ),
            node(
                "Shape",
                &["R"],
                &["eight"],
                vec![int("start", 1), int("end", 2)],
            ),
            node("Mul", &["eight", "two"], &["product"], vec![]),
            node(
                "Slice",
                &["long", "eight", "product", "one"],
                &["part"],
                vec![],
            ),
            node("Slice", &["part", "zero", "sixteen", "one"], &["W"], vec![]),
        ],
        vec![
            floats(
                "long",
                &[1, 16, 3],
                &(-23..=24).map(|x| x as f32).collect::<Vec<_>>(),
            ),
            integers("zero", &[0]),
            integers("one", &[1]),
            integers("two", &[2]),
        ],
    );
}

#[test]
fn expanded_weights_are_followed() {
    let mut value = super::string("value", "");
    value.t = Some(floats("", &[1], &[0.5]));
    let nodes = vec![
        node("ConstantOfShape", &["shape"], &["W"], vec![value]),
        node("Expand", &["row", "shape_r"], &["R"], vec![]),
        lstm(vec![]),
    ];
    let constants = vec![
        integers("shape", &[1, 8, 3]),
        integers("shape_r", &[1, 8, 2]),
        floats("row", &[8, 1], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]),
    ];
    let found = weights(&model(nodes, constants)).unwrap();
    assert_eq!(first_weight(&found).values, [0.5; 24]);
    let recurrent = &found.layers[0][0].recurrent_weight.values;
    assert_eq!(recurrent[..8], recurrent[8..]);
    assert_eq!(recurrent[..8], [1.0, 2.0, 5.0, 6.0, 7.0, 8.0, 3.0, 4.0]);
}

#[test]
fn other_floats_are_converted_and_said_so() {
    let values = || (1..=24).map(|x| x as f32);
    let tensor = |data_type: i32, bytes: Vec<u8>| Tensor {
        data_type: Some(data_type),
        float_data: vec![],
        raw_data: Some(bytes.into()),
        ..input_weight()
    };
    let raw = [
        tensor(
            data_type::DOUBLE,
            values().flat_map(|x| f64::from(x).to_le_bytes()).collect(),
        ),
        tensor(
            data_type::FLOAT16,
            values()
                .flat_map(|x| f16::from_f32(x).to_le_bytes())
                .collect(),
        ),
        tensor(
            data_type::BFLOAT16,
            values()
                .flat_map(|x| bf16::from_f32(x).to_le_bytes())
                .collect(),
        ),
    ];
    let mut fields = raw.clone().map(|tensor| Tensor {
        raw_data: None,
        ..tensor
    });
    fields[0].double_data = values().map(f64::from).collect();
    fields[1].int32_data = values()
        .map(|x| i32::from(f16::from_f32(x).to_bits()))
        .collect();
    fields[2].int32_data = values()
        .map(|x| i32::from(bf16::from_f32(x).to_bits()))
        .collect();
    let types = [ElementType::F64, ElementType::F16, ElementType::BF16];
    for tensors in [raw, fields] {
        for (tensor, element) in tensors.into_iter().zip(&types) {
            let model = model(vec![lstm(vec![])], vec![tensor, recurrent_weight()]);
            let mut found = weights(&model).unwrap();
            assert_eq!(found.converted.len(), 1);
            assert_eq!(
                (&found.converted[0].tensor[..], &found.converted[0].from),
                ("W", element)
            );
            found.converted.clear();
            assert_eq!(found, plain());
        }
    }
}

/// `W` in another file, as its entries say.
fn external(entries: &[(&str, &str)]) -> Tensor {
    let entry = |(key, value): &(&str, &str)| StringStringEntry {
        key: Some((*key).to_owned()),
        value: Some((*value).to_owned()),
    };
    Tensor {
        float_data: vec![],
        external_data: entries.iter().map(entry).collect(),
        data_location: Some(1),
        ..input_weight()
    }
}

#[test]
fn weights_in_another_file_of_the_folder_are_read() {
    let model = model(
        vec![lstm(vec![])],
        vec![
            external(&[
                ("location", "data/w.bin"),
                ("offset", "8"),
                ("length", "96"),
            ]),
            recurrent_weight(),
        ],
    );
    let (folder, path) = written(&model.encode_to_vec());
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let bytes: Vec<u8> = (-1..=24).flat_map(|x| (x as f32).to_le_bytes()).collect();
    std::fs::write(folder.path().join("data/w.bin"), bytes).unwrap();
    let found = Format::Onnx.open(path).unwrap().read("rnn").unwrap();
    assert_eq!(found, plain());
}

#[test]
fn weights_in_a_file_outside_or_too_short_or_missing_are_refused_by_name() {
    let refused = |entries: &[(&str, &str)]| {
        let model = model(
            vec![lstm(vec![])],
            vec![external(entries), recurrent_weight()],
        );
        let (folder, path) = written(&model.encode_to_vec());
        std::fs::write(folder.path().join("short.bin"), [0; 95]).unwrap();
        Format::Onnx
            .open(path)
            .unwrap()
            .read("rnn")
            .unwrap_err()
            .to_string()
    };
    for outside in ["../w.bin", "/etc/passwd", "a/../../w.bin", ""] {
        let message = refused(&[("location", outside)]);
        assert!(message.contains("W of rnn, W"), "{message}");
        assert!(
            message.contains("expected a file in the model's folder"),
            "{message}"
        );
    }
    let message = refused(&[("location", "short.bin")]);
    assert!(
        message.contains("its 96 bytes at 0 are not in"),
        "{message}"
    );
    let message = refused(&[
        ("location", "short.bin"),
        ("offset", "18446744073709551615"),
    ]);
    assert!(message.contains("are not in"), "{message}");
    let message = refused(&[("location", "short.bin"), ("length", "95")]);
    assert!(message.contains("it has 95 bytes"), "{message}");
    let message = refused(&[("location", "short.bin"), ("offset", "x")]);
    assert!(message.contains("its offset is `x`"), "{message}");
    let message = refused(&[("location", "missing.bin")]);
    assert!(
        message.contains("cannot read") && message.contains("missing.bin"),
        "{message}"
    );
}

#[test]
fn an_initializer_that_is_an_input_too_is_a_constant() {
    // As in models before IR version 4.
    let mut model = model(vec![lstm(vec![])], vec![input_weight(), recurrent_weight()]);
    let graph = model.graph.as_mut().unwrap();
    graph.input = ["x", "W", "R"]
        .map(|name| crate::weights::onnx::proto::ValueInfo {
            name: Some(name.to_owned()),
            r#type: None,
        })
        .to_vec();
    assert_eq!(weights(&model).unwrap(), plain());
    assert_eq!(first_weight(&plain()).shape[0], INPUT);
}
