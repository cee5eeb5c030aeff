//! A summarizer's recipe, and those that are part of the program.

use std::path::PathBuf;

use lstm_models::{EncoderDecoderArchitecture, MAX_DOCUMENT, TranslationSearch};
use serde::{Deserialize, Serialize};

use super::METRICS;
use crate::corpus::LengthFilter;
use crate::recipe::{Builtin, Expected, Recipe};
use crate::tasks::TrainingRecipe;
use crate::tasks::parallel::ParallelOptions;
use crate::tasks::vocabulary::VocabularyOptions;
use crate::training::TrainingOptions;

/// The recipes that are part of the program; the first is the default.
pub const RECIPES: [Builtin; 3] = [
    Builtin {
        name: "reports",
        text: include_str!("../../../recipes/summarizer/reports.toml"),
    },
    Builtin {
        name: "samsum",
        text: include_str!("../../../recipes/summarizer/samsum.toml"),
    },
    Builtin {
        name: "aeslc",
        text: include_str!("../../../recipes/summarizer/aeslc.toml"),
    },
];

/// Everything about the training of a summarizer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SummarizerRecipe {
    /// What its runs are called; by default what its file is.
    pub name: String,
    /// What it learns from: documents are the sources, summaries the targets.
    pub data: ParallelOptions,
    /// How much of a document is read.
    pub documents: DocumentOptions,
    /// Pairs that are learned from.
    pub filter: SummaryFilter,
    /// How text becomes tokens, of documents as of summaries.
    pub tokenizer: VocabularyOptions,
    /// The network.
    pub model: EncoderDecoderArchitecture,
    /// What keeps it from reading a place again and again.
    pub coverage: CoverageOptions,
    /// How it is trained.
    pub training: TrainingOptions,
    /// How the test part is summarized, and by default whatever is summarized later; validations take a beam of 1.
    pub decoding: TranslationSearch,
    /// What to expect.
    pub expected: Expected,
}

/// How much of a document is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DocumentOptions {
    /// Tokens beyond these are cut.
    pub max_tokens: usize,
}

impl Default for DocumentOptions {
    /// As See, Liu and Manning 2017.
    fn default() -> Self {
        Self { max_tokens: 400 }
    }
}

/// Which pairs are learned from: those with a document and a summary, and no summary that is too long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SummaryFilter {
    /// The most tokens that a summary has. It may be longer than its document.
    pub max_summary: usize,
}

impl Default for SummaryFilter {
    /// As See, Liu and Manning 2017.
    fn default() -> Self {
        Self { max_summary: 100 }
    }
}

impl From<&SummaryFilter> for LengthFilter {
    fn from(filter: &SummaryFilter) -> Self {
        Self {
            max_source: usize::MAX,
            max_target: filter.max_summary,
            max_ratio: f64::INFINITY,
        }
    }
}

/// The coverage mechanism of See, Liu and Manning 2017, which begins late: from the first step on it would make
/// the attention worse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoverageOptions {
    /// λ: how much the loss minds places that are attended to again.
    pub weight: f64,
    /// The first epoch in which attention knows what it has read; 0 for never.
    pub from_epoch: u64,
}

impl Default for CoverageOptions {
    fn default() -> Self {
        Self {
            weight: 1.0,
            from_epoch: 0,
        }
    }
}

impl CoverageOptions {
    /// Whether there is coverage at any time.
    pub fn is_used(&self) -> bool {
        self.from_epoch > 0
    }

    /// λ in this epoch, counted from 1; `None` before the first one with coverage.
    pub fn weight_in(&self, epoch: u64) -> Option<f32> {
        (self.is_used() && epoch >= self.from_epoch).then_some(self.weight as f32)
    }
}

impl Recipe for SummarizerRecipe {
    fn check(&self) -> Result<(), (String, String)> {
        let within = |section: &str| {
            let section = section.to_owned();
            move |(key, message): (&str, String)| (format!("{section}.{key}"), message)
        };
        let refused = |key: &str, message: String| Err((key.to_owned(), message));
        self.data.check().map_err(within("data"))?;
        let most = self.documents.max_tokens;
        if !(1..=MAX_DOCUMENT).contains(&most) {
            let message = format!("must be at least 1 and at most {MAX_DOCUMENT}, not {most}");
            return refused("documents.max_tokens", message);
        }
        if self.filter.max_summary == 0 {
            return refused("filter.max_summary", "must be at least 1".to_owned());
        }
        self.tokenizer.check().map_err(within("tokenizer"))?;
        self.model.check().map_err(within("model"))?;
        let CoverageOptions { weight, from_epoch } = self.coverage;
        if !(weight >= 0.0 && weight.is_finite()) {
            let message = format!("must be at least 0, not {weight}");
            return refused("coverage.weight", message);
        }
        self.training.check().map_err(within("training"))?;
        let epochs = self.training.epochs;
        if from_epoch > epochs {
            let message =
                format!("must be at most training.epochs, {epochs}, or 0, not {from_epoch}");
            return refused("coverage.from_epoch", message);
        }
        self.decoding.check().map_err(within("decoding"))?;
        self.training
            .check_metric(&METRICS)
            .map_err(within("training"))?;
        Ok(())
    }
}

impl TrainingRecipe for SummarizerRecipe {
    fn name_mut(&mut self) -> &mut String {
        &mut self.name
    }

    fn directory_mut(&mut self) -> &mut Option<PathBuf> {
        &mut self.data.directory
    }

    fn training(&self) -> &TrainingOptions {
        &self.training
    }
}

#[cfg(test)]
mod tests {
    use datasets::reports;

    use super::*;
    use crate::recipe::RecipeText;

    fn parse(assignments: &[&str]) -> Result<SummarizerRecipe, String> {
        let text = RecipeText::find("summarizer", &RECIPES, "reports").unwrap();
        let assignments: Vec<String> = assignments.iter().map(|&it| it.to_owned()).collect();
        text.parse(&assignments).map_err(|error| error.to_string())
    }

    #[test]
    fn every_recipe_of_the_program_is_complete() {
        for builtin in &RECIPES {
            let text = RecipeText::find("summarizer", &RECIPES, builtin.name).unwrap();
            let recipe: SummarizerRecipe = text.parse(&[]).unwrap();
            recipe.expected.check().unwrap();
            assert!(!recipe.data.about.is_empty(), "{}", builtin.name);
        }
    }

    #[test]
    fn no_name_and_no_figure_of_the_shipped_reports_is_in_their_vocabulary() {
        let recipe = parse(&[]).unwrap();
        let learn = |tokenizer: &VocabularyOptions| {
            let train = recipe.data.load().unwrap().train;
            let learned = tokenizer.learn(train.sources().chain(train.targets()));
            let learned = learned.unwrap();
            let tokens = (0..learned.size() as u32).filter_map(|id| learned.token(id));
            tokens.collect::<Vec<_>>()
        };
        let open = |tokens: &[String]| -> usize {
            let open = tokens.iter().filter(|token| reports::is_open(token));
            open.count()
        };
        let tokens = learn(&recipe.tokenizer);
        assert!(tokens.len() > 400, "{}", tokens.len());
        assert_eq!(open(&tokens), 0);
        // Names that stand in one report may be frequent there.
        let frequent = VocabularyOptions {
            min_count: 5,
            ..recipe.tokenizer
        };
        assert_eq!(open(&learn(&frequent)), 4);
    }

    #[test]
    fn coverage_begins_with_its_epoch() {
        let coverage = CoverageOptions {
            weight: 0.5,
            from_epoch: 3,
        };
        assert_eq!([1, 2].map(|epoch| coverage.weight_in(epoch)), [None; 2]);
        assert_eq!(
            [3, 4].map(|epoch| coverage.weight_in(epoch)),
            [Some(0.5); 2]
        );
        let never = CoverageOptions::default();
        assert!(!never.is_used() && never.weight_in(9).is_none());
    }

    #[test]
    fn values_out_of_range_are_refused_by_key() {
        for (key, value) in [
            ("documents.max_tokens", "0"),
            ("filter.max_summary", "0"),
            ("coverage.weight", "-1"),
            ("coverage.from_epoch", "99999"),
            ("training.metric", "bleu"),
            ("decoding.beam", "0"),
        ] {
            let error = parse(&[&format!("{key}={value}")]).unwrap_err();
            assert!(error.contains(key), "{error}");
        }
        assert!(parse(&["coverage.from_epoch=0"]).is_ok());
    }

    #[test]
    fn a_summary_may_be_longer_than_its_document() {
        let filter = LengthFilter::from(&SummaryFilter { max_summary: 9 });
        let kept = [[1, 9], [100_000, 1]];
        let lengths = [&kept[..], &[[5, 10], [0, 3], [3, 0]]].concat();
        let filtered = filter.apply(lengths, |lengths| *lengths);
        assert_eq!(filtered.kept, kept);
        assert_eq!(
            [filtered.dropped.long_target, filtered.dropped.empty],
            [1, 2]
        );
    }
}
