//! What tokens are, for models that read text and write it.

use serde::{Deserialize, Serialize};

/// What the tokens of a text that is read and written are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenUnit {
    /// Byte pairs: no text is unknown, and a line comes back as it was, spaces within it and all; those at its ends are
    /// trimmed.
    #[default]
    BytePairs,
    /// Words and runs of punctuation: what is written between them is guessed when text is made of them.
    Words,
}

impl TokenUnit {
    /// A text as its tokens are learned and read: without white space at its ends, and of byte pairs also at those of
    /// its lines, each with a space before its first word, so that a name is the same token there as elsewhere.
    pub fn prepare(self, text: &str) -> String {
        let text = text.trim();
        match self {
            Self::BytePairs => text
                .lines()
                .map(|line| match line.trim() {
                    "" => String::new(),
                    line => format!(" {line}"),
                })
                .collect::<Vec<_>>()
                .join("\n"),
            Self::Words => text.to_owned(),
        }
    }

    /// The text of tokens as it is shown: in one line without tabs.
    pub(crate) fn line(self, text: &str) -> String {
        let line = text.replace(['\n', '\r', '\t'], " ");
        let line = line.trim();
        match self {
            Self::BytePairs => line.to_owned(),
            Self::Words => close_up(line),
        }
    }
}

/// Words with spaces between them as people write them: none before a sentence's marks, within brackets, and
/// around apostrophes and hyphens.
fn close_up(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    for word in words.split(' ') {
        const CLOSING: [char; 13] = [
            '.', ',', ';', ':', '!', '?', ')', ']', '\'', '’', '%', '-', '…',
        ];
        const OPENING: [char; 5] = ['(', '[', '\'', '’', '-'];
        let joins = word.starts_with(CLOSING) || text.ends_with(OPENING);
        if !(text.is_empty() || joins) {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_of_a_line_is_written_as_any_other() {
        let byte_pairs = |text| TokenUnit::BytePairs.prepare(text);
        assert_eq!(
            byte_pairs(" Anna: hi \r\n\n\tTom : bye\n"),
            " Anna: hi\n\n Tom : bye"
        );
        assert_eq!(byte_pairs("a"), " a");
        for nothing in ["", " \n\t"] {
            assert_eq!(byte_pairs(nothing), "");
        }
        assert_eq!(TokenUnit::Words.prepare(" a \n b "), "a \n b");
    }
}
