//! A classifier's recipe, and those that are part of the program.

use std::path::PathBuf;

use lstm_models::{
    BpeOptions, ClassifierArchitecture, Split, Tokenizer, TokenizerError, WordOptions,
};
use serde::{Deserialize, Serialize};

use super::METRICS;
use super::data::DataOptions;
use crate::corpus::Corpus;
use crate::recipe::{Builtin, Expected, Recipe};
use crate::tasks::TrainingRecipe;
use crate::training::TrainingOptions;

/// The recipes that are part of the program; the first is the default.
pub const RECIPES: [Builtin; 6] = [
    Builtin {
        name: "reviews",
        text: include_str!("../../../recipes/classifier/reviews.toml"),
    },
    Builtin {
        name: "sst2",
        text: include_str!("../../../recipes/classifier/sst2.toml"),
    },
    Builtin {
        name: "sst5",
        text: include_str!("../../../recipes/classifier/sst5.toml"),
    },
    Builtin {
        name: "trec",
        text: include_str!("../../../recipes/classifier/trec.toml"),
    },
    Builtin {
        name: "imdb-textbook",
        text: include_str!("../../../recipes/classifier/imdb-textbook.toml"),
    },
    Builtin {
        name: "imdb",
        text: include_str!("../../../recipes/classifier/imdb.toml"),
    },
];

/// Everything about the training of a classifier.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassifierRecipe {
    /// What its runs are called; by default what its file is.
    pub name: String,
    /// What it learns from.
    pub data: DataOptions,
    /// How text becomes tokens.
    pub tokenizer: TokenizerOptions,
    /// The network.
    pub model: ClassifierArchitecture,
    /// How it is trained.
    pub training: TrainingOptions,
    /// What to expect.
    pub expected: Expected,
}

/// How text becomes tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenizerOptions {
    /// Whole words, or byte pairs.
    pub kind: TokenizerKind,
    /// Of words: how text is split into them.
    pub split: Split,
    /// Whether capital letters are folded to small ones.
    pub lowercase: bool,
    /// Words, or pairs, seen less often do not count.
    pub min_count: usize,
    /// The largest size of the vocabulary.
    pub max_size: usize,
    /// Texts are cut after this many tokens; 0 for never.
    pub max_tokens: usize,
}

/// The kind of a vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenizerKind {
    /// Whole words.
    #[default]
    Words,
    /// Byte pairs.
    Bpe,
}

impl Default for TokenizerOptions {
    fn default() -> Self {
        Self {
            kind: TokenizerKind::Words,
            split: Split::Words,
            lowercase: true,
            min_count: 2,
            max_size: 30_000,
            max_tokens: 1_000,
        }
    }
}

impl TokenizerOptions {
    /// Learns the vocabulary of a corpus.
    ///
    /// # Errors
    ///
    /// A corpus without a token.
    pub fn learn(&self, corpus: &Corpus) -> Result<Tokenizer, TokenizerError> {
        match self.kind {
            TokenizerKind::Words => {
                let options = WordOptions {
                    split: self.split,
                    lowercase: self.lowercase,
                    min_count: self.min_count,
                    max_size: self.max_size,
                };
                Tokenizer::words(corpus.texts(), &options)
            }
            TokenizerKind::Bpe => {
                let options = BpeOptions {
                    lowercase: self.lowercase,
                    min_count: self.min_count,
                    size: self.max_size,
                };
                Tokenizer::bpe(corpus.texts(), &options)
            }
        }
    }
}

/// More tokens than any corpus has.
const MAX_VOCABULARY: usize = 10_000_000;

impl Recipe for ClassifierRecipe {
    fn check(&self) -> Result<(), (String, String)> {
        let within = |section: &str| {
            let section = section.to_owned();
            move |(key, message): (&str, String)| (format!("{section}.{key}"), message)
        };
        self.data.check().map_err(within("data"))?;
        self.model.check().map_err(within("model"))?;
        self.training.check().map_err(within("training"))?;
        self.training
            .check_metric(&METRICS)
            .map_err(within("training"))?;
        let (size, most) = (self.tokenizer.max_size, MAX_VOCABULARY);
        if size > most {
            let message = format!("must be at most {most}, not {size}");
            return Err(("tokenizer.max_size".to_owned(), message));
        }
        let smallest = match self.tokenizer.kind {
            TokenizerKind::Words => 3,
            TokenizerKind::Bpe => 258,
        };
        if self.tokenizer.max_size < smallest {
            return Err((
                "tokenizer.max_size".to_owned(),
                format!(
                    "must be at least {smallest}, not {}",
                    self.tokenizer.max_size
                ),
            ));
        }
        Ok(())
    }
}

impl TrainingRecipe for ClassifierRecipe {
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
    use super::*;
    use crate::recipe::RecipeText;

    #[test]
    fn every_recipe_of_the_program_is_complete() {
        for builtin in &RECIPES {
            let text = RecipeText::find("classifier", &RECIPES, builtin.name).unwrap();
            let recipe: ClassifierRecipe = text.parse(&[]).unwrap();
            recipe.expected.check().unwrap();
            assert!(!recipe.data.about.is_empty(), "{}", builtin.name);
        }
    }
}
