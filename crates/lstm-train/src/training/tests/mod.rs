//! The training loop with its parts, on tasks small enough to be checked by hand.

mod adam;
mod classifier;
mod gradients;
mod optimizer;
pub(super) mod toy;
mod trainer;
