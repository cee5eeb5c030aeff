//! The trees of the Stanford Sentiment Treebank (Socher et al. 2013), one bracketed tree a line.
//!
//! ```text
//! (3 (2 It) (4 (4 (2 's) (4 great)) (2 .)))
//! ```
//!
//! A node is its degree, from 0 (very negative) to 4 (very positive), and either a word or nodes.

use std::collections::HashSet;
use std::ops::Range;

use super::error::CorpusError;
use super::options::{CorpusOptions, SstClasses, SstExamples, refuse_columns};
use super::source::Source;
use super::Collector;

/// The names of the classes, from negative to positive.
pub(super) fn label_names(classes: SstClasses) -> &'static [&'static str] {
    match classes {
        SstClasses::Two => &["negative", "positive"],
        SstClasses::Five => &["very negative", "negative", "neutral", "positive", "very positive"],
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
            match options.sst.examples {
                SstExamples::Sentences => collector.add(number, label, &text)?,
                SstExamples::Phrases => {
                    if !seen.contains(&(label, text.clone())) {
                        collector.add(number, label, &text)?;
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
                return Err((byte, format!("expected the line's end after its tree, found {piece:?}")));
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
                    return Err((byte, format!("expected ( or ), found {}", quoted(word))));
                }
                (other, None) => {
                    return Err((byte, format!("expected ( where a tree begins, found {}", quoted(other))));
                }
            }
        }
        match open.last() {
            Some(node) => Err((node.byte, "this ( is never closed".to_owned())),
            None if tree.nodes.is_empty() => Err((0, "expected a tree, found only spaces".to_owned())),
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
        self.nodes.iter().map(|node| ends[node.words.end] - ends[node.words.start]).sum()
    }
}
