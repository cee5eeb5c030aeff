//! From a line to its tokens, as BLEU compares them.

mod chinese;
mod international;
pub(super) mod mteval;
pub(super) mod substitution;

use std::borrow::Cow;

use super::white_space::words;

/// How BLEU divides a line into tokens. Scores of different tokenizers cannot be compared (Post 2018).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tokenizer {
    /// At white space: for text that is tokenized already.
    None,
    /// mteval-v13a, WMT's: ASCII's punctuation apart, for languages with spaces between words.
    #[default]
    Mteval13a,
    /// mteval-v14: punctuation and symbols of all scripts apart.
    International,
    /// Each character a token.
    Characters,
    /// Chinese characters one by one, the rest like `13a`.
    Chinese,
}

impl Tokenizer {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::Mteval13a,
        Self::International,
        Self::Characters,
        Self::Chinese,
        Self::None,
    ];

    /// sacreBLEU's name for it: `none`, `13a`, `intl`, `char` or `zh`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Mteval13a => "13a",
            Self::International => "intl",
            Self::Characters => "char",
            Self::Chinese => "zh",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|tokenizer| tokenizer.name() == name)
    }

    /// The line with one space between tokens.
    ///
    /// ```
    /// use lstm_train::metrics::Tokenizer;
    ///
    /// let line = "It's 3,500.50 € (\"cheap\")";
    /// assert_eq!(Tokenizer::Mteval13a.tokenize(line), "It's 3,500.50 € ( \" cheap \" )");
    /// assert_eq!(Tokenizer::International.tokenize(line), "It ' s 3,500.50 € ( \" cheap \" )");
    /// ```
    pub fn tokenize(self, line: &str) -> String {
        let separated = self.separated(line);
        words(&separated).collect::<Vec<_>>().join(" ")
    }

    /// The line with white space between tokens.
    pub(super) fn separated(self, line: &str) -> Cow<'_, str> {
        match self {
            Self::None => Cow::Borrowed(line),
            Self::Mteval13a => Cow::Owned(mteval::tokenize(line)),
            Self::International => Cow::Owned(international::tokenize(line)),
            Self::Characters => Cow::Owned(substitution::space_out(line, |_| true)),
            Self::Chinese => Cow::Owned(chinese::tokenize(line)),
        }
    }
}
