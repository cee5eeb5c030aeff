//! What translator and summarizer have in common: an encoder that reads in both directions, and a decoder that
//! looks back at what it read (Bahdanau et al. 2014; Luong et al. 2015).

mod architecture;
mod batches;
mod bridge;
mod decoder;
mod network;
mod rows;
mod sentences;

pub use architecture::{Bridge, EncoderDecoderArchitecture, Tied};
pub(crate) use batches::batches;
pub(crate) use decoder::{Attended, DecoderState};
pub use network::EncoderDecoderNetwork;
pub(crate) use network::{EncodedSource, Vocabularies};
pub(crate) use rows::WrittenRows;
pub use sentences::{PairBatch, Sentences};
