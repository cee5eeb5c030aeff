//! safetensors whose headers lie.

use super::{golden, refused};

/// A file of this header and so many bytes of values.
fn file(header: &str, values: usize) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), &vec![0; values]].concat()
}

/// Two tensors of 8 and 4 bytes, the second described by `second`.
fn two(second: &str) -> String {
    let first = r#""weight_hh_l0":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;
    let header = format!(r#"{{{first},"weight_ih_l0":{{{second}}}}}"#);
    refused(&file(&header, 12))
}

fn damaged(message: &str) -> String {
    format!("FILE is not a complete safetensors file: {message}")
}

#[test]
fn a_header_that_lies_about_its_length_is_refused() {
    let bytes = golden("lstm.safetensors");
    let rest = bytes.len() - 8;
    let lying = |length: u64| refused(&[&length.to_le_bytes(), &bytes[8..]].concat());
    for length in [rest as u64 + 1, 1 << 40, u64::MAX] {
        let expected = format!(
            "its header claims {length} bytes, but {rest} follow (at most 100000000 are read)"
        );
        assert_eq!(lying(length), damaged(&expected));
    }
    let header = u64::from_le_bytes(*bytes.first_chunk().unwrap());
    for length in [1, header - 100, header + 100] {
        assert!(lying(length).starts_with(&damaged("")), "{length}");
    }
}

#[test]
fn tensors_that_do_not_lie_side_by_side_are_refused_by_name() {
    let at = |offsets: &str| {
        two(&format!(
            r#""dtype":"F32","shape":[1],"data_offsets":{offsets}"#
        ))
    };
    let place = |tensor: &str, at: &str, end: u64| {
        damaged(&format!(
            "tensor `{tensor}` is said to be at {at}, expected at {end}.. of 12 bytes of values"
        ))
    };
    // Overlapping, with a hole, backwards, beyond the end, beyond what a number can say.
    assert_eq!(at("[4,8]"), place("weight_ih_l0", "4..8", 8));
    assert_eq!(at("[9,12]"), place("weight_ih_l0", "9..12", 8));
    assert_eq!(at("[8,4]"), place("weight_ih_l0", "8..4", 8));
    assert_eq!(at("[8,16]"), place("weight_ih_l0", "8..16", 8));
    let end = u64::MAX;
    assert_eq!(
        at(&format!("[8,{end}]")),
        place("weight_ih_l0", &format!("8..{end}"), 8)
    );
    for offsets in [
        "[-8,12]",
        "[8]",
        "[8,12,16]",
        "[8.5,12]",
        "\"8\"",
        "[8,1e30]",
    ] {
        assert!(at(offsets).starts_with(&damaged("")), "{offsets}");
    }
}

#[test]
fn shapes_that_do_not_fit_their_bytes_are_refused_by_name() {
    let shaped = |dtype: &str, shape: &str| {
        let message = two(&format!(
            r#""dtype":"{dtype}","shape":{shape},"data_offsets":[8,12]"#
        ));
        let expected = "tensor `weight_ih_l0` has 4 bytes, but the shape ";
        assert!(message.starts_with(&damaged(expected)), "{message}");
    };
    shaped("F32", "[2]");
    shaped("F64", "[1]");
    shaped("I64", "[1]");
    shaped("F32", "[1000000000, 1000000000]");
    shaped("F32", "[4611686018427387904, 4]");
    shaped("F32", "[18446744073709551615, 18446744073709551615]");
}

#[test]
fn values_without_a_tensor_are_refused() {
    let header = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    assert_eq!(
        refused(&file(header, 8)),
        damaged("its tensors have 4 bytes, but 8 follow the header")
    );
    assert_eq!(
        refused(&file("{}", 8)),
        damaged("its tensors have 0 bytes, but 8 follow the header")
    );
}

#[test]
fn a_header_of_something_else_is_refused() {
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    for header in [
        "{",
        "{]",
        "{\"a\":1}",
        "{\"a\":{}}",
        "{\"__metadata__\":3}",
        &deep,
    ] {
        assert!(
            refused(&file(header, 0)).starts_with(&damaged("")),
            "{header:.20}"
        );
    }
    assert!(refused(b"\x02\0\0\0\0\0\0\0{\xff").starts_with(&damaged("")));
}

#[test]
fn types_that_hold_no_floats_are_refused_by_name() {
    for dtype in ["I64", "BOOL", "F8_E4M3", "F99"] {
        let bytes = match dtype {
            "I64" => 8,
            _ => 1,
        };
        let tensor = |name: &str, from: usize| {
            let to = from + 12 * bytes;
            format!(r#""{name}":{{"dtype":"{dtype}","shape":[4,3],"data_offsets":[{from},{to}]}}"#)
        };
        let square = |name: &str, from: usize| {
            let to = from + 4 * bytes;
            format!(r#""{name}":{{"dtype":"{dtype}","shape":[4,1],"data_offsets":[{from},{to}]}}"#)
        };
        let header = format!(
            "{{{},{}}}",
            tensor("weight_ih_l0", 0),
            square("weight_hh_l0", 12 * bytes)
        );
        assert_eq!(
            refused(&file(&header, 16 * bytes)),
            format!(
                "FILE: tensor `weight_ih_l0` is of type {}, expected f32, f64, f16 or bf16",
                dtype.to_lowercase()
            )
        );
    }
}
