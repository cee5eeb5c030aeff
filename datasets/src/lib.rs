//! Small data sets that ship with the project, and the generators that made them.
//!
//! | name | files | what it is |
//! | --- | --- | --- |
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

pub mod random;
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

const SHIPPED: &[Shipped] = &[Shipped {
    name: "reviews",
    files: &[
        ("train.tsv", include_str!("../reviews/train.tsv")),
        ("valid.tsv", include_str!("../reviews/valid.tsv")),
        ("test.tsv", include_str!("../reviews/test.tsv")),
    ],
}];

/// All sets that ship.
pub fn all() -> &'static [Shipped] {
    SHIPPED
}

/// The set of this name.
pub fn shipped(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|set| set.name == name)
}
