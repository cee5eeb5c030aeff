//! The trees of the Stanford Sentiment Treebank (Socher et al. 2013), one bracketed tree a line.
//!
//! ```text
//! (3 (2 It) (4 (4 (2 's) (4 great)) (2 .)))
//! ```
//!
//! A node is its degree, from 0 (very negative) to 4 (very positive), and either a word or nodes.

use std::collections::HashSet;
use std::ops::Range;

use super::collector::Collector;
use super::error::{CorpusError, Shortened};
use super::options::{CorpusOptions, SstClasses, SstExamples, refuse_columns};
use super::source::Source;

/// The names of the classes, from negative to positive.
pub(super) fn label_names(classes: SstClasses) -> &'static [&'static str] {
    match classes {
        SstClasses::Two => &["negative", "positive"],
        SstClasses::Five => &[
            "very negative",
            "negative",
            "neutral",
            "positive",
            "very positive",
        ],
    }
}

/// The name of a degree's class; none for what is left out.
fn label_name(degree: usize, classes: SstClasses) -> Option<&'static str> {
    let names = label_names(classes);
    match (classes, degree) {
        (SstClasses::Five, _) => Some(names[degree]),
        (SstClasses::Two, 0 | 1) => Some(names[0]),
        (SstClasses::Two, 2) => None,
        (SstClasses::Two, _) => Some(names[1]),
    }
}

/// All phrases of one sentence together may have this many bytes. The longest of the treebank need
/// a few thousand, but a made-up tree of a million nodes would need gigabytes.
const PHRASE_BYTES: usize = 1 << 26;

/// Sentences or all their phrases; words are joined with spaces.
pub(super) fn read(
    source: &Source,
    options: &CorpusOptions,
    collector: &mut Collector,
) -> Result<(), CorpusError> {
    refuse_columns(options)?;
    let mut seen = HashSet::new();
    for line in source.lines() {
        let (number, line) = line?;
        let malformed = |byte: usize, problem: String| CorpusError::Tree {
            place: source.place(number),
            column: line[..byte].chars().count() + 1,
            problem,
        };
        let tree = Tree::parse(line).map_err(|(byte, problem)| malformed(byte, problem))?;
        let nodes = match options.sst.examples {
            SstExamples::Sentences => &tree.nodes[tree.nodes.len() - 1..],
            SstExamples::Phrases if tree.phrase_bytes() > PHRASE_BYTES => {
                let problem = format!("the phrases of this tree exceed {PHRASE_BYTES} bytes");
                return Err(malformed(0, problem));
            }
            SstExamples::Phrases => &tree.nodes,
        };
        for node in nodes {
            let Some(label) = label_name(node.degree, options.sst.classes) else {
                continue;
            };
            let text = tree.words[node.words.clone()].join(" ");
            // Two classes keep of the degrees whether they were the middle ones.
            let weak = options.sst.classes == SstClasses::Two && matches!(node.degree, 1 | 3);
            match options.sst.examples {
                SstExamples::Sentences => collector.add_rated(number, label, &text, weak)?,
                SstExamples::Phrases => {
                    if !seen.contains(&(label, text.clone())) {
                        collector.add_rated(number, label, &text, weak)?;
                        seen.insert((label, text));
                    }
                }
            }
        }
    }
    Ok(())
}

/// A tree with its nodes in the order in which they end, the root last.
#[derive(Debug)]
struct Tree {
    words: Vec<String>,
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    degree: usize,
    words: Range<usize>,
}

/// A node whose closing bracket is still to come.
struct OpenNode {
    byte: usize,
    degree: usize,
    first_word: usize,
    first_node: usize,
}

impl Tree {
    /// Parses one line without recursion: brackets may be nested to any depth. An error is the byte
    /// of the line, and what is wrong there.
    fn parse(line: &str) -> Result<Self, (usize, String)> {
        let mut tree = Self {
            words: Vec::new(),
            nodes: Vec::new(),
        };
        let mut open: Vec<OpenNode> = Vec::new();
        let mut pieces = pieces(line);
        while let Some((byte, piece)) = pieces.next() {
            if open.is_empty() && !tree.nodes.is_empty() {
                return Err((
                    byte,
                    format!(
                        "expected the line's end after its tree, found {}",
                        Shortened::new(piece)
                    ),
                ));
            }
            match (piece, open.last()) {
                ("(", parent) => {
                    // A word makes a node that holds words but no nodes.
                    if parent.is_some_and(|node| tree.holds_word(node)) {
                        return Err((byte, "expected ) after a word, found (".to_owned()));
                    }
                    open.push(OpenNode {
                        byte,
                        degree: degree(line, pieces.next())?,
                        first_word: tree.words.len(),
                        first_node: tree.nodes.len(),
                    });
                }
                (")", Some(node)) if tree.words.len() == node.first_word => {
                    return Err((byte, "expected a word or ( before )".to_owned()));
                }
                (")", Some(node)) => {
                    tree.nodes.push(Node {
                        degree: node.degree,
                        words: node.first_word..tree.words.len(),
                    });
                    open.pop();
                }
                (word, Some(node)) if tree.words.len() == node.first_word => {
                    tree.words.push(unescape(word));
                }
                (word, Some(_)) => {
                    return Err((
                        byte,
                        format!("expected ( or ), found {}", Shortened::new(word)),
                    ));
                }
                (other, None) => {
                    return Err((
                        byte,
                        format!(
                            "expected ( where a tree begins, found {}",
                            Shortened::new(other)
                        ),
                    ));
                }
            }
        }
        match open.last() {
            Some(node) => Err((node.byte, "this ( is never closed".to_owned())),
            None if tree.nodes.is_empty() => {
                Err((0, "expected a tree, found only spaces".to_owned()))
            }
            None => Ok(tree),
        }
    }

    fn holds_word(&self, node: &OpenNode) -> bool {
        self.nodes.len() == node.first_node && self.words.len() > node.first_word
    }

    /// How long the texts of all nodes are together.
    fn phrase_bytes(&self) -> usize {
        // ends[i]: the length of the first i words, with a space behind each.
        let mut ends = vec![0];
        for word in &self.words {
            ends.push(ends[ends.len() - 1] + word.len() + 1);
        }
        self.nodes
            .iter()
            .map(|node| ends[node.words.end] - ends[node.words.start])
            .sum()
    }
}

/// The brackets of a line and what stands between them, each with its byte. A non-breaking space is
/// part of its word: the treebank has "8 1/2" as one.
fn pieces(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = line[at..].trim_ascii_start();
        let start = line.len() - rest.len();
        let ends_word = |c: char| c == '(' || c == ')' || c.is_ascii_whitespace();
        let length = match rest.find(ends_word) {
            None if rest.is_empty() => return None,
            None => rest.len(),
            Some(0) => 1,
            Some(length) => length,
        };
        at = start + length;
        Some((start, &rest[..length]))
    })
}

/// The degree behind an opening bracket.
fn degree(line: &str, piece: Option<(usize, &str)>) -> Result<usize, (usize, String)> {
    match piece {
        Some((_, "0")) => Ok(0),
        Some((_, "1")) => Ok(1),
        Some((_, "2")) => Ok(2),
        Some((_, "3")) => Ok(3),
        Some((_, "4")) => Ok(4),
        Some((byte, other)) => Err((
            byte,
            format!(
                "expected a degree from 0 to 4, found {}",
                Shortened::new(other)
            ),
        )),
        None => Err((
            line.len(),
            "expected a degree from 0 to 4, found the line's end".to_owned(),
        )),
    }
}

/// The word as it was before the Penn Treebank's rules escaped it.
fn unescape(word: &str) -> String {
    match word {
        "-LRB-" => "(".to_owned(),
        "-RRB-" => ")".to_owned(),
        word => word.replace("\\/", "/").replace("\\*", "*"),
    }
}

#[cfg(test)]
mod tests {
    use crate::corpus::{
        Corpus, CorpusError, CorpusOptions, Format, Labels, SstOptions, read_text,
    };

    use super::*;

    fn read(
        classes: SstClasses,
        examples: SstExamples,
        contents: &str,
    ) -> Result<Corpus, CorpusError> {
        let options = CorpusOptions {
            sst: SstOptions { classes, examples },
            ..CorpusOptions::new(Format::Sst)
        };
        read_text("a.txt", contents, &options, Labels::Learn)
    }

    fn pairs(corpus: &Corpus) -> Vec<(&str, &str)> {
        let labels = corpus
            .examples
            .iter()
            .map(|example| corpus.labels[example.label].as_str());
        labels.zip(corpus.texts()).collect()
    }

    const TREES: &str =
        "(3 (2 It) (4 (4 (2 's) (4 great)) (2 .)))\n(2 (2 So) (2 what))\n(0 (1 bad))\n";

    #[test]
    fn two_classes_leave_neutral_out() {
        let corpus = read(SstClasses::Two, SstExamples::Sentences, TREES).unwrap();
        assert_eq!(corpus.labels, ["negative", "positive"]);
        assert_eq!(
            pairs(&corpus),
            [("positive", "It 's great ."), ("negative", "bad")]
        );
    }

    #[test]
    fn five_classes_keep_every_sentence_in_natural_order() {
        let corpus = read(SstClasses::Five, SstExamples::Sentences, TREES).unwrap();
        assert_eq!(
            corpus.labels,
            [
                "very negative",
                "negative",
                "neutral",
                "positive",
                "very positive"
            ]
        );
        let labels: Vec<_> = corpus
            .examples
            .iter()
            .map(|example| example.label)
            .collect();
        assert_eq!(labels, [3, 2, 0]);
    }

    #[test]
    fn phrases_are_all_nodes_without_repetitions() {
        let corpus = read(SstClasses::Five, SstExamples::Phrases, TREES).unwrap();
        assert_eq!(
            pairs(&corpus),
            [
                ("neutral", "It"),
                ("neutral", "'s"),
                ("very positive", "great"),
                ("very positive", "'s great"),
                ("neutral", "."),
                ("very positive", "'s great ."),
                ("positive", "It 's great ."),
                ("neutral", "So"),
                ("neutral", "what"),
                ("neutral", "So what"),
                ("negative", "bad"),
                ("very negative", "bad"),
            ]
        );
        // The two degrees of "bad" are one class of two.
        let corpus = read(SstClasses::Two, SstExamples::Phrases, TREES).unwrap();
        assert_eq!(
            pairs(&corpus)
                .iter()
                .filter(|(_, text)| *text == "bad")
                .count(),
            1
        );
    }

    #[test]
    fn escaped_words_are_unescaped() {
        let line = "(3 (2 -LRB-) (3 (3 and\\/or) (2 (2 8\u{a0}1\\/2) (2 (2 \\*) (2 -RRB-)))))";
        let corpus = read(SstClasses::Two, SstExamples::Sentences, line).unwrap();
        assert_eq!(corpus.examples[0].text, "( and/or 8\u{a0}1/2 * )");
    }

    #[test]
    fn a_malformed_tree_is_named_by_line_and_column() {
        for (line, column, problem) in [
            ("(3 (2 ça) (2 va)", 1, "this ( is never closed"),
            ("(3 (2 ça (2 va))", 10, "expected ) after a word, found ("),
            (
                "(3 (2 ça) (2 va)))",
                18,
                "expected the line's end after its tree, found \")\"",
            ),
            (
                "(3 yes) (2 no)",
                9,
                "expected the line's end after its tree, found \"(\"",
            ),
            ("(3 yes indeed)", 8, "expected ( or ), found \"indeed\""),
            (
                "(3 (2 yes) indeed)",
                12,
                "expected ( or ), found \"indeed\"",
            ),
            ("(5 yes)", 2, "expected a degree from 0 to 4, found \"5\""),
            ("((2 yes))", 2, "expected a degree from 0 to 4, found \"(\""),
            (
                "(",
                2,
                "expected a degree from 0 to 4, found the line's end",
            ),
            ("(3)", 3, "expected a word or ( before )"),
            ("3 yes", 1, "expected ( where a tree begins, found \"3\""),
            (")", 1, "expected ( where a tree begins, found \")\""),
            ("  ", 1, "expected a tree, found only spaces"),
        ] {
            let error = read(
                SstClasses::Two,
                SstExamples::Sentences,
                &format!("(3 yes)\n{line}\n"),
            );
            let expected = format!("a.txt:2: column {column}: {problem}");
            assert_eq!(error.unwrap_err().to_string(), expected, "{line:?}");
        }
    }

    #[test]
    fn a_tree_may_be_nested_to_any_depth() {
        let depth = 300_000;
        let line = format!("{}yes{}", "(3 ".repeat(depth), ")".repeat(depth));
        for examples in [SstExamples::Sentences, SstExamples::Phrases] {
            let corpus = read(SstClasses::Two, examples, &line).unwrap();
            assert_eq!(pairs(&corpus), [("positive", "yes")]);
        }
        let error = read(
            SstClasses::Two,
            SstExamples::Sentences,
            &line[..line.len() - 1],
        );
        assert!(matches!(
            error.unwrap_err(),
            CorpusError::Tree { column: 1, .. }
        ));
    }

    #[test]
    fn phrases_that_would_fill_the_memory_are_refused() {
        let depth = 100_000;
        let line = format!("{}(3 z){}", "(3 (2 y) ".repeat(depth), ")".repeat(depth));
        assert!(read(SstClasses::Two, SstExamples::Sentences, &line).is_ok());
        let error = read(SstClasses::Two, SstExamples::Phrases, &line).unwrap_err();
        assert!(
            error.to_string().contains("exceed 67108864 bytes"),
            "{error}"
        );
    }

    #[test]
    fn a_corpus_of_neutral_trees_has_no_examples_for_two_classes() {
        let error = read(
            SstClasses::Two,
            SstExamples::Sentences,
            "(2 (2 So) (2 what))",
        )
        .unwrap_err();
        assert!(matches!(error, CorpusError::Empty { .. }), "{error}");
    }
}
