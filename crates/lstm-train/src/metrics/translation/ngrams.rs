//! n-grams as numbers: counted by sorting.

use std::collections::HashMap;

/// Gives equal words the same number.
pub struct Interner<'a> {
    numbers: HashMap<&'a str, u32>,
}

impl<'a> Interner<'a> {
    /// For the words of two sentences or so.
    pub fn new() -> Self {
        Self {
            numbers: HashMap::with_capacity(56),
        }
    }

    /// The numbers of words.
    pub fn numbers(&mut self, words: impl Iterator<Item = &'a str>) -> Vec<u32> {
        let number = |word| {
            let next = self.numbers.len() as u32;
            *self.numbers.entry(word).or_insert(next)
        };
        words.map(number).collect()
    }
}

/// The n-grams of all orders of a text, each as often as it occurs.
///
/// What is sorted is the text from each of its items on, as many items as the highest order has: the
/// n-grams of every lower order are their beginnings, and sorted too.
pub struct Ngrams {
    /// Items side by side, each plus one; zeros where the text ends.
    sorted: Vec<u128>,
    highest: usize,
    bits: u32,
}

impl Ngrams {
    /// The n-grams up to the order `highest` of items below 2^`bits` - 1.
    ///
    /// # Panics
    ///
    /// If the longest ones have more than 128 bits.
    pub fn new(items: &[u32], highest: usize, bits: u32) -> Self {
        let width = highest as u32 * bits;
        assert!(
            width <= u128::BITS,
            "{highest} items of {bits} bits in 128 bits"
        );
        let mut following: u128 = 0;
        let from_each = items.iter().rev().map(|&item| {
            following = (u128::from(item) + 1) << (width - bits) | following >> bits;
            following
        });
        let mut sorted: Vec<u128> = from_each.collect();
        sorted.sort_unstable();
        Self {
            sorted,
            highest,
            bits,
        }
    }

    /// How many there are of an order.
    pub fn total(&self, order: usize) -> usize {
        (self.sorted.len() + 1).saturating_sub(order)
    }

    /// Those of an order, sorted.
    fn of_order(&self, order: usize) -> impl Iterator<Item = u128> {
        let beyond = (self.highest - order) as u32 * self.bits;
        let ngrams = self.sorted.iter().map(move |&items| items >> beyond);
        let last_item = (1 << self.bits) - 1;
        ngrams.filter(move |ngram| ngram & last_item != 0)
    }

    /// How many of an order occur in one of the references too: each at most as often as in the
    /// reference that has most of it.
    pub fn matches(&self, order: usize, references: &[Self]) -> usize {
        let references = references
            .iter()
            .map(|text| text.of_order(order).peekable());
        let mut references: Vec<_> = references.collect();
        let mut ours = self.of_order(order).peekable();
        let mut matches = 0;
        while let Some(ngram) = ours.next() {
            let mut count = 1;
            while ours.next_if_eq(&ngram).is_some() {
                count += 1;
            }
            let mut most = 0;
            for theirs in &mut references {
                while theirs.next_if(|&other| other < ngram).is_some() {}
                let mut count = 0;
                while theirs.next_if_eq(&ngram).is_some() {
                    count += 1;
                }
                most = most.max(count);
            }
            matches += most.min(count);
        }
        matches
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Ngrams {
        let items: Vec<u32> = text.chars().map(u32::from).collect();
        Ngrams::new(&items, 3, 21)
    }

    #[test]
    fn matches_are_clipped_by_the_reference_that_has_most() {
        let hypothesis = pairs("abababxy");
        assert_eq!(hypothesis.total(2), 7);
        let references = [pairs("abab"), pairs("xyab")];
        assert_eq!(hypothesis.matches(2, &references[..1]), 3);
        assert_eq!(hypothesis.matches(2, &references), 4);
        assert_eq!(hypothesis.matches(2, &[]), 0);
    }

    #[test]
    fn a_text_shorter_than_the_order_has_no_ngrams() {
        assert_eq!(pairs("a").total(2), 0);
        assert_eq!(pairs("a").matches(2, &[pairs("ab")]), 0);
        assert_eq!(pairs("ab").matches(3, &[pairs("ab")]), 0);
    }

    #[test]
    fn a_zero_is_an_item_and_not_the_end_of_the_text() {
        assert_eq!(pairs("a\0").matches(2, &[pairs("a\0")]), 1);
        assert_eq!(pairs("a\0").matches(2, &[pairs("a")]), 0);
    }

    proptest! {
        #[test]
        fn counts_are_those_of_counting(
            hypothesis in prop::collection::vec(0..3_u32, 0..12),
            references in prop::collection::vec(prop::collection::vec(0..3_u32, 0..12), 1..4),
            order in 1..5_usize,
        ) {
            let times = |items: &[u32], ngram: &[u32]| {
                items.windows(order).filter(|&other| other == ngram).count()
            };
            let mut distinct: Vec<&[u32]> = hypothesis.windows(order).collect();
            distinct.sort_unstable();
            distinct.dedup();
            let counted = distinct.iter().map(|ngram| {
                let most = references.iter().map(|items| times(items, ngram)).max();
                most.unwrap().min(times(&hypothesis, ngram))
            });
            let ngrams = |items: &Vec<u32>| Ngrams::new(items, 4, u32::BITS);
            let references_ngrams: Vec<Ngrams> = references.iter().map(ngrams).collect();
            let hypothesis_ngrams = ngrams(&hypothesis);
            prop_assert_eq!(hypothesis_ngrams.matches(order, &references_ngrams), counted.sum::<usize>());
            prop_assert_eq!(hypothesis_ngrams.total(order), hypothesis.windows(order).count());
        }
    }
}
