//! How a summarizer's network writes: one token after the other, for many documents at once.

use super::network::SummarizerNetwork;
use super::texts::EncodedDocument;
use crate::decoding::{Decoder, Step};

/// Summaries that are being written, the *rows*.
pub(super) struct SummaryWriter<'a> {
    network: &'a SummarizerNetwork,
}

impl<'a> SummaryWriter<'a> {
    /// One row for each document, of which nothing is written yet.
    pub fn new(network: &'a SummarizerNetwork, _: &[&EncodedDocument], _: bool) -> Self {
        Self { network }
    }
}

impl Decoder for SummaryWriter<'_> {
    fn step(&mut self, _: &[u32]) -> Step {
        unimplemented!("{:?}", self.network.device())
    }

    fn select(&mut self, _: &[usize]) {}
}
