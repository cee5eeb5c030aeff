//! The cells against their equations worked by hand.

use burn::tensor::{Device, Tensor, TensorData, Tolerance};

use super::{GruCell, LstmCell};
use crate::draws::WeightDraws;
use crate::gate::ResetGate;
use crate::state::{GruState, LstmState};
use crate::weights::PackedWeights;

fn row(values: &[f32]) -> Tensor<2> {
    Tensor::from_data(
        TensorData::new(values.to_vec(), [1, values.len()]),
        &Device::flex(),
    )
}

fn weights(gates: usize, input: &[f32], recurrent: &[f32], biases: [&[f32]; 2]) -> PackedWeights {
    let draws = WeightDraws::new(0, &Device::flex());
    PackedWeights {
        input_weight: draws.parameter([1, 1, gates], input.to_vec()),
        recurrent_weight: draws.parameter([1, 1, gates], recurrent.to_vec()),
        input_bias: Some(draws.parameter([1, gates], biases[0].to_vec())),
        recurrent_bias: Some(draws.parameter([1, gates], biases[1].to_vec())),
        projection_weight: None,
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
