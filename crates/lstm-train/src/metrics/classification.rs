//! The scores of a classifier: loss, accuracy, macro F1.

use serde::Serialize;

use super::confusion::ConfusionMatrix;

/// Gathers a classifier's answers.
#[derive(Debug, Clone)]
pub struct Classification {
    nll: f64,
    confusion: ConfusionMatrix,
}

/// How good a classifier's answers were.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassificationScores {
    /// The number of examples.
    pub n: u64,
    /// The mean negative log-likelihood of the true class, in nats.
    pub loss: f64,
    /// The share of examples whose most probable class is the true one, from 0 to 1.
    pub accuracy: f64,
    /// The mean of the classes' F1.
    pub macro_f1: f64,
    /// Which classes were taken for which: `confusion[truth][predicted]`.
    pub confusion: ConfusionMatrix,
}

impl Classification {
    /// No answers yet, of so many classes.
    pub fn new(classes: usize) -> Self {
        Self {
            nll: 0.0,
            confusion: ConfusionMatrix::new(classes),
        }
    }

    /// Takes the answer about one example: the probabilities of all classes, `[classes]`. The class
    /// with the highest is the predicted one, the first of equals.
    ///
    /// In the loss a probability below the smallest normal `f32` counts as that, so that a zero costs
    /// 87 nats and not infinitely many. One that is not a number makes the loss not a number.
    ///
    /// # Panics
    ///
    /// If there is no such class, or not one probability for each.
    pub fn add(&mut self, truth: usize, probabilities: &[f32]) {
        let (given, classes) = (probabilities.len(), self.confusion.classes());
        assert_eq!(
            given, classes,
            "{given} probabilities for {classes} classes"
        );
        let mut predicted = 0;
        for class in 1..classes {
            if probabilities[class] > probabilities[predicted] {
                predicted = class;
            }
        }
        self.confusion.add(truth, predicted);
        // f32::max would turn what is not a number into one.
        let probability = match probabilities[truth] {
            tiny if tiny < f32::MIN_POSITIVE => f32::MIN_POSITIVE,
            probability => probability,
        };
        self.nll -= f64::from(probability).ln();
    }

    /// The scores of all answers so far; all are 0 if there are none.
    pub fn scores(&self) -> ClassificationScores {
        let n = self.confusion.total();
        ClassificationScores {
            n,
            loss: self.nll / n.max(1) as f64,
            accuracy: self.confusion.accuracy(),
            macro_f1: self.confusion.macro_f1(),
            confusion: self.confusion.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_that_of_scikit_learn() {
        // scikit-learn 1.9.1: log_loss([0, 1, 0], probabilities, labels=[0, 1, 2])
        let mut answers = Classification::new(3);
        answers.add(0, &[0.7, 0.2, 0.1]);
        answers.add(1, &[0.3, 0.4, 0.3]);
        answers.add(0, &[0.25, 0.25, 0.5]);
        let scores = answers.scores();
        // f32 holds these probabilities to 8 digits.
        assert!(
            (scores.loss - 0.8864200123109262).abs() < 1e-7,
            "{}",
            scores.loss
        );
        assert_eq!(scores.n, 3);
        assert_eq!(scores.accuracy, 2.0 / 3.0);
    }

    #[test]
    fn the_first_of_equal_probabilities_is_the_answer() {
        let mut answers = Classification::new(3);
        answers.add(1, &[0.2, 0.4, 0.4]);
        assert_eq!(answers.scores().accuracy, 1.0);
    }

    #[test]
    fn a_zero_costs_much_and_what_is_no_number_shows() {
        let mut answers = Classification::new(2);
        answers.add(0, &[0.0, 1.0]);
        assert!((answers.scores().loss - 87.336).abs() < 1e-3);
        answers.add(0, &[f32::NAN, f32::NAN]);
        assert!(answers.scores().loss.is_nan());
    }

    #[test]
    fn no_answers_score_zero() {
        let scores = Classification::new(2).scores();
        assert_eq!(
            (scores.n, scores.loss, scores.accuracy, scores.macro_f1),
            (0, 0.0, 0.0, 0.0)
        );
    }

    #[test]
    fn scores_are_written_as_plain_json() {
        let mut answers = Classification::new(2);
        answers.add(0, &[1.0, 0.0]);
        let json = serde_json::to_string(&answers.scores()).unwrap();
        assert_eq!(
            json,
            r#"{"n":1,"loss":0.0,"accuracy":1.0,"macro_f1":0.5,"confusion":[[1,0],[0,0]]}"#
        );
    }
}
