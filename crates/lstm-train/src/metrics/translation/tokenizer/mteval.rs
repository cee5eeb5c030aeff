//! The tokenizer of mteval-v13a, for languages in Latin script.

use std::borrow::Cow;

use super::substitution::{SPACE_BEFORE, SPACE_BEHIND, separate, space_out};

/// `13a`: mteval's preprocessing, then its tokenization.
pub fn tokenize(line: &str) -> String {
    let mut line = Cow::Borrowed(line);
    if line.contains('<') {
        line = line.replace("<skipped>", "").into();
    }
    if line.contains('\n') {
        // A hyphen at the end of a line joins a word.
        line = line.replace("-\n", "").replace('\n', " ").into();
    }
    tokenize_western(&format!(" {} ", unescape(line)))
}

/// The four escapes of XML, in mteval's order: `&amp;lt;` becomes `<`.
pub fn unescape(line: Cow<'_, str>) -> Cow<'_, str> {
    if !line.contains('&') {
        return line;
    }
    let line = line.replace("&quot;", "\"").replace("&amp;", "&");
    line.replace("&lt;", "<").replace("&gt;", ">").into()
}

/// Punctuation and symbols of ASCII apart, points, commas and dashes as [`separate_points`] has them.
pub fn tokenize_western(line: &str) -> String {
    separate_points(&space_out(line, is_symbol))
}

/// mteval's class ``[\{-\~\[-\` -\&\(-\+\:-\@\/]``: ASCII's punctuation without `'`, `,`, `-` and `.`, and
/// the space.
pub fn is_symbol(character: char) -> bool {
    matches!(character, '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/')
}

/// Points and commas apart unless a digit stands on both sides, and dashes behind a digit.
pub fn separate_points(line: &str) -> String {
    let digit = |character: char| character.is_ascii_digit();
    let no_digit = |character: char| !character.is_ascii_digit();
    let point = |character| matches!(character, '.' | ',');
    let line = separate(line, no_digit, point, SPACE_BEHIND);
    let line = separate(&line, point, no_digit, SPACE_BEFORE);
    match line.contains('-') {
        true => separate(&line, digit, |character| character == '-', SPACE_BEHIND),
        false => line,
    }
}
