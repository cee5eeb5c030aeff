//! How tokens are drawn: what commands share that write by chance.

use clap::Args;
use lstm_models::Sampling;

/// How each token is drawn.
#[derive(Args)]
pub struct SamplingArguments {
    /// Below 1 keeps to the probable, above 1 dares more; 0 always takes the most probable token.
    #[arg(long, value_name = "T", default_value = "1", value_parser = temperature)]
    temperature: f64,
    /// Choose among the K most probable tokens only; 0 for all.
    #[arg(long, value_name = "K", default_value = "0")]
    top_k: usize,
    /// Choose among the most probable tokens that together have this probability.
    #[arg(long, value_name = "P", default_value = "1", value_parser = probability)]
    top_p: f64,
    /// Decides the choices: the same seed writes the same text.
    #[arg(long, value_name = "S", default_value = "1")]
    pub seed: u64,
}

impl SamplingArguments {
    /// How a token is drawn.
    pub fn sampling(&self) -> Sampling {
        Sampling {
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
        }
    }
}

fn temperature(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..=1000.0).contains(&number) => Ok(number),
        _ => Err("it must be a number from 0 to 1000".to_owned()),
    }
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && number <= 1.0 => Ok(number),
        _ => Err("it must be a probability above 0, at most 1".to_owned()),
    }
}
