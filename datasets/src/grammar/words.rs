//! The words of the grammar, by what they agree with.
//!
//! In each list the first word is the most frequent ([`super::choices`] says by how much), and no
//! word stands in two lists.

/// A word and its plural; of a verb, what follows a singular and what follows a plural subject.
pub type Pair = (&'static str, &'static str);

/// What a noun stands for. It decides which verbs, adjectives and pronouns go with the noun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// "himself", "who".
    Man,
    /// "herself", "who".
    Woman,
    /// "itself", "that".
    Animal,
    /// "itself", "that".
    Machine,
}

/// One, or more than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Number {
    /// One.
    Singular,
    /// More than one.
    Plural,
}

impl Number {
    /// The form for this number.
    pub fn of(self, (singular, plural): Pair) -> &'static str {
        match self {
            Number::Singular => singular,
            Number::Plural => plural,
        }
    }
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 4] = [Kind::Man, Kind::Woman, Kind::Animal, Kind::Machine];

    /// Its nouns.
    pub fn nouns(self) -> &'static [Pair] {
        match self {
            Kind::Man => &[("man", "men"), ("boy", "boys"), ("king", "kings")],
            Kind::Woman => &[("woman", "women"), ("girl", "girls"), ("queen", "queens")],
            Kind::Animal => &[("dog", "dogs"), ("cat", "cats"), ("horse", "horses")],
            Kind::Machine => &[("clock", "clocks"), ("radio", "radios"), ("car", "cars")],
        }
    }

    /// What it does, without an object.
    pub fn deeds(self) -> &'static [Pair] {
        match self {
            Kind::Man | Kind::Woman => &[("laughs", "laugh"), ("waits", "wait"), ("sings", "sing")],
            Kind::Animal => &[("runs", "run"), ("eats", "eat"), ("jumps", "jump")],
            Kind::Machine => &[("hums", "hum"), ("stops", "stop"), ("works", "work")],
        }
    }

    /// What people do to it.
    pub fn treatments(self) -> &'static [Pair] {
        match self {
            Kind::Man | Kind::Woman => &[("knows", "know"), ("thanks", "thank")],
            Kind::Animal => &[("feeds", "feed"), ("trains", "train")],
            Kind::Machine => &[("repairs", "repair"), ("sells", "sell")],
        }
    }

    /// What can be said of it after "is".
    pub fn qualities(self) -> &'static [&'static str] {
        match self {
            Kind::Man | Kind::Woman => &["happy", "angry", "clever"],
            Kind::Animal => &["hungry", "tame", "wild"],
            Kind::Machine => &["broken", "loud", "new"],
        }
    }

    /// What begins a relative clause about it.
    pub fn relative(self) -> &'static str {
        match self {
            Kind::Man | Kind::Woman => "who",
            Kind::Animal | Kind::Machine => "that",
        }
    }

    /// What stands for it where it is both subject and object.
    pub fn reflexive(self, number: Number) -> &'static str {
        match (number, self) {
            (Number::Plural, _) => "themselves",
            (_, Kind::Man) => "himself",
            (_, Kind::Woman) => "herself",
            (_, Kind::Animal | Kind::Machine) => "itself",
        }
    }
}

/// What everything can do to itself or to anything.
pub const TO_ANYTHING: &[Pair] = &[("sees", "see"), ("hurts", "hurt")];
/// What animals do to animals.
pub const CHASE: Pair = ("chases", "chase");
/// What animals do to people.
pub const FOLLOW: Pair = ("follows", "follow");
/// What machines do to people.
pub const WAKE: Pair = ("wakes", "wake");
/// What machines do to animals.
pub const SCARE: Pair = ("scares", "scare");
/// What precedes a quoted statement.
pub const SAY: Pair = ("says", "say");
/// What precedes a quoted question.
pub const ASK: Pair = ("asks", "ask");
/// What precedes a quality.
pub const BE: Pair = ("is", "are");
/// What begins a question about a deed.
pub const DO: Pair = ("does", "do");

/// Between article and noun.
pub const ADJECTIVES: &[&str] = &["old", "small", "strange"];
/// Where something is.
pub const PREPOSITIONS: &[&str] = &["near", "behind", "beside"];
/// When something is done.
pub const ADVERBS: &[&str] = &["today", "again"];
/// What joins a second clause that has a subject of its own.
pub const CONJUNCTIONS: &[&str] = &["while", "because"];
