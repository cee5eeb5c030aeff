use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn pairs(corpus: &ParallelCorpus) -> Vec<(&str, &str)> {
    corpus.sources().zip(corpus.targets()).collect()
}

/// Reads with `data.source` and `data.target` as in a recipe; empty is the default.
fn read(
    format: Format,
    [source, target]: [&str; 2],
    contents: &str,
) -> Result<ParallelCorpus, CorpusError> {
    let column = |name: &str| (!name.is_empty()).then(|| name.into());
    let options = PairOptions {
        source: column(source),
        target: column(target),
        ..PairOptions::new(format)
    };
    read_pairs_text("a.txt", contents, &options)
}

fn message(format: Format, columns: [&str; 2], contents: &str) -> String {
    read(format, columns, contents).unwrap_err().to_string()
}

fn aligned(source: &str, target: &str) -> Result<ParallelCorpus, CorpusError> {
    read_aligned_text(["train.de", "train.en"], [source, target])
}

#[test]
fn two_files_are_read_line_by_line() {
    let corpus = aligned("\u{feff}ein hund .\r\n\r\nzwei\r\n", "a dog .\nnothing\n").unwrap_err();
    assert_eq!(
        corpus.to_string(),
        "train.de has 3 lines and train.en has 2; expected each line of one to be the translation \
         of the same line of the other"
    );
    let corpus = aligned(
        "\u{feff}ein hund .\r\n\r\nzwei\r\n",
        "a dog .\nnothing\n two",
    )
    .unwrap();
    assert_eq!(
        pairs(&corpus),
        [("ein hund .", "a dog ."), ("", "nothing"), ("zwei", " two")]
    );
}

#[test]
fn empty_lines_keep_the_alignment_to_the_end() {
    let corpus = aligned("a\n\nb\n\n", "\nx\n\ny\n").unwrap();
    assert_eq!(pairs(&corpus), [("a", ""), ("", "x"), ("b", ""), ("", "y")]);
    let error = aligned("a\n\nb\n", "x\n\ny\n\n").unwrap_err();
    assert!(matches!(
        error,
        CorpusError::Unaligned {
            source_lines: 3,
            target_lines: 4,
            ..
        }
    ));
}

#[test]
fn only_a_line_end_ends_a_line() {
    let corpus = aligned("one\u{2028}line\u{85}\r.\n", "eine\u{b}zeile\u{c}.\n").unwrap();
    assert_eq!(corpus.len(), 1);
}

#[test]
fn no_lines_at_all_are_an_error() {
    assert_eq!(
        aligned("", "\u{feff}").unwrap_err().to_string(),
        "train.de and train.en have no lines; expected one text a line"
    );
    let error = aligned("", "one\n").unwrap_err().to_string();
    assert!(
        error.starts_with("train.de has 0 lines and train.en has 1;"),
        "{error}"
    );
    for format in [Format::Tsv, Format::Csv, Format::Jsonl] {
        let error = read(format, ["", ""], "").unwrap_err();
        assert!(
            matches!(error, CorpusError::Empty { .. }),
            "{format}: {error}"
        );
    }
}

#[test]
fn packed_latin1_files_read_like_their_texts() {
    let directory = TempDir::new().unwrap();
    let [source, target] = ["a.fr.gz", "a.en"].map(|name| directory.path().join(name));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"un caf\xe9\ndeux\n").unwrap();
    fs::write(&source, encoder.finish().unwrap()).unwrap();
    fs::write(&target, b"a coffee\ntwo\n").unwrap();
    let corpus = read_aligned(&source, &target, Encoding::Latin1).unwrap();
    assert_eq!(pairs(&corpus), [("un café", "a coffee"), ("deux", "two")]);
    let error = read_aligned(&source, &target, Encoding::Utf8).unwrap_err();
    assert!(
        error.to_string().contains("a.fr.gz:1: byte 7 of the line"),
        "{error}"
    );
}

#[test]
fn a_missing_side_is_named() {
    let directory = TempDir::new().unwrap();
    let [source, target] = ["a.de", "a.en"].map(|name| directory.path().join(name));
    fs::write(&source, "ein\n").unwrap();
    let error = read_aligned(&source, &target, Encoding::Utf8).unwrap_err();
    assert!(
        error.to_string().contains("a.en: cannot read the file"),
        "{error}"
    );
}

#[test]
fn a_tsv_has_source_and_target_first() {
    let corpus = read(Format::Tsv, ["", ""], "ein \"hund\ta dog\tnote\n\tx\ny\t\n").unwrap();
    assert_eq!(
        pairs(&corpus),
        [("ein \"hund", "a dog"), ("", "x"), ("y", "")]
    );
}

#[test]
fn columns_and_keys_are_chosen() {
    let expected = [("eins", "one"), ("zwei", "two")];
    for (format, columns, contents) in [
        (Format::Tsv, ["3", "2"], "1\tone\teins\n2\ttwo\tzwei\n"),
        (Format::Tsv, ["de", "en"], "en\tde\none\teins\ntwo\tzwei\n"),
        (
            Format::Csv,
            ["", ""],
            "target,source\none,eins\n\"two\",zwei\n",
        ),
        (Format::Csv, ["de", "1"], "en,de\none,eins\ntwo,zwei\n"),
        (
            Format::Jsonl,
            ["", ""],
            "{\"source\":\"eins\",\"target\":\"one\"}\n{\"target\":\"two\",\"source\":\"zwei\",\"id\":2}\n",
        ),
        (
            Format::Jsonl,
            ["de", "en"],
            "{\"de\":\"eins\",\"en\":\"one\"}\n{\"de\":\"zwei\",\"en\":\"two\"}\n",
        ),
    ] {
        let corpus = read(format, columns, contents).unwrap();
        assert_eq!(pairs(&corpus), expected, "{format} {columns:?}");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_named_with_its_line() {
    for (format, columns, contents, expected) in [
        (
            Format::Tsv,
            ["", ""],
            "eins\tone\nzwei two\n",
            "a.txt:2: expected at least 2 columns separated by tabs, found 1: \"zwei two\"",
        ),
        (
            Format::Tsv,
            ["", ""],
            "eins\tone\n\nzwei\ttwo\n",
            "a.txt:2: the line is empty; expected one example a line",
        ),
        (
            Format::Tsv,
            ["de", "fr"],
            "de\ten\neins\tone\n",
            "a.txt:1: no column \"fr\" for the target (data.target); the header has \"de\", \"en\"",
        ),
        (
            Format::Csv,
            ["", ""],
            "source,target\neins\n",
            "a.txt:2: expected 2 fields as in the header, found 1: \"eins\"",
        ),
        (
            Format::Jsonl,
            ["", ""],
            "{\"source\":\"eins\"}\n",
            "a.txt:1: no key \"target\" for the target (data.target); the object has \"source\"",
        ),
        (
            Format::Jsonl,
            ["", ""],
            "{\"source\":1,\"target\":\"one\"}\n",
            "a.txt:1: key \"source\": expected a string, found 1",
        ),
    ] {
        assert_eq!(message(format, columns, contents), expected);
    }
}

#[test]
fn one_column_cannot_be_both_sides() {
    for (format, columns, shown) in [
        (Format::Tsv, ["2", ""], "2"),
        (Format::Csv, ["target", ""], "\"target\""),
        (Format::Jsonl, ["", "source"], "\"source\""),
        (Format::Jsonl, ["target", ""], "\"target\""),
    ] {
        assert_eq!(
            message(format, columns, "source,target\n{}"),
            format!("data.target = {shown}: this is the column of the source")
        );
    }
}

#[test]
fn formats_of_labelled_texts_are_refused() {
    for format in [Format::Sst, Format::Trec] {
        assert_eq!(
            message(format, ["", ""], "(3 yes)\n"),
            format!(
                "a.txt: {format} data are texts with labels; expected pairs of texts in tsv, csv or \
                 jsonl"
            )
        );
    }
}

proptest! {
    #[test]
    fn no_contents_make_a_reader_panic(
        contents in "[a,:\"\\\\{}\t\r\n é\u{0}\u{feff}]{0,60}",
        other in "[a\r\n\u{feff}]{0,12}",
    ) {
        for format in [Format::Tsv, Format::Csv, Format::Jsonl, Format::Sst, Format::Trec] {
            for columns in [["", ""], ["a", ""], ["3", "1"], ["0", "a"]] {
                match read(format, columns, &contents) {
                    Ok(corpus) => prop_assert!(!corpus.is_empty()),
                    Err(error) => prop_assert!(!error.to_string().is_empty()),
                }
            }
        }
        match aligned(&contents, &other) {
            Ok(corpus) => prop_assert!(!corpus.is_empty()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn no_bytes_make_a_file_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        packed in any::<bool>(),
    ) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join(if packed { "a.gz" } else { "a" });
        fs::write(&path, &bytes).unwrap();
        for encoding in [Encoding::Utf8, Encoding::Latin1] {
            let options = PairOptions { encoding, ..PairOptions::new(Format::Tsv) };
            let _ = read_pairs(&path, &options);
            let _ = read_aligned(&path, &path, encoding);
        }
    }

    #[test]
    fn lines_that_were_written_are_read_again(
        lines in prop::collection::vec(("[a-cäß .]{0,6}", "[x-z ]{0,6}"), 1..20),
        crlf in any::<bool>(),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let source: String = lines.iter().map(|(text, _)| format!("{text}{end}")).collect();
        let target: String = lines.iter().map(|(_, text)| format!("{text}{end}")).collect();
        let corpus = aligned(&source, &target).unwrap();
        let expected: Vec<_> = lines.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        prop_assert_eq!(pairs(&corpus), expected);
    }
}
