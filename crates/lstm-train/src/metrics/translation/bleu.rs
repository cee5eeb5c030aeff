//! BLEU (Papineni et al. 2002) as sacreBLEU defines it (Post 2018).

use std::array;

use serde::Serialize;

use super::ngrams::{Interner, Ngrams};
use super::real::Real;
use super::tokenizer::Tokenizer;
use super::white_space::{trim_end, words};
use super::{Case, Score, TranslationMetric};

/// The longest n-grams.
const ORDERS: usize = 4;

/// What is done about n-grams of which none matches (Chen and Cherry 2014).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Smoothing {
    /// Nothing: the score is 0.
    None,
    /// So many count as matched, 0.1 for most (their method 1).
    Floor(f64),
    /// So many are added to matches and n-grams of all orders but the first, 1 for most (method 2).
    AddK(f64),
    /// The first such order counts as half a match, the next as a quarter, … (method 3, NIST's).
    #[default]
    Exponential,
}

impl Smoothing {
    /// As signatures have it.
    fn name(self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Floor(value) => format!("floor[{value:.2}]"),
            Self::AddK(value) => format!("add-k[{value:.2}]"),
            Self::Exponential => "exp".to_owned(),
        }
    }
}

/// Which orders of n-grams the geometric mean is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orders {
    /// All four.
    #[default]
    All,
    /// Those that the hypotheses are long enough for: for single sentences.
    Effective,
}

/// BLEU: how many n-grams of the hypotheses, up to four words, the references have too.
///
/// ```text
/// p_n = Σ matched n-grams / Σ n-grams                        clipped by the reference that has most
/// BP  = 1 if c ≥ r, else exp(1 - r / c)                      c: words of the hypotheses,
/// BLEU = BP · exp(1/4 Σ_n ln p_n)                            r: of the references closest in length
/// ```
///
/// (Papineni et al. 2002). The default is sacreBLEU's: mixed case, `13a`, exponential smoothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bleu {
    /// What a token is.
    pub tokenizer: Tokenizer,
    /// What is done about n-grams of which none matches.
    pub smoothing: Smoothing,
    /// Whether capital letters are letters of their own.
    pub case: Case,
    /// Which orders of n-grams count.
    pub orders: Orders,
}

/// A BLEU score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BleuScore {
    /// From 0 to 100.
    pub score: f64,
    /// How it was computed.
    pub signature: String,
    /// The share of matched n-grams of each order, in percent, smoothed.
    pub precisions: [f64; ORDERS],
    /// From 0 to 1: what short hypotheses cost.
    pub brevity_penalty: f64,
    /// The hypotheses' length over that of the references, 0 if they are empty.
    pub ratio: f64,
    /// Tokens of the hypotheses.
    pub hypothesis_length: u64,
    /// Tokens of each segment's reference that is closest in length.
    pub reference_length: u64,
    /// Matched n-grams of each order.
    pub matches: [u64; ORDERS],
    /// The hypotheses' n-grams of each order.
    pub totals: [u64; ORDERS],
}

impl Score for BleuScore {
    fn value(&self) -> f64 {
        self.score
    }

    fn signature(&self) -> &str {
        &self.signature
    }

    fn details(&self) -> String {
        let precisions = self.precisions.map(|precision| format!("{precision:.1}"));
        format!(
            "{} (BP = {:.3} ratio = {:.3} hyp_len = {} ref_len = {})",
            precisions.join("/"),
            self.brevity_penalty,
            self.ratio,
            self.hypothesis_length,
            self.reference_length
        )
    }
}

/// Both lengths, the matches of each order, the n-grams of each.
const WIDTH: usize = 2 + 2 * ORDERS;

impl TranslationMetric for Bleu {
    type Score = BleuScore;
    type Resampled = f64;

    fn name(&self) -> String {
        "BLEU".to_owned()
    }

    fn options(&self) -> String {
        let effective = match self.orders {
            Orders::All => "no",
            Orders::Effective => "yes",
        };
        format!(
            "case:{}|eff:{effective}|tok:{}|smooth:{}",
            self.case.name(),
            self.tokenizer.name(),
            self.smoothing.name()
        )
    }

    fn width(&self) -> usize {
        WIDTH
    }

    fn segment(&self, hypothesis: &str, references: &[&str]) -> Vec<f64> {
        assert!(!references.is_empty(), "a segment without reference");
        let lowered = [hypothesis].into_iter().chain(references.iter().copied());
        let lowered: Vec<_> = lowered.map(|text| self.case.apply(text)).collect();
        let separated = lowered
            .iter()
            .map(|text| self.tokenizer.separated(trim_end(text)));
        let separated: Vec<_> = separated.collect();
        let mut interner = Interner::new();
        let tokens = separated.iter().map(|text| interner.numbers(words(text)));
        let tokens: Vec<Vec<u32>> = tokens.collect();
        let (hypothesis, references) = (&tokens[0], &tokens[1..]);

        let distance = |length: &usize| (hypothesis.len().abs_diff(*length), *length);
        let lengths = references.iter().map(Vec::len);
        let closest = lengths.min_by_key(distance).unwrap_or(0);
        let mut numbers = vec![0.0; WIDTH];
        numbers[0] = hypothesis.len() as f64;
        numbers[1] = closest as f64;
        let ngrams = |tokens: &Vec<u32>| Ngrams::new(tokens, ORDERS, u32::BITS);
        let references: Vec<Ngrams> = references.iter().map(ngrams).collect();
        let hypothesis = ngrams(hypothesis);
        for order in 1..=ORDERS {
            numbers[1 + order] = hypothesis.matches(order, &references) as f64;
            numbers[1 + ORDERS + order] = hypothesis.total(order) as f64;
        }
        numbers
    }

    fn score(&self, sums: &[f64], signature: String) -> BleuScore {
        let counts = Counts::new(sums);
        let (score, precisions) = self.evaluate(&counts);
        BleuScore {
            score,
            signature,
            precisions,
            brevity_penalty: counts.brevity_penalty(),
            ratio: match counts.reference_length {
                0.0 => 0.0,
                length => counts.hypothesis_length / length,
            },
            hypothesis_length: counts.hypothesis_length as u64,
            reference_length: counts.reference_length as u64,
            matches: counts.matches.map(|count| count as u64),
            totals: counts.totals.map(|count| count as u64),
        }
    }

    fn resampled(&self, sums: &[f32]) -> f64 {
        self.evaluate(&Counts::new(sums)).0
    }
}

/// A corpus' sums.
struct Counts<F> {
    hypothesis_length: f64,
    reference_length: f64,
    matches: [F; ORDERS],
    totals: [F; ORDERS],
}

impl<F: Real> Counts<F> {
    fn new(sums: &[F]) -> Self {
        Self {
            hypothesis_length: sums[0].value(),
            reference_length: sums[1].value(),
            matches: array::from_fn(|place| sums[2 + place]),
            totals: array::from_fn(|place| sums[2 + ORDERS + place]),
        }
    }

    fn brevity_penalty(&self) -> f64 {
        let (c, r) = (self.hypothesis_length, self.reference_length);
        // BP = exp(1 - r / c) if c < r, else 1
        match c < r {
            true if c == 0.0 => 0.0,
            true => (1.0 - r / c).exp(),
            false => 1.0,
        }
    }
}

impl Bleu {
    /// The score and the precisions, in percent.
    fn evaluate<F: Real>(&self, counts: &Counts<F>) -> (f64, [f64; ORDERS]) {
        let mut precisions = [0.0; ORDERS];
        if counts.matches.iter().all(|matched| matched.value() == 0.0) {
            return (0.0, precisions);
        }
        let mut orders = ORDERS;
        let mut halved = 1.0;
        for (place, precision) in precisions.iter_mut().enumerate() {
            let (mut matched, mut total) = (counts.matches[place], counts.totals[place]);
            if let (Smoothing::AddK(k), 1..) = (self.smoothing, place) {
                matched += F::nearest(k);
                total += F::nearest(k);
            }
            if total.value() == 0.0 {
                break;
            }
            if self.orders == Orders::Effective {
                orders = place + 1;
            }
            // p_n = matches / n-grams
            *precision = if matched.value() != 0.0 {
                (F::nearest(100.0) * matched / total).value()
            } else {
                match self.smoothing {
                    Smoothing::Exponential => {
                        halved *= 2.0;
                        (F::nearest(100.0) / (F::nearest(halved) * total)).value()
                    }
                    Smoothing::Floor(value) => (F::nearest(100.0 * value) / total).value(),
                    Smoothing::None | Smoothing::AddK(_) => 0.0,
                }
            };
        }
        // BLEU = BP · exp(1/N Σ_n ln p_n)
        let logarithms: f64 = precisions[..orders].iter().map(|&p| floored_ln(p)).sum();
        let mean = logarithms / orders as f64;
        (counts.brevity_penalty() * mean.exp(), precisions)
    }
}

/// The logarithm, where that of 0 is so low that any mean with it is a score of 0.
fn floored_ln(value: f64) -> f64 {
    match value {
        0.0 => -9_999_999_999.0,
        value => value.ln(),
    }
}
