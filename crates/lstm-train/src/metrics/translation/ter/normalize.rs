//! Tercom's preprocessing, as sacreBLEU has it.

use super::super::tokenizer::mteval::{is_symbol, separate_points, unescape};
use super::super::tokenizer::substitution::space_out;
use super::{AsianSupport, Normalization, Punctuation, Ter};

/// The text with white space between words.
pub fn normalized(ter: &Ter, text: &str) -> String {
    let asian = ter.asian == AsianSupport::Characters;
    let mut text = ter.case.apply(text).into_owned();
    if text.is_empty() {
        return text;
    }
    if ter.normalization == Normalization::Tercom {
        text = western(&text);
        if asian {
            let is_apart = |character| is_asian(character) || is_asian_mark(character);
            text = space_out(&text, is_apart);
        }
    }
    if ter.punctuation == Punctuation::Removed {
        let is_removed = |character| is_mark(character) || asian && is_asian_mark(character);
        text.retain(|character| !is_removed(character));
    }
    text
}

/// mteval's tokenization, and a genitive's `'s` apart.
fn western(text: &str) -> String {
    let text = unescape(text.replace("\n-", "").replace('\n', " ").into());
    let text = space_out(&format!(" {text} "), is_symbol);
    separate_points(&text.replace("'s ", " 's "))
}

fn is_mark(character: char) -> bool {
    matches!(
        character,
        '.' | ',' | '?' | ':' | ';' | '!' | '"' | '(' | ')'
    )
}

/// Ideographs, their strokes, parts and compatible forms.
///
/// sacreBLEU's class of enclosed letters ends with U+3F22, where U+32FF was meant. Its rules for kana
/// apply to the beginning of a text only, and there is a space.
fn is_asian(character: char) -> bool {
    matches!(character,
        '\u{2e80}'..='\u{2eff}'
        | '\u{31c0}'..='\u{31ef}'
        | '\u{3200}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}'
    )
}

fn is_asian_mark(character: char) -> bool {
    matches!(character,
        '\u{3001}' | '\u{3002}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}'
        | '\u{30fb}' | '\u{ff61}'..='\u{ff65}'
        | '\u{ff01}' | '\u{ff02}' | '\u{ff08}' | '\u{ff09}' | '\u{ff0c}' | '\u{ff0e}'
        | '\u{ff1a}' | '\u{ff1b}' | '\u{ff1f}'
    )
}
