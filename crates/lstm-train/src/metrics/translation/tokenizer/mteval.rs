//! The tokenizer of mteval-v13a, for languages in Latin script.

use super::substitution::{SPACE_BEFORE, SPACE_BEHIND, separate, space_out};

/// `13a`: mteval's preprocessing, then its tokenization.
pub fn tokenize(line: &str) -> String {
    let mut line = line.replace("<skipped>", "");
    // A hyphen at the end of a line joins a word.
    line = line.replace("-\n", "").replace('\n', " ");
    tokenize_western(&format!(" {} ", unescape(line)))
}

/// The four escapes of XML, in mteval's order: `&amp;lt;` becomes `<`.
pub fn unescape(line: String) -> String {
    if !line.contains('&') {
        return line;
    }
    line.replace("&quot;", "\"")
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
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
    separate(&line, digit, |character| character == '-', SPACE_BEHIND)
}
