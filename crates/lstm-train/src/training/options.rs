//! The `[training]` section of a recipe: what every task's training can be told.

use serde::{Deserialize, Serialize};

use super::optimizer::OptimizerKind;
use super::schedule::ScheduleKind;

/// How a model is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingOptions {
    /// Decides initial weights, dropout masks and the order of examples.
    pub seed: u64,
    /// How often the training data are gone through.
    pub epochs: u64,
    /// Examples in a batch.
    pub batch_size: usize,
    /// Batches whose gradients are added up for one step of the optimizer.
    pub accumulate: usize,
    /// Which optimizer.
    pub optimizer: OptimizerKind,
    /// The learning rate, after the warm-up.
    pub learning_rate: f64,
    /// Momentum of `sgd`.
    pub momentum: f64,
    /// Of `nt_asgd`: averaging begins when a validation is worse than the best of all but the last so many
    /// before it (n of algorithm 1 in Merity et al. 2018, who take 5).
    pub non_monotone: usize,
    /// From the first of the last so many epochs on, what is scored and kept are the means of the weights over all steps
    /// since (Polyak and Juditsky 1992), as of many checkpoints; 0 for no mean. Training must not end by `patience`
    /// before. Not for `nt_asgd`, which averages by itself.
    pub average_epochs: u64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Weight decay of embeddings, with `adamw`; by default that of all weights.
    pub embedding_weight_decay: Option<f64>,
    /// How the learning rate falls.
    pub schedule: ScheduleKind,
    /// Of the schedule `exponential`: the factor of each epoch.
    pub decay: f64,
    /// Of the schedule `exponential`: epochs before the first with a lower rate.
    pub decay_after: u64,
    /// Of the schedule `one_cycle`: the share of all steps in which the rate rises.
    pub rise: f64,
    /// Steps in which the learning rate rises from 0; at most half of all steps, so that a short
    /// training warms up as well.
    pub warmup_steps: u64,
    /// The largest norm of all gradients together; 0 for no clipping.
    pub clip_norm: f64,
    /// The share of the truth that is moved to all classes evenly.
    pub label_smoothing: f64,
    /// The same for examples whose label holds only somewhat: of `sst`, degrees 1 and 3.
    pub weak_smoothing: f64,
    /// The metric of the validation data that picks the best weights.
    pub metric: String,
    /// Validations without a better metric after which training stops; 0 for never.
    pub patience: u64,
    /// Steps between validations; 0 for one at the end of each epoch.
    pub valid_steps: u64,
    /// Steps between `train` lines of the log.
    pub log_steps: u64,
    /// Steps between checkpoints, beside the one at the end of each epoch; 0 for none.
    pub checkpoint_steps: u64,
    /// Minutes between checkpoints, beside the one at the end of each epoch; 0 for none.
    pub checkpoint_minutes: f64,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            epochs: 10,
            batch_size: 32,
            accumulate: 1,
            optimizer: OptimizerKind::Adam,
            learning_rate: 1e-3,
            momentum: 0.0,
            non_monotone: 5,
            average_epochs: 0,
            weight_decay: 0.0,
            embedding_weight_decay: None,
            schedule: ScheduleKind::Constant,
            decay: 0.5,
            decay_after: 0,
            rise: 0.3,
            warmup_steps: 0,
            clip_norm: 0.0,
            label_smoothing: 0.0,
            weak_smoothing: 0.0,
            metric: "accuracy".to_owned(),
            patience: 0,
            valid_steps: 0,
            log_steps: 50,
            checkpoint_steps: 0,
            checkpoint_minutes: 5.0,
        }
    }
}

/// More than any training has.
const MAX_EPOCHS: u64 = 100_000;

impl TrainingOptions {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    ///
    /// The first key whose value is not, and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let at_least_one = [
            ("epochs", self.epochs),
            ("batch_size", self.batch_size as u64),
            ("accumulate", self.accumulate as u64),
            ("log_steps", self.log_steps),
        ];
        for (key, value) in at_least_one {
            if value == 0 {
                return Err((key, "must be at least 1, not 0".to_owned()));
            }
        }
        if self.epochs > MAX_EPOCHS {
            let message = format!("must be at most {MAX_EPOCHS}, not {}", self.epochs);
            return Err(("epochs", message));
        }
        let range = |key, value: f64, fits: bool, range: &str| {
            if fits && value.is_finite() {
                Ok(())
            } else {
                Err((key, format!("must be {range}, not {value}")))
            }
        };
        let rate = self.learning_rate;
        range("learning_rate", rate, rate > 0.0, "above 0")?;
        range("decay", self.decay, self.decay > 0.0, "above 0")?;
        range(
            "rise",
            self.rise,
            (0.0..=1.0).contains(&self.rise),
            "in [0, 1]",
        )?;
        for (key, value) in [
            ("momentum", self.momentum),
            ("label_smoothing", self.label_smoothing),
            ("weak_smoothing", self.weak_smoothing),
        ] {
            range(key, value, (0.0..1.0).contains(&value), "in [0, 1)")?;
        }
        for (key, value) in [
            ("weight_decay", self.weight_decay),
            (
                "embedding_weight_decay",
                self.embedding_weight_decay.unwrap_or(0.0),
            ),
            ("clip_norm", self.clip_norm),
            ("checkpoint_minutes", self.checkpoint_minutes),
        ] {
            range(key, value, value >= 0.0, "at least 0")?;
        }
        if self.momentum > 0.0 && self.optimizer != OptimizerKind::Sgd {
            return Err(("momentum", "is for the optimizer `sgd` only".to_owned()));
        }
        let most = self.non_monotone as u64;
        if self.optimizer == OptimizerKind::NtAsgd && (1..=most).contains(&self.patience) {
            let message = format!(
                "must be 0 or above training.non_monotone, {most}, not {}: training would end before the \
                 weights are averaged",
                self.patience
            );
            return Err(("patience", message));
        }
        if self.average_epochs > self.epochs {
            let (most, found) = (self.epochs, self.average_epochs);
            let message = format!("must be at most training.epochs, {most}, not {found}");
            return Err(("average_epochs", message));
        }
        if self.average_epochs > 0 && self.optimizer == OptimizerKind::NtAsgd {
            let message = "is not for the optimizer `nt_asgd`, which averages by itself";
            return Err(("average_epochs", message.to_owned()));
        }
        if self.warmup_steps > 0 && self.schedule == ScheduleKind::OneCycle {
            let message = "is not for the schedule `one_cycle`, whose rate rises by itself";
            return Err(("warmup_steps", message.to_owned()));
        }
        if self.embedding_weight_decay.is_some() && self.optimizer != OptimizerKind::Adamw {
            let message = "is for the optimizer `adamw` only".to_owned();
            return Err(("embedding_weight_decay", message));
        }
        Ok(())
    }

    /// Checks that the metric is one of these, which the task has.
    ///
    /// # Errors
    ///
    /// The key, and what it must be.
    pub fn check_metric(&self, known: &[&str]) -> Result<(), (&'static str, String)> {
        if known.contains(&self.metric.as_str()) {
            return Ok(());
        }
        let (known, found) = (known.join(", "), &self.metric);
        Err(("metric", format!("must be one of {known}, not `{found}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_refused_by_key() {
        let refused = |change: fn(&mut TrainingOptions)| {
            let mut options = TrainingOptions::default();
            change(&mut options);
            options.check().err().map(|(key, _)| key)
        };
        assert_eq!(refused(|_| ()), None);
        assert_eq!(refused(|options| options.epochs = 0), Some("epochs"));
        assert_eq!(refused(|options| options.epochs = u64::MAX), Some("epochs"));
        assert_eq!(
            refused(|options| options.batch_size = 0),
            Some("batch_size")
        );
        assert_eq!(
            refused(|options| options.learning_rate = -1.0),
            Some("learning_rate")
        );
        assert_eq!(
            refused(|options| options.learning_rate = f64::NAN),
            Some("learning_rate")
        );
        assert_eq!(
            refused(|options| options.label_smoothing = 1.0),
            Some("label_smoothing")
        );
        assert_eq!(
            refused(|options| options.clip_norm = -0.1),
            Some("clip_norm")
        );
        assert_eq!(refused(|options| options.momentum = 0.9), Some("momentum"));
        assert_eq!(refused(|options| options.rise = 1.5), Some("rise"));
        let too_many = |options: &mut TrainingOptions| options.average_epochs = options.epochs + 1;
        assert_eq!(refused(too_many), Some("average_epochs"));
        let both = |options: &mut TrainingOptions| {
            options.optimizer = OptimizerKind::NtAsgd;
            options.average_epochs = 1;
        };
        assert_eq!(refused(both), Some("average_epochs"));
        let both = |options: &mut TrainingOptions| {
            options.schedule = ScheduleKind::OneCycle;
            options.warmup_steps = 10;
        };
        assert_eq!(refused(both), Some("warmup_steps"));
        let both = |options: &mut TrainingOptions| {
            options.optimizer = OptimizerKind::NtAsgd;
            options.patience = 5;
        };
        assert_eq!(refused(both), Some("patience"));
    }
}
