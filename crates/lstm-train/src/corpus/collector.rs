//! Examples on their way into a corpus, and the numbers of their labels.

use std::collections::HashMap;

use super::error::{Choices, CorpusError, Shortened};
use super::options::Format;
use super::source::Source;
use super::{Corpus, Example};

/// Gathers examples and gives labels their numbers.
pub(super) struct Collector<'a> {
    source: &'a Source<'a>,
    names: Vec<String>,
    numbers: HashMap<String, usize>,
    learns: bool,
    examples: Vec<Example>,
}

impl<'a> Collector<'a> {
    /// Takes every label it meets.
    pub fn learning(source: &'a Source<'a>) -> Self {
        Self {
            source,
            names: Vec::new(),
            numbers: HashMap::new(),
            learns: true,
            examples: Vec::new(),
        }
    }

    /// Refuses labels other than these.
    pub fn knowing<T: ToString>(source: &'a Source<'a>, names: &[T]) -> Self {
        let names: Vec<String> = names.iter().map(T::to_string).collect();
        Self {
            numbers: names.iter().cloned().zip(0..).collect(),
            names,
            learns: false,
            ..Self::learning(source)
        }
    }

    /// Takes an example from a line; white space around its label does not count.
    pub fn add(&mut self, line: usize, label: &str, text: &str) -> Result<(), CorpusError> {
        self.add_rated(line, label, text, false)
    }

    /// As [`add`](Self::add), for a label that may hold only somewhat.
    pub fn add_rated(
        &mut self,
        line: usize,
        label: &str,
        text: &str,
        weak: bool,
    ) -> Result<(), CorpusError> {
        let name = label.trim();
        let number = match self.numbers.get(name) {
            Some(&number) => number,
            None if name.is_empty() => {
                return Err(CorpusError::EmptyLabel {
                    place: self.source.place(line),
                    found: Shortened::new(&format!("{label}\t{text}")),
                });
            }
            None if self.learns => {
                let number = self.names.len();
                self.names.push(name.to_owned());
                self.numbers.insert(name.to_owned(), number);
                number
            }
            None => {
                return Err(CorpusError::UnknownLabel {
                    place: self.source.place(line),
                    label: Shortened::new(name),
                    known: Choices::new(&self.names),
                });
            }
        };
        self.examples.push(Example {
            text: text.to_owned(),
            label: number,
            weak,
        });
        Ok(())
    }

    /// The corpus, its labels sorted if they were learned.
    pub fn finish(self, format: Format) -> Result<Corpus, CorpusError> {
        let Self {
            names: mut labels,
            mut examples,
            ..
        } = self;
        if examples.is_empty() {
            return Err(CorpusError::Empty {
                file: self.source.name.to_owned(),
                format,
            });
        }
        if self.learns {
            let mut order: Vec<usize> = (0..labels.len()).collect();
            order.sort_by(|&a, &b| labels[a].cmp(&labels[b]));
            let mut ranks = vec![0; labels.len()];
            for (rank, &number) in order.iter().enumerate() {
                ranks[number] = rank;
            }
            for example in &mut examples {
                example.label = ranks[example.label];
            }
            labels.sort();
        }
        Ok(Corpus { labels, examples })
    }
}

#[cfg(test)]
mod tests {
    use crate::corpus::{Corpus, CorpusError, CorpusOptions, Format, Labels, read_text};

    fn read(contents: &str, labels: Labels) -> Result<Corpus, CorpusError> {
        read_text("a.tsv", contents, &CorpusOptions::new(Format::Tsv), labels)
    }

    #[test]
    fn learned_labels_are_sorted() {
        let corpus = read(
            "pos\tyes\nneg\tno\nmixed\tperhaps\npos\tsure\n",
            Labels::Learn,
        )
        .unwrap();
        assert_eq!(corpus.labels, ["mixed", "neg", "pos"]);
        let labels: Vec<_> = corpus
            .examples
            .iter()
            .map(|example| example.label)
            .collect();
        assert_eq!(labels, [2, 1, 0, 2]);
        assert_eq!(corpus.counts(), [1, 1, 2]);
        assert_eq!(corpus.prior(), [0.25, 0.25, 0.5]);
        assert!(corpus.texts().eq(["yes", "no", "perhaps", "sure"]));
    }

    #[test]
    fn known_labels_keep_their_order_even_where_they_do_not_occur() {
        let known = ["pos", "neg", "mixed"].map(String::from);
        let corpus = read("neg\tno\npos\tyes\n", Labels::Known(&known)).unwrap();
        assert_eq!(corpus.labels, known);
        assert_eq!(corpus.counts(), [1, 1, 0]);
    }

    #[test]
    fn an_unknown_label_is_named_with_the_known_ones() {
        let known = ["neg", "pos"].map(String::from);
        let error = read("neg\tno\nPos\tyes\n", Labels::Known(&known)).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"a.tsv:2: unknown label "Pos"; expected one of "neg", "pos""#
        );
    }

    #[test]
    fn an_empty_label_is_an_error_and_an_empty_text_is_not() {
        let corpus = read("neg\tno\n pos \t\n", Labels::Learn).unwrap();
        assert_eq!(corpus.labels, ["neg", "pos"]);
        assert_eq!(corpus.examples[1].text, "");
        let error = read("neg\tno\n\tyes\n", Labels::Learn).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"a.tsv:2: the label is empty; found "\tyes""#
        );
    }
}
