//! What a model's configuration says of its layers: settings that no tensor shows.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::checkpoint::Checkpoint;
use super::super::error::WeightsError;
use super::places::{Direction, Naming};

/// What the recurrent layers of a model are, by its configuration.
#[derive(Default)]
pub struct Config(Vec<Described>);

/// A layer or a cell.
struct Described {
    /// Its path in Keras' own files.
    path: String,
    /// What it is called, and what layers that it is part of are.
    names: Vec<String>,
    settings: Value,
}

/// The classes of which settings are known.
const CLASSES: [&str; 6] = ["LSTM", "GRU", "LSTMCell", "GRUCell", "RNN", "Bidirectional"];

impl Config {
    /// Of a `.keras` file, or of an `.h5` file of a whole model; of others it is empty.
    pub fn of(checkpoint: &Checkpoint) -> Result<Self, WeightsError> {
        let metadata = checkpoint.metadata();
        let text = metadata.get("config.json").or(metadata.get("model_config"));
        let Some(text) = text else {
            return Ok(Self::default());
        };
        let model: Value = serde_json::from_str(text).map_err(|error| WeightsError::Damaged {
            path: checkpoint.path().to_owned(),
            container: "Keras model",
            message: format!("its configuration: {error}"),
        })?;
        let mut config = Self::default();
        config.walk(&model, "", &[]);
        Ok(config)
    }

    /// Adds what is described by `object`, and in it, if its path is `path`.
    fn walk(&mut self, object: &Value, path: &str, parents: &[String]) {
        let class = object["class_name"].as_str().unwrap_or_default();
        let settings = &object["config"];
        let mut names = parents.to_vec();
        if CLASSES.contains(&class) {
            names.extend(settings["name"].as_str().map(str::to_owned));
            self.0.push(Described {
                path: path.to_owned(),
                names: names.clone(),
                settings: settings.clone(),
            });
        }
        let inner = match class {
            "Bidirectional" => [
                ("layer", "forward_layer"),
                ("backward_layer", "backward_layer"),
            ],
            _ => [("layer", "layer"), ("cell", "cell")],
        };
        for (key, own) in inner {
            if settings[key].is_object() {
                self.walk(&settings[key], &format!("{path}{own}/"), &names);
            }
        }
        for list in ["layers", "cells"] {
            let objects = settings[list].as_array().map_or(&[][..], Vec::as_slice);
            // Keras counts layers of a class: `lstm`, `lstm_1`.
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for object in objects {
                let class = snake_case(object["class_name"].as_str().unwrap_or_default());
                let count = counts.entry(class.clone()).or_default();
                let own = match *count {
                    0 => class,
                    count => format!("{class}_{count}"),
                };
                *count += 1;
                self.walk(object, &format!("{path}{list}/{own}/"), &names);
            }
        }
    }

    /// What is described of the cell, and of what it is part of.
    fn described<'a>(&'a self, direction: &Direction) -> impl Iterator<Item = &'a Value> {
        // Keras 2 called a model's list of layers so.
        let path = direction
            .cell
            .replace("_layer_checkpoint_dependencies/", "layers/");
        let numbered = direction.naming == Naming::Numbers;
        self.0
            .iter()
            .filter(move |layer| match numbered {
                true => path.starts_with(&layer.path),
                false => layer
                    .names
                    .iter()
                    .all(|name| path.split('/').any(|segment| segment == name)),
            })
            .map(|layer| &layer.settings)
    }

    /// What no layer here does, if the configuration asks for it.
    pub fn unsupported(&self, direction: &Direction, reverse: bool) -> Option<String> {
        let expected = [
            ("activation", "tanh".into()),
            ("recurrent_activation", "sigmoid".into()),
            ("go_backwards", reverse.into()),
            ("merge_mode", "concat".into()),
        ];
        self.described(direction).find_map(|settings| {
            expected.iter().find_map(|(key, expected): &(_, Value)| {
                let found = settings.get(key)?;
                // A function may be an object with its name.
                let name = found.get("config").unwrap_or(found);
                (name != expected)
                    .then(|| format!("has the setting {key} {found}, expected {expected}"))
            })
        })
    }

    /// Whether a GRU has its reset gate after the product, if that is said.
    pub fn reset_after(&self, direction: &Direction) -> Option<bool> {
        let mut described = self.described(direction);
        described.find_map(|settings| settings.get("reset_after")?.as_bool())
    }
}

/// A class's name as Keras writes it in paths: `StackedRNNCells` is `stacked_rnn_cells`.
fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class
        .chars()
        .filter(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect();
    let mut name = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let next = letters.get(index + 1);
        let word_begins = index > 0
            && letter.is_ascii_uppercase()
            && (next.is_some_and(char::is_ascii_lowercase)
                || letters[index - 1].is_ascii_lowercase());
        if word_begins {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn classes_have_kerass_names_in_paths() {
        for (class, name) in [
            ("LSTM", "lstm"),
            ("LSTMCell", "lstm_cell"),
            ("StackedRNNCells", "stacked_rnn_cells"),
            ("Bidirectional", "bidirectional"),
            ("TimeDistributed", "time_distributed"),
            ("Conv2D", "conv2d"),
            ("ConvLSTM2D", "conv_lstm2d"),
            ("MyLSTM2Layer", "my_lstm2_layer"),
        ] {
            assert_eq!(snake_case(class), name);
        }
    }
}
