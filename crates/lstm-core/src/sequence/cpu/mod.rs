//! The sequence on a CPU, on slices: hand-written forward and backward pass.
#![allow(unsafe_code)] // kernels on vectors, and buffers of which threads write different parts

mod activation;
mod backward;
mod buffers;
mod elementwise;
mod forward;
mod gru;
mod layout;
mod lstm;
mod outer;
mod pass;
mod plan;
mod product;
mod simd;
mod threads;
mod weight_gradients;

pub(crate) use backward::{Backward, OutputGradients, Wanted, backward};
pub(crate) use forward::{Forward, Keep, forward};
pub(crate) use layout::{FastCell, Sizes};
pub(crate) use pass::{Operands, Saved};
pub(crate) use simd::Isa;
