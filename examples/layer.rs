//! `lstm-core` alone: a recurrent layer in a model of your own.
//!
//! An LSTM learns to say whether a sequence of ±1 has a positive sum, from sequences of different
//! lengths in one batch: `cargo run --release -p examples --example layer`

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use lstm_core::{Lengths, Lstm, LstmConfig, Purpose, RandomSource};

const BATCH: usize = 32;
const TIME: usize = 20;

fn main() {
    let device = Device::flex().autodiff();
    let mut lstm: Lstm = LstmConfig::new(1, 16).init(&device);
    println!("{lstm}");

    for step in 0..=300 {
        let (x, lengths, sums) = batch(step, &device);
        // [batch, time, 1] -> final hidden state [layers * directions, batch, 16]
        let (_, state) = lstm.forward_ragged(x, &lengths, None);
        // The mean of the hidden units is the prediction: [batch]
        let prediction = state.hidden.mean_dim(2).reshape([BATCH]);
        let loss = (prediction - sums.sign() * 0.5).square().mean();
        if step % 100 == 0 {
            println!("step {step}: loss {:.4}", loss.clone().into_scalar::<f32>());
        }
        lstm = descend(lstm, &loss, 0.5);
    }

    // Without autodiff, one step at a time, as a stream arrives.
    let lstm = lstm.valid();
    let mut state = None;
    let mut sum = 0.0;
    for value in [1.0, 1.0, -1.0, -1.0, -1.0, -1.0, 1.0] {
        sum += value;
        let x = Tensor::<2>::from_floats([[value]], &device.clone().inner());
        let (hidden, next) = lstm.step(x, state);
        state = Some(next);
        println!("sum {sum:+}: {:+.2}", hidden.mean().into_scalar::<f32>());
    }
}

/// Sequences of ±1 of 1 to 20 steps, padded, and their sums.
fn batch(step: u64, device: &Device) -> (Tensor<3>, Lengths, Tensor<1>) {
    let source = RandomSource::new(1).at_step(step);
    let (mut values, mut lengths, mut sums) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..BATCH {
        let mut stream = source.stream(Purpose::named("example"), row as u64);
        let length = 1 + stream.below(TIME as u64) as usize;
        let sequence: Vec<f32> = (0..TIME)
            .map(|_| if stream.uniform() < 0.5 { -1.0 } else { 1.0 })
            .collect();
        sums.push(sequence[..length].iter().sum::<f32>());
        lengths.push(length);
        values.extend(sequence);
    }
    (
        Tensor::from_data(TensorData::new(values, [BATCH, TIME, 1]), device),
        Lengths::new(lengths, TIME).expect("no length is beyond TIME"),
        Tensor::from_data(TensorData::new(sums, [BATCH]), device),
    )
}

/// One step of plain gradient descent; a real program would take one of burn's optimizers.
fn descend(lstm: Lstm, loss: &Tensor<1>, rate: f64) -> Lstm {
    use burn::module::{ModuleMapper, Param};
    use burn::tensor::Gradients;

    struct Descent(Gradients, f64);
    impl ModuleMapper for Descent {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (id, weight, mapper) = param.consume();
            let gradient = weight.grad(&self.0).expect("every weight has a gradient");
            let moved = weight.inner() - gradient * self.1;
            Param::from_mapped_value(id, moved.autodiff().require_grad(), mapper)
        }
    }
    lstm.map(&mut Descent(loss.backward(), rate))
}
