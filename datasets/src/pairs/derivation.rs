//! One way through the grammar: drawn at random, or found by holding it against a given sentence.
//!
//! The rules are functions that make choices and say German words from left to right. Drawing, each
//! choice is random. Reading, all choices are tried, and a way ends where it says another word than the
//! sentence has. So what is written and what is understood cannot differ, and all readings of a
//! sentence are found.

use std::collections::BTreeSet;

use super::names::Names;
use super::phenomena::Phenomenon;
use crate::random::SplitMix64;

/// A way through the grammar. Its methods return `None` where the way ends without a sentence.
pub struct Derivation<'a> {
    way: Way<'a>,
    /// Whether a comma belongs here if a word follows.
    open_comma: bool,
    shows: BTreeSet<Phenomenon>,
}

enum Way<'a> {
    Draw {
        random: &'a mut SplitMix64,
        names: Names,
        words: Vec<String>,
    },
    Read {
        words: &'a [&'a str],
        at: usize,
        choices: &'a mut Choices,
    },
}

/// The choices of one reading: those to make again, and those that the next reading varies.
#[derive(Default)]
struct Choices {
    /// What was chosen, and the number of possibilities.
    made: Vec<(usize, usize)>,
    repeated: usize,
}

impl Choices {
    fn next(&mut self, possibilities: usize) -> usize {
        if self.repeated == self.made.len() {
            self.made.push((0, possibilities));
        }
        self.repeated += 1;
        self.made[self.repeated - 1].0
    }

    /// Goes on to the next way; false if there is none.
    fn advance(&mut self) -> bool {
        self.repeated = 0;
        while let Some((chosen, possibilities)) = self.made.pop() {
            if chosen + 1 < possibilities {
                self.made.push((chosen + 1, possibilities));
                return true;
            }
        }
        false
    }
}

/// What a sentence of the grammar is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// The German words.
    pub source: String,
    /// The English words.
    pub target: String,
    /// What it takes to translate it.
    pub shows: BTreeSet<Phenomenon>,
}

/// A rule: says the German and returns the English.
pub type Rule = fn(&mut Derivation) -> Option<String>;

/// Draws ways until one ends in a sentence, with names of one part of the set.
pub fn draw(random: &mut SplitMix64, names: Names, rule: Rule) -> Derived {
    loop {
        let mut derivation = Derivation::new(Way::Draw {
            random,
            names,
            words: Vec::new(),
        });
        let target = rule(&mut derivation);
        if let (Some(target), Way::Draw { words, .. }) = (target, derivation.way) {
            return Derived {
                source: words.join(" "),
                target,
                shows: derivation.shows,
            };
        }
    }
}

/// All readings of a sentence, or, if there is none, how many of its words some way has said.
pub fn read(source: &str, rule: Rule) -> Result<Vec<Derived>, usize> {
    let words: Vec<&str> = source.split_whitespace().collect();
    let mut choices = Choices::default();
    let mut readings: Vec<Derived> = Vec::new();
    let mut furthest = 0;
    loop {
        let mut derivation = Derivation::new(Way::Read {
            words: &words,
            at: 0,
            choices: &mut choices,
        });
        let target = rule(&mut derivation);
        let Derivation { way, shows, .. } = derivation;
        if let Way::Read { at, .. } = way {
            furthest = furthest.max(at);
            if let (Some(target), true) = (target, at == words.len()) {
                readings.push(Derived {
                    source: words.join(" "),
                    target,
                    shows,
                });
            }
        }
        if !choices.advance() {
            break;
        }
    }
    match readings.is_empty() {
        true => Err(furthest),
        false => Ok(readings),
    }
}

impl<'a> Derivation<'a> {
    fn new(way: Way<'a>) -> Self {
        Self {
            way,
            open_comma: false,
            shows: BTreeSet::new(),
        }
    }

    /// Notes what the sentence shows.
    pub fn show(&mut self, phenomenon: Phenomenon) {
        self.shows.insert(phenomenon);
    }

    /// One of as many possibilities as there are weights, by its place.
    pub fn choose(&mut self, weights: &[usize]) -> usize {
        match &mut self.way {
            Way::Draw { random, .. } => {
                let mut point = random.below(weights.iter().sum());
                let passed = |&weight: &usize| {
                    let here = point < weight;
                    point = point.saturating_sub(weight);
                    here
                };
                let chosen = weights.iter().position(passed);
                chosen.expect("the point is below the sum of the weights")
            }
            Way::Read { choices, .. } => choices.next(weights.len()),
        }
    }

    /// Whether something is there that is in `percent` of 100 draws.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.choose(&[100 - percent, percent]) == 1
    }

    /// Says one of these, all equally likely; `form` gives the German word.
    pub fn pick<T: Copy>(&mut self, items: &[T], form: impl Fn(T) -> String) -> Option<T> {
        self.say_open_comma()?;
        match &mut self.way {
            Way::Draw { random, words, .. } => {
                let item = (!items.is_empty()).then(|| *random.pick(items))?;
                words.push(form(item));
                Some(item)
            }
            Way::Read { words, at, choices } => {
                let word = *words.get(*at)?;
                let fits = |item: &T| form(*item) == word;
                let fitting: Vec<T> = items.iter().copied().filter(fits).collect();
                if fitting.is_empty() {
                    return None;
                }
                let item = fitting[choices.next(fitting.len())];
                *at += 1;
                Some(item)
            }
        }
    }

    /// Says a word that is not in any list; `parse` gives its meaning, if it is such a word.
    pub fn open_word<T>(
        &mut self,
        draw: impl FnOnce(&mut SplitMix64, Names) -> String,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.say_open_comma()?;
        match &mut self.way {
            Way::Draw {
                random,
                names,
                words,
            } => {
                words.push(draw(random, *names));
                parse(words.last()?)
            }
            Way::Read { words, at, .. } => {
                let meaning = parse(words.get(*at)?)?;
                *at += 1;
                Some(meaning)
            }
        }
    }

    /// Says words, separated by spaces.
    pub fn say(&mut self, german: &str) -> Option<()> {
        if matches!(german, "." | "?" | ",") {
            self.open_comma = false;
        }
        self.say_open_comma()?;
        german.split(' ').try_for_each(|word| self.say_word(word))
    }

    /// A comma, unless a mark follows.
    pub fn open_comma(&mut self) {
        self.open_comma = true;
    }

    fn say_open_comma(&mut self) -> Option<()> {
        match std::mem::take(&mut self.open_comma) {
            true => self.say_word(","),
            false => Some(()),
        }
    }

    fn say_word(&mut self, word: &str) -> Option<()> {
        match &mut self.way {
            Way::Draw { words, .. } => {
                words.push(word.to_owned());
                Some(())
            }
            Way::Read { words, at, .. } => (words.get(*at) == Some(&word)).then(|| *at += 1),
        }
    }
}
