//! Streams on plain slices against the layers that they come from.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::Tensor;

use super::{assert_close, device, random, values};
use crate::{
    GruConfig, LstmConfig, PreparedStream, RecurrentInit, ResetGate, Stream, StreamState,
    WeightDraws,
};

const D_INPUT: usize = 3;
const BATCH: usize = 2;
const STEPS: usize = 5;

/// A stream of each cell in two layers, one projected and limited, and what its layer gives for
/// [`input`].
fn streams() -> Vec<(&'static str, PreparedStream, Tensor<3>)> {
    let mut draws = WeightDraws::new(2, &device());
    let lstm = LstmConfig::new(D_INPUT, 6)
        .with_layers(2)
        .with_init(RecurrentInit::Uniform);
    let projected = lstm
        .clone()
        .with_projection(Some(4))
        .with_cell_clip(Some(0.2))
        .init_with(&mut draws);
    let lstm = lstm.init_with(&mut draws);
    let gru = GruConfig::new(D_INPUT, 6)
        .with_layers(2)
        .with_bias(false)
        .init_with(&mut draws);
    vec![
        ("LSTM", lstm.stream(BATCH), lstm.forward(input(), None).0),
        (
            "projected LSTM",
            projected.stream(BATCH),
            projected.forward(input(), None).0,
        ),
        ("GRU", gru.stream(BATCH), gru.forward(input(), None).0),
    ]
}

fn input() -> Tensor<3> {
    random(1, "x", [BATCH, STEPS, D_INPUT])
}

fn at(tensor: &Tensor<3>, step: usize) -> Vec<f32> {
    values(&tensor.clone().narrow(1, step, 1))
}

#[test]
fn a_stream_goes_on_as_its_layer_does() {
    for (name, mut stream, output) in streams() {
        assert_eq!(stream.d_output(), output.dims()[2], "{name}");
        for _again in 0..2 {
            for step in 0..STEPS {
                let shown = stream.step(&at(&input(), step));
                assert_close(shown, &at(&output, step), name);
            }
            stream.reset();
        }
    }
}

#[test]
fn a_saved_state_is_gone_on_from_to_the_bit() {
    for (name, mut stream, _) in streams() {
        stream.step(&at(&input(), 0));
        let state = stream.state();
        let expected = stream.step(&at(&input(), 1)).to_vec();
        stream.step(&at(&input(), 2));
        stream.set_state(&state);
        assert_eq!(stream.step(&at(&input(), 1)), expected, "{name}");
    }
}

#[test]
fn streams_of_one_layer_do_not_meet() {
    let prepared = LstmConfig::new(D_INPUT, 4).init(&device()).prepare();
    let (mut first, mut second) = (prepared.stream(1), prepared.clone().stream(1));
    let expected = first.step(&[1.0, 2.0, 3.0]).to_vec();
    first.step(&[3.0, 2.0, 1.0]);
    assert_eq!(second.step(&[1.0, 2.0, 3.0]), expected);
}

#[test]
fn what_does_not_fit_a_stream_is_refused() {
    let lstm = LstmConfig::new(D_INPUT, 4);
    let mut stream = lstm.init(&device()).stream(BATCH);
    let refused = |work: &mut dyn FnMut()| catch_unwind(AssertUnwindSafe(work)).is_err();
    assert!(refused(&mut || {
        stream.step(&[0.0; BATCH * D_INPUT + 1]);
    }));
    let short = StreamState {
        hidden: vec![0.0; BATCH * 4 - 1],
        cell: vec![0.0; BATCH * 4],
    };
    assert!(refused(&mut || stream.set_state(&short)));
    assert!(refused(&mut || {
        lstm.clone()
            .with_bidirectional(true)
            .init(&device())
            .prepare();
    }));
    assert!(refused(&mut || {
        let gru = GruConfig::new(D_INPUT, 4).with_reset(ResetGate::BeforeProduct);
        gru.init(&device()).prepare();
    }));
    // An empty stream has nothing to say.
    assert!(lstm.init(&device()).stream(0).step(&[]).is_empty());
}
