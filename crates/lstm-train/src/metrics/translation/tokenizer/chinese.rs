//! Chinese characters one by one, the rest as mteval has it.

use super::super::white_space::is_white_space;
use super::mteval::tokenize_western;
use super::substitution::space_out;

/// `zh`
pub fn tokenize(line: &str) -> String {
    tokenize_western(&space_out(line.trim_matches(is_white_space), is_chinese))
}

/// What sacreBLEU takes for Chinese: ideographs, their parts and punctuation.
///
/// Its ranges beyond U+FFFF are written in Python as `"\u20000"` to `"\u2a6d6"` and `"\u2f800"` to
/// `"\u2fa1d"`, which are strings of two characters. Compared with one character they are what stands
/// here, general punctuation and many symbols; the ideographs of those planes stay together.
fn is_chinese(character: char) -> bool {
    matches!(character,
        '\u{2001}'..='\u{2a6d}'
        | '\u{2e80}'..='\u{2fdf}'
        | '\u{2ff0}'..='\u{303f}'
        | '\u{3100}'..='\u{312f}'
        | '\u{31a0}'..='\u{31ef}'
        | '\u{3200}'..='\u{4db5}'
        | '\u{4e00}'..='\u{9fbb}'
        | '\u{f900}'..='\u{fa2d}'
        | '\u{fa30}'..='\u{fa6a}'
        | '\u{fa70}'..='\u{fad9}'
        | '\u{fe10}'..='\u{fe1f}'
        | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ffef}'
    )
}
