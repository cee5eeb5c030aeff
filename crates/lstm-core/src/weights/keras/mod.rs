//! Keras' names and layouts: the layers `LSTM`, `GRU`, `Bidirectional` and `RNN` of an `LSTMCell` or a
//! `GRUCell`.
//!
//! `kernel` is `[d_input, gates * d_hidden]` and `recurrent_kernel` `[d_hidden, gates * d_hidden]`, as ours;
//! an LSTM's gates are in our order, a GRU's are z, r, n. `bias` is `[gates * d_hidden]`, which is the
//! input's here, beside zeros; only a GRU with the reset gate after the product has both biases,
//! `[2, gates * d_hidden]`, and so says where its reset gate is.

mod config;
mod places;

use std::collections::BTreeSet;

use self::config::Config;
use self::places::{Direction, Part, Place, places};
use super::array::Array;
use super::checkpoint::Checkpoint;
use super::error::WeightsError;
use super::format::ReadLayers;
use super::recurrent::{DirectionArrays, RecurrentWeights, gates};
use crate::recurrent::Cell;

/// Our gates r, z, n among Keras' z, r, n.
const GRU_GATES: [usize; 3] = [1, 0, 2];

pub struct Layers {
    checkpoint: Checkpoint,
    places: Vec<Place>,
    config: Config,
}

impl Layers {
    pub fn new(checkpoint: Checkpoint) -> Result<Self, WeightsError> {
        Ok(Self {
            places: places(checkpoint.entries().keys()),
            config: Config::of(&checkpoint)?,
            checkpoint,
        })
    }
}

impl ReadLayers for Layers {
    fn prefixes(&self) -> Vec<String> {
        self.places
            .iter()
            .map(|place| place.prefix.clone())
            .collect()
    }

    fn read(&self, prefix: &str) -> Result<RecurrentWeights, WeightsError> {
        let place = self.places.iter().find(|place| place.prefix == prefix);
        let place = place.expect("a layer is read where one was found");
        let bias = self.check_names(place)?;
        for (direction, reverse) in place.directions.iter().zip([false, true]) {
            if let Some(what) = self.config.unsupported(direction, reverse) {
                return Err(WeightsError::Unsupported {
                    path: self.checkpoint.path().to_owned(),
                    prefix: prefix.to_owned(),
                    what,
                });
            }
        }
        let sizes = self.sizes(place, bias)?;
        let directions = place.directions.iter();
        let layer = directions
            .map(|direction| self.direction(direction, &sizes))
            .collect::<Result<_, _>>()?;
        Ok(RecurrentWeights {
            cell: sizes.cell,
            layers: vec![layer],
            converted: self.checkpoint.take_converted(),
        })
    }
}

/// What a layer is.
struct Sizes {
    cell: Cell,
    d_input: usize,
    d_hidden: usize,
    bias: bool,
}

impl Layers {
    /// That all directions have the same tensors and no others, and whether the bias is among them.
    fn check_names(&self, place: &Place) -> Result<bool, WeightsError> {
        let entries = self.checkpoint.entries();
        let own = place.directions.iter().flat_map(|direction| {
            let names = entries
                .range(direction.cell.clone()..)
                .map(|(name, _)| name);
            let names = names.take_while(|name| name.starts_with(&direction.cell));
            names.filter(|name| direction.owns(name))
        });
        let found: BTreeSet<String> = own.cloned().collect();
        let all = |part: Part| {
            let directions = place.directions.iter();
            directions.map(move |direction| direction.name(part))
        };
        let bias = all(Part::Bias).any(|name| found.contains(&name));
        let mut expected: BTreeSet<String> = all(Part::Kernel)
            .chain(all(Part::RecurrentKernel))
            .collect();
        if bias {
            expected.extend(all(Part::Bias));
        }
        if expected == found {
            return Ok(bias);
        }
        Err(WeightsError::Names {
            path: self.checkpoint.path().to_owned(),
            prefix: place.prefix.clone(),
            missing: expected.difference(&found).cloned().collect(),
            unknown: found.difference(&expected).cloned().collect(),
            found: found.into_iter().collect(),
        })
    }

    /// What the forward direction's shapes say.
    fn sizes(&self, place: &Place, bias: bool) -> Result<Sizes, WeightsError> {
        let direction = &place.directions[0];
        let shape = |part: Part| {
            let name = direction.name(part);
            let shape = self.checkpoint.entries()[&name].shape.clone();
            (name, shape)
        };
        let matrix = |part: Part| match shape(part) {
            (name, shape) if shape.len() == 2 && shape[0] > 0 && shape[1] > 0 => {
                Ok((name, shape[0], shape[1]))
            }
            (name, _) => {
                let expected = "a matrix with sizes above 0".to_owned();
                Err(self.checkpoint.misshapen(&name, expected))
            }
        };
        let (_, d_input, _) = matrix(Part::Kernel)?;
        let (recurrent, d_hidden, columns) = matrix(Part::RecurrentKernel)?;
        let cell = match (columns / d_hidden, columns % d_hidden) {
            (4, 0) => Cell::Lstm,
            (3, 0) if bias => match shape(Part::Bias).1.len() {
                2 => Cell::Gru,
                _ => Cell::GruResetBefore,
            },
            (3, 0) => match self.config.reset_after(direction) {
                Some(false) => Cell::GruResetBefore,
                // Keras' default.
                Some(true) | None => Cell::Gru,
            },
            (1, 0) => {
                return Err(WeightsError::Unsupported {
                    path: self.checkpoint.path().to_owned(),
                    prefix: place.prefix.clone(),
                    what: "has no gates: it is a plain RNN, expected an LSTM or a GRU".to_owned(),
                });
            }
            _ => {
                let expected = format!(
                    "[{d_hidden}, 4 * {d_hidden}] of an LSTM or [{d_hidden}, 3 * {d_hidden}] of a GRU"
                );
                return Err(self.checkpoint.misshapen(&recurrent, expected));
            }
        };
        Ok(Sizes {
            cell,
            d_input,
            d_hidden,
            bias,
        })
    }

    fn direction(
        &self,
        direction: &Direction,
        sizes: &Sizes,
    ) -> Result<DirectionArrays, WeightsError> {
        let read = |part: Part, shape: &[usize]| {
            let array = self.checkpoint.read_shaped(&direction.name(part), shape)?;
            Ok::<_, WeightsError>(match sizes.cell {
                Cell::Lstm => array,
                Cell::Gru | Cell::GruResetBefore => array.with_gates(&GRU_GATES),
            })
        };
        let columns = gates(sizes.cell) * sizes.d_hidden;
        let (input_bias, recurrent_bias) = match (sizes.bias, sizes.cell) {
            (false, _) => (None, None),
            (true, Cell::Gru) => {
                let mut input = read(Part::Bias, &[2, columns])?.values;
                let recurrent = input.split_off(columns);
                (Some(input), Some(recurrent))
            }
            (true, Cell::Lstm | Cell::GruResetBefore) => {
                let input = read(Part::Bias, &[columns])?.values;
                (Some(input), Some(vec![0.0; columns]))
            }
        };
        let bias = |values: Option<Vec<f32>>| values.map(|values| Array::new([columns], values));
        Ok(DirectionArrays {
            input_weight: read(Part::Kernel, &[sizes.d_input, columns])?,
            recurrent_weight: read(Part::RecurrentKernel, &[sizes.d_hidden, columns])?,
            input_bias: bias(input_bias),
            recurrent_bias: bias(recurrent_bias),
            projection_weight: None,
        })
    }
}
