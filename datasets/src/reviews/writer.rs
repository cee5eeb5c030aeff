//! Turns a template into a sentence.

use super::Label;
use super::constructions::Template;
use super::domains::{Aspect, Domain};
use super::lexicon::{DEEDS, EFFECTS, GENERAL, Opinions, VERDICTS};
use crate::random::SplitMix64;

/// How often an optional aside is there, in per cent.
const ASIDE: usize = 55;
/// How often a clause says its opinion by a verb or about the whole, in per cent each.
const CLAUSE_BY_DEED: usize = 20;
const CLAUSE_ON_WHOLE: usize = 15;
/// How often a clause denies the contrary instead of stating its opinion, in per cent.
const CLAUSE_DENIES: usize = 10;

/// Words before an adjective or a verdict that leave its meaning as it is.
const EMPHASIS: &[&str] = &["", "", "", "", "really ", "truly ", "quite ", "simply "];
/// Words before an adjective or a verdict that turn its meaning round.
const DENIAL: &[&str] = &["far from ", "anything but ", "by no means ", "hardly "];
/// Words after a clause that leave its meaning as it is.
const EXTENT: &[&str] = &[
    "",
    "",
    "",
    "",
    " from start to finish",
    " from beginning to end",
    " throughout",
];
/// Neutral words between two commas, besides those of the domain.
const REMARKS: &[&str] = &[
    "as I told [my sister|a friend|a colleague] [on the way home|over the phone|the next day]",
    "now that [two|three|four] [days|weeks] have passed",
    "looking back after [two|three|four] [days|weeks]",
    "to be fair to everyone",
    "for what it is worth",
];
/// What can follow "nobody".
const PERSONS: &[&str] = &[
    "in our group",
    "that I know",
    "I spoke to",
    "who was with us",
    "in the family",
    "at work",
];

/// One sentence in the making: what it is about, which label it shall have, what was said so far.
pub struct Writer<'a> {
    random: &'a mut SplitMix64,
    domain: &'static Domain,
    label: Label,
    whole: &'static str,
    /// The parts of the domain in random order; templates name the first two, clauses take the rest.
    aspects: Vec<&'static Aspect>,
    clauses: usize,
    source: &'static str,
    has_aside: bool,
    /// Opinion words already used: none stands twice in a sentence.
    used: Vec<&'static str>,
}

/// Parts that a template can name by number.
const NUMBERED: usize = 2;

impl<'a> Writer<'a> {
    /// A writer of one sentence about `domain` that shall have this label.
    pub fn new(random: &'a mut SplitMix64, domain: &'static Domain, label: Label) -> Self {
        let mut aspects: Vec<_> = domain.aspects.iter().collect();
        random.shuffle(&mut aspects);
        Self {
            whole: *random.pick(domain.wholes),
            source: *random.pick(domain.sources),
            random,
            domain,
            label,
            aspects,
            clauses: 0,
            has_aside: false,
            used: Vec::new(),
        }
    }

    /// What the template makes: a sentence, or two, with capitals.
    pub fn sentence(mut self, template: &Template) -> String {
        capitalised(&self.expand(template.text))
    }

    /// Replaces choices and slots, from left to right.
    ///
    /// # Panics
    /// If the template has a bracket without its partner or a slot that does not exist: the tables
    /// are constants, and the tests expand all of them.
    fn expand(&mut self, text: &'static str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['[', '{']) {
            out.push_str(&rest[..at]);
            let close = if rest[at..].starts_with('[') {
                ']'
            } else {
                '}'
            };
            let end = at
                + rest[at..]
                    .find(close)
                    .expect("every bracket in a template is closed");
            let inside = &rest[at + 1..end];
            if close == ']' {
                let options: Vec<&'static str> = inside.split('|').collect();
                let option = *self.random.pick(&options);
                out.push_str(&self.expand(option));
            } else {
                out.push_str(&self.slot(inside));
            }
            rest = &rest[end + 1..];
        }
        out.push_str(rest);
        out
    }

    fn slot(&mut self, name: &'static str) -> String {
        match name {
            "same" => self.clause(self.label),
            "other" => self.clause(self.label.opposite()),
            "source" => self.source.to_owned(),
            "person" => (*self.random.pick(PERSONS)).to_owned(),
            "whole" => self.whole.to_owned(),
            "unit" => self.domain.unit.noun.to_owned(),
            ",aside," => self.aside(&[self.domain.asides, REMARKS], ", ", ","),
            ",remark," => self.aside(&[REMARKS], ", ", ","),
            "aside" => self.aside(&[self.domain.asides], " ", ""),
            _ => {
                let (what, form) = name.split_once(' ').unwrap_or((name, ""));
                self.slot_of(what, form)
            }
        }
    }

    /// A slot that names a part or a list, and what is wanted of it.
    fn slot_of(&mut self, what: &str, form: &str) -> String {
        let label = match form {
            "same" => Some(self.label),
            "other" => Some(self.label.opposite()),
            _ => None,
        };
        let aspect = match what {
            "1" => self.aspects[0],
            "2" => self.aspects[1],
            _ => &self.domain.unit,
        };
        match (what, form, label) {
            ("verdict", _, Some(label)) => self.unused(&[VERDICTS], label).to_owned(),
            ("effect", _, Some(label)) => self.unused(&[EFFECTS], label).to_owned(),
            ("1" | "2" | "unit", _, Some(label)) => self.adjective(aspect, label).to_owned(),
            ("1" | "2", "", _) => aspect.noun.to_owned(),
            ("1" | "2", "was", _) => was(aspect).to_owned(),
            ("1" | "2", "it", _) => if aspect.plural { "they" } else { "it" }.to_owned(),
            ("1" | "2", "object", _) => if aspect.plural { "them" } else { "it" }.to_owned(),
            _ => panic!("there is no slot {{{what} {form}}}"),
        }
    }

    /// A clause of its own with the opinion `label`, on a part that was not named before.
    fn clause(&mut self, label: Label) -> String {
        let aspect = self.aspects[NUMBERED + self.clauses];
        self.clauses += 1;
        let form = self.random.below(100);
        if form < CLAUSE_BY_DEED {
            let deed = self.unused(&[DEEDS], label);
            return format!("the {} {deed}", aspect.noun);
        }
        let denies = self.random.chance(CLAUSE_DENIES);
        let word = if denies { label.opposite() } else { label };
        let before = if denies {
            self.random.pick(DENIAL)
        } else {
            self.random.pick(EMPHASIS)
        };
        let (noun, was, opinion) = if form < CLAUSE_BY_DEED + CLAUSE_ON_WHOLE {
            (self.whole, "was", self.unused(&[VERDICTS], word))
        } else {
            (aspect.noun, was(aspect), self.adjective(aspect, word))
        };
        let extent = self.random.pick(EXTENT);
        format!("the {noun} {was} {before}{opinion}{extent}")
    }

    fn adjective(&mut self, aspect: &Aspect, label: Label) -> &'static str {
        self.unused(&[aspect.kind.adjectives(), GENERAL], label)
    }

    /// A word of this opinion that is not in the sentence yet.
    fn unused(&mut self, lists: &[Opinions], label: Label) -> &'static str {
        let words: Vec<&'static str> = lists
            .iter()
            .flat_map(|list| match label {
                Label::Positive => list.positive,
                Label::Negative => list.negative,
            })
            .copied()
            .filter(|word| !self.used.contains(word))
            .collect();
        let word = *self.random.pick(&words);
        self.used.push(word);
        word
    }

    /// Sometimes neutral words from `lists`, after `before` and followed by `after`; at most once
    /// in a sentence.
    fn aside(&mut self, lists: &[&[&'static str]], before: &str, after: &str) -> String {
        if self.has_aside || !self.random.chance(ASIDE) {
            return String::new();
        }
        self.has_aside = true;
        let list = *self.random.pick(lists);
        let words = *self.random.pick(list);
        format!("{before}{}{after}", self.expand(words))
    }
}

fn was(aspect: &Aspect) -> &'static str {
    if aspect.plural { "were" } else { "was" }
}

/// Replaces the choices in a text that has no slots.
pub fn neutral(random: &mut SplitMix64, domain: &'static Domain, text: &'static str) -> String {
    Writer::new(random, domain, Label::Positive).expand(text)
}

/// With a capital at the beginning of each sentence.
fn capitalised(text: &str) -> String {
    let sentences = text.split(". ").map(|sentence| {
        let mut letters = sentence.chars();
        letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .chain(letters)
            .collect()
    });
    sentences.collect::<Vec<String>>().join(". ")
}

#[cfg(test)]
mod tests {
    use super::super::constructions::FAMILIES;
    use super::super::domains::DOMAINS;
    use super::*;

    fn write(seed: u64, text: &'static str, label: Label) -> String {
        let mut random = SplitMix64::new(seed);
        Writer::new(&mut random, &DOMAINS[0], label).sentence(&Template { text, only: None })
    }

    #[test]
    fn every_template_can_be_written_about_everything() {
        for domain in DOMAINS {
            for template in FAMILIES.iter().flat_map(|family| family.templates) {
                for seed in 0..20 {
                    let label = if seed % 2 == 0 {
                        Label::Positive
                    } else {
                        Label::Negative
                    };
                    let mut random = SplitMix64::new(seed);
                    let text = Writer::new(&mut random, domain, label).sentence(template);
                    assert!(!text.contains(['{', '}', '[', ']', '|']), "{text}");
                    assert!(!text.contains("  ") && !text.contains(",,"), "{text}");
                }
            }
        }
    }

    #[test]
    fn slots_of_one_part_agree_with_each_other() {
        for seed in 0..200 {
            let text = write(
                seed,
                "the {1} {1 was} there, {1 it}, {1 object}",
                Label::Positive,
            );
            let plural = text.starts_with("The costumes");
            let expected = if plural {
                "were there, they, them"
            } else {
                "was there, it, it"
            };
            assert!(text.ends_with(expected), "{text}");
        }
    }

    #[test]
    fn same_and_other_follow_the_label() {
        let good = VERDICTS.positive;
        for seed in 0..50 {
            let text =
                write(seed, "{verdict same}/{verdict other}", Label::Positive).to_lowercase();
            let (same, other) = text.split_once('/').expect("the template has a slash");
            assert!(good.contains(&same) && !good.contains(&other), "{text}");
            let text = write(seed, "{verdict same}", Label::Negative).to_lowercase();
            assert!(!good.contains(&text.as_str()), "{text}");
        }
    }
}
