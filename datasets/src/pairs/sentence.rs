//! Whole sentences.

use super::clause::{Clause, Order, clause};
use super::derivation::Derivation;
use super::phenomena::Phenomenon;
use super::phrase::{Case, Detail, Phrase, Wanted, phrase};
use super::words::{CONJUNCTIONS, Gender, Kind, Number, Pronoun, SAYING};

/// A sentence: says the German and returns the English.
pub fn sentence(d: &mut Derivation) -> Option<String> {
    match d.choose(&[38, 8, 14, 10, 12, 10, 8]) {
        0 => {
            let main = clause(d, Order::Second, Detail::Full)?;
            d.say(".")?;
            Some(format!("{} .", main.english))
        }
        1 => {
            let question = clause(d, Order::Question, Detail::Full)?;
            d.show(Phenomenon::Question);
            d.say("?")?;
            Some(format!("{} ?", question.english))
        }
        2 => {
            let main = clause(d, Order::Second, Detail::Plain)?;
            d.say(",")?;
            let after = subordinate(d)?;
            d.say(".")?;
            Some(format!("{} {after} .", main.english))
        }
        3 => {
            let before = subordinate(d)?;
            d.say(",")?;
            d.show(Phenomenon::Inversion);
            let main = clause(d, Order::First, Detail::Plain)?;
            d.say(".")?;
            Some(format!("{before} , {} .", main.english))
        }
        4 => saying(d),
        5 => quality(d),
        _ => reason(d),
    }
}

/// "weil der lehrer den hund sucht".
fn subordinate(d: &mut Derivation) -> Option<String> {
    let [_, conjunction] = d.pick(CONJUNCTIONS, |[german, _]| german.to_owned())?;
    let clause = clause(d, Order::Last, Detail::Plain)?;
    Some(format!("{conjunction} {}", clause.english))
}

/// "die frau glaubt , dass der lehrer den hund sucht ."
fn saying(d: &mut Derivation) -> Option<String> {
    let speaker = phrase(d, Wanted::plain(Case::Nominative, Kind::Person))?;
    let [_, english] = d.pick(SAYING, |[german, _]| speaker.number.of(german).to_owned())?;
    let verb = match d.chance(20) {
        true => {
            d.say("nicht")?;
            d.show(Phenomenon::Negation);
            let auxiliary = speaker.number.of(["does", "do"]);
            format!("{auxiliary} not {}", english[1])
        }
        false => speaker.number.of(english).to_owned(),
    };
    d.say(", dass")?;
    let said = clause(d, Order::Last, Detail::Plain)?;
    d.say(".")?;
    Some(format!(
        "{} {verb} that {} .",
        speaker.english, said.english
    ))
}

/// "der hund , den die kinder suchen , ist müde ."
fn quality(d: &mut Derivation) -> Option<String> {
    let kind = Kind::ALL[d.choose(&[35, 30, 35])];
    let subject = phrase(
        d,
        Wanted {
            detail: Detail::Full,
            ..Wanted::plain(Case::Nominative, kind)
        },
    )?;
    let number = subject.number;
    let [_, be] = d.pick(BEING, |[german, _]| number.of(german).to_owned())?;
    let [_, quality] = d.pick(kind.qualities(), |[german, _]| german.to_owned())?;
    d.say(".")?;
    Some(format!("{} {} {quality} .", subject.english, number.of(be)))
}

/// "der lehrer kauft die uhr , weil sie neu ist .": whatever the pronoun stands for is told by its gender
/// and number.
fn reason(d: &mut Derivation) -> Option<String> {
    let main = clause(d, Order::Second, Detail::Plain)?;
    d.say(", weil")?;
    let Clause {
        subject, object, ..
    } = main;
    let object = object?;
    if form(&subject)? == form(&object)? {
        return None;
    }
    let meant = match d.choose(&[40, 60]) {
        0 => subject,
        _ => object,
    };
    let (german, english) = pronoun(&meant)?;
    d.say(german)?;
    d.show(Phenomenon::Pronoun);
    let [_, quality] = d.pick(meant.kind.qualities(), |[german, _]| german.to_owned())?;
    let [german, be] = BEING[0];
    d.say(meant.number.of(german))?;
    d.say(".")?;
    let be = meant.number.of(be);
    Some(format!(
        "{} because {english} {be} {quality} .",
        main.english
    ))
}

/// What a pronoun says of a phrase; nothing is known of names.
fn form(phrase: &Phrase) -> Option<(Number, Option<Gender>)> {
    let gender = phrase.gender?;
    Some(match phrase.number {
        Number::Singular => (Number::Singular, Some(gender)),
        Number::Plural => (Number::Plural, None),
    })
}

/// The pronoun of a phrase in both languages.
fn pronoun(phrase: &Phrase) -> Option<(&'static str, &'static str)> {
    let (number, _) = form(phrase)?;
    let german = match (number, phrase.gender?) {
        (Number::Plural, _) | (_, Gender::Feminine) => "sie",
        (_, Gender::Masculine) => "er",
        (_, Gender::Neuter) => "es",
    };
    let english = match (number, phrase.pronoun?) {
        (Number::Plural, _) => "they",
        (_, Pronoun::He) => "he",
        (_, Pronoun::She) => "she",
        (_, Pronoun::It) => "it",
    };
    Some((german, english))
}

/// Present and past: German after one and after many, and English.
const BEING: &[[[&str; 2]; 2]] = &[
    [["ist", "sind"], ["is", "are"]],
    [["war", "waren"], ["was", "were"]],
];
