//! Numbers at the edge: infinite ones, and cells at their limit.

use burn::tensor::Tensor;

use super::{Case, FAST, Learns, Reaches, Setting, Way, assert_agree, run_in};
use crate::sequence::Recurrence;
use crate::sequence::cpu::Isa;

/// 19 units fill no vector of any instruction set.
fn case(recurrence: Recurrence) -> Case {
    Case {
        recurrence,
        bidirectional: false,
        bias: true,
        d_input: 5,
        d_hidden: 19,
        d_projection: None,
        cell_clip: None,
        masked: false,
        checkpoint_every: None,
        lengths: vec![4, 0, 3, 2],
        padding: 1,
        reaches: Reaches::Everything,
        learns: Learns::Everything,
        seed: 8,
    }
}

/// A leaf with one number changed.
fn with_one(tensor: &Tensor<3>, at: [usize; 3], value: f64) -> Tensor<3> {
    let like = (&tensor.device(), tensor.dtype());
    let [a, b, c] = at.map(|index| index..index + 1);
    let one = Tensor::full([1, 1, 1], value, like);
    let changed = tensor.clone().detach().slice_assign([a, b, c], one);
    changed.detach().set_require_grad(true)
}

#[test]
fn what_is_infinite_has_the_gradients_of_the_plain_body() {
    let projected = Case {
        d_projection: Some(7),
        ..case(Recurrence::Lstm)
    };
    let checkpointed = FAST.map(|recurrence| Case {
        checkpoint_every: Some(2),
        ..case(recurrence)
    });
    let cases = FAST.map(case).into_iter().chain([projected]);
    for case in cases.chain(checkpointed) {
        for in_input in [true, false] {
            let gives = |way: Way| {
                let mut setting = Setting::new(&case, way.dtype());
                match in_input {
                    true => setting.x = with_one(&setting.x, [2, 1, 3], f64::INFINITY),
                    false => {
                        setting.initial[0] = with_one(&setting.initial[0], [0, 2, 3], f64::INFINITY)
                    }
                }
                run_in(&setting, &case, way)
            };
            let expected = gives(Way::ByHand);
            let is_nan = |all: &[(String, Vec<f64>)]| -> Vec<Vec<bool>> {
                let nan = |(_, values): &(_, Vec<f64>)| values.iter().map(|x| x.is_nan()).collect();
                all.iter().map(nan).collect()
            };
            let finite = |all: Vec<(String, Vec<f64>)>| -> Vec<(String, Vec<f64>)> {
                let finite = |x: f64| if x.is_finite() { x } else { 0.0 };
                let of = |(name, values): (_, Vec<f64>)| {
                    (name, values.into_iter().map(finite).collect())
                };
                all.into_iter().map(of).collect()
            };
            let infinite = |all: &[(String, Vec<f64>)]| -> Vec<f64> {
                let values = all.iter().flat_map(|(_, values)| values);
                values.copied().filter(|x| x.is_infinite()).collect()
            };
            let number_of_nan = is_nan(&expected)
                .iter()
                .flatten()
                .filter(|nan| **nan)
                .count();
            assert!(number_of_nan > 0, "{case:?}");
            for isa in Isa::available() {
                let way = Way::Fused(isa);
                let found = gives(way);
                let nan = is_nan(&found).into_iter().zip(is_nan(&expected));
                for ((found, expected), (name, _)) in nan.zip(&expected) {
                    assert_eq!(found, expected, "{way:?}: {name}, {in_input}, {case:?}");
                }
                assert_eq!(infinite(&found), infinite(&expected), "{way:?}: {case:?}");
                assert_agree(way, &finite(found), &finite(expected.clone()), 1e-5);
            }
        }
    }
}

/// PyTorch's `clamp`, too, lets the gradient through at the limit itself.
#[test]
fn the_limit_of_a_cell_lets_gradients_through_up_to_itself() {
    // Small and large, all powers of two: the cell below is exact.
    for limit in [0.5, 2.0_f32.powi(-100), 2.0_f32.powi(100)] {
        let case = Case {
            bias: false,
            cell_clip: Some(limit),
            lengths: vec![1; 6],
            padding: 0,
            ..case(Recurrence::Lstm)
        };
        // Without input and hidden state, c_1 = σ(0) ⊙ c_0 = c_0 / 2.
        let limit = f64::from(limit);
        let beyond = 2.0 * limit * (1.0 + f64::from(f32::EPSILON));
        let below = 2.0 * limit * (1.0 - f64::from(f32::EPSILON));
        let initial = [2.0 * limit, beyond, below, -2.0 * limit, -beyond, -below];
        let gives = |way: Way| {
            let mut setting = Setting::new(&case, way.dtype());
            let leaf = |tensor: Tensor<3>| tensor.detach().set_require_grad(true);
            setting.x = leaf(setting.x.zeros_like());
            setting.initial[0] = leaf(setting.initial[0].zeros_like());
            let cell = setting.initial[1].zeros_like();
            let rows = initial.iter().enumerate().fold(cell, |cell, (row, value)| {
                let row = row..row + 1;
                let value = Tensor::full([1, 1, 19], *value, (&cell.device(), cell.dtype()));
                cell.slice_assign([0..1, row, 0..19], value)
            });
            setting.initial[1] = leaf(rows);
            run_in(&setting, &case, way)
        };
        let expected = gives(Way::ByAutodiff);
        let of_cell = |all: &[(String, Vec<f64>)]| {
            let found = all
                .iter()
                .find(|(name, _)| name == "gradient of initial cell");
            found.expect("the initial cell learns").1.clone()
        };
        let passes: Vec<bool> = of_cell(&expected)
            .chunks(19)
            .map(|row| row[0] != 0.0)
            .collect();
        assert_eq!(passes, [true, false, true, true, false, true], "{limit}");
        for way in Isa::available()
            .into_iter()
            .map(Way::Fused)
            .chain([Way::ByHand])
        {
            let found = gives(way);
            assert_agree(way, &found, &expected, 1e-5);
            let passes: Vec<bool> = of_cell(&found)
                .chunks(19)
                .map(|row| row[0] != 0.0)
                .collect();
            assert_eq!(
                passes,
                [true, false, true, true, false, true],
                "{way:?}, {limit}"
            );
        }
    }
}
