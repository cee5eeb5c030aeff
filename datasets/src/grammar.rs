//! Stand-in until the generator is merged.
/// Its name.
pub const NAME: &str = "grammar";
/// Perplexity.
///
/// # Errors
///
/// None.
pub fn perplexity<'a>(_lines: impl IntoIterator<Item = &'a str>) -> Result<f64, String> { Ok(1.0) }
