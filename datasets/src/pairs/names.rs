//! Names: open words, of which test sentences have others than training sentences.
//!
//! They are made of syllables, and English writes some of these otherwise: "schatilo" is "shatilo",
//! "wijoran" is "viyoran".

use crate::random::SplitMix64;

/// The German and the English spelling of the syllables.
const SYLLABLES: &[[&str; 2]] = &[
    ["ma", "ma"],
    ["mi", "mi"],
    ["lo", "lo"],
    ["la", "la"],
    ["ta", "ta"],
    ["ti", "ti"],
    ["ko", "ko"],
    ["ka", "ka"],
    ["ra", "ra"],
    ["ri", "ri"],
    ["no", "no"],
    ["ne", "ne"],
    ["bo", "bo"],
    ["bi", "bi"],
    ["du", "du"],
    ["da", "da"],
    ["pe", "pe"],
    ["gu", "gu"],
    ["scha", "sha"],
    ["scho", "sho"],
    ["ja", "ya"],
    ["jo", "yo"],
    ["wi", "vi"],
    ["wa", "va"],
    ["ze", "tse"],
];
/// What may stand after the last syllable; never "s", which is the genitive.
const ENDINGS: [&str; 4] = ["", "n", "r", "l"];
/// Of each so many names one is kept for validation and test.
const KEPT: usize = 5;

/// Which names a part of the set has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Four of five.
    Training,
    /// The fifth.
    HeldOut,
}

/// A name of two or three syllables.
pub fn draw(random: &mut SplitMix64, names: Names) -> String {
    loop {
        let mut name = String::new();
        for _ in 0..2 + random.below(2) {
            name += random.pick(SYLLABLES)[0];
        }
        name += ENDINGS[random.below(ENDINGS.len())];
        if part(&name) == Some(names) {
            return name;
        }
    }
}

/// Which part has the name; none if it is no name.
pub fn part(name: &str) -> Option<Names> {
    let (syllables, _) = split(name)?;
    let sum: usize = syllables.iter().sum();
    Some(match sum % KEPT {
        0 => Names::HeldOut,
        _ => Names::Training,
    })
}

/// How English writes a name; none if it is no name.
pub fn english(name: &str) -> Option<String> {
    let (syllables, ending) = split(name)?;
    let written = syllables.into_iter().map(|place| SYLLABLES[place][1]);
    Some(written.collect::<String>() + ending)
}

/// The places of a name's syllables in their list, and its ending.
fn split(name: &str) -> Option<(Vec<usize>, &str)> {
    let mut syllables = Vec::new();
    let mut rest = name;
    // No syllable is the beginning of another one.
    while let Some((place, after)) = SYLLABLES
        .iter()
        .enumerate()
        .find_map(|(place, [german, _])| Some((place, rest.strip_prefix(german)?)))
    {
        syllables.push(place);
        rest = after;
    }
    let whole = (2..=3).contains(&syllables.len()) && ENDINGS.contains(&rest);
    whole.then_some((syllables, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_by_their_syllables() {
        assert_eq!(english("schatimo"), None);
        assert_eq!(english("schatimi").unwrap(), "shatimi");
        assert_eq!(english("wijoran").as_deref(), Some("viyoran"));
        for wrong in ["", "ma", "lehrer", "malos", "mamamama", "MaLo"] {
            assert_eq!(english(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_part_draws_its_own_names_only() {
        let mut random = SplitMix64::new(3);
        for names in [Names::Training, Names::HeldOut] {
            for _ in 0..1_000 {
                assert_eq!(part(&draw(&mut random, names)), Some(names));
            }
        }
    }
}
