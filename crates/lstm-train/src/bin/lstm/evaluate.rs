//! `lstm evaluate`

mod pairs;
mod summarizer;
mod translator;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use burn::tensor::Device;
use clap::Args;
use lstm_models::{
    CacheOptions, Classifier, ClassifierBundle, LanguageModel, Summarizer, Translator, bundle,
};
use lstm_train::corpus::{self, Column, CorpusOptions, Encoding, Format, Labels, SstClasses};
use lstm_train::device;
use lstm_train::metrics::Classification;
use lstm_train::tasks::classifier::Baselines;
use serde_json::{Value, json};

use crate::Failure;
use crate::cache::CacheArguments;
use crate::search::SearchArguments;

#[derive(Args)]
pub struct Arguments {
    /// The bundle of a trained model.
    #[arg(long, value_name = "BUNDLE")]
    model: PathBuf,
    /// A labelled file for a classifier, a text for a language model, the sources for a translator, the documents for
    /// a summarizer; .gz is read as it is.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Of translators and summarizers: the references, line by line; without it, DATA holds both.
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    #[command(flatten)]
    search: SearchArguments,
    /// Its format: tsv, csv, jsonl, sst or trec [default: what its name says].
    #[arg(long)]
    format: Option<Format>,
    /// Its encoding: utf-8 or latin-1.
    #[arg(long, default_value = "utf-8")]
    encoding: Encoding,
    /// The column number, column name or key of the label; of the references, where DATA holds both.
    #[arg(long, value_name = "COLUMN")]
    label: Option<Column>,
    /// The column number, column name or key of the text.
    #[arg(long, value_name = "COLUMN")]
    text: Option<Column>,
    #[command(flatten)]
    cache: CacheArguments,
    /// Where to compute.
    #[arg(long, default_value = device::default_name())]
    device: String,
    /// Also train linear models on this file, of the same format, and print what they score.
    #[arg(long, value_name = "TRAINING FILE")]
    baseline: Option<PathBuf>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Texts that go through the model together.
const BATCH: usize = 64;

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let device = device::parse(&arguments.device)?;
    let task = bundle::read_task(&arguments.model)?;
    let target = arguments.target.as_ref().map(|_| "--target");
    if let Some(option) = target.or(arguments.search.given())
        && ![Translator::TASK, Summarizer::TASK].contains(&task.as_str())
    {
        let bundle = arguments.model.display();
        return Err(format!(
            "{option} is for translators and summarizers, but {bundle} is a {task}"
        )
        .into());
    }
    match task.as_str() {
        LanguageModel::TASK => language_model(arguments, &device),
        _ if arguments.cache.options()?.is_some() => {
            let bundle = arguments.model.display();
            Err(format!("--cache is for language models, but {bundle} is a {task}").into())
        }
        Translator::TASK => translator::run(arguments, &device),
        Summarizer::TASK => summarizer::run(arguments, &device),
        _ => classifier(arguments, &device),
    }
}

fn language_model(arguments: &Arguments, device: &Device) -> Result<(), Failure> {
    let cache = arguments.cache.options()?;
    let model = LanguageModel::load(&arguments.model, device)?;
    let text = corpus::read_plain(&arguments.data, arguments.encoding)?;
    let began = Instant::now();
    let score = model.score_with(cache, &text, |_| Ok::<(), Failure>(()))?;
    let seconds = began.elapsed().as_secs_f64();
    if score.tokens == 0 {
        return Err(format!("{} has no token", arguments.data.display()).into());
    }
    let bits = score.nll / std::f64::consts::LN_2;
    let bits_per_character = bits / text.chars().count() as f64;
    let bits_per_byte = bits / text.len() as f64;
    let mut output = io::stdout().lock();
    if arguments.json {
        let mut object = json!({
            "task": LanguageModel::TASK,
            "tokens": score.tokens,
            "unknown": score.unknown,
            "loss": score.loss(),
            "perplexity": score.perplexity(),
            "bits_per_character": bits_per_character,
            "bits_per_byte": bits_per_byte,
            "seconds": seconds,
        });
        if let Some(cache) = cache {
            object["cache"] = json!(cache);
        }
        writeln!(output, "{object}")?;
        return Ok(());
    }
    writeln!(
        output,
        "perplexity {:.3}  loss {:.4}  bits a character {bits_per_character:.4}  \
         bits a byte {bits_per_byte:.4}  ({} tokens, {seconds:.1} s)",
        score.perplexity(),
        score.loss(),
        score.tokens
    )?;
    if let Some(CacheOptions {
        size,
        theta,
        lambda,
    }) = cache
    {
        writeln!(
            output,
            "with a continuous cache of the last {size} tokens, theta {theta}, lambda {lambda}"
        )?;
    }
    if score.unknown > 0 {
        writeln!(
            output,
            "{} of the tokens are not in the model's vocabulary",
            score.unknown
        )?;
    }
    Ok(())
}

fn classifier(arguments: &Arguments, device: &Device) -> Result<(), Failure> {
    let classifier = Classifier::load(&arguments.model, device)?;
    let options = options(arguments, classifier.labels().len())?;
    let labels = Labels::Known(classifier.labels());
    let corpus = corpus::read(&arguments.data, &options, labels)?;
    let began = Instant::now();

    // Texts of similar length go together, so that there is little padding.
    let mut texts: Vec<usize> = (0..corpus.len()).collect();
    texts.sort_by_key(|&text| corpus.examples[text].text.len());
    let mut classification = Classification::new(classifier.labels().len());
    for batch in texts.chunks(BATCH) {
        let examples: Vec<_> = batch.iter().map(|&text| &corpus.examples[text]).collect();
        let texts: Vec<&str> = examples
            .iter()
            .map(|example| example.text.as_str())
            .collect();
        for (answer, example) in classifier.classify_all(&texts)?.iter().zip(examples) {
            classification.add(example.label, &answer.probabilities);
        }
    }
    let scores = classification.scores();
    let seconds = began.elapsed().as_secs_f64();
    let baselines = match &arguments.baseline {
        Some(path) => {
            let train = corpus::read(path, &options, labels)?;
            Some(Baselines::fit(&train, &corpus))
        }
        None => None,
    };

    let mut output = io::stdout().lock();
    if arguments.json {
        let mut object = json!({
            "task": "classifier",
            "n": scores.n,
            "loss": scores.loss,
            "accuracy": scores.accuracy,
            "macro_f1": scores.macro_f1,
            "labels": classifier.labels(),
            "confusion": scores.confusion,
            "seconds": seconds,
        });
        if let Some(baselines) = baselines {
            object["baseline_accuracy"] = json!(baselines.words.accuracy);
            object["baseline_bigrams_accuracy"] = json!(baselines.bigrams.accuracy);
        }
        writeln!(output, "{object}")?;
        return Ok(());
    }
    writeln!(
        output,
        "{:<36} accuracy {:.4}  loss {:.4}  macro-F1 {:.4}  ({:.1} s)",
        format!("this model (n = {})", scores.n),
        scores.accuracy,
        scores.loss,
        scores.macro_f1,
        seconds
    )?;
    match baselines {
        Some(baselines) => write!(output, "{baselines}")?,
        None => {
            let config =
                bundle::read_config::<ClassifierBundle>(&arguments.model, Classifier::TASK)?;
            for (name, key) in [("words", "words"), ("words and word pairs", "bigrams")] {
                let accuracy =
                    &config.training.get("baseline").unwrap_or(&Value::Null)[key]["accuracy"];
                if let Some(accuracy) = accuracy.as_f64() {
                    let name = format!("linear bag of {name}");
                    let origin = "where the model was trained (--baseline scores it here)";
                    writeln!(output, "{name:<36} accuracy {accuracy:.4}  {origin}")?;
                }
            }
        }
    }
    write!(output, "\n{}", scores.confusion.table(classifier.labels()))?;
    Ok(())
}

fn options(arguments: &Arguments, classes: usize) -> Result<CorpusOptions, Failure> {
    let format = arguments
        .format
        .or_else(|| Format::from_path(&arguments.data))
        .ok_or_else(|| {
            format!(
                "the format of {} cannot be told from its name: say --format tsv, csv, jsonl, \
                 sst or trec",
                arguments.data.display()
            )
        })?;
    let mut options = CorpusOptions::new(format);
    options.encoding = arguments.encoding;
    options.label = arguments.label.clone();
    options.text = arguments.text.clone();
    // The trees have five degrees; the model says how many classes they become.
    if classes == 5 {
        options.sst.classes = SstClasses::Five;
    }
    Ok(options)
}
