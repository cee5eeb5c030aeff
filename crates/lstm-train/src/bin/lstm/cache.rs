//! The options of a language model's continuous cache.

use clap::Args;
use lstm_models::CacheOptions;

use crate::Failure;

/// Without `--cache` there is none.
#[derive(Args)]
pub struct CacheArguments {
    /// Also expect, with a language model, what followed states like the present one among the last N tokens
    /// (continuous cache, Grave et al. 2017).
    #[arg(long = "cache", value_name = "N")]
    size: Option<usize>,
    /// How much more a state like the present one counts than another.
    #[arg(
        long = "cache-theta",
        value_name = "T",
        default_value_t = CacheOptions::default().theta,
        allow_negative_numbers = true,
        requires = "size"
    )]
    theta: f64,
    /// The share of the cache in each probability, from 0 to 1.
    #[arg(
        long = "cache-lambda",
        value_name = "L",
        default_value_t = CacheOptions::default().lambda,
        allow_negative_numbers = true,
        requires = "size"
    )]
    lambda: f64,
}

impl CacheArguments {
    /// The options, checked; `None` for no cache.
    pub fn options(&self) -> Result<Option<CacheOptions>, Failure> {
        let Some(size) = self.size else {
            return Ok(None);
        };
        let options = CacheOptions {
            size,
            theta: self.theta,
            lambda: self.lambda,
        };
        options.check().map_err(|(key, message)| {
            let option = match key {
                "size" => "--cache",
                "theta" => "--cache-theta",
                _ => "--cache-lambda",
            };
            format!("{option} {message}")
        })?;
        Ok(Some(options))
    }
}
