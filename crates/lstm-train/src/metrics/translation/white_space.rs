//! What Python's `str.split()` and `str.rstrip()` take for white space.

/// Whether Python's `str.isspace()` holds: Unicode's white space and the four separators
/// U+001C to U+001F.
pub fn is_white_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// The words between white space, as `str.split()` has them.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_white_space).filter(|word| !word.is_empty())
}

/// The text without white space at its end, as `str.rstrip()` has it.
pub fn trim_end(text: &str) -> &str {
    text.trim_end_matches(is_white_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_that_of_python() {
        // CPython 3.11.7: [c for c in range(sys.maxunicode + 1) if chr(c).isspace()]
        let python = [
            0x9, 0xa, 0xb, 0xc, 0xd, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000,
            0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028,
            0x2029, 0x202f, 0x205f, 0x3000,
        ];
        let ours = ('\0'..=char::MAX).filter(|&character| is_white_space(character));
        assert_eq!(ours.map(u32::from).collect::<Vec<_>>(), python);
    }
}
