//! Nouns, and what decides on the words beside them.

/// What a noun stands for; it decides which verbs and qualities go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// People.
    Person,
    /// Animals.
    Animal,
    /// Things.
    Thing,
}

/// The gender of a German noun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gender {
    /// "der".
    Masculine,
    /// "die".
    Feminine,
    /// "das".
    Neuter,
}

/// One, or more than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// One.
    Singular,
    /// More than one.
    Plural,
}

impl Number {
    /// The form for this number.
    pub fn of<T>(self, [singular, plural]: [T; 2]) -> T {
        match self {
            Number::Singular => singular,
            Number::Plural => plural,
        }
    }
}

/// What English calls one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pronoun {
    /// "he", "his".
    He,
    /// "she", "her".
    She,
    /// "it", "its".
    It,
}

/// A noun of both languages.
#[derive(Debug)]
pub struct Noun {
    /// Nominative singular and plural.
    pub german: [&'static str; 2],
    /// Genitive singular.
    pub genitive: &'static str,
    /// The German gender.
    pub gender: Gender,
    /// Singular and plural.
    pub english: [&'static str; 2],
    /// What English calls it.
    pub pronoun: Pronoun,
}

const fn masculine(
    german: [&'static str; 2],
    genitive: &'static str,
    english: [&'static str; 2],
    pronoun: Pronoun,
) -> Noun {
    Noun {
        german,
        genitive,
        gender: Gender::Masculine,
        english,
        pronoun,
    }
}

const fn feminine(german: [&'static str; 2], english: [&'static str; 2], pronoun: Pronoun) -> Noun {
    Noun {
        german,
        genitive: german[0],
        gender: Gender::Feminine,
        english,
        pronoun,
    }
}

const fn neuter(
    german: [&'static str; 2],
    genitive: &'static str,
    english: [&'static str; 2],
    pronoun: Pronoun,
) -> Noun {
    Noun {
        german,
        genitive,
        gender: Gender::Neuter,
        english,
        pronoun,
    }
}

const PEOPLE: &[Noun] = &[
    masculine(
        ["lehrer", "lehrer"],
        "lehrers",
        ["teacher", "teachers"],
        Pronoun::He,
    ),
    masculine(
        ["maler", "maler"],
        "malers",
        ["painter", "painters"],
        Pronoun::He,
    ),
    masculine(
        ["bäcker", "bäcker"],
        "bäckers",
        ["baker", "bakers"],
        Pronoun::He,
    ),
    masculine(
        ["arzt", "ärzte"],
        "arztes",
        ["doctor", "doctors"],
        Pronoun::He,
    ),
    masculine(
        ["könig", "könige"],
        "königs",
        ["king", "kings"],
        Pronoun::He,
    ),
    masculine(
        ["freund", "freunde"],
        "freundes",
        ["friend", "friends"],
        Pronoun::He,
    ),
    masculine(
        ["bruder", "brüder"],
        "bruders",
        ["brother", "brothers"],
        Pronoun::He,
    ),
    feminine(
        ["lehrerin", "lehrerinnen"],
        ["teacher", "teachers"],
        Pronoun::She,
    ),
    feminine(
        ["malerin", "malerinnen"],
        ["painter", "painters"],
        Pronoun::She,
    ),
    feminine(["königin", "königinnen"], ["queen", "queens"], Pronoun::She),
    feminine(
        ["schwester", "schwestern"],
        ["sister", "sisters"],
        Pronoun::She,
    ),
    feminine(["tante", "tanten"], ["aunt", "aunts"], Pronoun::She),
    feminine(["frau", "frauen"], ["woman", "women"], Pronoun::She),
    neuter(
        ["mädchen", "mädchen"],
        "mädchens",
        ["girl", "girls"],
        Pronoun::She,
    ),
    neuter(
        ["kind", "kinder"],
        "kindes",
        ["child", "children"],
        Pronoun::It,
    ),
];

const ANIMALS: &[Noun] = &[
    masculine(["hund", "hunde"], "hundes", ["dog", "dogs"], Pronoun::It),
    masculine(["vogel", "vögel"], "vogels", ["bird", "birds"], Pronoun::It),
    masculine(
        ["esel", "esel"],
        "esels",
        ["donkey", "donkeys"],
        Pronoun::It,
    ),
    feminine(["katze", "katzen"], ["cat", "cats"], Pronoun::It),
    feminine(["kuh", "kühe"], ["cow", "cows"], Pronoun::It),
    feminine(["ente", "enten"], ["duck", "ducks"], Pronoun::It),
    neuter(
        ["pferd", "pferde"],
        "pferdes",
        ["horse", "horses"],
        Pronoun::It,
    ),
    neuter(
        ["schaf", "schafe"],
        "schafes",
        ["sheep", "sheep"],
        Pronoun::It,
    ),
];

const THINGS: &[Noun] = &[
    masculine(
        ["tisch", "tische"],
        "tisches",
        ["table", "tables"],
        Pronoun::It,
    ),
    masculine(
        ["brief", "briefe"],
        "briefes",
        ["letter", "letters"],
        Pronoun::It,
    ),
    masculine(
        ["schlüssel", "schlüssel"],
        "schlüssels",
        ["key", "keys"],
        Pronoun::It,
    ),
    masculine(
        ["korb", "körbe"],
        "korbes",
        ["basket", "baskets"],
        Pronoun::It,
    ),
    feminine(["lampe", "lampen"], ["lamp", "lamps"], Pronoun::It),
    feminine(["uhr", "uhren"], ["clock", "clocks"], Pronoun::It),
    feminine(["tasche", "taschen"], ["bag", "bags"], Pronoun::It),
    feminine(["karte", "karten"], ["map", "maps"], Pronoun::It),
    neuter(["buch", "bücher"], "buches", ["book", "books"], Pronoun::It),
    neuter(
        ["bild", "bilder"],
        "bildes",
        ["picture", "pictures"],
        Pronoun::It,
    ),
    neuter(
        ["messer", "messer"],
        "messers",
        ["knife", "knives"],
        Pronoun::It,
    ),
    neuter(
        ["fahrrad", "fahrräder"],
        "fahrrades",
        ["bicycle", "bicycles"],
        Pronoun::It,
    ),
];

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 3] = [Kind::Person, Kind::Animal, Kind::Thing];

    /// Its nouns.
    pub fn nouns(self) -> &'static [Noun] {
        match self {
            Kind::Person => PEOPLE,
            Kind::Animal => ANIMALS,
            Kind::Thing => THINGS,
        }
    }

    /// What can be said of it after "ist": German and English.
    pub fn qualities(self) -> &'static [[&'static str; 2]] {
        match self {
            Kind::Person | Kind::Animal => &[
                ["müde", "tired"],
                ["krank", "ill"],
                ["hungrig", "hungry"],
                ["klug", "clever"],
            ],
            Kind::Thing => &[
                ["kaputt", "broken"],
                ["teuer", "expensive"],
                ["schwer", "heavy"],
                ["leicht", "light"],
            ],
        }
    }
}
