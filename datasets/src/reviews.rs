//! The set `reviews`: short reviews whose label depends on word order and distance.
//!
//! Each review is one sentence that gives an opinion, often with a neutral sentence before or
//! after it. The opinion comes from a table of [constructions]; its label is drawn first, and the
//! template says which clauses agree with it and which contradict it. Words of praise and blame
//! stand in both classes, so that counting words is not enough; `datasets/README.md` gives the
//! rules with examples and the scores of simple models.

use std::collections::HashSet;
use std::fmt;

use crate::random::SplitMix64;
use constructions::{FAMILIES, Family, Template};
use domains::DOMAINS;
use writer::Writer;

pub mod constructions;
pub mod domains;
pub mod lexicon;
mod writer;

/// The seed of the files that ship.
pub const SEED: u64 = 1997;
/// Reviews to train on.
pub const TRAIN: usize = 6_000;
/// Reviews to choose settings by.
pub const VALID: usize = 600;
/// Reviews to report a score on.
pub const TEST: usize = 1_000;

/// The fewest and the most words that a review has.
const WORDS: std::ops::RangeInclusive<usize> = 8..=30;
/// How often a neutral sentence stands before and after the opinion, in per cent each.
const SETTING: usize = 40;
const CLOSING: usize = 20;

/// What a review says in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// The writer liked it.
    Positive,
    /// The writer did not.
    Negative,
}

impl Label {
    /// The other label.
    pub fn opposite(self) -> Self {
        match self {
            Label::Positive => Label::Negative,
            Label::Negative => Label::Positive,
        }
    }

    /// The name in the files.
    pub fn name(self) -> &'static str {
        match self {
            Label::Positive => "positive",
            Label::Negative => "negative",
        }
    }
}

/// A text and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// What it says.
    pub label: Label,
    /// One to three sentences on one line.
    pub text: String,
}

/// A line of the files: label, tab, text, line end.
impl fmt::Display for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\t{}", self.label.name(), self.text)
    }
}

/// The whole set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// [`TRAIN`] reviews.
    pub train: Vec<Review>,
    /// [`VALID`] reviews.
    pub valid: Vec<Review>,
    /// [`TEST`] reviews.
    pub test: Vec<Review>,
}

impl Parts {
    /// The files: name and contents.
    pub fn files(&self) -> [(&'static str, String); 3] {
        let text = |part: &[Review]| part.iter().map(Review::to_string).collect::<String>();
        [
            ("train.tsv", text(&self.train)),
            ("valid.tsv", text(&self.valid)),
            ("test.tsv", text(&self.test)),
        ]
    }
}

/// Writes the whole set; equal seeds give equal sets.
///
/// Every part has as many positive as negative reviews, and no opinion stands twice in the set:
/// two reviews never differ in their neutral first or last sentence only.
pub fn generate(seed: u64) -> Parts {
    let mut random = SplitMix64::new(seed);
    let mut seen = HashSet::new();
    let mut part = |size: usize| {
        let mut reviews = Vec::with_capacity(size);
        while reviews.len() < size {
            let label = if reviews.len() % 2 == 0 {
                Label::Positive
            } else {
                Label::Negative
            };
            let (opinion, text) = write(&mut random, label);
            if WORDS.contains(&text.split(' ').count()) && seen.insert(opinion) {
                reviews.push(Review { label, text });
            }
        }
        random.shuffle(&mut reviews);
        reviews
    };
    Parts {
        train: part(TRAIN),
        valid: part(VALID),
        test: part(TEST),
    }
}

/// One review: the sentence with its opinion, and the whole text.
fn write(random: &mut SplitMix64, label: Label) -> (String, String) {
    let domain = random.pick(DOMAINS);
    let template = template(family(random), random, label);
    let opinion = Writer::new(random, domain, label).sentence(template);
    let mut text = opinion.clone();
    if random.chance(SETTING) {
        let setting = *random.pick(domain.settings);
        text = format!("{} {text}", writer::neutral(random, domain, setting));
    }
    if random.chance(CLOSING) {
        let closing = *random.pick(domain.closings);
        text = format!("{text} {}", writer::neutral(random, domain, closing));
    }
    (opinion, text)
}

fn family(random: &mut SplitMix64) -> &'static Family {
    let mut point = random.below(100);
    for family in FAMILIES {
        if point < family.percent {
            return family;
        }
        point -= family.percent;
    }
    unreachable!("a test says that the families make up 100 per cent")
}

fn template(family: &Family, random: &mut SplitMix64, label: Label) -> &'static Template {
    loop {
        let template = random.pick(family.templates);
        if template.only.is_none_or(|only| only == label) {
            return template;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::lexicon::{DEEDS, EFFECTS, GENERAL, VERDICTS};
    use super::*;

    /// The lines of one shipped file as label and text.
    fn shipped(file: &str) -> Vec<(&'static str, &'static str)> {
        let set = crate::shipped("reviews").expect("the set ships");
        let contents = set.file(file).expect("the file ships");
        let line = |line: &'static str| line.split_once('\t').expect("a tab after the label");
        contents.lines().map(line).collect()
    }

    const FILES: [&str; 3] = ["train.tsv", "valid.tsv", "test.tsv"];

    #[test]
    fn generating_again_gives_the_shipped_files_byte_for_byte() {
        let set = crate::shipped("reviews").expect("the set ships");
        set.assert_generated(generate(SEED).files());
    }

    #[test]
    fn every_line_is_a_label_a_tab_and_plain_text() {
        for file in FILES {
            for (label, text) in shipped(file) {
                assert!(["negative", "positive"].contains(&label), "{file}: {label}");
                assert!(text.ends_with(['.', '!']), "{file}: {text}");
                assert!(text.starts_with(char::is_uppercase), "{file}: {text}");
                let plain = |c: char| c.is_ascii_alphabetic() || " .,;:!".contains(c);
                assert!(
                    text.chars().all(plain) && !text.contains("  "),
                    "{file}: {text}"
                );
                assert!(WORDS.contains(&text.split(' ').count()), "{file}: {text}");
            }
        }
    }

    #[test]
    fn no_text_stands_twice_in_the_set() {
        let mut seen = HashSet::new();
        for (_, text) in FILES.into_iter().flat_map(shipped) {
            assert!(seen.insert(text), "{text}");
        }
        assert_eq!(seen.len(), TRAIN + VALID + TEST);
    }

    #[test]
    fn half_of_each_part_is_positive() {
        for file in FILES {
            let lines = shipped(file);
            let positive = lines
                .iter()
                .filter(|(label, _)| *label == "positive")
                .count();
            assert_eq!(positive * 2, lines.len(), "{file}");
        }
    }

    /// For each lower-cased word, in how many negative and positive reviews it stands.
    fn counts(lines: &[(&str, &str)]) -> HashMap<String, [usize; 2]> {
        let mut counts: HashMap<String, [usize; 2]> = HashMap::new();
        for (label, text) in lines {
            let text = text.to_lowercase();
            let words: HashSet<_> = text.split(|c: char| !c.is_alphabetic()).collect();
            for word in words.into_iter().filter(|word| !word.is_empty()) {
                counts.entry(word.to_owned()).or_default()[usize::from(*label == "positive")] += 1;
            }
        }
        counts
    }

    #[test]
    fn no_single_word_tells_the_label() {
        let lines = shipped("train.tsv");
        for (word, [negative, positive]) in counts(&lines) {
            // Guessing by this word alone: one label where it stands, the other where it does not.
            let right = lines.len() / 2 + negative.abs_diff(positive);
            let accuracy = right as f64 / lines.len() as f64;
            assert!(
                accuracy < 0.54,
                "{word:?} alone is right in {accuracy:.3} of the reviews"
            );
        }
    }

    #[test]
    fn words_of_praise_and_blame_stand_in_both_classes() {
        let counts = counts(&shipped("train.tsv"));
        let adjectives = DOMAINS
            .iter()
            .flat_map(|d| d.aspects)
            .map(|a| a.kind.adjectives());
        for opinions in adjectives.chain([GENERAL, VERDICTS, DEEDS, EFFECTS]) {
            assert_eq!(opinions.positive.len(), opinions.negative.len());
            for phrase in opinions.positive.iter().chain(opinions.negative) {
                for word in phrase.split(' ') {
                    let [negative, positive] = counts[word];
                    let rarer = negative.min(positive) * 100 / (negative + positive);
                    assert!(
                        rarer >= 10,
                        "{word:?}: {negative} negative, {positive} positive"
                    );
                }
            }
        }
    }

    #[test]
    fn another_seed_gives_another_set() {
        assert_ne!(generate(1).test, generate(2).test);
    }
}
