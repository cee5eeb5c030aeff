//! Which classes are taken for which; precision, recall and F1.

use std::fmt;

use serde::Serialize;

/// How often each class was taken for each class.
///
/// With tp, fp and fn the numbers of true positives, false positives and false negatives of a class:
///
/// - precision = tp / (tp + fp)
/// - recall = tp / (tp + fn)
/// - F1 = 2 tp / (2 tp + fp + fn), the harmonic mean of the two
///
/// A quotient whose divisor is 0 counts as 0. These are scikit-learn's definitions with
/// `zero_division=0` and `labels=range(classes)`: the macro average is over all classes of the model,
/// also those that do not occur in the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ConfusionMatrix {
    /// `rows[truth][predicted]`
    rows: Vec<Vec<u64>>,
}

impl ConfusionMatrix {
    /// A matrix of zeros, `[classes, classes]`.
    pub fn new(classes: usize) -> Self {
        Self {
            rows: vec![vec![0; classes]; classes],
        }
    }

    /// Counts one example of class `truth` that was taken for class `predicted`.
    ///
    /// # Panics
    ///
    /// If there is no such class.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        let classes = self.classes();
        assert!(
            truth < classes && predicted < classes,
            "class {truth} taken for class {predicted}, but there are {classes} classes"
        );
        self.rows[truth][predicted] += 1;
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.rows.len()
    }

    /// How many examples of class `truth` were taken for class `predicted`.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.rows[truth][predicted]
    }

    /// The number of examples.
    pub fn total(&self) -> u64 {
        self.rows.iter().flatten().sum()
    }

    /// The number of examples of one class.
    pub fn support(&self, class: usize) -> u64 {
        self.rows[class].iter().sum()
    }

    /// How often this class was the answer.
    pub fn predicted(&self, class: usize) -> u64 {
        self.rows.iter().map(|row| row[class]).sum()
    }

    /// The share of examples whose class was found, from 0 to 1.
    pub fn accuracy(&self) -> f64 {
        let correct = (0..self.classes())
            .map(|class| self.rows[class][class])
            .sum();
        ratio(correct, self.total())
    }

    /// Of the examples that were taken for this class, the share that is of it.
    pub fn precision(&self, class: usize) -> f64 {
        ratio(self.rows[class][class], self.predicted(class))
    }

    /// Of the examples of this class, the share that was taken for it.
    pub fn recall(&self, class: usize) -> f64 {
        ratio(self.rows[class][class], self.support(class))
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self, class: usize) -> f64 {
        // 2 tp / (2 tp + fp + fn), where tp + fp are the predicted and tp + fn the true ones
        ratio(
            2 * self.rows[class][class],
            self.predicted(class) + self.support(class),
        )
    }

    /// The mean of all classes' precision.
    pub fn macro_precision(&self) -> f64 {
        self.mean(Self::precision)
    }

    /// The mean of all classes' recall.
    pub fn macro_recall(&self) -> f64 {
        self.mean(Self::recall)
    }

    /// The mean of all classes' F1, each class of the same weight.
    pub fn macro_f1(&self) -> f64 {
        self.mean(Self::f1)
    }

    fn mean(&self, score: impl Fn(&Self, usize) -> f64) -> f64 {
        let classes = self.classes();
        (0..classes).map(|class| score(self, class)).sum::<f64>() / classes.max(1) as f64
    }

    /// Scores by class and the matrix, to be displayed with these names.
    ///
    /// # Panics
    ///
    /// If there is not one name for each class.
    pub fn table<'a, T: AsRef<str>>(&'a self, labels: &'a [T]) -> ConfusionTable<'a> {
        let (names, classes) = (labels.len(), self.classes());
        assert_eq!(names, classes, "{names} names for {classes} classes");
        ConfusionTable {
            confusion: self,
            labels: labels.iter().map(AsRef::as_ref).collect(),
        }
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        whole => part as f64 / whole as f64,
    }
}

/// A [`ConfusionMatrix`] with the names of its classes, to be displayed.
#[derive(Debug, Clone)]
pub struct ConfusionTable<'a> {
    confusion: &'a ConfusionMatrix,
    labels: Vec<&'a str>,
}

impl fmt::Display for ConfusionTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let confusion = self.confusion;
        let corner = "true \\ predicted";
        let width = |name: &&str| name.chars().count();
        let first = self
            .labels
            .iter()
            .map(width)
            .max()
            .unwrap_or(0)
            .max(corner.len());

        writeln!(
            f,
            "{:first$}  {:>9}  {:>9}  {:>9}  {:>9}",
            "class", "precision", "recall", "F1", "support"
        )?;
        let mut row = |name: &str, [precision, recall, f1]: [f64; 3], support: u64| {
            writeln!(
                f,
                "{name:first$}  {precision:>9.4}  {recall:>9.4}  {f1:>9.4}  {support:>9}"
            )
        };
        for (class, name) in self.labels.iter().enumerate() {
            let scores = [
                confusion.precision(class),
                confusion.recall(class),
                confusion.f1(class),
            ];
            row(name, scores, confusion.support(class))?;
        }
        let macros = [
            confusion.macro_precision(),
            confusion.macro_recall(),
            confusion.macro_f1(),
        ];
        row("macro average", macros, confusion.total())?;

        write!(f, "\n{corner:first$}")?;
        let digits = confusion.total().to_string().len();
        let widths: Vec<usize> = self
            .labels
            .iter()
            .map(|name| width(name).max(digits))
            .collect();
        for (name, &width) in self.labels.iter().zip(&widths) {
            write!(f, "  {name:>width$}")?;
        }
        for (truth, name) in self.labels.iter().enumerate() {
            write!(f, "\n{name:first$}")?;
            for (predicted, &width) in widths.iter().enumerate() {
                write!(f, "  {:>width$}", confusion.count(truth, predicted))?;
            }
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn confusion(classes: usize, answers: &[(usize, usize)]) -> ConfusionMatrix {
        let mut confusion = ConfusionMatrix::new(classes);
        for &(truth, predicted) in answers {
            confusion.add(truth, predicted);
        }
        confusion
    }

    /// Class 3 does not occur.
    const ANSWERS: [(usize, usize); 12] = [
        (0, 0),
        (0, 1),
        (0, 0),
        (1, 1),
        (1, 1),
        (2, 2),
        (2, 0),
        (2, 2),
        (2, 1),
        (0, 0),
        (1, 0),
        (2, 2),
    ];

    fn assert_close(ours: f64, theirs: f64) {
        assert!((ours - theirs).abs() < 1e-12, "{ours} is not {theirs}");
    }

    #[test]
    fn scores_are_those_of_scikit_learn() {
        // scikit-learn 1.9.1:
        //   truth     = [0, 0, 0, 1, 1, 2, 2, 2, 2, 0, 1, 2]
        //   predicted = [0, 1, 0, 1, 1, 2, 0, 2, 1, 0, 0, 2]
        //   precision_recall_fscore_support(truth, predicted, labels=range(4), zero_division=0)
        //   f1_score(truth, predicted, labels=range(4), average="macro", zero_division=0)
        //   accuracy_score(truth, predicted)
        let confusion = confusion(4, &ANSWERS);
        let precision = [0.6, 0.5, 1.0, 0.0];
        let recall = [0.75, 0.6666666666666666, 0.6, 0.0];
        let f1 = [0.6666666666666666, 0.5714285714285714, 0.75, 0.0];
        for class in 0..4 {
            assert_close(confusion.precision(class), precision[class]);
            assert_close(confusion.recall(class), recall[class]);
            assert_close(confusion.f1(class), f1[class]);
            assert_eq!(confusion.support(class), [4, 3, 5, 0][class]);
        }
        assert_close(confusion.macro_f1(), 0.49702380952380953);
        assert_close(confusion.accuracy(), 0.6666666666666666);
    }

    #[test]
    fn the_table_lines_up_under_any_names() {
        let table = confusion(3, &ANSWERS)
            .table(&["no", "peut-être", "yes"])
            .to_string();
        let expected = "\
class             precision     recall         F1    support
no                   0.6000     0.7500     0.6667          4
peut-être            0.5000     0.6667     0.5714          3
yes                  1.0000     0.6000     0.7500          5
macro average        0.7000     0.6722     0.6627         12

true \\ predicted  no  peut-être  yes
no                 3          1    0
peut-être          1          2    0
yes                1          1    3
";
        assert_eq!(table, expected);
    }

    proptest! {
        #[test]
        fn f1_is_the_harmonic_mean_and_accuracy_the_weighted_recall(
            answers in prop::collection::vec((0..5_usize, 0..5_usize), 1..200),
        ) {
            let confusion = confusion(5, &answers);
            let mut weighted = 0.0;
            for class in 0..5 {
                let (precision, recall) = (confusion.precision(class), confusion.recall(class));
                let f1 = match precision + recall {
                    0.0 => 0.0,
                    sum => 2.0 * precision * recall / sum,
                };
                prop_assert!((confusion.f1(class) - f1).abs() < 1e-12);
                weighted += recall * confusion.support(class) as f64 / answers.len() as f64;
            }
            prop_assert!((confusion.accuracy() - weighted).abs() < 1e-12);
        }

        #[test]
        fn the_order_of_the_classes_does_not_matter(
            answers in prop::collection::vec((0..4_usize, 0..4_usize), 1..100),
        ) {
            let renamed: Vec<_> = answers.iter().map(|&(t, p)| ((t + 1) % 4, (p + 1) % 4)).collect();
            let (one, other) = (confusion(4, &answers), confusion(4, &renamed));
            prop_assert!((one.macro_f1() - other.macro_f1()).abs() < 1e-12);
            prop_assert_eq!(one.accuracy(), other.accuracy());
        }
    }
}
