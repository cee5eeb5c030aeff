//! `lstm weights`

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use lstm_core::{Cell, Format, LayerFile, RecurrentWeights, WeightsError};
use serde::Serialize;

use crate::Failure;

#[derive(Args)]
pub struct Arguments {
    /// A file of weights, by PyTorch, Keras, burn, an ONNX exporter or this program.
    file: PathBuf,
    /// One JSON object a line for every layer.
    #[arg(long)]
    json: bool,
}

/// A recurrent layer that a file holds.
#[derive(Serialize)]
struct Layer {
    format: String,
    prefix: String,
    cell: Cell,
    layers: usize,
    directions: usize,
    d_input: usize,
    d_hidden: usize,
    d_projection: Option<usize>,
    bias: bool,
    parameters: usize,
    /// What the values are in the file, of those that are not 32-bit floats.
    converted: Vec<String>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    let mut layers = 0;
    let mut broken = Vec::new();
    for (format, file) in opened(&arguments.file)? {
        for prefix in file.prefixes() {
            match file.read(&prefix) {
                Ok(weights) => {
                    layers += 1;
                    let layer = Layer::new(format, prefix, &weights);
                    if arguments.json {
                        writeln!(output, "{}", serde_json::to_string(&layer)?)?;
                    } else {
                        writeln!(output, "{layer}")?;
                    }
                }
                Err(error) => broken.push(error),
            }
        }
    }
    output.flush()?;
    match broken.is_empty() {
        true if layers == 0 => Err(format!(
            "{} holds no recurrent layer by the names of PyTorch, Keras, ONNX, burn or this program",
            arguments.file.display()
        )
        .into()),
        true => Ok(()),
        false => {
            let messages: Vec<String> = broken.iter().map(WeightsError::to_string).collect();
            Err(messages.join("\nerror: ").into())
        }
    }
}

/// The file by every format that it may have, as far as its container says.
fn opened(file: &Path) -> Result<Vec<(Format, LayerFile)>, WeightsError> {
    let mut opened = Vec::new();
    let mut errors = Vec::new();
    for format in Format::ALL {
        match format.open(file) {
            Ok(layers) => opened.push((format, layers)),
            Err(error) => errors.push((format, error)),
        }
    }
    if opened.is_empty() {
        // All but ONNX say the same, and of a model only ONNX says what is wrong with it.
        let named_onnx = file
            .extension()
            .is_some_and(|extension| extension == "onnx");
        let said = errors
            .into_iter()
            .find(|(format, _)| (*format == Format::Onnx) == named_onnx);
        if let Some((_, error)) = said {
            return Err(error);
        }
    }
    Ok(opened)
}

impl Layer {
    fn new(format: Format, prefix: String, weights: &RecurrentWeights) -> Self {
        let mut converted: Vec<String> = weights
            .converted
            .iter()
            .map(|converted| converted.from.to_string())
            .collect();
        converted.sort();
        converted.dedup();
        Self {
            format: format.to_string(),
            prefix,
            cell: weights.cell,
            layers: weights.layers.len(),
            directions: weights.directions(),
            d_input: weights.d_input(),
            d_hidden: weights.d_hidden(),
            d_projection: weights.d_projection(),
            bias: weights.bias(),
            parameters: weights.parameters(),
            converted,
        }
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            format,
            prefix,
            cell,
            d_input,
            d_hidden,
            parameters,
            ..
        } = self;
        write!(formatter, "`{prefix}`  {cell}, {d_input} to {d_hidden}")?;
        if let Some(d_projection) = self.d_projection {
            write!(formatter, ", projected to {d_projection}")?;
        }
        match self.layers {
            1 => write!(formatter, ", 1 layer")?,
            layers => write!(formatter, ", {layers} layers")?,
        }
        let direction = ["", " in both directions"][self.directions - 1];
        let bias = if self.bias { "" } else { ", without biases" };
        write!(formatter, "{direction}{bias}, {parameters} parameters")?;
        if !self.converted.is_empty() {
            write!(formatter, " ({} in the file)", self.converted.join(", "))?;
        }
        write!(formatter, "; names of {format}")
    }
}
