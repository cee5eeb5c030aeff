//! Bytes that are no model: an error, never a panic.

use std::path::Path;

use burn::tensor::Device;
use proptest::prelude::*;
use prost::Message;

use super::written;
use crate::LstmConfig;
use crate::weights::error::WeightsError;
use crate::weights::format::Format;
use crate::weights::onnx::proto::Model;
use crate::weights::onnx::{OnnxInputs, OnnxModel, to_bytes};
use crate::weights::recurrent::RecurrentWeights;

fn exported() -> (RecurrentWeights, Vec<u8>) {
    let config = LstmConfig::new(2, 2)
        .with_layers(2)
        .with_bidirectional(true);
    let weights = config.init(&Device::flex()).weights();
    let inputs = OnnxInputs {
        lengths: true,
        initial_state: true,
    };
    let bytes = to_bytes(&weights, "", inputs).unwrap();
    (weights, bytes)
}

/// Reads everything that a file holds.
fn read_all(path: &Path) -> Result<Vec<RecurrentWeights>, WeightsError> {
    let model = OnnxModel::open(path)?;
    for node in model.nodes() {
        let _ = model.layer(node, &Device::flex());
    }
    let file = Format::Onnx.open(path)?;
    file.prefixes()
        .iter()
        .map(|prefix| file.read(prefix))
        .collect()
}

fn of_bytes(bytes: &[u8]) -> Result<Vec<RecurrentWeights>, WeightsError> {
    let (_folder, path) = written(bytes);
    read_all(&path)
}

#[test]
fn a_model_that_is_cut_short_is_an_error_that_names_it() {
    let (weights, bytes) = exported();
    let whole = Model::decode(&bytes[..]).unwrap();
    let after_graph = bytes.len() - whole.opset_import[0].encoded_len() - 2;
    for length in 0..bytes.len() {
        match of_bytes(&bytes[..length]) {
            // Only the version of the operators is missing.
            Ok(found) => assert_eq!((length, &found[0]), (after_graph, &weights)),
            Err(error) => assert!(error.to_string().contains("model.onnx"), "{error}"),
        }
    }
}

#[test]
fn what_is_no_model_is_refused_by_name() {
    let refused = |bytes: &[u8]| of_bytes(bytes).unwrap_err().to_string();
    let says = |bytes: &[u8], part: &str| {
        let message = refused(bytes);
        assert!(
            message.contains("model.onnx") && message.contains(part),
            "{message}"
        );
    };
    says(b"", "it is empty, expected an ONNX model");
    says(b"PK\x03\x04 is a zip archive", "begins with `PK");
    says(
        b"not protocol buffers at all",
        "begins with `not protocol buf`",
    );
    says(b"\x08\x08", "it has no graph");
    // The length of a header may look like the first field of a model.
    says(b"\x28\0\0\0\0\0\0\0{\"a\":", "it is a safetensors file");
    // A graph that is a number; one of more bytes than there are; a number that does not end.
    says(b"\x08\x08\x38\x01", "not a complete ONNX model");
    says(
        b"\x08\x08\x3a\xff\xff\xff\xff\x0f",
        "not a complete ONNX model",
    );
    says(
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "not a complete ONNX model",
    );
    // Groups within groups.
    let nested = [b"\x08\x08".to_vec(), vec![0x4b; 100_000]].concat();
    says(&nested, "not a complete ONNX model");
    // A node's name that is no text.
    says(
        b"\x08\x08\x3a\x05\x0a\x03\x1a\x01\xff",
        "not a complete ONNX model",
    );
}

#[test]
fn a_model_without_layers_says_so() {
    let (_folder, path) = written(b"\x08\x08\x3a\x00");
    let file = Format::Onnx.open(&path).unwrap();
    assert!(file.prefixes().is_empty());
    let message = file.read("rnn").unwrap_err().to_string();
    assert!(message.contains("it has none anywhere"), "{message}");
}

#[test]
fn a_directory_and_a_missing_file_are_errors_that_name_it() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("missing.onnx")] {
        let message = read_all(&path).unwrap_err().to_string();
        assert!(message.contains(&path.display().to_string()), "{message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = of_bytes(&bytes);
        // As a graph, and as the only node of one.
        for tag in [0x3a, 0x0a] {
            let inner = [&[tag, bytes.len().min(127) as u8], &bytes[..bytes.len().min(127)]].concat();
            let _ = of_bytes(&[b"\x08\x08\x3a", &[inner.len() as u8][..], &inner].concat());
        }
    }

    #[test]
    fn a_model_with_changed_bytes_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (_, mut bytes) = exported();
        for (place, value) in &changes {
            let place = place.index(bytes.len());
            bytes[place] = *value;
        }
        let _ = of_bytes(&bytes);
    }

    #[test]
    fn a_model_that_computes_its_weights_is_read_or_refused_with_changed_bytes(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = include_bytes!("../../../../tests/golden/onnx/pytorch_gru_dynamo_unfolded.onnx").to_vec();
        for (place, value) in &changes {
            let place = place.index(bytes.len());
            bytes[place] = *value;
        }
        let _ = of_bytes(&bytes);
    }
}

#[test]
fn a_file_larger_than_any_model_is_refused_without_reading_it() {
    let (_folder, path) = written(b"\x08\x08");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(1 << 40).unwrap();
    let message = read_all(&path).unwrap_err().to_string();
    assert!(
        message.contains("it has 1099511627776 bytes, more than"),
        "{message}"
    );
}
