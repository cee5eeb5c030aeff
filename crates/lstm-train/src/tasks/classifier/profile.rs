//! The parts of a classifier's training step.

use burn::tensor::Device;
use lstm_core::{CarriedState, Mode};
use lstm_models::{ClassifierModel, Loss, Target, TokenBatch, cross_entropy};

use super::train::PreparedClassifier;
use crate::tasks::profile::{Clock, ModelPart, Profiled};

impl Profiled for PreparedClassifier {
    type Input = (TokenBatch, Vec<Target>);

    fn input(&self, batch: &Vec<usize>, device: &Device) -> Self::Input {
        let train = &self.task.train;
        let targets = batch.iter().map(|&text| train.targets[text]).collect();
        (train.token_batch(batch, device), targets)
    }

    fn tokens((tokens, _): &Self::Input) -> usize {
        tokens.lengths.as_slice().iter().sum()
    }

    fn loss(&self, model: &ClassifierModel, (tokens, targets): &Self::Input, mode: Mode) -> Loss {
        model.loss(tokens, targets, mode)
    }

    fn time_parts(
        &self,
        model: &ClassifierModel,
        (tokens, targets): &Self::Input,
        mode: Mode,
        clock: &mut Clock<'_>,
    ) -> Vec<ModelPart> {
        let (input, embedding) = clock.part("embedding", || model.embed(tokens, mode));
        let recurrent = model.recurrent();
        let (outputs, state) = recurrent.forward(input, &tokens.lengths, None, mode);
        let outputs = outputs.detach().require_grad();
        let state = state.detach();
        let pooling = clock.loss("pooling to loss", || {
            let logits = model.classify(outputs, &state, tokens, mode);
            cross_entropy(logits, targets)
        });
        vec![embedding, pooling]
    }
}
