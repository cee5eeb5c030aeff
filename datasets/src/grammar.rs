//! The set `grammar`: sentences for a language model, of which the best possible score is known.
//!
//! Random English-like sentences, in which words agree over any distance: verbs with their subjects
//! across places and relative clauses, "himself" with "the man" far before it, "or" with "either",
//! the mark at the end with how the sentence began. The grammar has explicit probabilities and
//! reads every sentence in one way, so that [`log_probability`] is exact, and [`perplexity`] of the
//! test part is what no model can beat but by luck. A model that looks at the last two words is far
//! from it; `datasets/README.md` has the figures.
//!
//! ```
//! use datasets::grammar;
//!
//! let probability = grammar::log_probability("the dogs are tame .")?.exp();
//! assert!((probability - 0.000_224_64).abs() < 1e-9);
//!
//! let error = grammar::log_probability("the dogs near the car is tame .").unwrap_err();
//! assert!(error.to_string().starts_with("word 6, \"is\": expected"));
//! # Ok::<(), grammar::GrammarError>(())
//! ```

use std::fmt;

use crate::random::SplitMix64;

pub use prefix::Prefix;

#[cfg(test)]
mod agreement;
mod choices;
#[cfg(test)]
mod ngram;
mod prefix;
mod rules;
mod words;

/// What the set is called.
pub const NAME: &str = "grammar";
/// The end of a sentence as a token. It does not stand in the files, where it is the end of a line.
pub const END: &str = "<eos>";
/// The seed of the files that ship.
pub const SEED: u64 = 1966;
/// Sentences to train on.
pub const TRAIN: usize = 32_000;
/// Sentences to choose settings by.
pub const VALID: usize = 3_000;
/// Sentences to report a perplexity on.
pub const TEST: usize = 3_000;

/// The whole set, a sentence an entry, its words separated by single spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// [`TRAIN`] sentences.
    pub train: Vec<String>,
    /// [`VALID`] sentences.
    pub valid: Vec<String>,
    /// [`TEST`] sentences.
    pub test: Vec<String>,
}

impl Parts {
    /// The files: name and contents.
    pub fn files(&self) -> [(&'static str, String); 3] {
        let text = |part: &[String]| part.iter().map(|line| format!("{line}\n")).collect();
        [
            ("train.txt", text(&self.train)),
            ("valid.txt", text(&self.valid)),
            ("test.txt", text(&self.test)),
        ]
    }
}

/// Writes the whole set; equal seeds give equal sets.
///
/// All sentences are drawn independently from [`sentence`], so that short ones stand in several
/// parts, as often as the grammar has them: to remove them would change the probabilities.
pub fn generate(seed: u64) -> Parts {
    let mut random = SplitMix64::new(seed);
    let mut part = |size| (0..size).map(|_| sentence(&mut random)).collect();
    Parts {
        train: part(TRAIN),
        valid: part(VALID),
        test: part(TEST),
    }
}

/// A random sentence.
pub fn sentence(random: &mut SplitMix64) -> String {
    let mut prefix = Prefix::new();
    let mut words = Vec::new();
    loop {
        match prefix.draw(random) {
            END => return words.join(" "),
            word => words.push(word),
        }
    }
}

/// The natural logarithm of the probability with which the grammar makes this sentence: of all its
/// words and of its end, each given the words before it.
///
/// # Errors
/// [`GrammarError::Unexpected`] at the first word that cannot stand where it stands.
pub fn log_probability(line: &str) -> Result<f64, GrammarError> {
    score(line, None).map(|score| score.log_probability)
}

/// The perplexity of the grammar itself on these sentences: exp(-Σ log p(sentence) / tokens), where
/// the end of each sentence is a token like its words.
///
/// # Errors
/// [`GrammarError::Unexpected`], with the line, at the first word that cannot stand where it
/// stands; [`GrammarError::Empty`] if there is no line.
pub fn perplexity<L: AsRef<str>>(lines: impl IntoIterator<Item = L>) -> Result<f64, GrammarError> {
    let mut log_probability = 0.0;
    let mut tokens = 0;
    for (index, line) in lines.into_iter().enumerate() {
        let score = score(line.as_ref(), Some(index + 1))?;
        log_probability += score.log_probability;
        tokens += score.tokens;
    }
    if tokens == 0 {
        return Err(GrammarError::Empty);
    }
    Ok((-log_probability / tokens as f64).exp())
}

struct Score {
    log_probability: f64,
    tokens: usize,
}

fn score(line: &str, number: Option<usize>) -> Result<Score, GrammarError> {
    let mut prefix = Prefix::new();
    let mut log_probability = 0.0;
    let mut tokens = 0;
    let words = line.split_whitespace().map(Some);
    for word in words.chain([None]) {
        tokens += 1;
        // "<eos>" as a word of the line is an error: it stands for the line's end.
        let known = match word {
            Some(END) => None,
            word => prefix.read(word.unwrap_or(END)),
        };
        let Some(probability) = known else {
            let next = prefix.next_words();
            return Err(GrammarError::Unexpected {
                line: number,
                place: tokens,
                word: word.map(str::to_owned),
                expected: next.into_iter().map(|(word, _)| word).collect(),
            });
        };
        log_probability += probability.ln();
    }
    Ok(Score {
        log_probability,
        tokens,
    })
}

/// Why a text has no probability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrammarError {
    /// The grammar has no sentence that goes on like this.
    Unexpected {
        /// Which of several lines, from 1.
        line: Option<usize>,
        /// Which word of the line, from 1.
        place: usize,
        /// The word, or `None` for the line's end.
        word: Option<String>,
        /// What could stand there; [`END`] for the line's end.
        expected: Vec<&'static str>,
    },
    /// There is no sentence.
    Empty,
}

impl fmt::Display for GrammarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GrammarError::Unexpected {
            line,
            place,
            word,
            expected,
        } = self
        else {
            return write!(f, "no sentence: a perplexity needs at least one");
        };
        if let Some(line) = line {
            write!(f, "line {line}, ")?;
        }
        match word {
            Some(word) => write!(f, "word {place}, {word:?}")?,
            None => write!(f, "word {place}, the end of the line")?,
        }
        let expected = expected.iter().map(|&word| match word {
            END => "the end of the line".to_owned(),
            word => format!("{word:?}"),
        });
        let expected: Vec<_> = expected.collect();
        write!(f, ": expected {}", expected.join(" or "))
    }
}

impl std::error::Error for GrammarError {}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::ngram::KneserNey;
    use super::*;

    const FILES: [&str; 3] = ["train.txt", "valid.txt", "test.txt"];

    /// The lines of one shipped file.
    fn shipped(file: &str) -> Vec<&'static str> {
        let set = crate::shipped("grammar").expect("the set ships");
        set.file(file).expect("the file ships").lines().collect()
    }

    #[test]
    fn generating_again_gives_the_shipped_files_byte_for_byte() {
        let set = crate::shipped("grammar").expect("the set ships");
        set.assert_generated(generate(SEED).files());
    }

    #[test]
    fn a_sentence_has_the_probability_that_is_worked_out_by_hand() {
        let probability = 0.50 * 0.60 // a plain statement, "the"
            * 0.80 * 0.26 / 2.0 * 0.5 // no adjective, an animal, plural, the first of three
            * 0.40 * 0.20 // neither place nor relative clause, "are"
            * 0.30 // the second quality of three
            * 0.60; // nothing more, and "." and the end are certain
        let found = log_probability("the dogs are tame .").expect("it is a sentence");
        assert!((found - f64::ln(probability)).abs() < 1e-12, "{found}");
    }

    #[test]
    fn perplexity_counts_the_end_of_each_sentence() {
        let lines = ["the dogs are tame .", "do the kings laugh ?"];
        let sum: f64 = lines.iter().map(|l| log_probability(l).unwrap()).sum();
        let expected = (-sum / 12.0).exp();
        assert!((perplexity(lines).unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn errors_name_line_and_word_and_what_was_expected() {
        let message = |lines: &[&str]| perplexity(lines).expect_err("no sentence").to_string();
        let good = "the dogs are tame .";
        assert_eq!(
            message(&[good, "the dogs near the car are happy ."]),
            r#"line 2, word 7, "happy": expected "hungry" or "tame" or "wild""#
        );
        assert_eq!(
            message(&["the dogs are"]),
            r#"line 1, word 4, the end of the line: expected "hungry" or "tame" or "wild""#
        );
        assert_eq!(
            message(&["do the kings laugh ? ?"]),
            r#"line 1, word 6, "?": expected the end of the line"#
        );
        assert!(message(&["the dogs are tame . <eos>"]).contains("word 6, \"<eos>\""));
        assert!(message(&[""]).starts_with("line 1, word 1, the end of the line"));
        assert_eq!(message(&[]), "no sentence: a perplexity needs at least one");
    }

    #[test]
    fn what_disagrees_is_no_sentence() {
        for (line, place) in [
            ("the dogs near the car is tame .", 6),
            ("the girl near the kings sees himself .", 7),
            ("the car that the girls near the dog repairs is new .", 9),
            ("the cat that the girl repairs is wild .", 6),
            ("the dog near the king who sings is tame .", 6),
            ("does the cat near the men runs ?", 7),
            ("either the cat runs then the dog runs .", 5),
            ("both the man and the boy sings .", 7),
            ("do the cats run .", 5),
            ("the man says \" the dog runs .", 8),
        ] {
            let error = log_probability(line).expect_err(line);
            let GrammarError::Unexpected { place: found, .. } = error else {
                panic!("{line}: {error}");
            };
            assert_eq!(found, place, "{line}");
        }
    }

    #[test]
    fn words_agree_in_all_shipped_sentences() {
        for line in FILES.into_iter().flat_map(shipped) {
            if let Err(problem) = agreement::check(line) {
                panic!("{line}: {problem}");
            }
        }
    }

    #[test]
    fn every_word_is_frequent_in_the_training_part() {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for word in shipped("train.txt").iter().flat_map(|line| line.split(' ')) {
            *counts.entry(word).or_default() += 1;
        }
        for (word, count) in &counts {
            assert!(*count >= 150, "{word:?} stands there {count} times");
        }
        for file in FILES {
            let lines = shipped(file);
            let mut words = lines.iter().flat_map(|line| line.split(' '));
            assert!(words.all(|word| counts.contains_key(word)), "{file}");
        }
    }

    /// A number of at least four digits as README.md has it.
    fn thousands(number: usize) -> String {
        match number / 1000 {
            more @ 0..1000 => format!("{more},{:03}", number % 1000),
            more => format!("{},{:03}", thousands(more), number % 1000),
        }
    }

    /// The figures in README.md; `datasets/README.md` is stale if one is not there.
    #[test]
    fn the_readme_has_the_figures() {
        let readme = include_str!("../README.md");
        let [train, valid, test] = FILES.map(shipped);
        let mut expected = Vec::new();
        for (file, lines) in FILES.iter().zip([&train, &valid, &test]) {
            let words: usize = lines.iter().map(|line| line.split(' ').count()).sum();
            let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
            expected.push(format!(
                "| `grammar/{file}` | {} | {} | {} | {:.3} |",
                thousands(lines.len()),
                thousands(words + lines.len()),
                thousands(bytes),
                perplexity(lines).unwrap(),
            ));
        }
        let vocabulary: HashSet<&str> = train.iter().flat_map(|line| line.split(' ')).collect();
        expected.push(format!("{} words", vocabulary.len()));
        let known: HashSet<&str> = train.iter().copied().collect();
        let repeated = test.iter().filter(|line| known.contains(*line)).count();
        expected.push(format!("{repeated} of the 3,000 test sentences"));
        for order in 1..=5 {
            let found = KneserNey::new(&train, order).perplexity(&test);
            let above = found / perplexity(&test).unwrap() - 1.0;
            expected.push(format!("| {found:.2} | {:.0} % |", 100.0 * above));
        }
        let missing: Vec<_> = expected.iter().filter(|e| !readme.contains(*e)).collect();
        assert!(missing.is_empty(), "README.md lacks {missing:#?}");
    }

    #[test]
    fn a_trigram_model_is_far_above_the_best_possible() {
        let [train, test] = ["train.txt", "test.txt"].map(shipped);
        let best_possible = perplexity(&test).unwrap();
        let trigram = KneserNey::new(&train, 3).perplexity(&test);
        assert!(
            trigram > 1.4 * best_possible,
            "{trigram} beside {best_possible}"
        );
    }

    #[test]
    fn another_seed_gives_another_set() {
        assert_ne!(generate(1).test, generate(2).test);
    }
}
