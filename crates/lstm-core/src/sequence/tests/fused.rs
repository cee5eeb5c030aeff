//! The fused bodies, one for each instruction set.

use burn::tensor::{DType, FloatDType, Tensor};
use proptest::prelude::*;

use super::{Case, FAST, Learns, Reaches, Way, assert_agree, cases, run};
use crate::sequence::Recurrence;
use crate::sequence::cpu::Isa;
use crate::sequence::operation::Body;
use crate::tests::random;
use crate::{LstmConfig, WeightDraws};

/// A cell that comes within rounding of its limit at some step is on one side of it for one body and
/// on the other for another; then their gradients differ. It shows when the limit itself moves as
/// little.
fn is_at_the_limit(case: &Case) -> bool {
    let Some(clip) = case.cell_clip else {
        return false;
    };
    let [below, above] = [1.0 - 2e-6, 1.0 + 2e-6].map(|factor| {
        let moved = Case {
            cell_clip: Some(clip * factor),
            ..case.clone()
        };
        run(&moved, Way::ByAutodiff)
    });
    below.iter().zip(&above).any(|((_, below), (_, above))| {
        let largest = below.iter().fold(1.0_f64, |max, x| max.max(x.abs()));
        let mut pairs = below.iter().zip(above);
        pairs.any(|(below, above)| (below - above).abs() > 8e-6 * largest)
    })
}

fn agree(case: &Case) {
    if is_at_the_limit(case) {
        return;
    }
    let expected = run(case, Way::ByAutodiff);
    for isa in Isa::available() {
        let found = run(case, Way::Fused(isa));
        assert_agree(Way::Fused(isa), &found, &expected, 1e-5);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        // 500,000 of them take some 70 minutes: PROPTEST_CASES=500000 cargo test --release --workspace --lib fused_bodies
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn fused_bodies_agree_with_the_cells(case in cases(&FAST)) {
        agree(&case);
    }
}

#[test]
fn without_segments_and_with_the_bits_are_the_same() {
    for recurrence in FAST {
        let whole = Case {
            recurrence,
            bidirectional: true,
            bias: true,
            d_input: 19,
            d_hidden: 35,
            d_projection: None,
            cell_clip: None,
            masked: true,
            checkpoint_every: None,
            lengths: vec![9, 3, 0, 7, 9, 1],
            padding: 1,
            reaches: Reaches::Everything,
            learns: Learns::Input,
            seed: 5,
        };
        for isa in Isa::available() {
            let expected = run(&whole, Way::Fused(isa));
            for every in [1, 2, 4, 9, 100] {
                let cut = Case {
                    checkpoint_every: Some(every),
                    ..whole.clone()
                };
                assert_eq!(
                    run(&cut, Way::Fused(isa)),
                    expected,
                    "{isa:?}, every {every}"
                );
            }
        }
    }
}

#[test]
fn other_floats_take_the_plain_body() {
    let mut draws = WeightDraws::new(1, &crate::tests::device());
    let layer = LstmConfig::new(1, 1).init_with(&mut draws);
    let body = |x: &Tensor<3>| Body::of(Recurrence::Lstm, x, &layer.layers[0]);
    let x: Tensor<3> = random(1, "x", [1, 1, 1]);
    assert!(matches!(body(&x), Some(Body::Fused(_))));
    let wide = x.cast(FloatDType::F64);
    assert_eq!(wide.dtype(), DType::F64);
    assert!(matches!(body(&wide), Some(Body::Plain(_))));
}
