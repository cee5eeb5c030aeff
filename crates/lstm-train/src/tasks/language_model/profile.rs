//! The parts of a language model's training step.

use std::ops::Range;

use burn::tensor::Device;
use lstm_core::Mode;
use lstm_models::{LanguageModelNetwork, Loss, Window};

use super::train::PreparedLanguageModel;
use crate::tasks::Prepared;
use crate::tasks::profile::{Clock, ModelPart, Profiled};

impl Profiled for PreparedLanguageModel {
    type Input = Window;

    fn input(&self, batch: &Range<usize>, _device: &Device) -> Window {
        self.task().window(batch)
    }

    fn tokens(window: &Window) -> usize {
        window.inputs.len()
    }

    fn loss(&self, model: &LanguageModelNetwork, window: &Window, mode: Mode) -> Loss {
        self.task().loss_of(model, window, None, mode).0
    }

    fn time_parts(
        &self,
        model: &LanguageModelNetwork,
        window: &Window,
        mode: Mode,
        clock: &mut Clock<'_>,
    ) -> Vec<ModelPart> {
        let embed = || model.embed(&window.inputs, window.streams, mode);
        let (input, embedding) = clock.part("embedding", embed);
        let (output, _) = model.recur(input, None, mode);
        let output = output.detach().require_grad();
        let loss = || model.output_loss(output, &window.targets, mode);
        vec![embedding, clock.loss("decoder and loss", loss)]
    }
}
