//! A language model's recipe, and those that are part of the program.

use std::path::PathBuf;

use lstm_models::{
    BpeOptions, LanguageModelArchitecture, TextStream, Tokenizer, TokenizerError, Unit, WordOptions,
};
use serde::{Deserialize, Serialize};

use super::METRICS;
use super::data::TextOptions;
use super::windows::Windows;
use crate::recipe::{Builtin, Expected, Recipe};
use crate::tasks::TrainingRecipe;
use crate::training::TrainingOptions;

/// The recipes that are part of the program; the first is the default.
pub const RECIPES: [Builtin; 6] = [
    Builtin {
        name: "grammar",
        text: include_str!("../../../recipes/language-model/grammar.toml"),
    },
    Builtin {
        name: "ptb-zaremba-small",
        text: include_str!("../../../recipes/language-model/ptb-zaremba-small.toml"),
    },
    Builtin {
        name: "ptb-small-modern",
        text: include_str!("../../../recipes/language-model/ptb-small-modern.toml"),
    },
    Builtin {
        name: "ptb-awd",
        text: include_str!("../../../recipes/language-model/ptb-awd.toml"),
    },
    Builtin {
        name: "wikitext-2",
        text: include_str!("../../../recipes/language-model/wikitext-2.toml"),
    },
    Builtin {
        name: "shakespeare-char",
        text: include_str!("../../../recipes/language-model/shakespeare-char.toml"),
    },
];

/// Everything about the training of a language model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LanguageModelRecipe {
    /// What its runs are called; by default what its file is.
    pub name: String,
    /// What it learns from.
    pub data: TextOptions,
    /// How text becomes tokens.
    pub tokenizer: StreamOptions,
    /// How the stream of tokens is cut.
    pub windows: Windows,
    /// The network.
    pub model: LanguageModelArchitecture,
    /// How it is trained; `batch_size` is the number of streams.
    pub training: TrainingOptions,
    /// What to expect.
    pub expected: Expected,
}

/// How text becomes tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamOptions {
    /// What a token is.
    pub unit: Unit,
    /// Of words and byte pairs: whether capital letters are folded to small ones.
    pub lowercase: bool,
    /// Words, characters or pairs seen less often do not count.
    pub min_count: usize,
    /// Of words and byte pairs: the largest size of the vocabulary; of pairs, 258 are the bytes themselves.
    pub max_size: usize,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            unit: Unit::Words,
            lowercase: false,
            min_count: 1,
            max_size: 50_000,
        }
    }
}

impl StreamOptions {
    /// Learns the vocabulary of a text.
    ///
    /// # Errors
    ///
    /// A text without a token.
    pub fn learn(&self, text: &str) -> Result<TextStream, TokenizerError> {
        let tokenizer = match self.unit {
            Unit::Words => {
                let options = WordOptions {
                    lowercase: self.lowercase,
                    min_count: self.min_count,
                    max_size: self.max_size,
                    ..WordOptions::for_streams()
                };
                Tokenizer::stream_words([text], &options)?
            }
            Unit::Characters => Tokenizer::characters([text], self.min_count)?,
            Unit::BytePairs => {
                let options = BpeOptions {
                    lowercase: self.lowercase,
                    min_count: self.min_count,
                    size: self.max_size,
                };
                Tokenizer::bpe(text.split_inclusive('\n'), &options)?
            }
            Unit::Bytes => Tokenizer::bytes()?,
        };
        TextStream::new(tokenizer, self.unit)
    }

    /// Checks that every value is in its range.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let smallest = match self.unit {
            Unit::Words | Unit::Characters => 3,
            Unit::BytePairs | Unit::Bytes => 258,
        };
        let size = self.max_size;
        if !(smallest..=MAX_VOCABULARY).contains(&size) {
            let message =
                format!("must be at least {smallest} and at most {MAX_VOCABULARY}, not {size}");
            return Err(("max_size", message));
        }
        // A byte is what it is, and there are 256 of them.
        if self.unit == Unit::Bytes && self.lowercase {
            let message = "must be false where tokenizer.unit is bytes, which are read as they are";
            return Err(("lowercase", message.to_owned()));
        }
        if self.unit == Unit::Bytes && self.min_count > 1 {
            let message = format!(
                "must be at most 1 where tokenizer.unit is bytes, all of which are tokens, not {}",
                self.min_count
            );
            return Err(("min_count", message));
        }
        Ok(())
    }
}

/// More tokens than any corpus has.
const MAX_VOCABULARY: usize = 10_000_000;

impl Recipe for LanguageModelRecipe {
    fn check(&self) -> Result<(), (String, String)> {
        let within = |section: &str| {
            let section = section.to_owned();
            move |(key, message): (&str, String)| (format!("{section}.{key}"), message)
        };
        self.data.check().map_err(within("data"))?;
        self.tokenizer.check().map_err(within("tokenizer"))?;
        self.windows.check().map_err(within("windows"))?;
        self.model.check().map_err(within("model"))?;
        self.training.check().map_err(within("training"))?;
        self.training
            .check_metric(&METRICS)
            .map_err(within("training"))?;
        Ok(())
    }
}

impl TrainingRecipe for LanguageModelRecipe {
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
    use burn::module::Module;
    use burn::tensor::Device;
    use lstm_core::WeightDraws;
    use lstm_models::LanguageModelConfig;

    use super::*;
    use crate::recipe::RecipeText;

    #[test]
    fn every_recipe_of_the_program_is_complete() {
        for builtin in &RECIPES {
            let text = RecipeText::find("language-model", &RECIPES, builtin.name).unwrap();
            let recipe: LanguageModelRecipe = text.parse(&[]).unwrap();
            recipe.expected.check().unwrap();
            assert!(!recipe.data.about.is_empty(), "{}", builtin.name);
        }
    }

    #[test]
    fn ptb_awd_has_as_many_parameters_as_the_published_model() {
        let text = RecipeText::find("language-model", &RECIPES, "ptb-awd").unwrap();
        let recipe: LanguageModelRecipe = text.parse(&[]).unwrap();
        // Of each of a PyTorch LSTM's four gates: W, U and two biases.
        let lstm = |d_input: usize, d_hidden: usize| 4 * d_hidden * (d_input + d_hidden + 2);
        let layers = lstm(400, 1150) + lstm(1150, 1150) + lstm(1150, 400);
        // One matrix for embedding and decoder, and the decoder's bias.
        let vocab = 10_000;
        let published = layers + vocab * 400 + vocab;
        assert_eq!(published, 24_221_600);
        let mut draws = WeightDraws::placeholders(&Device::flex());
        let model = LanguageModelConfig::new(vocab, recipe.model).init_with(&mut draws);
        assert_eq!(model.num_params(), published);
    }

    #[test]
    fn settings_that_bytes_cannot_have_are_refused_by_their_key() {
        let text = RecipeText::find("language-model", &RECIPES, "grammar").unwrap();
        let check = |setting: &str| {
            let settings = ["tokenizer.unit=bytes".to_owned(), setting.to_owned()];
            text.parse::<LanguageModelRecipe>(&settings)
        };
        check("tokenizer.min_count=1").unwrap();
        for (key, value) in [
            ("lowercase", "true"),
            ("min_count", "2"),
            ("max_size", "256"),
        ] {
            let key = format!("tokenizer.{key}");
            let error = check(&format!("{key}={value}")).unwrap_err().to_string();
            assert!(error.contains(&key), "{error}");
        }
    }
}
