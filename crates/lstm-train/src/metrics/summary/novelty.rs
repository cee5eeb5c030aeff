//! How much of summaries is copied, and how much is said in other words.

use rayon::prelude::*;
use serde::Serialize;

use super::tokens::{Numbers, Stemming, Tokens};

/// The longest n-grams that are counted.
const ORDERS: usize = 3;

/// Which shares of summaries' n-grams do not stand in their documents (See et al. 2017, section 6.2): of single
/// tokens, pairs and triples. Tokens are ROUGE's, compared as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Novelty {
    copied: f64,
    novel: [f64; ORDERS],
}

impl Novelty {
    /// Of summaries beside their documents.
    ///
    /// # Panics
    ///
    /// If there are more summaries or less than documents.
    pub fn new<S, D>(summaries: &[S], documents: &[D]) -> Self
    where
        S: AsRef<str> + Sync,
        D: AsRef<str> + Sync,
    {
        let (ours, theirs) = (summaries.len(), documents.len());
        assert_eq!(ours, theirs, "{ours} summaries beside {theirs} documents");
        let pairs = summaries.par_iter().zip(documents);
        let shares: Vec<[Option<f64>; ORDERS]> = pairs
            .map(|(summary, document)| shares(summary.as_ref(), document.as_ref()))
            .collect();
        let mut novel = [0.0; ORDERS];
        for (order, mean) in novel.iter_mut().enumerate() {
            let known: Vec<f64> = shares.iter().filter_map(|shares| shares[order]).collect();
            *mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
        }
        let is_any = shares.iter().any(|[words, ..]| words.is_some());
        Self {
            copied: if is_any { 100.0 - novel[0] } else { 0.0 },
            novel,
        }
    }

    /// The share of the summaries' words that stand in the documents too, in 0–100: the mean over summaries. Without
    /// words it is 0.
    pub fn copied(&self) -> f64 {
        self.copied
    }

    /// The shares of the summaries' single words, pairs and triples that do not stand in the documents, in 0–100: means
    /// over the summaries that are long enough; if none is, 0.
    pub fn novel(&self) -> [f64; ORDERS] {
        self.novel
    }
}

/// By order, the share of a summary's n-grams that its document lacks, each as often as it is there; none of a shorter
/// summary.
fn shares(summary: &str, document: &str) -> [Option<f64>; ORDERS] {
    let mut numbers = Numbers::default();
    let mut tokens = |text| Tokens::new(text, Stemming::None, &mut numbers);
    let (summary, document) = (tokens(summary), tokens(document));
    let mut shares = [None; ORDERS];
    for (length, share) in (1..).zip(&mut shares) {
        let mut known: Vec<&[u32]> = document.all().windows(length).collect();
        known.sort_unstable();
        let ngrams = summary.all().windows(length);
        let total = ngrams.len();
        let novel = ngrams.filter(|ngram| known.binary_search(ngram).is_err());
        *share = (total > 0).then(|| 100.0 * novel.count() as f64 / total as f64);
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_are_means_over_summaries() {
        let documents = ["Tom is late, says Ann. She waits.", "no"];
        let summaries = ["Ann says: Tom is late!", "Tom waits"];
        // Ann says tom is late: all words; tom is, is late; tom is late. Tom waits: no word, no pair.
        let novelty = Novelty::new(&summaries, &documents);
        assert_eq!(novelty.copied(), 50.0);
        let [words, pairs, triples] = novelty.novel();
        assert_eq!(words, 50.0);
        assert_eq!(pairs, (50.0 + 100.0) / 2.0);
        // The second summary has no triple.
        assert_eq!(triples, 200.0 / 3.0);
    }

    #[test]
    fn words_are_no_stems_and_count_as_often_as_they_stand() {
        let novelty = Novelty::new(&["waits waits wait waiting"], &["She WAITS"]);
        assert_eq!(novelty.copied(), 50.0);
        assert_eq!(novelty.novel(), [50.0, 100.0, 100.0]);
    }

    #[test]
    fn summaries_without_words_have_no_shares() {
        let none: [&str; 0] = [];
        for novelty in [
            Novelty::new(&none, &none),
            Novelty::new(&["", " ... "], &["a", ""]),
        ] {
            assert_eq!((novelty.copied(), novelty.novel()), (0.0, [0.0; 3]));
        }
        let novelty = Novelty::new(&["", "a"], &["a", "b"]);
        assert_eq!(
            (novelty.copied(), novelty.novel()),
            (0.0, [100.0, 0.0, 0.0])
        );
    }

    #[test]
    fn the_shipped_reports_copy_but_not_whole_phrases() {
        let test = datasets::shipped(datasets::reports::NAME)
            .unwrap()
            .file("test.jsonl");
        let reports: Vec<serde_json::Value> = test
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let texts = |key: &str| {
            let texts = reports.iter().map(|report| report[key].as_str().unwrap());
            texts.map(str::to_owned).collect::<Vec<_>>()
        };
        let novelty = Novelty::new(&texts("summary"), &texts("document"));
        let [words, pairs, triples] = novelty.novel();
        assert!(
            novelty.copied() > 60.0 && words < pairs && pairs < triples,
            "{novelty:?}"
        );
        let readme = include_str!("../../../../../datasets/README.md");
        let row = format!(
            "{words:.1} % of the words, {pairs:.1} % of the pairs and {triples:.1} % of the triples"
        );
        assert!(readme.contains(&row), "datasets/README.md lacks {row}");
    }

    proptest! {
        #[test]
        fn what_has_only_novel_words_is_novel_throughout(summary in "[a-c ]{9,40}", document in "[a-c ]{0,40}") {
            let parts = shares(&summary, &document);
            for share in parts.into_iter().flatten() {
                prop_assert!((0.0..=100.0).contains(&share));
            }
            if let [Some(words), ..] = parts && words == 100.0 {
                prop_assert!(parts.into_iter().flatten().all(|share| share == 100.0));
            }
        }

        #[test]
        fn nothing_is_novel_in_a_part_of_the_document(text in "[a-e ]{0,40}", more in "[a-e ]{0,9}") {
            let document = format!("{more} {text} {more}");
            prop_assert_eq!(Novelty::new(&[text], &[document]).novel(), [0.0; 3]);
        }
    }
}
