//! What is taken from a document as it stands: what a summarizer has to beat.
//!
//! A document of several lines is taken apart at its lines, which in a dialogue are its utterances, another one at
//! its sentences. The longest come in the order of their length, as in Gliwa et al. 2019, *SAMSum Corpus*, whose
//! longest-3 is the strongest of these baselines on dialogues by ROUGE-1 and ROUGE-2.

use std::cmp::Reverse;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use unicode_segmentation::UnicodeSegmentation;

/// What is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extract {
    /// The first lines or sentences.
    Lead(NonZeroUsize),
    /// The lines or sentences of most characters, the longest first; of equally long ones that which comes first.
    Longest(NonZeroUsize),
    /// The first words; words stand between white space.
    LeadWords(NonZeroUsize),
}

impl Extract {
    /// What summarizers are usually held against: lead-1 to lead-3, longest-1 to longest-3, and for headlines
    /// lead-8-words.
    pub const USUAL: [Self; 7] = [
        Self::Lead(at_least_one(1)),
        Self::Lead(at_least_one(2)),
        Self::Lead(at_least_one(3)),
        Self::Longest(at_least_one(1)),
        Self::Longest(at_least_one(2)),
        Self::Longest(at_least_one(3)),
        Self::LeadWords(at_least_one(8)),
    ];

    /// What is taken from a document, in one line. Of a shorter document that is all of it.
    ///
    /// ```
    /// use lstm_train::baseline::Extract;
    ///
    /// let document = "Tom: hi!\nAnn: are you coming to the party?\nTom: no, I am ill";
    /// let longest: Extract = "longest-2".parse()?;
    /// assert_eq!(longest.of(document), "Ann: are you coming to the party? Tom: no, I am ill");
    /// # Ok::<(), String>(())
    /// ```
    pub fn of(&self, document: &str) -> String {
        let taken: Vec<&str> = match *self {
            Self::Lead(count) => units(document).into_iter().take(count.get()).collect(),
            Self::Longest(count) => {
                let mut units = units(document);
                units.sort_by_cached_key(|unit| Reverse(unit.chars().count()));
                units.truncate(count.get());
                units
            }
            Self::LeadWords(count) => document.split_whitespace().take(count.get()).collect(),
        };
        taken.join(" ")
    }
}

const fn at_least_one(count: usize) -> NonZeroUsize {
    match NonZeroUsize::new(count) {
        Some(count) => count,
        None => NonZeroUsize::MIN,
    }
}

/// The lines of a document that has several, else its sentences.
fn units(document: &str) -> Vec<&str> {
    let lines: Vec<&str> = document
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    match lines[..] {
        [line] => sentences(line),
        _ => lines,
    }
}

/// The sentences of a line by the rules of Unicode (UAX 29): a full stop ends none before a small letter. In text
/// that is already tokenised, where marks stand alone between spaces, it does.
fn sentences(line: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (place, mark) in line.match_indices(MARKS) {
        let end = place + mark.len();
        if line[..place].ends_with(' ') && line[end..].starts_with(' ') {
            sentences.extend(line[start..end].split_sentence_bounds());
            start = end;
        }
    }
    sentences.extend(line[start..].split_sentence_bounds());
    sentences.into_iter().map(str::trim).collect()
}

/// Marks that end a sentence where each is a token of its own.
const MARKS: [char; 3] = ['.', '!', '?'];

impl fmt::Display for Extract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lead(count) => write!(f, "lead-{count}"),
            Self::Longest(count) => write!(f, "longest-{count}"),
            Self::LeadWords(count) => write!(f, "lead-{count}-words"),
        }
    }
}

impl FromStr for Extract {
    type Err = String;

    /// By the names `lead-3`, `longest-3`, `lead-8-words`.
    fn from_str(name: &str) -> Result<Self, String> {
        let extract = || {
            let (kind, count) = name.split_once('-')?;
            let (count, words) = match count.strip_suffix("-words") {
                Some(count) => (count, true),
                None => (count, false),
            };
            let digits = count.bytes().all(|byte| byte.is_ascii_digit());
            let count = count.parse().ok().filter(|_| digits)?;
            match (kind, words) {
                ("lead", false) => Some(Self::Lead(count)),
                ("lead", true) => Some(Self::LeadWords(count)),
                ("longest", false) => Some(Self::Longest(count)),
                _ => None,
            }
        };
        extract().ok_or_else(|| {
            format!("`{name}` is none of lead-N, longest-N and lead-N-words, with N from 1, such as lead-3")
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::{Rouge, RougeVariant, Stemming};

    fn extract(name: &str, document: &str) -> String {
        name.parse::<Extract>().unwrap().of(document)
    }

    #[test]
    fn lines_are_taken_where_there_are_several_and_else_sentences() {
        let dialogue = "Ann: Hi. How are you?\r\n\r\nTom: fine, thanks!\n  Ann: Good. \n";
        assert_eq!(extract("lead-1", dialogue), "Ann: Hi. How are you?");
        assert_eq!(
            extract("lead-2", dialogue),
            "Ann: Hi. How are you? Tom: fine, thanks!"
        );
        assert_eq!(extract("lead-1", "Hi. How are you?\n"), "Hi.");
        assert_eq!(
            extract("lead-9", dialogue),
            "Ann: Hi. How are you? Tom: fine, thanks! Ann: Good."
        );
    }

    #[test]
    fn the_longest_come_in_the_order_of_their_length() {
        let document = "a bb\nccc ddd eee\nff\nggg hh ii";
        assert_eq!(extract("longest-1", document), "ccc ddd eee");
        assert_eq!(extract("longest-3", document), "ccc ddd eee ggg hh ii a bb");
        // Equally long in characters, not in octets.
        assert_eq!(extract("longest-1", "dodo\ndödö\ndede"), "dodo");
    }

    #[test]
    fn sentences_end_as_people_and_tokenisers_write_them() {
        for (line, first) in [
            (
                "It costs 3.5 million. Nobody pays.",
                "It costs 3.5 million.",
            ),
            ("\"Really?\" Ann asked. Yes.", "\"Really?\""),
            ("It is e.g. a cat. It sleeps.", "It is e.g. a cat."),
            ("a storm came . it was late .", "a storm came ."),
            ("who won ? malora did .", "who won ?"),
            ("no mark at all", "no mark at all"),
            ("你好。再见。", "你好。"),
        ] {
            assert_eq!(extract("lead-1", line), first);
        }
    }

    #[test]
    fn a_line_of_a_million_tokens_is_read_once() {
        // Of marks that do not stand in it nobody looks for the next one at every sentence: that would take minutes.
        let line = "a storm came . ".repeat(250_000);
        assert_eq!(extract("lead-1", &line), "a storm came .");
        assert_eq!(extract("longest-2", &line), "a storm came . a storm came .");
        assert_eq!(sentences(line.trim()).len(), 250_000);
    }

    #[test]
    fn marks_that_follow_each_other_end_a_sentence_each() {
        assert_eq!(
            sentences("what ? ! no . . 3.5"),
            ["what ?", "!", "no .", ".", "3.5"]
        );
    }

    #[test]
    fn words_stand_between_white_space() {
        let document = "Hi Phillip,\n\nthis  message\tis to confirm our meeting.";
        assert_eq!(
            extract("lead-5-words", document),
            "Hi Phillip, this message is"
        );
        assert_eq!(extract("lead-8-words", "Thanks!"), "Thanks!");
    }

    #[test]
    fn nothing_is_taken_from_nothing() {
        for extract in Extract::USUAL {
            for document in ["", "  ", "\n\r\n \n"] {
                assert_eq!(extract.of(document), "");
            }
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for extract in Extract::USUAL {
            assert_eq!(extract.to_string().parse(), Ok(extract));
        }
        let names = Extract::USUAL.map(|extract| extract.to_string());
        assert_eq!(
            (&*names[2], &*names[5], &*names[6]),
            ("lead-3", "longest-3", "lead-8-words")
        );
        for name in [
            "",
            "lead",
            "lead-",
            "lead-0",
            "lead-+3",
            "lead--3",
            "lead-3 ",
            "lead-3-word",
            "lead-words",
            "longest-8-words",
            "middle-3",
            "Lead-3",
            "lead-99999999999999999999",
        ] {
            assert_eq!(
                name.parse::<Extract>(),
                Err(format!(
                    "`{name}` is none of lead-N, longest-N and lead-N-words, with N from 1, such as lead-3"
                ))
            );
        }
    }

    /// ROUGE-L, F1 in 0–100, on the test part of the set `reports`.
    fn on_reports(extract: Extract) -> f64 {
        let test = datasets::shipped(datasets::reports::NAME)
            .unwrap()
            .file("test.jsonl");
        let reports: Vec<serde_json::Value> = test
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(reports.len(), datasets::reports::TEST);
        let text = |report: &serde_json::Value, key: &str| report[key].as_str().unwrap().to_owned();
        let written: Vec<String> = reports
            .iter()
            .map(|r| extract.of(&text(r, "document")))
            .collect();
        let references: Vec<String> = reports.iter().map(|r| text(r, "summary")).collect();
        let rouge = Rouge {
            variants: vec![RougeVariant::Subsequence],
            stemming: Stemming::Porter,
            ..Rouge::default()
        };
        100.0 * rouge.scores(&written, &references).means()[0].f1
    }

    #[test]
    fn no_summary_of_the_shipped_reports_can_be_cut_from_its_document() {
        let readme = include_str!("../../../../datasets/README.md");
        for extract in Extract::USUAL {
            let score = on_reports(extract);
            assert!(score < 30.0, "{extract}: {score}");
            let row = format!("| {extract} | {score:.1} |");
            assert!(readme.contains(&row), "datasets/README.md lacks {row}");
        }
    }

    proptest! {
        #[test]
        fn all_is_taken_of_any_document_and_nothing_else(document in "(\\PC|[ .?!\n]){0,80}") {
            let letters = |text: &str| {
                let mut letters: Vec<char> = text.split_whitespace().flat_map(str::chars).collect();
                letters.sort();
                letters
            };
            for name in ["lead-500", "longest-500", "lead-500-words"] {
                prop_assert_eq!(letters(&extract(name, &document)), letters(&document));
            }
        }
    }
}
