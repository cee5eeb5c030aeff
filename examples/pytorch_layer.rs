//! A layer that PyTorch trained, run here: what `torch.nn.LSTM` or `torch.nn.GRU` would give for the same
//! weights and the same input, with its gradients.
//!
//! ```console
//! $ cargo run --release -p examples --example pytorch_layer -- \
//!       --cell lstm --weights W.safetensors --input X.safetensors --output Y.safetensors --gradients
//! ```
//!
//! `crates/lstm-core/tests/golden/compare_with_pytorch.py` runs it beside PyTorch on random layers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use burn::tensor::{Device, Gradients, Tensor, TensorData};
use clap::{Parser, ValueEnum};
use lstm_core::{
    Array, Cell, Checkpoint, Converted, Format, GruState, Lengths, LstmState, Mode, Recurrent,
    RecurrentState, RecurrentWeights, write_safetensors,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What a recurrent layer of PyTorch gives for an input.
///
/// The layer is `torch.nn.LSTM(batch_first=True)` or `torch.nn.GRU(batch_first=True)` in evaluation, with
/// packed sequences where there are lengths. Sizes, layers, directions, biases and projection follow from
/// the tensors.
#[derive(Parser)]
#[command(after_help = AFTER_HELP)]
struct Options {
    /// Which cell the weights are those of.
    #[arg(long)]
    cell: CellName,
    /// The state_dict: safetensors, .pt or .pth.
    #[arg(long)]
    weights: PathBuf,
    /// What the names of the layer's tensors begin with. May be left out if there is one layer.
    #[arg(long)]
    prefix: Option<String>,
    /// The tensors that the layer reads: safetensors, .pt or .pth.
    #[arg(long)]
    input: PathBuf,
    /// The safetensors file that is written.
    #[arg(long)]
    output: PathBuf,
    /// The gradients of sum(output) too.
    #[arg(long)]
    gradients: bool,
}

const AFTER_HELP: &str = "\
Read from --input:
  input    [batch, time, d_input]
  h0       [layers * directions, batch, d_hidden], or d_projection of a projected LSTM; zero without it
  c0       [layers * directions, batch, d_hidden]; an LSTM has both or neither
  lengths  [batch], integers from 0 to time, in any order; without them no sequence is padded

Written to --output, as 32-bit floats:
  output   [batch, time, directions * d_hidden], or d_projection of a projected LSTM
  h_n      as h0
  c_n      as c0, of an LSTM
  grad.input, grad.h0, grad.c0, and grad.NAME of every parameter by its name in the state_dict,
           with --gradients

The output has the time of the input, and is zero past the end of a sequence, as
pad_packed_sequence(..., batch_first=True, total_length=time) gives. (Without total_length, PyTorch
cuts off the steps that no sequence has.) An empty sequence, which PyTorch cannot pack, has an output of
zeros and passes its initial state on.";

#[derive(Clone, Copy, ValueEnum)]
enum CellName {
    Lstm,
    Gru,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let (weights, prefix) = weights(options)?;
    let device = match options.gradients {
        true => Device::flex().autodiff(),
        false => Device::flex(),
    };
    let layer = Recurrent::from_weights(&weights, &device)?;
    let input = Input::read(options, &weights)?;

    let leaf = |array: &Array| match options.gradients {
        true => tensor(array, &device).require_grad(),
        false => tensor(array, &device),
    };
    let x = leaf(&input.x);
    let initial: Vec<(&str, Tensor<3>)> = input
        .initial
        .iter()
        .map(|(name, array)| (*name, leaf(array)))
        .collect();
    let (output, state) =
        layer.forward(x.clone(), &input.lengths, state(&initial), Mode::Inference);

    let mut tensors = BTreeMap::new();
    if options.gradients {
        let gradients = output.clone().sum().backward();
        let of_parameters = layer.weight_gradients(&gradients).state_dict(&prefix)?;
        let leaves = initial.into_iter().chain([("input", x)]);
        let of_leaves = leaves.map(|(name, leaf)| (name.to_owned(), gradient(&leaf, &gradients)));
        tensors.extend(
            of_parameters
                .into_iter()
                .chain(of_leaves)
                .map(|(name, gradient)| (format!("grad.{name}"), gradient)),
        );
    }
    tensors.insert("output".to_owned(), array(output));
    match state {
        RecurrentState::Lstm(LstmState { hidden, cell }) => {
            tensors.insert("h_n".to_owned(), array(hidden));
            tensors.insert("c_n".to_owned(), array(cell));
        }
        RecurrentState::Gru(GruState { hidden }) => {
            tensors.insert("h_n".to_owned(), array(hidden));
        }
    }
    Ok(write_safetensors(&options.output, &tensors)?)
}

/// The weights, and what their names begin with.
fn weights(options: &Options) -> Result<(RecurrentWeights, String)> {
    let file = Format::PyTorch.open(&options.weights)?;
    let prefix = match (&options.prefix, &file.prefixes()[..]) {
        (Some(prefix), _) => prefix.clone(),
        (None, [only]) => only.clone(),
        (None, []) => String::new(),
        (None, several) => {
            let path = options.weights.display();
            return Err(format!("{path} has layers at {several:?}: name one with --prefix").into());
        }
    };
    let weights = file.read(&prefix)?;
    let expected = match options.cell {
        CellName::Lstm => Cell::Lstm,
        CellName::Gru => Cell::Gru,
    };
    if weights.cell != expected {
        let path = options.weights.display();
        return Err(format!("{path} has {} at `{prefix}`, not {expected}", weights.cell).into());
    }
    for Converted { tensor, from } in &weights.converted {
        eprintln!("`{tensor}` was converted from {from} to f32");
    }
    Ok((weights, prefix))
}

/// What a layer reads.
struct Input {
    /// `[batch, time, d_input]`
    x: Array,
    lengths: Lengths,
    /// None, or all states that the cell has, by name.
    initial: Vec<(&'static str, Array)>,
}

impl Input {
    /// Reads what fits a layer of these weights.
    fn read(options: &Options, weights: &RecurrentWeights) -> Result<Self> {
        let file = Checkpoint::open(&options.input)?;
        let path = options.input.display();
        let expect = |name: &str, found: &[usize], fits: bool, expected: String| match fits {
            true => Ok(()),
            false => Err(format!(
                "{path}: tensor `{name}` has the shape {found:?}, expected {expected}"
            )),
        };

        let x = file.read("input")?;
        let d_input = weights.d_input();
        let fits = matches!(x.shape[..], [batch, time, features]
            if batch > 0 && time > 0 && features == d_input);
        expect(
            "input",
            &x.shape,
            fits,
            format!("[batch, time, {d_input}], with sizes above 0"),
        )?;
        let [batch, time] = [x.shape[0], x.shape[1]];

        let stack = weights.layers.len() * weights.directions();
        let d_hidden = weights.d_hidden();
        let d_recurrent = weights.d_projection().unwrap_or(d_hidden);
        let states = match options.cell {
            CellName::Lstm => vec![("h0", d_recurrent), ("c0", d_hidden)],
            CellName::Gru => vec![("h0", d_recurrent)],
        };
        let given = |name: &str| file.entries().contains_key(name);
        let mut initial = Vec::new();
        if states.iter().any(|(name, _)| given(name)) {
            for (name, features) in &states {
                if !given(name) {
                    return Err(format!(
                        "{path}: `{name}` is missing: an LSTM starts from both states or none"
                    )
                    .into());
                }
                let array = file.read(name)?;
                let shape = [stack, batch, *features];
                expect(
                    name,
                    &array.shape,
                    array.shape == shape,
                    format!("{shape:?}"),
                )?;
                initial.push((*name, array));
            }
        }

        let lengths = match given("lengths") {
            false => Lengths::full(batch, time),
            true => {
                let shape = &file.entries()["lengths"].shape;
                expect("lengths", shape, *shape == [batch], format!("[{batch}]"))?;
                let lengths = file.read_integers("lengths")?;
                let lengths: std::result::Result<Vec<usize>, _> =
                    lengths.into_iter().map(usize::try_from).collect();
                let lengths =
                    lengths.map_err(|_| format!("{path}: `lengths` has a number below 0"))?;
                Lengths::new(lengths, time)
                    .map_err(|error| format!("{path}: `lengths`: {error}"))?
            }
        };
        for Converted { tensor, from } in file.take_converted() {
            eprintln!("{path}: `{tensor}` was converted from {from} to f32");
        }
        let known = |name: &String| {
            ["input", "lengths"].contains(&name.as_str())
                || states.iter().any(|(state, _)| state == name)
        };
        for name in file.entries().keys().filter(|name| !known(name)) {
            eprintln!("{path}: tensor `{name}` is not read");
        }
        Ok(Self {
            x,
            lengths,
            initial,
        })
    }
}

/// The initial state of an LSTM's two tensors or a GRU's one.
fn state(initial: &[(&str, Tensor<3>)]) -> Option<RecurrentState> {
    match initial {
        [] => None,
        [(_, hidden)] => Some(RecurrentState::Gru(GruState {
            hidden: hidden.clone(),
        })),
        [(_, hidden), (_, cell), ..] => Some(RecurrentState::Lstm(LstmState {
            hidden: hidden.clone(),
            cell: cell.clone(),
        })),
    }
}

/// A tensor of an array of three dimensions.
fn tensor(array: &Array, device: &Device) -> Tensor<3> {
    let data = TensorData::new(array.values.clone(), array.shape.clone());
    Tensor::from_data(data, device)
}

fn array(tensor: Tensor<3>) -> Array {
    let data = tensor.into_data();
    Array::new(data.shape().to_vec(), data.iter().collect())
}

/// A leaf's gradient; zero where nothing depends on it.
fn gradient(leaf: &Tensor<3>, gradients: &Gradients) -> Array {
    let none = || leaf.clone().inner().zeros_like();
    array(leaf.grad(gradients).unwrap_or_else(none))
}
