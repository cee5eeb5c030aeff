//! PyTorch's names and layouts: `torch.nn.LSTM`, `torch.nn.GRU`, and their cells.
//!
//! A weight is `[gates * d_hidden, d_input]`, the transpose of ours, with the gates in our order; a
//! projection is `[d_projection, d_hidden]`. A cell's names lack the layer: `weight_ih`.

use std::collections::{BTreeMap, BTreeSet};

use super::array::Array;
use super::checkpoint::{Checkpoint, safetensors_bytes};
use super::error::WeightsError;
use super::format::{Format, ReadLayers};
use super::recurrent::{DirectionArrays, RecurrentWeights};
use crate::recurrent::Cell;

pub struct Layers(pub Checkpoint);

impl ReadLayers for Layers {
    fn prefixes(&self) -> Vec<String> {
        let layers: BTreeSet<String> = self
            .0
            .entries()
            .keys()
            .map(|name| split(name))
            .filter(|(_, own)| Name::parse(own).is_some())
            .map(|(prefix, _)| prefix.to_owned())
            .collect();
        layers.into_iter().collect()
    }

    fn read(&self, prefix: &str) -> Result<RecurrentWeights, WeightsError> {
        let plan = Plan::of(&self.0, prefix)?;
        let layers = (0..plan.layers)
            .map(|layer| {
                let directions = [false, true].into_iter().take(plan.directions);
                directions
                    .map(|reverse| self.direction(prefix, &plan, layer, reverse))
                    .collect()
            })
            .collect::<Result<_, _>>()?;
        Ok(RecurrentWeights {
            cell: plan.cell,
            layers,
            converted: self.0.take_converted(),
        })
    }
}

impl Layers {
    fn direction(
        &self,
        prefix: &str,
        plan: &Plan,
        layer: usize,
        reverse: bool,
    ) -> Result<DirectionArrays, WeightsError> {
        let read = |part: Part, shape: &[usize]| {
            let name = Name {
                part,
                layer: plan.numbered.then_some(layer),
                reverse,
            };
            self.0.read_shaped(&format!("{prefix}{name}"), shape)
        };
        let matrix =
            |part, shape: [usize; 2]| Ok::<_, WeightsError>(read(part, &shape)?.transposed());
        let columns = plan.gates * plan.d_hidden;
        let bias = |part| plan.bias.then(|| read(part, &[columns])).transpose();
        let d_below = match layer {
            0 => plan.d_input,
            _ => plan.directions * plan.d_recurrent,
        };
        Ok(DirectionArrays {
            input_weight: matrix(Part::InputWeight, [columns, d_below])?,
            recurrent_weight: matrix(Part::RecurrentWeight, [columns, plan.d_recurrent])?,
            input_bias: bias(Part::InputBias)?,
            recurrent_bias: bias(Part::RecurrentBias)?,
            projection_weight: plan
                .projected
                .then(|| matrix(Part::Projection, [plan.d_recurrent, plan.d_hidden]))
                .transpose()?,
        })
    }
}

/// The bytes of a safetensors file of a layer.
pub fn to_bytes(weights: &RecurrentWeights, prefix: &str) -> Result<Vec<u8>, WeightsError> {
    let tensors = state_dict(weights, prefix)?;
    Ok(safetensors_bytes(&tensors, Some(("format", "pt"))))
}

/// A layer's tensors by PyTorch's names, in its layout.
pub fn state_dict(
    weights: &RecurrentWeights,
    prefix: &str,
) -> Result<BTreeMap<String, Array>, WeightsError> {
    if weights.cell == Cell::GruResetBefore {
        return Err(WeightsError::NoPlace {
            format: Format::PyTorch,
            what: "GRU with the reset gate before the product".to_owned(),
        });
    }
    let mut tensors = BTreeMap::new();
    for (layer, directions) in weights.layers.iter().enumerate() {
        for (arrays, reverse) in directions.iter().zip([false, true]) {
            let mut add = |part, array: Array| {
                let name = Name {
                    part,
                    layer: Some(layer),
                    reverse,
                };
                tensors.insert(format!("{prefix}{name}"), array);
            };
            add(Part::InputWeight, arrays.input_weight.transposed());
            add(Part::RecurrentWeight, arrays.recurrent_weight.transposed());
            if let Some(bias) = &arrays.input_bias {
                add(Part::InputBias, bias.clone());
            }
            if let Some(bias) = &arrays.recurrent_bias {
                add(Part::RecurrentBias, bias.clone());
            }
            if let Some(weight) = &arrays.projection_weight {
                add(Part::Projection, weight.transposed());
            }
        }
    }
    Ok(tensors)
}

/// What a layer is, as far as the names and the first shapes say.
struct Plan {
    cell: Cell,
    gates: usize,
    layers: usize,
    directions: usize,
    /// Whether the names have the number of the layer.
    numbered: bool,
    bias: bool,
    projected: bool,
    d_input: usize,
    d_hidden: usize,
    d_recurrent: usize,
}

impl Plan {
    fn of(checkpoint: &Checkpoint, prefix: &str) -> Result<Self, WeightsError> {
        let found: Vec<&str> = checkpoint
            .entries()
            .keys()
            .filter_map(|name| name.strip_prefix(prefix))
            .filter(|own| !own.contains('.'))
            .collect();
        let names: Vec<Name> = found.iter().filter_map(|own| Name::parse(own)).collect();
        let numbered = names.iter().any(|name| name.layer.is_some());
        let layers = names.iter().filter_map(|name| name.layer).max();
        // One layer more than there are names cannot be complete.
        let layers = layers.map_or(1, |last| last.min(names.len()) + 1);
        let directions = 1 + usize::from(names.iter().any(|name| name.reverse));
        let has = |part: Part| names.iter().any(|name| name.part == part);
        let projected = has(Part::Projection);
        let bias = has(Part::InputBias) || has(Part::RecurrentBias);

        let parts = Part::ALL.into_iter().filter(|part| match part {
            Part::InputWeight | Part::RecurrentWeight => true,
            Part::InputBias | Part::RecurrentBias => bias,
            Part::Projection => projected,
        });
        let expected: BTreeSet<String> = parts
            .flat_map(|part| (0..layers).map(move |layer| (part, layer)))
            .flat_map(|(part, layer)| {
                [false, true]
                    .into_iter()
                    .take(directions)
                    .map(move |reverse| Name {
                        part,
                        layer: numbered.then_some(layer),
                        reverse,
                    })
            })
            .map(|name| name.to_string())
            .collect();
        let found: BTreeSet<String> = found.into_iter().map(str::to_owned).collect();
        if expected != found {
            let full =
                |names: Vec<&String>| names.iter().map(|own| format!("{prefix}{own}")).collect();
            return Err(WeightsError::Names {
                path: checkpoint.path().to_owned(),
                prefix: prefix.to_owned(),
                missing: full(expected.difference(&found).collect()),
                unknown: full(found.difference(&expected).collect()),
                found: full(found.iter().collect()),
            });
        }

        let first = |part| {
            let name = Name {
                part,
                layer: numbered.then_some(0),
                reverse: false,
            };
            let name = format!("{prefix}{name}");
            match checkpoint.entries()[&name].shape[..] {
                [rows, columns] if rows > 0 && columns > 0 => Ok((name, rows, columns)),
                _ => Err(checkpoint.misshapen(&name, "a matrix with sizes above 0".to_owned())),
            }
        };
        let (_, _, d_input) = first(Part::InputWeight)?;
        let (recurrent, rows, d_recurrent) = first(Part::RecurrentWeight)?;
        let d_hidden = match projected {
            true => first(Part::Projection)?.2,
            false => d_recurrent,
        };
        let cell = match (rows / d_hidden, rows % d_hidden, projected) {
            (4, 0, _) => Cell::Lstm,
            (3, 0, false) => Cell::Gru,
            (1, 0, false) => {
                return Err(WeightsError::Unsupported {
                    path: checkpoint.path().to_owned(),
                    prefix: prefix.to_owned(),
                    what: "has no gates: it is a plain RNN, expected an LSTM or a GRU".to_owned(),
                });
            }
            _ => {
                let expected = match projected {
                    true => format!("[4 * {d_hidden}, {d_recurrent}] of a projected LSTM"),
                    false => format!(
                        "[4 * {d_hidden}, {d_hidden}] of an LSTM or [3 * {d_hidden}, {d_hidden}] of a GRU"
                    ),
                };
                return Err(checkpoint.misshapen(&recurrent, expected));
            }
        };
        Ok(Self {
            cell,
            gates: rows / d_hidden,
            layers,
            directions,
            numbered,
            bias,
            projected,
            d_input,
            d_hidden,
            d_recurrent,
        })
    }
}

/// Which of a direction's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    InputWeight,
    RecurrentWeight,
    InputBias,
    RecurrentBias,
    Projection,
}

impl Part {
    const ALL: [Self; 5] = [
        Self::InputWeight,
        Self::RecurrentWeight,
        Self::InputBias,
        Self::RecurrentBias,
        Self::Projection,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::InputWeight => "weight_ih",
            Self::RecurrentWeight => "weight_hh",
            Self::InputBias => "bias_ih",
            Self::RecurrentBias => "bias_hh",
            Self::Projection => "weight_hr",
        }
    }
}

/// A tensor's own name: `weight_ih_l0_reverse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Name {
    part: Part,
    /// None of a cell's.
    layer: Option<usize>,
    reverse: bool,
}

impl Name {
    fn parse(own: &str) -> Option<Self> {
        let part = Part::ALL
            .into_iter()
            .find(|part| own.starts_with(part.name()))?;
        let rest = &own[part.name().len()..];
        let (rest, reverse) = match rest.strip_suffix("_reverse") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let layer = match rest.strip_prefix("_l") {
            Some(number) => Some(number.parse().ok()?),
            None if rest.is_empty() && !reverse => None,
            None => return None,
        };
        let name = Self {
            part,
            layer,
            reverse,
        };
        // Not `_l+1` or `_l01`.
        (name.to_string() == own).then_some(name)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.part.name())?;
        if let Some(layer) = self.layer {
            write!(formatter, "_l{layer}")?;
        }
        formatter.write_str(if self.reverse { "_reverse" } else { "" })
    }
}

/// A full name's prefix, with its last dot, and the rest.
fn split(name: &str) -> (&str, &str) {
    name.split_at(name.rfind('.').map_or(0, |dot| dot + 1))
}
