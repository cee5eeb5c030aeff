//! `lstm convert`

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lstm_core::{Converted, Format, LayerFile, OnnxInputs, Recurrent};
use lstm_train::device;

use crate::Failure;

/// From PyTorch's checkpoint to a layer here, and to a file that PyTorch loads:
///
///     lstm weights model.pt
///     lstm convert --from pytorch --to native model.pt encoder.safetensors --prefix encoder.rnn
///     lstm convert --from native --to pytorch encoder.safetensors back.safetensors
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// Whose names and layouts the file has.
    #[arg(long, value_name = "FORMAT")]
    from: From,
    /// Whose it should get.
    #[arg(long, value_name = "FORMAT")]
    to: To,
    /// The file that is read.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The file that is written: .safetensors for pytorch and native, .onnx for onnx, .bpk or .safetensors
    /// for burn.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Which layer of the file, by what its tensors' names begin with (`lstm weights` lists them); not
    /// needed where there is only one.
    #[arg(long, value_name = "P")]
    prefix: Option<String>,
    /// What the names of the written tensors begin with.
    #[arg(long, value_name = "P", default_value = "")]
    output_prefix: String,
    /// Of onnx: the model also takes `lengths`, how long each sequence is.
    #[arg(long)]
    lengths: bool,
    /// Of onnx: the model also takes the states to start from, `initial_h` and `initial_c`.
    #[arg(long)]
    initial_state: bool,
}

/// What can be read.
#[derive(Clone, Copy, ValueEnum)]
enum From {
    /// torch.nn.LSTM and GRU, in .safetensors, .pt or .pth
    Pytorch,
    /// Keras 3, in .npz, .safetensors, .weights.h5, .keras or .h5
    Keras,
    /// The LSTM and GRU nodes of an .onnx model
    Onnx,
    /// burn's own Lstm, Gru, BiLstm and BiGru, in .bpk or .safetensors
    Burn,
    /// The layers of this program, in .safetensors
    Native,
}

/// What can be written.
#[derive(Clone, Copy, ValueEnum)]
enum To {
    /// What torch.nn.LSTM.load_state_dict accepts
    Pytorch,
    /// A model for ONNX Runtime, of the layer alone
    Onnx,
    /// burn's own Lstm, Gru, BiLstm and BiGru
    Burn,
    /// The layers of this program
    Native,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let format = match arguments.from {
        From::Pytorch => Format::PyTorch,
        From::Keras => Format::Keras,
        From::Onnx => Format::Onnx,
        From::Burn => Format::Burn,
        From::Native => Format::Native,
    };
    let to = match arguments.to {
        To::Pytorch => Format::PyTorch,
        To::Onnx => Format::Onnx,
        To::Burn => Format::Burn,
        To::Native => Format::Native,
    };
    let file = format.open(&arguments.input)?;
    let prefix = match &arguments.prefix {
        Some(prefix) => prefix.clone(),
        None => only_layer(&file, arguments)?,
    };
    let weights = file.read(&prefix)?;
    say_converted(&weights.converted);
    let inputs = OnnxInputs {
        lengths: arguments.lengths,
        initial_state: arguments.initial_state,
    };
    let (output, prefix) = (&arguments.output, &arguments.output_prefix);
    if inputs == OnnxInputs::default() {
        to.write(&weights, output, prefix)?;
    } else if to == Format::Onnx {
        let device = device::parse(device::default_name())?;
        Recurrent::from_weights(&weights, &device)?.to_onnx(output, prefix, inputs)?;
    } else {
        return Err("--lengths and --initial-state are for --to onnx".into());
    }
    eprintln!(
        "wrote {} ({}, {} parameters) for {to} to {}",
        weights.cell,
        match weights.layers.len() {
            1 => "1 layer".to_owned(),
            layers => format!("{layers} layers"),
        },
        weights.parameters(),
        arguments.output.display()
    );
    Ok(())
}

/// Where the file's layer is, if it has only one.
fn only_layer(file: &LayerFile, arguments: &Arguments) -> Result<String, Failure> {
    let mut prefixes = file.prefixes();
    match prefixes.len() {
        1 => Ok(prefixes.remove(0)),
        // Reading from no place says where there are layers.
        0 => Ok(String::new()),
        _ => {
            let quoted: Vec<String> = prefixes.iter().map(|p| format!("`{p}`")).collect();
            Err(format!(
                "{} has several layers: choose one with --prefix: {}",
                arguments.input.display(),
                quoted.join(", ")
            )
            .into())
        }
    }
}

/// Which tensors were not of 32-bit floats, by their type.
fn say_converted(converted: &[Converted]) {
    let mut by_type: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for Converted { tensor, from } in converted {
        by_type.entry(from.to_string()).or_default().push(tensor);
    }
    for (from, tensors) in by_type {
        eprintln!("note: converted from {from} to f32: {}", tensors.join(", "));
    }
}
