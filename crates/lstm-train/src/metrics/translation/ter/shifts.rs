//! Tercom's search for phrases that stand in the wrong place.

use super::edit_distance::{Edit, EditDistance};

/// The longest phrase that is shifted.
const MAX_SHIFT_SIZE: usize = 10;
/// How far it is looked for.
const MAX_SHIFT_DISTANCE: usize = 50;
/// How many shifts of a hypothesis are tried, all together.
const MAX_CANDIDATES: usize = 1000;

/// The edits that make the reference of a hypothesis, a shift of a phrase being one of them
/// (Snover et al. 2006): the best shift is made as long as it saves more than nothing.
pub fn edits(hypothesis: &[u32], reference: &[u32]) -> u32 {
    if reference.is_empty() {
        return hypothesis.len() as u32;
    }
    let mut distance = EditDistance::new(reference, hypothesis.len());
    let mut words = hypothesis.to_vec();
    let mut shifts = 0;
    let mut candidates = 0;
    loop {
        let best = best_shift(&words, reference, &mut distance, &mut candidates);
        match best {
            Some(best) if best.saved > 0 && candidates < MAX_CANDIDATES => words = best.words,
            _ => break,
        }
        shifts += 1;
    }
    shifts + distance.of(&words)
}

/// A shift of a phrase: better ones are greater.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Shift {
    /// By how much the distance falls.
    saved: i64,
    /// Words of the phrase.
    length: usize,
    /// Where it is and where it goes to; earlier is better.
    places: std::cmp::Reverse<(usize, usize)>,
    /// The hypothesis after the shift.
    words: Vec<u32>,
}

/// The best of the shifts that bring a phrase to where the reference has it; `candidates` counts
/// those that were tried.
fn best_shift(
    words: &[u32],
    reference: &[u32],
    distance: &mut EditDistance,
    candidates: &mut usize,
) -> Option<Shift> {
    let before = i64::from(distance.of(words));
    let alignment = Alignment::new(&distance.edits());
    let mut best: Option<Shift> = None;
    for phrase in phrases(words, reference) {
        if !alignment.is_worth_shifting(&phrase) {
            continue;
        }
        let mut tried = None;
        // Before the phrase's place in the reference, and behind each of its words.
        for offset in 0..=phrase.length {
            let target = match phrase.in_reference + offset {
                0 => 0,
                place => alignment.behind(place - 1),
            };
            if tried == Some(target) {
                continue;
            }
            tried = Some(target);
            let words = shifted(words, phrase.in_hypothesis, phrase.length, target);
            *candidates += 1;
            let shift = Shift {
                saved: before - i64::from(distance.of(&words)),
                length: phrase.length,
                places: std::cmp::Reverse((phrase.in_hypothesis, target)),
                words,
            };
            if best.as_ref().is_none_or(|best| shift > *best) {
                best = Some(shift);
            }
        }
        if *candidates >= MAX_CANDIDATES {
            break;
        }
    }
    best
}

/// A phrase that both texts have.
struct Phrase {
    in_hypothesis: usize,
    in_reference: usize,
    length: usize,
}

/// All phrases that both texts have, not too far apart.
fn phrases(hypothesis: &[u32], reference: &[u32]) -> impl Iterator<Item = Phrase> {
    (0..hypothesis.len()).flat_map(move |in_hypothesis| {
        let first = in_hypothesis.saturating_sub(MAX_SHIFT_DISTANCE);
        let end = reference.len().min(in_hypothesis + MAX_SHIFT_DISTANCE + 1);
        (first..end).flat_map(move |in_reference| {
            let words = hypothesis[in_hypothesis..].iter();
            let pairs = words.zip(&reference[in_reference..]).take(MAX_SHIFT_SIZE);
            let longest = pairs.take_while(|(one, other)| one == other).count();
            (1..=longest).map(move |length| Phrase {
                in_hypothesis,
                in_reference,
                length,
            })
        })
    })
}

/// Which words belong together after the fewest edits without shifts.
struct Alignment {
    /// For each word of the reference, where the hypothesis goes on behind it.
    behind: Vec<usize>,
    /// Whether each word of the reference is edited.
    reference_errors: Vec<bool>,
    /// Whether each word of the hypothesis is edited.
    hypothesis_errors: Vec<bool>,
}

impl Alignment {
    fn new(edits: &[Edit]) -> Self {
        let mut alignment = Self {
            behind: Vec::new(),
            reference_errors: Vec::new(),
            hypothesis_errors: Vec::new(),
        };
        for edit in edits {
            let is_error = *edit != Edit::Keep;
            if *edit != Edit::Insert {
                alignment.hypothesis_errors.push(is_error);
            }
            if *edit != Edit::Delete {
                alignment.reference_errors.push(is_error);
                alignment.behind.push(alignment.hypothesis_errors.len());
            }
        }
        alignment
    }

    /// Where the hypothesis goes on behind a word of the reference.
    fn behind(&self, place: usize) -> usize {
        self.behind[place]
    }

    /// Whether a phrase has errors in both texts, and its place is not within itself.
    fn is_worth_shifting(&self, phrase: &Phrase) -> bool {
        let has_error = |errors: &[bool], start: usize| {
            let errors = &errors[start..start + phrase.length];
            errors.iter().any(|&is_error| is_error)
        };
        let own = phrase.in_hypothesis + 1..phrase.in_hypothesis + 1 + phrase.length;
        has_error(&self.hypothesis_errors, phrase.in_hypothesis)
            && has_error(&self.reference_errors, phrase.in_reference)
            && !own.contains(&self.behind(phrase.in_reference))
    }
}

/// The words with a phrase at `start` moved to where `target` was.
fn shifted(words: &[u32], start: usize, length: usize, target: usize) -> Vec<u32> {
    let end = start + length;
    let phrase = &words[start..end];
    let parts = if target < start {
        [
            &words[..target],
            phrase,
            &words[target..start],
            &words[end..],
        ]
    } else {
        // A target within the phrase counts from its start.
        let target = if target > end {
            target
        } else {
            words.len().min(length + target)
        };
        [
            &words[..start],
            &words[end..target],
            phrase,
            &words[target..],
        ]
    };
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_in_the_wrong_place_is_one_edit() {
        let reference: Vec<u32> = (0..9).collect();
        assert_eq!(edits(&[0, 1, 6, 7, 2, 3, 4, 5, 8], &reference), 1);
        assert_eq!(edits(&[6, 7, 8, 0, 1, 2, 3, 4, 5], &reference), 1);
        assert_eq!(edits(&[3, 4, 5, 6, 7, 8, 0, 1, 2, 9], &reference), 2);
    }

    #[test]
    fn without_words_there_is_nothing_to_shift() {
        assert_eq!(edits(&[], &[]), 0);
        assert_eq!(edits(&[], &[1, 2]), 2);
        assert_eq!(edits(&[1, 2, 3], &[]), 3);
    }

    #[test]
    fn a_shift_moves_a_phrase_and_keeps_the_rest_in_order() {
        let words: Vec<u32> = (0..6).collect();
        assert_eq!(shifted(&words, 3, 2, 1), [0, 3, 4, 1, 2, 5]);
        assert_eq!(shifted(&words, 1, 2, 5), [0, 3, 4, 1, 2, 5]);
        assert_eq!(shifted(&words, 1, 2, 6), [0, 3, 4, 5, 1, 2]);
        // A target within the phrase counts from its start.
        assert_eq!(shifted(&words, 1, 2, 2), [0, 3, 1, 2, 4, 5]);
    }

    #[test]
    fn a_line_of_ten_thousand_words_is_done_in_time_and_memory() {
        let reference: Vec<u32> = (0..10_000).collect();
        let mut hypothesis = reference.clone();
        hypothesis.rotate_left(5);
        assert!(edits(&hypothesis, &reference) <= 10);
    }
}
