//! Streams on plain slices against the layers that they come from.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::Tensor;

use super::{assert_close, device, random, values};
use crate::{
    GruConfig, LstmConfig, PreparedLayer, PreparedStream, RecurrentInit, ResetGate, Stream,
    StreamState, WeightDraws,
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

/// Layers that are worth several threads, one of them projected.
fn large_layers() -> [PreparedLayer; 3] {
    let (d_input, d_hidden) = if cfg!(miri) { (8, 48) } else { (LARGE, LARGE) };
    let mut draws = WeightDraws::new(3, &device());
    let lstm = LstmConfig::new(d_input, d_hidden)
        .with_layers(2)
        .with_init(RecurrentInit::Uniform);
    let projected = lstm.clone().with_projection(Some(d_hidden / 2));
    let gru = GruConfig::new(d_input, d_hidden).with_layers(2);
    [
        lstm.init_with(&mut draws).prepare(),
        projected.init_with(&mut draws).prepare(),
        gru.init_with(&mut draws).prepare(),
    ]
}

const LARGE: usize = 160;

/// What a stream shows, and remembers in the end, after so many steps.
fn walk(stream: &mut PreparedStream, steps: usize) -> (Vec<u32>, StreamState) {
    let size = stream.batch() * stream.d_input();
    let x: Vec<f32> = values(&random(4, "x", [size]));
    let mut shown = Vec::new();
    for step in 0..steps {
        let x: Vec<f32> = x.iter().map(|x| x * (step % 7) as f32).collect();
        let output = stream.step(&x);
        // A sum of bits differs if any of them does.
        shown.push(output.iter().fold(0, |sum: u32, value| {
            sum.rotate_left(1).wrapping_add(value.to_bits())
        }));
    }
    (shown, stream.state())
}

/// In one thread.
fn walk_alone(layer: &PreparedLayer, batch: usize, steps: usize) -> (Vec<u32>, StreamState) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    let pool = pool.build().unwrap();
    pool.install(|| walk(&mut layer.stream(batch), steps))
}

const MANY: usize = if cfg!(miri) { 3 } else { 3_000 };

#[test]
fn company_changes_no_bit_of_a_stream() {
    for layer in large_layers() {
        for (batch, steps) in [(1, MANY), (5, MANY / 30)] {
            let expected = walk_alone(&layer, batch, steps);
            assert!(
                walk(&mut layer.stream(batch), steps) == expected,
                "{layer:?}"
            );
        }
    }
}

#[test]
fn streams_of_one_layer_go_on_at_the_same_time() {
    for layer in large_layers() {
        let steps = MANY / 3;
        let expected = walk_alone(&layer, 1, steps);
        let threads = || {
            std::thread::scope(|scope| {
                let walk = || scope.spawn(|| walk(&mut layer.stream(1), steps));
                let walks: Vec<_> = (0..4).map(|_| walk()).collect();
                walks
                    .into_iter()
                    .all(|walk| walk.join().unwrap() == expected)
            })
        };
        assert!(threads(), "{layer:?}");
        let mut results = vec![None; 4];
        rayon::scope(|scope| {
            for result in &mut results {
                scope.spawn(|_| *result = Some(walk(&mut layer.stream(1), steps)));
            }
        });
        let results: Option<Vec<_>> = results.into_iter().collect();
        assert!(
            results.unwrap().iter().all(|result| *result == expected),
            "{layer:?}"
        );
    }
}

#[test]
fn a_stream_pauses_ends_and_moves_whenever_it_likes() {
    let [layer, ..] = large_layers();
    let steps = MANY / 10;
    let (expected, _) = walk_alone(&layer, 1, 2 * steps);
    for pause in [0, 10, 200, 20_000] {
        let mut stream = layer.stream(1);
        let (before, _) = walk(&mut stream, steps);
        assert!(before == expected[..steps]);
        std::thread::sleep(std::time::Duration::from_micros(pause));
        // What keeps it company must not care where it is, or that it is no more.
        let moved = std::thread::spawn(move || walk(&mut stream, steps));
        moved.join().unwrap();
    }
}

#[test]
fn layers_and_streams_compute_at_the_same_time() {
    let lstm = LstmConfig::new(LARGE, LARGE).init(&device());
    let layer = lstm.prepare();
    let expected = walk_alone(&layer, 1, MANY);
    let x = random(5, "x", [if cfg!(miri) { 1 } else { 16 }, 20, LARGE]);
    let output = values(&lstm.forward(x.clone(), None).0);
    std::thread::scope(|scope| {
        let walk = scope.spawn(|| walk(&mut layer.stream(1), MANY));
        for _ in 0..10 {
            assert!(values(&lstm.forward(x.clone(), None).0) == output);
        }
        assert!(walk.join().unwrap() == expected);
    });
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
    let lstm = LstmConfig::new(D_INPUT, 100).init(&device());
    assert!(lstm.stream(0).step(&[]).is_empty());
}
