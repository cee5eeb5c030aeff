//! Where layers are, by the names that Keras gives variables.
//!
//! A variable's path names it: `sequential/bidirectional/forward_lstm/lstm_cell/recurrent_kernel`, in older
//! files with `:0` behind it. Keras' own files number it: `layers/bidirectional/forward_layer/cell/vars/1`.
//! A layer's place is what all its paths begin with, its cell's name left out.
//!
//! By variables' paths the halves of a bidirectional layer are known by their names, `forward_…` and
//! `backward_…` of the same: where the backward half has a name of its own, each half is listed alone.

use std::collections::{BTreeMap, BTreeSet};

/// A layer, and what its tensors' names begin with.
pub struct Place {
    pub prefix: String,
    /// The forward one; the backward one too in a bidirectional layer.
    pub directions: Vec<Direction>,
}

/// One direction of a layer: where its cell's tensors are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Direction {
    /// The cell's path, with what separates it from the rest of a name.
    pub cell: String,
    pub naming: Naming,
}

/// How a cell's tensors are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    /// `kernel`
    Words,
    /// `kernel:0`
    WordsOfTensorFlow,
    /// `vars/0`
    Numbers,
}

/// Which of a cell's tensors, in the order of Keras' numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Kernel,
    RecurrentKernel,
    Bias,
}

impl Part {
    const ALL: [Self; 3] = [Self::Kernel, Self::RecurrentKernel, Self::Bias];

    fn word(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::RecurrentKernel => "recurrent_kernel",
            Self::Bias => "bias",
        }
    }
}

const SEPARATORS: [char; 2] = ['/', '.'];
const NUMBERED: &str = "vars/";
const OF_TENSORFLOW: &str = ":0";
const DIRECTIONS: [&str; 2] = ["forward_", "backward_"];

impl Direction {
    /// The full name of one of the cell's tensors.
    pub fn name(&self, part: Part) -> String {
        let cell = &self.cell;
        match self.naming {
            Naming::Words => format!("{cell}{}", part.word()),
            Naming::WordsOfTensorFlow => format!("{cell}{}{OF_TENSORFLOW}", part.word()),
            Naming::Numbers => format!("{cell}{NUMBERED}{}", part as usize),
        }
    }

    /// Whether a name is that of one of the cell's own tensors, be it one that no cell has.
    pub fn owns(&self, name: &str) -> bool {
        let own = name.strip_prefix(&self.cell);
        match self.naming {
            Naming::Words | Naming::WordsOfTensorFlow => {
                own.is_some_and(|own| !own.contains(SEPARATORS))
            }
            Naming::Numbers => own.is_some_and(|own| own.starts_with(NUMBERED)),
        }
    }

    /// The cell that a tensor of this name belongs to, if it is certainly one of an LSTM or a GRU.
    fn of(name: &str) -> Option<Self> {
        let (path, own) = split(name);
        if let Some(cell) = path.strip_suffix(NUMBERED) {
            let (parent, segment) = last(cell);
            let in_stack = matches!(last(parent).1, "cells");
            let numbered = own.bytes().all(|byte| byte.is_ascii_digit());
            return (numbered && (is_cell(segment) || in_stack)).then(|| Self {
                cell: cell.to_owned(),
                naming: Naming::Numbers,
            });
        }
        let (word, naming) = match own.strip_suffix(OF_TENSORFLOW) {
            Some(word) => (word, Naming::WordsOfTensorFlow),
            None => (own, Naming::Words),
        };
        let part = Part::ALL.into_iter().find(|part| part.word() == word)?;
        // A dense layer has a kernel and a bias as well.
        let certain = part == Part::RecurrentKernel || is_cell(last(path).1);
        certain.then(|| Self {
            cell: path.to_owned(),
            naming,
        })
    }

    /// The path of the layer that the cell is in: of a layer's only cell its own path without its name.
    fn layer(&self) -> &str {
        let (parent, segment) = last(&self.cell);
        match is_cell(segment) {
            true => parent,
            false => &self.cell,
        }
    }

    /// The bidirectional layer that the cell's layer is half of, if its name says so, and which half.
    fn half(&self) -> Option<(&str, usize)> {
        let (parent, segment) = last(self.layer());
        let half = DIRECTIONS
            .iter()
            .position(|direction| segment.starts_with(direction))?;
        Some((parent, half))
    }

    /// The same cell in the other half of a bidirectional layer.
    fn other(&self) -> Option<Self> {
        let (parent, half) = self.half()?;
        let rest = &self.cell[parent.len() + DIRECTIONS[half].len()..];
        Some(Self {
            cell: format!("{parent}{}{rest}", DIRECTIONS[1 - half]),
            naming: self.naming,
        })
    }

    /// Whether the cell's path can be no other than that of half a bidirectional layer.
    fn is_half(&self) -> bool {
        let halves = DIRECTIONS.map(|direction| format!("{direction}layer"));
        self.naming == Naming::Numbers && halves.iter().any(|half| half == last(self.layer()).1)
    }
}

/// The layers of tensors of the given names, sorted by where they are.
pub fn places<'a>(names: impl Iterator<Item = &'a String>) -> Vec<Place> {
    let cells: BTreeSet<Direction> = names.filter_map(|name| Direction::of(name)).collect();
    // Keras may number the cells of one model on, so that halves are found by their layers.
    let by_layer: BTreeMap<&str, &Direction> =
        cells.iter().map(|cell| (cell.layer(), cell)).collect();
    let mut layers = Vec::new();
    for cell in &cells {
        let other = cell.other();
        let found = other.as_ref().and_then(|other| by_layer.get(other.layer()));
        match (cell.half(), found, other) {
            (Some((_, 0)), Some(backward), _) => {
                layers.push(vec![cell.clone(), (*backward).clone()]);
            }
            // Comes with its forward half.
            (Some(_), Some(_), _) => {}
            // The half that is missing is named in an error when the layer is read.
            (Some((_, 0)), None, Some(backward)) if cell.is_half() => {
                layers.push(vec![cell.clone(), backward]);
            }
            (Some(_), None, Some(forward)) if cell.is_half() => {
                layers.push(vec![forward, cell.clone()]);
            }
            _ => layers.push(vec![cell.clone()]),
        }
    }
    let mut places: Vec<Place> = prefixes(&layers)
        .into_iter()
        .zip(layers)
        .map(|(prefix, directions)| Place { prefix, directions })
        .collect();
    places.sort_by(|a, b| a.prefix.cmp(&b.prefix));
    places
}

/// What each layer's names begin with: the layer's path, unless another one has the same.
fn prefixes(layers: &[Vec<Direction>]) -> Vec<String> {
    // From the shortest to the longest.
    let candidates: Vec<Vec<&str>> = layers
        .iter()
        .map(|directions| {
            let cell = &directions[0];
            let whole = match &directions[..] {
                [_, _] => cell.half().map(|(parent, _)| parent),
                _ => None,
            };
            let alone = [cell.layer(), &cell.cell];
            whole.into_iter().chain(alone).collect()
        })
        .collect();
    let mut chosen = vec![0; layers.len()];
    loop {
        let mut by_prefix: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (layer, candidates) in candidates.iter().enumerate() {
            let prefix = candidates[chosen[layer]];
            by_prefix.entry(prefix).or_default().push(layer);
        }
        let mut changed = false;
        for layer in by_prefix
            .into_values()
            .filter(|same| same.len() > 1)
            .flatten()
        {
            if chosen[layer] + 1 < candidates[layer].len() {
                chosen[layer] += 1;
                changed = true;
            }
        }
        if !changed {
            let prefixes = chosen.iter().zip(&candidates);
            return prefixes
                .map(|(chosen, candidates)| candidates[*chosen].to_owned())
                .collect();
        }
    }
}

/// `lstm_cell`, `gru_cell_2`, `cell`.
fn is_cell(segment: &str) -> bool {
    let number = |rest: &str| {
        let digits = rest.strip_prefix('_').unwrap_or(rest);
        digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    segment == "cell"
        || ["lstm_cell", "gru_cell"]
            .into_iter()
            .any(|cell| segment.strip_prefix(cell).is_some_and(number))
}

/// A name's path, with its last separator, and the rest.
fn split(name: &str) -> (&str, &str) {
    // A layer's own name may have dots.
    let separator = match name.contains('/') {
        true => '/',
        false => '.',
    };
    name.split_at(name.rfind(separator).map_or(0, |place| place + 1))
}

/// A path's parent, with its separator, and its last segment, without.
fn last(path: &str) -> (&str, &str) {
    split(path.strip_suffix(SEPARATORS).unwrap_or(path))
}
