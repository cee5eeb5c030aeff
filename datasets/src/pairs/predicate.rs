//! Verbs with their objects, and their English forms.

use super::derivation::Derivation;
use super::phrase::Case;
use super::words::{
    DATIVE, DEEDS, Doer, GIVING, Kind, Modal, Number, TO_ANYTHING, TRADING, Verb, done_to,
};

/// Which objects a verb has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// None.
    Alone,
    /// One of this kind, in the accusative.
    Accusative(Kind),
    /// A person in the dative.
    Dative,
    /// A thing, and a person in the dative.
    Giving,
    /// A thing, and a price.
    Trading,
}

impl Frame {
    /// Any of them.
    pub fn draw(d: &mut Derivation) -> Self {
        let all = [
            Frame::Alone,
            Frame::Accusative(Kind::Person),
            Frame::Accusative(Kind::Animal),
            Frame::Accusative(Kind::Thing),
            Frame::Dative,
            Frame::Giving,
            Frame::Trading,
        ];
        all[d.choose(&[14, 18, 18, 20, 8, 14, 8])]
    }

    /// One that a single object fills.
    pub fn of_one_object(d: &mut Derivation) -> Self {
        let all = [
            Frame::Accusative(Kind::Person),
            Frame::Accusative(Kind::Animal),
            Frame::Accusative(Kind::Thing),
            Frame::Dative,
        ];
        all[d.choose(&[25, 30, 30, 15])]
    }

    /// The case of its object, and what that can be.
    pub fn object(self) -> Option<(Case, Kind)> {
        match self {
            Frame::Alone => None,
            Frame::Accusative(kind) => Some((Case::Accusative, kind)),
            Frame::Dative => Some((Case::Dative, Kind::Person)),
            Frame::Giving | Frame::Trading => Some((Case::Accusative, Kind::Thing)),
        }
    }

    /// The verbs of this frame that such a subject can have.
    pub fn verbs(self, subject: Option<Kind>) -> Vec<&'static Verb> {
        let (any, some): (&[Verb], &[Verb]) = match self {
            Frame::Alone => (&[], DEEDS),
            Frame::Accusative(kind) => (TO_ANYTHING, done_to(kind)),
            Frame::Dative => (&[], DATIVE),
            Frame::Giving => (&[], GIVING),
            Frame::Trading => (&[], TRADING),
        };
        let all = any.iter().chain(some);
        all.filter(|verb| verb.doer == Doer::Any || subject != Some(Kind::Animal))
            .collect()
    }
}

/// The form of the verb.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// "sucht": "looks for".
    Present,
    /// "hat gesucht": "looked for".
    Perfect,
    /// "kann suchen": "can look for".
    Modal(&'static Modal),
}

/// "hat" and "haben".
pub const HAVE: [&str; 2] = ["hat", "haben"];

/// The English verb of a statement: "looks for".
pub fn affirmative(form: Form, number: Number, verb: &Verb) -> String {
    match form {
        Form::Present => number.of([verb.third, verb.base]).to_owned(),
        Form::Perfect => verb.past.to_owned(),
        Form::Modal(modal) => format!("{} {}", number.of(modal.english), verb.base),
    }
}

/// The same, denied: "does not look for".
pub fn negative(form: Form, number: Number, verb: &Verb) -> String {
    match with_auxiliary(form, number, verb) {
        ("can", rest) => format!("cannot {rest}"),
        (auxiliary, rest) => format!("{auxiliary} not {rest}"),
    }
}

/// The English verb of a question: what stands before the subject, and what behind it.
pub fn with_auxiliary(form: Form, number: Number, verb: &Verb) -> (&'static str, String) {
    match form {
        Form::Present => (number.of(["does", "do"]), verb.base.to_owned()),
        Form::Perfect => ("did", verb.base.to_owned()),
        Form::Modal(modal) => {
            let (auxiliary, rest) = modal.auxiliary;
            (number.of(auxiliary), format!("{rest}{}", verb.base))
        }
    }
}
