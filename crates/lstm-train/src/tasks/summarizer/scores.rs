//! How good summaries are, and what they are held against.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::baseline::Extract;
use crate::corpus::ParallelCorpus;
use crate::metrics::{Metrics, Novelty, Rouge, RougeVariant, Stemming};

/// The names of a summarizer's scores.
pub(crate) const METRICS: [&str; 10] = [
    "loss",
    "perplexity",
    "rouge1",
    "rouge2",
    "rougeL",
    "rougeLsum",
    "copied",
    "novel_1",
    "novel_2",
    "novel_3",
];

/// F1 of ROUGE, of stems: means over pairs, in 0–100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SummaryRouge {
    /// Of [`RougeVariant::USUAL`], in its order.
    f1: [f64; RougeVariant::USUAL.len()],
}

impl SummaryRouge {
    /// Of texts beside the summaries of a corpus, one by one.
    fn new(written: &[impl AsRef<str> + Sync], corpus: &ParallelCorpus) -> Self {
        let rouge = Rouge {
            stemming: Stemming::Porter,
            ..Rouge::default()
        };
        let references: Vec<&str> = corpus.targets().collect();
        let means = rouge.scores(written, &references).means();
        let mut f1 = [0.0; RougeVariant::USUAL.len()];
        for (f1, mean) in f1.iter_mut().zip(means) {
            *f1 = 100.0 * mean.f1;
        }
        Self { f1 }
    }

    /// By the names of rouge-score.
    pub fn named(&self) -> impl Iterator<Item = (String, f64)> {
        let names = RougeVariant::USUAL.map(|variant| variant.to_string());
        names.into_iter().zip(self.f1)
    }

    /// What systems are compared by: ROUGE-L.
    pub fn rouge_l(&self) -> f64 {
        let [_, _, rouge_l, _] = self.f1;
        rouge_l
    }
}

/// In one line: `ROUGE-1 40.12  ROUGE-2 …`.
impl fmt::Display for SummaryRouge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [rouge1, rouge2, rouge_l, rouge_lsum] = self.f1;
        write!(
            f,
            "ROUGE-1 {rouge1:.2}  ROUGE-2 {rouge2:.2}  ROUGE-L {rouge_l:.2}  ROUGE-Lsum {rouge_lsum:.2}"
        )
    }
}

/// How well a model summarizes a corpus.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryScores {
    /// Pairs.
    pub n: usize,
    /// Documents whose ends were not read.
    pub cut: usize,
    /// Mean negative log-likelihood of a token of the references, their ends among them, in nats.
    pub loss: f64,
    /// Beside the references.
    pub rouge: SummaryRouge,
    /// Beside the documents.
    pub novelty: Novelty,
}

impl SummaryScores {
    /// Of summaries of a corpus, one by one.
    pub(super) fn new(loss: f64, cut: usize, written: &[&str], corpus: &ParallelCorpus) -> Self {
        let documents: Vec<&str> = corpus.sources().collect();
        Self {
            n: corpus.len(),
            cut,
            loss,
            rouge: SummaryRouge::new(written, corpus),
            novelty: Novelty::new(written, &documents),
        }
    }

    /// e to the loss.
    pub fn perplexity(&self) -> f64 {
        self.loss.exp()
    }

    /// All of them by name.
    pub fn metrics(&self) -> Metrics {
        let mut all = Metrics::from([
            ("loss".to_owned(), self.loss),
            ("perplexity".to_owned(), self.perplexity()),
            ("copied".to_owned(), self.novelty.copied()),
        ]);
        all.extend(self.rouge.named());
        for (order, share) in (1..).zip(self.novelty.novel()) {
            all.insert(format!("novel_{order}"), share);
        }
        all
    }
}

/// What the simplest systems score on a corpus.
#[derive(Debug, Clone, PartialEq)]
pub struct Baselines {
    scores: Vec<(Extract, SummaryRouge)>,
}

impl Baselines {
    /// Of lead-1 to lead-3, longest-1 to longest-3, and lead-8-words.
    pub fn new(corpus: &ParallelCorpus) -> Self {
        let score = |extract: Extract| {
            let written: Vec<String> = corpus
                .sources()
                .map(|document| extract.of(document))
                .collect();
            (extract, SummaryRouge::new(&written, corpus))
        };
        Self {
            scores: Extract::USUAL.map(score).into(),
        }
    }

    /// The one with the highest ROUGE-L.
    pub fn best(&self) -> &(Extract, SummaryRouge) {
        let better = |one, other| {
            if rouge_l(other) > rouge_l(one) {
                other
            } else {
                one
            }
        };
        self.scores.iter().reduce(better).expect("there are some")
    }

    /// All of them, by their names and those of their scores.
    pub fn to_json(&self) -> Value {
        let named = self.scores.iter().map(|(extract, rouge)| {
            let scores: Metrics = rouge.named().collect();
            (extract.to_string(), json!(scores))
        });
        Value::Object(named.collect::<Map<_, _>>())
    }
}

fn rouge_l((_, rouge): &(Extract, SummaryRouge)) -> f64 {
    rouge.rouge_l()
}

/// A line each.
impl fmt::Display for Baselines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (extract, rouge) in &self.scores {
            writeln!(f, "{:<WIDTH$} {rouge}", extract.to_string())?;
        }
        Ok(())
    }
}

/// Characters of the names before scores.
const WIDTH: usize = 44;

/// A model's scores, with what they are to be compared with.
#[derive(Debug)]
pub struct Comparison {
    /// The model's.
    pub scores: SummaryScores,
    /// On the same pairs.
    pub baselines: Baselines,
    /// How wide the search was.
    pub beam: usize,
    /// Seconds that the search and the scores took.
    pub seconds: f64,
}

impl Comparison {
    /// All numbers by name.
    pub fn metrics(&self) -> Metrics {
        let mut all = self.scores.metrics();
        all.insert("n".to_owned(), self.scores.n as f64);
        let (_, best) = self.baselines.best();
        let beside = best.named();
        all.extend(beside.map(|(name, score)| (format!("baseline_{name}"), score)));
        all
    }

    /// What is printed, of scores on `what`: `test part`.
    pub fn shown(&self, what: &str) -> String {
        let scores = &self.scores;
        let model = format!("this model, {what} (n = {}), beam {}", scores.n, self.beam);
        let [novel_1, novel_2, novel_3] = scores.novelty.novel();
        let mut lines = format!(
            "{model:<WIDTH$} {}\n{}perplexity {:.3}  loss {:.4}  ({:.1} s)\n\
             of its words {:.1} % stand in the document, {novel_1:.1} % do not; neither do {novel_2:.1} % of its pairs \
             and {novel_3:.1} % of its triples\n",
            scores.rouge,
            self.baselines,
            scores.perplexity(),
            scores.loss,
            self.seconds,
            scores.novelty.copied(),
        );
        let (name, best) = self.baselines.best();
        if scores.rouge.rouge_l() <= best.rouge_l() {
            lines += &format!("this model does not beat {name} on these data\n");
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Pair;

    fn corpus() -> ParallelCorpus {
        let pair = |source: &str, target: &str| Pair {
            source: source.to_owned(),
            target: target.to_owned(),
        };
        ParallelCorpus {
            pairs: vec![
                pair(
                    "Ann: hi\nTom: I cannot come to the party today\nAnn: oh no",
                    "Tom cannot come",
                ),
                pair("One sentence only.", "A sentence"),
            ],
        }
    }

    fn compare(written: [&str; 2]) -> Comparison {
        let corpus = corpus();
        Comparison {
            scores: SummaryScores::new(0.5, 0, &written, &corpus),
            baselines: Baselines::new(&corpus),
            beam: 4,
            seconds: 1.25,
        }
    }

    #[test]
    fn the_references_themselves_have_full_scores() {
        let comparison = compare(["Tom cannot come", "A sentence"]);
        let metrics = comparison.metrics();
        for name in ["rouge1", "rouge2", "rougeL", "rougeLsum"] {
            assert_eq!(metrics[name], 100.0, "{name}");
        }
        assert_eq!(metrics["n"], 2.0);
        // Of the first summary all words stand in the document, of the second half of them.
        assert_eq!([metrics["copied"], metrics["novel_1"]], [75.0, 25.0]);
        let shown = comparison.shown("dev part");
        assert!(shown.contains("this model, dev part (n = 2), beam 4"));
        assert!(!shown.contains("does not beat"), "{shown}");
    }

    #[test]
    fn a_model_that_does_not_beat_the_best_baseline_is_told_so() {
        let comparison = compare(["", "nothing"]);
        let (best, rouge) = comparison.baselines.best();
        assert_eq!(best.to_string(), "longest-1");
        let metrics = comparison.metrics();
        assert_eq!(metrics["baseline_rougeL"], rouge.rouge_l());
        let all = comparison.baselines.to_json();
        assert_eq!(all["longest-1"]["rougeL"], rouge.rouge_l());
        assert_eq!(all.as_object().unwrap().len(), Extract::USUAL.len());
        let shown = comparison.shown("test part");
        assert!(shown.contains("this model does not beat longest-1 on these data"));
    }

    #[test]
    fn every_score_that_picks_weights_is_there() {
        let metrics = compare(["a", "b"]).scores.metrics();
        let names: Vec<&str> = metrics.keys().map(String::as_str).collect();
        let mut known = METRICS;
        known.sort_unstable();
        assert_eq!(names, known);
    }
}
