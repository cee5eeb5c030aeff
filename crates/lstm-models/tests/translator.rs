//! A translator's bundle: what is saved comes back, and what does not fit is an error that says what.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use lstm_core::WeightDraws;
use lstm_models::bundle;
use lstm_models::{
    Beam, BpeOptions, Constraints, EncoderDecoderArchitecture, Languages, Sampler, Search,
    TARGET_TOKENIZER_FILE, Tied, TokenUnit, Tokenizer, Translation, Translator, TranslatorBundle,
    TranslatorConfig,
};
use serde_json::{Map, Value};
use tempfile::TempDir;

const SOURCES: [&str; 4] = [
    "ein mann sieht den hund .",
    "der hund sieht einen mann .",
    "zwei hunde",
    "",
];
const TARGETS: [&str; 2] = ["a man sees the dog .", "the dog sees a man , two dogs"];

/// An untrained translator, whose languages have one vocabulary or two.
fn translator(shared: bool) -> Translator {
    let learn = |lines: &[&str], size| {
        let options = BpeOptions {
            size,
            ..BpeOptions::default()
        };
        Tokenizer::bpe(lines.iter().copied(), &options).unwrap()
    };
    let target = (!shared).then(|| learn(&TARGETS, 265));
    let languages = Languages::new(learn(&SOURCES, 270), target, TokenUnit::BytePairs);
    let config = TranslatorConfig {
        source_vocab: languages.source_vocab(),
        target_vocab: languages.target_vocab(),
        architecture: EncoderDecoderArchitecture {
            d_embedding: 8,
            d_encoder: 6,
            d_decoder: 8,
            tied: if shared { Tied::All } else { Tied::Decoder },
            range: 2.0,
            ..EncoderDecoderArchitecture::default()
        },
    };
    let network = config.init_with(&mut WeightDraws::new(5, &Device::flex()));
    let parts = TranslatorBundle {
        config,
        unit: TokenUnit::BytePairs,
        shared_vocabulary: shared,
        longest_source: 12,
    };
    Translator::new(languages, network, parts)
}

fn saved(shared: bool) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let translator = translator(shared);
    translator.save(&directory, Map::new(), "# It\n").unwrap();
    directory
}

fn beam() -> Beam {
    Beam::new(3)
        .with_n_best(2)
        .with_constraints(Constraints::default().with_max_length(9))
}

fn translations(translator: &Translator, lines: &[&str]) -> Vec<Translation> {
    translator.translate(lines, beam()).unwrap()
}

/// What loading says of a bundle that `damage` was done to.
fn error_after(shared: bool, damage: impl FnOnce(&Path)) -> String {
    let directory = saved(shared);
    damage(directory.path());
    let error = Translator::load(&directory, &Device::flex()).unwrap_err();
    error.to_string()
}

fn set(directory: &Path, pointer: &str, value: Value) {
    let path = directory.join(bundle::CONFIG_FILE);
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    *config.pointer_mut(pointer).unwrap() = value;
    fs::write(&path, config.to_string()).unwrap();
}

#[test]
fn a_loaded_translator_translates_as_the_saved_one() {
    for shared in [false, true] {
        let directory = saved(shared);
        let has_its_own = directory.path().join(TARGET_TOKENIZER_FILE).exists();
        assert_eq!(has_its_own, !shared);
        let loaded = Translator::load(&directory, &Device::flex()).unwrap();
        let found = translations(&loaded, &SOURCES);
        assert_eq!(found, translations(&translator(shared), &SOURCES));
        assert!(found[0].best().log_probability < 0.0);
    }
}

#[test]
fn a_line_alone_is_translated_as_among_others() {
    let translator = translator(true);
    let together = translations(&translator, &SOURCES);
    for (source, together) in SOURCES.iter().zip(&together) {
        let alone = translations(&translator, &[source]);
        let texts = |translation: &Translation| -> Vec<String> {
            let candidates = translation.candidates.iter();
            candidates.map(|candidate| candidate.text.clone()).collect()
        };
        assert_eq!(texts(&alone[0]), texts(together));
        let [one, other] = [&alone[0], together].map(|found| found.best().score);
        assert!((one - other).abs() < 1e-5, "{one} {other}");
    }
}

#[test]
fn what_is_drawn_for_a_line_depends_on_its_number_and_the_seed() {
    let translator = translator(true);
    let drawn = |lines: &[&str], seed, first| -> Vec<String> {
        let limit = Constraints::default().with_max_length(9);
        let sampler = Sampler::new(seed).with_constraints(limit);
        let found = translator.translate(lines, Search::Sample { sampler, first });
        let texts = found
            .unwrap()
            .into_iter()
            .map(|found| found.best().text.clone());
        texts.collect()
    };
    let together = drawn(&SOURCES, 1, 0);
    assert_eq!(drawn(&SOURCES[1..2], 1, 1)[0], together[1]);
    assert_ne!(drawn(&SOURCES[1..2], 1, 0)[0], together[1]);
    assert_ne!(drawn(&SOURCES, 2, 0), together);
}

#[test]
fn attention_has_a_weight_for_each_token_and_place() {
    let found = translations(&translator(true), &SOURCES[..1]);
    let best = found[0].best();
    assert_eq!(found[0].source.last().unwrap(), "</s>");
    assert_eq!(best.attention.len(), best.tokens.len());
    for weights in &best.attention {
        assert_eq!(weights.len(), found[0].source.len());
        let whole: f32 = weights.iter().sum();
        assert!((whole - 1.0).abs() < 1e-5, "{whole}");
    }
}

#[test]
fn an_empty_line_has_an_empty_translation() {
    for found in translations(&translator(false), &["", "  ", "\t"]) {
        assert_eq!(found.candidates.len(), 1);
        assert_eq!(found.best().text, "");
        assert!(found.source.is_empty());
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let missing = error_after(false, |directory| {
        fs::remove_file(directory.join(TARGET_TOKENIZER_FILE)).unwrap();
    });
    assert!(missing.contains(TARGET_TOKENIZER_FILE), "{missing}");
    for (pointer, value, parts) in [
        (
            "/model/config/target_vocab",
            Value::from(300),
            ["target_vocab", "300"],
        ),
        (
            "/model/config/architecture/d_decoder",
            Value::from(0),
            ["d_decoder", "not 0"],
        ),
        (
            "/model/config/architecture/d_encoder",
            Value::from(16_000),
            ["d_encoder", "16000"],
        ),
        (
            "/model/config/architecture/tied",
            Value::from("all"),
            ["tied", "one vocabulary"],
        ),
        (
            "/model/config/architecture/attention",
            Value::from("dot"),
            ["attention", "12, not 8"],
        ),
        (
            "/task",
            Value::from("classifier"),
            ["classifier", "translator"],
        ),
    ] {
        let message = error_after(false, |directory| set(directory, pointer, value));
        for part in parts {
            assert!(message.contains(part), "no `{part}` in: {message}");
        }
    }
    // A tokenizer of other tokens.
    let swapped = error_after(false, |directory| {
        let other = Tokenizer::bpe(["xyz xyz xyz"], &BpeOptions::default()).unwrap();
        let path = directory.join(TARGET_TOKENIZER_FILE);
        fs::write(path, other.to_json().unwrap()).unwrap();
    });
    assert!(swapped.contains("target_vocab"), "{swapped}");
}
