//! The softmax loss over a large vocabulary as one operation on the CPU, in chunks of rows.
//!
//! Composed of tensor operations, the loss holds `[rows, vocab]` several times over: logits, their
//! softmax, and the gradient of each. Here there are logits for one chunk of rows at a time. As long as
//! they are there, they become their own gradient, and that goes back through the product at once: what
//! is kept is as large as the operands.

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
use multiversion::multiversion;
use rayon::prelude::*;

use crate::host;
use crate::loss::VocabularyTargets;
use crate::pointer::Pointer;
use crate::product::Matrix;

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

/// The loss of a row, or of several together.
#[derive(Debug, Clone, Copy, Default)]
struct RowLoss {
    objective: f64,
    nll: f64,
    /// The objective's gradient by what the row's [`Pointer`] is made of.
    pointer: [f32; 2],
}

impl RowLoss {
    fn sum(losses: &[Self]) -> Self {
        losses.iter().fold(Self::default(), |sum, loss| Self {
            objective: sum.objective + loss.objective,
            nll: sum.nll + loss.nll,
            ..sum
        })
    }

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

/// What becomes of a chunk's logits.
#[derive(Clone, Copy, PartialEq)]
enum Rows {
    /// Their losses are all that is wanted.
    Losses,
    /// They become the gradients of the logits.
    Gradients,
}

impl Slices<'_> {
    /// The loss of each row.
    fn losses(self, targets: &Targets) -> Vec<RowLoss> {
        let mut losses = Vec::with_capacity(targets.tokens.len());
        self.each_chunk(targets, Rows::Losses, |_, _, chunk| losses.extend(chunk));
        losses
    }

    fn differentiated(self, targets: &Targets) -> LossAndGradients<Flex> {
        let (rows, vocab) = (targets.tokens.len(), self.bias.len());
        let mut all_losses = Vec::with_capacity(rows);
        let mut hidden_gradient = vec![0.0; rows * self.features];
        let mut weight_gradient: Option<Vec<f32>> = None;
        let mut bias_gradient = vec![0.0; vocab];
        self.each_chunk(targets, Rows::Gradients, |range, gradients, losses| {
            all_losses.extend(losses);
            // ∂/∂hidden = G·W, ∂/∂W = Gᵀ·hidden, ∂/∂b = Gᵀ·1, where G is that of the logits.
            let features = range.start * self.features..range.end * self.features;
            gradients.times_into(self.weight, &mut hidden_gradient[features.clone()]);
            let hidden = Matrix::new(&self.hidden[features], self.features);
            match &mut weight_gradient {
                None => weight_gradient = Some(gradients.transposed().times(hidden)),
                Some(sum) => gradients.transposed().times_onto(hidden, sum),
            }
            gradients.add_columns(&mut bias_gradient);
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
    /// `[chunk, vocab]`, and their losses.
    fn each_chunk(
        self,
        targets: &Targets,
        wanted: Rows,
        mut work: impl FnMut(Range<usize>, Matrix<'_>, Vec<RowLoss>),
    ) {
        let (targets, smoothing) = (&*targets.tokens, targets.smoothing);
        let pointer = |row: usize| self.pointer.get(row).map(|pointer| Pointer::new(*pointer));
        let vocab = self.bias.len();
        let chunk = (LOGITS / vocab.max(1)).max(1);
        let mut memory = Logits::take(chunk.min(targets.len()) * vocab);
        for (index, targets) in targets.chunks(chunk).enumerate() {
            let range = index * chunk..index * chunk + targets.len();
            let hidden = &self.hidden[range.start * self.features..range.end * self.features];
            let hidden = Matrix::new(hidden, self.features);
            let logits = &mut memory.0[..targets.len() * vocab];
            hidden.times_into(self.weight.transposed(), logits);
            let losses = logits
                .par_chunks_exact_mut(vocab)
                .enumerate()
                .map(|(place, logits)| {
                    let target = RowTarget {
                        token: targets[place] as usize,
                        smoothing,
                        pointer: pointer(range.start + place),
                    };
                    row(logits, self.bias, target, wanted)
                })
                .collect();
            work(range, Matrix::new(logits, vocab), losses);
        }
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

/// Numbers side by side, which one instruction works on. Sums are taken in this many parts whatever the
/// instructions, so that these change no bit.
const LANES: usize = 16;

/// What should have followed in a row.
#[derive(Clone, Copy)]
struct RowTarget {
    /// One beyond the vocabulary can only be copied.
    token: usize,
    smoothing: f32,
    pointer: Option<Pointer>,
}

/// A row's loss, where nll is −log softmax(logits + bias)[target] and the objective (1 − ε)·nll + ε·u, with
/// u the mean of −log softmax over the vocabulary; its logits become exp(logits − max), or the gradients
/// softmax − (1 − ε)·onehot − ε/vocab. With a pointer nll is that of the [`Pointer`], of which the share r goes back
/// to the vocabulary: the gradients are ((1 − ε)·r + ε)·softmax − (1 − ε)·r·onehot − ε/vocab.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2", "aarch64+neon"))]
fn row(logits: &mut [f32], bias: &[f32], target: RowTarget, wanted: Rows) -> RowLoss {
    let smoothing = target.smoothing;
    let (groups, rest) = logits.as_chunks_mut::<LANES>();
    let (bias_groups, bias_rest) = bias.as_chunks::<LANES>();
    let mut greatest = [f32::NEG_INFINITY; LANES];
    for (logits, bias) in groups.iter_mut().zip(bias_groups) {
        add_bias(logits, bias, &mut greatest);
    }
    add_bias(rest, bias_rest, &mut greatest);
    let greatest = greatest.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let of_target = logits.get(target.token).copied();
    let of_target = of_target.unwrap_or(f32::NEG_INFINITY);
    let mean = mean_if(smoothing > 0.0, logits);
    let (groups, rest) = logits.as_chunks_mut::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for logits in groups {
        exponentiate(logits, greatest, &mut sums);
    }
    exponentiate(rest, greatest, &mut sums);
    let sum: f64 = sums.into_iter().map(f64::from).sum();
    let normalizer = sum.ln() + f64::from(greatest);
    let generated = normalizer - f64::from(of_target);
    let (nll, mut pointer, share) = match target.pointer {
        None => (generated, [0.0; 2], 1.0),
        Some(pointer) => {
            let mixed = pointer.mix(generated);
            (mixed.nll, mixed.gradient, mixed.generated)
        }
    };
    pointer = pointer.map(|gradient| (1.0 - smoothing) * gradient);
    let share = (1.0 - f64::from(smoothing)) * share;
    if wanted == Rows::Gradients {
        let scale = ((share + f64::from(smoothing)) / sum) as f32;
        let evenly = smoothing / logits.len() as f32;
        for logit in logits.iter_mut() {
            *logit = *logit * scale - evenly;
        }
        if let Some(logit) = logits.get_mut(target.token) {
            *logit -= share as f32;
        }
    }
    let smoothing = f64::from(smoothing);
    RowLoss {
        objective: match smoothing > 0.0 {
            true => (1.0 - smoothing) * nll + smoothing * (normalizer - mean),
            false => nll,
        },
        nll,
        pointer,
    }
}

/// The mean of the logits, if it is wanted.
#[inline(always)]
fn mean_if(wanted: bool, logits: &[f32]) -> f64 {
    if !wanted {
        return 0.0;
    }
    let (groups, rest) = logits.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for logits in groups.iter().map(|group| &group[..]).chain([rest]) {
        for (sum, logit) in sums.iter_mut().zip(logits) {
            *sum += logit;
        }
    }
    let sum: f64 = sums.into_iter().map(f64::from).sum();
    sum / logits.len() as f64
}

/// Adds the bias to up to [`LANES`] logits, and looks for greater ones.
#[inline(always)]
fn add_bias(logits: &mut [f32], bias: &[f32], greatest: &mut [f32; LANES]) {
    for ((logit, bias), greatest) in logits.iter_mut().zip(bias).zip(greatest) {
        *logit += bias;
        *greatest = if *logit > *greatest {
            *logit
        } else {
            *greatest
        };
    }
}

/// Up to [`LANES`] logits become exp(logits − greatest), which are added to the sums.
#[inline(always)]
fn exponentiate(logits: &mut [f32], greatest: f32, sums: &mut [f32; LANES]) {
    for (logit, sum) in logits.iter_mut().zip(sums) {
        *logit = exp_of_negative(*logit - greatest);
        *sum += *logit;
    }
}

/// e^x for x ≤ 0, to 2 units in the last place; below −87, where single precision ends, e^−87. NaN stays.
#[inline(always)]
fn exp_of_negative(x: f32) -> f32 {
    /// Adding it rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x < -87.0 { -87.0 } else { x };
    // e^x = 2^n · e^r with |r| ≤ ln 2 / 2
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    // Cephes' polynomial (Moshier 1989).
    let mut y = 1.987_569_1e-4_f32;
    y = y * r + 1.398_199_9e-3;
    y = y * r + 8.333_452e-3;
    y = y * r + 4.166_579_6e-2;
    y = y * r + 1.666_666_5e-1;
    y = y * r + 0.5;
    let y = y * (r * r) + r + 1.0;
    // `rounded` and `ROUND` differ by n in their last bits.
    let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits());
    let power = f32::from_bits(exponent.wrapping_add(127) << 23);
    y * power
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
