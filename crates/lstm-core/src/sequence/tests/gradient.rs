//! The plain body's hand-written gradient.

use burn::backend::{Autodiff, Flex};
use burn::module::Param;
use burn::tensor::Tensor;
use proptest::prelude::*;

use super::{
    Case, Learns, Reaches, Setting, Way, assert_agree, cases, doubles, gradient, loss, random, run,
};
use crate::gate::ResetGate;
use crate::sequence::Recurrence;

const ALL: [Recurrence; 3] = [
    Recurrence::Lstm,
    Recurrence::Gru(ResetGate::AfterProduct),
    Recurrence::Gru(ResetGate::BeforeProduct),
];

/// Sums of some thousand terms, each rounded to 1e-16 of itself: two orders above what comes.
const ROUNDING: f64 = 1e-11;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_hand_written_gradient_is_that_of_autodiff(case in cases(&ALL)) {
        let (found, expected) = (run(&case, Way::ByHand), run(&case, Way::ByAutodiff));
        assert_agree(Way::ByHand, &found, &expected, ROUNDING);
    }
}

fn case(recurrence: Recurrence) -> Case {
    let lstm = matches!(recurrence, Recurrence::Lstm);
    Case {
        recurrence,
        bidirectional: true,
        bias: true,
        d_input: 3,
        d_hidden: 5,
        d_projection: lstm.then_some(4),
        cell_clip: lstm.then_some(0.2),
        masked: true,
        checkpoint_every: None,
        lengths: vec![4, 0, 7, 2],
        padding: 1,
        reaches: Reaches::Everything,
        learns: Learns::Everything,
        seed: 3,
    }
}

/// More steps and rows than are gone through at once.
#[test]
fn a_large_batch_is_gone_through_in_stretches() {
    for recurrence in ALL {
        let large = Case {
            lengths: (0..100).map(|row| row % 45).collect(),
            ..case(recurrence)
        };
        for checkpoint_every in [None, Some(3)] {
            let large = Case {
                checkpoint_every,
                ..large.clone()
            };
            let (found, expected) = (run(&large, Way::ByHand), run(&large, Way::ByAutodiff));
            assert_agree(Way::ByHand, &found, &expected, ROUNDING);
        }
    }
}

#[test]
fn a_batch_without_a_step_passes_gradients_of_states_on() {
    for recurrence in ALL {
        let empty = Case {
            lengths: vec![0, 0],
            padding: 2,
            ..case(recurrence)
        };
        let (found, expected) = (run(&empty, Way::ByHand), run(&empty, Way::ByAutodiff));
        assert_agree(Way::ByHand, &found, &expected, 0.0);
    }
}

/// The slope of the loss along a random direction of each parameter, from the loss on both sides.
///
/// At a step of 1e-4 the third derivative leaves 1e-8 of its size, and 64-bit rounding 1e-12; 1e-6 is
/// far from both and from any wrong term. No cell comes so near its limit with this seed.
#[test]
fn gradients_are_slopes() {
    const STEP: f64 = 1e-4;
    for recurrence in ALL {
        let case = case(recurrence);
        let way = Way::ByHand;
        let setting = Setting::new(&case, way.dtype());
        let (output, finals) = setting.run(&case, way);
        let gradients = loss(&case, &output, &finals).backward();
        let (stacked, biases) = setting.parameters();
        for (name, tensor) in &stacked {
            let direction: Tensor<3> = random(7, name, tensor.dims());
            let moved = |by| {
                let mut setting = Setting::new(&case, way.dtype());
                setting.nudge(name, |value| {
                    value + direction.clone().cast(way.dtype()) * by
                });
                let (output, finals) = setting.run(&case, way);
                doubles(&loss(&case, &output, &finals))[0]
            };
            let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let found = along(
                &gradient(&case, way, (name, tensor), &gradients),
                &doubles(&direction),
            );
            assert!(
                (found - expected).abs() <= 1e-6,
                "{recurrence:?}, {name}: {found}, expected {expected}"
            );
        }
        assert_eq!(biases.len(), 2);
        let count = match recurrence {
            Recurrence::Lstm => 6,
            Recurrence::Gru(_) => 4,
        };
        assert_eq!(stacked.len(), count);
    }
}

impl Setting {
    /// Changes what [`parameters`](Self::parameters) calls `name`.
    fn nudge(&mut self, name: &str, change: impl FnOnce(Tensor<3>) -> Tensor<3>) {
        let weight = match name {
            "x" => return self.x = change(self.x.clone()),
            "initial hidden" => return self.initial[0] = change(self.initial[0].clone()),
            "initial cell" => return self.initial[1] = change(self.initial[1].clone()),
            "input weight" => &mut self.weights.input_weight,
            "recurrent weight" => &mut self.weights.recurrent_weight,
            "projection weight" => self.weights.projection_weight.as_mut().unwrap(),
            _ => panic!("no parameter {name}"),
        };
        *weight = Param::from_tensor(change(weight.val()).detach());
    }
}

fn along(gradient: &[f64], direction: &[f64]) -> f64 {
    gradient.iter().zip(direction).map(|(a, b)| a * b).sum()
}

/// How many nodes of burn's graph lie above `tensor`, one above the other.
fn depth(tensor: Tensor<3>) -> usize {
    let tensor = tensor.try_into_primitive::<Autodiff<Flex>>().unwrap();
    // burn shows a node's order to nobody but `Debug`.
    let node = format!("{:?}", tensor.node());
    let order = node.split("order: ").nth(1).unwrap();
    let digits: String = order.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[test]
fn a_sequence_is_one_node_whatever_its_length() {
    for recurrence in ALL {
        let depth_of = |way: Way, length: usize| {
            let case = Case {
                lengths: vec![length, 1],
                ..case(recurrence)
            };
            depth(Setting::new(&case, way.dtype()).run(&case, way).0)
        };
        assert_eq!(depth_of(Way::ByHand, 2), depth_of(Way::ByHand, 40));
        assert!(depth_of(Way::ByAutodiff, 40) > 40);
    }
}
