//! Bundles: what is saved comes back, and every damage is an error that says what is wrong where.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use common::{TEXTS, architecture, architectures, classifier};
use lstm_core::{Cell, Mode, WeightDraws};
use lstm_models::bundle::{self, BundleError};
use lstm_models::{Classifier, Pooling};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

fn saved(classifier: &Classifier) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let training = Map::from_iter([("seed".to_owned(), json!(3))]);
    classifier
        .save(&directory, training, "# A classifier\n")
        .unwrap();
    directory
}

/// A bundle of a bidirectional LSTM with attention.
fn bundle() -> TempDir {
    saved(&classifier(
        architecture(Cell::Lstm, Pooling::Attention, true),
        &Device::flex(),
    ))
}

fn weights(directory: &TempDir) -> Vec<u8> {
    fs::read(directory.path().join(bundle::WEIGHTS_FILE)).unwrap()
}

/// What loading says of a bundle that `damage` was done to.
fn error_after(damage: impl FnOnce(&Path)) -> (BundleError, String) {
    let directory = bundle();
    damage(directory.path());
    let error = Classifier::load(&directory, &Device::flex()).unwrap_err();
    let message = error.to_string();
    (error, message)
}

fn assert_mentions(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no `{part}` in: {message}");
    }
}

/// Sets the value at a JSON pointer of `config.json`.
fn set(directory: &Path, pointer: &str, value: Value) {
    let path = directory.join(bundle::CONFIG_FILE);
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    config.pointer_mut(parent).unwrap()[key] = value;
    fs::write(path, config.to_string()).unwrap();
}

fn config_error(pointer: &str, value: Value) -> String {
    let (error, message) = error_after(|directory| set(directory, pointer, value));
    assert!(matches!(error, BundleError::Config { .. }), "{error:?}");
    message
}

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn change_tensors(directory: &Path, change: impl FnOnce(&mut Tensors)) {
    let path = directory.join(bundle::WEIGHTS_FILE);
    let bytes = fs::read(&path).unwrap();
    let mut tensors: Tensors = SafeTensors::deserialize(&bytes)
        .unwrap()
        .iter()
        .map(|(name, view)| {
            let parts = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
            (name.to_owned(), parts)
        })
        .collect();
    change(&mut tensors);
    let views = tensors.iter().map(|(name, (dtype, shape, data))| {
        (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn a_loaded_classifier_answers_as_the_saved_one() {
    let device = Device::flex();
    for architecture in architectures() {
        let classifier = classifier(architecture, &device);
        let loaded = Classifier::load(saved(&classifier), &device).unwrap();
        assert_eq!(
            loaded.classify_all(&TEXTS).unwrap(),
            classifier.classify_all(&TEXTS).unwrap()
        );
        assert_eq!(loaded.labels(), classifier.labels());
        assert_eq!(loaded.parts().prior, classifier.parts().prior);
        assert_eq!(loaded.parts().config, classifier.parts().config);
    }
}

#[test]
fn identical_weights_give_identical_bytes() {
    let original = classifier(
        architecture(Cell::Gru, Pooling::Last, false),
        &Device::flex(),
    );
    let first = saved(&original);
    assert_eq!(weights(&first), weights(&saved(&original)));
    let loaded = Classifier::load(&first, &Device::flex()).unwrap();
    let again = saved(&loaded);
    for file in [
        bundle::CONFIG_FILE,
        bundle::TOKENIZER_FILE,
        bundle::WEIGHTS_FILE,
        bundle::README_FILE,
    ] {
        assert_eq!(
            fs::read(first.path().join(file)).unwrap(),
            fs::read(again.path().join(file)).unwrap(),
            "{file}"
        );
    }
}

#[test]
fn the_task_is_readable_before_the_rest() {
    let directory = bundle();
    assert_eq!(bundle::read_task(directory.path()).unwrap(), "classifier");
}

#[test]
fn a_missing_file_is_named() {
    for file in [
        bundle::CONFIG_FILE,
        bundle::TOKENIZER_FILE,
        bundle::WEIGHTS_FILE,
    ] {
        let (_, message) = error_after(|directory| {
            fs::remove_file(directory.join(file)).unwrap();
        });
        assert_mentions(&message, &["cannot read", file, "No such file"]);
    }
    let nowhere = Classifier::load("no/such/bundle", &Device::flex()).unwrap_err();
    assert_mentions(&nowhere.to_string(), &["no/such/bundle", "config.json"]);
}

#[test]
fn the_readme_is_for_people() {
    let directory = bundle();
    fs::remove_file(directory.path().join(bundle::README_FILE)).unwrap();
    assert!(Classifier::load(&directory, &Device::flex()).is_ok());
}

#[test]
fn a_cut_or_empty_file_is_an_error() {
    for file in [
        bundle::CONFIG_FILE,
        bundle::TOKENIZER_FILE,
        bundle::WEIGHTS_FILE,
    ] {
        let whole = fs::read(bundle().path().join(file)).unwrap();
        for length in [0, 1, 7, 8, 9, whole.len() / 2, whole.len() - 2] {
            let (error, message) = error_after(|directory| {
                fs::write(directory.join(file), &whole[..length]).unwrap();
            });
            assert!(!matches!(error, BundleError::Read { .. }), "{error:?}");
            assert_mentions(&message, &[file]);
        }
    }
}

#[test]
fn a_file_of_something_else_is_an_error() {
    for file in [
        bundle::CONFIG_FILE,
        bundle::TOKENIZER_FILE,
        bundle::WEIGHTS_FILE,
    ] {
        for contents in [&b"[1, 2, 3]"[..], b"null", b"\xff\xfe\x00", &[b'['; 5000]] {
            let (_, message) = error_after(|directory| {
                fs::write(directory.join(file), contents).unwrap();
            });
            assert_mentions(&message, &[file]);
        }
    }
}

#[test]
fn another_version_is_named() {
    let (error, message) = error_after(|directory| {
        set(directory, "/format_version", json!(2));
        // Whatever else the other version has.
        set(directory, "/novelty", json!(true));
    });
    assert!(matches!(error, BundleError::Version { found: 2, .. }));
    assert_mentions(&message, &["config.json", "version 2", "reads version 1"]);
}

#[test]
fn another_task_is_named() {
    let (error, message) = error_after(|directory| set(directory, "/task", json!("translator")));
    assert!(matches!(error, BundleError::Task { .. }));
    assert_mentions(&message, &["config.json", "`translator`", "`classifier`"]);
}

#[test]
fn unknown_keys_are_refused_at_every_level() {
    for level in ["", "/model", "/model/config", "/model/config/architecture"] {
        let message = config_error(&format!("{level}/d_hiden"), json!(8));
        assert_mentions(&message, &["config.json", "unknown field `d_hiden`"]);
    }
}

/// Defaults are for recipes: a bundle whose pooling got lost must not pool in another way.
#[test]
fn a_missing_key_is_named_and_gets_no_default() {
    let (error, message) = error_after(|directory| {
        let path = directory.join(bundle::CONFIG_FILE);
        let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let architecture = &mut config["model"]["config"]["architecture"];
        architecture.as_object_mut().unwrap().remove("pooling");
        fs::write(path, config.to_string()).unwrap();
    });
    assert!(matches!(error, BundleError::Config { .. }), "{error:?}");
    let key = "the key `model.config.architecture.pooling` is missing";
    assert_mentions(&message, &["config.json", key]);
}

#[test]
fn values_out_of_range_are_named() {
    for (pointer, value, parts) in [
        (
            "/model/config/architecture/d_hidden",
            json!(0),
            "at least 1",
        ),
        ("/model/config/architecture/layers", json!(0), "at least 1"),
        (
            "/model/config/architecture/word_dropout",
            json!(1.0),
            "[0, 1)",
        ),
        ("/model/config/architecture/cell", json!("rnn"), "`rnn`"),
        ("/model/config/classes", json!(0), "at least 1"),
        (
            "/model/config/classes",
            json!(3),
            "labels: has 2 entries for 3 classes",
        ),
        (
            "/model/labels",
            json!(["good"]),
            "labels: has 1 entries for 2 classes",
        ),
        (
            "/model/prior",
            json!([1.0]),
            "prior: has 1 entries for 2 classes",
        ),
        (
            "/model/labels",
            json!(["good", "good"]),
            "labels: has `good` twice",
        ),
        ("/model/prior", json!([0.5, 0.6]), "add up to 1"),
        ("/model/prior", json!([-0.5, 1.5]), "add up to 1"),
        ("/model/config/vocab", json!(5), "tokenizer.json has"),
        ("/model/max_tokens", json!(-1), "-1"),
    ] {
        let message = config_error(pointer, value);
        assert_mentions(&message, &["config.json", parts]);
    }
}

#[test]
fn absurd_sizes_are_refused_before_anything_is_allocated() {
    let absurd = json!(1_000_000_000_000_u64);
    let key = |name: &str| format!("/model/config/architecture/{name}");
    for (name, within_bounds) in [
        ("d_embedding", 16_000),
        ("d_hidden", 16_000),
        ("layers", 60),
        ("subword_buckets", 16_000_000),
    ] {
        for size in [absurd.clone(), json!(u64::MAX)] {
            let message = config_error(&key(name), size.clone());
            assert_mentions(
                &message,
                &["config.json", name, &size.to_string(), "at most"],
            );
        }
        // A size that a model may have, but not one with this file's weights.
        let message = config_error(&key(name), json!(within_bounds));
        assert_mentions(&message, &["config.json", name, "model.safetensors"]);
    }
    let message = config_error("/model/config/vocab", absurd);
    assert_mentions(&message, &["vocab: 1000000000000", "tokenizer.json has"]);
    // As large as the file's values allow: the shapes do not fit, and nothing has that much memory.
    for name in ["d_embedding", "d_hidden"] {
        let (error, _) = error_after(|directory| set(directory, &key(name), json!(2000)));
        assert!(matches!(error, BundleError::Tensor { .. }), "{error:?}");
    }
}

#[test]
fn a_missing_and_an_unknown_tensor_are_named() {
    let (error, message) = error_after(|directory| {
        change_tensors(directory, |tensors| {
            let bias = tensors.remove("output_bias").unwrap();
            tensors.insert("output_bais".to_owned(), bias);
        });
    });
    assert!(matches!(error, BundleError::Names { .. }));
    assert_mentions(
        &message,
        &[
            "model.safetensors",
            r#"missing ["output_bias"]"#,
            r#"unknown ["output_bais"]"#,
        ],
    );
}

#[test]
fn a_tensor_of_another_shape_or_type_is_named() {
    let (error, message) = error_after(|directory| {
        change_tensors(directory, |tensors| {
            // The right number of values, but transposed.
            tensors.get_mut("output_weight").unwrap().1.reverse();
        });
    });
    assert!(matches!(error, BundleError::Tensor { .. }));
    let parts = ["`output_weight`", "F32 [2, 12]", "expected F32 [12, 2]"];
    assert_mentions(&message, &parts);

    for dtype in [Dtype::I32, Dtype::U32] {
        let (error, message) = error_after(|directory| {
            change_tensors(directory, |tensors| {
                tensors.get_mut("embedding").unwrap().0 = dtype;
            });
        });
        assert!(matches!(error, BundleError::Tensor { .. }));
        let found = format!("is {dtype:?} [");
        assert_mentions(&message, &["`embedding`", &found, "expected F32 ["]);
    }
}

#[test]
fn a_weight_that_is_not_a_number_is_named() {
    for value in [f32::NAN, f32::INFINITY] {
        let (error, message) = error_after(|directory| {
            change_tensors(directory, |tensors| {
                let data = &mut tensors.get_mut("output_weight").unwrap().2;
                data[4 * 5..4 * 6].copy_from_slice(&value.to_le_bytes());
            });
        });
        assert!(matches!(error, BundleError::NotFinite { .. }));
        let held = format!("holds {value} at place 5");
        assert_mentions(&message, &["model.safetensors", "`output_weight`", &held]);
    }
}

#[test]
fn a_header_that_lies_about_its_length_is_an_error() {
    for length in [0, 3, 1 << 20, 1 << 40, u64::MAX] {
        let (error, message) = error_after(|directory| {
            let path = directory.join(bundle::WEIGHTS_FILE);
            let mut bytes = fs::read(&path).unwrap();
            bytes[..8].copy_from_slice(&length.to_le_bytes());
            fs::write(path, bytes).unwrap();
        });
        assert!(matches!(error, BundleError::Weights { .. }), "{error:?}");
        assert_mentions(
            &message,
            &["model.safetensors", "not a complete safetensors"],
        );
    }
}

#[test]
fn bytes_after_the_last_tensor_are_an_error() {
    let (error, _) = error_after(|directory| {
        let path = directory.join(bundle::WEIGHTS_FILE);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend([0; 16]);
        fs::write(path, bytes).unwrap();
    });
    assert!(matches!(error, BundleError::Weights { .. }), "{error:?}");
}

#[test]
fn another_tokenizer_is_refused() {
    let change = |key: &str, id: Value| {
        error_after(|directory| {
            let path = directory.join(bundle::TOKENIZER_FILE);
            let mut json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            json["model"]["vocab"][key] = id;
            fs::write(path, json.to_string()).unwrap();
        })
        .1
    };
    // An id that is no row of the embedding.
    let message = change("film", json!(4_000_000_000_u32));
    assert_mentions(&message, &["tokenizer.json", "`film` has id 4000000000"]);
    // One word more than the embedding has rows.
    let message = change("surplus", json!(17));
    assert_mentions(&message, &["tokenizer.json has"]);

    let (_, message) = error_after(|directory| {
        let path = directory.join(bundle::TOKENIZER_FILE);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace("<pad>", "[PAD]")).unwrap();
    });
    assert_mentions(&message, &["tokenizer.json", "`<pad>` with id 0"]);
}

#[test]
fn padding_and_truncation_of_a_tokenizers_file_are_ignored() {
    let directory = bundle();
    let before = Classifier::load(&directory, &Device::flex()).unwrap();
    let path = directory.path().join(bundle::TOKENIZER_FILE);
    let mut json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    json["padding"] = json!({
        "strategy": "BatchLongest",
        "direction": "Left",
        "pad_to_multiple_of": null,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "<pad>",
    });
    json["truncation"] = json!({
        "direction": "Right",
        "max_length": 2,
        "strategy": "LongestFirst",
        "stride": 0,
    });
    fs::write(path, json.to_string()).unwrap();
    let after = Classifier::load(&directory, &Device::flex()).unwrap();
    assert_eq!(
        after.classify_all(&TEXTS).unwrap(),
        before.classify_all(&TEXTS).unwrap()
    );
}

#[test]
fn a_loaded_module_keeps_its_device_and_learns() {
    let device = Device::flex().autodiff();
    let directory = bundle();
    let loaded = Classifier::load(&directory, &device).unwrap();
    let batch = common::batch(&loaded, &["a good film"], &device);
    let logits = loaded.model().forward(&batch, Mode::Inference);
    let mut count = GradientCount {
        gradients: &logits.sum().backward(),
        with: 0,
        without: 0,
    };
    loaded.model().visit(&mut count);
    assert_eq!((count.with > 0, count.without), (true, 0));
}

/// Counts the parameters with and without a gradient.
struct GradientCount<'a> {
    gradients: &'a Gradients,
    with: usize,
    without: usize,
}

impl ModuleVisitor for GradientCount<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        match param.val().grad(self.gradients) {
            Some(_) => self.with += 1,
            None => self.without += 1,
        }
    }
}

#[test]
fn placeholders_and_drawn_weights_load_the_same() {
    let directory = bundle();
    let loaded = Classifier::load(&directory, &Device::flex()).unwrap();
    let drawn = loaded
        .parts()
        .config
        .init_with(&mut WeightDraws::new(9, &Device::flex()));
    let path = Path::new(bundle::WEIGHTS_FILE);
    let filled = bundle::weights_from_bytes(path, &weights(&directory), drawn).unwrap();
    assert_eq!(
        bundle::weights_to_bytes(&filled),
        bundle::weights_to_bytes(loaded.model())
    );
}
