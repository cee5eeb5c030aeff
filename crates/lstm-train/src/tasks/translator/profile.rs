//! The parts of a translator's training step.

use burn::tensor::Device;
use lstm_core::Mode;
use lstm_models::{Loss, PairBatch, TranslatorNetwork};

use super::train::PreparedTranslator;
use crate::tasks::Prepared;
use crate::tasks::profile::{Clock, ModelPart, Profiled};

impl Profiled for PreparedTranslator {
    type Input = PairBatch;

    fn input(&self, batch: &Vec<usize>, _device: &Device) -> PairBatch {
        self.task().pair_batch(batch)
    }

    fn tokens(batch: &PairBatch) -> usize {
        batch.targets.len()
    }

    fn loss(&self, model: &TranslatorNetwork, batch: &PairBatch, mode: Mode) -> Loss {
        self.task().loss_of(model, batch, mode)
    }

    fn time_parts(
        &self,
        model: &TranslatorNetwork,
        batch: &PairBatch,
        mode: Mode,
        clock: &mut Clock<'_>,
    ) -> Vec<ModelPart> {
        let embed = || model.embed_sources(batch, mode);
        let (sources, source_embedding) = clock.part("source embedding", embed);
        let embed = || model.embed_targets(batch, mode);
        let (targets, target_embedding) = clock.part("target embedding", embed);
        let mut parts = vec![source_embedding, target_embedding];
        let attentional = match model.recur(sources, targets.clone(), batch, mode) {
            Some(outputs) => {
                let [outputs, hidden] = outputs.map(|output| output.detach().require_grad());
                let attend = || model.attend(outputs, hidden, batch);
                let (attentional, attention) = clock.part("attention", attend);
                parts.push(attention);
                attentional
            }
            None => model.attentional(batch, mode).detach(),
        };
        let attentional = attentional.require_grad();
        let smoothing = self.task().smoothing();
        let loss = || model.output_loss(attentional, batch, smoothing, mode);
        parts.push(clock.loss("output and loss", loss));
        parts
    }
}
