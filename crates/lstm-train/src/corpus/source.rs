//! From a file to its characters and lines: opening, unpacking, decoding.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::error::{CorpusError, Place};
use super::options::Encoding;

/// The characters of one file, without a byte order mark, every line end a single `\n`.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub name: &'a str,
    pub contents: Cow<'a, str>,
}

impl<'a> Source<'a> {
    /// Text that is in memory already.
    pub fn from_text(name: &'a str, contents: &'a str) -> Self {
        let contents = contents.strip_prefix('\u{feff}').unwrap_or(contents);
        let contents = if contents.contains("\r\n") {
            Cow::Owned(contents.replace("\r\n", "\n"))
        } else {
            Cow::Borrowed(contents)
        };
        Self { name, contents }
    }

    /// Where a line is, for an error.
    pub fn place(&self, line: usize) -> Place {
        Place {
            file: self.name.to_owned(),
            line,
        }
    }

    /// The lines, empty ones among them; the end of the last line may be missing.
    pub fn all_lines(&self) -> impl Iterator<Item = &str> {
        self.contents.split_terminator('\n')
    }

    /// The lines with their numbers from 1; an empty one is an error, but the end of the last line
    /// may be missing.
    pub fn lines(&self) -> impl Iterator<Item = Result<(usize, &str), CorpusError>> {
        self.all_lines().enumerate().map(|(index, line)| {
            let number = index + 1;
            match line {
                "" => Err(CorpusError::EmptyLine {
                    place: self.place(number),
                }),
                line => Ok((number, line)),
            }
        })
    }
}

/// The text of a file, unpacked if its name ends in `.gz` or its first bytes say that it is
/// compressed. The whole file is held in memory, as the corpus is anyway.
pub(super) fn read_file(path: &Path, encoding: Encoding) -> Result<String, CorpusError> {
    let name = path.display().to_string();
    if path.is_dir() {
        return Err(CorpusError::Directory { file: name });
    }
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(reason) => return Err(CorpusError::Unreadable { file: name, reason }),
    };
    let named_gz = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    if named_gz {
        return decode(&name, unpack(&name, &bytes)?, encoding);
    }
    read_bytes(&name, bytes, encoding)
}

/// The text of bytes, unpacked if the first of them say that they are compressed.
pub(super) fn read_bytes(
    name: &str,
    bytes: Vec<u8>,
    encoding: Encoding,
) -> Result<String, CorpusError> {
    match bytes.starts_with(&GZIP_MAGIC) {
        true => decode(name, unpack(name, &bytes)?, encoding),
        false => decode(name, bytes, encoding),
    }
}

/// The first bytes of gzip data (RFC 1952); no UTF-8 text begins so.
pub const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

fn unpack(name: &str, packed: &[u8]) -> Result<Vec<u8>, CorpusError> {
    let mut bytes = Vec::new();
    let Err(reason) = MultiGzDecoder::new(packed).read_to_end(&mut bytes) else {
        return Ok(bytes);
    };
    let (file, lines) = (name.to_owned(), count_line_ends(&bytes));
    Err(match reason.kind() {
        io::ErrorKind::UnexpectedEof => CorpusError::Truncated { file, lines },
        _ => CorpusError::Gzip {
            file,
            lines,
            reason,
        },
    })
}

fn decode(name: &str, bytes: Vec<u8>, encoding: Encoding) -> Result<String, CorpusError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(CorpusError::Utf16 {
            file: name.to_owned(),
        });
    }
    match encoding {
        Encoding::Latin1 => Ok(bytes.into_iter().map(char::from).collect()),
        Encoding::Utf8 => String::from_utf8(bytes).map_err(|error| {
            let wrong = error.utf8_error().valid_up_to();
            let before = &error.as_bytes()[..wrong];
            let line_start = before
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |end| end + 1);
            CorpusError::NotUtf8 {
                place: Place {
                    file: name.to_owned(),
                    line: count_line_ends(before) + 1,
                },
                byte: wrong - line_start + 1,
                found: error.as_bytes()[wrong],
            }
        }),
    }
}

fn count_line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tempfile::TempDir;

    use super::*;

    fn file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        (directory, path)
    }

    fn pack(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(name: &str, bytes: &[u8], encoding: Encoding) -> Result<String, CorpusError> {
        let (_directory, path) = file(name, bytes);
        read_file(&path, encoding)
    }

    fn message(name: &str, bytes: &[u8]) -> String {
        read(name, bytes, Encoding::Utf8).unwrap_err().to_string()
    }

    #[test]
    fn a_missing_file_and_a_directory_are_named() {
        let directory = TempDir::new().unwrap();
        let missing = directory.path().join("missing.tsv");
        let error = read_file(&missing, Encoding::Utf8).unwrap_err();
        assert!(matches!(error, CorpusError::Unreadable { .. }));
        assert!(
            error
                .to_string()
                .contains("missing.tsv: cannot read the file"),
            "{error}"
        );
        let error = read_file(directory.path(), Encoding::Utf8).unwrap_err();
        assert!(matches!(error, CorpusError::Directory { .. }), "{error}");
    }

    #[test]
    fn packed_files_are_unpacked_by_name_or_by_their_first_bytes() {
        for name in ["a.tsv.gz", "a.TSV.GZ", "a.tsv"] {
            assert_eq!(
                read(name, &pack(b"pos\tyes\n"), Encoding::Utf8).unwrap(),
                "pos\tyes\n"
            );
        }
    }

    #[test]
    fn all_members_of_a_packed_file_are_read() {
        let members = [pack(b"pos\tyes\n"), pack(b"neg\tno\n")].concat();
        assert_eq!(
            read("a.gz", &members, Encoding::Utf8).unwrap(),
            "pos\tyes\nneg\tno\n"
        );
    }

    #[test]
    fn a_truncated_packed_file_says_how_far_it_could_be_read() {
        let lines: String = (0..5000)
            .map(|line| format!("pos\tnumber {line}\n"))
            .collect();
        let packed = pack(lines.as_bytes());
        for keep in [packed.len() - 1, packed.len() / 2, 11, 5] {
            match read("a.tsv.gz", &packed[..keep], Encoding::Utf8).unwrap_err() {
                CorpusError::Truncated { file, lines } => {
                    assert!(file.ends_with("a.tsv.gz"));
                    assert!(lines <= 5000 && (lines > 1000 || keep < 1000), "{lines}");
                }
                other => panic!("{keep} bytes: {other}"),
            }
        }
    }

    #[test]
    fn damaged_or_unpacked_data_named_gz_is_an_error() {
        assert!(message("a.tsv.gz", b"pos\tyes, a good one\n").contains("not a sound .gz file"));
        let mut packed = pack("pos\tyes\n".repeat(100).as_bytes());
        let checksum = packed.len() - 6;
        packed[checksum] ^= 1;
        assert!(message("a.tsv.gz", &packed).contains("after 100 complete lines"));
    }

    #[test]
    fn invalid_utf8_is_named_by_line_and_byte() {
        let text = message("a.tsv", b"pos\tyes\nneg\tcaf\xe9 noir\n");
        assert!(
            text.ends_with(
                "a.tsv:2: byte 8 of the line (0xE9) is not valid UTF-8; \
             a file in Latin-1 needs the encoding latin-1 (data.encoding in a recipe)"
            ),
            "{text}"
        );
        assert!(message("a.tsv", b"pos\tcut \xe2\x82").contains(":1: byte 9 of the line (0xE2)"));
    }

    #[test]
    fn utf16_is_called_by_its_name() {
        assert!(message("a.tsv", b"\xff\xfep\0o\0s\0").contains("is UTF-16"));
    }

    #[test]
    fn latin1_has_a_character_for_every_byte() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = read("a.tsv", &bytes, Encoding::Latin1).unwrap();
        assert!(text.chars().eq((0..=255_u8).map(char::from)));
    }

    #[test]
    fn line_ends_and_byte_order_marks_leave_no_trace() {
        let source = Source::from_text("a", "\u{feff}one\r\ntwo \r three\r\n");
        let lines: Vec<_> = source.lines().map(Result::unwrap).collect();
        assert_eq!(lines, [(1, "one"), (2, "two \r three")]);
    }

    #[test]
    fn an_empty_line_is_an_error_but_the_last_line_end_is_not() {
        for (contents, empty) in [
            ("one", None),
            ("one\n", None),
            ("", None),
            ("\n", Some(1)),
            ("one\n\n", Some(2)),
            ("one\r\n\r\ntwo\r\n", Some(2)),
        ] {
            let source = Source::from_text("a", contents);
            let line = source.lines().find_map(|line| match line {
                Err(CorpusError::EmptyLine { place }) => Some(place.line),
                _ => None,
            });
            assert_eq!(line, empty, "{contents:?}");
        }
    }
}
