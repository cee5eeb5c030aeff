//! burn's own layers: `Lstm`, `Gru`, and the bidirectional `BiLstm` and `BiGru` of two of them.
//!
//! Each gate is two linear layers, `input_transform` and `hidden_transform`, with weights
//! `[d_input, d_hidden]`. burn has no stack: several layers are a vector of them, numbered from 0. What
//! tensors do not show is taken for what burn does if it is not told otherwise: the reset gate after the
//! product, no limits, the usual activations.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::array::Array;
use super::checkpoint::{Checkpoint, burnpack_bytes, safetensors_bytes};
use super::error::WeightsError;
use super::format::{Format, ReadLayers};
use super::recurrent::{DirectionArrays, RecurrentWeights};
use crate::recurrent::Cell;

/// The gates by burn's names, in our order.
const LSTM_GATES: [&str; 4] = ["input_gate", "forget_gate", "cell_gate", "output_gate"];
const GRU_GATES: [&str; 3] = ["reset_gate", "update_gate", "new_gate"];

/// The gates that only one cell has, by which a layer is found.
const LSTM_MARK: &str = "cell_gate.input_transform.weight";
const GRU_MARK: &str = "new_gate.input_transform.weight";

/// The two layers of a bidirectional one.
const DIRECTIONS: [&str; 2] = ["forward.", "reverse."];

pub struct Layers(pub Checkpoint);

impl ReadLayers for Layers {
    fn prefixes(&self) -> Vec<String> {
        let names = self.0.entries().keys();
        let single = names.filter_map(|name| {
            [LSTM_MARK, GRU_MARK]
                .into_iter()
                .find_map(|mark| name.strip_suffix(mark))
        });
        // One place for both directions, and for all layers of a stack.
        let stacks: BTreeSet<String> = single
            .map(|prefix| {
                let forward_or_reverse = DIRECTIONS
                    .into_iter()
                    .find_map(|direction| segment(prefix, |name| name == direction));
                let prefix = forward_or_reverse.unwrap_or(prefix);
                segment(prefix, is_number).unwrap_or(prefix).to_owned()
            })
            .collect();
        stacks.into_iter().collect()
    }

    fn read(&self, prefix: &str) -> Result<RecurrentWeights, WeightsError> {
        let starts = self.starts(prefix);
        let gru = self
            .0
            .entries()
            .contains_key(&format!("{}{GRU_MARK}", starts[0][0]));
        let (cell, gates): (Cell, &[&str]) = match gru {
            true => (Cell::Gru, &GRU_GATES),
            false => (Cell::Lstm, &LSTM_GATES),
        };
        self.check_names(prefix, &starts, gates)?;
        let layers = starts
            .iter()
            .map(|layer| {
                layer
                    .iter()
                    .map(|start| self.direction(start, gates))
                    .collect()
            })
            .collect::<Result<_, _>>()?;
        Ok(RecurrentWeights {
            cell,
            layers,
            converted: self.0.take_converted(),
        })
    }
}

impl Layers {
    /// What the names of each layer's directions begin with.
    fn starts(&self, prefix: &str) -> Vec<Vec<String>> {
        let has = |start: &str| {
            let mut names = self.0.entries().range(start.to_owned()..);
            names
                .next()
                .is_some_and(|(name, _)| name.starts_with(start))
        };
        let layers: Vec<String> = if has(&format!("{prefix}0.")) {
            let numbered = (0..).map(|layer| format!("{prefix}{layer}."));
            numbered.take_while(|start| has(start)).collect()
        } else {
            vec![prefix.to_owned()]
        };
        let directions = |start: String| match has(&format!("{start}{}", DIRECTIONS[0])) {
            true => DIRECTIONS
                .map(|direction| format!("{start}{direction}"))
                .to_vec(),
            false => vec![start],
        };
        layers.into_iter().map(directions).collect()
    }

    /// That the layer has the tensors that it should, and no others.
    fn check_names(
        &self,
        prefix: &str,
        starts: &[Vec<String>],
        gates: &[&str],
    ) -> Result<(), WeightsError> {
        let own = |name: &String| {
            let rest = name.strip_prefix(prefix)?;
            gates
                .iter()
                .any(|gate| rest.contains(gate))
                .then(|| name.clone())
        };
        let found: BTreeSet<String> = self.0.entries().keys().filter_map(own).collect();
        let bias = found.iter().any(|name| name.ends_with(".bias"));
        let expected: BTreeSet<String> = starts
            .iter()
            .flatten()
            .flat_map(|start| gates.iter().map(move |gate| format!("{start}{gate}.")))
            .flat_map(|gate| {
                ["input_transform.", "hidden_transform."].map(|part| gate.clone() + part)
            })
            .flat_map(|part| {
                let bias = bias.then(|| format!("{part}bias"));
                [format!("{part}weight")].into_iter().chain(bias)
            })
            .collect();
        if expected == found {
            return Ok(());
        }
        Err(WeightsError::Names {
            path: self.0.path().to_owned(),
            prefix: prefix.to_owned(),
            missing: expected.difference(&found).cloned().collect(),
            unknown: found.difference(&expected).cloned().collect(),
            found: found.into_iter().collect(),
        })
    }

    fn direction(&self, start: &str, gates: &[&str]) -> Result<DirectionArrays, WeightsError> {
        let read = |part: &str, shape: &[usize]| {
            let names = gates.iter().map(|gate| format!("{start}{gate}.{part}"));
            let arrays = names.map(|name| self.0.read_shaped(&name, shape));
            Ok::<_, WeightsError>(side_by_side(&arrays.collect::<Result<Vec<_>, _>>()?))
        };
        let first = |part: &str| format!("{start}{}.{part}", gates[0]);
        let name = first("input_transform.weight");
        let [d_input, d_hidden] = match self.0.entries()[&name].shape[..] {
            [rows, columns] if rows > 0 && columns > 0 => [rows, columns],
            _ => {
                return Err(self
                    .0
                    .misshapen(&name, "a matrix with sizes above 0".to_owned()));
            }
        };
        let bias = |part: &str| {
            let there = self.0.entries().contains_key(&first(part));
            there.then(|| read(part, &[d_hidden])).transpose()
        };
        Ok(DirectionArrays {
            input_weight: read("input_transform.weight", &[d_input, d_hidden])?,
            recurrent_weight: read("hidden_transform.weight", &[d_hidden, d_hidden])?,
            input_bias: bias("input_transform.bias")?,
            recurrent_bias: bias("hidden_transform.bias")?,
            projection_weight: None,
        })
    }
}

/// The bytes of a file of a layer: burnpack, or safetensors if `path` ends so.
pub fn to_bytes(
    weights: &RecurrentWeights,
    prefix: &str,
    path: &Path,
) -> Result<Vec<u8>, WeightsError> {
    let no_place = |what: &str| WeightsError::NoPlace {
        format: Format::Burn,
        what: what.to_owned(),
    };
    let gates: &[&str] = match weights.cell {
        Cell::Lstm => &LSTM_GATES,
        Cell::Gru => &GRU_GATES,
        Cell::GruResetBefore => {
            return Err(no_place(
                "weights that say that the reset gate is before the product",
            ));
        }
    };
    if weights.d_projection().is_some() {
        return Err(no_place("projected LSTM"));
    }
    let mut tensors = BTreeMap::new();
    for (index, layer) in weights.layers.iter().enumerate() {
        let number = match weights.layers.len() {
            1 => String::new(),
            _ => format!("{index}."),
        };
        for (direction, arrays) in layer.iter().enumerate() {
            let direction = match layer.len() {
                1 => "",
                _ => DIRECTIONS[direction],
            };
            let parts = [
                ("input_transform.weight", Some(&arrays.input_weight)),
                ("hidden_transform.weight", Some(&arrays.recurrent_weight)),
                ("input_transform.bias", arrays.input_bias.as_ref()),
                ("hidden_transform.bias", arrays.recurrent_bias.as_ref()),
            ];
            for (gate, name) in gates.iter().enumerate() {
                for (part, array) in parts {
                    if let Some(array) = array {
                        let path = format!("{prefix}{number}{direction}{name}.{part}");
                        tensors.insert(path, of_gate(array, gate, gates.len()));
                    }
                }
            }
        }
    }
    Ok(match path.extension() {
        Some(extension) if extension == "safetensors" => safetensors_bytes(&tensors, None),
        _ => burnpack_bytes(&tensors),
    })
}

/// The columns of all gates, `[…, d_hidden]` each, as one array `[…, gates * d_hidden]`.
fn side_by_side(gates: &[Array]) -> Array {
    let mut shape = gates[0].shape.clone();
    let d_hidden = shape.pop().expect("a gate has columns");
    let rows: usize = shape.iter().product();
    shape.push(gates.len() * d_hidden);
    let row = |row: usize| {
        let columns = row * d_hidden..(row + 1) * d_hidden;
        gates
            .iter()
            .flat_map(move |gate| gate.values[columns.clone()].iter().copied())
    };
    Array::new(shape, (0..rows).flat_map(row).collect())
}

/// The columns `[…, d_hidden]` of one of the gates that lie side by side in an array.
fn of_gate(array: &Array, gate: usize, gates: usize) -> Array {
    let mut shape = array.shape.clone();
    let columns = shape.pop().expect("gates have columns");
    let d_hidden = columns / gates;
    shape.push(d_hidden);
    let rows = array.values.chunks_exact(columns);
    let values = rows.flat_map(|row| &row[gate * d_hidden..(gate + 1) * d_hidden]);
    Array::new(shape, values.copied().collect())
}

/// A prefix without its last segment, if `is_it` takes that with its dot.
fn segment(prefix: &str, is_it: impl Fn(&str) -> bool) -> Option<&str> {
    let name = prefix.strip_suffix('.')?;
    let (rest, last) = prefix.split_at(name.rfind('.').map_or(0, |dot| dot + 1));
    is_it(last).then_some(rest)
}

fn is_number(segment: &str) -> bool {
    let name = segment.strip_suffix('.').unwrap_or(segment);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}
