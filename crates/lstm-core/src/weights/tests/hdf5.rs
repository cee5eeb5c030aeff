//! HDF5 of h5py, and Keras' archives of it: `tests/golden/keras/generate.py` made the files.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::{damage, damaged, keras_file, path, read_all};
use crate::weights::{Checkpoint, ElementType, Format, WeightsError};

#[derive(Deserialize)]
struct Golden {
    storage: Storage,
}

#[derive(Deserialize)]
struct Storage {
    matrix: Vec<f32>,
    half: Vec<f32>,
}

#[test]
fn datasets_are_read_however_they_are_stored() {
    let text = std::fs::read_to_string(keras_file("golden.json")).unwrap();
    let Golden { storage } = serde_json::from_str(&text).unwrap();
    for file in ["storage_earliest.h5", "storage_latest.h5"] {
        let checkpoint = Checkpoint::open(keras_file(file)).unwrap();
        for (name, element, values) in [
            ("contiguous", ElementType::F32, &storage.matrix),
            ("chunked", ElementType::F32, &storage.matrix),
            ("deflated", ElementType::F32, &storage.matrix),
            ("checked", ElementType::F32, &storage.matrix),
            ("growing", ElementType::F32, &storage.matrix),
            ("big_endian", ElementType::F32, &storage.matrix),
            ("double", ElementType::F64, &storage.matrix),
            ("half", ElementType::F16, &storage.half),
            ("brain", ElementType::BF16, &storage.half),
        ] {
            assert_eq!(
                checkpoint.entries()[name].element,
                element,
                "{name} of {file}"
            );
            let array = checkpoint.read(name).unwrap();
            assert_eq!(array.shape, [8, 16]);
            assert_eq!(&array.values, values, "{name} of {file}");
        }
        for (name, found) in [("integer", "i32"), ("text", "a string or list")] {
            let error = checkpoint.read(name).unwrap_err();
            assert!(
                error.to_string().contains(&format!("is of type {found}")),
                "{error}"
            );
        }
        // Not what a link leads to, be it another file's or the group's that it is in.
        assert_eq!(checkpoint.entries().len(), 11);
    }
}

#[test]
fn a_dataset_larger_than_all_memory_is_refused() {
    let opened = Checkpoint::open(keras_file("huge.h5"));
    let error = opened
        .and_then(|checkpoint| checkpoint.read("huge"))
        .unwrap_err();
    assert!(matches!(error, WeightsError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("4398046511104"), "{error}");
}

/// A copy of the Keras archive with entries replaced.
fn archive(path: &Path, replaced: &[(&str, &[u8])]) {
    let mut original = ZipArchive::new(File::open(keras_file("model.keras")).unwrap()).unwrap();
    let mut copy = ZipWriter::new(File::create(path).unwrap());
    for index in 0..original.len() {
        let mut entry = original.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if let Some((_, other)) = replaced.iter().find(|(replaced, _)| *replaced == name) {
            bytes = other.to_vec();
        }
        copy.start_file(name, SimpleFileOptions::default()).unwrap();
        copy.write_all(&bytes).unwrap();
    }
    copy.finish().unwrap();
}

fn config() -> String {
    let mut archive = ZipArchive::new(File::open(keras_file("model.keras")).unwrap()).unwrap();
    let mut config = String::new();
    let mut entry = archive.by_name("config.json").unwrap();
    entry.read_to_string(&mut config).unwrap();
    config
}

#[test]
fn settings_that_no_layer_here_has_are_refused() {
    let (_directory, path) = path("a.keras");
    let config = config();
    // The configuration has the layers in the order lstm, gru, bidirectional with a forward and a
    // backward GRU.
    let nth = |from: &str, to: &str, nth: usize| {
        let (place, _) = config.match_indices(from).nth(nth).expect("it is there");
        let (before, rest) = config.split_at(place);
        format!("{before}{to}{}", &rest[from.len()..])
    };
    let (tanh, relu) = (r#""activation": "tanh""#, r#""activation": "relu""#);
    let (sigmoid, hard) = (
        r#""recurrent_activation": "sigmoid""#,
        r#""recurrent_activation": "hard_sigmoid""#,
    );
    let (forward, backward) = (r#""go_backwards": false"#, r#""go_backwards": true"#);
    let custom = r#""activation": {"class_name": "function", "config": "mine"}"#;
    for (changed, layer, setting) in [
        (nth(tanh, relu, 0), "lstm", r#"activation "relu""#),
        (nth(tanh, custom, 1), "gru", "activation {"),
        (nth(tanh, relu, 2), "bidirectional", r#"activation "relu""#),
        (nth(tanh, relu, 3), "bidirectional", r#"activation "relu""#),
        (
            nth(sigmoid, hard, 0),
            "lstm",
            r#"recurrent_activation "hard_sigmoid""#,
        ),
        (
            nth(sigmoid, hard, 3),
            "bidirectional",
            r#"recurrent_activation "hard_sigmoid""#,
        ),
        (nth(forward, backward, 0), "lstm", "go_backwards true"),
        (
            nth(forward, backward, 2),
            "bidirectional",
            "go_backwards true",
        ),
        (
            nth(backward, forward, 0),
            "bidirectional",
            "go_backwards false",
        ),
        (
            nth(r#""merge_mode": "concat""#, r#""merge_mode": "sum""#, 0),
            "bidirectional",
            r#"merge_mode "sum""#,
        ),
        (
            nth(r#""merge_mode": "concat""#, r#""merge_mode": null"#, 0),
            "bidirectional",
            "merge_mode null",
        ),
    ] {
        archive(&path, &[("config.json", changed.as_bytes())]);
        let file = Format::Keras.open(&path).unwrap();
        let error = file.read(&format!("layers/{layer}")).unwrap_err();
        assert!(matches!(error, WeightsError::Unsupported { .. }), "{error}");
        assert!(
            error
                .to_string()
                .contains(&format!("has the setting {setting}")),
            "{error}"
        );
        // The others are as they were.
        for other in ["lstm", "gru", "bidirectional"] {
            assert_eq!(
                file.read(&format!("layers/{other}")).is_ok(),
                other != layer
            );
        }
    }
    // A function may be written as an object.
    let object = r#""activation": {"class_name": "function", "config": "tanh"}"#;
    archive(&path, &[("config.json", nth(tanh, object, 0).as_bytes())]);
    Format::Keras
        .open(&path)
        .unwrap()
        .read("layers/lstm")
        .unwrap();
}

#[test]
fn damaged_archives_say_what_is_damaged() {
    let (_directory, path) = path("a.keras");
    for (entry, bytes, expected) in [
        (
            "config.json",
            &b"{\"class_name\": "[..],
            "Keras model: its configuration",
        ),
        ("config.json", b"\xff", "entry `config.json`"),
        ("model.weights.h5", b"\x89HDF\r\n\x1a\n", "Keras file"),
        ("model.weights.h5", b"", "Keras file"),
    ] {
        archive(&path, &[(entry, bytes)]);
        let error = Format::Keras.open(&path).err().expect("it is damaged");
        assert!(matches!(error, WeightsError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let deep = "[".repeat(100_000);
    archive(&path, &[("config.json", deep.as_bytes())]);
    assert!(Format::Keras.open(&path).is_err());
    // Another program's configuration describes nothing.
    archive(&path, &[("config.json", b"[1]")]);
    assert_eq!(Format::Keras.open(&path).unwrap().prefixes().len(), 3);
}

#[test]
fn cut_files_are_errors_wherever_they_end() {
    for (file, step) in [
        ("model.weights.h5", 331),
        ("stack.h5", 331),
        ("model.keras", 503),
    ] {
        let (_directory, path) = path(file);
        let bytes = std::fs::read(keras_file(file)).unwrap();
        for end in (0..bytes.len()).step_by(step).chain([bytes.len() - 1]) {
            std::fs::write(&path, &bytes[..end]).unwrap();
            let error = Format::Keras.open(&path).err().expect("it is cut");
            assert!(error.to_string().contains(file), "{error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_files_never_panic((bytes, end) in damage(), file in 0usize..5) {
        let files = [
            "model.weights.h5", "stack.h5", "storage_earliest.h5", "storage_latest.h5", "model.keras",
        ];
        let (_directory, path) = path(files[file]);
        let whole = std::fs::read(keras_file(files[file])).unwrap();
        std::fs::write(&path, damaged(&whole, &bytes, end)).unwrap();
        read_all(&path);
    }
}
