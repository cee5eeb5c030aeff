//! What holds for every kind of summarizer.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use lstm_core::{Cell, Mode, RandomSource, WeightDraws};

use super::batch::{SummaryBatch, as_read};
use super::summary::{places_of, share_copied};
use super::writing::SummaryWriter;
use super::*;
use crate::attention::AttentionScore;
use crate::bundle::parameters;
use crate::decoding::{Beam, Constraints, Decoder, Hypothesis, SpecialTokens};
use crate::encoder_decoder::{Bridge, EncodedSource, EncoderDecoderArchitecture, Sentences, Tied};

const BOUNDARY: u32 = 10;
const VOCAB: usize = 11;
/// With the two words that the documents here lend at most.
const EXTENDED: usize = 13;

/// Kinds of summarizers that between them have every part.
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
            tied: Tied::All,
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

/// A network whose scores of attention read coverage.
fn network(architecture: EncoderDecoderArchitecture, device: &Device) -> SummarizerNetwork {
    let config = SummarizerConfig {
        vocab: VOCAB,
        architecture,
    };
    let mut network = config.init_with(&mut WeightDraws::new(4, device));
    let shape = network.coverage_weight.val().dims();
    network.coverage_weight = Param::from_tensor(Tensor::full(shape, -0.9, device));
    network
}

type Pair = (EncodedDocument, Vec<u32>);

/// Pairs of different lengths: a summary with words that only its document has, one with an unknown word that it has
/// not, an empty one of a document of one word.
fn pairs() -> [Pair; 3] {
    let document = |ids: &[u32]| EncodedDocument {
        ids: ids.to_vec(),
        unknown: Vec::new(),
        length: DocumentLength {
            read: ids.len() - 1,
            of: ids.len() - 1,
        },
    };
    [
        (document(&[3, 11, 5, 12, 3, 10]), vec![11, 3, 12]),
        (document(&[6, 4, 10]), vec![9, 8, 1, 4, 3]),
        (document(&[11, 10]), vec![]),
    ]
}

fn batch(pairs: &[Pair]) -> SummaryBatch {
    let pairs: Vec<(&EncodedDocument, &[u32])> = pairs
        .iter()
        .map(|(document, summary)| (document, &summary[..]))
        .collect();
    SummaryBatch::new(&pairs, BOUNDARY)
}

/// Without coverage, and with it.
const OBJECTIVES: [SummaryObjective; 2] = [
    SummaryObjective {
        smoothing: 0.0,
        coverage: None,
    },
    SummaryObjective {
        smoothing: 0.0,
        coverage: Some(0.7),
    },
];

/// What is minimised, and the negative log-likelihood.
fn losses(network: &SummarizerNetwork, pairs: &[Pair], objective: SummaryObjective) -> [f32; 2] {
    let loss = network.loss(&batch(pairs), objective, Mode::Inference);
    [loss.objective, loss.nll].map(|sum| sum.into_scalar())
}

#[test]
fn a_pair_has_the_same_loss_alone_and_in_a_batch() {
    for parts in kinds() {
        let network = network(parts, &Device::flex());
        for objective in OBJECTIVES {
            let mut alone = [0.0; 2];
            for pair in pairs() {
                let of_pair = losses(&network, &[pair], objective);
                alone = [alone[0] + of_pair[0], alone[1] + of_pair[1]];
            }
            let together = losses(&network, &pairs(), objective);
            for (alone, together) in alone.iter().zip(together) {
                assert!((alone - together).abs() < 1e-4, "{alone} {together}");
            }
        }
    }
}

#[test]
fn single_steps_give_the_probabilities_of_the_whole_target() {
    for parts in kinds() {
        let network = network(parts, &Device::flex());
        for objective in OBJECTIVES {
            for (document, summary) in pairs() {
                let covering = objective.coverage.is_some();
                let mut writer = SummaryWriter::new(&network, &[&document], BOUNDARY, covering);
                let mut sum = 0.0;
                let followed = summary.iter().copied().chain([BOUNDARY]);
                for (token, next) in [BOUNDARY].into_iter().chain(summary.clone()).zip(followed) {
                    let step = writer.step(&[token]);
                    let whole: f32 = step.log_probabilities.iter().map(|x| x.exp()).sum();
                    assert!((whole - 1.0).abs() < 1e-5, "{whole}");
                    sum -= step.log_probabilities[next as usize];
                }
                let [_, nll] = losses(&network, &[(document, summary)], objective);
                assert!((sum - nll).abs() < 1e-4, "{sum} {nll}");
            }
        }
    }
}

/// The loss and all gradients, with P of all words of the extended vocabulary in tensor operations.
fn composed(network: &SummarizerNetwork, objective: SummaryObjective) -> (Tensor<1>, Gradients) {
    let batch = batch(&pairs());
    let covering = objective.coverage.is_some();
    let encoded = network.encode(&batch.documents, covering, Mode::Inference);
    let body = &network.encoder_decoder;
    let (embedded, attended) = body.decode(&batch.inputs, encoded, Mode::Inference);
    let [rows, time, places] = attended.weights.dims();
    let gate = sigmoid(network.gate.forward(embedded, &attended));
    let (weight, bias) = body.output();
    let [_, _, features] = attended.attentional.dims();
    let flat = attended
        .attentional
        .clone()
        .reshape([rows * time, features]);
    let generated = softmax(flat.matmul(weight.transpose()) + bias.unsqueeze(), 1);
    let generated = generated.reshape([rows, time, VOCAB]);
    let device = network.device();
    let lent = Tensor::zeros([rows, time, EXTENDED - VOCAB], &device);
    let generated = Tensor::cat(vec![generated, lent], 2);
    // 1 where a place holds a word.
    let mut holds = vec![0.0; rows * places * EXTENDED];
    for (place, id) in batch.copied.ids().iter().enumerate() {
        holds[place * EXTENDED + *id as usize] = 1.0;
    }
    let holds = TensorData::new(holds, [rows, places, EXTENDED]);
    let copied = attended
        .weights
        .clone()
        .matmul(Tensor::from_data(holds, &device));
    let all = gate.clone() * generated.clone() + (-gate + 1.0) * copied;
    let mut chosen = vec![0.0; rows * time * EXTENDED];
    let mut evenly = vec![0.0; rows * time * EXTENDED];
    let mut real = vec![0.0; rows * time];
    for (place, target) in batch.inputs.places().into_iter().zip(&batch.targets) {
        let row = place as usize * EXTENDED;
        chosen[row + *target as usize] = 1.0;
        evenly[row..row + VOCAB].fill(1.0 / VOCAB as f32);
        real[place as usize] = 1.0;
    }
    let [chosen, evenly] = [chosen, evenly]
        .map(|all| Tensor::<3>::from_data(TensorData::new(all, [rows, time, EXTENDED]), &device));
    let nll = -(all.clamp_min(1e-20).log() * chosen).sum();
    let uniform = -(generated.clamp_min(1e-20).log() * evenly).sum();
    let mut sum = nll * (1.0 - objective.smoothing) + uniform * objective.smoothing;
    if let Some((coverage, weight)) = attended.coverage.zip(objective.coverage) {
        let real = Tensor::<3>::from_data(TensorData::new(real, [rows, time, 1]), &device);
        let twice = (attended.weights.clone() - coverage.clone()).abs();
        // min(a, c) = (a + c − |a − c|) / 2
        let least = (attended.weights + coverage - twice) / 2.0;
        sum = sum + (least * real).sum() * weight;
    }
    let gradients = sum.backward();
    (sum, gradients)
}

/// The gradient of each parameter by name; none where there is none.
struct Collected<'a> {
    path: Vec<String>,
    gradients: &'a Gradients,
    found: Vec<(String, Option<Vec<f32>>)>,
}

fn collect(network: &SummarizerNetwork, gradients: &Gradients) -> Vec<(String, Option<Vec<f32>>)> {
    let mut collected = Collected {
        path: Vec::new(),
        gradients,
        found: Vec::new(),
    };
    network.visit(&mut collected);
    collected.found
}

impl ModuleVisitor for Collected<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients);
        let gradient = gradient.map(|gradient| gradient.into_data().iter().collect());
        self.found.push((self.path.join("."), gradient));
    }
}

#[test]
fn loss_and_gradients_are_those_of_the_whole_extended_vocabulary() {
    for parts in kinds() {
        let network = network(parts, &Device::flex().autodiff());
        for smoothing in [0.0, 0.1] {
            for objective in OBJECTIVES {
                let objective = SummaryObjective {
                    smoothing,
                    ..objective
                };
                let loss = network.loss(&batch(&pairs()), objective, Mode::Inference);
                let found = collect(&network, &loss.objective.backward());
                let (sum, gradients) = composed(&network, objective);
                let found_sum: f32 = loss.objective.into_scalar();
                let sum: f32 = sum.into_scalar();
                assert!((found_sum - sum).abs() < 1e-4, "{found_sum} {sum}");
                let expected = collect(&network, &gradients);
                assert_eq!(found.len(), expected.len());
                for ((name, found), (same_name, expected)) in found.into_iter().zip(expected) {
                    assert_eq!(name, same_name);
                    let is_learned = objective.coverage.is_some() || name != "coverage_weight";
                    assert_eq!(
                        [found.is_some(), expected.is_some()],
                        [is_learned; 2],
                        "{name}"
                    );
                    let [found, expected] = [found, expected].map(Option::unwrap_or_default);
                    assert_eq!(found.len(), expected.len(), "{name}");
                    for (found, expected) in found.into_iter().zip(expected) {
                        assert!((found - expected).abs() < 1e-4, "{name} {found} {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_parameter_gets_a_gradient_once_coverage_is_on() {
    for parts in kinds() {
        let network = network(parts, &Device::flex().autodiff());
        for objective in OBJECTIVES {
            let mode = Mode::Training(RandomSource::new(3));
            let loss = network.loss(&batch(&pairs()), objective, mode);
            let found = collect(&network, &loss.objective.backward());
            assert_eq!(found.len(), parameters(&network).len());
            for (name, gradient) in found {
                let some = gradient.is_some_and(|values| values.iter().any(|value| *value != 0.0));
                let is_learned = objective.coverage.is_some() || name != "coverage_weight";
                assert_eq!(some, is_learned, "{name}");
            }
        }
    }
}

#[test]
fn coverage_that_no_score_reads_and_that_costs_nothing_changes_nothing() {
    for parts in kinds() {
        let mut network = network(parts, &Device::flex());
        let shape = network.coverage_weight.val().dims();
        network.coverage_weight = Param::from_tensor(Tensor::zeros(shape, &Device::flex()));
        let [without, with] = [None, Some(0.0)].map(|coverage| {
            let objective = SummaryObjective {
                smoothing: 0.1,
                coverage,
            };
            losses(&network, &pairs(), objective)
        });
        for (without, with) in without.iter().zip(with) {
            assert!((without - with).abs() < 1e-4, "{without} {with}");
        }
    }
}

#[test]
fn label_smoothing_changes_what_is_minimised_and_not_what_is_reported() {
    let network = network(kinds().remove(0), &Device::flex());
    let [exact, smooth] = [0.0, 0.2].map(|smoothing| {
        let objective = SummaryObjective {
            smoothing,
            coverage: None,
        };
        losses(&network, &pairs(), objective)
    });
    assert_eq!(exact[0], exact[1]);
    assert_eq!(smooth[1], exact[1]);
    assert_ne!(smooth[0], exact[0]);
}

/// What a beam finds for each document.
fn search(
    network: &SummarizerNetwork,
    documents: &[EncodedDocument],
    beam: Beam,
    covering: bool,
) -> Vec<Vec<Hypothesis>> {
    let documents: Vec<&EncodedDocument> = documents.iter().collect();
    let mut writer = SummaryWriter::new(network, &documents, BOUNDARY, covering);
    let special = SpecialTokens::new(BOUNDARY, BOUNDARY);
    let lengths: Vec<usize> = documents
        .iter()
        .map(|document| document.ids.len())
        .collect();
    beam.search(&mut writer, &special, &lengths).unwrap()
}

#[test]
fn a_search_reports_what_the_whole_target_has() {
    // Rows that were put in a wrong order, or a document or coverage of another row, would show here.
    let beam = Beam::new(4)
        .with_n_best(4)
        .with_constraints(Constraints::default().with_max_length(6));
    for parts in kinds() {
        let network = network(parts, &Device::flex());
        for objective in OBJECTIVES {
            let documents = pairs().map(|(document, _)| document);
            let covering = objective.coverage.is_some();
            let found = search(&network, &documents, beam, covering);
            for (document, found) in documents.into_iter().zip(found) {
                assert_eq!(found.len(), 4);
                for hypothesis in found {
                    let tokens = hypothesis.tokens;
                    let copied = hypothesis.copied.unwrap();
                    assert_eq!(copied.len(), tokens.len());
                    assert!(copied.iter().all(|copied| (0.0..1.0).contains(copied)));
                    let [_, nll] = losses(&network, &[(document.clone(), tokens)], objective);
                    let found = hypothesis.log_probability as f32;
                    assert!((found + nll).abs() < 1e-4, "{found} {nll}");
                }
            }
        }
    }
}

/// How much of each token's probability was to copy it, step by step: 1 − p_gen P_vocab(y) / P(y).
fn shares_copied(
    network: &SummarizerNetwork,
    document: &EncodedDocument,
    tokens: &[u32],
    covering: bool,
) -> Vec<f32> {
    let read = Sentences::new(&[as_read(&document.ids, BOUNDARY)]);
    let EncodedSource { memory, mut state } = network.encode(&read, covering, Mode::Inference);
    let mut before = BOUNDARY;
    let share = |token: &u32| {
        let input = as_read(&[before], BOUNDARY);
        let (step, after) = network.step(&input, &memory, state.clone());
        (before, state) = (*token, after);
        let numbers = |tensor: Tensor<2>| -> Vec<f32> { tensor.into_data().iter().collect() };
        let [generated, gate, attention] =
            [step.generated, sigmoid(step.gate), step.attention].map(numbers);
        let generated = generated.get(*token as usize).map_or(0.0, |x| x.exp());
        let places = document.ids.iter().zip(attention);
        let copied: f32 = places.filter(|(id, _)| *id == token).map(|(_, a)| a).sum();
        let [generated, copied] = [gate[0] * generated, (1.0 - gate[0]) * copied];
        1.0 - generated / (generated + copied)
    };
    tokens.iter().map(share).collect()
}

#[test]
fn the_share_that_was_copied_is_that_of_the_token_that_was_written() {
    let beam = Beam::new(4)
        .with_n_best(4)
        .with_constraints(Constraints::default().with_max_length(6));
    let mut between = 0;
    for parts in kinds() {
        let network = network(parts, &Device::flex());
        for covering in [false, true] {
            let documents = pairs().map(|(document, _)| document);
            let found = search(&network, &documents, beam, covering);
            for (document, found) in documents.iter().zip(found) {
                for hypothesis in found {
                    let tokens = &hypothesis.tokens;
                    let expected = shares_copied(&network, document, tokens, covering);
                    let attention = hypothesis.attention.unwrap();
                    let to_copy = hypothesis.copied.unwrap();
                    assert_eq!(hypothesis.log_probabilities.len(), tokens.len());
                    for (time, (token, expected)) in tokens.iter().zip(expected).enumerate() {
                        let places = places_of(*token, document);
                        let there = places.iter().map(|place| attention[time][*place]).sum();
                        let log_probability = hypothesis.log_probabilities[time];
                        let found = share_copied(to_copy[time], there, log_probability);
                        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
                        if !document.ids.contains(token) {
                            assert_eq!(found, 0.0);
                        }
                        between += usize::from((0.01..0.99).contains(&found));
                    }
                }
            }
        }
    }
    assert!(between > 20, "{between}");
}

#[test]
fn a_beam_as_wide_as_all_there_is_finds_the_best_of_all() {
    let network = network(kinds().remove(0), &Device::flex());
    for objective in OBJECTIVES {
        let (document, _) = &pairs()[0];
        // Padding and the start are never written.
        let words = (1..EXTENDED as u32).filter(|word| *word != BOUNDARY);
        let words: Vec<u32> = words.collect();
        let mut all: Vec<Vec<u32>> = vec![vec![]];
        all.extend(words.iter().map(|one| vec![*one]));
        let twos = words
            .iter()
            .flat_map(|one| words.iter().map(|two| vec![*one, *two]));
        all.extend(twos);
        let mut likely: Vec<(f32, Vec<u32>)> = all
            .into_iter()
            .map(|tokens| {
                let pair = (document.clone(), tokens.clone());
                (losses(&network, &[pair], objective)[1], tokens)
            })
            .collect();
        likely.sort_by(|a, b| a.0.total_cmp(&b.0));
        let beam = Beam::new(200)
            .with_n_best(3)
            .with_constraints(Constraints::default().with_max_length(2));
        let covering = objective.coverage.is_some();
        let found = search(&network, std::slice::from_ref(document), beam, covering);
        for (found, (nll, tokens)) in found[0].iter().zip(&likely) {
            assert_eq!(&found.tokens, tokens);
            assert!((found.log_probability as f32 + nll).abs() < 1e-4);
        }
    }
}

#[test]
fn weights_that_are_no_numbers_find_no_summary() {
    let mut network = network(kinds().remove(0), &Device::flex());
    let shape = network.coverage_weight.val().dims();
    network.coverage_weight = Param::from_tensor(Tensor::full(shape, f32::NAN, &Device::flex()));
    let documents = pairs().map(|(document, _)| document);
    let found = search(&network, &documents, Beam::new(2), true);
    assert!(found.iter().all(Vec::is_empty));
}
