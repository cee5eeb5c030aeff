//! A summarizer's bundle and its answers: what is saved comes back, no document is too much, and what does not fit is
//! an error that says what.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use lstm_core::WeightDraws;
use lstm_models::bundle;
use lstm_models::{
    Beam, Constraints, EncoderDecoderArchitecture, MAX_DOCUMENT, Sampler, Search, Summarizer,
    SummarizerBundle, SummarizerConfig, Summary, SummaryTexts, Tied, TokenUnit, Tokenizer,
    WordOptions,
};
use serde_json::{Map, Value};
use tempfile::TempDir;

const DOCUMENTS: [&str; 4] = [
    "amanda : i baked cookies . do you want some ? jerry : sure !",
    "",
    "jerry",
    "zwiebel kowalski zwiebel quux",
];

/// An untrained summarizer, with coverage or without.
fn summarizer(coverage: bool) -> Summarizer {
    let tokenizer = Tokenizer::words([DOCUMENTS[0]], &WordOptions::default()).unwrap();
    let texts = SummaryTexts::new(tokenizer, TokenUnit::Words, 400);
    let config = SummarizerConfig {
        vocab: texts.vocab(),
        architecture: EncoderDecoderArchitecture {
            d_embedding: 8,
            d_encoder: 6,
            d_decoder: 8,
            tied: Tied::All,
            range: 2.0,
            ..EncoderDecoderArchitecture::default()
        },
    };
    let network = config.init_with(&mut WeightDraws::new(5, &Device::flex()));
    let parts = SummarizerBundle {
        config,
        unit: TokenUnit::Words,
        max_document: 400,
        coverage,
    };
    Summarizer::new(texts, network, parts)
}

fn saved() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let summarizer = summarizer(true);
    summarizer.save(&directory, Map::new(), "# It\n").unwrap();
    directory
}

fn beam() -> Beam {
    let constraints = Constraints::default()
        .with_min_length(3)
        .with_max_length(9)
        .with_no_repeat_ngram(3);
    Beam::new(3).with_n_best(2).with_constraints(constraints)
}

fn summaries(summarizer: &Summarizer, documents: &[&str]) -> Vec<Summary> {
    summarizer.summarize(documents, beam()).unwrap()
}

/// What loading says of a bundle that `damage` was done to.
fn error_after(damage: impl FnOnce(&Path)) -> String {
    let directory = saved();
    damage(directory.path());
    let error = Summarizer::load(&directory, &Device::flex()).unwrap_err();
    error.to_string()
}

fn set(directory: &Path, pointer: &str, value: Value) {
    let path = directory.join(bundle::CONFIG_FILE);
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    *config.pointer_mut(pointer).unwrap() = value;
    fs::write(&path, config.to_string()).unwrap();
}

#[test]
fn a_loaded_summarizer_sums_up_as_the_saved_one() {
    let loaded = Summarizer::load(saved(), &Device::flex()).unwrap();
    let found = summaries(&loaded, &DOCUMENTS);
    assert_eq!(found, summaries(&summarizer(true), &DOCUMENTS));
    assert!(found[0].best().log_probability < 0.0);
    assert!(loaded.parts().coverage);
}

#[test]
fn a_document_alone_is_summed_up_as_among_others() {
    for coverage in [false, true] {
        let summarizer = summarizer(coverage);
        let together = summaries(&summarizer, &DOCUMENTS);
        for (document, together) in DOCUMENTS.iter().zip(&together) {
            let alone = &summaries(&summarizer, &[document])[0];
            let texts = |summary: &Summary| -> Vec<String> {
                let candidates = summary.candidates.iter();
                candidates.map(|candidate| candidate.text.clone()).collect()
            };
            assert_eq!(texts(alone), texts(together));
            let [one, other] = [alone, together].map(|found| found.best().score);
            assert!((one - other).abs() < 1e-5, "{one} {other}");
        }
    }
}

#[test]
fn an_empty_document_has_an_empty_summary() {
    let summarizer = summarizer(true);
    for document in ["", " \n\t "] {
        let summary = &summaries(&summarizer, &[document])[0];
        assert_eq!(summary.best().text, "");
        assert!(summary.is_found() && summary.source.is_empty());
        assert_eq!(summary.document.of, 0);
    }
    assert!(summaries(&summarizer, &[]).is_empty());
}

#[test]
fn each_token_says_what_it_looked_at() {
    let summary = &summaries(&summarizer(true), &DOCUMENTS)[0];
    assert_eq!(summary.source.len(), summary.document.read + 1);
    assert_eq!(summary.source.last().unwrap(), "</s>");
    for candidate in &summary.candidates {
        assert!((3..=9).contains(&candidate.tokens.len()));
        for token in &candidate.tokens {
            assert!((0.0..=1.0).contains(&token.copied), "{token:?}");
            let shares: f32 = token.copied_from().map(|(_, share)| share).sum();
            assert!((shares - token.copied).abs() < 1e-5, "{token:?}");
            for (place, text) in summary.source.iter().enumerate() {
                assert_eq!(token.places.contains(&place), *text == token.text);
            }
            assert_eq!(token.attention.len(), summary.source.len());
            let sum: f32 = token.attention.iter().sum();
            assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        }
    }
}

#[test]
fn a_word_outside_the_vocabulary_is_copied_and_one_outside_the_document_is_not() {
    // No word of this document is in the vocabulary.
    for coverage in [false, true] {
        let summary = &summaries(&summarizer(coverage), &[DOCUMENTS[3]])[0];
        let mut lent = 0;
        for token in summary.candidates.iter().flat_map(|found| &found.tokens) {
            let stands_there = summary.source.contains(&token.text);
            assert_eq!(token.copied, f32::from(u8::from(stands_there)), "{token:?}");
            assert!(token.copied.is_sign_positive());
            assert_eq!(token.places.is_empty(), !stands_there);
            lent += usize::from(stands_there);
        }
        assert!(lent > 0, "{summary:?}");
    }
}

#[test]
fn of_unknown_words_only_these_and_known_ones_are_written() {
    let summarizer = summarizer(false);
    let beam = Beam::new(20)
        .with_n_best(20)
        .with_constraints(Constraints::default().with_min_length(4).with_max_length(4));
    let summary = &summarizer.summarize(&[DOCUMENTS[3]], beam).unwrap()[0];
    let texts = summary.candidates.iter().map(|candidate| &candidate.text);
    let all: Vec<&String> = texts.collect();
    let copies = |text: &String| text.contains("kowalski") || text.contains("zwiebel");
    assert!(all.iter().any(|text| copies(text)), "{all:?}");
    assert!(all.iter().all(|text| !text.contains("<unk>")), "{all:?}");
}

#[test]
fn a_document_of_a_hundred_thousand_words_is_cut_and_says_so() {
    let document = "amanda wants qwertz and cookies . ".repeat(20_000);
    let summary = &summaries(&summarizer(true), &[&document])[0];
    assert_eq!((summary.document.read, summary.document.of), (400, 120_000));
    assert!(summary.document.is_cut() && summary.is_found());
}

#[test]
fn summaries_can_be_drawn() {
    let summarizer = summarizer(true);
    let sampler = Sampler {
        constraints: Constraints::default().with_max_length(9),
        ..Sampler::new(3)
    };
    let draw = |documents: &[&str], first| {
        let search = Search::Sample { sampler, first };
        summarizer.summarize(documents, search).unwrap()
    };
    let together = draw(&[DOCUMENTS[0], DOCUMENTS[3]], 0);
    let alone = draw(&[DOCUMENTS[3]], 1);
    assert_eq!(together[1].best().text, alone[0].best().text);
}

#[test]
fn a_search_that_cannot_be_is_refused() {
    let error = summarizer(true)
        .summarize(&DOCUMENTS, Beam::new(0))
        .unwrap_err();
    assert!(
        error.to_string().contains("size must be at least 1"),
        "{error}"
    );
}

#[test]
fn values_out_of_range_are_named() {
    for (pointer, value, message) in [
        (
            "/model/max_document",
            Value::from(0),
            format!("model.max_document: must be at least 1 and at most {MAX_DOCUMENT}, not 0"),
        ),
        (
            "/model/config/vocab",
            Value::from(2),
            "model.config.vocab: must be at least 3, not 2".to_owned(),
        ),
        (
            "/model/config/vocab",
            Value::from(500),
            "model.config.vocab: 500, but the tokenizer has".to_owned(),
        ),
        (
            "/model/config/architecture/layers",
            Value::from(0),
            "model.config.architecture.layers: must be at least 1".to_owned(),
        ),
        (
            "/model/config/architecture/d_encoder",
            Value::from(16_000),
            "model.config.architecture.d_encoder: 16000, but".to_owned(),
        ),
        (
            "/task",
            Value::from("translator"),
            "is a bundle of the task `translator`, not `summarizer`".to_owned(),
        ),
    ] {
        let error = error_after(|directory| set(directory, pointer, value));
        assert!(error.contains(&message), "{error}");
    }
}

#[test]
fn files_that_are_missing_or_cut_are_named() {
    for file in [
        bundle::CONFIG_FILE,
        bundle::TOKENIZER_FILE,
        bundle::WEIGHTS_FILE,
    ] {
        let error = error_after(|directory| fs::remove_file(directory.join(file)).unwrap());
        assert!(error.contains(file), "{error}");
        let error = error_after(|directory| {
            let path = directory.join(file);
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        });
        assert!(error.contains(file), "{error}");
    }
}
