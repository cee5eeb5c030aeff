//! `lstm-models` alone: load a trained bundle and classify what comes in, line by line.
//!
//! ```console
//! $ cargo xtask train classifier
//! $ echo "not bad at all" | cargo run --release -p examples --example serve_bundle runs/reviews/bundle
//! ```

use std::io::{BufRead, Write, stdin, stdout};

use burn::tensor::Device;
use lstm_models::Classifier;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bundle = std::env::args()
        .nth(1)
        .ok_or("name the bundle: serve_bundle DIR")?;
    let classifier = Classifier::load(bundle, &Device::flex())?;
    let mut output = stdout().lock();
    for line in stdin().lock().lines() {
        let answer = classifier.classify(&line?)?;
        writeln!(output, "{}\t{:.4}", answer.label, answer.probability())?;
        output.flush()?;
    }
    Ok(())
}
