//! Small data sets that ship with the project, and the generators that made them.
//!
//! | name | files | what it is |
//! | --- | --- | --- |
//! | `grammar` | `train.txt` `valid.txt` `test.txt`: words separated by spaces, a sentence a line | text from a grammar with agreement over long distances, of which the best possible perplexity is known ([`grammar`]) |
//! | `pairs` | `train.tsv` `valid.tsv` `test.tsv`: `source<TAB>target` | German sentences and their only right English translations ([`pairs`]) |
//! | `reports` | `train.jsonl` `valid.jsonl` `test.jsonl`: objects with `document` and `summary` | short reports with rare names and figures, and their only right summaries ([`reports`]) |
//! | `reviews` | `train.tsv` `valid.tsv` `test.tsv`: `label<TAB>text` | short generated reviews, `negative` or `positive`, whose label depends on word order and distance ([`reviews`]) |
//!
//! The files are part of the compiled library, so a program that uses them needs no data folder:
//!
//! ```
//! let set = datasets::shipped("reviews").expect("it ships");
//! let (name, contents) = set.files[0];
//! assert_eq!(name, "train.tsv");
//! let (label, text) = contents.lines().next().unwrap().split_once('\t').unwrap();
//! assert!(label == "negative" || label == "positive");
//! assert!(text.ends_with(['.', '!']));
//! ```

pub mod grammar;
pub mod pairs;
pub mod random;
pub mod reports;
pub mod reviews;

/// A data set inside this library.
#[derive(Debug)]
pub struct Shipped {
    /// What recipes call it, and its folder.
    pub name: &'static str,
    /// Its files: name and contents.
    pub files: &'static [(&'static str, &'static str)],
}

impl Shipped {
    /// The contents of one file.
    pub fn file(&self, name: &str) -> Option<&'static str> {
        self.files
            .iter()
            .find(|(file, _)| *file == name)
            .map(|(_, contents)| *contents)
    }
}

const SHIPPED: &[Shipped] = &[
    Shipped {
        name: "reviews",
        files: &[
            ("train.tsv", include_str!("../reviews/train.tsv")),
            ("valid.tsv", include_str!("../reviews/valid.tsv")),
            ("test.tsv", include_str!("../reviews/test.tsv")),
        ],
    },
    Shipped {
        name: grammar::NAME,
        files: &[
            ("train.txt", include_str!("../grammar/train.txt")),
            ("valid.txt", include_str!("../grammar/valid.txt")),
            ("test.txt", include_str!("../grammar/test.txt")),
        ],
    },
    Shipped {
        name: pairs::NAME,
        files: &[
            ("train.tsv", include_str!("../pairs/train.tsv")),
            ("valid.tsv", include_str!("../pairs/valid.tsv")),
            ("test.tsv", include_str!("../pairs/test.tsv")),
        ],
    },
    Shipped {
        name: reports::NAME,
        files: &[
            ("train.jsonl", include_str!("../reports/train.jsonl")),
            ("valid.jsonl", include_str!("../reports/valid.jsonl")),
            ("test.jsonl", include_str!("../reports/test.jsonl")),
        ],
    },
];

/// Which public sets can be downloaded, file by file: `manifest.tsv`, its first line naming the columns.
pub const MANIFEST: &str = include_str!("../manifest.tsv");

/// All sets that ship.
pub fn all() -> &'static [Shipped] {
    SHIPPED
}

/// The set of this name.
pub fn shipped(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|set| set.name == name)
}

#[cfg(test)]
impl Shipped {
    /// Asserts that the files are what their generator writes.
    #[track_caller]
    fn assert_generated(&self, files: [(&'static str, String); 3]) {
        for (name, contents) in files {
            let same = self.file(name) == Some(contents.as_str());
            assert!(
                same,
                "{name} is stale: run `cargo run -p datasets --bin generate`"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_found_by_its_name_only() {
        for set in all() {
            assert_eq!(shipped(set.name).map(|found| found.name), Some(set.name));
        }
        assert!(shipped("no such set").is_none());
    }

    #[test]
    fn every_line_of_the_manifest_has_all_columns() {
        for line in MANIFEST.lines().skip(1) {
            let columns: Vec<_> = line.split('\t').collect();
            let [name, file, bytes, sha256, repository, commit, path, made_by] = columns[..] else {
                panic!("{} columns: {line}", columns.len());
            };
            assert!(bytes.parse::<u64>().is_ok_and(|n| n > 0), "{line}");
            let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(sha256.len() == 64 && hex(sha256), "{line}");
            assert!(commit.len() == 40 && hex(commit), "{line}");
            assert!(repository.starts_with("https://"), "{line}");
            assert!(
                [name, file, path, made_by].iter().all(|t| !t.is_empty()),
                "{line}"
            );
        }
    }
}
