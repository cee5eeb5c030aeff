//! The translator: lines of one language in, lines of another out.

mod architecture;
mod bridge;
mod decoder;
mod languages;
mod network;
mod sentences;
#[cfg(all(test, feature = "flex"))]
mod tests;

pub use architecture::{Bridge, Tied, TranslatorArchitecture, TranslatorConfig};
pub use languages::{Languages, TokenUnit};
pub use network::TranslatorNetwork;
pub use sentences::{PairBatch, Sentences};
