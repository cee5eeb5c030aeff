//! What a score is printed with: its signature, an interval, a test, the scores of lines.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use lstm_train::metrics::TranslationMetric;
use lstm_train::metrics::translation::{
    Bootstrap, Comparison, Confidence, Randomization, Score, Statistics,
};
use serde_json::{Map, Value, json};

use super::segments::{Files, Text, Texts};
use crate::Failure;

#[derive(Args)]
pub struct ReportArguments {
    #[command(flatten)]
    files: Files,
    /// Print each line's score instead of the corpus'.
    #[arg(long, conflicts_with_all = ["confidence", "baseline"])]
    sentence: bool,
    /// A 95 % confidence interval by bootstrap resampling.
    #[arg(long)]
    confidence: bool,
    /// How the difference from the baseline is tested.
    #[arg(long, value_enum, default_value_t = Test::Bootstrap, requires = "baseline")]
    test: Test,
    /// Resamples of the bootstrap.
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().resamples,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    resamples: u32,
    /// Trials of approximate randomization.
    #[arg(long, value_name = "N", default_value_t = Randomization::default().trials,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    trials: u32,
    /// Seed of both.
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().seed)]
    seed: u32,
    /// Digits behind the point.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=15))]
    width: u8,
    /// One JSON object, or with --sentence one a line.
    #[arg(long)]
    json: bool,
}

/// A test of whether two systems differ by more than chance.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Test {
    /// Paired bootstrap resampling (Koehn 2004).
    Bootstrap,
    /// Approximate randomization (Riezler and Maxwell 2005).
    Randomization,
}

/// A system's score with its interval.
struct Scored<S> {
    score: S,
    signature: String,
    confidence: Option<Confidence>,
}

impl ReportArguments {
    /// Whether single lines are scored.
    pub fn is_by_sentence(&self) -> bool {
        self.sentence
    }

    /// Reads the files, scores them and prints the scores.
    pub fn run<M: TranslationMetric>(&self, metric: &M) -> Result<(), Failure> {
        let texts = self.files.read()?;
        let mut output = io::BufWriter::new(io::stdout().lock());
        match &texts.baseline {
            _ if self.sentence => self.sentences(metric, &texts, &mut output)?,
            None => self.one_system(metric, &texts, &mut output)?,
            Some(baseline) => self.two_systems(metric, &texts, baseline, &mut output)?,
        }
        output.flush()?;
        Ok(())
    }

    fn sentences<M: TranslationMetric>(
        &self,
        metric: &M,
        texts: &Texts,
        output: &mut impl Write,
    ) -> Result<(), Failure> {
        let (lines, references) = (texts.system.lines(), texts.references());
        for (index, (line, references)) in lines.into_iter().zip(&references).enumerate() {
            let score = metric.sentence(line, references);
            let scored = Scored {
                signature: score.signature().to_owned(),
                score,
                confidence: None,
            };
            if self.json {
                let mut object = object(metric, &scored)?;
                object.insert("line".to_owned(), json!(index + 1));
                writeln!(output, "{}", Value::from(object))?;
            } else {
                writeln!(output, "{}", self.line(metric, &scored))?;
            }
        }
        Ok(())
    }

    fn one_system<M: TranslationMetric>(
        &self,
        metric: &M,
        texts: &Texts,
        output: &mut impl Write,
    ) -> Result<(), Failure> {
        let statistics = Statistics::gather(metric, &texts.system.lines(), &texts.references());
        let bootstrap = self.confidence.then(|| self.bootstrap());
        let scored = scored(metric, &statistics, bootstrap, None);
        if self.json {
            writeln!(output, "{}", Value::from(object(metric, &scored)?))?;
        } else {
            writeln!(output, "{}", self.line(metric, &scored))?;
        }
        Ok(())
    }

    fn two_systems<M: TranslationMetric>(
        &self,
        metric: &M,
        texts: &Texts,
        baseline: &Text,
        output: &mut impl Write,
    ) -> Result<(), Failure> {
        let references = texts.references();
        let gather = |text: &Text| Statistics::gather(metric, &text.lines(), &references);
        let [theirs, ours] = [baseline, &texts.system].map(gather);
        let is_bootstrap = self.test == Test::Bootstrap;
        let bootstrap = (self.confidence || is_bootstrap).then(|| self.bootstrap());
        let randomization = (!is_bootstrap).then(|| self.randomization());
        let [their_score, our_score] =
            [&theirs, &ours].map(|statistics| scored(metric, statistics, bootstrap, randomization));
        let (test, comparison) = match randomization {
            Some(test) => (
                "approximate randomization",
                test.compare(metric, &theirs, &ours),
            ),
            None => (
                "paired bootstrap",
                self.bootstrap().compare(metric, &theirs, &ours),
            ),
        };
        if self.json {
            let mut all = object(metric, &our_score)?;
            all.insert("baseline".to_owned(), object(metric, &their_score)?.into());
            let mut compared = serde_json::to_value(comparison)?;
            compared["test"] = json!(test);
            compared["is_significant"] = json!(comparison.is_significant());
            all.insert("comparison".to_owned(), compared);
            writeln!(output, "{}", Value::from(all))?;
            return Ok(());
        }
        for (text, score) in [(baseline, &their_score), (&texts.system, &our_score)] {
            writeln!(output, "{}: {}", text.name, self.line(metric, score))?;
        }
        let Comparison {
            difference,
            p_value,
        } = comparison;
        let verdict = match comparison.is_significant() {
            true => "significant",
            false => "not significant",
        };
        writeln!(
            output,
            "difference {difference:+.width$}, p = {p_value:.4}: {verdict} at {level} ({test})",
            width = usize::from(self.width),
            level = Comparison::SIGNIFICANT,
        )?;
        Ok(())
    }

    fn bootstrap(&self) -> Bootstrap {
        Bootstrap {
            resamples: self.resamples,
            seed: self.seed,
        }
    }

    fn randomization(&self) -> Randomization {
        Randomization {
            trials: self.trials,
            seed: self.seed,
        }
    }

    /// A score as sacreBLEU prints it.
    fn line<M: TranslationMetric>(&self, metric: &M, scored: &Scored<M::Score>) -> String {
        let width = usize::from(self.width);
        let (name, signature) = (metric.name(), &scored.signature);
        let mut line = format!("{name}|{signature} = {:.width$}", scored.score.value());
        if let Some(Confidence { mean, half_width }) = scored.confidence {
            line += &format!(" (μ = {mean:.width$} ± {half_width:.width$})");
        }
        let details = scored.score.details();
        if !details.is_empty() {
            line += &format!(" {details}");
        }
        line
    }
}

fn scored<M: TranslationMetric>(
    metric: &M,
    statistics: &Statistics,
    bootstrap: Option<Bootstrap>,
    randomization: Option<Randomization>,
) -> Scored<M::Score> {
    Scored {
        score: metric.score_of(statistics),
        signature: metric.signature(statistics.references(), bootstrap, randomization),
        confidence: bootstrap.map(|bootstrap| bootstrap.confidence(metric, statistics)),
    }
}

/// A score with all that it is made of, for JSON.
fn object<M: TranslationMetric>(
    metric: &M,
    scored: &Scored<M::Score>,
) -> Result<Map<String, Value>, Failure> {
    let mut object = Map::new();
    object.insert("metric".to_owned(), json!(metric.name()));
    if let Value::Object(score) = serde_json::to_value(&scored.score)? {
        object.extend(score);
    }
    object.insert("signature".to_owned(), json!(scored.signature));
    if let Some(confidence) = scored.confidence {
        object.insert("confidence".to_owned(), json!(confidence));
    }
    Ok(object)
}
