//! What it takes to translate a sentence.

/// What a sentence shows that a translator has to know or to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phenomenon {
    /// The finite verb stands at the end of its clause.
    VerbFinal,
    /// Finite verb and participle, infinitive or particle stand apart, with the objects between them.
    Bracket,
    /// The object stands first: case or number tells that it is not the subject.
    ObjectFirst,
    /// The subject stands behind the verb, after a time or a clause.
    Inversion,
    /// A relative clause: the pronoun's case decides between "who" and "whom".
    Relative,
    /// A participle with its agent stands before the noun.
    Participle,
    /// The owner stands behind what is owned.
    Genitive,
    /// The recipient stands before what is given.
    Recipient,
    /// "nicht" behind the object becomes "does not" before the verb.
    Negation,
    /// A question, which needs "does" or "did".
    Question,
    /// "sein" or "ihr" becomes "his", "her", "its" or "their", as the subject is.
    Possessive,
    /// "er", "sie" or "es" becomes "he", "she" or "it", as what it stands for is.
    Pronoun,
    /// A name.
    Name,
    /// A name that English spells otherwise.
    RespelledName,
    /// Figures become words.
    Count,
    /// Words become figures.
    Amount,
    /// A time of the day: "halb acht" is "7:30".
    Clock,
    /// A date: the day goes behind the month.
    Date,
}

impl Phenomenon {
    /// All of them.
    pub const ALL: [Phenomenon; 18] = [
        Phenomenon::VerbFinal,
        Phenomenon::Bracket,
        Phenomenon::ObjectFirst,
        Phenomenon::Inversion,
        Phenomenon::Relative,
        Phenomenon::Participle,
        Phenomenon::Genitive,
        Phenomenon::Recipient,
        Phenomenon::Negation,
        Phenomenon::Question,
        Phenomenon::Possessive,
        Phenomenon::Pronoun,
        Phenomenon::Name,
        Phenomenon::RespelledName,
        Phenomenon::Count,
        Phenomenon::Amount,
        Phenomenon::Clock,
        Phenomenon::Date,
    ];

    /// What a table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Phenomenon::VerbFinal => "finite verb at the end",
            Phenomenon::Bracket => "verb in two parts",
            Phenomenon::ObjectFirst => "object first",
            Phenomenon::Inversion => "subject behind the verb",
            Phenomenon::Relative => "relative clause",
            Phenomenon::Participle => "participle before the noun",
            Phenomenon::Genitive => "owner",
            Phenomenon::Recipient => "recipient",
            Phenomenon::Negation => "negation",
            Phenomenon::Question => "question",
            Phenomenon::Possessive => "possessive",
            Phenomenon::Pronoun => "pronoun",
            Phenomenon::Name => "name",
            Phenomenon::RespelledName => "name spelled otherwise",
            Phenomenon::Count => "figures to words",
            Phenomenon::Amount => "words to figures",
            Phenomenon::Clock => "time of the day",
            Phenomenon::Date => "date",
        }
    }
}
