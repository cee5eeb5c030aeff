//! What a search found for a text, a candidate a line.

use crate::Failure;
use crate::lines::Output;

/// What stands before each candidate's text, separated by tabs.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// The number of the text that it is a candidate for.
    pub number: bool,
    /// Its score and its log-probability.
    pub scores: bool,
}

/// A text that was written.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The text, in one line without tabs.
    pub text: &'a str,
    /// What candidates were compared by.
    pub score: f64,
    /// ln p(text | source)
    pub log_probability: f64,
}

impl Columns {
    /// Writes the candidates for the text of this number.
    ///
    /// # Errors
    ///
    /// What cannot be written.
    pub fn write<'a>(
        self,
        number: u64,
        candidates: impl Iterator<Item = Candidate<'a>>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        for candidate in candidates {
            output.line(&self.line(number, candidate))?;
        }
        Ok(())
    }

    fn line(self, number: u64, candidate: Candidate<'_>) -> String {
        let Candidate {
            text,
            score,
            log_probability,
        } = candidate;
        match (self.number, self.scores) {
            (false, false) => text.to_owned(),
            (true, false) => format!("{number}\t{text}"),
            (false, true) => format!("{score:.4}\t{log_probability:.4}\t{text}"),
            (true, true) => format!("{number}\t{score:.4}\t{log_probability:.4}\t{text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_before_the_text_in_one_order() {
        let candidate = Candidate {
            text: "a b",
            score: -0.25,
            log_probability: -1.0,
        };
        for (number, scores, line) in [
            (false, false, "a b"),
            (true, false, "7\ta b"),
            (false, true, "-0.2500\t-1.0000\ta b"),
            (true, true, "7\t-0.2500\t-1.0000\ta b"),
        ] {
            assert_eq!(Columns { number, scores }.line(7, candidate), line);
        }
    }
}
