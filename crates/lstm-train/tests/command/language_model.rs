//! `lstm train language-model`, and what its bundles are for.

use std::process::Command;

use serde_json::Value;

use crate::bench::{Bench, TINY, outcome, outcome_of_input};

/// A bench with sentences of the grammar in `texts`: 300 lines to learn from, 40 and 61 to score.
pub fn texts() -> Bench {
    let bench = Bench::new();
    let grammar = datasets::shipped(datasets::grammar::NAME).unwrap();
    for (name, lines) in [("train.txt", 300), ("valid.txt", 40), ("test.txt", 61)] {
        let lines: Vec<&str> = grammar.file(name).unwrap().lines().take(lines).collect();
        bench.write(&format!("texts/{name}"), lines.join("\n") + "\n");
    }
    bench
}

/// `lstm train language-model` of a tiny model on those texts.
pub fn train(bench: &Bench, run: &str, settings: &[&str]) -> Command {
    let task = ["train", "language-model", "--data", "texts", "--run", run];
    let mut command = bench.lstm(&task);
    for setting in TINY.iter().chain(&["windows.steps=20"]).chain(settings) {
        command.args(["--set", setting]);
    }
    command
}

fn trained(settings: &[&str]) -> Bench {
    let bench = texts();
    outcome(&mut train(&bench, "run", settings)).succeeded();
    bench
}

/// What a command on the bundle says.
#[track_caller]
fn said(bench: &Bench, command: &str, arguments: &[&str]) -> String {
    let all = [&[command, "--model", "run/bundle"], arguments].concat();
    outcome(&mut bench.lstm(&all)).succeeded().stdout
}

#[track_caller]
fn evaluated(bench: &Bench, file: &str) -> Value {
    let answer = said(bench, "evaluate", &["--json", "--data", file]);
    serde_json::from_str(&answer).unwrap()
}

#[track_caller]
fn assert_close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() <= 1e-5 * expected.abs(),
        "{found} instead of {expected}"
    );
}

#[test]
fn the_test_part_gets_the_scores_of_the_run() {
    for unit in ["words", "characters", "byte_pairs", "bytes"] {
        let unit = format!("tokenizer.unit={unit}");
        let bench = trained(&[&unit, "tokenizer.max_size=400"]);
        let scores = evaluated(&bench, "texts/test.txt");
        let events = bench.events("run");
        let test = events.iter().find(|event| event["event"] == "test");
        let number = |event: &Value, name: &str| event[name].as_f64().unwrap();
        for name in ["loss", "perplexity", "bits_per_character", "tokens"] {
            assert_close(number(&scores, name), number(test.unwrap(), name));
        }
        assert_close(number(&scores, "perplexity"), number(&scores, "loss").exp());
        assert!(number(test.unwrap(), "trigram") > 1.0, "{unit}");
        // Whoever wrote a text, nobody knows what could be reached on it.
        assert_eq!(test.unwrap().get("best_possible"), None, "{unit}");
    }
}

#[test]
fn every_word_and_line_end_is_scored() {
    let bench = trained(&[]);
    // What a model was trained on has no unknown word.
    let text = bench.read("texts/train.txt");
    let tokens = text.split_whitespace().count() + text.lines().count();
    assert_eq!(evaluated(&bench, "texts/train.txt")["tokens"], tokens);
    let scored = said(&bench, "score-text", &["--input", "texts/train.txt"]);
    let shown: Vec<&str> = scored
        .lines()
        .map(|line| line.split_once('\t').unwrap().0)
        .collect();
    let expected: Vec<&str> = text
        .lines()
        .flat_map(|line| line.split_whitespace().chain(["<eos>"]))
        .collect();
    assert!(shown == expected, "{scored}");
}

#[test]
fn a_token_is_one_field_of_the_table_whatever_is_in_it() {
    let bench = texts();
    bench.write("texts/train.txt", "a \"b\"\tc\\d\n".repeat(40));
    outcome(&mut train(&bench, "run", &["tokenizer.unit=characters"])).succeeded();
    let table = said(&bench, "score-text", &["--input", "texts/train.txt"]);
    let fields = table.lines().map(|line| line.split_once('\t').unwrap().0);
    let first: Vec<&str> = fields.take(10).collect();
    assert_eq!(
        first,
        ["a", " ", "\"", "b", "\"", "\\t", "c", "\\\\", "d", "\\n"]
    );
}

#[test]
fn perplexity_follows_from_each_tokens_surprisal() {
    let bench = trained(&[]);
    let scores = evaluated(&bench, "texts/test.txt");
    let expected = scores["perplexity"].as_f64().unwrap();
    let score = |arguments: &[&str]| {
        let all = [&["--input", "texts/test.txt"], arguments].concat();
        said(&bench, "score-text", &all)
    };
    let perplexity = |losses: &[f64]| (losses.iter().sum::<f64>() / losses.len() as f64).exp();

    let table = score(&[]);
    let column = table.lines().map(|line| line.rsplit_once('\t').unwrap().1);
    let losses: Vec<f64> = column.map(|loss| loss.parse().unwrap()).collect();
    assert_close(perplexity(&losses), expected);

    let objects = score(&["--json"]);
    let objects = objects.lines().map(serde_json::from_str);
    let objects: Vec<Value> = objects.collect::<Result<_, _>>().unwrap();
    let losses: Vec<f64> = objects
        .iter()
        .map(|object| object["surprisal"].as_f64().unwrap())
        .collect();
    assert_close(perplexity(&losses), expected);

    let mut nll = 0.0;
    let mut tokens = 0.0;
    for line in score(&["--lines"]).lines() {
        let fields: Vec<f64> = line
            .split('\t')
            .map(|field| field.parse().unwrap())
            .collect();
        tokens += fields[1];
        nll += fields[1] * fields[2].ln();
    }
    assert_close((nll / tokens).exp(), expected);
}

#[test]
fn a_cache_is_mixed_in_and_reported() {
    // Tied weights of another size: with a projection between.
    let bench = trained(&["model.tied=true", "model.d_hidden=24"]);
    let evaluated = |options: &[&str]| {
        let all = [&["--json", "--data", "texts/test.txt"], options].concat();
        let mut scores: Value = serde_json::from_str(&said(&bench, "evaluate", &all)).unwrap();
        scores.as_object_mut().unwrap().remove("seconds");
        scores
    };
    let alone = evaluated(&[]);
    assert_eq!(alone.get("cache"), None);
    let mut of_no_share = evaluated(&["--cache", "100", "--cache-lambda", "0"]);
    let options = of_no_share.as_object_mut().unwrap().remove("cache");
    let expected = serde_json::json!({"size": 100, "theta": 0.3, "lambda": 0.0});
    assert_eq!(options, Some(expected));
    assert_eq!(of_no_share, alone);

    let mixed = ["--cache", "100", "--cache-theta=1.5", "--cache-lambda=0.2"];
    let scores = evaluated(&mixed);
    assert_eq!(scores["tokens"], alone["tokens"]);
    assert_ne!(scores["loss"], alone["loss"]);
    let arguments = [&["--input", "texts/test.txt"], &mixed[..]].concat();
    let table = said(&bench, "score-text", &arguments);
    let column = table.lines().map(|line| line.rsplit_once('\t').unwrap().1);
    let losses: Vec<f64> = column.map(|loss| loss.parse().unwrap()).collect();
    let loss = losses.iter().sum::<f64>() / losses.len() as f64;
    assert_close(loss, scores["loss"].as_f64().unwrap());
    let arguments = [&["--data", "texts/test.txt"], &mixed[..]].concat();
    let table = said(&bench, "evaluate", &arguments);
    assert!(
        table.contains("a continuous cache of the last 100 tokens, theta 1.5, lambda 0.2"),
        "{table}"
    );
}

#[test]
fn the_state_is_carried_from_line_to_line() {
    let bench = trained(&[]);
    let [first, second] = ["the dogs are tame .\n", "the old man sees her .\n"];
    let surprisals = |text: String| -> Vec<f64> {
        let mut command = bench.lstm(&["score-text", "--model", "run/bundle"]);
        let table = outcome_of_input(&mut command, text.as_bytes()).succeeded();
        let column = table
            .stdout
            .lines()
            .map(|line| line.rsplit_once('\t').unwrap().1);
        column.map(|loss| loss.parse().unwrap()).collect()
    };
    let both = surprisals(format!("{first}{second}"));
    let alone = surprisals(second.to_owned());
    let after = &both[both.len() - alone.len()..];
    assert!(after != alone, "the second line's words know of the first");
    assert_eq!(both[..6], surprisals(first.to_owned())[..]);
}

#[test]
fn a_seed_writes_one_text_and_another_seed_another() {
    for unit in ["words", "characters", "byte_pairs", "bytes"] {
        let unit = format!("tokenizer.unit={unit}");
        let bench = trained(&[&unit, "tokenizer.max_size=400"]);
        let write = |arguments: &[&str]| {
            let all = [&["--length", "40"], arguments].concat();
            said(&bench, "generate", &all)
        };
        let text = write(&["--prompt", "the dogs", "--seed", "3"]);
        assert!(text.starts_with("the dogs"), "{unit}: {text}");
        assert_eq!(text, write(&["--prompt", "the dogs", "--seed", "3"]));
        assert_ne!(text, write(&["--prompt", "the dogs", "--seed", "4"]));
        let greedy = write(&["--temperature", "0"]);
        assert_eq!(greedy, write(&["--temperature", "0", "--seed", "9"]));
        assert_eq!(greedy, write(&["--top-k", "1", "--seed", "9"]));
        assert_eq!(greedy, write(&["--top-p", "1e-9", "--seed", "9"]));
    }
}

#[test]
fn a_text_has_as_many_tokens_as_were_asked_for() {
    let bench = trained(&["tokenizer.unit=characters"]);
    for length in [0, 1, 70] {
        let text = said(&bench, "generate", &["--length", &length.to_string()]);
        // The line end that the command adds is none of them.
        assert_eq!(text.chars().count(), length + 1);
    }
}

#[test]
fn bytes_are_scored_shown_and_written_whatever_the_text() {
    let bench = texts();
    bench.write("texts/train.txt", "naïve 🦀 <unk>\n".repeat(40));
    bench.write("texts/test.txt", "日本 is no token apart\n");
    let settings = ["tokenizer.unit=bytes", "training.epochs=1"];
    outcome(&mut train(&bench, "run", &settings)).succeeded();

    let scores = evaluated(&bench, "texts/test.txt");
    let text = bench.read("texts/test.txt");
    assert_eq!(scores["tokens"], text.len());
    assert_eq!(scores["unknown"], 0);
    let number = |name: &str| scores[name].as_f64().unwrap();
    assert_close(
        number("bits_per_byte"),
        number("loss") / std::f64::consts::LN_2,
    );
    assert_close(
        number("bits_per_character") * text.chars().count() as f64,
        number("bits_per_byte") * text.len() as f64,
    );

    let table = said(&bench, "score-text", &["--input", "texts/test.txt"]);
    let fields = table.lines().map(|line| line.split_once('\t').unwrap().0);
    let first: Vec<&str> = fields.take(8).collect();
    let expected = ["<0xE6>", "<0x97>", "<0xA5>", "<0xE6>", "<0x9C>", "<0xAC>"];
    assert_eq!(first, [&expected[..], &[" ", "i"]].concat());

    let inspected = said(&bench, "inspect", &[]);
    let vocabulary = "vocabulary of 258 tokens: <pad> <unk> <0x00> <0x01>";
    assert!(inspected.contains("unit       Bytes"), "{inspected}");
    assert!(inspected.contains(vocabulary), "{inspected}");

    // A model that knows little writes bytes that are no text.
    let written = said(
        &bench,
        "generate",
        &["--length", "400", "--temperature", "9"],
    );
    assert!(written.contains('\u{fffd}'), "{written}");
    assert!(
        !written.contains("<unk>") && !written.contains("<pad>"),
        "{written}"
    );
}

#[test]
fn the_speed_of_writing_is_told_on_request() {
    let bench = trained(&[]);
    let arguments = ["generate", "--model", "run/bundle", "--length", "20"];
    let quiet = outcome(&mut bench.lstm(&arguments)).succeeded();
    assert_eq!(quiet.stderr, "");
    let told = outcome(bench.lstm(&arguments).arg("--speed")).succeeded();
    assert_eq!(told.stdout, quiet.stdout);
    assert!(
        told.stderr.starts_with("20 tokens in ") && told.stderr.contains(" tokens a second"),
        "{}",
        told.stderr
    );
}

#[test]
fn a_conversation_answers_each_line() {
    let bench = trained(&[]);
    let converse = |input: &str| {
        let arguments = [
            "generate",
            "--model",
            "run/bundle",
            "--interactive",
            "--length",
            "9",
        ];
        let mut command = bench.lstm(&arguments);
        outcome_of_input(&mut command, input.as_bytes())
            .succeeded()
            .stdout
    };
    let once = converse("the dogs\n");
    let twice = converse("the dogs\nthe man\n");
    assert_eq!(once.lines().count(), 1);
    assert_eq!(twice.lines().count(), 2);
    assert!(twice.starts_with(&once));
}

#[test]
fn a_run_killed_between_windows_goes_on_with_the_state_it_had() {
    let averaged = [
        "training.optimizer=nt_asgd",
        "training.non_monotone=0",
        "training.learning_rate=20",
        "training.valid_steps=1",
        "windows.jitter=true",
        "model.activation_regularization=2",
        "model.temporal_activation_regularization=1",
    ];
    for settings in [
        &["model.cell=lstm", "training.optimizer=sgd"][..],
        &["training.schedule=one_cycle", "model.weight_dropout=0.2"],
        &["model.cell=gru", "model.layers=2"],
        &[
            "model.layers=3",
            "model.d_last=12",
            "model.layer_dropout=0.3",
        ],
        &averaged,
    ] {
        let bench = trained(settings);
        bench.until_killed("killed", &mut train(&bench, "killed", settings));
        let newest = bench.newest_checkpoint("killed");
        let mean = format!("killed/checkpoints/step-{newest:09}/average.safetensors");
        assert_eq!(bench.path(&mean).exists(), settings == averaged);
        let resume = ["train", "language-model", "--resume", "killed"];
        outcome(&mut bench.lstm(&resume)).succeeded();
        assert!(
            bench.weights("killed") == bench.weights("run"),
            "{settings:?}"
        );
        // The best weights may be older than the kill.
        let last = |run: &str| {
            let step = bench.newest_checkpoint(run);
            let mean = format!("{run}/checkpoints/step-{step:09}/average.safetensors");
            let mean = std::fs::read(bench.path(&mean)).ok();
            let events = bench.events(run).into_iter();
            let of = |event: Value| event["perplexity"].as_f64();
            (mean, events.map(of).collect::<Vec<_>>())
        };
        assert!(last("killed") == last("run"), "{settings:?}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_weights() {
    let bench = texts();
    let wide = [
        "model.d_embedding=192",
        "model.d_hidden=192",
        "model.output_dropout=0.2",
        "training.batch_size=16",
        "training.epochs=1",
    ];
    for threads in ["1", "2", "4"] {
        let mut command = train(&bench, threads, &wide);
        outcome(command.args(["--threads", threads])).succeeded();
        assert!(bench.weights(threads) == bench.weights("1"), "{threads}");
    }
}

#[test]
fn every_kind_of_dropout_and_tied_weights_can_be_trained() {
    let everything = [
        "model.tied=true",
        "model.layers=2",
        "model.d_hidden=24",
        "model.embedding_dropout=0.1",
        "model.input_dropout=0.2",
        "model.layer_dropout=0.2",
        "model.recurrent_dropout=0.1",
        "model.weight_dropout=0.3",
        "model.output_dropout=0.2",
        "model.dropout_mask=sequence",
        "training.optimizer=adamw",
    ];
    let bench = trained(&everything);
    outcome(&mut train(&bench, "again", &everything)).succeeded();
    assert!(bench.weights("again") == bench.weights("run"));
    let inspected = said(&bench, "inspect", &[]);
    assert!(inspected.contains("projection"), "{inspected}");
    assert!(!inspected.contains("decoder_weight"), "{inspected}");
}

#[test]
fn a_last_layer_as_large_as_an_embedding_needs_no_projection() {
    let bench = trained(&[
        "model.tied=true",
        "model.layers=2",
        "model.d_hidden=24",
        "model.d_last=16",
        "model.weight_dropout=0.3",
    ]);
    let inspected = said(&bench, "inspect", &[]);
    assert!(inspected.contains("\"d_last\": 16"), "{inspected}");
    assert!(inspected.contains("last."), "{inspected}");
    assert!(!inspected.contains("projection"), "{inspected}");
    // Single steps and windows.
    assert!(!said(&bench, "generate", &["--length", "9"]).is_empty());
    let table = said(&bench, "score-text", &["--input", "texts/test.txt"]);
    let column = table.lines().map(|line| line.rsplit_once('\t').unwrap().1);
    let losses: Vec<f64> = column.map(|loss| loss.parse().unwrap()).collect();
    let loss = losses.iter().sum::<f64>() / losses.len() as f64;
    assert_close(
        loss,
        evaluated(&bench, "texts/test.txt")["loss"]
            .as_f64()
            .unwrap(),
    );
}
