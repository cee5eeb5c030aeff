//! What is asked for is all that is computed, and what does not fit is refused.

use super::*;

#[test]
fn only_what_is_wanted_is_there_and_has_the_same_bits() {
    let (d_input, d_hidden, lengths) = sizes_of_tests();
    for sizes in all_sizes(Isa::best(), d_input, d_hidden) {
        let case = Case::new(sizes, lengths);
        let gru = sizes.cell == FastCell::Gru;
        for keep in [Keep::Steps, Keep::Segments(2)] {
            let all = case.run(keep, ALONE);
            for bits in 0..16 {
                let [x, input, recurrent, projection] =
                    [0, 1, 2, 3].map(|bit| bits >> bit & 1 == 1);
                let wanted = Wanted {
                    x,
                    input,
                    recurrent,
                    projection,
                };
                let found = case.run_for(keep, Hands::Own(CUTS[0]), wanted);
                let recurrent_bias = if gru { recurrent } else { input };
                let is_there = [
                    x,
                    true,
                    true,
                    input,
                    recurrent,
                    input,
                    recurrent_bias,
                    projection,
                ];
                let outputs = [true; 3];
                for (place, is_there) in outputs.iter().chain(&is_there).enumerate() {
                    let expected: &[f32] = if *is_there { &all[place] } else { &[] };
                    assert_eq!(
                        found[place], expected,
                        "{sizes:?}, {keep:?}, {wanted:?}, {place}"
                    );
                }
            }
        }
    }
}

#[test]
fn nothing_goes_back_through_what_does_not_fit() {
    let (d_input, d_hidden, lengths) = sizes_of_tests();
    for sizes in all_sizes(Isa::best(), d_input, d_hidden) {
        let case = Case::new(sizes, lengths);
        let packing = Packing::new(&Lengths::new(case.lengths.clone(), case.time).unwrap());
        let other = Packing::new(&Lengths::new([2, 1], 3).unwrap());
        let operands = case.operands(&packing);
        let run = || forward(&operands, Keep::Steps, Hands::Own(ALONE));
        let state = case.states[0].len();
        let cell = case.states[1].len();
        let go_back = |what: &str, output: &[f32], saved, given: [usize; 3]| {
            let zeros = given.map(|len| vec![0.0; len]);
            let [d_output, d_hidden, d_cell] = zeros
                .each_ref()
                .map(|zeros| (!zeros.is_empty()).then_some(&zeros[..]));
            let gradients = OutputGradients {
                output: d_output,
                hidden: d_hidden,
                cell: d_cell,
            };
            let hands = Hands::Own(ALONE);
            let go = || backward(&operands, output, saved, &gradients, EVERYTHING, hands);
            let went = std::panic::catch_unwind(std::panic::AssertUnwindSafe(go)).is_ok();
            assert_eq!(went, what == "nothing", "{what}");
        };
        let (output, fits) = (run().output, [case.d_output.len(), state, cell]);
        let saved = || run().saved.expect("steps are kept");
        go_back("nothing", &output, saved(), fits);
        go_back("output", &output[1..], saved(), fits);
        for (place, what) in ["its gradient", "the state's", "the cell's"]
            .iter()
            .enumerate()
        {
            let mut longer = fits;
            longer[place] += 1;
            go_back(what, &output, saved(), longer);
        }
        let mut half = saved();
        half.segments.clear();
        go_back("no segments", &output, half, fits);
        let small = Case::new(sizes, &[2, 1]);
        let small = forward(&small.operands(&other), Keep::Steps, Hands::Own(ALONE));
        let mut mixed = saved();
        mixed.steps = small.saved.expect("steps are kept").steps;
        go_back("steps", &output, mixed, fits);
    }
}

#[test]
fn nothing_is_run_on_operands_that_do_not_fit() {
    let (d_input, d_hidden, lengths) = sizes_of_tests();
    let sizes = all_sizes(Isa::best(), d_input, d_hidden)[2];
    let case = Case::new(sizes, lengths);
    for short in 0..8 {
        let mut case = case.clone();
        let operand = match short {
            0 => &mut case.x,
            1..=5 => &mut case.weights[short - 1],
            _ => &mut case.states[short - 6],
        };
        operand.pop();
        let result = std::panic::catch_unwind(|| case.run(Keep::Steps, ALONE));
        assert!(result.is_err(), "operand {short}");
    }
}
