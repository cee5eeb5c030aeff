//! Searches on small decoders whose answers depend on everything that was read.

mod exhaustive;
mod properties;
pub(super) mod toy;
