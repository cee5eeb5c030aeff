//! A linear bag of words: what a classifier that reads word order has to beat.
//!
//! Multinomial logistic regression with an L2 penalty on which words (and pairs of neighbouring
//! words) a text has; on long texts it is hard to beat (Wang and Manning, *Baselines and Bigrams*,
//! 2012). It is trained by stochastic dual coordinate ascent, only with operations that give the same
//! bits on every machine.

use std::collections::HashMap;
use std::hash::Hash;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

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

/// Lower-cased runs of letters and digits, and other marks one by one.
fn tokens(lower_cased: &str) -> impl Iterator<Item = &str> {
    let mut rest = lower_cased;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let end = if in_word(first) {
            rest.find(|c| !in_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, behind) = rest.split_at(end);
        rest = behind;
        Some(token)
    })
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Which feature each known word and pair is. Numbers follow the order of first occurrence, so
/// they do not depend on the hash map.
#[derive(Debug, Clone)]
struct Vocabulary {
    words: HashMap<String, u32>,
    /// Pairs of words, by the words' features.
    pairs: HashMap<(u32, u32), u32>,
    /// The number of features; 0 is the one that every text has.
    size: usize,
}

/// A feature must be in this many texts ...
const MIN_TEXTS: u32 = 2;
/// ... unless there are fewer texts than this.
const TINY_CORPUS: usize = 100;

impl Vocabulary {
    fn learn(corpus: &Corpus, features: Features) -> Self {
        let min_texts = if corpus.len() < TINY_CORPUS {
            1
        } else {
            MIN_TEXTS
        };
        let mut vocabulary = Self {
            words: HashMap::new(),
            pairs: HashMap::new(),
            size: 1,
        };

        let mut words = TextCounter::new();
        for (number, text) in corpus.texts().enumerate() {
            for word in tokens(&text.to_lowercase()) {
                words.see(word, number);
            }
        }
        vocabulary.words = words.number(min_texts, &mut vocabulary.size);
        if features == Features::Words {
            return vocabulary;
        }

        // A pair in enough texts is made of words in enough texts.
        let mut pairs = TextCounter::new();
        for (number, text) in corpus.texts().enumerate() {
            vocabulary.for_each_pair(&text.to_lowercase(), |pair| pairs.see(&pair, number));
        }
        vocabulary.pairs = pairs.number(min_texts, &mut vocabulary.size);
        vocabulary
    }

    fn for_each_pair(&self, lower_cased: &str, mut visit: impl FnMut((u32, u32))) {
        let mut previous = None;
        for token in tokens(lower_cased) {
            let word = self.words.get(token).copied();
            if let (Some(first), Some(second)) = (previous, word) {
                visit((first, second));
            }
            previous = word;
        }
    }

    /// The features of a text, sorted, each once.
    fn features(&self, text: &str) -> Vec<u32> {
        let text = text.to_lowercase();
        let mut features = vec![0];
        features.extend(tokens(&text).filter_map(|token| self.words.get(token)));
        if !self.pairs.is_empty() {
            self.for_each_pair(&text, |pair| features.extend(self.pairs.get(&pair)));
        }
        features.sort_unstable();
        features.dedup();
        features
    }
}

/// Counts in how many texts something occurs.
struct TextCounter<K> {
    places: HashMap<K, usize>,
    /// In order of first occurrence: the last text that has it, and how many have.
    counts: Vec<(usize, u32)>,
}

impl<K: Eq + Hash> TextCounter<K> {
    fn new() -> Self {
        Self {
            places: HashMap::new(),
            counts: Vec::new(),
        }
    }

    fn see<Q: Eq + Hash + ToOwned<Owned = K> + ?Sized>(&mut self, key: &Q, text: usize)
    where
        K: std::borrow::Borrow<Q>,
    {
        match self.places.get(key) {
            Some(&place) => {
                let (last, count) = &mut self.counts[place];
                if *last != text {
                    (*last, *count) = (text, *count + 1);
                }
            }
            None => {
                self.places.insert(key.to_owned(), self.counts.len());
                self.counts.push((text, 1));
            }
        }
    }

    /// Numbers what is in enough texts, from `next` on.
    fn number(self, min_texts: u32, next: &mut usize) -> HashMap<K, u32> {
        let mut numbers = vec![None; self.counts.len()];
        for (number, (_, count)) in numbers.iter_mut().zip(&self.counts) {
            if *count >= min_texts {
                *number =
                    Some(u32::try_from(*next).expect("fewer than 2^32 features fit in memory"));
                *next += 1;
            }
        }
        let numbered = |(key, place): (K, usize)| Some((key, numbers[place]?));
        self.places.into_iter().filter_map(numbered).collect()
    }
}

/// When an epoch finds the dual variables this close to what the model says, on average, accuracies
/// are within 0.1% of those at the optimum.
const TOLERANCE: f64 = 1e-3;
const MAX_EPOCHS: u64 = 100;

/// Minimises ½‖W‖² + C Σᵢ −log softmax(Wᵀxᵢ)[yᵢ] over W `[features, classes]`.
///
/// Stochastic dual coordinate ascent (Shalev-Shwartz and Zhang 2013) with an exact line search. The
/// dual variables of an example are a distribution pᵢ over the classes (Yu, Huang and Lin 2011), and
/// W = C Σᵢ xᵢ (e_yᵢ − pᵢ)ᵀ. At the optimum pᵢ is what the model says, so a step moves pᵢ towards that:
/// it needs no step size, and costs as much as the text is long.
fn ascend(rows: &[Vec<u32>], truths: &[usize], features: usize, classes: usize) -> Vec<f64> {
    // Two weight vectors of two classes mirror each other. Half the cost makes their difference the
    // single vector that two-class logistic regression has.
    let cost = if classes == 2 { 0.5 } else { 1.0 };
    let mut weights = vec![0.0; features * classes];

    // Nearly e_y, because the entropy's slope is infinite there.
    const OTHERS: f64 = 1e-3;
    let mut duals = vec![OTHERS / classes as f64; rows.len() * classes];
    for (index, row) in rows.iter().enumerate() {
        let dual = &mut duals[index * classes..][..classes];
        dual[truths[index]] += 1.0 - OTHERS;
        let mut change: Vec<f64> = dual.iter().map(|p| -cost * p).collect();
        change[truths[index]] += cost;
        change_weights(&mut weights, row, &change);
    }

    let mut model = vec![0.0; classes];
    let mut direction = vec![0.0; classes];
    for epoch in 0..MAX_EPOCHS {
        let mut distance = 0.0;
        for index in shuffled(rows.len(), epoch) {
            let row = &rows[index];
            let dual = &mut duals[index * classes..][..classes];
            model.fill(0.0);
            add_weights(&weights, row, &mut model);
            softmax(&mut model);

            // d = softmax(Wᵀx) − p
            for ((d, q), p) in direction.iter_mut().zip(&model).zip(&*dual) {
                *d = q - p;
            }
            let squared: f64 = direction.iter().map(|d| d * d).sum();
            distance += squared.sqrt();

            // ‖x‖² is the number of features, as each is 0 or 1.
            let step = best_step(dual, &model, &direction, cost * row.len() as f64 * squared);
            for (p, d) in dual.iter_mut().zip(&mut direction) {
                *p += step * *d;
                *d *= -cost * step;
            }
            change_weights(&mut weights, row, &direction);
        }
        if distance < TOLERANCE * rows.len() as f64 {
            break;
        }
    }
    weights
}

/// How far to go from p towards q: where the slope of the dual objective along d = q − p,
///
/// Σₖ dₖ (log qₖ − log(pₖ + s dₖ)) − s `curvature`, with `curvature` = C ‖x‖² ‖d‖²,
///
/// is 0. It falls in s, and is not negative at 0 nor positive at 1. Newton's method, halving the
/// interval where that would leave it.
fn best_step(dual: &[f64], model: &[f64], direction: &[f64], curvature: f64) -> f64 {
    let start: f64 = direction
        .iter()
        .zip(model)
        .map(|(d, q)| d * libm::log(*q))
        .sum();
    let (mut low, mut high) = (0.0, 1.0);
    let mut step = 0.5;
    for _ in 0..20 {
        let mut slope = start - step * curvature;
        let mut fall = curvature;
        for (p, d) in dual.iter().zip(direction) {
            let moved = p + step * d;
            slope -= d * libm::log(moved);
            fall += d * d / moved;
        }
        if slope > 0.0 {
            low = step;
        } else {
            high = step;
        }
        let newton = step + slope / fall;
        let next = if low < newton && newton < high {
            newton
        } else {
            0.5 * (low + high)
        };
        let change = (next - step).abs();
        step = next;
        if change < 1e-3 * step {
            break;
        }
    }
    step
}

/// scores += Wᵀx for the features x of a text.
fn add_weights(weights: &[f64], row: &[u32], scores: &mut [f64]) {
    let classes = scores.len();
    for &feature in row {
        let of_feature = &weights[feature as usize * classes..][..classes];
        for (score, weight) in scores.iter_mut().zip(of_feature) {
            *score += weight;
        }
    }
}

/// W += x changeᵀ for the features x of a text.
fn change_weights(weights: &mut [f64], row: &[u32], change: &[f64]) {
    let classes = change.len();
    for &feature in row {
        let of_feature = &mut weights[feature as usize * classes..][..classes];
        for (weight, change) in of_feature.iter_mut().zip(change) {
            *weight += change;
        }
    }
}

/// Turns scores into probabilities, none of them quite 0. The exponential is `libm`'s, because the
/// standard library's differs between systems in the last bit.
fn softmax(scores: &mut [f64]) {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for score in &mut *scores {
        *score = libm::exp((*score - highest).max(-50.0));
    }
    let sum: f64 = scores.iter().sum();
    for score in scores {
        *score /= sum;
    }
}

/// A random order of `0..count` for an epoch, always the same (Fisher and Yates 1938).
fn shuffled(count: usize, epoch: u64) -> Vec<usize> {
    let mut random = ChaCha8Rng::seed_from_u64(epoch);
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        // The high word of a product is in 0..=last, without bias that matters here (Lemire 2019).
        let product = u128::from(random.next_u64()) * (last as u128 + 1);
        order.swap(last, (product >> 64) as usize);
    }
    order
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
    fn text_is_split_into_words_and_marks() {
        let text = "don't stop—it's 5_0% naïve..\u{a0}\n";
        let expected = [
            "don", "'", "t", "stop", "—", "it", "'", "s", "5_0", "%", "naïve", ".", ".",
        ];
        assert!(
            tokens(text).eq(expected),
            "{:?}",
            tokens(text).collect::<Vec<_>>()
        );
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
        examples.resize(TINY_CORPUS, (0, ""));
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

        #[test]
        fn the_step_is_where_the_slope_is_zero(
            p in prop::collection::vec(1e-6..1.0, 4),
            q in prop::collection::vec(1e-6..1.0, 4),
            cost in 0.1..1000.0,
        ) {
            let share = |of: &[f64]| -> Vec<f64> {
                let sum: f64 = of.iter().sum();
                of.iter().map(|x| x / sum).collect()
            };
            let (p, q): (Vec<f64>, Vec<f64>) = (share(&p), share(&q));
            let d: Vec<f64> = q.iter().zip(&p).map(|(q, p)| q - p).collect();
            let curvature = cost * d.iter().map(|d| d * d).sum::<f64>();
            let slope = |s: f64| -> f64 {
                let terms = d.iter().zip(p.iter().zip(&q));
                terms.map(|(d, (p, q))| d * (q.ln() - (p + s * d).ln())).sum::<f64>() - s * curvature
            };
            let step = best_step(&p, &q, &d, curvature);
            prop_assert!(step > 0.0 && step < 1.0);
            prop_assert!(slope(step * 0.98) >= 0.0 && slope((step * 1.02).min(1.0)) <= 0.0);
        }
    }
}
