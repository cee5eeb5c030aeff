//! Trains recurrent models from recipes.
//!
//! ```text
//! recipe -> corpus -> tokenizer -> batches -> model.loss -> trainer -> evaluation -> bundle
//! ```
//!
//! [`corpus`] reads labelled text, [`training`] is the one loop for all tasks, [`metrics`] has the
//! scores, [`run`] the directory that a run leaves behind, [`tasks`] ties them together for each
//! kind of model, and the `lstm` command is made of them. [`mod@bench`] measures the layers beneath.

pub mod baseline;
pub mod bench;
pub mod corpus;
pub mod device;
pub mod metrics;
pub mod recipe;
pub mod run;
pub mod tasks;
pub mod training;
