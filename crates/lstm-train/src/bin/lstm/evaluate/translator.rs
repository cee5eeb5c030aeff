//! `lstm evaluate` of a translator.

use std::io::{self, Write};
use std::time::Instant;

use burn::tensor::Device;
use lstm_models::{TranslationSearch, Translator};
use lstm_train::metrics::translation::Score;
use lstm_train::tasks::translator::score;
use serde_json::json;

use super::{Arguments, pairs};
use crate::Failure;

pub fn run(arguments: &Arguments, device: &Device) -> Result<(), Failure> {
    let translator = Translator::load(&arguments.model, device)?;
    let search = arguments.search.search(TranslationSearch::default(), 1)?;
    if arguments.baseline.is_some() {
        return Err("--baseline is for classifiers".into());
    }
    let texts = pairs::read(arguments)?;
    let began = Instant::now();
    let scores = score(&translator, &texts, search)?;
    let seconds = began.elapsed().as_secs_f64();
    let mut output = io::stdout().lock();
    if arguments.json {
        let object = json!({
            "task": Translator::TASK,
            "n": scores.n,
            "loss": scores.loss,
            "perplexity": scores.perplexity(),
            "bleu": scores.bleu.score,
            "chrf": scores.chrf.score,
            "signature": scores.bleu.signature,
            "chrf_signature": scores.chrf.signature,
            "beam": search.beam,
            "seconds": seconds,
        });
        writeln!(output, "{object}")?;
        return Ok(());
    }
    writeln!(
        output,
        "BLEU {:.2}  chrF {:.2}  perplexity {:.3}  loss {:.4}  (n = {}, beam {}, {seconds:.1} s)",
        scores.bleu.score,
        scores.chrf.score,
        scores.perplexity(),
        scores.loss,
        scores.n,
        search.beam,
    )?;
    let (bleu, chrf) = (&scores.bleu, &scores.chrf);
    writeln!(output, "BLEU {} {}", bleu.signature, bleu.details())?;
    writeln!(output, "chrF {}", chrf.signature)?;
    Ok(())
}
