//! The tokenizer of mteval-v14 for all scripts: by Unicode's general categories.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

use super::substitution::{SPACE_BEFORE, SPACE_BEHIND, separate, space_out};

/// `intl`: punctuation apart unless a number stands on both sides, and all symbols.
pub fn tokenize(line: &str) -> String {
    let categories = &*CATEGORIES;
    let number = |character| categories.number.has(character);
    let punctuation = |character| categories.punctuation.has(character);
    // (\P{N})(\p{P})
    let line = separate(line, |c| !number(c), punctuation, SPACE_BEHIND);
    // (\p{P})(\P{N})
    let line = separate(&line, punctuation, |c| !number(c), SPACE_BEFORE);
    // (\p{S})
    space_out(&line, |character| categories.symbol.has(character))
}

/// The general categories P, N and S.
struct Categories {
    punctuation: Category,
    number: Category,
    symbol: Category,
}

static CATEGORIES: LazyLock<Categories> = LazyLock::new(|| Categories {
    punctuation: Category::new(r"\p{P}"),
    number: Category::new(r"\p{N}"),
    symbol: Category::new(r"\p{S}"),
});

/// The characters of a general category.
struct Category {
    /// Bit by bit, those of ASCII.
    ascii: u128,
    /// From first to last, in order.
    ranges: Vec<(char, char)>,
}

impl Category {
    fn new(pattern: &str) -> Self {
        let mut ranges = Vec::new();
        // A pattern from above, which is one class of characters.
        if let Ok(HirKind::Class(Class::Unicode(class))) =
            regex_syntax::parse(pattern).map(regex_syntax::hir::Hir::into_kind)
        {
            ranges.extend(class.iter().map(|range| (range.start(), range.end())));
        }
        let is_in = |&byte: &u8| {
            let within = |&(first, last): &(char, char)| (first..=last).contains(&char::from(byte));
            ranges.iter().any(within)
        };
        let ascii = (0..128).filter(is_in).map(|byte| 1 << byte).sum();
        Self { ascii, ranges }
    }

    fn has(&self, character: char) -> bool {
        if character.is_ascii() {
            return self.ascii >> u32::from(character) & 1 == 1;
        }
        let place = self.ranges.partition_point(|&(_, last)| last < character);
        let range = self.ranges.get(place);
        range.is_some_and(|&(first, _)| first <= character)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_category_has_its_characters() {
        for (category, inside, outside) in [
            (&CATEGORIES.punctuation, "!-_}«؟。·—‿", "$+<^`|~©a1 \u{ad}"),
            (&CATEGORIES.number, "09²½٣१Ⅷ㈠９", "a一.零"),
            (&CATEGORIES.symbol, "$+<=>^`|~©€→☃🙂", "!#%&-ab1 \u{200d}"),
        ] {
            assert!(inside.chars().all(|one| category.has(one)), "{inside}");
            assert!(!outside.chars().any(|one| category.has(one)), "{outside}");
        }
    }
}
