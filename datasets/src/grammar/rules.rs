//! The rules: which words can stand next, how likely each is, and what each of them calls for.
//!
//! A [`Symbol`] is something that the sentence still owes: a noun after an article, the verb of a
//! subject. Its [`Choices`] begin with different words, and each word calls for further symbols in
//! its place. So the first word of what a symbol becomes says which choice was made, and a sentence
//! can be read in one way only, from left to right, looking one word ahead. (Grammars of this sort
//! are *simple*: Korenjak and Hopcroft, *Simple deterministic languages*, 1966. Ours also has
//! symbols that may become nothing; a test says that no word then has two readings.)

use super::choices::{Choices, ONE};
use super::words::{
    ADJECTIVES, ADVERBS, ASK, BE, CHASE, CONJUNCTIONS, DO, FOLLOW, Kind, Number, PREPOSITIONS,
    Pair, SAY, SCARE, TO_ANYTHING, WAKE,
};

/// What a verb agrees with: the noun that the subject is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject {
    kind: Kind,
    number: Number,
}

/// Which form the verbs of a clause have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// "the man laughs", "the men laugh".
    Finite,
    /// "does the man laugh", "do the men laugh".
    Base,
}

/// What a clause may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rank {
    /// The main clause: also a quotation, and a second clause.
    Main,
    /// A clause in another: also an adverb, and a second verb for its subject.
    Part,
    /// A relative clause, or a second verb: only a verb and its object.
    Bare,
}

/// How many relative clauses a phrase stands in, those that objects hang in counted too.
type Depth = usize;

/// What a phrase is there for, and so what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The subject of a clause: its verb follows.
    Subject(Form, Rank),
    /// The first of two subjects: "and" and the second follow.
    First,
    /// The second of two subjects: their verb follows.
    Second,
    /// The subject of "is … hungry": the quality follows.
    Described,
    /// The subject in a relative clause about something of this kind: "the dogs that **the man** feeds".
    Owner(Kind),
    /// What a verb does something to.
    Object,
    /// What something is near.
    Place,
}

/// A phrase with a noun in it, from its article on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Phrase {
    kinds: &'static [Kind],
    number: Option<Number>,
    role: Role,
    depth: Depth,
}

/// What the sentence owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Symbol {
    /// All of it.
    Sentence,
    /// A question, without its mark.
    Question,
    /// This word.
    Word(&'static str),
    /// A phrase.
    Phrase(Phrase),
    /// A phrase whose article was said.
    AfterArticle(Phrase),
    /// A phrase whose article and adjective were said.
    Noun(Phrase),
    /// Perhaps a place and a relative clause for this noun.
    Modifiers(Subject, Depth),
    /// Perhaps a relative clause for this noun.
    RelativeClause(Subject, Depth),
    /// A relative clause whose first word was said.
    InRelative(Subject, Depth),
    /// A verb for this subject, with its object.
    Predicate(Subject, Form, Rank, Depth),
    /// Perhaps more about this subject.
    Addition(Subject, Form, Rank),
    /// Perhaps a second verb for this subject.
    SecondVerb(Subject, Form),
    /// What people of this number do to something of this kind, named before.
    Treatment(Number, Kind),
    /// The subject again, or any phrase.
    Reflexive(Subject, Depth),
    /// What can be said of this kind.
    Quality(Kind),
}

const ANYTHING: &[Kind] = &Kind::ALL;
const PEOPLE: &[Kind] = &[Kind::Man, Kind::Woman];
const ANIMALS: &[Kind] = &[Kind::Animal];

impl Choices {
    /// One of these verbs, in the form for the subject.
    fn verbs(
        self,
        percent: u32,
        (subject, form): (Subject, Form),
        verbs: &[Pair],
        then: &[Symbol],
    ) -> Self {
        let number = match form {
            Form::Finite => subject.number,
            Form::Base => Number::Plural,
        };
        let words: Vec<_> = verbs.iter().map(|&verb| number.of(verb)).collect();
        self.words(percent, &words, then)
    }
}

impl Phrase {
    fn subject(form: Form, rank: Rank) -> Self {
        Self::new(Role::Subject(form, rank), ANYTHING, 0)
    }

    fn object(kinds: &'static [Kind], depth: Depth) -> Self {
        Self::new(Role::Object, kinds, depth + 1)
    }

    fn new(role: Role, kinds: &'static [Kind], depth: Depth) -> Self {
        Self {
            kinds,
            number: None,
            role,
            depth,
        }
    }

    fn number(self, number: Number) -> Self {
        Self {
            number: Some(number),
            ..self
        }
    }

    /// Articles; most of them say the number.
    fn articles(self) -> Choices {
        let open = [Symbol::AfterArticle(self)];
        let singular = [Symbol::AfterArticle(self.number(Number::Singular))];
        let plural = [Symbol::AfterArticle(self.number(Number::Plural))];
        let choices = Choices::default();
        match self.number {
            None => choices
                .word(60, "the", &open)
                .words(22, &["every", "this"], &singular)
                .words(18, &["some", "these"], &plural),
            Some(Number::Singular) => {
                choices
                    .word(60, "the", &singular)
                    .words(40, &["every", "this"], &singular)
            }
            Some(Number::Plural) => {
                choices
                    .word(60, "the", &plural)
                    .words(40, &["some", "these"], &plural)
            }
        }
    }

    fn nouns(self) -> Choices {
        let percents: &[u32] = match self.kinds.len() {
            1 => &[100],
            2 => &[50, 50],
            _ => &[26, 26, 26, 22],
        };
        let mut choices = Choices::default();
        for (&kind, &percent) in self.kinds.iter().zip(percents) {
            for number in [Number::Singular, Number::Plural] {
                let percent = match self.number {
                    None => percent / 2,
                    Some(only) if only == number => percent,
                    Some(_) => continue,
                };
                let nouns: Vec<_> = kind.nouns().iter().map(|&noun| number.of(noun)).collect();
                let then = self.after_noun(Subject { kind, number });
                choices = choices.words(percent, &nouns, &then);
            }
        }
        choices
    }

    /// What the noun calls for.
    fn after_noun(self, noun: Subject) -> Vec<Symbol> {
        let mut then = vec![Symbol::Modifiers(noun, self.depth)];
        match self.role {
            Role::Subject(form, rank) => {
                then.push(Symbol::Predicate(noun, form, rank, self.depth));
                then.push(Symbol::Addition(noun, form, rank));
            }
            Role::First => {
                let second = Phrase::new(Role::Second, PEOPLE, self.depth);
                then.extend([Symbol::Word("and"), Symbol::Phrase(second)]);
            }
            Role::Second => {
                let both = Subject {
                    number: Number::Plural,
                    ..noun
                };
                let (form, rank) = (Form::Finite, Rank::Main);
                then.push(Symbol::Predicate(both, form, rank, self.depth));
                then.push(Symbol::Addition(both, form, rank));
            }
            Role::Described => then.push(Symbol::Quality(noun.kind)),
            Role::Owner(kind) => then.push(Symbol::Treatment(noun.number, kind)),
            Role::Object => {}
            Role::Place => then.clear(),
        }
        then
    }
}

impl Symbol {
    /// What this symbol can become.
    pub fn choices(self) -> Choices {
        let choices = Choices::default();
        match self {
            Symbol::Sentence => sentence(),
            Symbol::Question => question(),
            Symbol::Word(word) => choices.word(100, word, &[]),
            Symbol::Phrase(phrase) => phrase.articles(),
            Symbol::AfterArticle(phrase) => choices
                .words(20, ADJECTIVES, &[Symbol::Noun(phrase)])
                .mix(80, phrase.nouns(), &[]),
            Symbol::Noun(phrase) => phrase.nouns(),
            Symbol::Modifiers(noun, depth) => {
                let (place, clause) = match depth {
                    0 => (30, 30),
                    1 => (20, 15),
                    _ => (10, 0),
                };
                let near = Symbol::Phrase(Phrase::new(Role::Place, ANYTHING, depth));
                let then = [near, Symbol::RelativeClause(noun, depth)];
                choices
                    .words(place, PREPOSITIONS, &then)
                    .relative(clause, noun, depth)
                    .skip(100 - place - clause)
            }
            Symbol::RelativeClause(noun, depth) => {
                let clause = [20, 10, 0][depth.min(2)];
                choices.relative(clause, noun, depth).skip(100 - clause)
            }
            Symbol::InRelative(noun, depth) => {
                let owner = Phrase::new(Role::Owner(noun.kind), PEOPLE, depth + 1);
                choices.mix(50, owner.articles(), &[]).mix(
                    50,
                    predicate(noun, Form::Finite, Rank::Bare, depth),
                    &[],
                )
            }
            Symbol::Predicate(subject, form, rank, depth) => predicate(subject, form, rank, depth),
            Symbol::Addition(subject, form, rank) => {
                let again = [Symbol::SecondVerb(subject, form)];
                let second = Phrase::subject(Form::Finite, Rank::Part);
                let joined = match rank {
                    Rank::Main => 8,
                    Rank::Part | Rank::Bare => 0,
                };
                choices
                    .words(12, ADVERBS, &again)
                    .words(joined, CONJUNCTIONS, &[Symbol::Phrase(second)])
                    .second_verb(20, subject, form)
                    .skip(68 - joined)
            }
            Symbol::SecondVerb(subject, form) => choices.second_verb(20, subject, form).skip(80),
            Symbol::Treatment(number, kind) => {
                let verbs: Vec<_> = kind.treatments().iter().map(|&v| number.of(v)).collect();
                choices.words(100, &verbs, &[])
            }
            Symbol::Reflexive(subject, depth) => {
                let reflexive = subject.kind.reflexive(subject.number);
                let other = Phrase::object(ANYTHING, depth);
                choices
                    .word(60, reflexive, &[])
                    .mix(40, other.articles(), &[])
            }
            Symbol::Quality(kind) => choices.words(100, kind.qualities(), &[]),
        }
    }
}

impl Choices {
    fn relative(self, percent: u32, noun: Subject, depth: Depth) -> Self {
        if percent == 0 {
            return self;
        }
        let then = [Symbol::InRelative(noun, depth)];
        self.word(percent, noun.kind.relative(), &then)
    }

    fn second_verb(self, percent: u32, subject: Subject, form: Form) -> Self {
        let then = [Symbol::Predicate(subject, form, Rank::Bare, 0)];
        self.word(percent, "and", &then)
    }
}

fn sentence() -> Choices {
    let main = Phrase::subject(Form::Finite, Rank::Main);
    let part = Symbol::Phrase(Phrase::subject(Form::Finite, Rank::Part));
    let both = Phrase::new(Role::First, PEOPLE, 0);
    let end = Symbol::Word(".");
    Choices::default()
        .mix(50, main.articles(), &[end])
        .word(8, "either", &[part, Symbol::Word("or"), part, end])
        .word(8, "if", &[part, Symbol::Word("then"), part, end])
        .word(10, "both", &[Symbol::Phrase(both), end])
        .mix(24, question(), &[Symbol::Word("?")])
}

fn question() -> Choices {
    let mut choices = Choices::default();
    let which = Phrase::subject(Form::Finite, Rank::Part);
    choices = choices.word(30, "which", &[Symbol::AfterArticle(which)]);
    for number in [Number::Singular, Number::Plural] {
        let doing = Phrase::subject(Form::Base, Rank::Part).number(number);
        let being = Phrase::new(Role::Described, ANYTHING, 0).number(number);
        choices = choices
            .word(22, number.of(DO), &[Symbol::Phrase(doing)])
            .word(13, number.of(BE), &[Symbol::Phrase(being)]);
    }
    choices
}

/// A verb that the subject can have, and its object.
fn predicate(subject: Subject, form: Form, rank: Rank, depth: Depth) -> Choices {
    let agreement = (subject, form);
    let object = |kinds| [Symbol::Phrase(Phrase::object(kinds, depth))];
    let mut choices = Choices::default().verbs(
        20,
        agreement,
        TO_ANYTHING,
        &[Symbol::Reflexive(subject, depth)],
    );
    if form == Form::Finite {
        choices = choices.verbs(20, agreement, &[BE], &[Symbol::Quality(subject.kind)]);
    }
    choices = match subject.kind {
        Kind::Man | Kind::Woman => choices
            .verbs(8, agreement, Kind::Man.treatments(), &object(PEOPLE))
            .verbs(12, agreement, Kind::Animal.treatments(), &object(ANIMALS))
            .verbs(
                8,
                agreement,
                Kind::Machine.treatments(),
                &object(&[Kind::Machine]),
            ),
        Kind::Animal => choices
            .verbs(12, agreement, &[CHASE], &object(ANIMALS))
            .verbs(12, agreement, &[FOLLOW], &object(PEOPLE)),
        Kind::Machine => choices
            .verbs(12, agreement, &[WAKE], &object(PEOPLE))
            .verbs(12, agreement, &[SCARE], &object(ANIMALS)),
    };
    if rank == Rank::Main && PEOPLE.contains(&subject.kind) {
        let said = Symbol::Phrase(Phrase::subject(Form::Finite, Rank::Part));
        let quote = Symbol::Word("\"");
        choices = choices
            .verbs(8, agreement, &[SAY], &[quote, said, quote])
            .verbs(
                4,
                agreement,
                &[ASK],
                &[quote, Symbol::Question, Symbol::Word("?"), quote],
            );
    }
    let so_far: u32 = choices.words.iter().map(|choice| choice.weight).sum();
    choices.verbs(
        100 - so_far * 100 / ONE,
        agreement,
        subject.kind.deeds(),
        &[],
    )
}
