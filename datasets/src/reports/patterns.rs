//! Sentences with slots: written out, filled and recognised.

use std::collections::BTreeMap;

use super::stories::Story;

/// What fills the slots, by their names.
pub type Facts = BTreeMap<&'static str, String>;

/// A word, or a slot by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// A word or mark as it stands.
    Word(&'static str),
    /// What fills the slot of this name.
    Slot(&'static str),
}

/// Whether a sentence has to stand right behind the one before.
pub fn follows(text: &str) -> bool {
    text.starts_with('+')
}

/// The sentences that a text with `[a|b]` stands for.
pub fn written_out(text: &'static str) -> Vec<Vec<Piece>> {
    let mut all = vec![Vec::new()];
    let mut rest = text.trim_start_matches('+');
    while let Some((before, (choices, after))) = rest
        .split_once('[')
        .and_then(|(before, after)| Some((before, after.split_once(']')?)))
    {
        append(&mut all, before);
        let each = choices.split('|').flat_map(|choice| {
            let mut all = all.clone();
            append(&mut all, choice);
            all
        });
        all = each.collect();
        rest = after;
    }
    append(&mut all, rest);
    all
}

/// Adds words and slots, but no choices, to each sentence.
fn append(sentences: &mut [Vec<Piece>], text: &'static str) {
    let slots = text.split('{').map(|part| match part.split_once('}') {
        Some((slot, words)) => (Some(Piece::Slot(slot)), words),
        None => (None, part),
    });
    for (slot, words) in slots {
        for sentence in sentences.iter_mut() {
            sentence.extend(slot);
            sentence.extend(words.split_whitespace().map(Piece::Word));
        }
    }
}

/// The words of a sentence; `None` if a slot has nothing to fill it.
pub fn fill(sentence: &[Piece], facts: &Facts) -> Option<String> {
    let word = |piece: &Piece| match *piece {
        Piece::Word(word) => Some(word),
        Piece::Slot(slot) => facts.get(slot).map(String::as_str),
    };
    let words: Option<Vec<&str>> = sentence.iter().map(word).collect();
    Some(words?.join(" "))
}

/// The facts of a report, if these words can be this sentence of it; `facts` are those of its other sentences.
pub fn recognise(
    sentence: &[Piece],
    words: &[&str],
    story: &Story,
    facts: &Facts,
) -> Option<Facts> {
    if sentence.len() != words.len() {
        return None;
    }
    let mut all = facts.clone();
    for (piece, &word) in sentence.iter().zip(words) {
        let fits = match *piece {
            Piece::Word(expected) => word == expected,
            Piece::Slot(name) => match all.get(name) {
                Some(known) => word == known,
                None => {
                    all.insert(name, word.to_owned());
                    story.slot(name).is_some_and(|slot| slot.takes(word))
                }
            },
        };
        if !fits {
            return None;
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::Piece::{Slot, Word};
    use super::*;

    #[test]
    fn choices_are_written_out_in_all_ways() {
        assert_eq!(
            written_out("+a {b c}[|d {e}] ."),
            [
                vec![Word("a"), Slot("b c"), Word(".")],
                vec![Word("a"), Slot("b c"), Word("d"), Slot("e"), Word(".")],
            ]
        );
        assert_eq!(written_out("[a|b] c [d|e|f]").len(), 6);
    }

    #[test]
    fn a_slot_without_a_fact_is_not_left_out() {
        let facts = Facts::from([("who", "malora".to_owned())]);
        assert_eq!(
            fill(&[Slot("who"), Word("wins")], &facts).as_deref(),
            Some("malora wins")
        );
        assert_eq!(fill(&[Slot("whom")], &facts), None);
    }
}
