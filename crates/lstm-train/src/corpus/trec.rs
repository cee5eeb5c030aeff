//! Questions with their types, as in the corpus of TREC (Li and Roth 2002).

use super::collector::Collector;
use super::error::{CorpusError, Shortened};
use super::options::{CorpusOptions, refuse_columns};
use super::source::Source;

/// `LABEL:sublabel text` or `LABEL text`, one a line. The label is what stands before the colon, so
/// the original files give their six coarse classes.
pub(super) fn read(
    source: &Source,
    options: &CorpusOptions,
    collector: &mut Collector,
) -> Result<(), CorpusError> {
    refuse_columns(options)?;
    for line in source.lines() {
        let (number, line) = line?;
        let Some((label, text)) = line.split_once([' ', '\t']) else {
            return Err(CorpusError::NoText {
                place: source.place(number),
                found: Shortened::new(line),
            });
        };
        let (coarse, _fine) = label.split_once(':').unwrap_or((label, ""));
        collector.add(number, coarse, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::corpus::{Corpus, CorpusError, CorpusOptions, Format, Labels, read_text};

    fn read(contents: &str) -> Result<Corpus, CorpusError> {
        read_text(
            "a.txt",
            contents,
            &CorpusOptions::new(Format::Trec),
            Labels::Learn,
        )
    }

    #[test]
    fn the_label_ends_at_the_colon_or_the_space() {
        let corpus = read("HUM:ind Who is it : Bob ?\nNUM How many ?\nABBR:exp \n").unwrap();
        assert_eq!(corpus.labels, ["ABBR", "HUM", "NUM"]);
        assert!(corpus.texts().eq(["Who is it : Bob ?", "How many ?", ""]));
    }

    #[test]
    fn a_line_without_text_or_label_is_named() {
        let error = read("HUM:ind Who ?\nHUM:ind\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"a.txt:2: expected "LABEL text", found "HUM:ind""#
        );
        for contents in [" Who ?\n", ":ind Who ?\n"] {
            let error = read(contents).unwrap_err();
            assert!(matches!(error, CorpusError::EmptyLabel { .. }), "{error}");
        }
    }

    #[test]
    fn columns_have_no_meaning() {
        let options = CorpusOptions {
            label: Some("2".into()),
            ..CorpusOptions::new(Format::Trec)
        };
        let error = read_text("a", "A b\n", &options, Labels::Learn).unwrap_err();
        assert!(
            matches!(error, CorpusError::UnfitColumn { role: "label", .. }),
            "{error}"
        );
    }
}
