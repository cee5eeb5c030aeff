//! The cells against their equations worked by hand.

use burn::tensor::{Device, Tensor, TensorData, Tolerance};

use super::{GruCell, LstmCell};
use crate::draws::WeightDraws;
use crate::gate::ResetGate;
use crate::state::{GruState, LstmState};
use crate::weights::PackedWeights;

fn device() -> Device {
    Device::flex().autodiff()
}

fn row(values: &[f32]) -> Tensor<2> {
    Tensor::from_data(
        TensorData::new(values.to_vec(), [1, values.len()]),
        &device(),
    )
}

/// Weights of one input, one recurrent feature and all columns of the gates.
fn weights(input: &[f32], recurrent: &[f32], biases: [&[f32]; 2]) -> PackedWeights {
    let draws = WeightDraws::new(0, &device());
    let columns = input.len();
    PackedWeights {
        input_weight: draws.parameter([1, 1, columns], input.to_vec()),
        recurrent_weight: draws.parameter([1, 1, columns], recurrent.to_vec()),
        input_bias: Some(draws.parameter([1, columns], biases[0].to_vec())),
        recurrent_bias: Some(draws.parameter([1, columns], biases[1].to_vec())),
        projection_weight: None,
    }
}

fn close(tensor: Tensor<2>, expected: f32) {
    close_to(tensor, [expected]);
}

fn close_to<const N: usize>(tensor: Tensor<2>, expected: [f32; N]) {
    tensor
        .into_data()
        .assert_approx_eq::<f32>(&TensorData::from([expected]), Tolerance::absolute(1e-6));
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
            &[0.1, 0.2, -0.3, 0.4],
            &[0.5, -0.4, 0.3, -0.2],
            [&[0.1, 1.0, 0.0, -0.2], &[-0.1, 0.0, 0.2, 0.1]],
        ),
        cell_clip: None,
    };
    let state = LstmState {
        hidden: row(&[0.2]),
        cell: row(&[-0.3]),
    };
    let (state, gates) = cell.forward_with_gates(row(&[0.5]), state);
    close(gates.input, 0.537_429_8);
    close(gates.forget, 0.734_972_6);
    close(gates.candidate, 0.109_558_5);
    close(gates.output, 0.514_995_5);
    close(state.cell, -0.161_611_8);
    close(state.hidden, -0.082_512_2);
}

/// Two hidden units with the weights above, projected to one feature, and limited to ±0.3.
fn projected_and_limited() -> LstmCell {
    let twice = |gates: [f32; 4]| gates.map(|gate| [gate, gate]).concat();
    let draws = WeightDraws::new(0, &device());
    LstmCell {
        weights: PackedWeights {
            projection_weight: Some(draws.parameter([1, 2, 1], vec![0.5, -2.0])),
            ..weights(
                &twice([0.1, 0.2, -0.3, 0.4]),
                &twice([0.5, -0.4, 0.3, -0.2]),
                [&twice([0.1, 1.0, 0.0, -0.2]), &twice([-0.1, 0.0, 0.2, 0.1])],
            )
        },
        cell_clip: Some(0.3),
    }
}

/// By hand, gates as above, c = (-0.3, -0.9):
/// c' = (-0.1616118, 0.7349726·(-0.9) + 0.5374298·0.1095585 = -0.6025953), limited to -0.3
/// h' = 0.5·(-0.0825122) - 2·0.5149955·tanh(-0.3) = 0.2587933
/// ∂h'/∂c = (0.5·o·(1 - tanh(c')²)·f = 0.1843956, 0)
#[test]
fn a_projected_and_limited_lstm_cell_follows_its_equations() {
    let memory = row(&[-0.3, -0.9]).require_grad();
    let state = LstmState {
        hidden: row(&[0.2]),
        cell: memory.clone(),
    };
    let state = projected_and_limited().forward(row(&[0.5]), state);
    let gradients = state.hidden.clone().sum().backward();
    close_to(state.cell, [-0.161_611_8, -0.3]);
    close_to(state.hidden, [0.258_793_3]);
    close_to(memory.grad(&gradients).unwrap(), [0.184_395_6, 0.0]);
}

#[test]
fn a_limit_lets_through_what_is_not_a_number() {
    let state = LstmState {
        hidden: row(&[0.2]),
        cell: row(&[f32::NAN, f32::INFINITY]),
    };
    let state = projected_and_limited().forward(row(&[0.5]), state);
    let cell: Vec<f32> = state.cell.into_data().iter().collect();
    assert!(cell[0].is_nan(), "{cell:?}");
    assert_eq!(cell[1], 0.3);
    assert!(state.hidden.into_scalar::<f32>().is_nan());
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
        let (state, gates) = cell.forward_with_gates(row(&[0.5]), state);
        close(gates.reset, 0.537_429_8);
        close(gates.update, update);
        close(gates.candidate, candidate);
        close(state.hidden, (1.0 - update) * candidate + update * 0.2);
    }
}
