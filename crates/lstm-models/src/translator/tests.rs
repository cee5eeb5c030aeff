//! What holds for every kind of translator.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use lstm_core::{Cell, Mode, RandomSource, WeightDraws};

use super::searching::TargetWriter;
use super::*;
use crate::attention::AttentionScore;
use crate::bundle::parameters;
use crate::decoding::{Beam, Constraints, SpecialTokens};
use crate::encoder_decoder::{Bridge, EncoderDecoderArchitecture, PairBatch, Sentences, Tied};

const BOUNDARY: u32 = 10;

/// Kinds of translators that between them have every part.
fn kinds() -> Vec<EncoderDecoderArchitecture> {
    let small = EncoderDecoderArchitecture {
        d_embedding: 6,
        d_encoder: 4,
        d_decoder: 8,
        range: 0.8,
        ..EncoderDecoderArchitecture::default()
    };
    vec![
        small.clone(),
        EncoderDecoderArchitecture {
            cell: Cell::Gru,
            attention: AttentionScore::Dot,
            bridge: Bridge::Copy,
            tied: Tied::None,
            layers: 2,
            ..small.clone()
        },
        EncoderDecoderArchitecture {
            attention: AttentionScore::Additive,
            input_feeding: true,
            tied: Tied::All,
            layers: 2,
            d_decoder: 7,
            ..small.clone()
        },
        EncoderDecoderArchitecture {
            cell: Cell::Gru,
            input_feeding: true,
            bridge: Bridge::Zero,
            ..small
        },
    ]
}

fn network(architecture: EncoderDecoderArchitecture, device: &Device) -> TranslatorNetwork {
    let config = TranslatorConfig {
        source_vocab: 11,
        target_vocab: 11,
        architecture,
    };
    config.init_with(&mut WeightDraws::new(4, device))
}

/// Pairs of different lengths, one target empty, sources with their end.
fn pairs() -> [(Vec<u32>, Vec<u32>); 3] {
    [
        (vec![3, 4, 5, 10], vec![7, 2]),
        (vec![10], vec![9, 8, 1, 2, 3]),
        (vec![6, 10], vec![]),
    ]
}

fn nll(network: &TranslatorNetwork, pairs: &[(Vec<u32>, Vec<u32>)]) -> f32 {
    let batch = PairBatch::new(pairs, BOUNDARY);
    network.loss(&batch, 0.0, Mode::Inference).nll.into_scalar()
}

#[test]
fn a_pair_has_the_same_loss_alone_and_in_a_batch() {
    for parts in kinds() {
        let network = network(parts, &Device::flex());
        let alone: f32 = pairs()
            .iter()
            .map(|pair| nll(&network, std::slice::from_ref(pair)))
            .sum();
        let together = nll(&network, &pairs());
        assert!((alone - together).abs() < 1e-4, "{alone} {together}");
    }
}

#[test]
fn single_steps_give_the_probabilities_of_the_whole_target() {
    for parts in kinds() {
        let network = network(parts, &Device::flex());
        for (source, target) in pairs() {
            let sources = Sentences::new(&[&source]);
            let encoded = network.encode(&sources, Mode::Inference);
            let mut state = encoded.state;
            let mut sum = 0.0;
            let followed = target.iter().copied().chain([BOUNDARY]);
            for (token, next) in [BOUNDARY].into_iter().chain(target.clone()).zip(followed) {
                let (likely, weights, after) = network.step(&[token], &encoded.memory, state);
                let likely: Vec<f32> = likely.into_data().iter().collect();
                let weights: f32 = weights.sum().into_scalar();
                assert!((weights - 1.0).abs() < 1e-5);
                sum -= likely[next as usize];
                state = after;
            }
            let whole = nll(&network, &[(source, target)]);
            assert!((sum - whole).abs() < 1e-4, "{sum} {whole}");
        }
    }
}

/// Asserts that every parameter has a gradient that is not zero.
struct Gradients<'a> {
    path: Vec<String>,
    gradients: &'a burn::tensor::Gradients,
    seen: usize,
}

impl ModuleVisitor for Gradients<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        let gradient = param.val().grad(self.gradients);
        let gradient = gradient.unwrap_or_else(|| panic!("{name} has no gradient"));
        let values: Vec<f32> = gradient.into_data().iter().collect();
        assert!(values.iter().any(|value| *value != 0.0), "{name}");
        self.seen += 1;
    }
}

#[test]
fn a_search_reports_what_the_whole_target_has() {
    // Rows that were put in a wrong order, or a memory of another source, would show here.
    let special = SpecialTokens::new(BOUNDARY, BOUNDARY);
    let beam = Beam::new(4)
        .with_n_best(4)
        .with_constraints(Constraints::default().with_max_length(6));
    for parts in kinds() {
        let network = network(parts, &Device::flex());
        let sources = pairs().map(|(source, _)| source);
        let batch = Sentences::new(&sources);
        let mut writer = TargetWriter::new(&network, &batch);
        let lengths = batch.lengths().as_slice();
        let found = beam.search(&mut writer, &special, lengths).unwrap();
        for (source, found) in sources.into_iter().zip(found) {
            assert_eq!(found.len(), 4);
            for hypothesis in found {
                let whole = nll(&network, &[(source.clone(), hypothesis.tokens)]);
                let found = hypothesis.log_probability as f32;
                assert!((found + whole).abs() < 1e-4, "{found} {whole}");
            }
        }
    }
}

#[test]
fn every_parameter_gets_a_gradient() {
    for parts in kinds() {
        let network = network(parts, &Device::flex().autodiff());
        let batch = PairBatch::new(&pairs(), BOUNDARY);
        let mode = Mode::Training(RandomSource::new(3));
        let loss = network.loss(&batch, 0.1, mode);
        let mut visitor = Gradients {
            path: Vec::new(),
            gradients: &loss.objective.backward(),
            seen: 0,
        };
        network.visit(&mut visitor);
        assert_eq!(visitor.seen, parameters(&network).len());
    }
}

/// The loss of a network with this dropout.
fn loss(drop: fn(&mut EncoderDecoderArchitecture, f64), probability: f64, mode: Mode) -> f32 {
    let mut parts = EncoderDecoderArchitecture {
        layers: 2,
        ..kinds().remove(0)
    };
    drop(&mut parts, probability);
    let network = network(parts, &Device::flex());
    let batch = PairBatch::new(&pairs(), BOUNDARY);
    network.loss(&batch, 0.0, mode).nll.into_scalar()
}

#[test]
fn each_dropout_changes_the_loss_in_training_only() {
    let training = Mode::Training(RandomSource::new(1));
    let drops: [fn(&mut EncoderDecoderArchitecture, f64); 5] = [
        |parts, probability| parts.word_dropout = probability,
        |parts, probability| parts.input_dropout = probability,
        |parts, probability| parts.layer_dropout = probability,
        |parts, probability| parts.output_dropout = probability,
        |parts, probability| parts.recurrent_dropout = probability,
    ];
    for drop in drops {
        let without = loss(drop, 0.0, Mode::Inference);
        assert_eq!(loss(drop, 0.5, Mode::Inference), without);
        assert_eq!(loss(drop, 0.0, training), without);
        assert_ne!(loss(drop, 0.5, training), without);
    }
}

#[test]
fn label_smoothing_changes_what_is_minimised_and_not_what_is_reported() {
    let network = network(kinds().remove(0), &Device::flex());
    let batch = PairBatch::new(&pairs(), BOUNDARY);
    let [exact, smooth] = [0.0, 0.2].map(|smoothing| {
        let loss = network.loss(&batch, smoothing, Mode::Inference);
        [loss.objective, loss.nll].map(|sum| sum.into_scalar::<f32>())
    });
    assert_eq!(exact[0], exact[1]);
    assert_eq!(smooth[1], exact[1]);
    assert_ne!(smooth[0], exact[0]);
}

#[test]
fn tied_embeddings_are_one_parameter() {
    let count = |tied, target_vocab| {
        let config = TranslatorConfig {
            source_vocab: 11,
            target_vocab,
            architecture: EncoderDecoderArchitecture {
                tied,
                d_decoder: 6,
                ..kinds().remove(0)
            },
        };
        config.init(&Device::flex()).num_params()
    };
    // One table of 11 tokens and 6 features less each time.
    assert_eq!(count(Tied::None, 11) - count(Tied::Decoder, 11), 66);
    assert_eq!(count(Tied::Decoder, 11) - count(Tied::All, 11), 66);
}
