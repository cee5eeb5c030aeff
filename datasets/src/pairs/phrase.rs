//! Noun phrases.

use super::adverbial::in_figures;
use super::clause;
use super::derivation::Derivation;
use super::names;
use super::numbers;
use super::phenomena::Phenomenon;
use super::words::{ADJECTIVES, Gender, Kind, Noun, Number, Pronoun, TO_ANYTHING, Verb, done_to};

/// The German case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Of the subject.
    Nominative,
    /// Of most objects.
    Accusative,
    /// Of recipients and some objects, and after prepositions.
    Dative,
    /// Of owners.
    Genitive,
}

/// How much may stand in a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Article, adjective, noun.
    Plain,
    /// Owners, participles and relative clauses, too.
    Full,
}

/// What a phrase must be.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its case.
    pub case: Case,
    /// What it stands for.
    pub kind: Kind,
    /// Its number, if the verb has said that already.
    pub number: Option<Number>,
    /// The subject, to which its possessive refers; without one there is no possessive.
    pub owner: Option<&'a Phrase>,
    /// How much may stand in it.
    pub detail: Detail,
}

impl Wanted<'_> {
    /// A phrase of article, adjective and noun.
    pub fn plain(case: Case, kind: Kind) -> Self {
        Self {
            case,
            kind,
            number: None,
            owner: None,
            detail: Detail::Plain,
        }
    }
}

/// A phrase that has been said.
#[derive(Debug, Clone)]
pub struct Phrase {
    /// Its English.
    pub english: String,
    /// What it stands for.
    pub kind: Kind,
    /// Its number.
    pub number: Number,
    /// The gender of its noun; none for a name.
    pub gender: Option<Gender>,
    /// What English calls one of it; none for a name.
    pub pronoun: Option<Pronoun>,
    /// Whether its form says its case.
    pub marked: bool,
    /// Whether it can stand before "nicht".
    pub definite: bool,
}

/// What begins a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Determiner {
    /// "der".
    Definite,
    /// "dieser".
    This,
    /// "jeder".
    Every,
    /// "ein".
    Indefinite,
    /// "sein" or "ihr".
    Possessive,
}

/// Number, and gender in the singular.
type Agreement = (Number, Option<Gender>);
const FORMS: [Agreement; 4] = [
    (Number::Singular, Some(Gender::Masculine)),
    (Number::Singular, Some(Gender::Feminine)),
    (Number::Singular, Some(Gender::Neuter)),
    (Number::Plural, None),
];

/// "der" and its forms.
pub fn definite((_, gender): Agreement, case: Case) -> &'static str {
    match (case, gender) {
        (Case::Nominative, Some(Gender::Masculine)) => "der",
        (Case::Accusative, Some(Gender::Masculine)) => "den",
        (Case::Nominative | Case::Accusative, Some(Gender::Neuter)) => "das",
        (Case::Nominative | Case::Accusative, Some(Gender::Feminine) | None) => "die",
        (Case::Dative, Some(Gender::Masculine | Gender::Neuter)) => "dem",
        (Case::Dative, None) => "den",
        (Case::Genitive, Some(Gender::Masculine | Gender::Neuter)) => "des",
        (Case::Dative | Case::Genitive, Some(Gender::Feminine)) | (Case::Genitive, None) => "der",
    }
}

/// The ending of "dieser" and "jeder", and that of "einer" where it has one.
fn strong((_, gender): Agreement, case: Case) -> &'static str {
    match definite((Number::Singular, gender), case) {
        "der" => "er",
        "den" => "en",
        "das" | "des" => "es",
        "dem" => "em",
        _ => "e",
    }
}

/// The ending of "ein", "sein" and "ihr".
fn mixed(form: Agreement, case: Case) -> &'static str {
    match (case, form.1) {
        (Case::Nominative, Some(Gender::Masculine | Gender::Neuter))
        | (Case::Accusative, Some(Gender::Neuter)) => "",
        _ => strong(form, case),
    }
}

/// The ending of an adjective, or of a participle before a noun.
fn weak(determiner: Determiner, form: Agreement, case: Case) -> &'static str {
    let after_ein = matches!(determiner, Determiner::Indefinite | Determiner::Possessive);
    match (case, form.1) {
        (Case::Nominative, Some(Gender::Masculine | Gender::Neuter))
        | (Case::Accusative, Some(Gender::Neuter))
            if after_ein =>
        {
            strong(form, case)
        }
        (Case::Nominative, Some(_))
        | (Case::Accusative, Some(Gender::Feminine | Gender::Neuter)) => "e",
        _ => "en",
    }
}

impl Noun {
    fn form(&self, number: Number, case: Case) -> String {
        match (number, case) {
            (Number::Singular, Case::Genitive) => self.genitive.to_owned(),
            (Number::Plural, Case::Dative) if !self.german[1].ends_with('n') => {
                format!("{}n", self.german[1])
            }
            _ => number.of(self.german).to_owned(),
        }
    }
}

/// A noun phrase.
pub fn phrase(d: &mut Derivation, wanted: Wanted) -> Option<Phrase> {
    let Wanted {
        case, kind, number, ..
    } = wanted;
    let person = kind == Kind::Person && number != Some(Number::Plural);
    let weights = [
        70,
        if person && case != Case::Genitive {
            20
        } else {
            0
        },
        if number != Some(Number::Singular) && case != Case::Genitive {
            7
        } else {
            0
        },
        if case != Case::Genitive { 4 } else { 0 },
    ];
    let choice = d.choose(&weights);
    match choice {
        _ if weights[choice] == 0 => None,
        0 => determined(d, wanted),
        1 => name(d),
        2 => counted(d, wanted),
        _ => owned_by_name(d, wanted),
    }
}

fn name(d: &mut Derivation) -> Option<Phrase> {
    let [name, english] = d.open_word(names::draw, translate_name)?;
    show_name(d, &name, &english);
    Some(Phrase {
        english,
        kind: Kind::Person,
        number: Number::Singular,
        gender: None,
        pronoun: None,
        marked: false,
        definite: true,
    })
}

/// A name in both languages.
fn translate_name(name: &str) -> Option<[String; 2]> {
    Some([name.to_owned(), names::english(name)?])
}

fn show_name(d: &mut Derivation, name: &str, english: &str) {
    d.show(Phenomenon::Name);
    if english != name {
        d.show(Phenomenon::RespelledName);
    }
}

/// "47 alte hunde": "forty-seven old dogs".
fn counted(d: &mut Derivation, wanted: Wanted) -> Option<Phrase> {
    let count = d.open_word(
        |random, _| (2 + random.below(98)).to_string(),
        |word| in_figures(word, 2..=99).map(numbers::english),
    )?;
    d.show(Phenomenon::Count);
    let ending = match wanted.case {
        Case::Dative => "en",
        _ => "e",
    };
    let adjective = adjective(d, ending)?;
    let nouns: Vec<_> = wanted.kind.nouns().iter().collect();
    let noun = d.pick(&nouns, |noun| noun.form(Number::Plural, wanted.case))?;
    Some(Phrase {
        english: format!("{count} {adjective}{}", noun.english[1]),
        kind: wanted.kind,
        number: Number::Plural,
        gender: Some(noun.gender),
        pronoun: Some(noun.pronoun),
        marked: false,
        definite: false,
    })
}

/// "malos hund": "malo's dog".
fn owned_by_name(d: &mut Derivation, wanted: Wanted) -> Option<Phrase> {
    let [name, owner] = d.open_word(
        |random, part| names::draw(random, part) + "s",
        |word| translate_name(word.strip_suffix('s')?),
    )?;
    show_name(d, &name, &owner);
    d.show(Phenomenon::Genitive);
    // Without an article only the noun says the number.
    let says = |noun: &&Noun| noun.german[0] != noun.german[1];
    let nouns = wanted.kind.nouns().iter().filter(says);
    let forms: Vec<_> = nouns
        .flat_map(|noun| [(noun, Number::Singular), (noun, Number::Plural)])
        .filter(|&(_, number)| wanted.number.is_none_or(|wanted| wanted == number))
        .collect();
    let (noun, number) = d.pick(&forms, |(noun, number)| noun.form(number, wanted.case))?;
    Some(Phrase {
        english: format!("{owner}'s {}", number.of(noun.english)),
        kind: wanted.kind,
        number,
        gender: Some(noun.gender),
        pronoun: Some(noun.pronoun),
        marked: false,
        definite: true,
    })
}

/// An adjective or none; the English with a space behind it.
fn adjective(d: &mut Derivation, ending: &str) -> Option<String> {
    if !d.chance(30) {
        return Some(String::new());
    }
    let [_, english] = d.pick(ADJECTIVES, |[german, _]| format!("{german}{ending}"))?;
    Some(format!("{english} "))
}

fn determined(d: &mut Derivation, wanted: Wanted) -> Option<Phrase> {
    let case = wanted.case;
    let (determiner, stem, english) = determiner(d, wanted)?;
    let one_only = matches!(determiner, Determiner::Every | Determiner::Indefinite);
    let fits = |&(number, _): &Agreement| {
        wanted.number.is_none_or(|wanted| wanted == number)
            && !(one_only && number == Number::Plural)
    };
    let forms: Vec<Agreement> = FORMS.into_iter().filter(fits).collect();
    let form = d.pick(&forms, |form| match determiner {
        Determiner::Definite => definite(form, case).to_owned(),
        Determiner::This | Determiner::Every => format!("{stem}{}", strong(form, case)),
        Determiner::Indefinite | Determiner::Possessive => format!("{stem}{}", mixed(form, case)),
    })?;
    let number = form.0;
    let ending = weak(determiner, form, case);
    let full = wanted.detail == Detail::Full && determiner == Determiner::Definite;
    let done = match full && d.chance(12) {
        true => Some(participle(d, wanted.kind, ending)?),
        false => None,
    };
    let adjective = adjective(d, ending)?;
    let of_gender = |noun: &&Noun| form.1.is_none_or(|gender| noun.gender == gender);
    let nouns: Vec<_> = wanted.kind.nouns().iter().filter(of_gender).collect();
    let noun = d.pick(&nouns, |noun| noun.form(number, case))?;
    let mut said = Phrase {
        english: format!("{adjective}{}", number.of(noun.english)),
        kind: wanted.kind,
        number,
        gender: Some(noun.gender),
        pronoun: Some(noun.pronoun),
        marked: case == Case::Dative || form.1 == Some(Gender::Masculine),
        definite: !one_only,
    };
    if full && done.is_none() && d.chance(10) {
        said.english = format!("{} {}", owner(d)?, said.english);
        return Some(said);
    }
    said.english = match (determiner, number) {
        (Determiner::Indefinite, _) => with_indefinite_article(&said.english),
        (_, number) => format!("{} {}", number.of(english), said.english),
    };
    if let Some(done) = done {
        said.english += &done;
    } else if wanted.detail == Detail::Full && d.chance(18) {
        said.english = format!("{} {}", said.english, clause::relative(d, &said)?);
    }
    Some(said)
}

/// What begins a phrase: its German stem, and its English before one and before many.
fn determiner(
    d: &mut Derivation,
    wanted: Wanted,
) -> Option<(Determiner, &'static str, [&'static str; 2])> {
    let possessive = if wanted.owner.is_some() { 25 } else { 0 };
    let single = match (wanted.number, wanted.case) {
        (Some(Number::Plural), _) | (_, Case::Genitive) => 0,
        _ => 12,
    };
    let other = if wanted.case == Case::Genitive { 0 } else { 10 };
    let weights = [60, other, single / 2, single, possessive];
    let choice = d.choose(&weights);
    Some(match choice {
        _ if weights[choice] == 0 => return None,
        0 => (Determiner::Definite, "", ["the", "the"]),
        1 => (Determiner::This, "dies", ["this", "these"]),
        2 => (Determiner::Every, "jed", ["every", "every"]),
        3 => (Determiner::Indefinite, "ein", ["a", "a"]),
        _ => {
            d.show(Phenomenon::Possessive);
            let (stem, english) = possessive_of(d, wanted.owner?);
            (Determiner::Possessive, stem, [english, english])
        }
    })
}

/// The stem of the possessive that refers to `owner`, and its English.
fn possessive_of(d: &mut Derivation, owner: &Phrase) -> (&'static str, &'static str) {
    if owner.number == Number::Plural {
        return ("ihr", "their");
    }
    match (owner.gender, owner.pronoun) {
        (Some(gender), Some(pronoun)) => {
            let stem = match gender {
                Gender::Masculine | Gender::Neuter => "sein",
                Gender::Feminine => "ihr",
            };
            let english = match pronoun {
                Pronoun::He => "his",
                Pronoun::She => "her",
                Pronoun::It => "its",
            };
            (stem, english)
        }
        // Only the possessive says what is behind a name.
        _ => [("sein", "his"), ("ihr", "her")][d.choose(&[1, 1])],
    }
}

/// "von dem lehrer gelobte": " praised by the teacher".
fn participle(d: &mut Derivation, kind: Kind, ending: &str) -> Option<String> {
    d.say("von")?;
    let agent = phrase(d, Wanted::plain(Case::Dative, Kind::Person))?;
    let verbs: Vec<&Verb> = TO_ANYTHING.iter().chain(done_to(kind)).collect();
    let verb = d.pick(&verbs, |verb| format!("{}{ending}", verb.participle))?;
    d.show(Phenomenon::Participle);
    Some(format!(" {} by {}", verb.passive, agent.english))
}

/// "des lehrers": "the teacher's".
fn owner(d: &mut Derivation) -> Option<String> {
    let owner = phrase(d, Wanted::plain(Case::Genitive, Kind::Person))?;
    d.show(Phenomenon::Genitive);
    let mark = if owner.english.ends_with('s') {
        "'"
    } else {
        "'s"
    };
    Some(format!("{}{mark}", owner.english))
}

fn with_indefinite_article(english: &str) -> String {
    let article = if english.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {english}")
}
