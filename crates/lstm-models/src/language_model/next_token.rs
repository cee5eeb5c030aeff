//! What may follow a text, token after token: how a generator goes through the network.

use lstm_core::RecurrentState;
#[cfg(feature = "flex")]
use lstm_core::{PreparedStream, Stream};

use super::network::LanguageModelNetwork;
#[cfg(feature = "flex")]
use crate::product::Matrix;

/// The logits of the token after those that were read.
///
/// On the CPU there is a copy of all weights, those of the recurrent layers laid out for single steps; elsewhere, and for a GRU with the reset gate before the product, a token goes
/// through the tensor operations that a window does.
pub(super) struct NextToken<'a> {
    way: Way<'a>,
    /// `[vocab]`; none at the beginning.
    logits: Vec<f32>,
}

enum Way<'a> {
    #[cfg(feature = "flex")]
    Steps(Box<PreparedNetwork>),
    Windows(&'a LanguageModelNetwork, Option<Vec<RecurrentState>>),
}

impl<'a> NextToken<'a> {
    /// Of a text that has no token yet.
    pub fn new(network: &'a LanguageModelNetwork) -> Self {
        #[cfg(feature = "flex")]
        if let Some(prepared) = network.prepare() {
            return Self {
                way: Way::Steps(Box::new(prepared)),
                logits: Vec::new(),
            };
        }
        Self::by_windows(network)
    }

    fn by_windows(network: &'a LanguageModelNetwork) -> Self {
        Self {
            way: Way::Windows(network, None),
            logits: Vec::new(),
        }
    }

    /// Reads the next tokens; there is at least one.
    pub fn read(&mut self, ids: &[u32]) {
        match &mut self.way {
            #[cfg(feature = "flex")]
            Way::Steps(network) => network.next_logits(ids, &mut self.logits),
            Way::Windows(network, state) => {
                let (logits, after) = network.next_logits(ids, state.take());
                *state = Some(after);
                self.logits = logits;
            }
        }
    }

    /// Of what follows the tokens read, `[vocab]`; `None` at the beginning.
    pub fn logits(&mut self) -> Option<&mut [f32]> {
        (!self.logits.is_empty()).then_some(&mut self.logits[..])
    }
}

/// A network whose weights are laid out for single steps of one stream.
#[cfg(feature = "flex")]
pub(super) struct PreparedNetwork {
    /// `[vocab, d_embedding]`
    pub embedding: Vec<f32>,
    /// One for each stack of layers, the lowest first.
    pub streams: Vec<PreparedStream>,
    /// `[d_embedding, d_output]`, if there is one.
    pub projection: Option<Vec<f32>>,
    /// `[vocab, d_output]`; none if it is that of the embedding.
    pub decoder_weight: Option<Vec<f32>>,
    /// `[vocab]`
    pub decoder_bias: Vec<f32>,
}

#[cfg(feature = "flex")]
impl PreparedNetwork {
    /// Goes on by `ids`; the logits of what follows the last of them take the place of `logits`.
    fn next_logits(&mut self, ids: &[u32], logits: &mut Vec<f32>) {
        let d_embedding = self.streams[0].d_input();
        let Some((last, before)) = ids.split_last() else {
            return;
        };
        let embedded = |id: &u32| &self.embedding[*id as usize * d_embedding..][..d_embedding];
        for id in before {
            step(&mut self.streams, embedded(id));
        }
        let output = step(&mut self.streams, embedded(last));
        let projected = self.projection.as_ref().map(|projection| {
            let mut projected = vec![0.0; d_embedding];
            Matrix::new(projection, output.len()).times_vector_onto(output, &mut projected);
            projected
        });
        let features = projected.as_deref().unwrap_or(output);
        let weight = self.decoder_weight.as_ref().unwrap_or(&self.embedding);
        logits.clone_from(&self.decoder_bias);
        Matrix::new(weight, features.len()).times_vector_onto(features, logits);
    }
}

/// One token through all stacks.
#[cfg(feature = "flex")]
fn step<'a>(streams: &'a mut [PreparedStream], embedded: &'a [f32]) -> &'a [f32] {
    let stacks = streams.iter_mut();
    stacks.fold(embedded, |below, stream| stream.step(below))
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::Device;
    use lstm_core::Cell;

    use super::*;
    use crate::{LanguageModelArchitecture, LanguageModelConfig};

    fn network(cell: Cell, tied: bool, d_last: Option<usize>) -> LanguageModelNetwork {
        let architecture = LanguageModelArchitecture {
            d_embedding: 19,
            cell,
            d_hidden: 23,
            layers: 2,
            d_last,
            tied,
            range: 1.0,
            ..LanguageModelArchitecture::default()
        };
        LanguageModelConfig::new(37, architecture).init(&Device::flex())
    }

    #[test]
    fn single_steps_give_the_logits_of_windows() {
        for cell in [Cell::Lstm, Cell::Gru] {
            // Tied weights of another size, with a projection between, and of the same.
            for (tied, d_last) in [
                (false, None),
                (true, None),
                (false, Some(29)),
                (true, Some(19)),
            ] {
                let network = network(cell, tied, d_last);
                let mut steps = NextToken::new(&network);
                assert!(matches!(steps.way, Way::Steps(_)));
                let mut windows = NextToken::by_windows(&network);
                assert!(steps.logits().is_none() && windows.logits().is_none());
                for ids in [&[2, 7, 30, 7][..], &[36], &[0], &[5, 5]] {
                    steps.read(ids);
                    windows.read(ids);
                    let (steps, windows) = (steps.logits().unwrap(), windows.logits().unwrap());
                    assert_eq!(steps.len(), windows.len());
                    for (step, window) in steps.iter().zip(windows) {
                        assert!((*step - *window).abs() < 1e-5, "{cell:?} {step} {window}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_reset_gate_before_the_product_goes_by_windows() {
        let network = network(Cell::GruResetBefore, false, None);
        let mut next = NextToken::new(&network);
        assert!(matches!(next.way, Way::Windows(..)));
        next.read(&[3]);
        assert_eq!(next.logits().unwrap().len(), 37);
    }
}
