//! Recipes: commented TOML files that say everything about a training.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What can be wrong with a recipe.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// There is none of this name.
    #[error("the task `{task}` has no recipe `{name}`; it has {}", known.join(", "))]
    Unknown {
        /// The task.
        task: &'static str,
        /// The name that was given.
        name: String,
        /// The names that there are.
        known: Vec<&'static str>,
    },
    /// Its file cannot be read.
    #[error("cannot read the recipe {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its text is not a recipe.
    #[error("{origin} is not a recipe of this task: {message}")]
    Parse {
        /// The file or name.
        origin: String,
        /// Line, key, and what is wrong.
        message: String,
    },
    /// A `--set` does not fit.
    #[error("--set {assignment}: {message}")]
    Set {
        /// What was given.
        assignment: String,
        /// What is wrong with it.
        message: String,
    },
    /// A value is out of range.
    #[error("{origin}: {key} {message}")]
    Value {
        /// The file or name.
        origin: String,
        /// The key, with its section.
        key: String,
        /// What it must be.
        message: String,
    },
}

/// A recipe's typed form, which can say whether its values are in their ranges.
pub trait Recipe: Serialize + DeserializeOwned {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// The key, with its section, of the first value out of range, and what it must be.
    fn check(&self) -> Result<(), (String, String)>;
}

/// A recipe that is part of the program.
#[derive(Debug)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// What to expect of a recipe. For people: training does not read it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expected {
    /// The score.
    pub score: String,
    /// How long training takes.
    pub time: String,
    /// On which machine.
    pub machine: String,
    /// The publication that is reproduced, or what the score is to be compared with.
    pub source: String,
}

impl Expected {
    /// Checks that nothing is left out, as a recipe of the program must not.
    ///
    /// # Errors
    ///
    /// The first key without a text.
    pub fn check(&self) -> Result<(), &'static str> {
        let all = [
            ("score", &self.score),
            ("time", &self.time),
            ("machine", &self.machine),
            ("source", &self.source),
        ];
        match all.into_iter().find(|(_, text)| text.is_empty()) {
            Some((key, _)) => Err(key),
            None => Ok(()),
        }
    }
}

/// Where a recipe's text comes from.
#[derive(Debug, Clone)]
pub struct RecipeText {
    /// The name that its runs get.
    pub name: String,
    /// What errors call it.
    pub origin: String,
    /// The TOML.
    pub text: String,
}

impl RecipeText {
    /// The recipe that a command line names: one of the task's own, or a file.
    ///
    /// # Errors
    ///
    /// A name that is neither, a file that cannot be read.
    pub fn find(
        task: &'static str,
        builtins: &[Builtin],
        name_or_file: &str,
    ) -> Result<Self, RecipeError> {
        if let Some(builtin) = builtins.iter().find(|recipe| recipe.name == name_or_file) {
            return Ok(Self {
                name: builtin.name.to_owned(),
                origin: format!("the recipe `{}`", builtin.name),
                text: builtin.text.to_owned(),
            });
        }
        let path = Path::new(name_or_file);
        let is_file = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        if !is_file && !path.exists() {
            return Err(RecipeError::Unknown {
                task,
                name: name_or_file.to_owned(),
                known: builtins.iter().map(|recipe| recipe.name).collect(),
            });
        }
        let text = std::fs::read_to_string(path).map_err(|source| RecipeError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            name: path.file_stem().map_or_else(
                || "recipe".into(),
                |stem| stem.to_string_lossy().into_owned(),
            ),
            origin: name_or_file.to_owned(),
            text,
        })
    }

    /// The typed recipe, after each `key=value` of `assignments` has been put into it.
    ///
    /// # Errors
    ///
    /// An unknown key, a value of the wrong type or out of range.
    pub fn parse<R: Recipe>(&self, assignments: &[String]) -> Result<R, RecipeError> {
        let parse_error = |error: toml::de::Error| RecipeError::Parse {
            origin: self.origin.clone(),
            message: error.to_string().trim_end().to_owned(),
        };
        // From the text, for errors that name the line.
        let mut recipe: R = toml::from_str(&self.text).map_err(parse_error)?;
        let mut table: toml::Table = toml::from_str(&self.text).map_err(parse_error)?;
        for assignment in assignments {
            let failed = |message: String| RecipeError::Set {
                assignment: assignment.clone(),
                message,
            };
            assign(&mut table, assignment).map_err(failed)?;
            recipe = table
                .clone()
                .try_into()
                .map_err(|error: toml::de::Error| failed(error.message().to_owned()))?;
        }
        if let Err((key, message)) = recipe.check() {
            let is_of_key = |assignment: &&String| {
                let name = assignment.split('=').next().unwrap_or_default();
                name.trim() == key
            };
            return Err(match assignments.iter().rev().find(is_of_key) {
                Some(assignment) => RecipeError::Set {
                    assignment: assignment.clone(),
                    message,
                },
                None => RecipeError::Value {
                    origin: self.origin.clone(),
                    key,
                    message,
                },
            });
        }
        Ok(recipe)
    }
}

/// Puts `section.key=value` into the table; a value that is not TOML is text.
fn assign(table: &mut toml::Table, assignment: &str) -> Result<(), String> {
    const FORM: &str = "expected section.key=value, such as training.epochs=2";
    let (key, value) = assignment.split_once('=').ok_or(FORM)?;
    let (section, key) = key.trim().split_once('.').ok_or(FORM)?;
    let value = value.trim();
    let value = toml::from_str::<toml::Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let section = table
        .entry(section)
        .or_insert_with(|| toml::Value::Table(toml::Table::new()));
    section
        .as_table_mut()
        .ok_or(FORM)?
        .insert(key.to_owned(), value);
    Ok(())
}

/// The full text of a recipe, with its defaults, under a line that says where it is from; only
/// optional keys that are not set are left out.
pub fn to_full_text<R: Recipe>(recipe: &R, origin: &str) -> String {
    let keys = toml::to_string_pretty(recipe).expect("a recipe has only values that TOML knows");
    format!("# Every setting of this run; from {origin}.\n\n{keys}")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Sections {
        training: Training,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Training {
        epochs: u32,
        name: String,
    }

    impl Recipe for Sections {
        fn check(&self) -> Result<(), (String, String)> {
            match self.training.epochs {
                0 => Err((
                    "training.epochs".to_owned(),
                    "must be at least 1".to_owned(),
                )),
                _ => Ok(()),
            }
        }
    }

    fn parse(text: &str, assignments: &[&str]) -> Result<Sections, String> {
        let text = RecipeText {
            name: "mine".to_owned(),
            origin: "mine.toml".to_owned(),
            text: text.to_owned(),
        };
        let assignments: Vec<String> = assignments.iter().map(|text| (*text).to_owned()).collect();
        text.parse(&assignments).map_err(|error| error.to_string())
    }

    const TEXT: &str = "[training]\nepochs = 3\n";

    #[test]
    fn a_setting_replaces_a_key() {
        let recipe = parse(TEXT, &["training.epochs=5", "training.name=long run"]).unwrap();
        assert_eq!(recipe.training.epochs, 5);
        assert_eq!(recipe.training.name, "long run");
    }

    #[test]
    fn errors_name_the_line_the_key_and_what_was_expected() {
        let error = parse("[training]\nepocs = 3\n", &[]).unwrap_err();
        for part in ["mine.toml", "line 2", "epocs", "epochs"] {
            assert!(error.contains(part), "{part}: {error}");
        }
        let error = parse(TEXT, &["training.epocs=3"]).unwrap_err();
        for part in ["--set training.epocs=3", "unknown field", "epochs"] {
            assert!(error.contains(part), "{part}: {error}");
        }
        let error = parse(TEXT, &["training.epochs=many"]).unwrap_err();
        assert!(error.contains("--set training.epochs=many"), "{error}");
        let error = parse(TEXT, &["epochs"]).unwrap_err();
        assert!(error.contains("section.key=value"), "{error}");
        let error = parse(TEXT, &["training.epochs=0"]).unwrap_err();
        assert_eq!(error, "--set training.epochs=0: must be at least 1");
        let error = parse("[training]\nepochs = 0\n", &[]).unwrap_err();
        assert_eq!(error, "mine.toml: training.epochs must be at least 1");
    }

    #[test]
    fn the_full_text_reads_back_the_same() {
        let recipe = parse(TEXT, &["training.name=\"a = b\""]).unwrap();
        let text = to_full_text(&recipe, "a test");
        assert_eq!(parse(&text, &[]).unwrap(), recipe);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let builtins = [Builtin {
            name: "reviews",
            text: TEXT,
        }];
        let error = RecipeText::find("classifier", &builtins, "review").unwrap_err();
        assert!(error.to_string().contains("it has reviews"), "{error}");
        let error = RecipeText::find("classifier", &builtins, "no/such.toml").unwrap_err();
        assert!(error.to_string().contains("no/such.toml"), "{error}");
    }
}
