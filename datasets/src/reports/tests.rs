use std::collections::{HashMap, HashSet};

use super::*;

const FILES: [&str; 3] = ["train.jsonl", "valid.jsonl", "test.jsonl"];

/// The lines of one shipped file.
fn shipped(file: &str) -> Vec<Report> {
    let set = crate::shipped(NAME).expect("the set ships");
    let contents = set.file(file).expect("the file ships");
    let report = |line: &str| {
        let texts = line
            .strip_prefix(r#"{"document": ""#)?
            .strip_suffix(r#""}"#)?;
        let (document, summary) = texts.split_once(r#"", "summary": ""#)?;
        Some(Report {
            document: document.to_owned(),
            summary: summary.to_owned(),
        })
    };
    let lines = contents.lines().map(report);
    lines.collect::<Option<_>>().expect("an object a line")
}

fn all() -> impl Iterator<Item = Report> {
    FILES.into_iter().flat_map(shipped)
}

#[test]
fn generating_again_gives_the_shipped_files_byte_for_byte() {
    let set = crate::shipped(NAME).expect("the set ships");
    set.assert_generated(generate(SEED).files());
}

#[test]
fn every_report_has_the_summary_beside_it_and_no_other() {
    for Report { document, summary } in all() {
        assert_eq!(summarize(&document), Ok(summary), "{document}");
    }
}

#[test]
fn reports_are_summarized_as_people_do() {
    for (document, summary) in [
        (
            "tikosha lost 51 to 83 against malora before 20417 people on friday .",
            "malora beat tikosha 83 to 51 in front of 20417 people .",
        ),
        (
            "the result is 4120 votes for malora and 3977 for tikosha , while malora , not tikosha , \
             becomes judge of vazeno .",
            "malora was elected judge of vazeno with 4120 votes .",
        ),
        (
            "sales of malora were 7430 and so well above the 5120 of last year ; figures for may were \
             published by malora , which makes tents in vazeno .",
            "malora sold 7430 tents in may , more than last year .",
        ),
    ] {
        assert_eq!(summarize(document).as_deref(), Ok(summary));
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let message = |document| summarize(document).expect_err("no report").to_string();
    let incomplete = "expected all facts of a summary, found only some";
    assert_eq!(message(""), incomplete);
    assert_eq!(message("storm malora hit tikosha last night ."), incomplete);
    assert_eq!(
        message("storm malora hit tikosha last night . storm vazeno hit tikosha last night ."),
        "sentence 2, \"storm vazeno hit tikosha last night\": no report goes on like this"
    );
    // More than last year, says the text; the figures say less.
    assert_eq!(
        message("malora sold 5120 tents in may , up from 7430 a year ago ."),
        "sentence 1, \"malora sold 5120 tents in may , up from 7430 a year ago\": no report goes on \
         like this"
    );
    assert_eq!(
        message(". ."),
        "sentence 1, \"\": no report goes on like this"
    );
}

#[test]
fn no_order_of_words_makes_the_reader_panic() {
    let mut random = SplitMix64::new(5);
    for Report { document, .. } in shipped("test.jsonl") {
        let mut words: Vec<&str> = document.split(' ').collect();
        words.remove(random.below(words.len()));
        let _ = summarize(&words.join(" "));
        random.shuffle(&mut words);
        let _ = summarize(&words.join(" "));
    }
    for document in [
        "\t",
        "é",
        "while",
        ", while",
        ", while , while",
        ";;",
        "; ; ;",
    ] {
        assert!(summarize(document).is_err(), "{document}");
    }
}

#[test]
fn texts_are_plain_and_of_the_promised_length() {
    for Report { document, summary } in all() {
        let sentences = document.matches(" .").count();
        assert!((1..=SENTENCES).contains(&sentences), "{document}");
        assert!(WORDS.contains(&document.split(' ').count()), "{document}");
        assert!((10..=13).contains(&summary.split(' ').count()), "{summary}");
        for text in [document, summary] {
            let plain =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || " .,;".contains(c);
            assert!(text.chars().all(plain) && text.ends_with(" ."), "{text}");
            assert!(!text.split(' ').any(str::is_empty), "{text}");
        }
    }
}

#[test]
fn a_name_or_figure_stands_in_one_report_only() {
    let mut seen = HashSet::new();
    for Report { document, .. } in all() {
        let open: HashSet<&str> = document.split(' ').filter(|word| is_open(word)).collect();
        for word in open {
            assert!(seen.insert(word.to_owned()), "{word}");
        }
    }
}

#[test]
fn every_other_word_stands_often_in_the_training_part() {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for Report { document, summary } in shipped("train.jsonl") {
        for word in document.split(' ').chain(summary.split(' ')) {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
    }
    for Report { document, summary } in all() {
        for word in document.split(' ').chain(summary.split(' ')) {
            let count = counts.get(word).copied().unwrap_or(0);
            assert!(
                is_open(word) || count >= 20,
                "{word} stands there {count} times"
            );
        }
    }
}

#[test]
fn a_summary_takes_some_of_the_names_and_figures_and_leaves_others() {
    for Report { document, summary } in all() {
        let open = |text: &str| {
            let words = text.split(' ').filter(|word| is_open(word));
            words.map(str::to_owned).collect::<HashSet<_>>()
        };
        let (told, taken) = (open(&document), open(&summary));
        assert!(taken.is_subset(&told) && taken.len() >= 2, "{summary}");
        assert!(taken.len() < told.len(), "{document}");
    }
}

#[test]
fn another_seed_gives_another_set() {
    assert_ne!(generate(1).test, generate(2).test);
}

/// A number as README.md has it.
fn thousands(number: usize) -> String {
    match number / 1000 {
        0 => number.to_string(),
        more => format!("{},{:03}", thousands(more), number % 1000),
    }
}

/// The figures in README.md; `datasets/README.md` is stale if one is not there.
#[test]
fn the_readme_has_the_figures() {
    let readme = include_str!("../../README.md");
    let mean = |reports: &[Report], number: &dyn Fn(&Report) -> usize| {
        let sum: usize = reports.iter().map(number).sum();
        format!("{:.1}", sum as f64 / reports.len() as f64)
    };
    let mut expected = Vec::new();
    for file in FILES {
        let contents = crate::shipped(NAME).and_then(|set| set.file(file));
        let reports = shipped(file);
        expected.push(format!(
            "| `reports/{file}` | {} | {} | {} | {} |",
            thousands(reports.len()),
            thousands(contents.map_or(0, str::len)),
            mean(&reports, &|report| report.document.split(' ').count()),
            mean(&reports, &|report| report.summary.split(' ').count()),
        ));
    }
    let reports: Vec<Report> = all().collect();
    let open = |text: &str| {
        let words: HashSet<&str> = text.split(' ').filter(|word| is_open(word)).collect();
        words.len()
    };
    expected.push(format!(
        "A report has {} different ones on\n  average, its summary {}.",
        mean(&reports, &|report| open(&report.document)),
        mean(&reports, &|report| open(&report.summary)),
    ));
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for Report { document, summary } in &reports {
        for word in document.split(' ').chain(summary.split(' ')) {
            *counts.entry(word).or_default() += 1;
        }
    }
    let (open, other): (Vec<_>, Vec<_>) = counts.into_iter().partition(|(word, _)| is_open(word));
    let most = open.iter().map(|(_, count)| count).max();
    expected.push(format!("There are {} other words", other.len()));
    expected.push(format!(
        "no name or figure stands more than {} times",
        most.unwrap_or(&0)
    ));
    let lengths = reports
        .iter()
        .map(|report| report.summary.split(' ').count());
    let (least, most) = (lengths.clone().min(), lengths.max());
    expected.push(format!(
        "a summary {} to {}:",
        least.unwrap_or(0),
        most.unwrap_or(0)
    ));
    let missing: Vec<_> = expected.iter().filter(|e| !readme.contains(*e)).collect();
    assert!(missing.is_empty(), "README.md lacks {missing:#?}");
}
