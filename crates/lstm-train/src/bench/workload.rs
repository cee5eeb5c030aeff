//! What is measured: a cell, a mode, a shape, and how long the sequences are.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use lstm_core::{Lengths, Purpose, RandomSource};

use super::BenchError;
use super::memory;

/// Which recurrent cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Cell {
    /// Long Short-Term Memory.
    Lstm,
    /// Gated Recurrent Unit, with the reset gate after the product, as in PyTorch.
    Gru,
}

impl Cell {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lstm => "lstm",
            Self::Gru => "gru",
        }
    }

    /// How many gates it has, the candidate counted as one.
    pub fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }
}

/// What one call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Forward over whole sequences, without gradients.
    Infer,
    /// Forward and back: the gradients of the input and of all weights.
    Train,
    /// One time step of a stream, without gradients.
    Step,
}

impl Mode {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Infer => "infer",
            Self::Train => "train",
            Self::Step => "step",
        }
    }

    /// The shapes that are measured where none is named: small and large layers, one and many
    /// sequences, one and two layers.
    pub fn default_shapes(self) -> Vec<Shape> {
        let shapes: &[[usize; 5]] = match self {
            Self::Step => &[[1, 1, 256, 256, 1]],
            Self::Infer | Self::Train => &[
                [32, 64, 128, 128, 1],
                [20, 35, 200, 200, 2],
                [64, 50, 256, 512, 1],
                [64, 100, 300, 256, 1],
                [20, 35, 650, 650, 2],
                [128, 30, 512, 512, 2],
                [1, 200, 256, 256, 1],
            ],
        };
        shapes.iter().copied().map(Shape::from).collect()
    }
}

/// How long the sequences of a batch are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LengthsChoice {
    /// All as long as the batch.
    Full,
    /// Uniform in 1 to the length of the batch, the same on all sides.
    Uniform,
    /// So many steps in all, in sequences as equal as can be; see [`Workload::without_padding`].
    #[value(skip)]
    Even {
        /// Real steps of the batch.
        steps: usize,
    },
}

impl LengthsChoice {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Uniform => "uniform",
            Self::Even { .. } => "even",
        }
    }
}

/// The sizes of a layer and of what it reads; written `batch,time,d_input,d_hidden,layers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// How many sequences.
    pub batch: usize,
    /// How many time steps they are padded to.
    pub time: usize,
    /// Features of the input.
    pub d_input: usize,
    /// Features of the hidden state.
    pub d_hidden: usize,
    /// How many layers are stacked.
    pub layers: usize,
}

impl Shape {
    /// The five numbers, in the order in which they are written.
    pub fn to_array(self) -> [usize; 5] {
        [
            self.batch,
            self.time,
            self.d_input,
            self.d_hidden,
            self.layers,
        ]
    }

    /// The input size of each layer.
    pub fn inputs(self) -> impl Iterator<Item = usize> {
        (0..self.layers).map(move |layer| self.input_of(layer))
    }

    fn input_of(self, layer: usize) -> usize {
        if layer == 0 {
            self.d_input
        } else {
            self.d_hidden
        }
    }

    /// `Σ_l (d_input_l + d_hidden)`, in numbers that do not overflow.
    fn inputs_and_hidden(self) -> f64 {
        let hidden = self.d_hidden as f64;
        self.d_input as f64 + hidden + (self.layers as f64 - 1.0) * 2.0 * hidden
    }
}

impl From<[usize; 5]> for Shape {
    fn from([batch, time, d_input, d_hidden, layers]: [usize; 5]) -> Self {
        Self {
            batch,
            time,
            d_input,
            d_hidden,
            layers,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.to_array().map(|number| number.to_string());
        f.pad(&numbers.join(","))
    }
}

/// A shape that is not five positive numbers.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error(
    "a shape is five positive numbers, batch,time,d_input,d_hidden,layers, such as 32,64,128,128,1"
)]
pub struct ShapeError;

impl FromStr for Shape {
    type Err = ShapeError;

    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let numbers: Result<Vec<usize>, _> = text.split(',').map(str::parse).collect();
        let numbers = numbers.map_err(|_| ShapeError)?;
        let numbers: [usize; 5] = numbers.try_into().map_err(|_| ShapeError)?;
        if numbers.contains(&0) {
            return Err(ShapeError);
        }
        Ok(numbers.into())
    }
}

/// One thing to measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Workload {
    /// Which cell.
    pub cell: Cell,
    /// What one call does.
    pub mode: Mode,
    /// The sizes.
    pub shape: Shape,
    /// How long the sequences are.
    pub lengths: LengthsChoice,
}

impl Workload {
    /// Checks that it can be measured on this machine.
    ///
    /// # Errors
    ///
    /// It needs more memory than there is, or its mode does not fit its shape.
    pub fn check(&self) -> Result<(), BenchError> {
        let shape = self.shape;
        if self.mode == Mode::Step && shape.time != 1 {
            return Err(BenchError::ManySteps { shape });
        }
        let available = memory::available().unwrap_or(isize::MAX as f64);
        if self.bytes() > available {
            return Err(BenchError::TooLarge {
                shape,
                needed: self.bytes() / memory::GIB,
                available: available / memory::GIB,
            });
        }
        Ok(())
    }

    /// Each sequence's length: the same for the same shape on every side and in every run.
    pub fn lengths(&self) -> Lengths {
        let Shape { batch, time, .. } = self.shape;
        match self.lengths {
            LengthsChoice::Full => Lengths::full(batch, time),
            LengthsChoice::Uniform => {
                let source = RandomSource::new(1);
                let mut stream = source.stream(Purpose::named("lengths of a benchmark"), 0);
                let lengths: Vec<usize> = (0..batch)
                    .map(|_| 1 + stream.below(time as u64) as usize)
                    .collect();
                Lengths::new(lengths, time).expect("no length is beyond time")
            }
            LengthsChoice::Even { steps } => {
                let lengths: Vec<usize> = (0..batch)
                    .map(|row| (steps + batch - 1 - row) / batch)
                    .collect();
                Lengths::new(lengths, time).expect("time is the longest of them")
            }
        }
    }

    /// The same number of real steps in as many sequences, all as long, but for one step where
    /// their number does not divide that of the steps.
    pub fn without_padding(&self) -> Self {
        let steps = self.lengths().total();
        Self {
            shape: Shape {
                time: steps.div_ceil(self.shape.batch),
                ..self.shape
            },
            lengths: LengthsChoice::Even { steps },
            ..*self
        }
    }

    /// Floating-point operations of one call, as they are usually counted: the two products of
    /// every gate at every real step, a multiplication and an addition each; going back takes two
    /// products for each of them.
    pub fn flops(&self) -> f64 {
        let passes = match self.mode {
            Mode::Train => 3.0,
            Mode::Infer | Mode::Step => 1.0,
        };
        let steps = self.lengths().total() as f64;
        let gates = (self.cell.gates() * self.shape.d_hidden) as f64;
        passes * 2.0 * steps * gates * self.shape.inputs_and_hidden()
    }

    /// What any implementation needs at least: weights, input and output; to go back, their
    /// gradients and the gates of all steps.
    fn bytes(&self) -> f64 {
        let shape = self.shape;
        let (steps, hidden) = (
            shape.batch as f64 * shape.time as f64,
            shape.d_hidden as f64,
        );
        let gates = self.cell.gates() as f64 * hidden;
        let weights = gates * (shape.inputs_and_hidden() + 2.0 * shape.layers as f64);
        let input = steps * shape.d_input as f64;
        let floats = match self.mode {
            Mode::Infer | Mode::Step => weights + input + steps * hidden,
            Mode::Train => 2.0 * (weights + input) + steps * (gates + hidden) * shape.layers as f64,
        };
        floats * size_of::<f32>() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(cell: Cell, mode: Mode, shape: &str) -> Workload {
        Workload {
            cell,
            mode,
            shape: shape.parse().unwrap(),
            lengths: LengthsChoice::Full,
        }
    }

    #[test]
    fn a_shape_is_read_as_it_is_shown() {
        let shape: Shape = "20,35,650,640,2".parse().unwrap();
        assert_eq!(shape.to_array(), [20, 35, 650, 640, 2]);
        assert_eq!(shape.to_string(), "20,35,650,640,2");
        assert_eq!(shape.inputs().collect::<Vec<_>>(), [650, 640]);
    }

    #[test]
    fn anything_but_five_positive_numbers_is_no_shape() {
        for text in [
            "",
            "1,2,3,4",
            "1,2,3,4,5,6",
            "1,2,3,4,0",
            "1,2,3,4,-1",
            "1,2,x,4,5",
            "1,2,3,4,99999999999999999999",
        ] {
            assert_eq!(text.parse::<Shape>(), Err(ShapeError), "{text}");
        }
    }

    #[test]
    fn every_gate_of_every_real_step_is_counted() {
        // 3 * 5 steps, 4 gates of 16, 8 + 16 inputs to each unit, 2 operations each.
        let infer = workload(Cell::Lstm, Mode::Infer, "3,5,8,16,1");
        assert_eq!(infer.flops(), 2.0 * 15.0 * 64.0 * 24.0);
        // The second layer reads the first.
        let gru = workload(Cell::Gru, Mode::Infer, "3,5,8,16,2");
        assert_eq!(gru.flops(), 2.0 * 15.0 * 48.0 * (24.0 + 32.0));
        let train = workload(Cell::Gru, Mode::Train, "3,5,8,16,2");
        assert_eq!(train.flops(), 3.0 * gru.flops());

        let ragged = Workload {
            lengths: LengthsChoice::Uniform,
            ..workload(Cell::Lstm, Mode::Infer, "64,50,8,16,1")
        };
        let steps = ragged.lengths().total() as f64;
        assert_eq!(ragged.flops(), 2.0 * steps * 64.0 * 24.0);
    }

    #[test]
    fn uniform_lengths_are_the_same_each_time_and_fill_the_batch_by_half() {
        let ragged = Workload {
            lengths: LengthsChoice::Uniform,
            ..workload(Cell::Lstm, Mode::Infer, "1000,99,8,16,1")
        };
        assert_eq!(ragged.lengths(), ragged.lengths());
        let lengths = ragged.lengths();
        let (low, high) = (
            lengths.as_slice().iter().min(),
            lengths.as_slice().iter().max(),
        );
        assert_eq!((low, high), (Some(&1), Some(&99)));
        let mean = lengths.total() as f64 / 1000.0;
        assert!((mean - 50.0).abs() < 3.0, "{mean}");
    }

    #[test]
    fn without_padding_there_are_as_many_steps_in_sequences_of_one_length() {
        for shape in ["64,50,8,16,1", "3,1,8,16,1", "7,99,8,16,2"] {
            let ragged = Workload {
                lengths: LengthsChoice::Uniform,
                ..workload(Cell::Gru, Mode::Train, shape)
            };
            let full = ragged.without_padding();
            assert_eq!(full.lengths().total(), ragged.lengths().total());
            assert_eq!(full.flops(), ragged.flops());
            let lengths = full.lengths();
            assert_eq!(lengths.batch(), ragged.shape.batch);
            let time = full.shape.time;
            let (shortest, longest) = (
                lengths.as_slice().iter().min(),
                lengths.as_slice().iter().max(),
            );
            assert_eq!(longest, Some(&time));
            assert!(shortest >= Some(&(time - 1)), "{lengths:?}");
        }
    }

    #[test]
    fn what_no_machine_can_hold_is_refused_before_it_is_tried() {
        let largest = usize::MAX.to_string();
        let all_largest = [largest.as_str(); 5].join(",");
        for shape in ["1000000,1000000,256,256,1", &all_largest] {
            let message = workload(Cell::Gru, Mode::Train, shape)
                .check()
                .unwrap_err()
                .to_string();
            assert!(message.contains(&format!("shape {shape}")), "{message}");
            assert!(message.contains("GiB"), "{message}");
        }
    }

    #[test]
    fn the_default_shapes_can_be_measured() {
        for mode in [Mode::Infer, Mode::Train, Mode::Step] {
            for shape in mode.default_shapes() {
                let workload = Workload {
                    shape,
                    ..workload(Cell::Lstm, mode, "1,1,1,1,1")
                };
                assert!(workload.bytes() < memory::GIB, "{shape}");
            }
        }
    }

    #[test]
    fn a_step_is_one_time_step() {
        assert!(
            workload(Cell::Lstm, Mode::Step, "4,1,8,8,2")
                .check()
                .is_ok()
        );
        let message = workload(Cell::Lstm, Mode::Step, "4,2,8,8,2")
            .check()
            .unwrap_err()
            .to_string();
        assert!(message.contains("4,2,8,8,2"), "{message}");
    }
}
