//! What the models of this program are printed beside: simpler ones, which whoever does not beat should
//! know.

mod extract;
mod linear;
mod trigram;

pub use extract::Extract;
pub use linear::{Features, Linear};
pub use trigram::Trigram;
