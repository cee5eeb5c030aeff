//! The flow of the textbooks: embedding, LSTM(128), dense softmax; cross-entropy, Adam, accuracy;
//! fit 10 epochs; evaluate to loss and accuracy.
//!
//! `cargo run --release -p examples --example sequential`

use burn::tensor::Device;
use lstm_core::Cell;
use lstm_models::{ClassifierConfig, TextEncoder, Tokenizer, WordOptions};
use lstm_train::tasks::classifier::data::DataOptions;
use lstm_train::tasks::classifier::{ClassifierTask, TaskOptions};
use lstm_train::training::{OptimizerKind, Part, Trainer, TrainingOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::flex().autodiff();

    // The reviews that ship with the project: label and text.
    let corpora = DataOptions::shipped("reviews").load()?;
    let tokenizer = Tokenizer::words(corpora.train.texts(), &WordOptions::default())?;

    // Embedding -> LSTM(128) -> dense softmax.
    let model = ClassifierConfig::new(tokenizer.size(), corpora.train.labels.len())
        .with_recurrent(Cell::Lstm, 128)
        .init(&device);

    // Cross-entropy, Adam; the accuracy on the validation part picks the best weights.
    let encoder = TextEncoder::new(tokenizer, 0, 0);
    let task = ClassifierTask::new(&corpora, &encoder, &TaskOptions::default(), &device)?;
    let trained = Trainer::new(TrainingOptions {
        epochs: 10,
        optimizer: OptimizerKind::Adam,
        learning_rate: 3e-3,
        clip_norm: 1.0,
        metric: "accuracy".to_owned(),
        ..TrainingOptions::default()
    })
    .fit(&task, model)?;

    let scores = task
        .scores(&trained.model, Part::Test)
        .expect("the reviews have a test part");
    println!("loss {:.4}  accuracy {:.4}", scores.loss, scores.accuracy);
    Ok(())
}
