//! A translator's recipe, and those that are part of the program.

use std::path::PathBuf;

use lstm_models::{
    EncoderDecoderArchitecture, Languages, Tied, TokenUnit, TokenizerError, TranslationSearch,
};
use serde::{Deserialize, Serialize};

use super::METRICS;
use crate::corpus::{LengthFilter, ParallelCorpus};
use crate::recipe::{Builtin, Expected, Recipe};
use crate::tasks::TrainingRecipe;
use crate::tasks::parallel::ParallelOptions;
use crate::tasks::vocabulary::VocabularyOptions;
use crate::training::TrainingOptions;

/// The recipes that are part of the program; the first is the default.
pub const RECIPES: [Builtin; 5] = [
    Builtin {
        name: "pairs",
        text: include_str!("../../../recipes/translator/pairs.toml"),
    },
    Builtin {
        name: "multi30k-de-en",
        text: include_str!("../../../recipes/translator/multi30k-de-en.toml"),
    },
    Builtin {
        name: "multi30k-en-de",
        text: include_str!("../../../recipes/translator/multi30k-en-de.toml"),
    },
    Builtin {
        name: "multi30k-en-fr",
        text: include_str!("../../../recipes/translator/multi30k-en-fr.toml"),
    },
    Builtin {
        name: "multi30k-de-en-tutorial",
        text: include_str!("../../../recipes/translator/multi30k-de-en-tutorial.toml"),
    },
];

/// Everything about the training of a translator.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TranslatorRecipe {
    /// What its runs are called; by default what its file is.
    pub name: String,
    /// What it learns from.
    pub data: ParallelOptions,
    /// Pairs that are learned from, by their numbers of tokens.
    pub filter: LengthFilter,
    /// How text becomes tokens.
    pub tokenizer: VocabulariesOptions,
    /// The network.
    pub model: EncoderDecoderArchitecture,
    /// How it is trained.
    pub training: TrainingOptions,
    /// How the test part is translated; validations are greedy.
    pub decoding: TranslationSearch,
    /// What to expect.
    pub expected: Expected,
}

/// How text of two languages becomes tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VocabulariesOptions {
    /// What a token is.
    pub unit: TokenUnit,
    /// Whether both languages have one vocabulary.
    pub shared: bool,
    /// Whether capital letters are folded to small ones.
    pub lowercase: bool,
    /// Words, or pairs, seen less often do not count.
    pub min_count: usize,
    /// The largest size of a vocabulary; of byte pairs, 258 are the bytes themselves.
    pub max_size: usize,
}

impl Default for VocabulariesOptions {
    fn default() -> Self {
        let VocabularyOptions {
            unit,
            lowercase,
            min_count,
            max_size,
        } = VocabularyOptions::default();
        Self {
            unit,
            shared: false,
            lowercase,
            min_count,
            max_size,
        }
    }
}

impl VocabulariesOptions {
    /// Learns the vocabularies of both languages.
    ///
    /// # Errors
    ///
    /// A side without a token.
    pub fn learn(&self, corpus: &ParallelCorpus) -> Result<Languages, TokenizerError> {
        let of_one = self.of_one();
        let (source, target) = match self.shared {
            true => {
                let all = corpus.sources().chain(corpus.targets());
                (of_one.learn(all)?, None)
            }
            false => (
                of_one.learn(corpus.sources())?,
                Some(of_one.learn(corpus.targets())?),
            ),
        };
        Ok(Languages::new(source, target, self.unit))
    }

    /// The same for one vocabulary.
    fn of_one(&self) -> VocabularyOptions {
        VocabularyOptions {
            unit: self.unit,
            lowercase: self.lowercase,
            min_count: self.min_count,
            max_size: self.max_size,
        }
    }
}

impl Recipe for TranslatorRecipe {
    fn check(&self) -> Result<(), (String, String)> {
        let within = |section: &str| {
            let section = section.to_owned();
            move |(key, message): (&str, String)| (format!("{section}.{key}"), message)
        };
        self.data.check().map_err(within("data"))?;
        self.filter.check().map_err(within("filter"))?;
        self.tokenizer
            .of_one()
            .check()
            .map_err(within("tokenizer"))?;
        self.model.check().map_err(within("model"))?;
        self.training.check().map_err(within("training"))?;
        self.decoding.check().map_err(within("decoding"))?;
        if self.model.tied == Tied::All && !self.tokenizer.shared {
            let message = "\"all\" needs tokenizer.shared = true".to_owned();
            return Err(("model.tied".to_owned(), message));
        }
        self.training
            .check_metric(&METRICS)
            .map_err(within("training"))?;
        Ok(())
    }
}

impl TrainingRecipe for TranslatorRecipe {
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
            let text = RecipeText::find("translator", &RECIPES, builtin.name).unwrap();
            let recipe: TranslatorRecipe = text.parse(&[]).unwrap();
            recipe.expected.check().unwrap();
            assert!(!recipe.data.about.is_empty(), "{}", builtin.name);
        }
    }

    #[test]
    fn three_way_tying_needs_a_shared_vocabulary() {
        let text = RecipeText::find("translator", &RECIPES, "pairs").unwrap();
        let assignments = ["model.tied=\"all\"", "tokenizer.shared=false"].map(str::to_owned);
        let error = text.parse::<TranslatorRecipe>(&assignments).unwrap_err();
        assert!(error.to_string().contains("model.tied"), "{error}");
    }
}
