//! The softmax loss over a large vocabulary as one operation on the CPU, in chunks of rows.
//!
//! Composed of tensor operations, the loss holds `[rows, vocab]` several times over: logits, their
//! softmax, and the gradient of each. Here there are logits for one chunk of rows at a time. As long as
//! they are there, they become their own gradient, and that goes back through the product at once: what
//! is kept is as large as the operands.

mod row;

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, AutodiffBackend, Backend, Dispatch, ExtensionType, Flex, TensorMetadata,
    backend_extension,
};
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use crate::host;
use crate::loss::VocabularyTargets;
use crate::pointer::Pointer;
use crate::product::Matrix;
use row::{RowLoss, RowTarget, Rows, row};

/// Logits of a chunk: 16 MiB, so that the products are large and the cache still helps.
const LOGITS: usize = 1 << 22;

/// Whether the operands are where [`sum`] and [`rows`] work.
pub(crate) fn holds(hidden: &Tensor<2>, weight: &Tensor<2>, bias: &Tensor<1>) -> bool {
    host::holds(hidden) && host::holds(weight) && host::holds(bias)
}

/// The objective and the negative log-likelihood of the targets, each summed over the rows: `[1]`. Only the
/// objective has a gradient. With a `pointer`, the rows of which are [`Pointer`]s, targets may be copied.
pub(crate) fn sum(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    pointer: Option<Tensor<2>>,
    targets: VocabularyTargets<'_>,
) -> [Tensor<1>; 2] {
    let operands = Operands::new(hidden, weight, bias, pointer);
    let sums = <Dispatch as SoftmaxLoss>::sum(operands, targets.into());
    let sums = Tensor::<1>::from_dispatch(sums);
    [sums.clone().slice([0..1]), sums.slice([1..2]).detach()]
}

/// The negative log-likelihood of each row's target, in nats.
pub(crate) fn rows(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    targets: &[u32],
) -> Vec<f32> {
    let operands = Operands::new(hidden, weight, bias, None);
    let losses = <Dispatch as SoftmaxLoss>::rows(operands, targets.into());
    Tensor::<1>::from_dispatch(losses)
        .into_data()
        .iter()
        .collect()
}

/// What should have followed in each row.
#[derive(Debug, Clone)]
pub struct Targets {
    tokens: Arc<[u32]>,
    /// The share of the truth that is moved to all tokens evenly.
    smoothing: f32,
}

impl From<VocabularyTargets<'_>> for Targets {
    fn from(targets: VocabularyTargets<'_>) -> Self {
        Self {
            tokens: targets.tokens.into(),
            smoothing: targets.smoothing,
        }
    }
}

/// What the loss is computed from.
#[derive(Debug, Clone, ExtensionType)]
pub struct Operands<B: Backend> {
    /// `[rows, features]`
    pub hidden: FloatTensor<B>,
    /// `[vocab, features]`
    pub weight: FloatTensor<B>,
    /// `[vocab]`
    pub bias: FloatTensor<B>,
    /// A [`Pointer`] for each row, `[rows, 2]`; `[0, 2]` where nothing is copied.
    pub pointer: FloatTensor<B>,
}

impl Operands<Dispatch> {
    fn new(
        hidden: Tensor<2>,
        weight: Tensor<2>,
        bias: Tensor<1>,
        pointer: Option<Tensor<2>>,
    ) -> Self {
        let pointer = pointer.unwrap_or_else(|| Tensor::zeros([0, 2], &hidden.device()));
        Self {
            pointer: pointer.into_dispatch(),
            hidden: hidden.into_dispatch(),
            weight: weight.into_dispatch(),
            bias: bias.into_dispatch(),
        }
    }
}

/// The loss, and the gradients of its operands.
#[derive(Debug, Clone, ExtensionType)]
pub struct LossAndGradients<B: Backend> {
    /// Objective and negative log-likelihood: `[2]`
    pub loss: FloatTensor<B>,
    /// `[rows, features]`
    pub hidden: FloatTensor<B>,
    /// `[vocab, features]`
    pub weight: FloatTensor<B>,
    /// `[vocab]`
    pub bias: FloatTensor<B>,
    /// `[rows, 2]`, or `[0, 2]`
    pub pointer: FloatTensor<B>,
}

#[backend_extension(Flex, Autodiff)]
trait SoftmaxLoss: Backend {
    /// Of each row: `[rows]`.
    fn rows(#[extension_type] operands: Operands<Self>, targets: Arc<[u32]>) -> FloatTensor<Self>;

    /// Objective and negative log-likelihood of all rows: `[2]`.
    fn sum(#[extension_type] operands: Operands<Self>, targets: Targets) -> FloatTensor<Self>;

    fn differentiated(
        #[extension_type] operands: Operands<Self>,
        targets: Targets,
    ) -> LossAndGradients<Self>;

    /// The tensor times the first number of another one.
    fn scaled(tensor: FloatTensor<Self>, factor: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl SoftmaxLoss for Flex {
    fn rows(operands: Operands<Self>, targets: Arc<[u32]>) -> FlexTensor {
        let targets = Targets {
            tokens: targets,
            smoothing: 0.0,
        };
        let losses = operands.with_slices(|operands| operands.losses(&targets));
        tensor(
            losses.iter().map(|loss| loss.nll as f32).collect(),
            [losses.len()],
        )
    }

    fn sum(operands: Operands<Self>, targets: Targets) -> FlexTensor {
        let losses = operands.with_slices(|operands| operands.losses(&targets));
        RowLoss::sum(&losses).into_tensor()
    }

    fn differentiated(operands: Operands<Self>, targets: Targets) -> LossAndGradients<Self> {
        operands.with_slices(|operands| operands.differentiated(&targets))
    }

    fn scaled(tensor: FlexTensor, factor: FlexTensor) -> FlexTensor {
        let factor = floats(&factor)[0];
        // The loss itself is what is differentiated, as a rule.
        if factor == 1.0 {
            return tensor;
        }
        Self::float_mul_scalar(tensor, factor.into())
    }
}

impl RowLoss {
    fn into_tensor(self) -> FlexTensor {
        tensor(vec![self.objective as f32, self.nll as f32], [2])
    }
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

fn floats(tensor: &FlexTensor) -> &[f32] {
    tensor
        .as_slice()
        .expect("contiguous, and asked for its element type")
}

impl Operands<Flex> {
    fn with_slices<R>(self, work: impl FnOnce(Slices<'_>) -> R) -> R {
        let features = self.hidden.shape()[1];
        let hidden = self.hidden.to_contiguous();
        let weight = self.weight.to_contiguous();
        let bias = self.bias.to_contiguous();
        let pointer = self.pointer.to_contiguous();
        work(Slices {
            pointer: floats(&pointer).as_chunks().0,
            hidden: floats(&hidden),
            weight: Matrix::new(floats(&weight), features),
            bias: floats(&bias),
            features,
        })
    }
}

/// The operands' values.
#[derive(Clone, Copy)]
struct Slices<'a> {
    /// `[rows, features]`
    hidden: &'a [f32],
    /// `[vocab, features]`
    weight: Matrix<'a>,
    /// `[vocab]`
    bias: &'a [f32],
    /// `[rows]`, or `[0]`
    pointer: &'a [[f32; 2]],
    features: usize,
}

impl Slices<'_> {
    /// The loss of each row.
    fn losses(self, targets: &Targets) -> Vec<RowLoss> {
        let mut losses = Vec::with_capacity(targets.tokens.len());
        self.each_chunk(targets, Rows::Losses, |_, _, groups| {
            losses.extend(groups.into_iter().flat_map(|group| group.losses));
        });
        losses
    }

    fn differentiated(self, targets: &Targets) -> LossAndGradients<Flex> {
        let (rows, vocab) = (targets.tokens.len(), self.bias.len());
        let mut all_losses = Vec::with_capacity(rows);
        let mut hidden_gradient = vec![0.0; rows * self.features];
        let mut weight_gradient: Option<Vec<f32>> = None;
        let mut bias_gradient = vec![0.0; vocab];
        self.each_chunk(targets, Rows::Gradients, |range, gradients, groups| {
            // ∂/∂hidden = G·W, ∂/∂W = Gᵀ·hidden, ∂/∂b = Gᵀ·1, where G is that of the logits.
            for group in groups {
                all_losses.extend(group.losses);
                add(&mut bias_gradient, &group.column_sums);
            }
            let features = range.start * self.features..range.end * self.features;
            gradients.times_into(self.weight, &mut hidden_gradient[features.clone()]);
            let hidden = Matrix::new(&self.hidden[features], self.features);
            match &mut weight_gradient {
                None => weight_gradient = Some(gradients.transposed().times(hidden)),
                Some(sum) => gradients.transposed().times_onto(hidden, sum),
            }
        });
        let weight_gradient = weight_gradient.unwrap_or_else(|| vec![0.0; vocab * self.features]);
        let pointer_gradient = all_losses.iter().flat_map(|loss| loss.pointer);
        let pointer_gradient = pointer_gradient.take(2 * self.pointer.len()).collect();
        LossAndGradients {
            pointer: tensor(pointer_gradient, [self.pointer.len(), 2]),
            loss: RowLoss::sum(&all_losses).into_tensor(),
            hidden: tensor(hidden_gradient, [rows, self.features]),
            weight: tensor(weight_gradient, [vocab, self.features]),
            bias: tensor(bias_gradient, [vocab]),
        }
    }

    /// Goes through the rows chunk by chunk: which ones they are, what became of their logits
    /// `[chunk, vocab]`, and what more of them, group by group.
    fn each_chunk(
        self,
        targets: &Targets,
        wanted: Rows,
        mut work: impl FnMut(Range<usize>, Matrix<'_>, Vec<Group>),
    ) {
        let (targets, smoothing) = (&*targets.tokens, targets.smoothing);
        let vocab = self.bias.len();
        let chunk = (LOGITS / vocab.max(1)).max(1);
        let mut memory = Logits::take(chunk.min(targets.len()) * vocab);
        for (index, targets) in targets.chunks(chunk).enumerate() {
            let range = index * chunk..index * chunk + targets.len();
            let hidden = &self.hidden[range.start * self.features..range.end * self.features];
            let hidden = Matrix::new(hidden, self.features);
            let logits = &mut memory.0[..targets.len() * vocab];
            hidden.times_into(self.weight.transposed(), logits);
            let target = |place: usize| RowTarget {
                token: targets[place] as usize,
                smoothing,
                pointer: self
                    .pointer
                    .get(range.start + place)
                    .copied()
                    .map(Pointer::new),
            };
            let groups = logits.par_chunks_mut((GROUP * vocab).max(1)).enumerate();
            let groups = groups.map(|(group, logits)| {
                let rows = logits.chunks_exact_mut(vocab);
                let rows = rows.zip((group * GROUP..).map(target));
                Group::new(rows, self.bias, wanted)
            });
            let groups = groups.collect();
            work(range, Matrix::new(logits, vocab), groups);
        }
    }
}

/// Rows that a thread goes through at a time: each is added up while it is in the cache.
const GROUP: usize = 16;

/// What some rows have come to.
struct Group {
    losses: Vec<RowLoss>,
    /// The sum of each column of their gradients, if these are wanted: `[vocab]`.
    column_sums: Vec<f32>,
}

impl Group {
    fn new<'a>(
        rows: impl Iterator<Item = (&'a mut [f32], RowTarget)>,
        bias: &[f32],
        wanted: Rows,
    ) -> Self {
        let columns = match wanted {
            Rows::Losses => 0,
            Rows::Gradients => bias.len(),
        };
        let mut column_sums = vec![0.0; columns];
        let losses = rows.map(|(logits, target)| {
            let loss = row(logits, bias, target, wanted);
            add(&mut column_sums, logits);
            loss
        });
        Self {
            losses: losses.collect(),
            column_sums,
        }
    }
}

fn add(sums: &mut [f32], values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

/// Memory for the logits of a chunk, which one step leaves for the next: fresh memory costs a page fault
/// every 4 KiB.
struct Logits(Vec<f32>);

/// What no loss uses at the moment.
static SPARE: Mutex<Vec<f32>> = Mutex::new(Vec::new());

impl Logits {
    /// At least `len` floats with any values.
    fn take(len: usize) -> Self {
        let mut floats = std::mem::take(&mut *SPARE.lock().unwrap_or_else(PoisonError::into_inner));
        if floats.len() < len {
            floats = vec![0.0; len];
        }
        Self(floats)
    }
}

impl Drop for Logits {
    fn drop(&mut self) {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < self.0.len() {
            *spare = std::mem::take(&mut self.0);
        }
    }
}

impl<B: Backend, C: CheckpointStrategy> Operands<Autodiff<B, C>> {
    fn into_primitives(self) -> Operands<B> {
        Operands {
            hidden: self.hidden.into_primitive(),
            weight: self.weight.into_primitive(),
            bias: self.bias.into_primitive(),
            pointer: self.pointer.into_primitive(),
        }
    }
}

impl<B: Backend + SoftmaxLoss, C: CheckpointStrategy> SoftmaxLoss for Autodiff<B, C> {
    /// No gradient goes through it: it is for scores.
    fn rows(operands: Operands<Self>, targets: Arc<[u32]>) -> FloatTensor<Self> {
        Self::from_inner(B::rows(operands.into_primitives(), targets))
    }

    fn sum(operands: Operands<Self>, targets: Targets) -> FloatTensor<Self> {
        /// The gradients of hidden states, weight, bias and pointer are known already.
        #[derive(Debug)]
        struct Gradient;

        impl<B: Backend + SoftmaxLoss> Backward<B, 4> for Gradient {
            type State = [FloatTensor<B>; 4];

            fn backward(
                self,
                ops: Ops<Self::State, 4>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let gradient = gradients.consume::<B>(&ops.node);
                for (parent, own) in ops.parents.into_iter().zip(ops.state) {
                    if let Some(parent) = parent {
                        let own = B::scaled(own, gradient.clone());
                        gradients.register::<B>(parent.id, own);
                    }
                }
            }
        }

        let guards = [
            operands.hidden.node(),
            operands.weight.node(),
            operands.bias.node(),
            operands.pointer.node(),
        ];
        let operands = operands.into_primitives();
        match Gradient.prepare::<C>(guards).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let result = B::differentiated(operands, targets);
                let gradients = [result.hidden, result.weight, result.bias, result.pointer];
                prepared.finish(gradients, result.loss)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::sum(operands, targets)),
        }
    }

    fn differentiated(_: Operands<Self>, _: Targets) -> LossAndGradients<Self> {
        unimplemented!("burn differentiates once")
    }

    fn scaled(_: FloatTensor<Self>, _: FloatTensor<Self>) -> FloatTensor<Self> {
        unimplemented!("burn differentiates once")
    }
}
