//! What a classifier's training came to, for people.

use std::fmt;

use lstm_models::ClassifierModel;
use serde_json::{Map, Value, json};

use super::data::Corpora;
use super::recipe::ClassifierRecipe;
use super::{ClassifierTask, metrics};
use crate::baseline::{Features, Linear};
use crate::corpus::Corpus;
use crate::metrics::ClassificationScores;
use crate::run::duration;
use crate::training::{Metrics, Part, Trained};

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
    /// The part that is reported on: the test part, or else the validation part.
    pub part: Part,
    /// The model's scores on that part.
    pub scores: ClassificationScores,
    /// What linear models reach there.
    pub baselines: Baselines,
    labels: Vec<String>,
    signature: String,
    training: Map<String, Value>,
    seconds: f64,
}

impl Report {
    /// Scores a trained model; `None` where there is neither a test nor a validation part.
    pub(super) fn new(
        recipe: &ClassifierRecipe,
        corpora: &Corpora,
        task: &ClassifierTask,
        trained: &Trained<ClassifierModel>,
    ) -> Option<Self> {
        let (part, corpus) = match (&corpora.test, &corpora.valid) {
            (Some(test), _) => (Part::Test, test),
            (None, Some(valid)) => (Part::Valid, valid),
            (None, None) => return None,
        };
        let scores = task.scores(&trained.model, part)?;
        let baselines = Baselines::fit(&corpora.train, corpus);
        let parameters = burn::module::Module::num_params(&trained.model);
        let name = &recipe.name;
        let best_epoch = trained
            .best
            .as_ref()
            .map_or(trained.epoch, |best| best.epoch);
        let signature = format!(
            "task:classifier|recipe:{name}|seed:{}|epoch:{best_epoch}/{}|params:{parameters}|version:{}",
            recipe.training.seed,
            recipe.training.epochs,
            env!("CARGO_PKG_VERSION"),
        );
        let part_name = part_name(part);
        let mut training = Map::new();
        training.insert("signature".to_owned(), json!(signature));
        training.insert("recipe".to_owned(), json!(name));
        training.insert("data".to_owned(), json!(recipe.data.about));
        training.insert("seed".to_owned(), json!(recipe.training.seed));
        training.insert("steps".to_owned(), json!(trained.steps));
        training.insert("seconds".to_owned(), json!(trained.seconds.round()));
        if let Some(best) = &trained.best {
            training.insert("valid".to_owned(), json!(best.metrics));
        }
        training.insert(part_name.to_owned(), json!(metrics(&scores)));
        training.insert(
            "baseline".to_owned(),
            json!({"words": metrics(&baselines.words), "bigrams": metrics(&baselines.bigrams)}),
        );
        Some(Self {
            part,
            scores,
            baselines,
            labels: corpora.train.labels.clone(),
            signature,
            training,
            seconds: trained.seconds,
        })
    }

    /// The scores by name, as the log has them.
    pub fn metrics(&self) -> Metrics {
        let mut all = metrics(&self.scores);
        all.insert("n".to_owned(), self.scores.n as f64);
        for (name, scores) in [
            ("baseline_accuracy", &self.baselines.words),
            ("baseline_bigrams_accuracy", &self.baselines.bigrams),
        ] {
            all.insert(name.to_owned(), scores.accuracy);
        }
        all
    }

    /// How the model came about, for the bundle's `config.json`.
    pub fn training(&self) -> Map<String, Value> {
        self.training.clone()
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = part_name(self.part);
        let scores = &self.scores;
        writeln!(
            f,
            "{:<36} accuracy {:.4}  loss {:.4}  macro-F1 {:.4}",
            format!("this model, {part} part (n = {})", scores.n),
            scores.accuracy,
            scores.loss,
            scores.macro_f1
        )?;
        write!(f, "{}", self.baselines)?;
        if scores.accuracy
            <= self
                .baselines
                .words
                .accuracy
                .max(self.baselines.bigrams.accuracy)
        {
            writeln!(f, "this model does not beat a linear one on these data")?;
        }
        writeln!(f, "\n{}", scores.confusion.table(&self.labels))?;
        writeln!(f, "trained in {}", duration(self.seconds))?;
        writeln!(f, "signature {}", self.signature)
    }
}

fn part_name(part: Part) -> &'static str {
    match part {
        Part::Train => "train",
        Part::Valid => "valid",
        Part::Test => "test",
    }
}
