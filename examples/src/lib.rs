//! The programs are the files beside `Cargo.toml`: `cargo run --release -p examples --example NAME`.
