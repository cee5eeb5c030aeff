//! The classifier on text: batches, lengths, unknown words, and that all of it learns.

mod common;

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use common::{TEXTS, architecture, architectures, batch, classifier};
use lstm_core::{Cell, Mode, RandomSource};
use lstm_models::{ClassifierModel, Pooling, Target, TokenBatch};

/// The true classes of [`TEXTS`].
const TARGETS: [Target; 8] = [
    target(1),
    target(0),
    target(1),
    target(0),
    target(1),
    target(0),
    target(1),
    target(0),
];

const fn target(class: usize) -> Target {
    Target {
        class,
        smoothing: 0.0,
    }
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-6,
            "{what}: {found}, {expected}"
        );
    }
}

#[test]
fn a_text_gets_the_same_answer_alone_and_in_any_batch() {
    for architecture in architectures() {
        let what = format!("{architecture:?}");
        let classifier = classifier(architecture, &Device::flex());
        let together = classifier.classify_all(&TEXTS).unwrap();
        let mut reversed: Vec<_> = TEXTS.into_iter().rev().chain([""]).collect();
        reversed.push("of the year of the year of the year of the year");
        let among_others = classifier.classify_all(&reversed).unwrap();
        for (place, text) in TEXTS.iter().enumerate() {
            let alone = classifier.classify(text).unwrap();
            assert_close(&together[place].probabilities, &alone.probabilities, &what);
            let other = &among_others[TEXTS.len() - 1 - place];
            assert_close(&other.probabilities, &alone.probabilities, &what);
        }
        assert_ne!(
            together[0].probabilities, together[1].probabilities,
            "{what}"
        );
    }
}

#[test]
fn probabilities_add_up_to_1_and_the_label_is_the_likeliest() {
    for architecture in architectures() {
        let classifier = classifier(architecture, &Device::flex());
        for answer in classifier.classify_all(&TEXTS).unwrap() {
            assert!((answer.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            assert!(answer.probability() >= 0.5);
            assert_eq!(answer.label, classifier.labels()[answer.class]);
        }
    }
}

#[test]
fn a_text_without_a_token_gets_the_prior() {
    let classifier = classifier(
        architecture(Cell::Lstm, Pooling::Last, true),
        &Device::flex(),
    );
    for text in ["", "  \n\t "] {
        let answer = classifier.classify(text).unwrap();
        assert_eq!(answer.probabilities, [0.25, 0.75]);
        assert_eq!(answer.label, "good");
    }
    let both = classifier.classify_all(&["", "a good film"]).unwrap();
    assert_eq!(both[0].probabilities, [0.25, 0.75]);
    assert_ne!(both[1].probabilities, [0.25, 0.75]);
}

#[test]
fn no_texts_get_no_answers() {
    let classifier = classifier(
        architecture(Cell::Gru, Pooling::Mean, false),
        &Device::flex(),
    );
    assert_eq!(classifier.classify_all(&[]).unwrap(), []);
}

#[test]
fn words_nobody_has_seen_are_all_the_same() {
    let classifier = classifier(
        architecture(Cell::Lstm, Pooling::Mean, true),
        &Device::flex(),
    );
    let first = classifier.classify("zxcv qwer").unwrap();
    assert!(first.probabilities.iter().all(|share| share.is_finite()));
    assert_eq!(classifier.classify("日本 Süßwaren").unwrap(), first);
}

#[test]
fn a_very_long_text_is_cut_at_max_tokens() {
    let classifier = classifier(
        architecture(Cell::Lstm, Pooling::Max, true),
        &Device::flex(),
    );
    let most = classifier.parts().max_tokens;
    let long = "good bad film ".repeat(1_000_000 / 14 + 1);
    assert!(long.len() >= 1_000_000);
    let cut: Vec<&str> = long.split_whitespace().take(most).collect();
    assert_eq!(
        classifier.classify(&long).unwrap(),
        classifier.classify(&cut.join(" ")).unwrap()
    );
    // Without a space: one word.
    assert!(classifier.classify(&"x".repeat(1_000_000)).is_ok());
}

/// The gradient of every parameter by its path.
struct Collector<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Collector<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        let gradient = param
            .val()
            .grad(self.gradients)
            .unwrap_or_else(|| panic!("{name} has no gradient"));
        self.found
            .insert(name, gradient.into_data().iter().collect());
    }
}

fn gradients(
    model: &ClassifierModel,
    batch: &TokenBatch,
    targets: &[Target],
) -> BTreeMap<String, Vec<f32>> {
    let loss = model.loss(batch, targets, Mode::Inference);
    let mut collector = Collector {
        gradients: &loss.objective.backward(),
        path: Vec::new(),
        found: BTreeMap::new(),
    };
    model.visit(&mut collector);
    collector.found
}

#[test]
fn every_parameter_of_every_architecture_gets_a_gradient() {
    let device = Device::flex().autodiff();
    for architecture in architectures() {
        let what = format!("{architecture:?}");
        let classifier = classifier(architecture, &device);
        let batch = batch(&classifier, &TEXTS, &device);
        let gradients = gradients(classifier.model(), &batch, &TARGETS);
        assert!(gradients.len() >= 1 + 2 * 4 + 2, "{what}");
        for (name, gradient) in gradients {
            let moved = gradient.iter().filter(|value| **value != 0.0).count();
            // A few exact zeros are possible: rows of words that do not occur, features that no
            // maximum chose.
            assert!(2 * moved > gradient.len(), "{what}: {name}: {gradient:?}");
        }
    }
}

#[test]
fn the_ids_in_the_padding_do_not_matter() {
    let device = Device::flex().autodiff();
    let targets = [target(0), target(1), target(0)];
    for architecture in architectures() {
        let what = format!("{architecture:?}");
        let classifier = classifier(architecture, &device);
        let batch = batch(&classifier, &["not bad at all", "a film", ""], &device);
        let mut ids: Vec<i64> = batch.ids.to_data().iter().collect();
        for (id, padding) in ids
            .iter_mut()
            .zip(batch.padding().into_data().iter::<bool>())
        {
            if padding {
                *id = 9;
            }
        }
        let other = TokenBatch {
            ids: Tensor::<2, Int>::from_data(TensorData::new(ids, [3, 4]), &device),
            ..batch.clone()
        };
        let model = classifier.model();
        assert_eq!(
            model.probabilities(&batch),
            model.probabilities(&other),
            "{what}"
        );
        assert_eq!(
            gradients(model, &batch, &targets),
            gradients(model, &other, &targets),
            "{what}"
        );
    }
}

#[test]
fn dropout_is_repeatable_and_for_training_only() {
    let device = Device::flex();
    let mut architecture = architecture(Cell::Lstm, Pooling::Mean, true);
    architecture.word_dropout = 0.2;
    architecture.embedding_dropout = 0.3;
    architecture.layer_dropout = 0.4;
    architecture.output_dropout = 0.5;
    let classifier = classifier(architecture, &device);
    let batch = batch(&classifier, &TEXTS, &device);
    let logits = |mode| -> Vec<f32> {
        classifier
            .model()
            .forward(&batch, mode)
            .into_data()
            .iter()
            .collect()
    };
    let step = |step| Mode::Training(RandomSource::new(1).at_step(step));
    assert_eq!(logits(step(1)), logits(step(1)));
    assert_ne!(logits(step(1)), logits(step(2)));
    assert_ne!(logits(step(1)), logits(Mode::Inference));
}

/// θ ← θ - rate · ∂loss/∂θ
struct Descent<'a> {
    gradients: &'a Gradients,
    rate: f64,
}

impl ModuleMapper for Descent<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let gradient = tensor
                .grad(self.gradients)
                .expect("every parameter gets a gradient");
            Tensor::from_inner(tensor.inner() - gradient * self.rate).require_grad()
        })
    }
}

#[test]
fn eight_sentences_are_learned_by_heart() {
    let device = Device::flex().autodiff();
    for cell in [Cell::Lstm, Cell::Gru, Cell::GruResetBefore] {
        let mut architecture = architecture(cell, Pooling::Last, true);
        architecture.layers = 1;
        architecture.d_hidden = 16;
        let classifier = classifier(architecture, &device);
        let batch = batch(&classifier, &TEXTS, &device);
        let mut model = classifier.model().clone();
        let mut loss = f32::INFINITY;
        for _ in 0..60 {
            let sums = model.loss(&batch, &TARGETS, Mode::Inference);
            loss = sums.nll.clone().into_scalar::<f32>() / 8.0;
            let gradients = sums.objective.backward();
            model = model.map(&mut Descent {
                gradients: &gradients,
                rate: 0.3,
            });
        }
        assert!(loss < 0.05, "{cell:?}: the loss is still {loss}");
        for (probabilities, target) in model.probabilities(&batch).iter().zip(TARGETS) {
            assert!(
                probabilities[target.class] > 0.5,
                "{cell:?}: {probabilities:?}"
            );
        }
    }
}
