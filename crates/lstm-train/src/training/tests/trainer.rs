//! When the loop stops, which weights it gives back, and how far a step goes.

use super::toy::{Line, Points, descent};
use crate::training::{OptimizerKind, TrainError, Trained, TrainingOptions};

/// Steps in an epoch of `Points::new(8)`.
const STEPS: u64 = 5;

#[track_caller]
fn assert_close(found: [f32; 2], expected: [f32; 2], tolerance: f32) {
    for (one, other) in found.iter().zip(expected) {
        assert!(
            (one - other).abs() < tolerance,
            "{found:?} instead of {expected:?}"
        );
    }
}

/// The step of the best validation.
fn best_step(trained: &Trained<Line>) -> Option<u64> {
    trained.best.as_ref().map(|best| best.step)
}

#[test]
fn the_weights_that_fit_are_found() {
    let points = Points::new(40);
    let trained = points.fit(&descent(300, 0.5)).unwrap();
    // The least squares themselves: (XᵀX) w = Xᵀy.
    let sum = |term: &dyn Fn(usize) -> f32| (0..40).map(term).sum::<f32>();
    let (x, y) = (&points.inputs, &points.outputs);
    let (a, b) = (sum(&|i| x[i][0] * x[i][0]), sum(&|i| x[i][0] * x[i][1]));
    let d = sum(&|i| x[i][1] * x[i][1]);
    let (e, f) = (sum(&|i| x[i][0] * y[i]), sum(&|i| x[i][1] * y[i]));
    let determinant = a * d - b * b;
    let expected = [(d * e - b * f) / determinant, (a * f - b * e) / determinant];
    assert_close(trained.model.weights(), expected, 1e-4);
    assert_eq!((trained.steps, trained.epoch), (300, 300));
}

#[test]
fn training_stops_after_so_many_validations_without_a_better_one() {
    let points = Points::new(8).with_scores(&[0.5, 0.7, 0.7, 0.6, 0.9, 0.9]);
    let options = TrainingOptions {
        patience: 2,
        ..descent(6, 0.1)
    };
    let trained = points.fit(&options).unwrap();
    assert_eq!((trained.steps, trained.epoch), (4 * STEPS, 4));
    assert_eq!(best_step(&trained), Some(2 * STEPS));
    assert_eq!(trained.model.weights(), points.validated.borrow()[1]);
}

#[test]
fn a_better_validation_starts_the_count_again() {
    let points = Points::new(8).with_scores(&[0.5, 0.4, 0.6, 0.5, 0.7, 0.6]);
    let options = TrainingOptions {
        patience: 2,
        ..descent(6, 0.1)
    };
    let trained = points.fit(&options).unwrap();
    assert_eq!(
        (trained.steps, best_step(&trained)),
        (6 * STEPS, Some(5 * STEPS))
    );
}

#[test]
fn training_stops_within_an_epoch() {
    // Validations after steps 2 and 4, and at the epoch's end, which is step 5.
    let points = Points::new(8).with_scores(&[0.5, 0.4, 0.3, 0.2]);
    let options = TrainingOptions {
        patience: 1,
        valid_steps: 2,
        ..descent(6, 0.1)
    };
    let trained = points.fit(&options).unwrap();
    assert_eq!((trained.steps, best_step(&trained)), (4, Some(2)));
    assert_eq!(trained.model.weights(), points.validated.borrow()[0]);
}

#[test]
fn the_model_is_that_of_the_best_validation() {
    for (metric, scores, best) in [
        ("accuracy", [0.5, 0.8, 0.6, 0.7], 1),
        ("loss", [0.5, 0.8, 0.3, 0.7], 2),
        // Of equals the first.
        ("accuracy", [0.5, 0.5, 0.5, 0.5], 0),
    ] {
        let points = Points::new(8).with_scores(&scores);
        let options = TrainingOptions {
            metric: metric.to_owned(),
            ..descent(4, 0.1)
        };
        let trained = points.fit(&options).unwrap();
        assert_eq!(trained.steps, 4 * STEPS);
        let validated = points.validated.borrow();
        assert_eq!(trained.model.weights(), validated[best]);
        assert_ne!(trained.model.weights(), validated[3]);
        assert_eq!(trained.best.unwrap().metrics[metric], scores[best]);
    }
}

#[test]
fn a_score_that_is_no_number_is_never_the_best() {
    let (nan, infinity) = (f64::NAN, f64::INFINITY);
    for (metric, scores, best) in [
        ("accuracy", [nan, 0.5, infinity, 0.4], 1),
        ("loss", [nan, 0.5, -infinity, 0.6], 1),
        ("loss", [infinity, nan, 0.5, nan], 2),
    ] {
        let points = Points::new(8).with_scores(&scores);
        let options = TrainingOptions {
            metric: metric.to_owned(),
            ..descent(4, 0.1)
        };
        let trained = points.fit(&options).unwrap();
        assert_eq!(best_step(&trained), Some((best + 1) * STEPS), "{scores:?}");
        let expected = points.validated.borrow()[best as usize];
        assert_eq!(trained.model.weights(), expected);
    }
    let points = Points::new(8).with_scores(&[nan; 6]);
    let options = TrainingOptions {
        patience: 2,
        ..descent(6, 0.1)
    };
    let trained = points.fit(&options).unwrap();
    assert_eq!((trained.steps, best_step(&trained)), (2 * STEPS, None));
}

#[test]
fn accumulated_batches_are_one_large_batch() {
    // 40 points: the last of three steps has only one batch, or half of one.
    for clip_norm in [0.0, 0.5] {
        let options = |accumulate| TrainingOptions {
            accumulate,
            clip_norm,
            weight_decay: 0.01,
            momentum: 0.9,
            ..descent(3, 0.1)
        };
        let accumulated = Points::new(8).fit(&options(2)).unwrap();
        let large = Points::new(16).fit(&options(1)).unwrap();
        assert_eq!((accumulated.steps, large.steps), (9, 9));
        assert_close(accumulated.model.weights(), large.model.weights(), 1e-6);
    }
}

/// How a first step of gradient descent with rate 1 changes the weights.
fn first_step(clip_norm: f64) -> [f32; 2] {
    let options = TrainingOptions {
        clip_norm,
        ..descent(1, 1.0)
    };
    let trained = Points::new(40).fit(&options).unwrap();
    trained.model.weights().map(|weight| weight - 0.5)
}

#[test]
fn clipping_shortens_a_step_that_is_too_long_and_no_other() {
    let norm = |[first, second]: [f32; 2]| first.hypot(second);
    let whole = first_step(0.0);
    assert!(norm(whole) > 0.5, "{whole:?}");
    for clip_norm in [0.5, 0.01] {
        let clipped = first_step(f64::from(clip_norm));
        assert!((norm(clipped) - clip_norm).abs() < 1e-6, "{clipped:?}");
        // In the same direction.
        assert_close(
            clipped.map(|change| change * norm(whole) / clip_norm),
            whole,
            1e-4,
        );
    }
    assert_eq!(first_step(f64::from(norm(whole)) + 1.0), whole);
}

#[test]
fn weight_decay_shrinks_weights_that_nothing_else_moves() {
    for optimizer in [OptimizerKind::Sgd, OptimizerKind::Adamw] {
        let mut points = Points::new(8);
        points.inputs.fill([0.0, 0.0]);
        let mut options = TrainingOptions {
            optimizer,
            ..descent(2, 0.1)
        };
        let trained = points.fit(&options).unwrap();
        assert_eq!(trained.model.weights(), [0.5, 0.5]);
        options.weight_decay = 0.2;
        let trained = points.fit(&options).unwrap();
        let expected = 0.5 * (1.0_f32 - 0.1 * 0.2).powi(2 * STEPS as i32);
        assert_close(trained.model.weights(), [expected; 2], 1e-6);
    }
}

/// One step an epoch, whose validations have these scores.
fn averaged(scores: &[f64], optimizer: OptimizerKind) -> (Trained<Line>, Vec<[f32; 2]>) {
    let points = Points::new(40).with_scores(scores);
    let options = TrainingOptions {
        optimizer,
        non_monotone: 2,
        metric: "loss".to_owned(),
        ..descent(scores.len() as u64, 0.5)
    };
    let trained = points.fit(&options).unwrap();
    (trained, points.validated.into_inner())
}

#[test]
fn weights_are_averaged_from_when_validation_gets_no_better() {
    // The fifth is the first that is worse than one of those more than two before it.
    let scores = [5.0, 4.0, 4.5, 3.0, 4.25, 2.0, 1.0, 1.5];
    let (plain, steps) = averaged(&scores, OptimizerKind::Sgd);
    let (trained, validated) = averaged(&scores, OptimizerKind::NtAsgd);
    assert_eq!(validated[..5], steps[..5]);
    for last in 5..8 {
        let mean = [0, 1].map(|weight| {
            let sum: f32 = steps[5..=last].iter().map(|weights| weights[weight]).sum();
            sum / (last - 4) as f32
        });
        assert_close(validated[last], mean, 1e-6);
        assert_ne!(steps[last], steps[last - 1]);
    }
    assert_eq!(best_step(&trained), Some(7));
    assert_eq!(trained.model.weights(), validated[6]);
    assert_ne!(trained.model.weights(), plain.model.weights());
}

#[test]
fn weights_are_not_averaged_while_validation_gets_better() {
    let scores = [5.0, 4.0, 4.5, 3.0, 3.5, 3.9, 2.0];
    let (_, steps) = averaged(&scores, OptimizerKind::Sgd);
    let (_, validated) = averaged(&scores, OptimizerKind::NtAsgd);
    assert_eq!(validated, steps);
}

#[test]
fn the_weights_of_the_last_epochs_are_averaged() {
    let fit = |average_epochs| {
        let points = Points::new(20).with_scores(&[5.0, 4.0, 3.0, 2.0]);
        let options = TrainingOptions {
            average_epochs,
            metric: "loss".to_owned(),
            ..descent(4, 0.5)
        };
        let trained = points.fit(&options).unwrap();
        (trained.model.weights(), points.validated.into_inner())
    };
    let (last, each_epoch) = fit(0);
    let (mean, validated) = fit(2);
    assert_eq!(validated[..2], each_epoch[..2]);
    assert_eq!(mean, validated[3]);
    assert_ne!(mean, last);
    assert_ne!(mean, fit(1).0);
    // Two steps an epoch: the mean lies between the weights of the averaged epochs' ends and beyond none.
    let (of_last_epoch, _) = fit(1);
    for weight in 0..2 {
        let [before, after] = [each_epoch[1][weight], each_epoch[3][weight]];
        let range = before.min(after)..=before.max(after);
        assert!(range.contains(&mean[weight]), "{mean:?} {each_epoch:?}");
        assert!(range.contains(&of_last_epoch[weight]), "{of_last_epoch:?}");
    }
}

#[test]
fn averaging_needs_a_validation() {
    let options = TrainingOptions {
        optimizer: OptimizerKind::NtAsgd,
        ..descent(2, 0.5)
    };
    let failed = Points::new(40).fit(&options).unwrap_err();
    assert!(matches!(failed, TrainError::NoValidation), "{failed}");
}

#[test]
fn a_batch_of_another_size_has_its_share_of_the_rate() {
    let step = |rate_factor, learning_rate| {
        let points = Points {
            rate_factor,
            ..Points::new(40)
        };
        let trained = points.fit(&descent(1, learning_rate)).unwrap();
        trained.model.weights()
    };
    assert_eq!(step(0.5, 0.25), step(1.0, 0.125));
    assert_ne!(step(0.5, 0.25), step(1.0, 0.25));
}
