//! Lines in, lines out: what commands share that answer line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use flate2::bufread::MultiGzDecoder;
use lstm_train::corpus::GZIP_MAGIC;
use lstm_train::run::files;

use crate::Failure;

/// Where lines come from, and where the answers go.
#[derive(Args)]
pub struct LineArguments {
    /// Texts to answer; without any, every line of the input.
    #[arg(
        value_name = "TEXT",
        conflicts_with = "input",
        allow_hyphen_values = true
    )]
    texts: Vec<String>,
    /// Read one text a line from this file, packed with gzip or not; - is standard input.
    #[arg(long, value_name = "FILE|-")]
    input: Option<PathBuf>,
    /// Write the answers to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Bytes of lines that are answered together at most.
const AT_ONCE: usize = 1 << 16;

impl LineArguments {
    /// What errors call where the lines come from.
    pub fn name(&self) -> String {
        match &self.input {
            _ if !self.texts.is_empty() => "text".to_owned(),
            Some(path) if path != Path::new("-") => path.display().to_string(),
            _ => "standard input".to_owned(),
        }
    }

    /// Has `answer` answer all lines, as many at once as have come: a pipe can be talked to, and a file goes
    /// through the model in batches.
    pub fn answer(
        &self,
        mut answer: impl FnMut(&[&str], &mut Output<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match &self.output {
            None => self.answer_into(&mut Output::standard(), &mut answer),
            // The file appears when it is complete: it may be the input.
            Some(path) => files::write_with(path, |file| {
                let mut output = Output::new(path.display().to_string(), file);
                self.answer_into(&mut output, &mut answer)
            }),
        }
    }

    fn answer_into(
        &self,
        output: &mut Output<'_>,
        answer: &mut impl FnMut(&[&str], &mut Output<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if !self.texts.is_empty() {
            let texts: Vec<&str> = self.texts.iter().map(String::as_str).collect();
            return answer(&texts, output);
        }
        let name = self.name();
        match &self.input {
            Some(path) if path != Path::new("-") => {
                let unreadable = |error: io::Error| format!("cannot read {name}: {error}");
                let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
                let start = file.fill_buf().map_err(unreadable)?;
                match start.starts_with(&GZIP_MAGIC) {
                    true => answer_lines(MultiGzDecoder::new(file), &name, output, answer),
                    false => answer_lines(file, &name, output, answer),
                }
            }
            _ => {
                if io::stdin().is_terminal() {
                    eprintln!("one text a line; Ctrl-D ends");
                }
                answer_lines(io::stdin().lock(), &name, output, answer)
            }
        }
    }
}

fn answer_lines(
    input: impl io::Read,
    name: &str,
    output: &mut Output<'_>,
    answer: &mut impl FnMut(&[&str], &mut Output<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut input = BufReader::with_capacity(AT_ONCE, input);
    let mut number = 0;
    loop {
        let (bytes, lines) =
            take_lines(&mut input).map_err(|error| format!("cannot read {name}: {error}"))?;
        if lines == 0 {
            return Ok(());
        }
        let mut texts = Vec::with_capacity(lines);
        let mut broken = None;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            number += 1;
            match std::str::from_utf8(line) {
                Ok(text) => texts.push(without_end(text, number)),
                Err(error) => {
                    broken = Some(format!("{name}:{number} is not UTF-8: {error}"));
                    break;
                }
            }
        }
        // What came before a broken line has its answer.
        if !texts.is_empty() {
            answer(&texts, output)?;
        }
        if let Some(message) = broken {
            return Err(message.into());
        }
    }
}

/// A line, and those after it that are here already: their bytes, and how many they are.
fn take_lines(input: &mut BufReader<impl io::Read>) -> io::Result<(Vec<u8>, usize)> {
    let mut bytes = Vec::new();
    let mut lines = 0;
    while lines == 0 || (bytes.len() < AT_ONCE && input.buffer().contains(&b'\n')) {
        if input.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        lines += 1;
    }
    Ok((bytes, lines))
}

/// A line's text, without its end, and the first without what some editors put at the start of a file.
fn without_end(line: &str, number: usize) -> &str {
    let line = line.trim_end_matches(['\n', '\r']);
    match number {
        1 => line.trim_start_matches('\u{feff}'),
        _ => line,
    }
}

/// Where answers go.
pub struct Output<'a> {
    name: String,
    writer: Box<dyn Write + 'a>,
}

impl<'a> Output<'a> {
    fn new(name: String, writer: impl Write + 'a) -> Self {
        Self {
            name,
            writer: Box::new(writer),
        }
    }

    fn standard() -> Self {
        Self::new("standard output".to_owned(), io::stdout().lock())
    }

    /// Writes a line, which whoever reads the output sees at once.
    pub fn line(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.writer, "{line}")
            .and_then(|()| self.writer.flush())
            .map_err(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => error.into(),
                _ => format!("cannot write {}: {error}", self.name).into(),
            })
    }
}

/// Tells people what so many texts, each of them called `text`, were, unless none was.
pub fn note(count: usize, text: &str, what: &str) {
    match count {
        0 => (),
        1 => eprintln!("note: 1 {text} was {what}"),
        _ => eprintln!("note: {count} {text}s were {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_lines_are_taken_as_are_here() {
        let mut input = BufReader::with_capacity(8, &b"ab\nc\nlong line\n\nend"[..]);
        let mut taken = Vec::new();
        loop {
            let (bytes, lines) = take_lines(&mut input).unwrap();
            if lines == 0 {
                break;
            }
            taken.push((String::from_utf8(bytes).unwrap(), lines));
        }
        let all: String = taken.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(all, "ab\nc\nlong line\n\nend");
        assert_eq!(taken[0], ("ab\nc\n".to_owned(), 2));
        let lines: usize = taken.iter().map(|(_, lines)| lines).sum();
        assert_eq!(lines, 5);
    }
}
