//! The documents that are summarized: a line each, or in JSON lines.

use clap::Args;

use crate::Failure;
use crate::json_lines;
use crate::lines::{LineArguments, Output};

/// Where documents come from, and where the summaries go.
#[derive(Args)]
pub struct DocumentArguments {
    #[command(flatten)]
    lines: LineArguments,
    /// The input is JSON lines, and the document is the string of this key; line feeds in it stay what they are.
    #[arg(long, value_name = "KEY", conflicts_with = "texts")]
    key: Option<String>,
}

impl DocumentArguments {
    /// Has `answer` answer all documents, as many at once as have come.
    ///
    /// # Errors
    ///
    /// What cannot be read; a line that is not the JSON that is expected, after those before it were answered.
    pub fn answer(
        &self,
        mut answer: impl FnMut(&[&str], &mut Output<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (name, key) = (self.lines.name(), self.key.as_deref());
        if key.is_none() && !json_lines::is_named(&name) {
            return self.lines.answer(answer);
        }
        let mut number = 0;
        self.lines.answer(|lines, output| {
            let mut documents = Vec::with_capacity(lines.len());
            let mut broken = None;
            for line in lines {
                number += 1;
                match json_lines::text(line, key, "--key KEY") {
                    Ok(document) => documents.push(document),
                    Err(wrong) => {
                        broken = Some(format!("{name}:{number}: {wrong}"));
                        break;
                    }
                }
            }
            let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
            if !documents.is_empty() {
                answer(&documents, output)?;
            }
            match broken {
                Some(message) => Err(message.into()),
                None => Ok(()),
            }
        })
    }
}
