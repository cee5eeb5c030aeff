//! Sizes from which the fused bodies go through things in several turns.

use super::{Case, FAST, Learns, Reaches, Way, assert_agree, run};
use crate::sequence::Recurrence;
use crate::sequence::cpu::Isa;

fn case(recurrence: Recurrence, d_input: usize, d_hidden: usize, lengths: Vec<usize>) -> Case {
    Case {
        recurrence,
        bidirectional: false,
        bias: true,
        d_input,
        d_hidden,
        d_projection: None,
        cell_clip: None,
        masked: false,
        checkpoint_every: None,
        lengths,
        padding: 1,
        reaches: Reaches::Everything,
        learns: Learns::Everything,
        seed: 13,
    }
}

/// Against the plain body in 64-bit floats, which a hundred thousand small cases have against the cells.
fn agree(case: &Case) {
    let expected = run(case, Way::ByHand);
    for isa in Isa::available() {
        let way = Way::Fused(isa);
        assert_agree(way, &run(case, way), &expected, 1e-5);
    }
}

fn ragged(batch: usize, longest: usize) -> Vec<usize> {
    (0..batch).map(|row| longest - row * 7 % longest).collect()
}

/// More than the columns of the input and of the hidden state that stay in the cache at once, and than the
/// rows of a weight whose gradient is laid out at once.
#[test]
fn wide_layers_agree_with_the_plain_body() {
    for recurrence in FAST {
        agree(&case(recurrence, 530, 520, ragged(14, 4)));
    }
}

/// More steps than a weight's gradient is summed up over at once, with any instruction set.
#[test]
fn many_steps_agree_with_the_plain_body() {
    for recurrence in FAST {
        let long = case(recurrence, 5, 19, ragged(70, 90));
        assert!(long.lengths.iter().sum::<usize>() > 3_000);
        agree(&Case {
            lengths: ragged(7, 900),
            ..long.clone()
        });
        agree(&long);
    }
}

/// Enough of everything at once for several threads, where there are some.
#[test]
fn large_layers_agree_with_the_plain_body() {
    for recurrence in FAST {
        agree(&Case {
            bidirectional: true,
            masked: true,
            ..case(recurrence, 300, 150, ragged(40, 60))
        });
    }
    agree(&Case {
        bidirectional: true,
        d_projection: Some(70),
        checkpoint_every: Some(25),
        ..case(Recurrence::Lstm, 300, 150, ragged(40, 30))
    });
}
