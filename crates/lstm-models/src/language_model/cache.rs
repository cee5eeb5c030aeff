//! The continuous cache: what followed states like this one, not long ago (Grave, Joulin and Usunier 2017).

use burn::tensor::Tensor;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How a continuous cache is mixed with a model's own probabilities ("Improving neural language models with a
/// continuous cache", Grave, Joulin and Usunier 2017):
///
/// p(w) = (1 − λ) p_model(w) + λ p_cache(w), p_cache(w) ∝ Σ_i 1\[w_{i+1} = w\] exp(θ h_t·h_i)
///
/// The sum runs over the last `size` positions before t. h is what the decoder reads: the output of the
/// recurrent layers, projected where the model projects it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CacheOptions {
    /// N: how many of the last tokens it remembers.
    pub size: usize,
    /// θ: how much more a state like this one counts than another; at 0 all count the same.
    pub theta: f64,
    /// λ: the share of the cache, in [0, 1].
    pub lambda: f64,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            size: 2000,
            theta: 0.3,
            lambda: 0.1,
        }
    }
}

impl CacheOptions {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.size == 0 {
            return Err(("size", "must be at least 1, not 0".to_owned()));
        }
        if !self.theta.is_finite() {
            let message = format!("must be a finite number, not {}", self.theta);
            return Err(("theta", message));
        }
        if !(0.0..=1.0).contains(&self.lambda) {
            return Err(("lambda", format!("must be in [0, 1], not {}", self.lambda)));
        }
        Ok(())
    }
}

/// Products of states that are held at a time: 16 MiB.
const PRODUCTS: usize = 1 << 22;

/// What one stream has seen last.
pub(super) struct ContinuousCache {
    options: CacheOptions,
    /// The states of the last positions, the oldest first: `[positions, d_decoder]`.
    hidden: Option<Tensor<2>>,
    /// The token that followed each.
    tokens: Vec<u32>,
}

impl ContinuousCache {
    /// An empty one.
    ///
    /// # Panics
    ///
    /// If [`CacheOptions::check`] fails.
    pub fn new(options: CacheOptions) -> Self {
        if let Err((key, message)) = options.check() {
            panic!("{key} {message}");
        }
        Self {
            options,
            hidden: None,
            tokens: Vec::new(),
        }
    }

    /// From the model's loss of each target to the mixture's, −ln p in nats; then the cache remembers the
    /// targets. Each is scored by what came before it, those beside it among them.
    ///
    /// # Shapes
    ///
    /// - `hidden`: `[targets, d_decoder]`, the states that the targets follow
    /// - `losses`: `[targets]`
    pub fn mix(&mut self, hidden: Tensor<2>, targets: &[u32], losses: &[f32]) -> Vec<f32> {
        let first = self.tokens.len();
        self.tokens.extend(targets);
        let keys = match self.hidden.take() {
            Some(before) => Tensor::cat(vec![before, hidden.clone()], 0),
            None => hidden.clone(),
        };
        let size = self.options.size;
        let at_once = (PRODUCTS / self.tokens.len().max(1)).max(1);
        let mut mixed = Vec::with_capacity(targets.len());
        for start in (0..targets.len()).step_by(at_once) {
            let end = targets.len().min(start + at_once);
            // From the oldest position that the first row remembers.
            let oldest = (first + start).saturating_sub(size);
            let in_reach = keys.clone().slice([oldest..first + end]);
            let queries = hidden.clone().slice([start..end]);
            let products = queries.matmul(in_reach.transpose()).into_data();
            let products: Vec<f32> = products.iter().collect();
            let row = |row: usize| {
                let now = first + start + row;
                let window = now.saturating_sub(size)..now;
                let products = &products[row * (first + end - oldest)..];
                let products = &products[window.start - oldest..window.end - oldest];
                let (target, loss) = (targets[start + row], losses[start + row]);
                self.mixed(products, &self.tokens[window], target, loss)
            };
            mixed.par_extend((0..end - start).into_par_iter().map(row));
        }
        let forgotten = self.tokens.len().saturating_sub(size);
        self.hidden = Some(keys.slice([forgotten..self.tokens.len()]));
        self.tokens.drain(..forgotten);
        mixed
    }

    /// −ln p of a target, given h_t·h_i and w_{i+1} of what is remembered, and the model's loss.
    fn mixed(&self, products: &[f32], tokens: &[u32], target: u32, loss: f32) -> f32 {
        // Nothing came before: the model alone.
        if products.is_empty() {
            return loss;
        }
        let CacheOptions { theta, lambda, .. } = self.options;
        // The greatest exponent becomes 0, whatever θ is.
        let products = products.iter().map(|product| f64::from(*product));
        let greatest = match theta >= 0.0 {
            true => products.clone().fold(f64::NEG_INFINITY, f64::max),
            false => products.clone().fold(f64::INFINITY, f64::min),
        };
        let (mut whole, mut of_target) = (0.0, 0.0);
        for (product, token) in products.zip(tokens) {
            let weight = (theta * (product - greatest)).exp();
            whole += weight;
            if *token == target {
                of_target += weight;
            }
        }
        // ln((1 − λ) p_model + λ p_cache), of logarithms: either may be too small for a number.
        let model = (1.0 - lambda).ln() - f64::from(loss);
        let cache = lambda.ln() + (of_target / whole).ln();
        let (less, more) = match model < cache {
            true => (model, cache),
            false => (cache, model),
        };
        if more == f64::NEG_INFINITY {
            return f32::INFINITY;
        }
        -(more + (less - more).exp().ln_1p()) as f32
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::{Device, TensorData};
    use lstm_core::{Purpose, RandomSource};

    use super::*;

    const VOCAB: u32 = 7;
    const D: usize = 5;
    const TOKENS: usize = 40;

    /// States, targets, and the model's loss of every token at each position.
    struct Stream {
        hidden: Vec<[f32; D]>,
        targets: Vec<u32>,
        losses: Vec<Vec<f32>>,
    }

    impl Stream {
        fn new() -> Self {
            let mut random = RandomSource::new(1).stream(Purpose::named("test"), 0);
            let mut number = || random.normal() as f32;
            let hidden = (0..TOKENS).map(|_| [0; D].map(|_| number())).collect();
            let logits = (0..TOKENS).map(|_| (0..VOCAB).map(|_| number()).collect());
            let losses = logits.map(|logits: Vec<f32>| {
                let whole: f32 = logits.iter().map(|logit| logit.exp()).sum();
                logits.iter().map(|logit| whole.ln() - logit).collect()
            });
            let losses = losses.collect();
            let targets = (0..TOKENS).map(|_| random.below(VOCAB.into()) as u32);
            Self {
                hidden,
                targets: targets.collect(),
                losses,
            }
        }

        /// What the cache makes of it, block by block.
        fn mixed(&self, options: CacheOptions, block: usize) -> Vec<f32> {
            let mut cache = ContinuousCache::new(options);
            let blocks = (0..TOKENS).step_by(block);
            let of_block = |start| self.mix(&mut cache, start..TOKENS.min(start + block));
            blocks.flat_map(of_block).collect()
        }

        fn mix(&self, cache: &mut ContinuousCache, at: std::ops::Range<usize>) -> Vec<f32> {
            let targets = &self.targets[at.clone()];
            let losses = self.model(at.clone());
            cache.mix(tensor(&self.hidden[at]), targets, &losses)
        }

        /// The model's own losses.
        fn model(&self, at: std::ops::Range<usize>) -> Vec<f32> {
            at.map(|at| self.losses[at][self.targets[at] as usize])
                .collect()
        }

        /// p(w) at a position, as the paper has it.
        fn naive(&self, options: CacheOptions, at: usize, token: u32) -> f64 {
            let model = f64::from(-self.losses[at][token as usize]).exp();
            if at == 0 {
                return model;
            }
            let weight = |i: usize| {
                let pairs = self.hidden[at].iter().zip(&self.hidden[i]);
                let product: f64 = pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                (options.theta * product).exp()
            };
            let remembered = at.saturating_sub(options.size)..at;
            let whole: f64 = remembered.clone().map(weight).sum();
            let same = remembered.filter(|i| self.targets[*i] == token);
            let cache = same.map(weight).sum::<f64>() / whole;
            (1.0 - options.lambda) * model + options.lambda * cache
        }
    }

    fn tensor(rows: &[[f32; D]]) -> Tensor<2> {
        let data = TensorData::new(rows.concat(), [rows.len(), D]);
        Tensor::from_data(data, &Device::flex())
    }

    fn options(size: usize, theta: f64, lambda: f64) -> CacheOptions {
        CacheOptions {
            size,
            theta,
            lambda,
        }
    }

    #[test]
    fn a_mixture_is_what_the_paper_says_whatever_the_blocks() {
        let stream = Stream::new();
        for options in [
            options(1, 0.3, 0.1),
            options(9, 1.5, 0.5),
            options(12, -0.7, 1.0 / 3.0),
            options(1000, 0.0, 0.9),
            options(usize::MAX, 0.3, 0.2),
        ] {
            for block in [1, 7, TOKENS] {
                for (at, loss) in stream.mixed(options, block).into_iter().enumerate() {
                    let expected = -stream.naive(options, at, stream.targets[at]).ln();
                    let loss = f64::from(loss);
                    assert!((loss - expected).abs() < 1e-5, "{options:?} {at}");
                }
            }
        }
    }

    #[test]
    fn the_probabilities_of_all_tokens_add_up_to_1() {
        let stream = Stream::new();
        let options = options(10, 0.8, 0.4);
        for at in [0, 1, 5, 30] {
            let probability = |token: u32| {
                let mut cache = ContinuousCache::new(options);
                stream.mix(&mut cache, 0..at);
                let loss = stream.losses[at][token as usize];
                let mixed = cache.mix(tensor(&stream.hidden[at..=at]), &[token], &[loss]);
                f64::from(-mixed[0]).exp()
            };
            let whole: f64 = (0..VOCAB).map(probability).sum();
            assert!((whole - 1.0).abs() < 1e-6, "{at}: {whole}");
        }
    }

    #[test]
    fn a_share_of_0_is_the_model_alone_bit_for_bit() {
        let stream = Stream::new();
        let mixed = stream.mixed(options(10, 0.3, 0.0), 7);
        assert_eq!(mixed, stream.model(0..TOKENS));
    }

    #[test]
    fn states_however_large_give_numbers() {
        let hidden = tensor(&[[100.0; D], [-100.0; D], [100.0; D]]);
        let mut cache = ContinuousCache::new(options(10, 50.0, 0.5));
        // exp(50 · 5 · 10⁴) is beyond every number, and so is 1 / exp(1000).
        let mixed = cache.mix(hidden, &[3, 4, 3], &[1.0, 1.0, 1000.0]);
        assert_eq!(mixed[0], 1.0);
        assert_eq!(mixed[1], (1.0 + 2.0_f64.ln()) as f32);
        assert_eq!(mixed[2], 2.0_f64.ln() as f32);
        for theta in [f64::MAX, f64::MIN] {
            let mut cache = ContinuousCache::new(options(10, theta, 0.5));
            let mixed = cache.mix(
                tensor(&[[1.0; D], [-1.0; D], [1.0; D]]),
                &[3, 4, 3],
                &[1.0; 3],
            );
            assert!(mixed.iter().all(|loss| loss.is_finite()), "{mixed:?}");
        }
    }

    #[test]
    fn the_cache_alone_knows_no_other_token() {
        let mut cache = ContinuousCache::new(options(10, 0.3, 1.0));
        let mixed = cache.mix(tensor(&[[0.5; D]; 3]), &[3, 3, 4], &[1.0; 3]);
        assert_eq!(mixed, [1.0, 0.0, f32::INFINITY]);
    }

    #[test]
    fn options_that_mean_nothing_are_refused_by_their_key() {
        assert_eq!(CacheOptions::default().check(), Ok(()));
        for (options, key) in [
            (options(0, 0.3, 0.1), "size"),
            (options(1, f64::NAN, 0.1), "theta"),
            (options(1, f64::INFINITY, 0.1), "theta"),
            (options(1, 0.3, -0.1), "lambda"),
            (options(1, 0.3, 1.1), "lambda"),
            (options(1, 0.3, f64::NAN), "lambda"),
        ] {
            assert_eq!(options.check().unwrap_err().0, key);
        }
    }
}
