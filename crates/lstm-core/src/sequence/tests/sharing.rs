//! Layers beside others, on devices that keep less, and with floats that do not fit.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Device, FloatDType, Tensor};

use super::{Case, FAST, Learns, Reaches, Way, run};
use crate::sequence::Recurrence;
use crate::sequence::cpu::Isa;
use crate::tests::{device, random, values};
use crate::{Lengths, LstmConfig, LstmState, WeightDraws};

fn case(recurrence: Recurrence, seed: u64) -> Case {
    Case {
        recurrence,
        bidirectional: true,
        bias: true,
        d_input: 60,
        d_hidden: 70,
        d_projection: None,
        cell_clip: None,
        masked: false,
        checkpoint_every: None,
        lengths: (0..12).map(|row| 30 - row).collect(),
        padding: 1,
        reaches: Reaches::Everything,
        learns: Learns::Everything,
        seed,
    }
}

#[test]
fn layers_on_several_threads_at_once_give_their_own_bits() {
    let cases: Vec<Case> = (0..4)
        .map(|index| case(FAST[index % 2], index as u64))
        .collect();
    let way = Way::Fused(Isa::best());
    let alone: Vec<_> = cases.iter().map(|case| run(case, way)).collect();
    std::thread::scope(|scope| {
        for (case, alone) in cases.iter().zip(&alone) {
            scope.spawn(move || {
                for _ in 0..5 {
                    assert!(run(case, way) == *alone, "{case:?}");
                }
            });
        }
    });
}

/// burn computes again on the way back what it would otherwise keep; a layer keeps what it needs itself.
#[test]
fn gradients_are_the_same_where_burn_keeps_less() {
    let gradients = |device: Device| {
        let mut draws = WeightDraws::new(3, &device);
        let layer = LstmConfig::new(5, 19).with_layers(2).init_with(&mut draws);
        let like = |name, shape| values(&random(4, name, shape) as &Tensor<3>);
        let data = burn::tensor::TensorData::new(like("x", [3, 4, 5]), [3, 4, 5]);
        let x = Tensor::<3>::from_data(data, &device).set_require_grad(true);
        // What lies before and after is computed again.
        let (output, _) = layer.forward(x.clone().exp().log().tanh(), None);
        let gradients = output.exp().sum().backward();
        let weight = &layer.layers[1].recurrent_weight;
        [x.grad(&gradients), weight.val().grad(&gradients)].map(|found| values(&found.unwrap()))
    };
    let kept = gradients(device());
    let again = gradients(Device::flex().autodiff().gradient_checkpointing());
    assert_eq!(kept, again);
}

#[test]
fn floats_that_do_not_fit_are_named_where_the_layer_is_entered() {
    let layer = LstmConfig::new(5, 3).init_with(&mut WeightDraws::new(3, &device()));
    let x: Tensor<3> = random(4, "x", [2, 4, 5]);
    let state = |dtype: FloatDType| {
        let zeros = || Tensor::<3>::zeros([1, 2, 3], &device()).cast(dtype);
        LstmState {
            hidden: zeros(),
            cell: zeros(),
        }
    };
    let wide = x.clone().cast(FloatDType::F64);
    let lengths = Lengths::full(2, 4);
    for (x, state) in [
        (wide.clone(), None),
        (wide, Some(state(FloatDType::F64))),
        (x, Some(state(FloatDType::F64))),
    ] {
        let run = || layer.forward_ragged(x.clone(), &lengths, state.clone());
        let panic = catch_unwind(AssertUnwindSafe(run)).err().unwrap();
        let message = panic.downcast_ref::<String>().unwrap();
        for part in ["F64", "F32", "floats of one kind"] {
            assert!(message.contains(part), "{message}");
        }
    }
}
