//! The page of a translator's attention: one file that needs nothing else, not even a script.

use std::fmt::Write;

use lstm_models::{Candidate, Translation};

use crate::html::{escaped, token};

const STYLE: &str = include_str!("page.css");

/// A heat map of the best translation of each line that has words.
pub fn render(translations: &[Translation]) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Attention</title>\n\
         <style>\n{STYLE}</style>\n<h1>What each word of a translation looked at</h1>\n\
         <p>Columns are the tokens of the source, rows those of the translation; a row's weights add up to 1. \
         <code>&lt;/s&gt;</code> ends a sentence, and a dot stands for a space.</p>\n"
    );
    for (number, translation) in (1..).zip(translations) {
        let best = translation.best();
        if !best.attention.is_empty() {
            map(&mut page, number, &translation.source, best);
        }
    }
    page.push_str("<footer>Made by <code>lstm translate --attention</code>.</footer>\n</html>\n");
    page
}

fn map(page: &mut String, number: usize, source: &[String], best: &Candidate) {
    let _ = write!(
        page,
        "<h2>{number}. {}</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th></th>",
        escaped(&best.text)
    );
    for source in source {
        let _ = write!(
            page,
            "<th scope=\"col\"><span>{}</span></th>",
            token(source)
        );
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for (written, weights) in best.tokens.iter().zip(&best.attention) {
        let _ = write!(page, "<tr><th scope=\"row\">{}</th>", token(written));
        for weight in weights {
            let _ = write!(
                page,
                "<td style=\"--w:{weight:.3}\" title=\"{weight:.3}\"></td>"
            );
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n");
}

#[cfg(test)]
mod tests {
    use lstm_models::SourceLength;

    use super::*;

    fn translation(text: &str) -> Translation {
        Translation {
            source: vec![" <b>".to_owned(), "</s>".to_owned()],
            length: SourceLength::Usual,
            candidates: vec![Candidate {
                text: text.to_owned(),
                tokens: vec![text.to_owned(), "</s>".to_owned()],
                attention: vec![vec![0.25, 0.75], vec![1.0, 0.0]],
                ..Candidate::default()
            }],
        }
    }

    #[test]
    fn every_weight_has_its_cell() {
        let page = render(&[translation("a"), translation("b")]);
        assert_eq!(page.matches("<td ").count(), 8);
        assert_eq!(page.matches("--w:0.750").count(), 2);
        assert!(page.contains("·&lt;b&gt;") && !page.contains("<b>"));
    }

    #[test]
    fn a_text_stays_text() {
        let page = render(&[translation("</table><script>alert(\"&\")</script>")]);
        assert!(!page.contains("<script"));
        assert!(page.contains("&lt;script&gt;alert(&quot;&amp;&quot;)"));
    }

    #[test]
    fn an_empty_line_has_no_map() {
        let empty = Translation {
            source: Vec::new(),
            length: SourceLength::Usual,
            candidates: vec![Candidate::default()],
        };
        assert!(!render(&[empty]).contains("<table"));
    }
}
