//! One direction's way back through time.

use std::ops::Range;

use burn::tensor::{Device, Tensor};

use super::gru::{ResetAfterGradient, ResetBeforeGradient};
use super::lstm::LstmGradient;
use super::{CellGradient, Given, Layer, StepGradients, rows_of};
use crate::gate::ResetGate;
use crate::sequence::operation::{AsTensors, InputGradients, Settings, Wanted};
use crate::sequence::packing::{Order, Packing};
use crate::sequence::reference::{indices, of_direction, scatter, sort, unsort};
use crate::sequence::{Recurrence, SequenceOptions};
use crate::weights::DirectionWeights;

/// One direction of a layer that has been run, ready to go back.
pub(super) struct Direction<'a> {
    recurrence: Recurrence,
    weights: DirectionWeights,
    /// `[batch * time, d_input]`
    x: Tensor<2>,
    /// `[batch * time, d_recurrent]`
    output: Tensor<2>,
    /// `[batch * time, d_recurrent]`
    d_output: Option<Tensor<2>>,
    /// The initial one `[batch, d_recurrent]`, sorted.
    hidden: Tensor<2>,
    /// `[batch, d_recurrent]`, sorted.
    mask: Option<Tensor<2>>,
    packing: &'a Packing,
    order: &'a Order,
    options: &'a SequenceOptions,
    wanted: &'a Wanted,
    device: Device,
}

/// The gradients of one direction.
#[derive(Default)]
pub(super) struct DirectionGradients {
    /// `[batch * time, d_input]`
    x: Option<Tensor<2>>,
    input_weight: Option<Tensor<2>>,
    recurrent_weight: Option<Tensor<2>>,
    /// `[1, gates * d_hidden]`
    input_bias: Option<Tensor<2>>,
    /// `[1, gates * d_hidden]`
    recurrent_bias: Option<Tensor<2>>,
    projection_weight: Option<Tensor<2>>,
    /// Of the initial states `[batch, features]`, hidden first.
    initial: Vec<Tensor<2>>,
}

impl<'a> Direction<'a> {
    /// `shown` are the output and its gradient, of all directions.
    pub fn new(
        recurrence: Recurrence,
        layer: &Layer,
        shown: [&Option<Tensor<3>>; 2],
        direction: usize,
        settings: &'a Settings,
        wanted: &'a Wanted,
    ) -> Self {
        let (packing, options) = (&*settings.packing, &settings.options);
        let (batch, time) = (packing.batch, packing.time);
        let [_, _, d_input] = layer.x.dims();
        let [_, _, d_recurrent] = layer.hidden.dims();
        let own = direction * d_recurrent..(direction + 1) * d_recurrent;
        let [output, d_output] = shown.map(|all| {
            let all = all.clone()?.slice([0..batch, 0..time, own.clone()]);
            Some(all.reshape([batch * time, d_recurrent]))
        });
        let device = layer.x.device();
        let mask = options.mask_of(direction, [batch, d_recurrent], (&device, layer.x.dtype()));
        Self {
            recurrence,
            weights: layer.weights(direction),
            x: layer.x.clone().reshape([batch * time, d_input]),
            output: output.expect("a layer that has been run"),
            d_output,
            hidden: sort(of_direction(&layer.hidden, direction), packing),
            mask: mask.map(|mask| sort(mask, packing)),
            packing,
            order: packing.direction(direction),
            options,
            wanted,
            device,
        }
    }

    /// Goes back through all steps. `cells` were kept by the forward pass; `d_final` are the gradients
    /// of the final states `[batch, features]`, hidden first.
    pub fn go(&self, mut cells: Vec<Tensor<2>>, d_final: Vec<Tensor<2>>) -> DirectionGradients {
        let mut states = StateGradients::new(d_final, self.packing);
        let mut found = DirectionGradients::default();
        let mut d_x = Vec::new();
        for steps in self.stretches(!cells.is_empty()).into_iter().rev() {
            let cells = cells.split_off(cells.len() - self.kept(&steps, &cells));
            let cell = self.cell(&steps, cells);
            let gradients = self.stretch(&steps, &*cell, &mut states);
            d_x.extend(self.accumulate(&mut found, &*cell, &steps, &gradients));
        }
        if !d_x.is_empty() {
            d_x.reverse();
            found.x = Some(scatter(d_x, self.packing, self.order));
        }
        found.initial = states.initial(self.packing);
        found
    }

    /// The time loop over a stretch.
    fn stretch(
        &self,
        steps: &Range<usize>,
        cell: &dyn CellGradient,
        states: &mut StateGradients,
    ) -> StepGradients {
        let Packing {
            offsets, active, ..
        } = self.packing;
        let packed = self.packed(steps);
        let d_output = self.d_output.as_ref().map(|d_output| {
            let places = &self.order.gather[packed.clone()];
            d_output.clone().select(0, indices(places, &self.device))
        });
        let (mut recurrent, mut hidden) = (Vec::new(), Vec::new());
        for step in steps.clone().rev() {
            let rows = offsets[step] - packed.start..offsets[step + 1] - packed.start;
            let mut d_after = states.joined(active[step]);
            if let Some(d_output) = &d_output {
                d_after[0] = d_after[0].clone() + rows_of(d_output, &rows);
            }
            hidden.push(d_after[0].clone());
            let (d_recurrent, d_before) = cell.step(rows, d_after);
            recurrent.push(d_recurrent);
            states.running = Some(d_before);
        }
        recurrent.reverse();
        hidden.reverse();
        StepGradients {
            recurrent: Tensor::cat(recurrent, 0),
            hidden,
        }
    }

    /// The time steps that are gone through at once, in the order of time: those between kept cell
    /// states, where not all were kept.
    fn stretches(&self, keeps_cells: bool) -> Vec<Range<usize>> {
        match self.options.checkpoint_every {
            Some(every) if keeps_cells => {
                let steps = self.packing.active.len();
                let starts = (0..steps).step_by(every.max(1));
                starts
                    .map(|start| start..start.saturating_add(every.max(1)).min(steps))
                    .collect()
            }
            _ => self.packing.stretches(),
        }
    }

    /// The packed steps of a stretch.
    fn packed(&self, steps: &Range<usize>) -> Range<usize> {
        self.packing.offsets[steps.start]..self.packing.offsets[steps.end]
    }

    /// How many of the kept cell states belong to these steps.
    fn kept(&self, steps: &Range<usize>, cells: &[Tensor<2>]) -> usize {
        match self.options.checkpoint_every {
            _ if cells.is_empty() => 0,
            Some(_) => 1,
            None => steps.len(),
        }
    }

    fn cell(&self, steps: &Range<usize>, cells: Vec<Tensor<2>>) -> Box<dyn CellGradient> {
        let weights = &self.weights;
        let given = self.given(steps);
        match self.recurrence {
            Recurrence::Lstm => {
                let active = &self.packing.active[steps.clone()];
                let clip = self.options.cell_clip;
                Box::new(LstmGradient::new(weights, clip, given, cells, active))
            }
            Recurrence::Gru(ResetGate::AfterProduct) => {
                Box::new(ResetAfterGradient::new(weights, given))
            }
            Recurrence::Gru(ResetGate::BeforeProduct) => {
                Box::new(ResetBeforeGradient::new(weights, given))
            }
        }
    }

    fn given(&self, steps: &Range<usize>) -> Given {
        let Packing {
            offsets, active, ..
        } = self.packing;
        let gather = &self.order.gather;
        let step = self.recurrence.time_step(&self.weights, self.options);

        // h_{t-1} lies where the step before put it out.
        let mut hidden = Vec::new();
        if steps.start == 0 {
            hidden.push(self.hidden.clone().slice([0..active[0]]));
        }
        let later = steps.start.max(1)..steps.end;
        let places: Vec<usize> = later
            .flat_map(|step| &gather[offsets[step - 1]..][..active[step]])
            .copied()
            .collect();
        if !places.is_empty() {
            hidden.push(
                self.output
                    .clone()
                    .select(0, indices(&places, &self.device)),
            );
        }
        let mask = self.mask.as_ref().map(|mask| {
            let rows: Vec<usize> = active[steps.clone()]
                .iter()
                .flat_map(|&active| 0..active)
                .collect();
            mask.clone().select(0, indices(&rows, &self.device))
        });
        Given {
            projected: step.project(self.x_of(steps)),
            hidden: Tensor::cat(hidden, 0),
            mask,
        }
    }

    fn x_of(&self, steps: &Range<usize>) -> Tensor<2> {
        let places = &self.order.gather[self.packed(steps)];
        self.x.clone().select(0, indices(places, &self.device))
    }

    /// Adds a stretch's part to the gradients of the weights; the gradient of its inputs, if wanted.
    fn accumulate(
        &self,
        found: &mut DirectionGradients,
        cell: &dyn CellGradient,
        steps: &Range<usize>,
        gradients: &StepGradients,
    ) -> Option<Tensor<2>> {
        let wanted = self.wanted;
        if wanted.recurrent_weight {
            add(
                &mut found.recurrent_weight,
                cell.recurrent_weight(gradients),
            );
        }
        if wanted.recurrent_bias {
            add(
                &mut found.recurrent_bias,
                gradients.recurrent.clone().sum_dim(0),
            );
        }
        if wanted.projection_weight
            && let Some(part) = cell.projection_weight(gradients)
        {
            add(&mut found.projection_weight, part);
        }
        if !(wanted.x || wanted.input_weight || wanted.input_bias) {
            return None;
        }
        let projected = cell.projected(gradients);
        if wanted.input_bias {
            add(&mut found.input_bias, projected.clone().sum_dim(0));
        }
        if wanted.input_weight {
            let x = self.x_of(steps).transpose();
            add(&mut found.input_weight, x.matmul(projected.clone()));
        }
        let weight = self.weights.input_weight.clone().transpose();
        wanted.x.then(|| projected.matmul(weight))
    }
}

/// The gradients of the states on their way back.
struct StateGradients {
    /// Of the sequences that are running, hidden first.
    running: Option<Vec<Tensor<2>>>,
    /// How many those are.
    rows: usize,
    /// Of the final states `[batch, features]`, sorted, hidden first.
    finals: Vec<Tensor<2>>,
}

impl StateGradients {
    fn new(finals: Vec<Tensor<2>>, packing: &Packing) -> Self {
        let sorted = finals.into_iter().map(|state| sort(state, packing));
        Self {
            running: None,
            rows: 0,
            finals: sorted.collect(),
        }
    }

    /// Those of the first `rows` sequences: of the ones that run already, and below them of the ones
    /// that end here, whose states are final.
    fn joined(&mut self, rows: usize) -> Vec<Tensor<2>> {
        let ending = self.rows..rows;
        self.rows = rows;
        let finals = self.finals.iter().map(|state| rows_of(state, &ending));
        match self.running.take() {
            None => finals.collect(),
            Some(running) if ending.is_empty() => running,
            Some(running) => running
                .into_iter()
                .zip(finals)
                .map(|(running, ending)| Tensor::cat(vec![running, ending], 0))
                .collect(),
        }
    }

    /// Those of the initial states `[batch, features]`: empty sequences pass the final ones on.
    fn initial(&mut self, packing: &Packing) -> Vec<Tensor<2>> {
        let all = self.joined(packing.batch).into_iter();
        all.map(|state| unsort(state, packing)).collect()
    }
}

fn add(sum: &mut Option<Tensor<2>>, part: Tensor<2>) {
    *sum = Some(match sum.take() {
        Some(sum) => sum + part,
        None => part,
    });
}

impl DirectionGradients {
    /// The gradients of a layer from those of its directions.
    pub fn stack<B: AsTensors>(directions: Vec<Self>, x: &Tensor<3>) -> InputGradients<B> {
        let mut d_x: Option<Tensor<2>> = None;
        let mut weights: [Vec<Tensor<2>>; 3] = Default::default();
        let mut biases: [Vec<Tensor<2>>; 2] = Default::default();
        let mut initial: [Vec<Tensor<2>>; 2] = Default::default();
        for direction in directions {
            if let Some(part) = direction.x {
                add(&mut d_x, part);
            }
            weights[0].extend(direction.input_weight);
            weights[1].extend(direction.recurrent_weight);
            weights[2].extend(direction.projection_weight);
            biases[0].extend(direction.input_bias);
            biases[1].extend(direction.recurrent_bias);
            for (all, part) in initial.iter_mut().zip(direction.initial) {
                all.push(part);
            }
        }
        let stacked =
            |all: Vec<Tensor<2>>| (!all.is_empty()).then(|| B::lower(Tensor::stack::<3>(all, 0)));
        let [input_weight, recurrent_weight, projection_weight] = weights.map(stacked);
        let [input_bias, recurrent_bias] =
            biases.map(|all| (!all.is_empty()).then(|| B::lower(Tensor::cat(all, 0))));
        let [hidden, cell] = initial.map(stacked);
        InputGradients {
            x: d_x.map(|d_x| B::lower(d_x.reshape(x.dims()))),
            input_weight,
            recurrent_weight,
            input_bias,
            recurrent_bias,
            projection_weight,
            hidden,
            cell,
        }
    }
}
