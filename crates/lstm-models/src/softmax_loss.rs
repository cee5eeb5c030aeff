//! The softmax loss over a large vocabulary as one operation on the CPU, in chunks of rows.
//!
//! Composed of tensor operations, the loss holds `[rows, vocab]` several times over: logits, their
//! softmax, and the gradient of each. Here there are logits for one chunk of rows at a time. As long as
//! they are there, they become their own gradient, and that goes back through the product at once: what
//! is kept is as large as the operands.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, Backend, Dispatch, ExtensionType, Flex, TensorMetadata, backend_extension,
};
use burn::tensor::{Slice, Tensor, TensorData};
use multiversion::multiversion;
use rayon::prelude::*;

use crate::host;

/// Logits of a chunk: 16 MiB, so that the products are large and the cache still helps.
const LOGITS: usize = 1 << 22;

/// Whether the operands are where [`sum`] and [`rows`] work.
pub(crate) fn holds(hidden: &Tensor<2>, weight: &Tensor<2>, bias: &Tensor<1>) -> bool {
    host::holds(hidden) && host::holds(weight) && host::holds(bias)
}

/// The negative log-likelihood of `targets`, summed over the rows: `[1]`.
pub(crate) fn sum(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    targets: Arc<[u32]>,
) -> Tensor<1> {
    let operands = Operands {
        hidden: hidden.into_dispatch(),
        weight: weight.into_dispatch(),
        bias: bias.into_dispatch(),
    };
    Tensor::from_dispatch(<Dispatch as SoftmaxLoss>::sum(operands, targets))
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
}

/// The loss, and the gradients of its operands.
#[derive(Debug, Clone, ExtensionType)]
pub struct LossAndGradients<B: Backend> {
    /// `[1]`
    pub loss: FloatTensor<B>,
    /// `[rows, features]`
    pub hidden: FloatTensor<B>,
    /// `[vocab, features]`
    pub weight: FloatTensor<B>,
    /// `[vocab]`
    pub bias: FloatTensor<B>,
}

#[backend_extension(Flex, Autodiff)]
trait SoftmaxLoss: Backend {
    fn sum(#[extension_type] operands: Operands<Self>, targets: Arc<[u32]>) -> FloatTensor<Self>;

    fn differentiated(
        #[extension_type] operands: Operands<Self>,
        targets: Arc<[u32]>,
    ) -> LossAndGradients<Self>;

    /// The tensor times a tensor of one number.
    fn scaled(tensor: FloatTensor<Self>, factor: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl SoftmaxLoss for Flex {
    fn sum(operands: Operands<Self>, targets: Arc<[u32]>) -> FlexTensor {
        let mut loss = 0.0;
        for chunk in Chunk::all(&operands, &targets) {
            loss += chunk.losses(&operands, Rows::Losses).0.iter().sum::<f64>();
        }
        scalar(loss)
    }

    fn differentiated(operands: Operands<Self>, targets: Arc<[u32]>) -> LossAndGradients<Self> {
        let mut loss = 0.0;
        let mut hidden_gradients = Vec::new();
        let mut sums: Option<[FlexTensor; 2]> = None;
        for chunk in Chunk::all(&operands, &targets) {
            let (losses, gradients) = chunk.losses(&operands, Rows::Gradients);
            loss += losses.iter().sum::<f64>();
            let rows = chunk.targets.len();
            // ∂/∂hidden = G·W, ∂/∂W = Gᵀ·hidden, ∂/∂b = Gᵀ·1, where G is that of the logits.
            hidden_gradients.push(Self::float_matmul(
                gradients.clone(),
                operands.weight.clone(),
            ));
            let ones = FlexTensor::from_data(TensorData::new(vec![1.0_f32; rows], [1, rows]));
            let bias = Self::float_matmul(ones, gradients.clone());
            let weight = Self::float_matmul(Self::float_transpose(gradients), chunk.hidden);
            sums = Some(match sums {
                None => [weight, bias],
                Some([weights, biases]) => [
                    Self::float_add(weights, weight),
                    Self::float_add(biases, bias),
                ],
            });
        }
        let zeros = |like: &FlexTensor| {
            let shape = like.shape();
            FlexTensor::from_data(TensorData::new(vec![0.0_f32; shape.num_elements()], shape))
        };
        let [weight, bias] = sums.unwrap_or_else(|| [&operands.weight, &operands.bias].map(zeros));
        LossAndGradients {
            loss: scalar(loss),
            hidden: match hidden_gradients.len() {
                0 => zeros(&operands.hidden),
                1 => hidden_gradients.remove(0),
                _ => Self::float_cat(hidden_gradients, 0),
            },
            weight,
            bias: Self::float_reshape(bias, operands.bias.shape()),
        }
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

fn scalar(value: f64) -> FlexTensor {
    FlexTensor::from_data(TensorData::from([value as f32]))
}

fn floats(tensor: &FlexTensor) -> &[f32] {
    tensor
        .as_slice()
        .expect("contiguous, and asked for its element type")
}

/// The negative log-likelihood of each row's target, in nats.
pub(crate) fn rows(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    targets: &[u32],
) -> Vec<f32> {
    let flex = |data: TensorData| FlexTensor::from_data(data);
    let operands = Operands::<Flex> {
        hidden: flex(hidden.into_data()),
        weight: flex(weight.into_data()),
        bias: flex(bias.into_data()),
    };
    let chunks = Chunk::all(&operands, targets);
    let losses = chunks.flat_map(|chunk| chunk.losses(&operands, Rows::Losses).0);
    losses.map(|loss| loss as f32).collect()
}

/// What becomes of a chunk's logits.
#[derive(Clone, Copy, PartialEq)]
enum Rows {
    /// Their losses are all that is wanted.
    Losses,
    /// They become the gradients of the logits.
    Gradients,
}

/// Some rows and their targets.
struct Chunk<'a> {
    /// `[rows, features]`
    hidden: FlexTensor,
    targets: &'a [u32],
}

impl<'a> Chunk<'a> {
    /// All rows, chunk by chunk.
    fn all(operands: &'a Operands<Flex>, targets: &'a [u32]) -> impl Iterator<Item = Chunk<'a>> {
        let vocab = operands.weight.shape()[0];
        let rows = (LOGITS / vocab).max(1);
        targets
            .chunks(rows)
            .enumerate()
            .map(move |(index, targets)| {
                let start = index * rows;
                let range = Slice::from(start..start + targets.len());
                Chunk {
                    hidden: Flex::float_slice(operands.hidden.clone(), &[range, Slice::from(..)]),
                    targets,
                }
            })
    }

    /// The loss of each row, and what became of its logits `[rows, vocab]`.
    fn losses(&self, operands: &Operands<Flex>, wanted: Rows) -> (Vec<f64>, FlexTensor) {
        let vocab = operands.weight.shape()[0];
        let weight = Flex::float_transpose(operands.weight.clone());
        let logits = Flex::float_matmul(self.hidden.clone(), weight);
        let mut logits = logits.to_contiguous().into_data();
        let bias = operands.bias.to_contiguous();
        let bias = floats(&bias);
        let losses = logits
            .as_mut_slice::<f32>()
            .expect("a product of 32-bit floats")
            .par_chunks_exact_mut(vocab)
            .zip(self.targets)
            .map(|(logits, target)| row(logits, bias, *target as usize, wanted))
            .collect();
        (losses, FlexTensor::from_data(logits))
    }
}

/// Numbers side by side, which one instruction works on. Sums are taken in this many parts whatever the
/// instructions, so that these change no bit.
const LANES: usize = 16;

/// A row's loss −log softmax(logits + bias)[target]; its logits become exp(logits − max), or the
/// gradients softmax − onehot.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2", "aarch64+neon"))]
fn row(logits: &mut [f32], bias: &[f32], target: usize, wanted: Rows) -> f64 {
    let mut greatest = [f32::NEG_INFINITY; LANES];
    for (logits, bias) in logits.chunks_mut(LANES).zip(bias.chunks(LANES)) {
        for ((logit, bias), greatest) in logits.iter_mut().zip(bias).zip(&mut greatest) {
            *logit += bias;
            *greatest = if *logit > *greatest {
                *logit
            } else {
                *greatest
            };
        }
    }
    let greatest = greatest.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let of_target = logits[target];
    let mut sums = [0.0_f32; LANES];
    for logits in logits.chunks_mut(LANES) {
        for (logit, sum) in logits.iter_mut().zip(&mut sums) {
            *logit = exp_of_negative(*logit - greatest);
            *sum += *logit;
        }
    }
    let sum: f64 = sums.into_iter().map(f64::from).sum();
    if wanted == Rows::Gradients {
        let scale = (1.0 / sum) as f32;
        for logit in logits.iter_mut() {
            *logit *= scale;
        }
        logits[target] -= 1.0;
    }
    sum.ln() + f64::from(greatest) - f64::from(of_target)
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

impl<B: Backend + SoftmaxLoss, C: CheckpointStrategy> SoftmaxLoss for Autodiff<B, C> {
    fn sum(operands: Operands<Self>, targets: Arc<[u32]>) -> FloatTensor<Self> {
        /// The gradients of hidden states, weight and bias are known already.
        #[derive(Debug)]
        struct Gradient;

        impl<B: Backend + SoftmaxLoss> Backward<B, 3> for Gradient {
            type State = [FloatTensor<B>; 3];

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
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
        ];
        let operands = Operands::<B> {
            hidden: operands.hidden.into_primitive(),
            weight: operands.weight.into_primitive(),
            bias: operands.bias.into_primitive(),
        };
        match Gradient.prepare::<C>(guards).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let result = B::differentiated(operands, targets);
                prepared.finish([result.hidden, result.weight, result.bias], result.loss)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::sum(operands, targets)),
        }
    }

    fn differentiated(_: Operands<Self>, _: Arc<[u32]>) -> LossAndGradients<Self> {
        unimplemented!("burn differentiates once")
    }

    fn scaled(_: FloatTensor<Self>, _: FloatTensor<Self>) -> FloatTensor<Self> {
        unimplemented!("burn differentiates once")
    }
}
