//! Looking inside: every gate and state of every time step, by the cells' own equations.

use burn::tensor::Tensor;

use crate::cell::{GruStep, LstmStep};
use crate::gate::{GruGates, LstmGates};
use crate::state::{GruState, LstmState, RecurrentState};
use crate::weights::PackedWeights;
use crate::{Gru, Lstm, Recurrent};

/// What one layer of an LSTM did at every time step.
#[derive(Debug, Clone)]
pub struct LstmTrace {
    /// Each `[batch, time, d_hidden]`.
    pub gates: LstmGates<3>,
    /// The cell state after each step: `[batch, time, d_hidden]`.
    pub cell: Tensor<3>,
    /// The hidden state after each step, which is the layer's output: `[batch, time, d_hidden]`, or
    /// d_projection in place of d_hidden if it is projected.
    pub hidden: Tensor<3>,
}

/// What one layer of a GRU did at every time step.
#[derive(Debug, Clone)]
pub struct GruTrace {
    /// Each `[batch, time, d_hidden]`.
    pub gates: GruGates<3>,
    /// The hidden state after each step, which is the layer's output: `[batch, time, d_hidden]`.
    pub hidden: Tensor<3>,
}

/// What the layers of a [`Recurrent`] did, the lowest first.
#[derive(Debug, Clone)]
pub enum RecurrentTrace {
    /// Of an LSTM.
    Lstm(Vec<LstmTrace>),
    /// Of a GRU.
    Gru(Vec<GruTrace>),
}

impl RecurrentTrace {
    /// The output of the last layer: `[batch, time, d_output]`.
    pub fn output(&self) -> &Tensor<3> {
        let output = match self {
            Self::Lstm(layers) => layers.last().map(|layer| &layer.hidden),
            Self::Gru(layers) => layers.last().map(|layer| &layer.hidden),
        };
        output.expect("a layer has at least one layer in its stack")
    }
}

impl Lstm {
    /// What each layer does at every step, the lowest first; no dropout. For looking at, not for speed.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, time, d_input]`
    /// - `state`: as in [`forward`](Self::forward)
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use lstm_core::LstmConfig;
    ///
    /// let device = Device::flex();
    /// let lstm = LstmConfig::new(3, 4).with_layers(2).init(&device);
    /// let layers = lstm.trace(Tensor::ones([1, 7, 3], &device), None);
    /// assert_eq!(layers[1].gates.forget.dims(), [1, 7, 4]);
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no time step, or the layer is bidirectional.
    pub fn trace(&self, x: Tensor<3>, state: Option<LstmState>) -> Vec<LstmTrace> {
        check(&self.layers, &x);
        let mut below = x;
        let mut traces = Vec::new();
        for (index, weights) in self.layers.iter().enumerate() {
            let state = match &state {
                Some(state) => LstmState {
                    hidden: of_layer(&state.hidden, index),
                    cell: of_layer(&state.cell, index),
                },
                None => LstmState {
                    hidden: zeros(&below, weights.d_recurrent()),
                    cell: zeros(&below, weights.d_hidden()),
                },
            };
            let step = LstmStep::new(&weights.direction(0), self.cell_clip);
            let projected = by_step(below, |rows| step.project(rows));
            let steps = scan(projected, state, |projected, state| {
                step.forward_with_gates(projected, state)
            });
            let trace = LstmTrace {
                gates: LstmGates {
                    input: over_time(&steps, |(_, gates)| &gates.input),
                    forget: over_time(&steps, |(_, gates)| &gates.forget),
                    candidate: over_time(&steps, |(_, gates)| &gates.candidate),
                    output: over_time(&steps, |(_, gates)| &gates.output),
                },
                cell: over_time(&steps, |(state, _)| &state.cell),
                hidden: over_time(&steps, |(state, _)| &state.hidden),
            };
            below = trace.hidden.clone();
            traces.push(trace);
        }
        traces
    }
}

impl Gru {
    /// What each layer does at every step, the lowest first; no dropout. For looking at, not for speed.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, time, d_input]`
    /// - `state`: as in [`forward`](Self::forward)
    ///
    /// # Panics
    ///
    /// If there is no time step, or the layer is bidirectional.
    pub fn trace(&self, x: Tensor<3>, state: Option<GruState>) -> Vec<GruTrace> {
        check(&self.layers, &x);
        let mut below = x;
        let mut traces = Vec::new();
        for (index, weights) in self.layers.iter().enumerate() {
            let hidden = match &state {
                Some(state) => of_layer(&state.hidden, index),
                None => zeros(&below, weights.d_hidden()),
            };
            let step = GruStep::new(&weights.direction(0), self.reset);
            let projected = by_step(below, |rows| step.project(rows));
            let steps = scan(projected, GruState { hidden }, |projected, state| {
                step.forward_with_gates(projected, state)
            });
            let trace = GruTrace {
                gates: GruGates {
                    reset: over_time(&steps, |(_, gates)| &gates.reset),
                    update: over_time(&steps, |(_, gates)| &gates.update),
                    candidate: over_time(&steps, |(_, gates)| &gates.candidate),
                },
                hidden: over_time(&steps, |(state, _)| &state.hidden),
            };
            below = trace.hidden.clone();
            traces.push(trace);
        }
        traces
    }
}

impl Recurrent {
    /// What each layer does at every step; no dropout.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, time, d_input]`
    /// - `state`: as in [`forward`](Self::forward)
    ///
    /// # Panics
    ///
    /// If there is no time step, the layer is bidirectional, or `state` is that of the other kind of cell.
    pub fn trace(&self, x: Tensor<3>, state: Option<RecurrentState>) -> RecurrentTrace {
        match self {
            Self::Lstm(lstm) => {
                let state = state.map(|state| match state {
                    RecurrentState::Lstm(state) => state,
                    RecurrentState::Gru(_) => panic!("an LSTM cannot start from a GRU's state"),
                });
                RecurrentTrace::Lstm(lstm.trace(x, state))
            }
            Self::Gru(gru) => {
                let state = state.map(|state| match state {
                    RecurrentState::Gru(state) => state,
                    RecurrentState::Lstm(_) => panic!("a GRU cannot start from an LSTM's state"),
                });
                RecurrentTrace::Gru(gru.trace(x, state))
            }
        }
    }
}

fn check(layers: &[PackedWeights], x: &Tensor<3>) {
    let [_, time, d_input] = x.dims();
    assert!(time > 0, "a trace has at least one time step");
    assert_eq!(d_input, layers[0].d_input(), "the input's features");
    assert_eq!(
        layers[0].directions(),
        1,
        "a bidirectional layer cannot be traced"
    );
}

/// A layer's `[batch, features]` of a state `[layers, batch, features]`.
fn of_layer(state: &Tensor<3>, index: usize) -> Tensor<2> {
    let [_, batch, features] = state.dims();
    let layer = state.clone().slice([index..index + 1]);
    layer.reshape([batch, features])
}

fn zeros(x: &Tensor<3>, features: usize) -> Tensor<2> {
    Tensor::zeros([x.dims()[0], features], (&x.device(), x.dtype()))
}

/// The projection of all steps of `x` `[batch, time, features]` as one product, cut into steps.
fn by_step(x: Tensor<3>, project: impl Fn(Tensor<2>) -> Tensor<2>) -> Vec<Tensor<2>> {
    let [batch, time, features] = x.dims();
    let projected = project(x.reshape([batch * time, features]));
    let [_, columns] = projected.dims();
    let projected = projected.reshape([batch, time, columns]);
    let step = |t| projected.clone().slice([0..batch, t..t + 1]);
    (0..time)
        .map(|t| step(t).reshape([batch, columns]))
        .collect()
}

/// One step after the other: the state after each, and its gates.
fn scan<State: Clone, Gates>(
    projected: Vec<Tensor<2>>,
    mut state: State,
    step: impl Fn(Tensor<2>, State) -> (State, Gates),
) -> Vec<(State, Gates)> {
    let mut steps = Vec::with_capacity(projected.len());
    for projected in projected {
        let (next, gates) = step(projected, state);
        state = next.clone();
        steps.push((next, gates));
    }
    steps
}

/// A part `[batch, features]` of each step as `[batch, time, features]`.
fn over_time<Step>(steps: &[Step], of: impl Fn(&Step) -> &Tensor<2>) -> Tensor<3> {
    Tensor::stack(steps.iter().map(|step| of(step).clone()).collect(), 1)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData, Tolerance};

    use super::*;
    use crate::{GruConfig, LstmConfig, ResetGate};

    fn input(device: &Device) -> Tensor<3> {
        let values: Vec<f32> = (0..2 * 6 * 3).map(|i| (i as f32 * 0.7).sin()).collect();
        Tensor::from_data(TensorData::new(values, [2, 6, 3]), device)
    }

    fn assert_close<const D: usize>(traced: &Tensor<D>, expected: Tensor<D>) {
        let expected = expected.into_data();
        let tolerance = Tolerance::absolute(1e-5);
        let traced = traced.clone().into_data();
        traced.assert_approx_eq::<f32>(&expected, tolerance);
    }

    #[test]
    fn a_traced_lstm_does_what_the_layer_does_from_any_state() {
        let device = Device::flex();
        for projection in [None, Some(4)] {
            let lstm = LstmConfig::new(3, 5)
                .with_layers(3)
                .with_projection(projection)
                .with_cell_clip(Some(0.2))
                .init(&device);
            let (_, state) = lstm.forward(input(&device), None);
            let (output, last) = lstm.forward(input(&device), Some(state.clone()));
            let traces = lstm.trace(input(&device), Some(state));
            assert_close(&traces[2].hidden, output);
            for (index, trace) in traces.iter().enumerate() {
                let cell = trace.cell.clone().slice([0..2, 5..6]).reshape([2, 5]);
                assert_close(&cell, of_layer(&last.cell, index));
            }
        }
    }

    #[test]
    fn a_traced_gru_does_what_the_layer_does_from_any_state() {
        let device = Device::flex();
        for reset in [ResetGate::AfterProduct, ResetGate::BeforeProduct] {
            let config = GruConfig::new(3, 5).with_layers(3).with_reset(reset);
            let gru = config.init(&device);
            let (_, state) = gru.forward(input(&device), None);
            let (output, _) = gru.forward(input(&device), Some(state.clone()));
            let traces = gru.trace(input(&device), Some(state));
            assert_close(&traces[2].hidden, output);
        }
    }
}
