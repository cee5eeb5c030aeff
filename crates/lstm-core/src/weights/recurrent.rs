//! The weights of a stack of layers on the host: what every format is read into and written from.

use std::collections::BTreeMap;

use super::array::Array;
use super::checkpoint::Converted;
use super::error::WeightsError;
use super::format::dotted;
use super::pytorch;
use crate::gate::{GruGate, LstmGate};
use crate::recurrent::Cell;

/// The weights of a stack of layers, on the host, in the order in which the layers here keep them:
/// gates side by side in PyTorch's order (LSTM i, f, g, o; GRU r, z, n), and both biases apart.
///
/// Formats with one bias a gate (Keras' LSTM) are read with the other one zero. Whoever goes on
/// training should know that two biases learn twice as fast as one.
#[derive(Debug, Clone, PartialEq)]
pub struct RecurrentWeights {
    /// Which cell.
    pub cell: Cell,
    /// Each layer's directions: the forward one, and in bidirectional layers the reverse one.
    pub layers: Vec<Vec<DirectionArrays>>,
    /// The tensors that were of another type in the file than 32-bit floats.
    pub converted: Vec<Converted>,
}

/// The weights of one direction of one layer; columns of `gates * d_hidden` have all gates side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectionArrays {
    /// `[d_input, gates * d_hidden]`
    pub input_weight: Array,
    /// `[d_recurrent, gates * d_hidden]`, where d_recurrent is d_projection, or d_hidden without a
    /// projection
    pub recurrent_weight: Array,
    /// `[gates * d_hidden]`
    pub input_bias: Option<Array>,
    /// `[gates * d_hidden]`
    pub recurrent_bias: Option<Array>,
    /// `[d_hidden, d_projection]`
    pub projection_weight: Option<Array>,
}

impl RecurrentWeights {
    /// How many gates the cell has.
    pub fn gates(&self) -> usize {
        gates(self.cell)
    }

    /// 2 if the layers are bidirectional, else 1.
    pub fn directions(&self) -> usize {
        self.layers[0].len()
    }

    /// Features of the input.
    pub fn d_input(&self) -> usize {
        self.layers[0][0].input_weight.shape[0]
    }

    /// Features of the cell state of one layer in one direction, and of its hidden state where that is
    /// not projected.
    pub fn d_hidden(&self) -> usize {
        self.layers[0][0].recurrent_weight.shape[1] / self.gates()
    }

    /// Features that the hidden state is projected to, if it is.
    pub fn d_projection(&self) -> Option<usize> {
        let weight = self.layers[0][0].projection_weight.as_ref()?;
        Some(weight.shape[1])
    }

    /// Whether the gates have biases.
    pub fn bias(&self) -> bool {
        self.layers[0][0].input_bias.is_some()
    }

    /// How many numbers there are in all arrays.
    pub fn parameters(&self) -> usize {
        let arrays = self.layers.iter().flatten().flat_map(|arrays| {
            [
                Some(&arrays.input_weight),
                Some(&arrays.recurrent_weight),
                arrays.input_bias.as_ref(),
                arrays.recurrent_bias.as_ref(),
                arrays.projection_weight.as_ref(),
            ]
        });
        arrays.flatten().map(|array| array.values.len()).sum()
    }

    /// PyTorch's `state_dict`: what each tensor is called there, after `prefix`, and how it lies. Of
    /// gradients in the place of weights, those that PyTorch's parameters have.
    ///
    /// # Errors
    ///
    /// Sizes that do not fit each other, a layer that PyTorch does not have.
    pub fn state_dict(&self, prefix: &str) -> Result<BTreeMap<String, Array>, WeightsError> {
        self.check()?;
        pytorch::state_dict(self, &dotted(prefix))
    }

    /// Checks that all arrays are there and fit each other, so that the rest can trust them.
    ///
    /// # Errors
    ///
    /// The first array that is missing, too many, or of another shape than the others ask for.
    pub fn check(&self) -> Result<(), WeightsError> {
        let layers = self.layers.len();
        let directions = self.layers.first().map_or(0, Vec::len);
        if layers == 0 || !(1..=2).contains(&directions) {
            return Err(size(
                "a stack",
                format!("{layers} layers of {directions} directions"),
                "at least one layer of one or two directions",
            ));
        }
        let first = &self.layers[0][0];
        let gates = self.gates();
        let ([d_input, _], [d_recurrent, columns]) = (
            dimensions(&first.input_weight, "the first input weight")?,
            dimensions(&first.recurrent_weight, "the first recurrent weight")?,
        );
        let d_hidden = columns / gates;
        if columns == 0 || d_recurrent == 0 || d_input == 0 || columns % gates != 0 {
            return Err(size(
                "the first recurrent weight",
                format!("{:?}", first.recurrent_weight.shape),
                &format!("[d_hidden, {gates} * d_hidden], with sizes above 0"),
            ));
        }
        let d_projection = first.projection_weight.is_some().then_some(d_recurrent);
        if self.cell != Cell::Lstm && d_projection.is_some() {
            return Err(size("a projection", "that of a GRU".into(), "an LSTM's"));
        }
        if d_projection.is_some_and(|projection| projection >= d_hidden) {
            return Err(size(
                "the projection",
                d_recurrent.to_string(),
                &format!("narrower than the hidden state, {d_hidden}"),
            ));
        }
        let bias = first.input_bias.is_some().then(|| vec![columns]);
        for (index, layer) in self.layers.iter().enumerate() {
            let d_below = match index {
                0 => d_input,
                _ => directions * d_recurrent,
            };
            if layer.len() != directions {
                return Err(size(
                    &format!("layer {index}"),
                    format!("of {} directions", layer.len()),
                    &format!("{directions}, as the first layer"),
                ));
            }
            for arrays in layer {
                let expected = [
                    (
                        "input weight",
                        Some(&arrays.input_weight),
                        Some(vec![d_below, columns]),
                    ),
                    (
                        "recurrent weight",
                        Some(&arrays.recurrent_weight),
                        Some(vec![d_projection.unwrap_or(d_hidden), columns]),
                    ),
                    ("input bias", arrays.input_bias.as_ref(), bias.clone()),
                    (
                        "recurrent bias",
                        arrays.recurrent_bias.as_ref(),
                        bias.clone(),
                    ),
                    (
                        "projection weight",
                        arrays.projection_weight.as_ref(),
                        d_projection.map(|projection| vec![d_hidden, projection]),
                    ),
                ];
                for (name, array, shape) in expected {
                    let found = array.map(|array| array.shape.clone());
                    if found != shape {
                        return Err(size(
                            &format!("the {name} of layer {index}"),
                            shape_or_none(found),
                            &shape_or_none(shape),
                        ));
                    }
                    if let Some(array) = array
                        && array.values.len() != array.shape.iter().product::<usize>()
                    {
                        return Err(size(
                            &format!("the {name} of layer {index}"),
                            format!("{} values", array.values.len()),
                            &format!("as many as {:?} has", array.shape),
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

/// How many gates a cell has.
pub fn gates(cell: Cell) -> usize {
    match cell {
        Cell::Lstm => LstmGate::COUNT,
        Cell::Gru | Cell::GruResetBefore => GruGate::COUNT,
    }
}

fn dimensions(array: &Array, name: &str) -> Result<[usize; 2], WeightsError> {
    <[usize; 2]>::try_from(&array.shape[..])
        .map_err(|_| size(name, format!("{:?}", array.shape), "a matrix"))
}

fn shape_or_none(shape: Option<Vec<usize>>) -> String {
    shape.map_or("none".to_owned(), |shape| format!("{shape:?}"))
}

fn size(what: &str, found: String, expected: &str) -> WeightsError {
    WeightsError::Size {
        what: what.to_owned(),
        found,
        expected: expected.to_owned(),
    }
}
