//! The substitutions of mteval's regular expressions, as scanners.

/// `re.sub(r"([…])", r" \1 ", text)`: puts spaces around the characters of a class.
pub fn space_out(text: &str, class: impl Fn(char) -> bool) -> String {
    let mut spaced = String::with_capacity(2 * text.len());
    for character in text.chars() {
        if class(character) {
            spaced.push(' ');
            spaced.push(character);
            spaced.push(' ');
        } else {
            spaced.push(character);
        }
    }
    spaced
}

/// `re.sub(r"(A)(B)", …, text)` for two classes of characters: from left to right, and no character
/// is part of two matches. `replacement` gives what stands before, between and behind the two.
pub fn separate(
    text: &str,
    first: impl Fn(char) -> bool,
    second: impl Fn(char) -> bool,
    [before, between, behind]: [&str; 3],
) -> String {
    let mut separated = String::with_capacity(2 * text.len());
    let mut characters = text.chars();
    let mut waiting = characters.next();
    while let Some(one) = waiting {
        waiting = characters.next();
        match waiting {
            Some(other) if first(one) && second(other) => {
                separated.push_str(before);
                separated.push(one);
                separated.push_str(between);
                separated.push(other);
                separated.push_str(behind);
                waiting = characters.next();
            }
            _ => separated.push(one),
        }
    }
    separated
}

/// `\1 \2 `
pub const SPACE_BEHIND: [&str; 3] = ["", " ", " "];
/// ` \1 \2`
pub const SPACE_BEFORE: [&str; 3] = [" ", " ", ""];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_is_part_of_two_matches() {
        // CPython 3.11.7: re.sub(r"([^0-9])([\.,])", r"\1 \2 ", text)
        let no_digit = |character: char| !character.is_ascii_digit();
        let point = |character| matches!(character, '.' | ',');
        for (text, expected) in [
            ("a...", "a . . . "),
            ("é.,", "é . ,"),
            ("1.5,", "1.5,"),
            (".", "."),
            ("", ""),
            ("a.b", "a . b"),
        ] {
            assert_eq!(separate(text, no_digit, point, SPACE_BEHIND), expected);
        }
    }
}
