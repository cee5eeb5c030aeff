//! Looking inside: what every unit of every layer does with a text.

use burn::tensor::Tensor;
use lstm_core::{Cell, RecurrentTrace};
use serde::Serialize;

use super::{LanguageModel, TextScore};
use crate::tokenizer::TokenizerError;

/// More tokens than anybody looks at.
const MAX_TOKENS: usize = 2000;
/// More values than a browser likes to hold.
const MAX_VALUES: usize = 1 << 24;

/// A gate below this is left-saturated (Karpathy et al. 2015).
const LEFT: f32 = 0.1;
/// A gate above this is right-saturated.
const RIGHT: f32 = 0.9;

/// What a language model does with a text, step by step.
///
/// A step reads a token. The first reads what every text begins after, the end of a line; so there is one
/// step more than the text has tokens. All values are laid out step by step, `[steps, d_hidden]` with the
/// d_hidden of their layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// Which recurrent cell.
    pub cell: Cell,
    /// How many of the text's tokens the vocabulary lacks.
    pub unknown: usize,
    /// What each step reads.
    pub steps: Vec<TracedToken>,
    /// The lowest first.
    pub layers: Vec<LayerTrace>,
}

/// A token that a step reads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TracedToken {
    /// The token.
    pub token: String,
    /// Its number in the vocabulary.
    pub id: u32,
    /// −ln p(token | all before it), in nats; none of what comes before the text.
    pub surprisal: Option<f32>,
}

/// What one layer does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerTrace {
    /// Features of its hidden state.
    pub d_hidden: usize,
    /// An LSTM's f, i, o, c̃; a GRU's r, z, h̃.
    pub gates: Vec<GateTrace>,
    /// An LSTM's cell state and hidden state; a GRU's hidden state.
    pub states: Vec<StateTrace>,
}

/// What one gate of a layer does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateTrace {
    /// Its name.
    pub name: &'static str,
    /// What it is called in equations.
    pub symbol: &'static str,
    /// `[steps, d_hidden]`: in (0, 1), of a candidate in (-1, 1).
    pub values: Vec<f32>,
    /// How often each unit's gate is open or shut; a candidate is no gate in this sense.
    pub saturation: Option<Saturation>,
}

/// What one state of a layer does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StateTrace {
    /// Its name.
    pub name: &'static str,
    /// What it is called in equations.
    pub symbol: &'static str,
    /// After each step: `[steps, d_hidden]`.
    pub values: Vec<f32>,
    /// `[d_hidden]`: all units, the one that moves most first.
    pub movements: Vec<Movement>,
}

/// The share of the steps at which a unit's gate is nearly shut or wide open: of an LSTM's forget gate,
/// who forgets and who remembers (Karpathy, Johnson and Fei-Fei 2015, figure 3).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Saturation {
    /// Below 0.1: `[d_hidden]`, in [0, 1].
    pub left: Vec<f32>,
    /// Above 0.9: `[d_hidden]`, in [0, 1].
    pub right: Vec<f32>,
}

/// How far a unit moves over a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Movement {
    /// Which unit.
    pub unit: usize,
    /// Its least value.
    pub least: f32,
    /// Its greatest value.
    pub greatest: f32,
    /// The step that changes it most.
    pub turn: usize,
}

/// Why a text cannot be traced.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// It has no token.
    #[error("there is nothing to trace: the text has no token")]
    Empty,
    /// It has too many.
    #[error("the text has {tokens} tokens, but a trace of this model shows at most {most}")]
    TooLong {
        /// How many it has.
        tokens: usize,
        /// How many it may have.
        most: usize,
    },
    /// A gate, state or probability is infinite or not a number.
    #[error("the model's answer is no number: its weights are damaged")]
    NoNumber,
    /// What the tokenizer refuses.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

impl Trace {
    /// How surprising the text is as a whole.
    pub fn score(&self) -> TextScore {
        let surprisals = self.steps.iter().filter_map(|step| step.surprisal);
        TextScore {
            tokens: self.steps.len() - 1,
            unknown: self.unknown,
            nll: surprisals.map(f64::from).sum(),
        }
    }
}

impl LanguageModel {
    /// What the model does with a text, which begins as a line does.
    ///
    /// It is computed by the cells' equations, step by step: slowly, but with every gate at hand.
    ///
    /// # Errors
    ///
    /// A text without tokens or with too many (2,000, and fewer where a step has more than some 8,000 values),
    /// a model that gives no numbers, and what the tokenizer refuses.
    pub fn trace(&self, text: &str) -> Result<Trace, TraceError> {
        let tokens = self.stream.encode(text)?;
        if tokens.is_empty() {
            return Err(TraceError::Empty);
        }
        let parts = &self.parts.config.architecture;
        let series = match parts.cell {
            Cell::Lstm => 6,
            Cell::Gru | Cell::GruResetBefore => 4,
        };
        let features = (parts.layers - 1) * parts.d_hidden + parts.d_output();
        let most = MAX_VALUES / (series * features);
        let most = most.clamp(1, MAX_TOKENS);
        if tokens.len() > most {
            let tokens = tokens.len();
            return Err(TraceError::TooLong { tokens, most });
        }

        let ids: Vec<u32> = [&[self.stream.start()], &tokens[..]].concat();
        let (stacks, losses) = self.network.trace(&ids);
        let layers: Vec<LayerTrace> = stacks.into_iter().flat_map(layers).collect();
        let is_finite = |layer: &LayerTrace| {
            let gates = layer.gates.iter().map(|gate| &gate.values);
            let states = layer.states.iter().map(|state| &state.values);
            gates.chain(states).flatten().all(|value| value.is_finite())
        };
        if !layers.iter().all(is_finite) || !losses.iter().all(|loss| loss.is_finite()) {
            return Err(TraceError::NoNumber);
        }
        let surprisals = std::iter::once(None).chain(losses.into_iter().map(Some));
        let step = |(id, surprisal): (&u32, Option<f32>)| TracedToken {
            token: self.stream.show(*id),
            id: *id,
            surprisal,
        };
        Ok(Trace {
            cell: parts.cell,
            unknown: TextScore::of(&tokens).unknown,
            steps: ids.iter().zip(surprisals).map(step).collect(),
            layers,
        })
    }
}

fn layers(stack: RecurrentTrace) -> Vec<LayerTrace> {
    match stack {
        RecurrentTrace::Lstm(layers) => layers
            .into_iter()
            .map(|layer| LayerTrace {
                d_hidden: features(&layer.hidden),
                gates: vec![
                    gate("forget gate", "f", layer.gates.forget),
                    gate("input gate", "i", layer.gates.input),
                    gate("output gate", "o", layer.gates.output),
                    candidate("c̃", layer.gates.candidate),
                ],
                states: vec![
                    state("cell state", "c", layer.cell),
                    state("hidden state", "h", layer.hidden),
                ],
            })
            .collect(),
        RecurrentTrace::Gru(layers) => layers
            .into_iter()
            .map(|layer| LayerTrace {
                d_hidden: features(&layer.hidden),
                gates: vec![
                    gate("reset gate", "r", layer.gates.reset),
                    gate("update gate", "z", layer.gates.update),
                    candidate("h̃", layer.gates.candidate),
                ],
                states: vec![state("hidden state", "h", layer.hidden)],
            })
            .collect(),
    }
}

fn gate(name: &'static str, symbol: &'static str, values: Tensor<3>) -> GateTrace {
    let d_hidden = features(&values);
    let values = host(values);
    let steps = (values.len() / d_hidden) as f32;
    let share = |is_saturated: fn(f32) -> bool| {
        let of = |unit| {
            let saturated = of_unit(&values, unit, d_hidden).filter(|value| is_saturated(*value));
            saturated.count() as f32 / steps
        };
        (0..d_hidden).map(of).collect()
    };
    let saturation = Saturation {
        left: share(|value| value < LEFT),
        right: share(|value| value > RIGHT),
    };
    GateTrace {
        name,
        symbol,
        saturation: Some(saturation),
        values,
    }
}

fn candidate(symbol: &'static str, values: Tensor<3>) -> GateTrace {
    GateTrace {
        name: "candidate",
        symbol,
        values: host(values),
        saturation: None,
    }
}

fn state(name: &'static str, symbol: &'static str, values: Tensor<3>) -> StateTrace {
    let d_hidden = features(&values);
    let values = host(values);
    StateTrace {
        name,
        symbol,
        movements: movements(&values, d_hidden),
        values,
    }
}

/// How far each unit of `[steps, d_hidden]` moves, the farthest first; of equals the first.
fn movements(values: &[f32], d_hidden: usize) -> Vec<Movement> {
    let movement = |unit| {
        let path: Vec<f32> = of_unit(values, unit, d_hidden).collect();
        let jumps = path.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        let turn = (1..).zip(jumps).fold(
            (0, -1.0),
            |most, jump| if jump.1 > most.1 { jump } else { most },
        );
        Movement {
            unit,
            least: path.iter().copied().fold(f32::INFINITY, f32::min),
            greatest: path.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            turn: turn.0,
        }
    };
    let mut movements: Vec<Movement> = (0..d_hidden).map(movement).collect();
    let way = |movement: &Movement| movement.greatest - movement.least;
    movements.sort_by(|a, b| way(b).total_cmp(&way(a)));
    movements
}

fn of_unit(values: &[f32], unit: usize, d_hidden: usize) -> impl Iterator<Item = f32> {
    values.iter().skip(unit).step_by(d_hidden).copied()
}

fn features(values: &Tensor<3>) -> usize {
    let [_, _, features] = values.dims();
    features
}

fn host(tensor: Tensor<3>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

#[cfg(all(test, feature = "learn", feature = "flex"))]
mod tests {
    use burn::tensor::Device;
    use lstm_core::{Mode, RecurrentState};

    use super::*;
    use crate::{
        LanguageModelArchitecture, LanguageModelBundle, LanguageModelConfig, TextStream, Tokenizer,
        Unit,
    };

    const TEXT: &str = "the cat sat\non the mat";
    const LAYERS: usize = 3;
    const D_HIDDEN: usize = 7;

    fn model(cell: Cell, tied: bool, d_last: Option<usize>) -> LanguageModel {
        let tokenizer = Tokenizer::characters([TEXT], 1).unwrap();
        let unit = Unit::Characters;
        let architecture = LanguageModelArchitecture {
            d_embedding: 5,
            cell,
            d_hidden: D_HIDDEN,
            layers: LAYERS,
            d_last,
            tied,
            range: 1.0,
            ..LanguageModelArchitecture::default()
        };
        let config = LanguageModelConfig::new(tokenizer.size(), architecture);
        let device = Device::flex();
        let network = config.init(&device);
        let stream = TextStream::new(tokenizer, unit).unwrap();
        LanguageModel::new(
            stream,
            network,
            LanguageModelBundle { config, unit },
            &device,
        )
    }

    #[track_caller]
    fn assert_close(traced: &[f32], expected: Vec<f32>) {
        assert_eq!(traced.len(), expected.len());
        for (traced, expected) in traced.iter().zip(expected) {
            assert!((traced - expected).abs() < 1e-5, "{traced} {expected}");
        }
    }

    #[test]
    fn a_trace_shows_what_the_fast_path_computes() {
        let cells = [Cell::Lstm, Cell::Gru, Cell::GruResetBefore];
        for (cell, d_last) in cells.map(|cell| [(cell, None), (cell, Some(4))]).concat() {
            let model = model(cell, false, d_last);
            let trace = model.trace(TEXT).unwrap();
            let sizes: Vec<usize> = trace.layers.iter().map(|layer| layer.d_hidden).collect();
            assert_eq!(sizes, [D_HIDDEN, D_HIDDEN, d_last.unwrap_or(D_HIDDEN)]);
            let ids: Vec<u32> = trace.steps.iter().map(|step| step.id).collect();
            let (output, state) = model.network.forward(&ids, 1, None, Mode::Inference);

            let states = |layer: &LayerTrace, symbol: &str| {
                let mut states = layer.states.iter();
                let state = states.find(|state| state.symbol == symbol).unwrap();
                state.values.clone()
            };
            assert_close(
                &states(&trace.layers[LAYERS - 1], "h"),
                output.into_data().iter().collect(),
            );
            let last = |symbol: &str| -> Vec<f32> {
                let of = |layer: &LayerTrace| {
                    let values = states(layer, symbol);
                    values[values.len() - layer.d_hidden..].to_vec()
                };
                trace.layers.iter().flat_map(of).collect()
            };
            let of_stacks = state.iter().map(|state| host(state.hidden().clone()));
            assert_close(&last("h"), of_stacks.flatten().collect());
            let of_stacks = state.into_iter().filter_map(|state| match state {
                RecurrentState::Lstm(state) => Some(host(state.cell)),
                RecurrentState::Gru(_) => None,
            });
            let cells: Vec<f32> = of_stacks.flatten().collect();
            if cell == Cell::Lstm {
                assert_close(&last("c"), cells);
            }
        }
    }

    #[test]
    fn a_traced_token_is_as_surprising_as_a_scored_one() {
        // Tied weights of another size, with a projection between, and of the same.
        for (tied, d_last) in [(false, None), (true, None), (true, Some(5))] {
            let model = model(Cell::Lstm, tied, d_last);
            let mut scores = Vec::new();
            let each = |score| {
                scores.push(score);
                Ok::<(), TokenizerError>(())
            };
            model.score(TEXT, each).unwrap();
            let trace = model.trace(TEXT).unwrap();
            assert_eq!(trace.steps[0].surprisal, None);
            assert_eq!(trace.steps.len(), scores.len() + 1);
            for (step, score) in trace.steps[1..].iter().zip(scores) {
                assert_eq!((&step.token, step.id), (&score.token, score.id));
                let surprisal = f64::from(step.surprisal.unwrap());
                assert!((surprisal - score.surprisal).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn saturation_counts_the_steps_beyond_the_bounds() {
        let device = Device::flex();
        let values = Tensor::<3>::from_data(
            [[[0.05_f32, 0.1], [0.95, 0.5], [0.01, 0.91], [0.5, 0.9]]],
            &device,
        );
        let saturation = gate("forget gate", "f", values).saturation.unwrap();
        assert_eq!(saturation.left, [0.5, 0.0]);
        assert_eq!(saturation.right, [0.25, 0.25]);
    }

    #[test]
    fn the_unit_that_moves_most_comes_first() {
        let values = [0.0, 1.0, 0.1, -1.0, 0.5, -1.0, 0.4, 0.5];
        let movements = movements(&values, 2);
        let unit_1 = Movement {
            unit: 1,
            least: -1.0,
            greatest: 1.0,
            turn: 1,
        };
        let unit_0 = Movement {
            unit: 0,
            least: 0.0,
            greatest: 0.5,
            turn: 2,
        };
        assert_eq!(movements, [unit_1, unit_0]);
    }

    #[test]
    fn a_text_without_tokens_or_with_too_many_is_refused() {
        let model = model(Cell::Gru, false, None);
        let refused = |text: &str| model.trace(text).unwrap_err().to_string();
        assert!(refused("").contains("no token"));
        let long = "t".repeat(MAX_TOKENS + 1);
        assert!(refused(&long).contains("2001 tokens"));
    }

    #[test]
    fn what_the_vocabulary_lacks_is_counted() {
        let trace = model(Cell::Gru, false, None).trace("ZZ").unwrap();
        assert_eq!((trace.unknown, trace.steps.len()), (2, 3));
    }
}
