//! chrF (Popović 2015) and chrF++ (Popović 2017) as sacreBLEU defines them (Post 2018).

use serde::Serialize;

use super::ngrams::{Interner, Ngrams};
use super::real::Real;
use super::white_space::{is_white_space, words};
use super::{Case, Score, TranslationMetric};

/// What counts where precision or recall of an order is not defined.
const EPSILON: f64 = 1e-16;

/// The bits of a character.
const CHARACTER_BITS: u32 = 21;

/// How orders that a text is too short for are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChrfSmoothing {
    /// They do not count: sacreBLEU's default.
    #[default]
    Effective,
    /// They count as 1e-16, and F is taken of each order: Popović's own program, NLTK and Moses.
    Epsilon,
}

/// Whether white space is part of character n-grams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spaces {
    /// It is left out.
    #[default]
    Ignored,
    /// It is a character like others.
    Kept,
}

/// chrF: how many n-grams of characters, for chrF++ of words too, hypothesis and reference share.
///
/// ```text
/// P, R = the means over orders of  Σ matches / Σ n-grams of the hypothesis, of the reference
/// chrFβ = (1 + β²) P R / (β² P + R)
/// ```
///
/// (Popović 2015). Of several references the one with the best score counts. The default is chrF2, n-grams
/// of up to six characters; [`Chrf::plus_plus`] is chrF2++, with up to two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chrf {
    /// The longest n-grams of characters, 1 to 6.
    pub character_order: usize,
    /// The longest n-grams of words, 0 to 4.
    pub word_order: usize,
    /// β: recall counts β times as much as precision.
    pub beta: u32,
    /// Whether capital letters are letters of their own.
    pub case: Case,
    /// Whether white space is part of n-grams.
    pub spaces: Spaces,
    /// How orders that a text is too short for are dealt with.
    pub smoothing: ChrfSmoothing,
}

impl Default for Chrf {
    fn default() -> Self {
        Self {
            character_order: 6,
            word_order: 0,
            beta: 2,
            case: Case::Mixed,
            spaces: Spaces::Ignored,
            smoothing: ChrfSmoothing::Effective,
        }
    }
}

/// A chrF score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChrfScore {
    /// From 0 to 100.
    pub score: f64,
    /// How it was computed.
    pub signature: String,
}

impl Score for ChrfScore {
    fn value(&self) -> f64 {
        self.score
    }

    fn signature(&self) -> &str {
        &self.signature
    }
}

impl TranslationMetric for Chrf {
    type Score = ChrfScore;
    type Resampled = f32;

    fn name(&self) -> String {
        format!("chrF{}{}", self.beta, "+".repeat(self.word_order))
    }

    fn options(&self) -> String {
        let effective = match self.smoothing {
            ChrfSmoothing::Effective => "yes",
            ChrfSmoothing::Epsilon => "no",
        };
        let spaces = match self.spaces {
            Spaces::Ignored => "no",
            Spaces::Kept => "yes",
        };
        format!(
            "case:{}|eff:{effective}|nc:{}|nw:{}|space:{spaces}",
            self.case.name(),
            self.character_order,
            self.word_order
        )
    }

    fn width(&self) -> usize {
        3 * (self.character_order + self.word_order)
    }

    fn segment(&self, hypothesis: &str, references: &[&str]) -> Vec<f64> {
        assert!(!references.is_empty(), "a segment without reference");
        let lowered = [hypothesis].into_iter().chain(references.iter().copied());
        let lowered: Vec<_> = lowered.map(|text| self.case.apply(text)).collect();
        let mut interner = Interner::new();
        let texts = lowered.iter().map(|text| self.ngrams(text, &mut interner));
        let texts: Vec<[Ngrams; 2]> = texts.collect();
        let (hypothesis, references) = (&texts[0], &texts[1..]);
        let characters = (1..=self.character_order).map(|order| (0, order));
        let orders = characters.chain((1..=self.word_order).map(|order| (1, order)));

        let mut best = Vec::new();
        let mut best_score = -1.0;
        for reference in references {
            let counts = orders.clone().flat_map(|(kind, order)| {
                let (ours, theirs) = (&hypothesis[kind], &reference[kind]);
                let total = match theirs.total(order) {
                    // What the reference is too short for is not held against the hypothesis.
                    0 => 0,
                    _ => ours.total(order),
                };
                let matches = ours.matches(order, std::slice::from_ref(theirs));
                [total, theirs.total(order), matches]
            });
            let counts: Vec<f64> = counts.map(|count| count as f64).collect();
            let score = self.f_score(&counts);
            if score > best_score {
                (best, best_score) = (counts, score);
            }
        }
        best
    }

    fn score(&self, sums: &[f64], signature: String) -> ChrfScore {
        ChrfScore {
            score: self.f_score(sums),
            signature,
        }
    }

    fn resampled(&self, sums: &[f32]) -> f32 {
        self.f_score(sums)
    }
}

impl Chrf {
    /// chrF2++: words and pairs of words too.
    pub fn plus_plus() -> Self {
        Self {
            word_order: 2,
            ..Self::default()
        }
    }

    /// The n-grams of characters, and those of words.
    fn ngrams<'a>(&self, text: &'a str, interner: &mut Interner<'a>) -> [Ngrams; 2] {
        let kept = |character: &char| self.spaces == Spaces::Kept || !is_white_space(*character);
        let characters: Vec<u32> = text.chars().filter(kept).map(u32::from).collect();
        let words = match self.word_order {
            0 => Vec::new(),
            _ => interner.numbers(words(text).flat_map(without_punctuation)),
        };
        [
            Ngrams::new(&characters, self.character_order, CHARACTER_BITS),
            Ngrams::new(&words, self.word_order, u32::BITS),
        ]
    }

    /// The score, in percent, of hypothesis' n-grams, reference's n-grams and matches of each order,
    /// `[orders * 3]`.
    fn f_score<F: Real>(&self, counts: &[F]) -> F {
        let number = F::nearest;
        let zero = number(0.0);
        let factor = number(f64::from(self.beta).powi(2));
        let weight = number(f64::from(self.beta).powi(2) + 1.0);
        let (mut sum, mut precisions, mut recalls) = (zero, zero, zero);
        let (mut orders, mut effective) = (0.0, 0.0);
        let (triples, _) = counts.as_chunks::<3>();
        for &[hypothesis, reference, matches] in triples {
            let share = |whole: F| match whole > zero {
                true => matches / whole,
                false => number(EPSILON),
            };
            let (precision, recall) = (share(hypothesis), share(reference));
            // F_n = (1 + β²) P_n R_n / (β² P_n + R_n)
            let divisor = factor * precision + recall;
            sum += match divisor > zero {
                true => weight * precision * recall / divisor,
                false => number(EPSILON),
            };
            if hypothesis > zero && reference > zero {
                precisions += precision;
                recalls += recall;
                effective += 1.0;
            }
            orders += 1.0;
        }
        if self.smoothing == ChrfSmoothing::Epsilon {
            return number(100.0) * sum / number(orders);
        }
        if effective == 0.0 {
            return zero;
        }
        let precision = precisions / number(effective);
        let recall = recalls / number(effective);
        if precision + recall == zero {
            return zero;
        }
        // F = (1 + β²) P R / (β² P + R)
        number(100.0) * (weight * precision * recall / (factor * precision + recall))
    }
}

/// A word and its punctuation, as chrF++ parts them: one mark behind it, or else one before it.
fn without_punctuation(word: &str) -> impl Iterator<Item = &str> {
    let mut characters = word.chars();
    let (first, last) = (characters.next(), characters.next_back());
    let is_mark = |character: Option<char>| character.is_some_and(|c| c.is_ascii_punctuation());
    let (one, other) = match last {
        None => (word, ""),
        Some(last) if is_mark(Some(last)) => word.split_at(word.len() - 1),
        Some(_) if is_mark(first) => word.split_at(1),
        Some(_) => (word, ""),
    };
    [one, other].into_iter().filter(|part| !part.is_empty())
}
