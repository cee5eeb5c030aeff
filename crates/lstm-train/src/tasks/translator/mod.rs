//! Translating texts.

pub mod data;
