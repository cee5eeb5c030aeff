//! Which crate may depend on what: dependencies point one way only, and a crate that is imported
//! alone brings nothing that belongs to another.

use std::collections::BTreeSet;

use crate::cargo::Cargo;
use crate::failure::Failure;

/// What must not be among the dependencies of a crate, near or far.
struct Rule {
    package: &'static str,
    never: &'static [&'static str],
    why: &'static str,
}

const RULES: [Rule; 2] = [
    Rule {
        package: "lstm-core",
        never: &[
            "lstm-models",
            "lstm-train",
            "tokenizers",
            "burn-optim",
            "burn-train",
            "clap",
            "indicatif",
            "plotters",
        ],
        why: "it knows no text, no optimizer and no terminal",
    },
    Rule {
        package: "lstm-models",
        never: &[
            "lstm-train",
            "burn-optim",
            "burn-train",
            "clap",
            "indicatif",
            "plotters",
        ],
        why: "it knows no optimizer and no terminal",
    },
];

/// Checks every rule, and that this program has no dependencies at all.
///
/// # Errors
///
/// A rule is broken, or cargo does not know the dependencies.
pub fn check() -> Result<(), Failure> {
    for rule in &RULES {
        rule.check(&tree(rule.package, "normal")?)?;
    }
    let tree = tree("xtask", "normal,build,dev")?;
    let found = besides_xtask(&tree);
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::Broken(format!(
        "xtask depends on {}: it must have no dependencies, so that it builds in a second",
        found.join(", ")
    )))
}

impl Rule {
    fn check(&self, tree: &str) -> Result<(), Failure> {
        let found = packages(tree);
        // An empty or unreadable list would break no rule.
        if !found.contains(self.package) {
            return Err(Failure::Broken(format!(
                "`cargo tree` does not list {} among its own dependencies:\n{tree}",
                self.package
            )));
        }
        match self.never.iter().find(|never| found.contains(*never)) {
            None => Ok(()),
            Some(never) => Err(Failure::Broken(format!(
                "{package} depends on {never}: {why}; `cargo tree -p {package} -e normal -i \
                 {never}` shows the way",
                package = self.package,
                why = self.why,
            ))),
        }
    }
}

fn besides_xtask(tree: &str) -> Vec<&str> {
    packages(tree)
        .into_iter()
        .filter(|name| *name != "xtask")
        .collect()
}

/// A package and all its dependencies, one a line, each with its version.
fn tree(package: &str, edges: &str) -> Result<String, Failure> {
    Cargo::new(&[
        "tree",
        "--package",
        package,
        "--edges",
        edges,
        "--prefix",
        "none",
    ])
    .output()
}

fn packages(tree: &str) -> BTreeSet<&str> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "lstm-core v0.1.0 (/home/a/lstm-core)\nburn v0.22.1\n\nserde v1.0.0 (*)\n";

    #[test]
    fn a_clean_tree_is_accepted() {
        assert_eq!(RULES[0].check(TREE), Ok(()));
    }

    #[test]
    fn a_forbidden_dependency_is_named() {
        match RULES[0].check(&format!("{TREE}tokenizers v0.23.0\n")) {
            Err(Failure::Broken(message)) => {
                assert!(
                    message.starts_with("lstm-core depends on tokenizers"),
                    "{message}"
                );
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_are_compared_whole() {
        assert_eq!(RULES[0].check(&format!("{TREE}clap_lex v1.0.0\n")), Ok(()));
    }

    #[test]
    fn a_list_that_is_not_the_packages_is_no_proof() {
        assert!(RULES[0].check("").is_err());
    }

    #[test]
    fn xtask_stands_alone() {
        assert_eq!(besides_xtask("xtask v0.1.0 (/home/a/xtask)\n"), [""; 0]);
        assert_eq!(besides_xtask("xtask v0.1.0\nclap v4.6.0\n"), ["clap"]);
    }
}
