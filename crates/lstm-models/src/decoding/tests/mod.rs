//! Searches on small decoders whose answers depend on everything that was read.

mod exhaustive;
mod plain;
mod properties;
pub(super) mod toy;
