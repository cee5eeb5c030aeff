//! The fused bodies on slices: what does not change their bits, and what comes through.

mod fits;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::plan::Cut;
use super::simd::Isa;
use super::{
    Company, FastCell, Hands, Keep, LayerStream, LooseWeights, Operands, OutputGradients,
    PreparedWeights, Sizes, Wanted, backward, forward,
};
use crate::sequence::packing::Packing;
use crate::{Lengths, Purpose, RandomSource};

/// One thread.
const ALONE: Cut = Cut {
    threads: 1,
    rows: 1,
    units: 1,
};

/// For two directions, also where there are fewer cores.
const CUTS: [Cut; 6] = [
    cut(2, 1, 1),
    cut(4, 2, 1),
    cut(4, 1, 2),
    cut(8, 2, 2),
    cut(6, 3, 1),
    cut(7, 1, 3),
];

const fn cut(threads: usize, rows: usize, units: usize) -> Cut {
    Cut {
        threads,
        rows,
        units,
    }
}

const EVERYTHING: Wanted = Wanted {
    x: true,
    input: true,
    recurrent: true,
    projection: true,
};

/// A layer and a batch. Everything is random; the sizes are small under Miri.
#[derive(Clone)]
struct Case {
    sizes: Sizes,
    lengths: Vec<usize>,
    time: usize,
    x: Vec<f32>,
    weights: [Vec<f32>; 5],
    states: [Vec<f32>; 2],
    d_output: Vec<f32>,
    mask: Option<Vec<f32>>,
}

impl Case {
    fn new(sizes: Sizes, lengths: &[usize]) -> Self {
        let time = lengths.iter().copied().max().unwrap_or(0) + 1;
        let (directions, batch) = (sizes.directions, lengths.len());
        let columns = sizes.columns();
        let random = |name: &str, count: usize| -> Vec<f32> {
            let mut stream = RandomSource::new(1).stream(Purpose::named(name), 0);
            (0..count).map(|_| stream.uniform() as f32 - 0.5).collect()
        };
        let projection = match sizes.is_projected() {
            true => directions * sizes.d_hidden * sizes.d_recurrent,
            false => 0,
        };
        let cell = match sizes.cell {
            FastCell::Lstm => directions * batch * sizes.d_hidden,
            FastCell::Gru => 0,
        };
        Self {
            x: random("x", batch * time * sizes.d_input),
            weights: [
                random("input weight", directions * sizes.d_input * columns),
                random("recurrent weight", directions * sizes.d_recurrent * columns),
                random("input bias", directions * columns),
                random("recurrent bias", directions * columns),
                random("projection weight", projection),
            ],
            states: [
                random("hidden", directions * batch * sizes.d_recurrent),
                random("cell", cell),
            ],
            d_output: random("gradient", batch * time * directions * sizes.d_recurrent),
            mask: None,
            lengths: lengths.to_vec(),
            time,
            sizes,
        }
    }

    fn operands<'a>(&'a self, packing: &'a Packing) -> Operands<'a> {
        let [input, recurrent, input_bias, recurrent_bias, projection] = &self.weights;
        Operands {
            sizes: self.sizes,
            packing,
            x: &self.x,
            input_weight: input,
            recurrent_weight: recurrent,
            input_bias,
            recurrent_bias,
            projection_weight: projection,
            hidden: &self.states[0],
            cell: &self.states[1],
            mask: self.mask.as_deref(),
            clip: None,
        }
    }

    /// Everything that the passes give.
    fn run(&self, keep: Keep, cut: Cut) -> Vec<Vec<f32>> {
        self.run_by(keep, Hands::Own(cut))
    }

    fn run_by(&self, keep: Keep, hands: Hands) -> Vec<Vec<f32>> {
        self.run_for(keep, hands, EVERYTHING)
    }

    fn run_for(&self, keep: Keep, hands: Hands, wanted: Wanted) -> Vec<Vec<f32>> {
        let packing = Packing::new(&Lengths::new(self.lengths.clone(), self.time).unwrap());
        let operands = self.operands(&packing);
        let result = forward(&operands, keep, hands);
        let mut all = vec![result.output.clone(), result.hidden, result.cell];
        if let Some(saved) = result.saved {
            let gradients = OutputGradients {
                output: Some(&self.d_output),
                hidden: None,
                cell: None,
            };
            let result = backward(&operands, &result.output, saved, &gradients, wanted, hands);
            let weights = result.weights;
            all.extend([
                result.x.unwrap_or_default(),
                result.hidden,
                result.cell,
                weights.input_weight,
                weights.recurrent_weight,
                weights.input_bias,
                weights.recurrent_bias,
                weights.projection_weight,
            ]);
        }
        all
    }
}

/// Layers of both cells, in both directions, one projected.
fn all_sizes(isa: Isa, d_input: usize, d_hidden: usize) -> Vec<Sizes> {
    let sizes = |cell, d_recurrent| Sizes {
        cell,
        directions: 2,
        d_input,
        d_hidden,
        d_recurrent,
        isa,
        few_rows: false,
    };
    vec![
        sizes(FastCell::Lstm, d_hidden),
        sizes(FastCell::Gru, d_hidden),
        sizes(FastCell::Lstm, d_hidden / 2),
    ]
}

fn sizes_of_tests() -> (usize, usize, &'static [usize]) {
    match cfg!(miri) {
        true => (3, 6, &[2, 0, 3]),
        false => (19, 70, &[5, 0, 9, 9, 2, 7, 1, 9, 4, 4, 3]),
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (d_input, d_hidden, lengths) = sizes_of_tests();
    let cuts = if cfg!(miri) { &CUTS[3..4] } else { &CUTS[..] };
    for isa in Isa::available() {
        for sizes in all_sizes(isa, d_input, d_hidden) {
            let mut case = Case::new(sizes, lengths);
            for masked in [false, true] {
                case.mask = masked.then(|| case.states[0].iter().map(|x| x + 1.0).collect());
                for keep in [Keep::Nothing, Keep::Steps, Keep::Segments(2)] {
                    let expected = case.run(keep, ALONE);
                    for cut in cuts.iter().copied() {
                        assert_eq!(
                            case.run(keep, cut),
                            expected,
                            "{sizes:?}, {keep:?}, {cut:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_sequence_gives_the_same_bits_alone_and_in_company() {
    let (d_input, d_hidden, lengths) = sizes_of_tests();
    for isa in Isa::available() {
        for sizes in all_sizes(isa, d_input, d_hidden) {
            let together = Case::new(sizes, lengths);
            let output = &together.run(Keep::Nothing, CUTS[3])[0];
            let per_sequence = output.len() / lengths.len();
            for (row, length) in lengths.iter().enumerate() {
                let part = |all: &[f32], leading: usize| -> Vec<f32> {
                    let size = all.len() / leading / lengths.len();
                    all.chunks_exact((size * lengths.len()).max(1))
                        .flat_map(|all| all[row * size..(row + 1) * size].to_vec())
                        .collect()
                };
                let alone = Case {
                    lengths: vec![*length],
                    x: part(&together.x, 1),
                    states: [part(&together.states[0], 2), part(&together.states[1], 2)],
                    sizes: Sizes {
                        few_rows: true,
                        ..sizes
                    },
                    ..together.clone()
                };
                assert_eq!(
                    alone.run(Keep::Nothing, ALONE)[0],
                    output[row * per_sequence..(row + 1) * per_sequence],
                    "{sizes:?}, sequence {row}"
                );
            }
        }
    }
}

#[test]
fn what_is_not_a_number_stays_in_its_sequence() {
    let (d_input, d_hidden, lengths) = sizes_of_tests();
    for isa in Isa::available() {
        for sizes in all_sizes(isa, d_input, d_hidden) {
            for bad in [f32::NAN, f32::INFINITY] {
                let mut case = Case::new(sizes, lengths);
                let clean = &case.run(Keep::Steps, ALONE)[0];
                // The first step of the last sequence.
                let last = lengths.len() - 1;
                case.x[last * case.time * d_input] = bad;
                let output = &case.run(Keep::Steps, ALONE)[0];
                let start = last * output.len() / lengths.len();
                assert_eq!(output[..start], clean[..start], "{sizes:?}");
                if bad.is_nan() {
                    let end = start + sizes.d_recurrent;
                    assert!(output[start..end].iter().all(|x| x.is_nan()), "{sizes:?}");
                }
            }
        }
    }
}

#[test]
fn weights_that_are_no_numbers_do_not_hang() {
    let (d_input, d_hidden, lengths) = sizes_of_tests();
    let all = Isa::available().into_iter();
    for sizes in all.flat_map(|isa| all_sizes(isa, d_input, d_hidden)) {
        let mut case = Case::new(sizes, lengths);
        for weights in &mut case.weights {
            weights.iter_mut().step_by(3).for_each(|x| *x = f32::NAN);
            weights
                .iter_mut()
                .step_by(5)
                .for_each(|x| *x = f32::NEG_INFINITY);
        }
        let result = case.run(Keep::Steps, CUTS[3]);
        assert!(result[0].iter().any(|x| x.is_nan()), "{sizes:?}");
    }
}

#[test]
fn a_stream_gives_the_bits_of_the_whole_sequence() {
    let (d_input, d_hidden, _) = sizes_of_tests();
    let (batch, steps) = (3, 4);
    for isa in Isa::available() {
        for mut sizes in all_sizes(isa, d_input, d_hidden) {
            sizes.directions = 1;
            sizes.few_rows = true;
            let case = Case::new(sizes, &[steps; 3]);
            let output = &case.run(Keep::Nothing, ALONE)[0];
            let [input, recurrent, input_bias, recurrent_bias, projection] = &case.weights;
            let weights = LooseWeights {
                input,
                recurrent,
                biases: [input_bias, recurrent_bias],
                projection,
            };
            let prepared = Arc::new(PreparedWeights::new(sizes, &weights, None));
            for members in 1..=3 {
                let mut stream = LayerStream::new(prepared.clone(), batch, members);
                stream.set_state(&case.states[0], &case.states[1]);
                let (hidden, cell) = stream.state();
                assert_eq!((&hidden, &cell), (&case.states[0], &case.states[1]));
                Company::with(members, |company| {
                    for step in 0..steps {
                        let rows = |all: &[f32], width: usize| -> Vec<f32> {
                            let row = |row| (row * case.time + step) * width;
                            (0..batch)
                                .flat_map(|index| all[row(index)..row(index) + width].to_vec())
                                .collect()
                        };
                        let shown = stream.step(company, &rows(&case.x, d_input));
                        let expected = rows(output, sizes.d_recurrent);
                        assert_eq!(shown, expected, "{sizes:?}, {members}, {step}");
                    }
                });
            }
        }
    }
}

/// A pool's thread may wait for the thread that a layer runs on: for room in a channel, or a lock.
#[test]
fn threads_of_the_pool_that_wait_for_the_caller_hold_nothing_up() {
    let (d_input, d_hidden, _) = sizes_of_tests();
    let sizes = all_sizes(Isa::best(), d_input, d_hidden)[0];
    // Enough to ask for help.
    let case = Case::new(sizes, &[40; 8]);
    let expected = case.run(Keep::Steps, ALONE);
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        for blocked in [1, rayon::current_num_threads()] {
            let (here, is_here) = mpsc::channel();
            let ways: Vec<_> = (0..blocked)
                .map(|_| {
                    let (go, may_go) = mpsc::channel::<()>();
                    let here = here.clone();
                    rayon::spawn(move || {
                        let _ = here.send(());
                        let _ = may_go.recv();
                    });
                    go
                })
                .collect();
            // The others may be at work for somebody else, whom they must not keep from going on.
            is_here.recv().expect("one of them comes");
            for _ in 0..3 {
                let _ = done.send(case.run_by(Keep::Steps, Hands::WhoComes));
            }
            drop(ways);
        }
    });
    for _ in 0..6 {
        let result = is_done.recv_timeout(Duration::from_secs(60));
        let result = result.expect("a pass does not wait for a thread that waits for it");
        assert_eq!(result, expected);
    }
}

/// More of everything than is gone through at once; `sequence/tests/sizes.rs` has what comes out.
#[test]
fn the_number_of_threads_changes_no_bit_of_a_large_layer() {
    if cfg!(miri) {
        return;
    }
    let lengths: Vec<usize> = (0..24).map(|row| 200 - row * 7).collect();
    for isa in Isa::available() {
        for sizes in all_sizes(isa, 270, 70) {
            let case = Case::new(sizes, &lengths);
            let expected = case.run(Keep::Steps, ALONE);
            for cut in [CUTS[0], CUTS[3]] {
                assert!(case.run(Keep::Steps, cut) == expected, "{sizes:?}, {cut:?}");
            }
        }
    }
}
