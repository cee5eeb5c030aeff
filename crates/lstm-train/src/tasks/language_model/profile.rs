//! The parts of a language model's training step.

use std::ops::Range;

use burn::optim::GradientsParams;
use burn::tensor::Device;
use lstm_core::{Lengths, Mode};
use lstm_models::{LanguageModelNetwork, Loss, Window};

use super::train::PreparedLanguageModel;
use crate::tasks::Prepared;
use crate::tasks::profile::{Clock, Profiled};

impl Profiled for PreparedLanguageModel {
    type Input = Window;

    const AFTER: &'static str = "decoder and loss";

    fn input(&self, batch: &Range<usize>, _device: &Device) -> Window {
        self.task().window(batch)
    }

    fn tokens(window: &Window) -> usize {
        window.inputs.len()
    }

    fn loss(&self, model: &LanguageModelNetwork, window: &Window, mode: Mode) -> Loss {
        self.task().loss_of(model, window, None, mode).0
    }

    fn time_ends(
        model: &LanguageModelNetwork,
        window: &Window,
        mode: Mode,
        clock: &mut Clock<'_>,
    ) -> [[f64; 2]; 2] {
        clock.lap();
        let embedded = model.embed(&window.inputs, window.streams, mode);
        let embedding_forward = clock.lap();
        let input = embedded.clone().detach();
        // Some gradient of the shape that the recurrent layers give back.
        let objective = (embedded * input.clone()).sum();
        clock.lap();
        drop(GradientsParams::from_grads(objective.backward(), model));
        let embedding_backward = clock.lap();

        let lengths = Lengths::full(window.streams, window.time());
        let (output, _) = model.recurrent().forward(input, &lengths, None, mode);
        let output = output.detach().require_grad();
        clock.lap();
        let loss = model.output_loss(output, &window.targets, mode);
        loss.nll.into_scalar::<f32>();
        let decoder_forward = clock.lap();
        drop(loss.objective.backward());
        let decoder_backward = clock.lap();
        [
            [embedding_forward, embedding_backward],
            [decoder_forward, decoder_backward],
        ]
    }
}
