//! A task that can be checked by hand: least squares with two weights, and validation scores that
//! are given.

use std::cell::RefCell;
use std::collections::VecDeque;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use lstm_core::{Mode, RecurrentState};
use lstm_models::Loss;

use crate::metrics::Metrics;
use crate::training::{OptimizerKind, Part, Task, TrainError, Trained, Trainer, TrainingOptions};

/// Its model: y = x · weight.
#[derive(Module, Debug)]
pub struct Line {
    /// `[2, 1]`
    weight: Param<Tensor<2>>,
}

impl Line {
    /// A model with these weights, on an autodiff device.
    pub fn new(weights: [f32; 2]) -> Self {
        let [first, second] = weights;
        let weight = Tensor::from_floats([[first], [second]], &Device::flex().autodiff());
        Self {
            weight: Param::from_tensor(weight),
        }
    }

    /// The same parameter with these weights.
    pub fn with(self, [first, second]: [f32; 2]) -> Self {
        let weight = self.weight.map(|weight| {
            let device = weight.device();
            Tensor::from_floats([[first], [second]], &device).require_grad()
        });
        Self { weight }
    }

    /// Its two weights.
    pub fn weights(&self) -> [f32; 2] {
        let weights: Vec<f32> = self.weight.val().into_data().iter().collect();
        [weights[0], weights[1]]
    }
}

/// Points in a fixed order, to which a [`Line`] is fitted.
#[derive(Debug, Clone)]
pub struct Points {
    /// What is known of each.
    pub inputs: Vec<[f32; 2]>,
    /// What is to be foretold.
    pub outputs: Vec<f32>,
    /// How many there are in a batch.
    pub batch_size: usize,
    /// What the next validations give as `accuracy` and `loss`; after the last there is no more
    /// validation part.
    pub scores: RefCell<VecDeque<f64>>,
    /// What the learning rate of each batch is multiplied by.
    pub rate_factor: f64,
    /// The weights at each validation so far.
    pub validated: RefCell<Vec<[f32; 2]>>,
}

impl Points {
    /// 40 points that two weights do not quite explain.
    pub fn new(batch_size: usize) -> Self {
        let input = |point: usize| {
            let angle = point as f32;
            [angle.sin(), (1.7 * angle).cos()]
        };
        let inputs: Vec<[f32; 2]> = (0..40).map(input).collect();
        let output = |(point, [first, second]): (usize, &[f32; 2])| {
            2.0 * first - 3.0 * second + 0.1 * (point % 5) as f32
        };
        Self {
            outputs: inputs.iter().enumerate().map(output).collect(),
            inputs,
            batch_size,
            rate_factor: 1.0,
            scores: RefCell::default(),
            validated: RefCell::default(),
        }
    }

    /// The same with these validation scores.
    pub fn with_scores(self, scores: &[f64]) -> Self {
        Self {
            scores: RefCell::new(scores.iter().copied().collect()),
            ..self
        }
    }

    /// Trains a line from (0.5, 0.5) on.
    pub fn fit(&self, options: &TrainingOptions) -> Result<Trained<Line>, TrainError> {
        let trainer = Trainer::new(options.clone()).quiet();
        trainer.fit(self, Line::new([0.5, 0.5]))
    }
}

/// Plain gradient descent.
pub fn descent(epochs: u64, learning_rate: f64) -> TrainingOptions {
    TrainingOptions {
        epochs,
        learning_rate,
        optimizer: OptimizerKind::Sgd,
        ..TrainingOptions::default()
    }
}

impl Task for Points {
    type Model = Line;
    type Batch = Vec<usize>;

    const COUNTED: &'static str = "examples";

    fn batches(&self, _epoch: u64) -> Vec<Vec<usize>> {
        let order: Vec<usize> = (0..self.inputs.len()).collect();
        order
            .chunks(self.batch_size)
            .map(<[usize]>::to_vec)
            .collect()
    }

    fn batch_count(&self, _epoch: u64) -> usize {
        self.inputs.len().div_ceil(self.batch_size)
    }

    fn loss(
        &self,
        model: &Line,
        batch: &Vec<usize>,
        _carried: Option<Vec<RecurrentState>>,
        _mode: Mode,
    ) -> (Loss, Option<Vec<RecurrentState>>) {
        let device = model.weight.val().device();
        let rows: Vec<f32> = batch.iter().flat_map(|&point| self.inputs[point]).collect();
        let inputs = Tensor::<1>::from_floats(rows.as_slice(), &device).reshape([batch.len(), 2]);
        let rows: Vec<f32> = batch.iter().map(|&point| self.outputs[point]).collect();
        let outputs = Tensor::<1>::from_floats(rows.as_slice(), &device).reshape([batch.len(), 1]);
        // ½ Σ (x · w − y)²
        let objective = (inputs.matmul(model.weight.val()) - outputs).square().sum() * 0.5;
        let loss = Loss {
            nll: objective.clone().detach(),
            objective,
            count: batch.len() as f64,
            divisor: batch.len() as f64,
        };
        (loss, None)
    }

    fn rate_factor(&self, _batch: &Vec<usize>) -> f64 {
        self.rate_factor
    }

    fn has(&self, part: Part) -> bool {
        match part {
            Part::Train => true,
            Part::Valid => !self.scores.borrow().is_empty(),
            Part::Test => false,
        }
    }

    fn evaluate(&self, model: &Line, part: Part) -> Option<Metrics> {
        assert_eq!(part, Part::Valid, "training looks at no other part");
        let score = self.scores.borrow_mut().pop_front()?;
        self.validated.borrow_mut().push(model.weights());
        let names = ["accuracy", "loss"].map(str::to_owned);
        Some(names.into_iter().map(|name| (name, score)).collect())
    }

    fn fingerprint(&self) -> u32 {
        0
    }
}
