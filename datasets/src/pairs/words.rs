//! The words of both languages.

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

/// What stands before a noun, without ending, and its English.
pub const ADJECTIVES: &[[&str; 2]] = &[
    ["alt", "old"],
    ["neu", "new"],
    ["klein", "small"],
    ["groß", "big"],
    ["schön", "beautiful"],
    ["seltsam", "strange"],
    ["grau", "grey"],
    ["braun", "brown"],
];

/// Who can be the subject of a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doer {
    /// People only.
    Person,
    /// People and animals.
    Any,
}

/// A verb of both languages.
#[derive(Debug)]
pub struct Verb {
    /// After a singular and after a plural subject, without the particle.
    pub finite: [&'static str; 2],
    /// The past participle.
    pub participle: &'static str,
    /// What is cut off and stands at the end where the finite verb comes first; empty for none.
    pub particle: &'static str,
    /// Who does it.
    pub doer: Doer,
    /// "see": after "to", "does" and plural subjects.
    pub base: &'static str,
    /// "sees".
    pub third: &'static str,
    /// "saw".
    pub past: &'static str,
    /// "seen".
    pub passive: &'static str,
}

const fn verb(
    finite: [&'static str; 2],
    participle: &'static str,
    doer: Doer,
    [base, third, past, passive]: [&'static str; 4],
) -> Verb {
    Verb {
        finite,
        participle,
        particle: "",
        doer,
        base,
        third,
        past,
        passive,
    }
}

const fn separable(
    particle: &'static str,
    finite: [&'static str; 2],
    participle: &'static str,
    english: [&'static str; 4],
) -> Verb {
    Verb {
        particle,
        ..verb(finite, participle, Doer::Person, english)
    }
}

/// Done to anything.
pub const TO_ANYTHING: &[Verb] = &[
    verb(
        ["sieht", "sehen"],
        "gesehen",
        Doer::Any,
        ["see", "sees", "saw", "seen"],
    ),
    verb(
        ["sucht", "suchen"],
        "gesucht",
        Doer::Any,
        ["look for", "looks for", "looked for", "looked for"],
    ),
    verb(
        ["findet", "finden"],
        "gefunden",
        Doer::Any,
        ["find", "finds", "found", "found"],
    ),
    verb(
        ["zeichnet", "zeichnen"],
        "gezeichnet",
        Doer::Person,
        ["draw", "draws", "drew", "drawn"],
    ),
];

const TO_PEOPLE: &[Verb] = &[
    verb(
        ["lobt", "loben"],
        "gelobt",
        Doer::Person,
        ["praise", "praises", "praised", "praised"],
    ),
    verb(
        ["grüßt", "grüßen"],
        "gegrüßt",
        Doer::Person,
        ["greet", "greets", "greeted", "greeted"],
    ),
    separable(
        "an",
        ["ruft", "rufen"],
        "angerufen",
        ["call", "calls", "called", "called"],
    ),
    separable(
        "ein",
        ["lädt", "laden"],
        "eingeladen",
        ["invite", "invites", "invited", "invited"],
    ),
];

const TO_ANIMALS: &[Verb] = &[
    verb(
        ["füttert", "füttern"],
        "gefüttert",
        Doer::Person,
        ["feed", "feeds", "fed", "fed"],
    ),
    verb(
        ["jagt", "jagen"],
        "gejagt",
        Doer::Any,
        ["chase", "chases", "chased", "chased"],
    ),
    separable(
        "ein",
        ["fängt", "fangen"],
        "eingefangen",
        ["catch", "catches", "caught", "caught"],
    ),
];

const TO_THINGS: &[Verb] = &[
    verb(
        ["trägt", "tragen"],
        "getragen",
        Doer::Person,
        ["carry", "carries", "carried", "carried"],
    ),
    verb(
        ["repariert", "reparieren"],
        "repariert",
        Doer::Person,
        ["repair", "repairs", "repaired", "repaired"],
    ),
    separable(
        "auf",
        ["hebt", "heben"],
        "aufgehoben",
        ["lift", "lifts", "lifted", "lifted"],
    ),
    separable(
        "weg",
        ["wirft", "werfen"],
        "weggeworfen",
        ["throw away", "throws away", "threw away", "thrown away"],
    ),
];

/// Done to one kind.
pub fn done_to(kind: Kind) -> &'static [Verb] {
    match kind {
        Kind::Person => TO_PEOPLE,
        Kind::Animal => TO_ANIMALS,
        Kind::Thing => TO_THINGS,
    }
}

/// Done to people, who are in the dative.
pub const DATIVE: &[Verb] = &[
    verb(
        ["hilft", "helfen"],
        "geholfen",
        Doer::Person,
        ["help", "helps", "helped", "helped"],
    ),
    verb(
        ["dankt", "danken"],
        "gedankt",
        Doer::Person,
        ["thank", "thanks", "thanked", "thanked"],
    ),
];

/// Done to people, in the dative, with things.
pub const GIVING: &[Verb] = &[
    verb(
        ["gibt", "geben"],
        "gegeben",
        Doer::Person,
        ["give", "gives", "gave", "given"],
    ),
    verb(
        ["zeigt", "zeigen"],
        "gezeigt",
        Doer::Person,
        ["show", "shows", "showed", "shown"],
    ),
    verb(
        ["schickt", "schicken"],
        "geschickt",
        Doer::Person,
        ["send", "sends", "sent", "sent"],
    ),
];

/// Done to things for a price.
pub const TRADING: &[Verb] = &[
    verb(
        ["kauft", "kaufen"],
        "gekauft",
        Doer::Person,
        ["buy", "buys", "bought", "bought"],
    ),
    verb(
        ["verkauft", "verkaufen"],
        "verkauft",
        Doer::Person,
        ["sell", "sells", "sold", "sold"],
    ),
];

/// Done without an object.
pub const DEEDS: &[Verb] = &[
    verb(
        ["wartet", "warten"],
        "gewartet",
        Doer::Any,
        ["wait", "waits", "waited", "waited"],
    ),
    verb(
        ["schläft", "schlafen"],
        "geschlafen",
        Doer::Any,
        ["sleep", "sleeps", "slept", "slept"],
    ),
    verb(
        ["arbeitet", "arbeiten"],
        "gearbeitet",
        Doer::Person,
        ["work", "works", "worked", "worked"],
    ),
    verb(
        ["singt", "singen"],
        "gesungen",
        Doer::Person,
        ["sing", "sings", "sang", "sung"],
    ),
];

/// What precedes "dass": German after one and after many, and English.
pub const SAYING: &[[[&str; 2]; 2]] = &[
    [["sagt", "sagen"], ["says", "say"]],
    [["glaubt", "glauben"], ["believes", "believe"]],
    [["weiß", "wissen"], ["knows", "know"]],
    [["hofft", "hoffen"], ["hopes", "hope"]],
];

/// What begins a subordinate clause.
pub const CONJUNCTIONS: &[[&str; 2]] =
    &[["weil", "because"], ["obwohl", "although"], ["wenn", "if"]];

/// Where something is done.
pub const PREPOSITIONS: &[[&str; 2]] = &[
    ["in", "in"],
    ["hinter", "behind"],
    ["neben", "beside"],
    ["vor", "in front of"],
];

/// What is in the dative after these: gender, German, English.
pub const PLACES: &[(Gender, [&str; 2])] = &[
    (Gender::Masculine, ["garten", "garden"]),
    (Gender::Masculine, ["bahnhof", "station"]),
    (Gender::Feminine, ["kirche", "church"]),
    (Gender::Feminine, ["schule", "school"]),
    (Gender::Neuter, ["haus", "house"]),
    (Gender::Neuter, ["rathaus", "town hall"]),
];

/// When something is done, in one word each.
pub const ADVERBS: &[[&str; 2]] = &[["heute", "today"], ["oft", "often"], ["wieder", "again"]];

/// After "am".
pub const WEEKDAYS: &[[&str; 2]] = &[
    ["montag", "monday"],
    ["dienstag", "tuesday"],
    ["mittwoch", "wednesday"],
    ["donnerstag", "thursday"],
    ["freitag", "friday"],
    ["samstag", "saturday"],
    ["sonntag", "sunday"],
];

/// After the day.
pub const MONTHS: &[[&str; 2]] = &[
    ["januar", "january"],
    ["februar", "february"],
    ["märz", "march"],
    ["april", "april"],
    ["mai", "may"],
    ["juni", "june"],
    ["juli", "july"],
    ["august", "august"],
    ["september", "september"],
    ["oktober", "october"],
    ["november", "november"],
    ["dezember", "december"],
];

/// How long something is done.
pub const UNITS: &[[&str; 2]] = &[
    ["minuten", "minutes"],
    ["stunden", "hours"],
    ["tage", "days"],
    ["wochen", "weeks"],
];

/// How it is done, beside doing it.
#[derive(Debug)]
pub struct Modal {
    /// After a singular and after a plural subject.
    pub german: [&'static str; 2],
    /// The same.
    pub english: [&'static str; 2],
    /// What is moved in questions and negated, after one and after many; and what then remains.
    pub auxiliary: ([&'static str; 2], &'static str),
}

/// The modal verbs.
pub const MODALS: &[Modal] = &[
    Modal {
        german: ["kann", "können"],
        english: ["can", "can"],
        auxiliary: (["can", "can"], ""),
    },
    Modal {
        german: ["soll", "sollen"],
        english: ["should", "should"],
        auxiliary: (["should", "should"], ""),
    },
    Modal {
        german: ["will", "wollen"],
        english: ["wants to", "want to"],
        auxiliary: (["does", "do"], "want to "),
    },
    Modal {
        german: ["muss", "müssen"],
        english: ["has to", "have to"],
        auxiliary: (["does", "do"], "have to "),
    },
];
