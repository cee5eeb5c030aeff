//! `curves.svg`: loss and scores over the steps of a run.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::events::{EventError, EventKind, read_events};
use super::files::{self, FileError};

/// Curves that cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum CurvesError {
    /// The drawing failed.
    #[error("the curves cannot be drawn: {0}")]
    Draw(String),
    /// The log cannot be read.
    #[error(transparent)]
    Events(#[from] EventError),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// One line of a panel.
struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
    dashed: bool,
}

/// Two colours that every reader can tell apart, in print too (Okabe and Ito 2008), for as many
/// curves as a panel has; the second is dashed as well.
const COLOURS: [RGBColor; 2] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0)];

const SIZE: (u32, u32) = (960, 400);

/// Draws from a log the loss of training and validation, and the validation's scores: accuracy and
/// macro-F1 of a classifier, perplexity of a language model.
///
/// # Errors
///
/// A log that cannot be read, a file that cannot be written.
pub fn draw_curves(log: &Path, path: &Path) -> Result<(), CurvesError> {
    let events = read_events(log)?;
    let curve = |kind, metric: &str, name: &str, dashed| Curve {
        name: name.to_owned(),
        points: events
            .iter()
            .filter(|event| event.event == kind)
            .filter_map(|event| Some((event.step as f64, event.metric(metric)?)))
            .collect(),
        dashed,
    };
    let loss = [
        curve(EventKind::Train, "loss", "training", false),
        curve(EventKind::Valid, "loss", "validation", true),
    ];
    let scores = [
        curve(EventKind::Valid, "accuracy", "accuracy", false),
        curve(EventKind::Valid, "macro_f1", "macro-F1", true),
        curve(EventKind::Valid, "perplexity", "perplexity", false),
    ];
    let scores: Vec<Curve> = scores
        .into_iter()
        .filter(|curve| !curve.points.is_empty())
        .collect();
    let mut svg = String::new();
    draw(&mut svg, &loss, &scores).map_err(|error| CurvesError::Draw(error.to_string()))?;
    Ok(files::write(path, svg.as_bytes())?)
}

type DrawError = Box<dyn std::error::Error>;

fn draw(svg: &mut String, loss: &[Curve], scores: &[Curve]) -> Result<(), DrawError> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(SIZE.0 / 2);
    panel(&left, "loss (nats)", loss)?;
    panel(&right, "validation score", scores)?;
    area.present()?;
    Ok(())
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    title: &str,
    curves: &[Curve],
) -> Result<(), DrawError> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let last = points().fold(1.0_f64, |last, point| last.max(point.0));
    let lowest = points().fold(f64::INFINITY, |low, point| low.min(point.1));
    let highest = points().fold(f64::NEG_INFINITY, |high, point| high.max(point.1));
    let (lowest, highest) = match highest >= lowest {
        true => (lowest, highest),
        false => (0.0, 1.0),
    };
    let margin = ((highest - lowest) * 0.08).max(1e-3);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..last, lowest - margin..highest + margin)?;
    chart
        .configure_mesh()
        .x_desc("step")
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|step| format!("{step:.0}"))
        .y_label_formatter(&|value| format!("{value:.3}"))
        .light_line_style(WHITE)
        .draw()?;
    for (curve, colour) in curves.iter().zip(COLOURS) {
        if curve.points.is_empty() {
            continue;
        }
        let style = colour.stroke_width(2);
        let drawn = if curve.dashed {
            let line = DashedLineSeries::new(curve.points.iter().copied(), 6, 4, style);
            chart.draw_series(line)?
        } else {
            chart.draw_series(LineSeries::new(curve.points.iter().copied(), style))?
        };
        drawn.label(&curve.name).legend(move |(x, y)| {
            PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(3))
        });
        let marks = curve
            .points
            .iter()
            .map(|&point| Circle::new(point, 2, colour.filled()));
        // A mark for every point, as long as they can be told apart.
        if curve.points.len() <= 60 {
            chart.draw_series(marks)?;
        }
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use crate::run::{Event, EventLog};

    #[test]
    fn curves_name_their_axes_and_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curves.svg");
        let log = folder.path().join("events.jsonl");
        let mut events = EventLog::open(&log).unwrap();
        for step in 1..=10 {
            let metrics = Metrics::from([
                ("loss".to_owned(), 1.0 / step as f64),
                ("accuracy".to_owned(), 1.0 - 0.5 / step as f64),
            ]);
            for kind in [EventKind::Train, EventKind::Valid] {
                events
                    .append(&Event::new(kind, step, 1, 0.0, &metrics))
                    .unwrap();
            }
        }
        draw_curves(&log, &path).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        for part in [
            "<svg",
            "loss (nats)",
            "step",
            "training",
            "validation",
            "accuracy",
        ] {
            assert!(svg.contains(part), "{part}");
        }
    }

    #[test]
    fn a_run_without_events_still_has_axes() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("events.jsonl");
        EventLog::open(&log).unwrap();
        draw_curves(&log, &folder.path().join("curves.svg")).unwrap();
    }
}
