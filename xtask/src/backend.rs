//! `--backend NAME`: which of burn's backends is compiled in.

use std::ffi::{OsStr, OsString};

use crate::failure::Failure;

/// All backends; the first is the default of every crate.
const BACKENDS: [&str; 7] = ["flex", "ndarray", "wgpu", "vulkan", "metal", "cuda", "rocm"];

/// One of burn's backends, named by its cargo feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backend(&'static str);

impl Backend {
    fn named(name: &OsStr) -> Result<Self, Failure> {
        let found = BACKENDS.into_iter().find(|backend| name == *backend);
        found.map(Self).ok_or_else(|| {
            let (name, known) = (name.to_string_lossy(), BACKENDS.join(", "));
            Failure::Usage(format!(
                "there is no backend `{name}`; the backends are {known}"
            ))
        })
    }

    /// Its cargo feature, which is also the name of its device.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// What tells cargo to compile it in, and no other. Nothing for the default: the same features
    /// by another way would compile everything again.
    pub fn cargo_arguments(self) -> Vec<&'static str> {
        if self.0 == BACKENDS[0] {
            return Vec::new();
        }
        vec!["--no-default-features", "--features", self.0]
    }

    /// What tells cargo to compile it in beside the default, on which the tests run.
    pub fn added_arguments(self) -> Vec<&'static str> {
        if self.0 == BACKENDS[0] {
            return Vec::new();
        }
        vec!["--features", self.0]
    }
}

/// Takes `--backend NAME` out of the arguments, wherever it stands before a lone `--`.
///
/// # Errors
///
/// It has no value, an unknown one, or is there twice.
pub fn take(arguments: Vec<OsString>) -> Result<(Option<Backend>, Vec<OsString>), Failure> {
    let mut backend = None;
    let mut others = Vec::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            others.push(argument);
            others.extend(arguments);
            break;
        }
        let name = if argument == "--backend" {
            let missing = || Failure::Usage("--backend needs a name, such as cuda".to_owned());
            arguments.next().ok_or_else(missing)?
        } else if let Some(name) = argument
            .to_str()
            .and_then(|text| text.strip_prefix("--backend="))
        {
            name.into()
        } else {
            others.push(argument);
            continue;
        };
        if backend.replace(Backend::named(&name)?).is_some() {
            return Err(Failure::Usage("--backend is given twice".to_owned()));
        }
    }
    Ok((backend, others))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(arguments: &str) -> Result<(Option<&'static str>, String), Failure> {
        let arguments = arguments.split_whitespace().map(OsString::from).collect();
        let (backend, others) = take(arguments)?;
        let others: Vec<&str> = others.iter().map(|other| other.to_str().unwrap()).collect();
        Ok((backend.map(Backend::name), others.join(" ")))
    }

    #[test]
    fn the_backend_may_stand_anywhere_and_everything_else_is_left() {
        for arguments in [
            "--backend cuda train classifier --seed 2",
            "train --backend=cuda classifier --seed 2",
            "train classifier --seed 2 --backend cuda",
        ] {
            let expected = (Some("cuda"), "train classifier --seed 2".to_owned());
            assert_eq!(taken(arguments).unwrap(), expected);
        }
        assert_eq!(taken("").unwrap(), (None, String::new()));
    }

    #[test]
    fn what_follows_a_lone_dash_dash_is_text() {
        let arguments = "predict --model m -- --backend cuda";
        assert_eq!(taken(arguments).unwrap(), (None, arguments.to_owned()));
    }

    #[test]
    fn a_wrong_backend_is_refused_with_what_there_is() {
        for (arguments, part) in [
            ("train --backend", "needs a name"),
            (
                "--backend tpu train",
                "`tpu`; the backends are flex, ndarray",
            ),
            ("--backend= train", "there is no backend ``"),
            ("--backend cuda --backend wgpu", "twice"),
        ] {
            match taken(arguments) {
                Err(Failure::Usage(message)) => assert!(message.contains(part), "{message}"),
                other => panic!("{arguments}: {other:?}"),
            }
        }
    }

    #[test]
    fn only_the_chosen_backend_is_compiled_in() {
        let features = |name: &str| Backend::named(OsStr::new(name)).unwrap().cargo_arguments();
        assert_eq!(
            features("cuda"),
            ["--no-default-features", "--features", "cuda"]
        );
        assert_eq!(features("flex"), [""; 0]);
    }
}
