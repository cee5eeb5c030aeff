//! The loop on a real model.

use burn::tensor::Device;
use lstm_core::{Cell, WeightDraws};
use lstm_models::{
    ClassifierArchitecture, ClassifierConfig, Pooling, TextEncoder, Tokenizer, WordOptions, bundle,
};

use crate::corpus::{self, CorpusOptions, Format, Labels};
use crate::tasks::classifier::data::Corpora;
use crate::tasks::classifier::{ClassifierTask, TaskOptions};
use crate::training::{Trainer, TrainingOptions};

#[test]
fn every_parameter_moves_in_one_epoch() {
    let reviews = datasets::shipped("reviews").unwrap();
    let lines: Vec<&str> = reviews
        .file("valid.tsv")
        .unwrap()
        .lines()
        .take(64)
        .collect();
    let options = CorpusOptions::new(Format::Tsv);
    let train = corpus::read_text("valid.tsv", &lines.join("\n"), &options, Labels::Learn).unwrap();
    let tokenizer = Tokenizer::words(train.texts(), &WordOptions::default()).unwrap();
    let corpora = Corpora {
        train,
        valid: None,
        test: None,
    };
    let device = Device::flex().autodiff();
    for cell in [Cell::Lstm, Cell::Gru, Cell::GruResetBefore] {
        let architecture = ClassifierArchitecture {
            d_embedding: 6,
            subword_buckets: 50,
            cell,
            d_hidden: 5,
            layers: 2,
            bidirectional: true,
            pooling: vec![
                Pooling::Last,
                Pooling::Max,
                Pooling::Mean,
                Pooling::Attention,
            ],
            ..ClassifierArchitecture::default()
        };
        let encoder = TextEncoder::new(tokenizer.clone(), 0, architecture.subword_buckets);
        let task =
            ClassifierTask::new(&corpora, &encoder, &TaskOptions::default(), &device).unwrap();
        let model = ClassifierConfig::new(tokenizer.size(), 2)
            .with_architecture(architecture)
            .init_with(&mut WeightDraws::new(1, &device));
        let before = bundle::parameters(&model);
        let options = TrainingOptions {
            epochs: 1,
            ..TrainingOptions::default()
        };
        let trained = Trainer::new(options).quiet().fit(&task, model).unwrap();
        let after = bundle::parameters(&trained.model);
        assert_eq!(before.len(), after.len());
        for (name, before) in &before {
            let moved = before
                .iter::<f32>()
                .zip(after[name].iter::<f32>())
                .filter(|(before, after)| before != after)
                .count();
            let all = before.shape().num_elements();
            // The vectors of padding and of unseen buckets are never read.
            let enough = if name.contains("embedding") {
                all / 2
            } else {
                all
            };
            assert!(moved >= enough, "{cell:?} {name}: {moved} of {all}");
        }
    }
}
