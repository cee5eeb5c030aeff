//! The sequence on a CPU, on slices: hand-written forward and backward pass.
#![allow(unsafe_code)] // kernels on vectors, and buffers of which threads write different parts

mod activation;
mod backward;
mod backward_pass;
mod barrier;
mod blocks;
mod borrowed;
mod buffers;
mod company;
mod elementwise;
mod forward;
mod forward_pass;
mod gru;
mod layout;
mod lstm;
mod operands;
mod outer;
mod panels;
mod plan;
mod product;
mod saved;
mod simd;
mod sources;
mod stream;
mod team;
#[cfg(test)]
mod tests;
mod weight_gradients;

pub(crate) use backward::{OutputGradients, Wanted, backward};
pub(crate) use company::Company;
pub(crate) use forward::forward;
pub(crate) use layout::{FastCell, Sizes};
pub(crate) use operands::Operands;
pub(crate) use plan::Hands;
pub(crate) use product::FEW_ROWS;
pub(crate) use saved::{Keep, Saved};
pub(crate) use simd::Isa;
pub(crate) use stream::{LayerStream, LooseWeights, PreparedWeights};
