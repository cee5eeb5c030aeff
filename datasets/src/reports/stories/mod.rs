//! What reports tell of: tables of sentences with slots.
//!
//! A report is one telling, which has every fact of the summary, and asides, which have other names and figures
//! in the same roles: another storm, another auction, last year's figure. Sentences have neither capitals nor a
//! full stop.
//!
//! | in a sentence | stands for |
//! | --- | --- |
//! | `{sold}` | what the story's slot of this name is filled with, everywhere in a report the same |
//! | `[a\|b]` | either; may hold slots, and be empty |
//! | `+` in front | the sentence stands right behind the telling's sentence before |

use super::open_words;
use super::patterns::Facts;

mod money;
mod people;
mod public;

/// What can fill a slot.
#[derive(Debug, Clone, Copy)]
pub enum Slot {
    /// A name that stands in this report alone.
    Name,
    /// A figure that stands in this report alone.
    Figure,
    /// A number from the first to the last one, in digits.
    Between(usize, usize),
    /// One of these words.
    Word(&'static [&'static str]),
}

impl Slot {
    /// Whether a word can fill it.
    pub fn takes(&self, word: &str) -> bool {
        match self {
            Slot::Name => open_words::is_name(word),
            Slot::Figure => open_words::is_figure(word),
            Slot::Between(first, last) => {
                open_words::number(word).is_some_and(|number| (first..=last).contains(&&number))
            }
            Slot::Word(words) => words.contains(&word),
        }
    }
}

/// Ways to say one thing, all of them equally likely.
pub type Sentence = &'static [&'static str];

/// An event of one kind.
#[derive(Debug, Clone, Copy)]
pub struct Story {
    /// What fills its slots. A sentence may use those that all stories have, too.
    pub slots: &'static [(&'static str, Slot)],
    /// Pairs of slots of which the first one's figure is greater.
    pub greater: &'static [(&'static str, &'static str)],
    /// What has to be written.
    pub summary: &'static str,
    /// Each has all that the summary says, in one sentence or several.
    pub tellings: &'static [&'static [Sentence]],
    /// What else can be said, a sentence each.
    pub asides: &'static [Sentence],
}

impl Story {
    /// The slot of this name.
    pub fn slot(&self, name: &str) -> Option<Slot> {
        let mut slots = self.slots.iter().chain(EVERYWHERE);
        slots.find(|(slot, _)| *slot == name).map(|(_, slot)| *slot)
    }

    /// Whether these facts, some or all of a report's, do not contradict each other.
    pub fn admits(&self, facts: &Facts) -> bool {
        let number = |slot| open_words::number(facts.get(slot)?);
        let in_order = |(greater, smaller)| match (number(greater), number(smaller)) {
            (Some(greater), Some(smaller)) => greater > smaller,
            _ => true,
        };
        self.greater.iter().copied().all(in_order)
    }
}

/// All stories; each is told equally often.
pub const STORIES: &[Story] = &[
    money::SALES_RISE,
    money::SALES_FALL,
    money::AUCTION,
    money::APPOINTMENT,
    people::MATCH,
    people::VOTE,
    people::FIND,
    public::POWER_CUT,
    public::FLOOD,
    public::ACCIDENT,
];

/// Slots of all stories.
const EVERYWHERE: &[(&str, Slot)] = &[
    ("weekday", Slot::Word(WEEKDAYS)),
    ("other weekday", Slot::Word(WEEKDAYS)),
    ("month", Slot::Word(MONTHS)),
    ("other month", Slot::Word(MONTHS)),
    ("years", Slot::Between(3, 29)),
];

const WEEKDAYS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
