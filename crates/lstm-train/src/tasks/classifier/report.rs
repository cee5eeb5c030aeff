//! What a classifier's training came to, for people.

use std::fmt;

use lstm_models::{Classifier, ClassifierModel};
use serde_json::{Map, Value, json};

use super::data::Corpora;
use super::recipe::ClassifierRecipe;
use super::{ClassifierTask, metrics};
use crate::baseline::{Features, Linear};
use crate::corpus::Corpus;
use crate::metrics::{ClassificationScores, Metrics};
use crate::tasks::provenance::Provenance;
use crate::training::{Part, Trained};

/// What linear models reach on the same data: whoever does not beat them should know.
#[derive(Debug, Clone, PartialEq)]
pub struct Baselines {
    /// On which words occur.
    pub words: ClassificationScores,
    /// On which words and pairs of neighbouring words occur.
    pub bigrams: ClassificationScores,
}

impl Baselines {
    /// Fits linear models to `train` and scores them on `scored`.
    pub fn fit(train: &Corpus, scored: &Corpus) -> Self {
        let scores = |features| Linear::fit(train, features).evaluate(scored);
        Self {
            words: scores(Features::Words),
            bigrams: scores(Features::Bigrams),
        }
    }
}

impl fmt::Display for Baselines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, scores) in [
            ("linear bag of words", &self.words),
            ("linear bag of words and word pairs", &self.bigrams),
        ] {
            writeln!(
                f,
                "{name:<36} accuracy {:.4}  loss {:.4}  macro-F1 {:.4}",
                scores.accuracy, scores.loss, scores.macro_f1
            )?;
        }
        Ok(())
    }
}

/// What a training came to.
#[derive(Debug)]
pub struct Report {
    /// The scores, where there is a test or a validation part.
    pub scored: Option<Scored>,
    labels: Vec<String>,
    provenance: Provenance,
}

/// Scores on a part of the data, with what they are to be compared with.
#[derive(Debug)]
pub struct Scored {
    /// The test part, or else the validation part.
    pub part: Part,
    /// The model's scores.
    pub scores: ClassificationScores,
    /// What linear models reach.
    pub baselines: Baselines,
}

impl Report {
    /// Scores a trained model.
    pub(super) fn new(
        recipe: &ClassifierRecipe,
        corpora: &Corpora,
        task: &ClassifierTask,
        trained: &Trained<ClassifierModel>,
    ) -> Self {
        let scored = Scored::new(corpora, task, &trained.model);
        let mut provenance = Provenance::new(
            Classifier::TASK,
            &recipe.name,
            &recipe.data.about,
            &recipe.training,
            trained,
        );
        if let Some(scored) = &scored {
            provenance.note(scored.part.name(), json!(metrics(&scored.scores)));
            let (words, bigrams) = (&scored.baselines.words, &scored.baselines.bigrams);
            let baselines = json!({"words": metrics(words), "bigrams": metrics(bigrams)});
            provenance.note("baseline", baselines);
        }
        Self {
            scored,
            labels: corpora.train.labels.clone(),
            provenance,
        }
    }

    /// The scores on the test part by name, as the log has them; `None` if there is no such part.
    pub fn test_metrics(&self) -> Option<Metrics> {
        let scored = self
            .scored
            .as_ref()
            .filter(|scored| scored.part == Part::Test)?;
        let mut all = metrics(&scored.scores);
        all.insert("n".to_owned(), scored.scores.n as f64);
        for (name, scores) in [
            ("baseline_accuracy", &scored.baselines.words),
            ("baseline_bigrams_accuracy", &scored.baselines.bigrams),
        ] {
            all.insert(name.to_owned(), scores.accuracy);
        }
        Some(all)
    }

    /// How the model came about, for the bundle's `config.json`.
    pub fn training(&self) -> Map<String, Value> {
        self.provenance.notes.clone()
    }

    /// The bundle's `README.md`.
    pub fn readme(&self) -> String {
        format!(
            "# A text classifier\n\nLabels: {}.\n\n```text\n{self}```\n\nUse it:\n\n```console\n\
             $ lstm predict --model . \"some text\"\n```\n",
            self.labels.join(", ")
        )
    }
}

impl Scored {
    /// `None` where there is neither a test nor a validation part.
    fn new(corpora: &Corpora, task: &ClassifierTask, model: &ClassifierModel) -> Option<Self> {
        let (part, corpus) = match (&corpora.test, &corpora.valid) {
            (Some(test), _) => (Part::Test, test),
            (None, Some(valid)) => (Part::Valid, valid),
            (None, None) => return None,
        };
        Some(Self {
            part,
            scores: task.scores(model, part)?,
            baselines: Baselines::fit(&corpora.train, corpus),
        })
    }

    fn beats_baselines(&self) -> bool {
        let Baselines { words, bigrams } = &self.baselines;
        self.scores.accuracy > words.accuracy.max(bigrams.accuracy)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scored) = &self.scored {
            let scores = &scored.scores;
            let part = scored.part.name();
            writeln!(
                f,
                "{:<36} accuracy {:.4}  loss {:.4}  macro-F1 {:.4}",
                format!("this model, {part} part (n = {})", scores.n),
                scores.accuracy,
                scores.loss,
                scores.macro_f1
            )?;
            write!(f, "{}", scored.baselines)?;
            if !scored.beats_baselines() {
                writeln!(f, "this model does not beat a linear one on these data")?;
            }
            writeln!(f, "\n{}", scores.confusion.table(&self.labels))?;
        }
        write!(f, "{}", self.provenance)
    }
}
