//! The words of both languages.

mod nouns;
mod verbs;

pub use nouns::{Gender, Kind, Noun, Number, Pronoun};
pub use verbs::{DATIVE, DEEDS, Doer, GIVING, MODALS, Modal, TO_ANYTHING, TRADING, Verb, done_to};

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
