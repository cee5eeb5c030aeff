//! The set `reports`: short reports with rare names and figures, and their only right summaries.
//!
//! A report tells one event in one to four sentences, in changing order and words, and among other names and
//! figures in the same roles. Its summary is one sentence that has to copy the right ones: each name and each
//! figure stands in one report of the whole set only, so that no vocabulary holds it. What a summary says
//! follows from the report alone: [`summarize`] reads every report of the grammar, and none that ships has two.
//!
//! ```
//! use datasets::reports;
//!
//! let summary = reports::summarize(
//!     "a mask by tikosha stayed unsold at 40125 euros . the auction on friday was all about a violin by \
//!      vazeno ; it went to malora for 7302 euros , not to gukaril , who offered 6814 .",
//! )?;
//! assert_eq!(summary, "malora paid 7302 euros for a violin by vazeno .");
//!
//! let error = reports::summarize("the ferry to malora is late .").unwrap_err();
//! assert!(error.to_string().starts_with("sentence 1, \"the ferry to malora is late\""));
//! # Ok::<(), reports::ReportsError>(())
//! ```

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use crate::random::SplitMix64;
use open_words::OpenWords;
use patterns::{Facts, Piece};
use stories::{STORIES, Slot, Story};

mod open_words;
mod patterns;
mod stories;

/// What the set is called.
pub const NAME: &str = "reports";
/// The seed of the files that ship.
pub const SEED: u64 = 2017;
/// Reports to train on.
pub const TRAIN: usize = 6_000;
/// Reports to choose settings by.
pub const VALID: usize = 400;
/// Reports to report a score on.
pub const TEST: usize = 500;

/// The fewest and the most words and marks of a report.
const WORDS: std::ops::RangeInclusive<usize> = 30..=60;
/// The most sentences of a report.
const SENTENCES: usize = 4;
/// What can stand between two statements in place of a full stop, and how often it does, in per cent.
const JOINTS: [&str; 2] = [" ; ", " , while "];
const JOINED: usize = 30;

/// A report and its summary, words and marks separated by single spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// One to four sentences.
    pub document: String,
    /// One sentence.
    pub summary: String,
}

/// A line of the files: a JSON object. No text has a character that JSON would escape.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { document, summary } = self;
        writeln!(f, r#"{{"document": "{document}", "summary": "{summary}"}}"#)
    }
}

/// The whole set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// [`TRAIN`] reports.
    pub train: Vec<Report>,
    /// [`VALID`] reports.
    pub valid: Vec<Report>,
    /// [`TEST`] reports.
    pub test: Vec<Report>,
}

impl Parts {
    /// The files: name and contents.
    pub fn files(&self) -> [(&'static str, String); 3] {
        let text = |part: &[Report]| part.iter().map(Report::to_string).collect::<String>();
        [
            ("train.jsonl", text(&self.train)),
            ("valid.jsonl", text(&self.valid)),
            ("test.jsonl", text(&self.test)),
        ]
    }
}

/// Writes the whole set; equal seeds give equal sets.
///
/// No name and no figure stands in two reports of the set, whatever their parts.
pub fn generate(seed: u64) -> Parts {
    let mut random = SplitMix64::new(seed);
    let mut open_words = OpenWords::default();
    let mut part = |size: usize| {
        let mut reports = Vec::with_capacity(size);
        while reports.len() < size {
            let writer = Writer {
                story: random.pick(STORIES),
                random: &mut random,
                open_words: &mut open_words,
                facts: Facts::new(),
            };
            let report = writer.report();
            reports.extend(report.filter(|report| {
                let sentences = report.document.matches(" .").count();
                WORDS.contains(&report.document.split(' ').count()) && sentences <= SENTENCES
            }));
        }
        reports
    };
    Parts {
        train: part(TRAIN),
        valid: part(VALID),
        test: part(TEST),
    }
}

/// Whether a word is a name or a figure: of those that are, each stands in one report of the set only.
pub fn is_open(word: &str) -> bool {
    open_words::is_name(word) || open_words::is_figure(word)
}

/// The summary of a story with these facts; `None` if one is missing.
fn summary(story: &Story, facts: &Facts) -> Option<String> {
    let text = patterns::written_out(story.summary);
    Some(patterns::fill(text.first()?, facts)? + " .")
}

/// Writes one report.
struct Writer<'a> {
    random: &'a mut SplitMix64,
    open_words: &'a mut OpenWords,
    story: &'static Story,
    facts: Facts,
}

impl Writer<'_> {
    /// A report of any length; `None` if its figures contradict its words.
    fn report(mut self) -> Option<Report> {
        let statements = self.statements();
        let mut document = String::new();
        let mut joint = "";
        for statement in &statements {
            document += joint;
            document += statement;
            // No sentence has two joints.
            joint = match JOINTS.contains(&joint) || !self.random.chance(JOINED) {
                true => " . ",
                false => JOINTS[self.random.below(JOINTS.len())],
            };
        }
        document += " .";
        let summary = summary(self.story, &self.facts);
        self.story.admits(&self.facts).then(|| Report {
            document,
            summary: summary.expect("each telling has all facts of its summary"),
        })
    }

    /// All that the report says, in its order.
    fn statements(&mut self) -> Vec<String> {
        // What must stay together.
        let mut blocks: Vec<Vec<String>> = Vec::new();
        let mut words = 0;
        for sentence in *self.random.pick(self.story.tellings) {
            let text = *self.random.pick(sentence);
            let statement = self.statement(text);
            words += statement.split(' ').count();
            match blocks.last_mut() {
                Some(block) if patterns::follows(text) => block.push(statement),
                _ => blocks.push(vec![statement]),
            }
        }
        let enough = WORDS.start() + self.random.below(20);
        let mut asides = self.story.asides.to_vec();
        self.random.shuffle(&mut asides);
        for aside in asides {
            if words >= enough {
                break;
            }
            let text = *self.random.pick(aside);
            let statement = self.statement(text);
            words += statement.split(' ').count();
            blocks.push(vec![statement]);
        }
        self.random.shuffle(&mut blocks);
        blocks.concat()
    }

    fn statement(&mut self, text: &'static str) -> String {
        let choices = patterns::written_out(text);
        let sentence = self.random.pick(&choices);
        for piece in sentence {
            if let Piece::Slot(slot) = *piece
                && !self.facts.contains_key(slot)
            {
                let fact = self.fact(slot);
                self.facts.insert(slot, fact);
            }
        }
        patterns::fill(sentence, &self.facts).expect("each slot was filled")
    }

    /// What fills a slot: nothing that fills another one.
    fn fact(&mut self, slot: &str) -> String {
        let kind = self.story.slot(slot);
        let kind = kind.unwrap_or_else(|| panic!("no slot {slot:?} in {:?}", self.story.summary));
        loop {
            let fact = match kind {
                Slot::Name => self.open_words.name(self.random),
                Slot::Figure => self.open_words.figure(self.random),
                Slot::Between(first, last) => {
                    (first + self.random.below(last + 1 - first)).to_string()
                }
                Slot::Word(words) => self.random.pick(words).to_string(),
            };
            if !self.facts.values().any(|other| *other == fact) {
                return fact;
            }
        }
    }
}

/// By story, every sentence that it can have.
static KNOWN: LazyLock<Vec<Vec<Vec<Piece>>>> = LazyLock::new(|| {
    let of_story = |story: &Story| {
        let tellings = story.tellings.iter().copied().flatten();
        let texts = tellings.chain(story.asides).copied().flatten();
        texts.flat_map(|text| patterns::written_out(text)).collect()
    };
    STORIES.iter().map(of_story).collect()
});

/// The summary of a report of the grammar.
///
/// # Errors
/// [`ReportsError::Unexpected`] at the first sentence that no story has together with those before;
/// [`ReportsError::Incomplete`] if the summary needs more than is told; [`ReportsError::Ambiguous`] if the
/// report can be understood in ways that are summarized differently.
pub fn summarize(document: &str) -> Result<String, ReportsError> {
    let words: Vec<&str> = document.split_whitespace().collect();
    let sentences = statements(&words);
    // By story, what the sentences so far can mean.
    let mut readings = vec![BTreeSet::from([Facts::new()]); STORIES.len()];
    for (place, words) in sentences.iter().enumerate() {
        for ((story, known), readings) in STORIES.iter().zip(&*KNOWN).zip(&mut readings) {
            let longer = readings.iter().flat_map(|facts| {
                let all = known.iter();
                all.filter_map(|sentence| patterns::recognise(sentence, words, story, facts))
            });
            *readings = longer.filter(|facts| story.admits(facts)).collect();
        }
        if readings.iter().all(BTreeSet::is_empty) {
            return Err(ReportsError::Unexpected {
                place: place + 1,
                sentence: words.join(" "),
            });
        }
    }
    let of_stories = STORIES.iter().zip(&readings);
    let summaries: BTreeSet<String> = of_stories
        .flat_map(|(story, readings)| readings.iter().filter_map(|facts| summary(story, facts)))
        .collect();
    let mut all = summaries.into_iter();
    match (all.next(), all.len()) {
        (None, _) => Err(ReportsError::Incomplete),
        (Some(only), 0) => Ok(only),
        (Some(first), _) => Err(ReportsError::Ambiguous {
            summaries: [first].into_iter().chain(all).collect(),
        }),
    }
}

/// What stands between full stops and joints.
fn statements<'a>(words: &'a [&'a str]) -> Vec<&'a [&'a str]> {
    let mut statements = Vec::new();
    let mut start = 0;
    for (place, &word) in words.iter().enumerate() {
        let end = match word {
            "." | ";" => place,
            "while" if place > start && words[place - 1] == "," => place - 1,
            _ => continue,
        };
        statements.push(&words[start..end]);
        start = place + 1;
    }
    if start < words.len() {
        statements.push(&words[start..]);
    }
    statements
}

/// Why a text has no summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportsError {
    /// No story has this sentence together with those before.
    Unexpected {
        /// Which sentence, from 1.
        place: usize,
        /// Its words.
        sentence: String,
    },
    /// The text leaves out what the summary needs.
    Incomplete,
    /// The text can be understood in several ways.
    Ambiguous {
        /// Their summaries.
        summaries: Vec<String>,
    },
}

impl fmt::Display for ReportsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReportsError::Unexpected { place, sentence } => write!(
                f,
                "sentence {place}, {sentence:?}: no report goes on like this"
            ),
            ReportsError::Incomplete => {
                f.write_str("expected all facts of a summary, found only some")
            }
            ReportsError::Ambiguous { summaries } => {
                write!(f, "expected one meaning, found {}", summaries.join(" / "))
            }
        }
    }
}

impl std::error::Error for ReportsError {}

#[cfg(test)]
mod tests;
