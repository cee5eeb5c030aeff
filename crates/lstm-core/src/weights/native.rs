//! This crate's own names: the paths of a layer's parameters, as in a bundle's `model.safetensors`.
//!
//! A weight is `[directions, d_input, gates * d_hidden]`, a bias `[directions, gates * d_hidden]`. Where a
//! GRU's reset gate is no tensor says: files of single layers have the cell in their metadata, and a
//! GRU without it has the reset gate after the product.

use std::collections::{BTreeMap, BTreeSet};

use super::checkpoint::{Checkpoint, safetensors_bytes};
use super::error::WeightsError;
use super::format::ReadLayers;
use super::recurrent::{DirectionArrays, RecurrentWeights};
use super::stacked::StackedArrays;
use crate::recurrent::Cell;

const INPUT_WEIGHT: &str = "input_weight";
const RECURRENT_WEIGHT: &str = "recurrent_weight";
const INPUT_BIAS: &str = "input_bias";
const RECURRENT_BIAS: &str = "recurrent_bias";
const PROJECTION_WEIGHT: &str = "projection_weight";

/// The key of a file's metadata that names the cell, and the value for the one that tensors do not show.
const CELL: &str = "cell";
const RESET_BEFORE: &str = "gru_reset_before";

pub struct Layers(pub Checkpoint);

impl ReadLayers for Layers {
    fn prefixes(&self) -> Vec<String> {
        let names = self.0.entries().keys();
        names
            .filter_map(|name| name.strip_suffix(&format!("layers.0.{RECURRENT_WEIGHT}")))
            .filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
            .map(str::to_owned)
            .collect()
    }

    fn read(&self, prefix: &str) -> Result<RecurrentWeights, WeightsError> {
        let checkpoint = &self.0;
        let start = format!("{prefix}layers.");
        let found: BTreeSet<&String> = checkpoint
            .entries()
            .keys()
            .filter(|name| name.starts_with(&start))
            .collect();
        let has = |own: &str| found.contains(&format!("{start}0.{own}"));
        let (bias, projected) = (
            has(INPUT_BIAS) || has(RECURRENT_BIAS),
            has(PROJECTION_WEIGHT),
        );
        let number = |name: &String| name[start.len()..].split('.').next()?.parse::<usize>().ok();
        let last = found.iter().filter_map(|name| number(name)).max();
        // One layer more than there are names cannot be complete.
        let layers = last.map_or(1, |last| last.min(found.len()) + 1);
        let own = [
            (INPUT_WEIGHT, true),
            (RECURRENT_WEIGHT, true),
            (INPUT_BIAS, bias),
            (RECURRENT_BIAS, bias),
            (PROJECTION_WEIGHT, projected),
        ];
        let expected: BTreeSet<String> = (0..layers)
            .flat_map(|layer| {
                let there = own.iter().filter(|(_, there)| *there);
                there.map(move |(own, _)| (layer, own))
            })
            .map(|(layer, own)| format!("{start}{layer}.{own}"))
            .collect();
        if !expected.iter().eq(found.iter().copied()) {
            let missing = expected.iter().filter(|name| !found.contains(name));
            let unknown = found.iter().filter(|name| !expected.contains(**name));
            return Err(WeightsError::Names {
                path: checkpoint.path().to_owned(),
                prefix: prefix.to_owned(),
                missing: missing.cloned().collect(),
                unknown: unknown.map(|name| (*name).clone()).collect(),
                found: found.into_iter().cloned().collect(),
            });
        }

        let name = format!("{start}0.{RECURRENT_WEIGHT}");
        let projection = format!("{start}0.{PROJECTION_WEIGHT}");
        let shape = |name: &String| checkpoint.entries()[name].shape.clone();
        let gates = match (&shape(&name)[..], projected) {
            ([_, _, columns], true) => match shape(&projection)[..] {
                [_, d_hidden, _] if d_hidden > 0 && *columns == 4 * d_hidden => Some(4),
                _ => None,
            },
            ([_, d_hidden, columns], false) => [3, 4]
                .into_iter()
                .find(|gates| *d_hidden > 0 && gates * d_hidden == *columns),
            _ => None,
        };
        let cell = match gates {
            Some(4) => Cell::Lstm,
            Some(_)
                if checkpoint
                    .metadata()
                    .get(CELL)
                    .is_some_and(|cell| cell == RESET_BEFORE) =>
            {
                Cell::GruResetBefore
            }
            Some(_) => Cell::Gru,
            None => {
                let expected = "[directions, d_recurrent, 4 * d_hidden] of an LSTM or \
                                [directions, d_hidden, 3 * d_hidden] of a GRU";
                return Err(checkpoint.misshapen(&name, expected.to_owned()));
            }
        };
        let layers = (0..layers)
            .map(|layer| self.layer(&format!("{start}{layer}."), bias, projected))
            .collect::<Result<_, _>>()?;
        Ok(RecurrentWeights {
            cell,
            layers,
            converted: checkpoint.take_converted(),
        })
    }
}

impl Layers {
    /// The directions of the layer whose tensors' names begin with `start`.
    fn layer(
        &self,
        start: &str,
        bias: bool,
        projected: bool,
    ) -> Result<Vec<DirectionArrays>, WeightsError> {
        let input_weight = format!("{start}{INPUT_WEIGHT}");
        let shape = &self.0.entries()[&input_weight].shape;
        // A tensor without elements may claim any number, and each direction takes room.
        let Some(directions @ 1..=2) = shape.first().copied() else {
            let expected = "[directions, d_input, gates * d_hidden] of one or two directions";
            return Err(self.0.misshapen(&input_weight, expected.to_owned()));
        };
        let read = |own: &str, dimensions: usize| {
            let name = format!("{start}{own}");
            let shape = &self.0.entries()[&name].shape;
            if shape.len() != dimensions || shape[0] != directions {
                let expected =
                    format!("{dimensions} dimensions, the first of {directions} directions");
                return Err(self.0.misshapen(&name, expected));
            }
            self.0.read(&name)
        };
        let maybe = |own, dimensions, there: bool| there.then(|| read(own, dimensions)).transpose();
        let arrays = StackedArrays {
            input_weight: read(INPUT_WEIGHT, 3)?,
            recurrent_weight: read(RECURRENT_WEIGHT, 3)?,
            input_bias: maybe(INPUT_BIAS, 2, bias)?,
            recurrent_bias: maybe(RECURRENT_BIAS, 2, bias)?,
            projection_weight: maybe(PROJECTION_WEIGHT, 3, projected)?,
        };
        Ok(arrays.directions())
    }
}

/// The bytes of a safetensors file of a layer.
pub fn to_bytes(weights: &RecurrentWeights, prefix: &str) -> Vec<u8> {
    let mut tensors = BTreeMap::new();
    for (index, layer) in weights.layers.iter().enumerate() {
        let arrays = StackedArrays::of(layer);
        let own = [
            (INPUT_WEIGHT, Some(arrays.input_weight)),
            (RECURRENT_WEIGHT, Some(arrays.recurrent_weight)),
            (INPUT_BIAS, arrays.input_bias),
            (RECURRENT_BIAS, arrays.recurrent_bias),
            (PROJECTION_WEIGHT, arrays.projection_weight),
        ];
        let there = own
            .into_iter()
            .filter_map(|(own, array)| Some((own, array?)));
        tensors.extend(there.map(|(own, array)| (format!("{prefix}layers.{index}.{own}"), array)));
    }
    let before = weights.cell == Cell::GruResetBefore;
    safetensors_bytes(&tensors, before.then_some((CELL, RESET_BEFORE)))
}
