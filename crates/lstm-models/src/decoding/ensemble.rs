//! Several models that decide together.

use serde::{Deserialize, Serialize};

use super::{Decoder, Step};

/// How the probabilities of several models become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnsembleMean {
    /// p(y) = (1/n) Σ_i p_i(y): one model that is sure is enough.
    #[default]
    Arithmetic,
    /// p(y) ∝ (Π_i p_i(y))^(1/n): all models must agree.
    Geometric,
}

/// Several decoders of the same vocabulary and the same sources that write as one (Sutskever, Vinyals and Le
/// 2014). Attention is the mean of those that have any, and so is what is copied.
///
/// Where one of them gives no number, neither does the ensemble.
pub struct Ensemble<D> {
    decoders: Vec<D>,
    mean: EnsembleMean,
}

impl<D: Decoder> Ensemble<D> {
    /// Puts decoders together, each with a row for each source.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn new(decoders: Vec<D>, mean: EnsembleMean) -> Self {
        assert!(!decoders.is_empty(), "an ensemble has at least one decoder");
        Self { decoders, mean }
    }
}

impl<D: Decoder> Decoder for Ensemble<D> {
    /// # Panics
    ///
    /// If the answers differ in size.
    fn step(&mut self, tokens: &[u32]) -> Step {
        if let [alone] = &mut self.decoders[..] {
            return alone.step(tokens);
        }
        let steps = self.decoders.iter_mut().map(|decoder| decoder.step(tokens));
        let steps: Vec<Step> = steps.collect();
        let attention = mean_of_some(steps.iter().map(|step| &step.attention));
        let copied = mean_of_some(steps.iter().map(|step| &step.copied));
        let answers = steps.into_iter().map(|step| step.log_probabilities);
        let answers: Vec<Vec<f32>> = answers.collect();
        Step {
            log_probabilities: match self.mean {
                EnsembleMean::Arithmetic => arithmetic(&answers),
                EnsembleMean::Geometric => geometric(&answers, tokens.len()),
            },
            attention,
            copied,
        }
    }

    fn select(&mut self, rows: &[usize]) {
        for decoder in &mut self.decoders {
            decoder.select(rows);
        }
    }
}

/// ln of the arithmetic mean of probabilities, from their logarithms.
fn arithmetic(answers: &[Vec<f32>]) -> Vec<f32> {
    let greatest = combine(answers, f32::max);
    let mut sums = vec![0.0_f32; greatest.len()];
    for answer in answers {
        for ((sum, &x), &m) in sums.iter_mut().zip(answer).zip(&greatest) {
            *sum += (x - finite(m)).exp();
        }
    }
    let count = answers.len() as f32;
    let places = sums.into_iter().zip(greatest);
    // ln (1/n) Σ_i p_i = m + ln (1/n) Σ_i exp(ln p_i − m)
    places
        .map(|(sum, m)| finite(m) + (sum / count).ln())
        .collect()
}

/// What to take off before exp: where nothing is possible, nothing.
fn finite(greatest: f32) -> f32 {
    if greatest == f32::NEG_INFINITY {
        0.0
    } else {
        greatest
    }
}

/// ln of the geometric mean of probabilities, in each row divided by what makes their sum 1.
fn geometric(answers: &[Vec<f32>], rows: usize) -> Vec<f32> {
    let mut means = average(answers);
    let vocab = (means.len() / rows.max(1)).max(1);
    for row in means.chunks_mut(vocab) {
        // f32::max takes the number of a number and NaN.
        let greatest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let probabilities = row.iter().map(|x| f64::from(x - finite(greatest)).exp());
        let whole: f64 = probabilities.filter(|p| !p.is_nan()).sum();
        if whole > 0.0 {
            let logarithm = finite(greatest) + whole.ln() as f32;
            row.iter_mut().for_each(|x| *x -= logarithm);
        }
    }
    means
}

/// The mean of those that there are.
fn mean_of_some<'a>(values: impl Iterator<Item = &'a Option<Vec<f32>>>) -> Option<Vec<f32>> {
    let some: Vec<Vec<f32>> = values.flatten().cloned().collect();
    (!some.is_empty()).then(|| average(&some))
}

fn average(values: &[Vec<f32>]) -> Vec<f32> {
    let count = values.len() as f32;
    let sums = combine(values, |a, b| a + b);
    sums.into_iter().map(|sum| sum / count).collect()
}

/// Place by place, in the order of the decoders.
fn combine(values: &[Vec<f32>], with: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    let mut combined = values[0].clone();
    for other in &values[1..] {
        assert_eq!(
            combined.len(),
            other.len(),
            "the decoders of an ensemble have the same vocabulary and the same sources"
        );
        for (place, &value) in combined.iter_mut().zip(other) {
            *place = with(*place, value);
        }
    }
    combined
}

#[cfg(test)]
mod tests {
    use super::super::Beam;
    use super::super::tests::toy::{Model, Script, Source, lengths, special};
    use super::*;

    fn logarithms(probabilities: &[f32]) -> Vec<f32> {
        probabilities.iter().map(|p| p.ln()).collect()
    }

    /// The probabilities that two decoders give together.
    fn together(mean: EnsembleMean, first: &[f32], second: &[f32]) -> Vec<f32> {
        let script = |probabilities| Script::new(&[&logarithms(probabilities)]);
        let mut ensemble = Ensemble::new(vec![script(first), script(second)], mean);
        let step = ensemble.step(&[2, 2]);
        let probabilities = step.log_probabilities.iter().map(|x| x.exp());
        let probabilities: Vec<f32> = probabilities.collect();
        let (one, other) = probabilities.split_at(first.len());
        assert_eq!(one, other);
        one.to_vec()
    }

    fn assert_close(found: &[f32], expected: &[f32]) {
        let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
        assert!(found.iter().zip(expected).all(close), "{found:?}");
    }

    #[test]
    fn means_are_those_worked_out_by_hand() {
        let (first, second) = ([0.8, 0.2, 0.0, 0.0], [0.2, 0.4, 0.4, 0.0]);
        let arithmetic = together(EnsembleMean::Arithmetic, &first, &second);
        assert_close(&arithmetic, &[0.5, 0.3, 0.2, 0.0]);
        // √(0.8 · 0.2) = 0.4, √(0.2 · 0.4) = 0.2828: divided by their sum.
        let geometric = together(EnsembleMean::Geometric, &first, &second);
        assert_close(&geometric, &[0.585_786, 0.414_214, 0.0, 0.0]);
    }

    #[test]
    fn where_one_gives_no_number_nothing_can_follow() {
        for mean in [EnsembleMean::Arithmetic, EnsembleMean::Geometric] {
            let found = together_raw(mean, &[f32::NAN, 0.5, 0.5], &[0.5, 0.25, 0.25]);
            assert!(found[0].is_nan());
            assert!(found[1].is_finite() && found[2].is_finite());
            let found = together_raw(mean, &[0.0; 3], &[0.0; 3]);
            assert_eq!(found, [f32::NEG_INFINITY; 3]);
        }
    }

    /// ln p of two decoders together, one row.
    fn together_raw(mean: EnsembleMean, first: &[f32], second: &[f32]) -> Vec<f32> {
        let script = |probabilities| Script::new(&[&logarithms(probabilities)]);
        let mut ensemble = Ensemble::new(vec![script(first), script(second)], mean);
        ensemble.step(&[2]).log_probabilities
    }

    #[test]
    fn the_same_decoder_twice_finds_what_it_finds_alone() {
        let model = Model::new(4, 12);
        let sources = [(1, 3), (8, 5)].map(|(number, length)| Source { number, length });
        let beam = Beam::new(4).with_n_best(3);
        let search = |decoder: &mut dyn Decoder| {
            beam.search(decoder, &special(), &lengths(&sources))
                .unwrap()
        };
        let alone = search(&mut model.decoder(&sources));
        for (count, mean) in [
            (1, EnsembleMean::Arithmetic),
            (2, EnsembleMean::Arithmetic),
            (2, EnsembleMean::Geometric),
        ] {
            let decoders = (0..count).map(|_| model.decoder(&sources)).collect();
            let together = search(&mut Ensemble::new(decoders, mean));
            for (a, b) in alone.iter().flatten().zip(together.iter().flatten()) {
                assert_eq!((&a.tokens, &a.attention), (&b.tokens, &b.attention));
                assert!((a.score - b.score).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn attention_is_the_mean_of_those_that_have_any() {
        let source = Source {
            number: 1,
            length: 3,
        };
        let models = [1, 2].map(|seed| Model::new(seed, 6));
        let [first, second] = models.map(|model| model.attention(source, &[2]));
        let decoders: Vec<Box<dyn Decoder>> = vec![
            Box::new(models[0].decoder(&[source])),
            Box::new(Script::new(&[&[-1.0; 6]])),
            Box::new(models[1].decoder(&[source])),
        ];
        let step = Ensemble::new(decoders, EnsembleMean::Arithmetic).step(&[2]);
        let expected: Vec<f32> = first
            .iter()
            .zip(&second)
            .map(|(a, b)| (a + b) / 2.0)
            .collect();
        assert_eq!(step.attention, Some(expected));
    }

    #[test]
    fn different_decoders_search_as_one() {
        let source = Source {
            number: 1,
            length: 3,
        };
        let models = [1, 2, 3].map(|seed| Model::new(seed, 9));
        let decoders = models.map(|model| model.decoder(&[source]));
        let mut ensemble = Ensemble::new(Vec::from(decoders), EnsembleMean::Arithmetic);
        let found = Beam::new(4)
            .with_n_best(4)
            .search(&mut ensemble, &special(), &[3]);
        for hypothesis in &found.unwrap()[0] {
            // The product over tokens of the mean of probabilities.
            let read = [&[2], &hypothesis.tokens[..]].concat();
            let written = [&hypothesis.tokens[..], &[3]].concat();
            let token = |(end, token): (usize, &u32)| {
                let answers = models.map(|model| model.answer(source, &read[..end]));
                let p = answers.map(|answer| f64::from(answer[*token as usize]).exp());
                (p.iter().sum::<f64>() / 3.0).ln()
            };
            let expected: f64 = (1..).zip(&written).map(token).sum();
            assert!((hypothesis.log_probability - expected).abs() < 1e-5);
        }
    }
}
