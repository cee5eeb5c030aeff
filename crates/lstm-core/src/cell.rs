//! One time step, in plain tensor operations: the readable truth that every faster body is tested
//! against.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Device, Tensor};

use crate::gate::{GruGate, LstmGate, ResetGate};
use crate::state::{GruState, LstmState};
use crate::weights::{DirectionWeights, PackedSizes, PackedWeights, RecurrentInit, WeightDraws};

/// Configuration of an [`LstmCell`].
#[derive(Config, Debug)]
pub struct LstmCellConfig {
    /// Features of the input.
    pub d_input: usize,
    /// Features of the state.
    pub d_hidden: usize,
    /// Whether the gates have biases.
    #[config(default = true)]
    pub bias: bool,
    /// How the weights start.
    #[config(default = "RecurrentInit::Orthogonal")]
    pub init: RecurrentInit,
}

impl LstmCellConfig {
    /// A cell with weights of seed 0.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init(&self, device: &Device) -> LstmCell {
        self.init_with(&mut WeightDraws::new(0, device))
    }

    /// A cell with the next weights of `draws`.
    ///
    /// # Panics
    ///
    /// As [`init`](Self::init).
    pub fn init_with(&self, draws: &mut WeightDraws) -> LstmCell {
        let sizes = cell_sizes(LstmGate::COUNT, self.d_input, self.d_hidden, self.bias);
        let forget_gate = Some(LstmGate::Forget as usize);
        LstmCell {
            weights: PackedWeights::draw(&sizes, self.init, forget_gate, draws),
        }
    }
}

/// Configuration of a [`GruCell`].
#[derive(Config, Debug)]
pub struct GruCellConfig {
    /// Features of the input.
    pub d_input: usize,
    /// Features of the state.
    pub d_hidden: usize,
    /// Whether the gates have biases.
    #[config(default = true)]
    pub bias: bool,
    /// Where the reset gate acts.
    #[config(default = "ResetGate::AfterProduct")]
    pub reset: ResetGate,
    /// How the weights start.
    #[config(default = "RecurrentInit::Orthogonal")]
    pub init: RecurrentInit,
}

impl GruCellConfig {
    /// A cell with weights of seed 0.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init(&self, device: &Device) -> GruCell {
        self.init_with(&mut WeightDraws::new(0, device))
    }

    /// A cell with the next weights of `draws`.
    ///
    /// # Panics
    ///
    /// As [`init`](Self::init).
    pub fn init_with(&self, draws: &mut WeightDraws) -> GruCell {
        let sizes = cell_sizes(GruGate::COUNT, self.d_input, self.d_hidden, self.bias);
        GruCell {
            weights: PackedWeights::draw(&sizes, self.init, None, draws),
            reset: self.reset,
        }
    }
}

fn cell_sizes(gates: usize, d_input: usize, d_hidden: usize, bias: bool) -> PackedSizes {
    PackedSizes {
        directions: 1,
        gates,
        d_input,
        d_hidden,
        bias,
    }
}

/// A single LSTM cell: one time step of one layer in one direction (Hochreiter and Schmidhuber
/// 1997, with the forget gate of Gers et al. 2000).
#[derive(Module, Debug)]
pub struct LstmCell {
    pub(crate) weights: PackedWeights,
}

impl LstmCell {
    /// One time step.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, d_input]`
    /// - `state`, and what is returned: `hidden` and `cell` of `[batch, d_hidden]`
    pub fn forward(&self, x: Tensor<2>, state: LstmState<2>) -> LstmState<2> {
        let weights = self.weights.direction(0);
        let step = LstmStep::new(&weights);
        step.forward(step.project(x), state)
    }
}

/// A single GRU cell: one time step of one layer in one direction (Cho et al. 2014).
#[derive(Module, Debug)]
pub struct GruCell {
    pub(crate) weights: PackedWeights,
    #[module(skip)]
    pub(crate) reset: ResetGate,
}

impl GruCell {
    /// One time step.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, d_input]`
    /// - `state`, and what is returned: `hidden` of `[batch, d_hidden]`
    pub fn forward(&self, x: Tensor<2>, state: GruState<2>) -> GruState<2> {
        let weights = self.weights.direction(0);
        let step = GruStep::new(&weights, self.reset);
        step.forward(step.project(x), state)
    }
}

/// The LSTM's equations, with one direction's weights at hand.
pub(crate) struct LstmStep {
    input_weight: Tensor<2>,
    recurrent_weight: Tensor<2>,
    bias: Option<Tensor<2>>,
}

impl LstmStep {
    pub fn new(weights: &DirectionWeights) -> Self {
        Self {
            input_weight: weights.input_weight.clone(),
            recurrent_weight: weights.recurrent_weight.clone(),
            // Both biases of a gate are only ever added up.
            bias: match (&weights.input_bias, &weights.recurrent_bias) {
                (Some(input), Some(recurrent)) => Some(input.clone() + recurrent.clone()),
                _ => None,
            },
        }
    }

    /// W·x_t + b of all gates, for any number of rows: `[rows, d_input]` to `[rows, 4 * d_hidden]`.
    pub fn project(&self, x: Tensor<2>) -> Tensor<2> {
        add_bias(x.matmul(self.input_weight.clone()), &self.bias)
    }

    /// The rest of the step, from the projected input `[batch, 4 * d_hidden]`.
    pub fn forward(&self, projected: Tensor<2>, state: LstmState<2>) -> LstmState<2> {
        // W·[h_{t-1}, x_t] + b of all four gates at once.
        let gates = projected + state.hidden.matmul(self.recurrent_weight.clone());
        // i_t = σ(…), f_t = σ(…), c̃_t = tanh(…), o_t = σ(…)
        let input = sigmoid(LstmGate::Input.of(&gates));
        let forget = sigmoid(LstmGate::Forget.of(&gates));
        let candidate = tanh(LstmGate::Candidate.of(&gates));
        let output = sigmoid(LstmGate::Output.of(&gates));
        // c_t = f_t ⊙ c_{t-1} + i_t ⊙ c̃_t
        let cell = forget * state.cell + input * candidate;
        // h_t = o_t ⊙ tanh(c_t)
        let hidden = output * tanh(cell.clone());
        LstmState { hidden, cell }
    }
}

/// The GRU's equations, with one direction's weights at hand.
pub(crate) struct GruStep {
    input_weight: Tensor<2>,
    input_bias: Option<Tensor<2>>,
    recurrent: GruRecurrent,
}

/// U and b' of a GRU, cut as its reset gate wants them.
enum GruRecurrent {
    /// `[d_hidden, 3 * d_hidden]` and `[1, 3 * d_hidden]`
    AfterProduct(Tensor<2>, Option<Tensor<2>>),
    /// Of r and z: `[d_hidden, 2 * d_hidden]` and `[1, 2 * d_hidden]`; of h̃: `[d_hidden,
    /// d_hidden]` and `[1, d_hidden]`
    BeforeProduct {
        gates: (Tensor<2>, Option<Tensor<2>>),
        candidate: (Tensor<2>, Option<Tensor<2>>),
    },
}

impl GruStep {
    pub fn new(weights: &DirectionWeights, reset: ResetGate) -> Self {
        let weight = weights.recurrent_weight.clone();
        let bias = weights.recurrent_bias.clone();
        let d_hidden = weight.dims()[0];
        let recurrent = match reset {
            ResetGate::AfterProduct => GruRecurrent::AfterProduct(weight, bias),
            ResetGate::BeforeProduct => {
                let candidate = GruGate::Candidate.columns(d_hidden);
                let gates = 0..candidate.start;
                let part = |columns: std::ops::Range<usize>| {
                    (
                        weight.clone().slice([0..d_hidden, columns.clone()]),
                        bias.clone().map(|bias| bias.slice([0..1, columns])),
                    )
                };
                GruRecurrent::BeforeProduct {
                    gates: part(gates),
                    candidate: part(candidate),
                }
            }
        };
        Self {
            input_weight: weights.input_weight.clone(),
            input_bias: weights.input_bias.clone(),
            recurrent,
        }
    }

    /// W·x_t + b of all gates, for any number of rows: `[rows, d_input]` to `[rows, 3 * d_hidden]`.
    pub fn project(&self, x: Tensor<2>) -> Tensor<2> {
        add_bias(x.matmul(self.input_weight.clone()), &self.input_bias)
    }

    /// The rest of the step, from the projected input `[batch, 3 * d_hidden]`.
    pub fn forward(&self, projected: Tensor<2>, state: GruState<2>) -> GruState<2> {
        let previous = state.hidden;
        let (update, candidate) = match &self.recurrent {
            GruRecurrent::AfterProduct(weight, bias) => {
                let recurrent = add_bias(previous.clone().matmul(weight.clone()), bias);
                let gate = |gate: GruGate| sigmoid(gate.of(&projected) + gate.of(&recurrent));
                let reset = gate(GruGate::Reset);
                // h̃_t = tanh(W_h·x_t + b_h + r_t ⊙ (U_h·h_{t-1} + b'_h))
                let candidate = tanh(
                    GruGate::Candidate.of(&projected) + reset * GruGate::Candidate.of(&recurrent),
                );
                (gate(GruGate::Update), candidate)
            }
            GruRecurrent::BeforeProduct { gates, candidate } => {
                let recurrent = add_bias(previous.clone().matmul(gates.0.clone()), &gates.1);
                let d_hidden = previous.dims()[1];
                let gate = |gate: GruGate| {
                    let columns = gate.columns(d_hidden);
                    let rows = 0..recurrent.dims()[0];
                    sigmoid(gate.of(&projected) + recurrent.clone().slice([rows, columns]))
                };
                // h̃_t = tanh(W_h·x_t + b_h + U_h·(r_t ⊙ h_{t-1}) + b'_h)
                let reset = gate(GruGate::Reset) * previous.clone();
                let recalled = add_bias(reset.matmul(candidate.0.clone()), &candidate.1);
                let candidate = tanh(GruGate::Candidate.of(&projected) + recalled);
                (gate(GruGate::Update), candidate)
            }
        };
        // h_t = (1 - z_t) ⊙ h̃_t + z_t ⊙ h_{t-1} = h̃_t + z_t ⊙ (h_{t-1} - h̃_t)
        let hidden = candidate.clone() + update * (previous - candidate);
        GruState { hidden }
    }
}

fn add_bias(x: Tensor<2>, bias: &Option<Tensor<2>>) -> Tensor<2> {
    match bias {
        Some(bias) => x + bias.clone(),
        None => x,
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{TensorData, Tolerance};

    use super::*;

    fn row(values: &[f32]) -> Tensor<2> {
        Tensor::from_data(
            TensorData::new(values.to_vec(), [1, values.len()]),
            &Device::flex(),
        )
    }

    fn weights(
        gates: usize,
        input: &[f32],
        recurrent: &[f32],
        biases: [&[f32]; 2],
    ) -> PackedWeights {
        let draws = WeightDraws::new(0, &Device::flex());
        PackedWeights {
            input_weight: draws.parameter([1, 1, gates], input.to_vec()),
            recurrent_weight: draws.parameter([1, 1, gates], recurrent.to_vec()),
            input_bias: Some(draws.parameter([1, gates], biases[0].to_vec())),
            recurrent_bias: Some(draws.parameter([1, gates], biases[1].to_vec())),
        }
    }

    fn close(tensor: Tensor<2>, expected: f32) {
        tensor
            .into_data()
            .assert_approx_eq::<f32>(&TensorData::from([[expected]]), Tolerance::absolute(1e-6));
    }

    /// By hand, x = 0.5, h = 0.2, c = -0.3; gates i, f, c̃, o:
    /// i = σ(0.1·0.5 + 0.5·0.2 + 0.1 - 0.1) = σ(0.15) = 0.5374298
    /// f = σ(0.2·0.5 - 0.4·0.2 + 1.0 + 0.0) = σ(1.02) = 0.7349726
    /// c̃ = tanh(-0.3·0.5 + 0.3·0.2 + 0.0 + 0.2) = tanh(0.11) = 0.1095585
    /// o = σ(0.4·0.5 - 0.2·0.2 - 0.2 + 0.1) = σ(0.06) = 0.5149955
    /// c' = 0.7349726·(-0.3) + 0.5374298·0.1095585 = -0.1616118
    /// h' = 0.5149955·tanh(-0.1616118) = -0.0825122
    #[test]
    fn lstm_cell_follows_its_equations() {
        let cell = LstmCell {
            weights: weights(
                4,
                &[0.1, 0.2, -0.3, 0.4],
                &[0.5, -0.4, 0.3, -0.2],
                [&[0.1, 1.0, 0.0, -0.2], &[-0.1, 0.0, 0.2, 0.1]],
            ),
        };
        let state = LstmState {
            hidden: row(&[0.2]),
            cell: row(&[-0.3]),
        };
        let state = cell.forward(row(&[0.5]), state);
        close(state.cell, -0.161_611_8);
        close(state.hidden, -0.082_512_2);
    }

    /// By hand, x = 0.5, h = 0.2; gates r, z, h̃:
    /// r = σ(0.1·0.5 + 0.5·0.2 + 0.1 - 0.1) = σ(0.15) = 0.5374298
    /// z = σ(0.2·0.5 - 0.4·0.2 + 0.3 + 0.0) = σ(0.32) = 0.5793243
    /// after: h̃ = tanh(-0.3·0.5 + 0.05 + 0.5374298·(0.3·0.2 + 0.2)) = tanh(0.0397318) = 0.0397109
    /// before: h̃ = tanh(-0.3·0.5 + 0.05 + 0.3·(0.5374298·0.2) + 0.2) = tanh(0.1322458) = 0.1314801
    /// h' = (1 - z)·h̃ + z·h
    #[test]
    fn gru_cell_follows_its_equations_in_both_forms() {
        for (reset, candidate) in [
            (ResetGate::AfterProduct, 0.039_710_9),
            (ResetGate::BeforeProduct, 0.131_480_1),
        ] {
            let cell = GruCell {
                weights: weights(
                    3,
                    &[0.1, 0.2, -0.3],
                    &[0.5, -0.4, 0.3],
                    [&[0.1, 0.3, 0.05], &[-0.1, 0.0, 0.2]],
                ),
                reset,
            };
            let state = GruState {
                hidden: row(&[0.2]),
            };
            let update = 0.579_324_3;
            close(
                cell.forward(row(&[0.5]), state).hidden,
                (1.0 - update) * candidate + update * 0.2,
            );
        }
    }
}
