//! What tokens are, for models that read text and write it.

use serde::{Deserialize, Serialize};

/// What the tokens of a text that is read and written are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenUnit {
    /// Byte pairs: no text is unknown, and text comes back as it was, spaces and all.
    #[default]
    BytePairs,
    /// Words and runs of punctuation: what is written between them is guessed when text is made of them.
    Words,
}

impl TokenUnit {
    /// A line as its tokens are learned and read: without white space at its ends, and of byte pairs with a space
    /// before the first word, so that it is the same token there as elsewhere.
    pub fn prepare(self, line: &str) -> String {
        match (self, line.trim()) {
            (Self::BytePairs, line) if !line.is_empty() => format!(" {line}"),
            (_, line) => line.to_owned(),
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
