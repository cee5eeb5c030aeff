//! Layers to ONNX and from it: what `compare_with_onnx_runtime.py` beside `lstm-core`'s golden tests asks.
//!
//! - `… --example onnx_layers export FOLDER COUNT` writes COUNT random layers as ONNX models `0.onnx` …, each
//!   with what the layer reads and gives in `0.json` …
//! - `… --example onnx_layers run FOLDER` runs the first LSTM or GRU node of each model in FOLDER as ONNX does,
//!   on the inputs in the `.json` of the same name, and writes what it gives to `….out.json`

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use lstm_core::{
    Cell, GruConfig, GruState, Lengths, LstmConfig, LstmState, Mode, OnnxInputs, OnnxModel,
    Purpose, RandomSource, RandomStream, Recurrent, RecurrentInit, RecurrentState, ResetGate,
    WeightDraws,
};
use serde::{Deserialize, Serialize};

/// Numbers in row-major order, by name.
type Arrays = BTreeMap<String, Numbers>;

#[derive(Serialize, Deserialize)]
struct Numbers {
    shape: Vec<usize>,
    data: Vec<f32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["export", folder, count] => {
            for number in 0..count.parse()? {
                export(Path::new(folder), number)?;
            }
            Ok(())
        }
        ["run", folder] => run_all(Path::new(folder)),
        _ => Err("expected `export FOLDER COUNT` or `run FOLDER`".into()),
    }
}

/// Writes a random layer as a model, and what it reads and gives.
fn export(folder: &Path, number: u64) -> Result<(), Box<dyn Error>> {
    let mut draw = RandomSource::new(number).stream(Purpose::named("onnx"), 0);
    let layer = random_layer(&mut draw, number)?;
    let inputs = OnnxInputs {
        lengths: draw.below(2) == 1,
        initial_state: draw.below(2) == 1,
    };
    layer.to_onnx(folder.join(format!("{number}.onnx")), "", inputs)?;

    let weights = layer.weights();
    let batch = 1 + draw.below(10) as usize;
    let time = 1 + draw.below(24) as usize;
    let mut random = |shape: [usize; 3]| {
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| (4.0 * draw.uniform() - 2.0) as f32)
            .collect();
        Tensor::<3>::from_data(TensorData::new(values, shape), &Device::flex())
    };
    let x = random([batch, time, weights.d_input()]);
    let mut arrays = Arrays::from([("input".to_owned(), numbers(&x))]);
    let rows = weights.layers.len() * weights.directions();
    let state_shape = [rows, batch, weights.d_hidden()];
    let state = inputs.initial_state.then(|| {
        let hidden = random(state_shape);
        arrays.insert("initial_h".to_owned(), numbers(&hidden));
        match weights.cell {
            Cell::Lstm => {
                let cell = random(state_shape);
                arrays.insert("initial_c".to_owned(), numbers(&cell));
                RecurrentState::Lstm(LstmState { hidden, cell })
            }
            Cell::Gru | Cell::GruResetBefore => RecurrentState::Gru(GruState { hidden }),
        }
    });
    let lengths = match inputs.lengths {
        true => (0..batch)
            .map(|_| draw.below(time as u64 + 1) as usize)
            .collect(),
        false => vec![time; batch],
    };
    if inputs.lengths {
        let data = lengths.iter().map(|length| *length as f32).collect();
        let shape = vec![batch];
        arrays.insert("lengths".to_owned(), Numbers { shape, data });
    }

    let lengths = Lengths::new(lengths, time)?;
    let (output, state) = layer.forward(x, &lengths, state, Mode::Inference);
    arrays.insert("output".to_owned(), numbers(&output));
    arrays.insert("h_n".to_owned(), numbers(state.hidden()));
    if let RecurrentState::Lstm(state) = &state {
        arrays.insert("c_n".to_owned(), numbers(&state.cell));
    }
    let path = folder.join(format!("{number}.json"));
    Ok(std::fs::write(path, serde_json::to_string(&arrays)?)?)
}

/// Any cell, in some sizes, some with gates that saturate.
fn random_layer(draw: &mut RandomStream, seed: u64) -> Result<Recurrent, Box<dyn Error>> {
    let device = Device::flex();
    let mut below = |end: u64| draw.below(end);
    let (d_input, d_hidden) = (1 + below(24) as usize, 1 + below(40) as usize);
    let layers = 1 + below(3) as usize;
    let (bidirectional, bias) = (below(2) == 1, below(5) > 0);
    let cell = [Cell::Lstm, Cell::Gru, Cell::GruResetBefore][below(3) as usize];
    let scale = [1.0, 1.0, 3.0][below(3) as usize];
    let mut draws = WeightDraws::new(seed, &device);
    let gru = |reset| {
        GruConfig::new(d_input, d_hidden)
            .with_layers(layers)
            .with_bidirectional(bidirectional)
            .with_bias(bias)
            .with_init(RecurrentInit::Uniform)
            .with_reset(reset)
    };
    let layer = match cell {
        Cell::Lstm => Recurrent::Lstm(
            LstmConfig::new(d_input, d_hidden)
                .with_layers(layers)
                .with_bidirectional(bidirectional)
                .with_bias(bias)
                .with_init(RecurrentInit::Uniform)
                .init_with(&mut draws),
        ),
        Cell::Gru => Recurrent::Gru(gru(ResetGate::AfterProduct).init_with(&mut draws)),
        Cell::GruResetBefore => Recurrent::Gru(gru(ResetGate::BeforeProduct).init_with(&mut draws)),
    };
    let mut weights = layer.weights();
    for arrays in weights.layers.iter_mut().flatten() {
        for weight in [&mut arrays.input_weight, &mut arrays.recurrent_weight] {
            weight.values.iter_mut().for_each(|value| *value *= scale);
        }
    }
    Ok(layer.with_weights(&weights)?)
}

/// Runs the first node of each model in a folder.
fn run_all(folder: &Path) -> Result<(), Box<dyn Error>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "onnx")
        {
            run(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

fn run(path: &Path) -> Result<(), Box<dyn Error>> {
    let model = OnnxModel::open(path)?;
    let nodes = model.nodes();
    let first = nodes.first().ok_or("no LSTM or GRU node")?;
    let node = model.layer(first, &Device::flex())?;
    let text = std::fs::read_to_string(path.with_extension("json"))?;
    let arrays: Arrays = serde_json::from_str(&text)?;
    let tensor = |name: &str| {
        let Numbers { shape, data } = arrays.get(name)?;
        let data = TensorData::new(data.clone(), shape.clone());
        Some(Tensor::<3>::from_data(data, &Device::flex()))
    };
    let lengths: Option<Vec<usize>> = arrays
        .get("sequence_lens")
        .map(|lengths| lengths.data.iter().map(|length| *length as usize).collect());
    let state = match (tensor("initial_h"), tensor("initial_c")) {
        (Some(hidden), Some(cell)) => Some(RecurrentState::Lstm(LstmState { hidden, cell })),
        (Some(hidden), None) => Some(RecurrentState::Gru(GruState { hidden })),
        (None, _) => None,
    };
    let x = tensor("X").ok_or("no X")?;
    let found = node.forward(x, lengths.as_deref(), state)?;
    let mut outputs = Arrays::from([
        ("Y".to_owned(), numbers(&found.y)),
        ("Y_h".to_owned(), numbers(&found.y_h)),
    ]);
    if let Some(y_c) = &found.y_c {
        outputs.insert("Y_c".to_owned(), numbers(y_c));
    }
    let text = serde_json::to_string(&outputs)?;
    Ok(std::fs::write(path.with_extension("out.json"), text)?)
}

fn numbers<const D: usize>(tensor: &Tensor<D>) -> Numbers {
    Numbers {
        shape: tensor.dims().to_vec(),
        data: tensor.to_data().iter().collect(),
    }
}
