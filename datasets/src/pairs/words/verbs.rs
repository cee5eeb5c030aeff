//! Verbs, by the objects that they have.

use super::Kind;

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
