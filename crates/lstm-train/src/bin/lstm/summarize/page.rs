//! The page of what a summarizer copied: one file that needs nothing else, not even a script.

use std::fmt::Write;
use std::ops::Range;

use lstm_models::{Summary, TokenUnit, WrittenToken};

use crate::html::{escaped, token};

const STYLE: &str = include_str!("page.css");

/// Places of a document that are named for a token, at most.
const PLACES: usize = 3;

/// Less attention is not worth a name.
const LEAST: f32 = 0.05;

/// Tokens that are shown on either side of a place.
const AROUND: usize = 4;

/// What was copied for the best summary of each document that has words; tokens are of this unit.
pub fn render(summaries: &[Summary], unit: TokenUnit) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Copied</title>\n\
         <style>\n{STYLE}</style>\n<h1>What a summary copied</h1>\n\
         <p>A token of a summary is generated, as one of the vocabulary, or copied from a place of the document that \
         holds the same one. Its probability is the sum of both, and <b>copied</b> is the share of copying in it: 100 % \
         of a word that the vocabulary lacks, 0 % of one that the document lacks. The darker a token of the summary, the \
         more of it was copied. Beside it stand the places of the document that it looked at most, with their shares of \
         its attention, <b>bold</b> where the same token stands: only from there it can be copied. In the document a \
         token is the darker the more was copied from it for the whole summary. A dot stands for a space.</p>\n"
    );
    for (number, summary) in (1..).zip(summaries) {
        if !summary.best().tokens.is_empty() {
            let view = View {
                number,
                summary,
                unit,
            };
            view.write(&mut page);
        }
    }
    page.push_str("<footer>Made by <code>lstm summarize --copy-html</code>.</footer>\n</html>\n");
    page
}

/// A document and its summary.
struct View<'a> {
    number: usize,
    summary: &'a Summary,
    unit: TokenUnit,
}

impl View<'_> {
    fn written(&self) -> &[WrittenToken] {
        &self.summary.best().tokens
    }

    fn write(&self, page: &mut String) {
        let number = self.number;
        let _ = write!(
            page,
            "<h2>Document {number}</h2>\n<p class=\"text summary\">"
        );
        for (place, written) in self.written().iter().enumerate() {
            let copied = written.copied;
            let _ = write!(
                page,
                "{}<a href=\"#t{number}-{place}\" style=\"--w:{copied:.3}\" title=\"copied {copied:.3}\">{}</a>",
                self.before(place),
                escaped(&written.text),
            );
        }
        page.push_str("</p>\n<p class=\"text\">");
        for (place, (text, mass)) in self.summary.source.iter().zip(self.masses()).enumerate() {
            let _ = write!(
                page,
                "{}<span id=\"d{number}-{place}\" style=\"--w:{:.3}\" title=\"place {}: {mass:.3}\">{}</span>",
                self.before(place),
                mass.min(1.0),
                place + 1,
                escaped(text),
            );
        }
        page.push_str(
            "</p>\n<table>\n<thead><tr><th>word</th><th>token</th><th>copied</th><th>looked at</th></tr></thead>\n<tbody>\n",
        );
        for word in self.words() {
            for place in word.clone() {
                page.push_str("<tr>");
                if place == word.start {
                    let pieces = &self.written()[word.clone()];
                    let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
                    let _ = write!(
                        page,
                        "<th scope=\"rowgroup\" rowspan=\"{}\">{}</th>",
                        word.len(),
                        escaped(text.trim())
                    );
                }
                self.row(page, place);
                page.push_str("</tr>\n");
            }
        }
        page.push_str("</tbody></table>\n");
    }

    /// A token of the summary: how much of it was copied, and where it looked.
    fn row(&self, page: &mut String, place: usize) {
        let (number, written) = (self.number, &self.written()[place]);
        let copied = written.copied;
        let _ = write!(
            page,
            "<th scope=\"row\" id=\"t{number}-{place}\">{}</th>\
             <td class=\"copied\" style=\"--w:{copied:.3}\">{:.1} %</td><td>",
            token(&written.text),
            100.0 * copied,
        );
        for (from, share) in most_attended(&written.attention) {
            let source = &self.summary.source;
            let Some(text) = source.get(from) else {
                continue;
            };
            let (element, class) = match written.places.contains(&from) {
                true => ("b", ""),
                false => ("span", " other"),
            };
            let before = self.stretch(from.saturating_sub(AROUND)..from);
            let after = self.stretch(from + 1..(from + 1 + AROUND).min(source.len()));
            let _ = write!(
                page,
                "<a class=\"place{class}\" href=\"#d{number}-{from}\">{share:.3} at {}: {}{}<{element}>{}</{element}>{}</a> ",
                from + 1,
                escaped(&before),
                self.before(from),
                escaped(text),
                escaped(&after),
            );
        }
        page.push_str("</td>");
    }

    /// What stands between a token and the one before it.
    fn before(&self, place: usize) -> &'static str {
        match self.unit {
            TokenUnit::Words if place > 0 => " ",
            TokenUnit::Words | TokenUnit::BytePairs => "",
        }
    }

    /// Some tokens of the document as text.
    fn stretch(&self, places: Range<usize>) -> String {
        places
            .map(|place| format!("{}{}", self.before(place), self.summary.source[place]))
            .collect()
    }

    /// The tokens of the summary, word by word.
    fn words(&self) -> Vec<Range<usize>> {
        let written = self.written();
        let begins = |place: &usize| match self.unit {
            TokenUnit::Words => true,
            TokenUnit::BytePairs => {
                *place == 0 || written[*place].text.starts_with(char::is_whitespace)
            }
        };
        let mut starts: Vec<usize> = (0..written.len()).filter(begins).collect();
        starts.push(written.len());
        starts.windows(2).map(|ends| ends[0]..ends[1]).collect()
    }

    /// How much was copied from each place of the document for all tokens: a place may lend several.
    fn masses(&self) -> Vec<f32> {
        let mut masses = vec![0.0; self.summary.source.len()];
        for written in self.written() {
            for (place, share) in written.copied_from() {
                masses[place] += share;
            }
        }
        masses
    }
}

/// The places with the most attention, the most attended first.
fn most_attended(attention: &[f32]) -> Vec<(usize, f32)> {
    let places = attention.iter().copied().enumerate();
    let mut places: Vec<(usize, f32)> = places.filter(|(_, share)| *share >= LEAST).collect();
    places.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    places.truncate(PLACES);
    places
}

#[cfg(test)]
mod tests {
    use lstm_models::{DocumentLength, SummaryCandidate};

    use super::*;

    fn written(text: &str, copied: f32, places: &[usize], attention: [f32; 3]) -> WrittenToken {
        WrittenToken {
            text: text.to_owned(),
            copied,
            places: places.to_vec(),
            attention: attention.to_vec(),
        }
    }

    fn summary(source: [&str; 3], tokens: Vec<WrittenToken>) -> Summary {
        let text: String = tokens.iter().map(|token| token.text.as_str()).collect();
        Summary {
            source: source.map(str::to_owned).to_vec(),
            document: DocumentLength { read: 3, of: 3 },
            candidates: vec![SummaryCandidate {
                text: text.trim().to_owned(),
                tokens,
                ..SummaryCandidate::default()
            }],
        }
    }

    fn copied() -> Summary {
        summary(
            [" mal", "ora", " sang"],
            vec![
                written(" mal", 0.9, &[0], [0.75, 0.25, 0.0]),
                written("ora", 0.8, &[1], [0.0, 0.96, 0.04]),
                written(" sings", 0.0, &[], [0.0, 0.0, 1.0]),
            ],
        )
    }

    #[test]
    fn every_token_says_how_much_was_copied_and_from_where() {
        let page = render(&[copied(), copied()], TokenUnit::BytePairs);
        for share in [">90.0 %", ">80.0 %", ">0.0 %"] {
            assert_eq!(page.matches(share).count(), 2, "{share}");
        }
        // In bold where the same token stands: twice the two pieces of the name.
        assert_eq!(page.matches("<b> mal</b>").count(), 2);
        assert_eq!(page.matches("<b>ora</b>").count(), 2);
        assert!(
            page.contains("0.750 at 1: <b> mal</b>ora sang</a>"),
            "{page}"
        );
        assert!(page.contains("0.250 at 2:  mal<span>ora</span> sang</a>"));
        assert!(!page.contains("0.040 at"), "too little to be named");
        // Every place that is named is there to be found.
        for number in 1..=2 {
            for place in 0..3 {
                assert_eq!(
                    page.matches(&format!("id=\"d{number}-{place}\"")).count(),
                    1
                );
                assert_eq!(
                    page.matches(&format!("id=\"t{number}-{place}\"")).count(),
                    1
                );
            }
        }
    }

    #[test]
    fn pieces_of_a_word_stand_together() {
        let page = render(&[copied()], TokenUnit::BytePairs);
        assert!(page.contains("rowspan=\"2\">malora</th>"), "{page}");
        assert!(page.contains("rowspan=\"1\">sings</th>"), "{page}");
        let words = render(&[copied()], TokenUnit::Words);
        assert_eq!(words.matches("rowspan=\"1\"").count(), 3);
    }

    #[test]
    fn a_place_of_the_document_has_what_was_copied_from_it() {
        let tokens = vec![
            // Of attention to a place with another token nothing is copied.
            written("a", 0.9, &[0, 2], [0.3, 0.6, 0.1]),
            written("b", 0.5, &[1], [0.0, 0.25, 0.75]),
            written("a", 1.0, &[0, 2], [0.0, 0.0, 1.0]),
            written("c", 0.0, &[], [0.0, 0.0, 1.0]),
        ];
        let masses = View {
            number: 1,
            summary: &summary(["a", "b", "a"], tokens),
            unit: TokenUnit::Words,
        }
        .masses();
        let expected = [0.9 * 0.75, 0.5, 0.9 * 0.25 + 1.0];
        for (mass, expected) in masses.into_iter().zip(expected) {
            assert!((mass - expected).abs() < 1e-6, "{mass} {expected}");
        }
    }

    #[test]
    fn a_text_stays_text() {
        let tokens = vec![written("<script>\"&", 1.0, &[0], [1.0, 0.0, 0.0])];
        let page = render(&[summary(["<b>", "</p>", "x"], tokens)], TokenUnit::Words);
        assert!(!page.contains("<script") && !page.contains("<b><b>"));
        assert!(page.contains("&lt;script&gt;&quot;&amp;") && page.contains("&lt;/p&gt;"));
    }

    #[test]
    fn an_empty_document_has_no_table() {
        let empty = summary(["", "", ""], Vec::new());
        assert!(!render(&[empty], TokenUnit::Words).contains("<table"));
    }
}
