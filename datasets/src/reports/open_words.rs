//! Names and figures: open words, each of which stands in one report only.

use std::collections::HashSet;

use crate::random::SplitMix64;

const SYLLABLES: [&str; 26] = [
    "ma", "mi", "lo", "la", "ta", "ti", "ko", "ka", "ra", "ri", "no", "ne", "bo", "bi", "du", "da",
    "pe", "gu", "sha", "sho", "ya", "yo", "vi", "va", "ze", "fe",
];
/// How many syllables a name has.
const LENGTH: usize = 3;
/// What may stand after the last syllable.
const ENDINGS: [&str; 4] = ["", "n", "r", "l"];
/// The figures that there are. Smaller numbers are so frequent that they need not be copied.
const FIGURES: std::ops::Range<usize> = 2_000..100_000;

/// Draws open words, none of them twice.
#[derive(Debug, Default)]
pub struct OpenWords {
    used: HashSet<String>,
}

impl OpenWords {
    /// A name that was not drawn before.
    pub fn name(&mut self, random: &mut SplitMix64) -> String {
        self.unused(|| {
            let mut name = String::new();
            for _ in 0..LENGTH {
                name += SYLLABLES[random.below(SYLLABLES.len())];
            }
            name + ENDINGS[random.below(ENDINGS.len())]
        })
    }

    /// A figure that was not drawn before.
    pub fn figure(&mut self, random: &mut SplitMix64) -> String {
        self.unused(|| (FIGURES.start + random.below(FIGURES.len())).to_string())
    }

    fn unused(&mut self, mut draw: impl FnMut() -> String) -> String {
        loop {
            let word = draw();
            if self.used.insert(word.clone()) {
                return word;
            }
        }
    }
}

/// Whether a word is a name.
pub fn is_name(word: &str) -> bool {
    let mut rest = word;
    for _ in 0..LENGTH {
        // No syllable is the beginning of another one.
        let after = SYLLABLES.iter().find_map(|s| rest.strip_prefix(s));
        let Some(after) = after else {
            return false;
        };
        rest = after;
    }
    ENDINGS.contains(&rest)
}

/// Whether a word is a figure.
pub fn is_figure(word: &str) -> bool {
    number(word).is_some_and(|number| FIGURES.contains(&number))
}

/// The number that a word writes in digits.
pub fn number(word: &str) -> Option<usize> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit()) && !word.starts_with('0');
    digits.then(|| word.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_figures_are_told_from_words() {
        for name in ["malora", "shashayon", "zefeper"] {
            assert!(is_name(name), "{name}");
        }
        for word in ["", "malo", "maloras", "Malora", "malorama", "sold", "2000"] {
            assert!(!is_name(word), "{word}");
        }
        assert!(is_figure("2000") && is_figure("99999"));
        for word in ["", "1999", "100000", "02000", "+3000", "3e3", "malora"] {
            assert!(!is_figure(word), "{word}");
        }
    }

    #[test]
    fn no_open_word_is_drawn_twice() {
        let (mut random, mut words) = (SplitMix64::new(4), OpenWords::default());
        let mut seen = HashSet::new();
        for _ in 0..20_000 {
            let (name, figure) = (words.name(&mut random), words.figure(&mut random));
            assert!(is_name(&name) && is_figure(&figure), "{name} {figure}");
            assert!(seen.insert(name) && seen.insert(figure));
        }
    }
}
