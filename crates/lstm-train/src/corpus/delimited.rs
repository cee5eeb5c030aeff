//! Columns separated by tabs, and comma-separated values.

use csv::{ReaderBuilder, StringRecord, Terminator};

use super::error::{Choices, CorpusError, Place, Shortened};
use super::options::{Column, Field};
use super::source::Source;

/// Where the two fields are in a row, from 0.
fn places(
    fields: [Field; 2],
    defaults: [Column; 2],
    resolve: impl Fn(&'static str, &Column) -> Result<usize, CorpusError>,
) -> Result<[usize; 2], CorpusError> {
    let [first, second] = fields;
    let [first_default, second_default] = defaults;
    let column = second.column.unwrap_or(&second_default);
    let places = [
        resolve(first.role, first.column.unwrap_or(&first_default))?,
        resolve(second.role, column)?,
    ];
    if places[0] == places[1] {
        return Err(CorpusError::SameColumn {
            role: second.role,
            column: column.clone(),
            other: first.role,
        });
    }
    Ok(places)
}

fn resolve_number(
    role: &'static str,
    column: &Column,
    number: usize,
) -> Result<usize, CorpusError> {
    number
        .checked_sub(1)
        .ok_or_else(|| CorpusError::UnfitColumn {
            role,
            column: column.clone(),
            reason: "columns are counted from 1",
        })
}

fn resolve_in_header(
    place: Place,
    header: &[&str],
    role: &'static str,
    column: &Column,
) -> Result<usize, CorpusError> {
    let index = match column {
        Column::Number(number) => Some(resolve_number(role, column, *number)?),
        Column::Name(name) => header.iter().position(|field| field.trim() == name),
    };
    index
        .filter(|&index| index < header.len())
        .ok_or_else(|| CorpusError::NoSuchColumn {
            place,
            role,
            column: column.clone(),
            present: Choices::new(header),
        })
}

/// One example a line, columns separated by tabs: by default the first two. There is a header if, and
/// only if, a column is named; columns other than the two are ignored. `add` gets each line's number
/// and fields.
pub(super) fn read_tsv(
    source: &Source,
    fields: [Field; 2],
    mut add: impl FnMut(usize, &str, &str) -> Result<(), CorpusError>,
) -> Result<(), CorpusError> {
    let mut lines = source.lines();
    let named = |field: &Field| matches!(field.column, Some(Column::Name(_)));
    let header = if fields.iter().any(named) {
        match lines.next() {
            Some(line) => Some(line?.1.split('\t').collect::<Vec<_>>()),
            None => return Ok(()),
        }
    } else {
        None
    };
    let defaults = [Column::Number(1), Column::Number(2)];
    let [first, second] = places(fields, defaults, |role, column| match (&header, column) {
        (Some(header), _) => resolve_in_header(source.place(1), header, role, column),
        (None, Column::Number(number)) => resolve_number(role, column, *number),
        (None, Column::Name(_)) => unreachable!("a named column makes the first line a header"),
    })?;
    let needed = first.max(second).saturating_add(1);
    for line in lines {
        let (number, line) = line?;
        let field = |index| line.split('\t').nth(index);
        let (Some(first), Some(second)) = (field(first), field(second)) else {
            return Err(CorpusError::TooFewColumns {
                place: source.place(number),
                expected: needed,
                found: line.split('\t').count(),
                text: Shortened::new(line),
            });
        };
        add(number, first, second)?;
    }
    Ok(())
}

/// Comma-separated values (RFC 4180) under a header, by default in the columns that are called as the
/// fields are; a quoted field may hold commas, doubled quotes and line ends. `add` gets each row's first
/// line's number and fields.
pub(super) fn read_csv(
    source: &Source,
    fields: [Field; 2],
    mut add: impl FnMut(usize, &str, &str) -> Result<(), CorpusError>,
) -> Result<(), CorpusError> {
    let mut rows = Rows::new(source);
    let Some(header_place) = rows.next()? else {
        return Ok(());
    };
    let header_row = rows.record.clone();
    let header: Vec<&str> = header_row.iter().collect();
    let defaults = fields.map(|field| Column::Name(field.role.to_owned()));
    let [first, second] = places(fields, defaults, |role, column| {
        resolve_in_header(header_place.clone(), &header, role, column)
    })?;
    while let Some(place) = rows.next()? {
        if rows.record.len() != header.len() {
            return Err(CorpusError::RowLength {
                place,
                expected: header.len(),
                found: rows.record.len(),
                text: Shortened::new(rows.first_line()),
            });
        }
        add(place.line, &rows.record[first], &rows.record[second])?;
    }
    Ok(())
}

/// The rows of a CSV file. Says what the `csv` crate passes over in silence: empty lines, and a
/// quote that is never closed.
struct Rows<'a> {
    source: &'a Source<'a>,
    reader: csv::Reader<&'a [u8]>,
    record: StringRecord,
    start: usize,
}

impl<'a> Rows<'a> {
    fn new(source: &'a Source<'a>) -> Self {
        Self {
            source,
            reader: csv_builder().from_reader(source.contents.as_bytes()),
            record: StringRecord::new(),
            start: 0,
        }
    }

    /// Reads the next row into `record`; none at the end of the file.
    fn next(&mut self) -> Result<Option<Place>, CorpusError> {
        // Where this row begins, or the empty lines before it.
        let start = self.reader.position().clone();
        let place = self.source.place(start.line() as usize);
        self.start = start.byte() as usize;
        let rest = &self.source.contents[self.start..];
        if rest.starts_with('\n') {
            return Err(CorpusError::EmptyLine { place });
        }
        let found = self
            .reader
            .read_record(&mut self.record)
            .expect("text in memory, of rows of any length, can always be read");
        let last = self.reader.position().byte() as usize == self.source.contents.len();
        if found && last && ends_in_quotes(rest) {
            return Err(CorpusError::OpenQuote {
                place,
                text: Shortened::new(self.first_line()),
            });
        }
        Ok(found.then_some(place))
    }

    /// The beginning of the row as it stands in the file.
    fn first_line(&self) -> &'a str {
        self.source.contents[self.start..]
            .lines()
            .next()
            .unwrap_or_default()
    }
}

fn csv_builder() -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    // A carriage return inside a line is a character; those of line ends are gone already.
    builder
        .has_headers(false)
        .flexible(true)
        .terminator(Terminator::Any(b'\n'));
    builder
}

/// Whether the last row ends inside quotes: then a row written behind it becomes part of it.
fn ends_in_quotes(last_row: &str) -> bool {
    let followed = format!("{}\nnext", last_row.trim_end_matches('\n'));
    last_row.contains('"')
        && csv_builder()
            .from_reader(followed.as_bytes())
            .records()
            .count()
            < 2
}

#[cfg(test)]
mod tests {
    use crate::corpus::{Corpus, CorpusError, CorpusOptions, Format, Labels, read_text};

    /// Reads with `data.label` and `data.text` as on a command line; empty is the default.
    fn read(
        format: Format,
        [label, text]: [&str; 2],
        contents: &str,
    ) -> Result<Corpus, CorpusError> {
        let column = |name: &str| (!name.is_empty()).then(|| name.into());
        let options = CorpusOptions {
            label: column(label),
            text: column(text),
            ..CorpusOptions::new(format)
        };
        read_text("a.txt", contents, &options, Labels::Learn)
    }

    fn pairs(corpus: &Corpus) -> Vec<(&str, &str)> {
        let pair = |example: &'_ crate::corpus::Example| corpus.labels[example.label].as_str();
        corpus
            .examples
            .iter()
            .map(pair)
            .zip(corpus.texts())
            .collect()
    }

    fn message(format: Format, columns: [&str; 2], contents: &str) -> String {
        read(format, columns, contents).unwrap_err().to_string()
    }

    #[test]
    fn a_tsv_has_label_and_text_first_and_neither_quotes_nor_header() {
        let corpus = read(
            Format::Tsv,
            ["", ""],
            "pos\t\"yes\tsome note\nneg\tno, \"\n",
        )
        .unwrap();
        assert_eq!(pairs(&corpus), [("pos", "\"yes"), ("neg", "no, \"")]);
    }

    #[test]
    fn tsv_columns_are_chosen_by_number() {
        let corpus = read(Format::Tsv, ["3", "2"], "1\tyes\tpos\n2\tno\tneg\n").unwrap();
        assert_eq!(pairs(&corpus), [("pos", "yes"), ("neg", "no")]);
    }

    #[test]
    fn a_named_column_makes_the_first_line_of_a_tsv_a_header() {
        let contents = "id\tsentence\tclass\r\n1\tyes\tpos\r\n2\tno\tneg\r\n";
        let corpus = read(Format::Tsv, ["class", "2"], contents).unwrap();
        assert_eq!(pairs(&corpus), [("pos", "yes"), ("neg", "no")]);
        assert_eq!(
            message(Format::Tsv, ["label", "2"], contents),
            "a.txt:1: no column \"label\" for the label (data.label); \
             the header has \"id\", \"sentence\", \"class\""
        );
    }

    #[test]
    fn a_tsv_line_without_enough_tabs_is_named() {
        assert_eq!(
            message(Format::Tsv, ["", ""], "pos\tyes\npos no tab here\n"),
            "a.txt:2: expected at least 2 columns separated by tabs, found 1: \"pos no tab here\""
        );
        assert_eq!(
            message(Format::Tsv, ["1", "4"], "pos\tyes\n"),
            "a.txt:1: expected at least 4 columns separated by tabs, found 2: \"pos\\tyes\""
        );
    }

    #[test]
    fn columns_that_cannot_be_are_refused() {
        for (columns, reason) in [
            (["0", "2"], "data.label = 0: columns are counted from 1"),
            (["2", ""], "data.text = 2: this is the column of the label"),
        ] {
            assert_eq!(message(Format::Tsv, columns, "pos\tyes\n"), reason);
        }
        let largest = usize::MAX.to_string();
        let text = message(Format::Tsv, ["1", &largest], "pos\tyes\n");
        assert!(
            text.contains(&format!("expected at least {largest} columns")),
            "{text}"
        );
    }

    #[test]
    fn a_csv_is_read_by_its_header_and_with_quotes() {
        let contents = "id,text,label\n1,\"yes, \"\"very\"\"\ngood\",pos\n2,no,neg\n";
        let corpus = read(Format::Csv, ["", ""], contents).unwrap();
        assert_eq!(
            pairs(&corpus),
            [("pos", "yes, \"very\"\ngood"), ("neg", "no")]
        );
        let by_number = read(Format::Csv, ["3", "2"], contents).unwrap();
        assert_eq!(by_number, corpus);
        let windows = read(Format::Csv, ["", ""], &contents.replace('\n', "\r\n")).unwrap();
        assert_eq!(windows, corpus);
    }

    #[test]
    fn a_csv_column_that_is_missing_is_named_with_those_present() {
        let present = "for the text (data.text); the header has \"label\", \"review\"";
        for (column, shown) in [("", "\"text\""), ("body", "\"body\""), ("3", "3")] {
            assert_eq!(
                message(Format::Csv, ["", column], "label,review\npos,yes\n"),
                format!("a.txt:1: no column {shown} {present}")
            );
        }
    }

    #[test]
    fn a_csv_row_of_another_length_is_named() {
        let contents = "label,text\npos,\"yes\nindeed\"\nneg,no, or so\n";
        assert_eq!(
            message(Format::Csv, ["", ""], contents),
            "a.txt:4: expected 2 fields as in the header, found 3: \"neg,no, or so\""
        );
    }

    #[test]
    fn a_csv_quote_that_is_never_closed_is_named_where_it_begins() {
        for end in ["", "\n", "\nneg,no\n", "\nneg,no \"\"way\"\"\n\n"] {
            let contents = format!("label,text\npos,\"sure\"\npos,\"yes{end}");
            assert_eq!(
                message(Format::Csv, ["", ""], &contents),
                "a.txt:3: a quote (\") that is opened in this row is never closed: \"pos,\\\"yes\""
            );
        }
    }

    #[test]
    fn a_csv_may_end_in_a_closed_quote_or_hold_one_in_a_word() {
        for last in ["\"yes\"", "\"yes\"\n", "5\" wide", "\"say \"\"yes\"\"\""] {
            let contents = format!("label,text\npos,{last}");
            assert_eq!(
                read(Format::Csv, ["", ""], &contents).unwrap().len(),
                1,
                "{contents}"
            );
        }
    }
}
