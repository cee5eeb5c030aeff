//! What the models of this program are printed beside: simpler ones, which whoever does not beat should
//! know.

mod linear;
mod trigram;

pub use linear::{Features, Linear};
pub use trigram::Trigram;
