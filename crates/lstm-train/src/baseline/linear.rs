//! A linear bag of words: what a classifier that reads word order has to beat.
//!
//! Multinomial logistic regression with an L2 penalty on which words (and pairs of neighbouring
//! words) a text has; on long texts it is hard to beat (Wang and Manning, *Baselines and Bigrams*,
//! 2012). It is trained by stochastic dual coordinate ascent, only with operations that give the same
//! bits on every machine.

mod ascent;
mod vocabulary;

use ascent::{add_weights, ascend, softmax};
use vocabulary::Vocabulary;

use crate::corpus::Corpus;
use crate::metrics::{Classification, ClassificationScores};

/// What of a text a [`Linear`] model sees: whether something occurs, not how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Features {
    /// Single words.
    Words,
    /// Single words, and pairs of neighbouring words.
    Bigrams,
}

/// A trained linear bag-of-words classifier.
#[derive(Debug, Clone)]
pub struct Linear {
    vocabulary: Vocabulary,
    classes: usize,
    /// `[features, classes]`; feature 0 is in every text.
    weights: Vec<f64>,
}

impl Linear {
    /// Trains on a corpus with C = 1, scikit-learn's default. Without examples, every class is
    /// equally probable.
    pub fn fit(train: &Corpus, features: Features) -> Self {
        let vocabulary = Vocabulary::learn(train, features);
        let rows: Vec<_> = train
            .texts()
            .map(|text| vocabulary.features(text))
            .collect();
        let truths: Vec<_> = train.examples.iter().map(|example| example.label).collect();
        let classes = train.labels.len();
        Self {
            weights: ascend(&rows, &truths, vocabulary.size, classes),
            vocabulary,
            classes,
        }
    }

    /// The probability of each class, `[classes]`.
    pub fn probabilities(&self, text: &str) -> Vec<f32> {
        let mut scores = vec![0.0; self.classes];
        add_weights(&self.weights, &self.vocabulary.features(text), &mut scores);
        softmax(&mut scores);
        scores
            .into_iter()
            .map(|probability| probability as f32)
            .collect()
    }

    /// How well the classes of another corpus, with the same labels, are found.
    pub fn evaluate(&self, corpus: &Corpus) -> ClassificationScores {
        let mut answers = Classification::new(self.classes);
        for example in &corpus.examples {
            answers.add(example.label, &self.probabilities(&example.text));
        }
        answers.scores()
    }

    /// The number of features, without the one that is in every text.
    pub fn features(&self) -> usize {
        self.vocabulary.size - 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::corpus::Example;

    fn corpus(examples: &[(usize, &str)]) -> Corpus {
        let classes = examples
            .iter()
            .map(|(label, _)| label + 1)
            .max()
            .unwrap_or(2);
        Corpus {
            labels: (0..classes).map(|class| class.to_string()).collect(),
            examples: examples
                .iter()
                .map(|&(label, text)| Example {
                    text: text.to_owned(),
                    label,
                    weak: false,
                })
                .collect(),
        }
    }

    fn reviews(labels: [usize; 5]) -> Corpus {
        let texts = [
            "Good film!",
            "not good , not bad",
            "bad film",
            "what a film ?",
            "good good good",
        ];
        corpus(&labels.into_iter().zip(texts).collect::<Vec<_>>())
    }

    #[test]
    fn probabilities_are_those_of_scikit_learn() {
        // scikit-learn 1.9.1; a column of ones in place of its intercept, which has no penalty:
        //   def probabilities(texts, labels, ngrams, queries):
        //       words = CountVectorizer(binary=True, ngram_range=(1, ngrams), token_pattern=r"\w+|[^\w\s]")
        //       ones = lambda x: hstack([x, np.ones((x.shape[0], 1))])
        //       x = ones(words.fit_transform(texts))
        //       model = LogisticRegression(C=1, fit_intercept=False, tol=1e-10, max_iter=10000)
        //       return model.fit(x, labels).predict_proba(ones(words.transform(queries))).round(4)
        //   texts = ["Good film!", "not good , not bad", "bad film", "what a film ?", "good good good"]
        //   queries = ["a good film", "not bad !", ""]
        let (three, two) = (reviews([2, 1, 0, 1, 2]), reviews([1, 0, 0, 0, 1]));
        for (corpus, features, expected) in [
            // probabilities(texts, [2, 1, 0, 1, 2], 1, queries)
            (
                &three,
                Features::Words,
                [
                    vec![0.1727, 0.352, 0.4754],
                    vec![0.301, 0.4318, 0.2672],
                    vec![0.2921, 0.3265, 0.3815],
                ],
            ),
            // probabilities(texts, [2, 1, 0, 1, 2], 2, queries)
            (
                &three,
                Features::Bigrams,
                [
                    vec![0.175, 0.2628, 0.5622],
                    vec![0.29, 0.4429, 0.2671],
                    vec![0.3039, 0.3142, 0.3819],
                ],
            ),
            // probabilities(texts, [1, 0, 0, 0, 1], 1, queries)
            (
                &two,
                Features::Words,
                [
                    vec![0.5169, 0.4831],
                    vec![0.6514, 0.3486],
                    vec![0.5217, 0.4783],
                ],
            ),
            // probabilities(texts, [1, 0, 0, 0, 1], 2, queries)
            (
                &two,
                Features::Bigrams,
                [
                    vec![0.4419, 0.5581],
                    vec![0.6615, 0.3385],
                    vec![0.5149, 0.4851],
                ],
            ),
        ] {
            let linear = Linear::fit(corpus, features);
            for (query, expected) in ["a good film", "not bad !", ""].into_iter().zip(expected) {
                let ours = linear.probabilities(query);
                let close = ours
                    .iter()
                    .zip(&expected)
                    .all(|(a, b)| (a - b).abs() < 1e-3);
                assert!(close, "{features:?} {query:?}: {ours:?}, not {expected:?}");
            }
        }
    }

    #[test]
    fn rare_features_are_left_out_of_all_but_tiny_corpora() {
        let mut examples = vec![(0, "Twice once once once"), (1, "twice again")];
        assert_eq!(
            Linear::fit(&corpus(&examples), Features::Words).features(),
            3
        );
        // twice, once, again, twice once, once once, twice again
        assert_eq!(
            Linear::fit(&corpus(&examples), Features::Bigrams).features(),
            6
        );
        examples.resize(vocabulary::TINY_CORPUS, (0, ""));
        assert_eq!(
            Linear::fit(&corpus(&examples), Features::Bigrams).features(),
            1
        );
    }

    #[test]
    fn training_twice_gives_the_same_bits() {
        let fit = || Linear::fit(&reviews([2, 1, 0, 1, 2]), Features::Bigrams);
        // The two hash maps iterate in different orders.
        let (one, other) = (fit(), fit());
        assert_eq!(one.weights, other.weights);
        for text in reviews([0; 5]).texts() {
            assert_eq!(one.probabilities(text), other.probabilities(text));
        }
    }

    #[test]
    fn only_bigrams_see_word_order() {
        let corpus = corpus(&[
            (0, "good , not bad"),
            (1, "bad , not good"),
            (0, "good film , not a bad one"),
            (1, "bad film , not a good one"),
        ]);
        let words = Linear::fit(&corpus, Features::Words);
        assert_eq!(
            words.probabilities("good , not bad"),
            words.probabilities("bad , not good")
        );
        let scores = Linear::fit(&corpus, Features::Bigrams).evaluate(&corpus);
        assert_eq!((scores.n, scores.accuracy), (4, 1.0));
    }

    #[test]
    fn a_corpus_of_one_class_or_of_nothing_is_no_problem() {
        let one = Linear::fit(&corpus(&[(0, "a"), (0, "b")]), Features::Bigrams);
        assert_eq!(one.probabilities("a"), [1.0]);
        let none = Linear::fit(&corpus(&[]), Features::Bigrams);
        assert_eq!(none.probabilities("a"), [0.5, 0.5]);
    }

    proptest! {
        #[test]
        fn any_text_gets_probabilities(text in ".*") {
            let linear = Linear::fit(&reviews([2, 1, 0, 1, 2]), Features::Bigrams);
            let sum: f32 = linear.probabilities(&text).iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-6);
        }

    }
}
