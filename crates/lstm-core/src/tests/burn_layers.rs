//! The layers against burn's own, with the same weights.

use burn::module::Param;
use burn::nn::{self, GateController};
use burn::tensor::{Gradients, Tensor};

use super::{assert_close, device, gradient, random, values, weighted_sum};
use crate::gate::{GruGate, LstmGate};
use crate::weights::PackedWeights;
use crate::{GruConfig, LstmConfig, RecurrentInit, WeightDraws};

const D_INPUT: usize = 5;
const D_HIDDEN: usize = 7;

/// Gives one of burn's gates the packed weights' columns.
fn set(gate: &mut GateController, weights: &PackedWeights, columns: std::ops::Range<usize>) {
    let own = weights.direction(0);
    let part = |tensor: Tensor<2>| {
        let rows = tensor.dims()[0];
        Param::from_tensor(tensor.slice([0..rows, columns.clone()]).detach())
    };
    let bias = |tensor: Option<Tensor<2>>| {
        let row = tensor
            .expect("the layers have biases")
            .slice([0..1, columns.clone()]);
        Some(Param::from_tensor(row.reshape([columns.len()]).detach()))
    };
    gate.input_transform.weight = part(own.input_weight);
    gate.hidden_transform.weight = part(own.recurrent_weight);
    gate.input_transform.bias = bias(own.input_bias);
    gate.hidden_transform.bias = bias(own.recurrent_bias);
}

/// The gradient of a gate's weights.
fn gate_gradients(gate: &GateController, gradients: &Gradients) -> [Vec<f32>; 2] {
    [&gate.input_transform, &gate.hidden_transform]
        .map(|linear| gradient(&linear.weight.val(), gradients))
}

/// The same columns of the packed weights' gradients.
fn packed_gradients(
    weights: &PackedWeights,
    columns: std::ops::Range<usize>,
    gradients: &Gradients,
) -> [Vec<f32>; 2] {
    [&weights.input_weight, &weights.recurrent_weight].map(|weight| {
        let packed = weight.val().grad(gradients).expect("every weight learns");
        let rows = packed.dims()[1];
        values(&packed.slice([0..1, 0..rows, columns.clone()]))
    })
}

#[test]
fn lstm_agrees_with_burns() {
    let mut draws = WeightDraws::new(3, &device());
    let lstm = LstmConfig::new(D_INPUT, D_HIDDEN)
        .with_init(RecurrentInit::Uniform)
        .init_with(&mut draws);
    let weights = &lstm.layers[0];
    let mut theirs = nn::LstmConfig::new(D_INPUT, D_HIDDEN, true).init(&device());
    let columns = |gate: LstmGate| gate.columns(D_HIDDEN);
    let forget_gate = theirs.forget_gate.as_mut().expect("it is not coupled");
    set(&mut theirs.input_gate, weights, columns(LstmGate::Input));
    set(forget_gate, weights, columns(LstmGate::Forget));
    set(&mut theirs.cell_gate, weights, columns(LstmGate::Candidate));
    set(&mut theirs.output_gate, weights, columns(LstmGate::Output));

    let x = random(3, "x", [4, 9, D_INPUT]).require_grad();
    let (output, state) = lstm.forward(x.clone(), None);
    let gradients = weighted_sum(&output, &[state.hidden.clone(), state.cell.clone()]).backward();
    let their_x = random(3, "x", [4, 9, D_INPUT]).require_grad();
    let (their_output, their_state) = theirs.forward(their_x.clone(), None);
    let their_states = [their_state.hidden, their_state.cell].map(|state| state.unsqueeze());
    let their_gradients = weighted_sum(&their_output, &their_states).backward();

    assert_close(&values(&output), &values(&their_output), "output");
    assert_close(&values(&state.cell), &values(&their_states[1]), "cell");
    assert_close(
        &gradient(&x, &gradients),
        &gradient(&their_x, &their_gradients),
        "gradient of the input",
    );
    let forget_gate = theirs.forget_gate.as_ref().expect("it is not coupled");
    for (gate, theirs) in [
        (LstmGate::Input, &theirs.input_gate),
        (LstmGate::Forget, forget_gate),
        (LstmGate::Candidate, &theirs.cell_gate),
        (LstmGate::Output, &theirs.output_gate),
    ] {
        let ours = packed_gradients(weights, columns(gate), &gradients);
        for (ours, theirs) in ours.iter().zip(gate_gradients(theirs, &their_gradients)) {
            assert_close(ours, &theirs, "gradient of a weight");
        }
    }
}

#[test]
fn gru_agrees_with_burns() {
    let mut draws = WeightDraws::new(4, &device());
    let gru = GruConfig::new(D_INPUT, D_HIDDEN)
        .with_init(RecurrentInit::Uniform)
        .init_with(&mut draws);
    let weights = &gru.layers[0];
    let mut theirs = nn::GruConfig::new(D_INPUT, D_HIDDEN, true).init(&device());
    let columns = |gate: GruGate| gate.columns(D_HIDDEN);
    set(&mut theirs.reset_gate, weights, columns(GruGate::Reset));
    set(&mut theirs.update_gate, weights, columns(GruGate::Update));
    set(&mut theirs.new_gate, weights, columns(GruGate::Candidate));

    let x = random(4, "x", [4, 9, D_INPUT]).require_grad();
    let (output, _) = gru.forward(x.clone(), None);
    let gradients = weighted_sum(&output, &[]).backward();
    let their_x = random(4, "x", [4, 9, D_INPUT]).require_grad();
    let their_output = theirs.forward(their_x.clone(), None);
    let their_gradients = weighted_sum(&their_output, &[]).backward();

    assert_close(&values(&output), &values(&their_output), "output");
    assert_close(
        &gradient(&x, &gradients),
        &gradient(&their_x, &their_gradients),
        "gradient of the input",
    );
    for (gate, theirs) in [
        (GruGate::Reset, &theirs.reset_gate),
        (GruGate::Update, &theirs.update_gate),
        (GruGate::Candidate, &theirs.new_gate),
    ] {
        let ours = packed_gradients(weights, columns(gate), &gradients);
        for (ours, theirs) in ours.iter().zip(gate_gradients(theirs, &their_gradients)) {
            assert_close(ours, &theirs, "gradient of a weight");
        }
    }
}
