//! How tokens are drawn: what commands share that write by chance.

use clap::Args;
use lstm_models::Sampling;

/// How each token is drawn.
#[derive(Args)]
pub struct SamplingArguments {
    /// Below 1 keeps to the probable, above 1 dares more; 0 always takes the most probable token [default: 1].
    #[arg(long, value_name = "T", value_parser = temperature)]
    temperature: Option<f64>,
    /// Choose among the K most probable tokens only [default: all].
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Choose among the most probable tokens that together have this probability [default: 1].
    #[arg(long, value_name = "P", value_parser = probability)]
    top_p: Option<f64>,
    /// Decides the choices: the same seed writes the same text [default: 1].
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

impl SamplingArguments {
    /// How a token is drawn.
    pub fn sampling(&self) -> Sampling {
        Sampling {
            temperature: self.temperature.unwrap_or(1.0),
            top_k: self.top_k.unwrap_or(0),
            top_p: self.top_p.unwrap_or(1.0),
        }
    }

    /// What decides the choices.
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }

    /// The first option that was given.
    pub fn given(&self) -> Option<&'static str> {
        [
            ("--temperature", self.temperature.is_some()),
            ("--top-k", self.top_k.is_some()),
            ("--top-p", self.top_p.is_some()),
            ("--seed", self.seed.is_some()),
        ]
        .into_iter()
        .find_map(|(name, given)| given.then_some(name))
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
