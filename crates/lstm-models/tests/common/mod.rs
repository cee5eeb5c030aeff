//! A small classifier for the tests.

use burn::tensor::Device;
use lstm_core::{Cell, WeightDraws};
use lstm_models::{
    Classifier, ClassifierArchitecture, ClassifierBundle, ClassifierConfig, Pooling, TokenBatch,
    Tokenizer, WordOptions,
};

pub const TEXTS: [&str; 8] = [
    "a good film",
    "a bad film",
    "not bad at all",
    "not good at all",
    "the best film of the year",
    "the worst film of the year",
    "simply wonderful",
    "simply dreadful",
];

pub fn tokenizer() -> Tokenizer {
    Tokenizer::words(TEXTS, &WordOptions::default()).expect("the texts have words")
}

pub fn architecture(cell: Cell, pooling: Pooling, bidirectional: bool) -> ClassifierArchitecture {
    ClassifierArchitecture {
        d_embedding: 5,
        cell,
        d_hidden: 6,
        layers: 2,
        bidirectional,
        pooling: vec![pooling],
        // Large enough for texts to get clearly different probabilities.
        embedding_deviation: 1.0,
        ..ClassifierArchitecture::default()
    }
}

/// Every cell with every pooling in one direction and in both, and one with everything at once.
pub fn architectures() -> impl Iterator<Item = ClassifierArchitecture> {
    let mut everything = architecture(Cell::Lstm, Pooling::Last, true);
    everything.pooling = vec![Pooling::Max, Pooling::Attention, Pooling::Mean];
    everything.subword_buckets = 40;
    let cells = [Cell::Lstm, Cell::Gru, Cell::GruResetBefore];
    let poolings = [
        Pooling::Last,
        Pooling::Mean,
        Pooling::Max,
        Pooling::Attention,
    ];
    cells
        .into_iter()
        .flat_map(move |cell| {
            poolings.into_iter().flat_map(move |pooling| {
                [false, true].map(|bidirectional| architecture(cell, pooling, bidirectional))
            })
        })
        .chain([everything])
}

/// The texts as the classifier reads them.
pub fn batch(classifier: &Classifier, texts: &[&str], device: &Device) -> TokenBatch {
    let encoder = classifier.parts().encoder(tokenizer());
    let encoded = encoder.encode_all(texts).expect("the texts can be encoded");
    TokenBatch::new(&encoded.iter().collect::<Vec<_>>(), device)
}

/// An untrained classifier of two classes that reads at most 20 tokens.
pub fn classifier(architecture: ClassifierArchitecture, device: &Device) -> Classifier {
    let tokenizer = tokenizer();
    let config = ClassifierConfig::new(tokenizer.size(), 2).with_architecture(architecture);
    let model = config.init_with(&mut WeightDraws::new(3, device));
    let parts = ClassifierBundle {
        config,
        labels: vec!["bad".to_owned(), "good".to_owned()],
        prior: vec![0.25, 0.75],
        max_tokens: 20,
    };
    Classifier::new(tokenizer, model, parts, device)
}
