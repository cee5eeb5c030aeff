//! The page of a trace: one file that needs nothing else.

use std::path::Path;

use base64::Engine;
// With padding (RFC 4648), as a browser's `atob` reads it.
use base64::engine::general_purpose::STANDARD as BASE64;
use lstm_models::{Movement, Saturation, Trace, TracedToken, Unit};
use serde::Serialize;

use crate::Failure;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A trace as the page's script reads it.
#[derive(Serialize)]
struct Data<'a> {
    model: String,
    unit: Unit,
    cell: String,
    unknown: usize,
    steps: &'a [TracedToken],
    layers: Vec<Layer<'a>>,
}

#[derive(Serialize)]
struct Layer<'a> {
    d_hidden: usize,
    series: Vec<Series<'a>>,
}

/// A gate or a state of a layer.
#[derive(Serialize)]
struct Series<'a> {
    name: &'a str,
    symbol: &'a str,
    /// What 32767 stands for.
    scale: f32,
    /// `[steps, d_hidden]`: integers of 16 bits, little end first, in base 64. A page of numbers in
    /// letters would be three times as long.
    values: String,
    saturation: Option<&'a Saturation>,
    movements: Option<&'a [Movement]>,
}

/// The page of a trace of the model at this path, whose tokens are of this unit.
pub fn render(trace: &Trace, model: &Path, unit: Unit) -> Result<String, Failure> {
    let layers = trace.layers.iter().map(|layer| {
        let gates = layer.gates.iter().map(|gate| Series {
            saturation: gate.saturation.as_ref(),
            ..series(gate.name, gate.symbol, &gate.values)
        });
        let states = layer.states.iter().map(|state| Series {
            movements: Some(&state.movements),
            ..series(state.name, state.symbol, &state.values)
        });
        Layer {
            d_hidden: layer.d_hidden,
            series: gates.chain(states).collect(),
        }
    });
    let data = Data {
        model: model.display().to_string(),
        unit,
        cell: trace.cell.to_string(),
        unknown: trace.unknown,
        steps: &trace.steps,
        layers: layers.collect(),
    };
    // In JSON a < is always within a string: escaped, no text can end the element or begin another.
    let data = serde_json::to_string(&data)?.replace('<', "\\u003c");
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + SCRIPT.len() + data.len());
    let mut rest = PAGE;
    // In one go from left to right, so that nothing that was put in is taken for a place.
    for (place, contents) in [
        ("/*STYLE*/", STYLE),
        ("/*DATA*/", &data),
        ("/*SCRIPT*/", SCRIPT),
    ] {
        let (before, after) = rest
            .split_once(place)
            .expect("the template has all its places, in this order");
        page.push_str(before);
        page.push_str(contents);
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}

fn series<'a>(name: &'a str, symbol: &'a str, values: &[f32]) -> Series<'a> {
    let greatest = values
        .iter()
        .fold(0.0_f32, |most, value| most.max(value.abs()));
    // A cell state may be larger than any gate.
    let scale = greatest.max(1.0);
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| ((value / scale * 32767.0).round() as i16).to_le_bytes())
        .collect();
    Series {
        name,
        symbol,
        scale,
        values: BASE64.encode(&bytes),
        saturation: None,
        movements: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_is_that_of_the_rfc() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(BASE64.encode(text.as_bytes()), expected);
        }
    }
}
