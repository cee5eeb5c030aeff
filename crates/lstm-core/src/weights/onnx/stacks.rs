//! Which nodes are the layers of one stack.
//!
//! ONNX has no stack: exporters write a node for each layer, and between them bring `Y`
//! `[time, directions, batch, hidden]` into the shape of `X` `[time, batch, directions * hidden]`.

use std::collections::{HashMap, HashSet};

use super::graph::Graph;
use super::node::{OnnxDirection, OnnxLayout, Settings, input};
use super::operators;
use super::proto::Node;

/// How many nodes may lie between two layers.
const FARTHEST: usize = 16;

/// The recurrent nodes of each stack, from the first layer up, in the order of the first ones.
pub fn find(graph: &Graph, recurrent: &[usize]) -> Vec<Vec<usize>> {
    let below: Vec<(usize, usize)> = recurrent
        .iter()
        .filter_map(|above| Some((below(graph, *above)?, *above)))
        .collect();
    // Where several nodes read one output, none of them is its only next layer.
    let mut readers = HashMap::new();
    for (below, _) in &below {
        *readers.entry(*below).or_insert(0) += 1;
    }
    let above: HashMap<usize, usize> = below
        .into_iter()
        .filter(|(below, _)| readers[below] == 1)
        .collect();
    let upper: HashSet<usize> = above.values().copied().collect();
    let from = |node: &usize| {
        std::iter::successors(Some(*node), |node| above.get(node).copied()).collect::<Vec<_>>()
    };
    let first = recurrent.iter().filter(|node| !upper.contains(node));
    let stacks: Vec<Vec<usize>> = first.map(from).collect();
    // A cycle has no first layer; no model that runs has one.
    let stacked: HashSet<usize> = stacks.iter().flatten().copied().collect();
    let cyclic = recurrent.iter().filter(|node| !stacked.contains(node));
    let cyclic: Vec<Vec<usize>> = cyclic.map(|node| vec![*node]).collect();
    [stacks, cyclic].concat()
}

/// The node whose output is all that the given one reads, if both can be layers of one stack.
fn below(graph: &Graph, above: usize) -> Option<usize> {
    let node = &graph.nodes()[above];
    let settings = Settings::of(node).ok()?;
    let mut between = Vec::new();
    let mut name = node.given(input::X)?;
    let below = loop {
        let (index, 0) = graph.producer(name)? else {
            return None;
        };
        let node = &graph.nodes()[index];
        if matches!(node.operator(), Some("LSTM" | "GRU")) {
            break index;
        }
        if between.len() == FARTHEST {
            return None;
        }
        between.push(node);
        name = node.given(0)?;
    };
    let lower = &graph.nodes()[below];
    let same = Settings::of(lower).ok()? == settings
        && settings.hidden_size.is_some()
        && settings.direction != OnnxDirection::Reverse
        && lower.given(input::B).is_some() == node.given(input::B).is_some()
        && lower.given(input::SEQUENCE_LENS) == node.given(input::SEQUENCE_LENS);
    let mut axes = output_axes(&settings);
    for node in between.into_iter().rev() {
        axes = passed(graph, node, axes, &settings)?;
    }
    (same && axes == input_axes(&settings)).then_some(below)
}

/// What an axis of a tensor between two layers counts: several things one after the other if they were
/// joined, nothing if it is 1.
type Axes = Vec<Vec<Counted>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Time,
    Batch,
    Direction,
    Feature,
}

fn features(settings: &Settings) -> Vec<Counted> {
    match settings.direction.count() {
        1 => vec![Counted::Feature],
        _ => vec![Counted::Direction, Counted::Feature],
    }
}

fn output_axes(settings: &Settings) -> Axes {
    use Counted::{Batch, Direction, Feature, Time};
    let direction = match settings.direction.count() {
        1 => vec![],
        _ => vec![Direction],
    };
    match settings.layout {
        OnnxLayout::TimeFirst => vec![vec![Time], direction, vec![Batch], vec![Feature]],
        OnnxLayout::BatchFirst => vec![vec![Batch], vec![Time], direction, vec![Feature]],
    }
}

fn input_axes(settings: &Settings) -> Axes {
    let features = features(settings);
    match settings.layout {
        OnnxLayout::TimeFirst => vec![vec![Counted::Time], vec![Counted::Batch], features],
        OnnxLayout::BatchFirst => vec![vec![Counted::Batch], vec![Counted::Time], features],
    }
}

/// What a node makes of the axes, if it only moves, drops or joins them.
fn passed(graph: &Graph, node: &Node, axes: Axes, settings: &Settings) -> Option<Axes> {
    match node.operator()? {
        "Identity" | "Dropout" => Some(axes),
        "Transpose" => {
            let order = operators::permutation(node, axes.len()).ok()?;
            Some(order.into_iter().map(|axis| axes[axis].clone()).collect())
        }
        "Squeeze" => {
            let list = named_axes(graph, node)?;
            let mut dropped = Vec::new();
            for axis in list {
                dropped.push(operators::axis(axis, axes.len()).ok()?);
            }
            let single = dropped.iter().all(|axis| axes[*axis].is_empty());
            let left = (0..axes.len()).filter(|axis| !dropped.contains(axis));
            single.then(|| left.map(|axis| axes[axis].clone()).collect())
        }
        "Unsqueeze" => {
            let input = node.given(1).and_then(|name| graph.constant(name).ok());
            operators::unsqueezed(node, input.as_ref(), &axes, Vec::new()).ok()
        }
        "Reshape" => joined(graph, node, axes, settings),
        _ => None,
    }
}

fn named_axes(graph: &Graph, node: &Node) -> Option<Vec<i64>> {
    match node.given(1) {
        Some(name) => Some(graph.constant(name).ok()?.integers()?.to_vec()),
        None => Some(node.attribute("axes")?.ints.clone()),
    }
}

/// A Reshape from 4 axes to 3 that joins the last two, directions and features. Its shape is often computed
/// from that of its input; no other shape of 3 axes would fit the node above, but for one that mixes
/// sequences, which no exporter writes.
fn joined(graph: &Graph, node: &Node, axes: Axes, settings: &Settings) -> Option<Axes> {
    let [first, second, third, last] = <[Vec<Counted>; 4]>::try_from(axes).ok()?;
    let joined = [third, last].concat();
    if joined != features(settings) {
        return None;
    }
    let shape = node.given(1).and_then(|name| graph.constant(name).ok());
    if let Some(shape) = shape {
        let [.., size] = *<&[i64; 3]>::try_from(shape.integers()?).ok()?;
        let features = settings
            .direction
            .count()
            .checked_mul(settings.hidden_size?)?;
        if size != -1 && usize::try_from(size) != Ok(features) {
            return None;
        }
    }
    Some(vec![first, second, joined])
}
