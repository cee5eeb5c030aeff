//! What the reviews are about, and the neutral words around the opinion.
//!
//! Settings, asides and closings never say whether anything was good: they make the text longer,
//! and a reader has to carry the frame of a sentence across them. `[a|b]` is a choice.

use super::lexicon::Kind::{self, Art, Device, Food, Performance, Place, Service, Story};

/// A part of the thing under review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aspect {
    /// Its name, without an article.
    pub noun: &'static str,
    /// Whether it takes "were" and "they".
    pub plural: bool,
    /// Which adjectives fit.
    pub kind: Kind,
}

const fn one(kind: Kind, noun: &'static str) -> Aspect {
    Aspect {
        noun,
        plural: false,
        kind,
    }
}

const fn many(kind: Kind, noun: &'static str) -> Aspect {
    Aspect {
        noun,
        plural: true,
        kind,
    }
}

/// A kind of thing that gets reviewed.
#[derive(Debug)]
pub struct Domain {
    /// Names of the thing itself, without an article.
    pub wholes: &'static [&'static str],
    /// Its parts.
    pub aspects: &'static [Aspect],
    /// What it consists of many of: "not one dull *scene*".
    pub unit: Aspect,
    /// Who else has an opinion; all plural, so that "they" fits.
    pub sources: &'static [&'static str],
    /// Neutral first sentences.
    pub settings: &'static [&'static str],
    /// Neutral adverbials that fit after a statement in the past, or between two commas within it.
    pub asides: &'static [&'static str],
    /// Neutral last sentences.
    pub closings: &'static [&'static str],
}

/// All domains, equally frequent.
pub const DOMAINS: &[Domain] = &[FILM, BOOK, RESTAURANT, HOTEL, PHONE, CONCERT];

const FILM: Domain = Domain {
    wholes: &["film", "movie"],
    aspects: &[
        one(Story, "plot"),
        one(Story, "script"),
        one(Story, "ending"),
        one(Story, "dialogue"),
        one(Performance, "acting"),
        one(Performance, "cast"),
        one(Performance, "lead actor"),
        one(Art, "camera work"),
        one(Art, "soundtrack"),
        many(Art, "costumes"),
    ],
    unit: one(Story, "scene"),
    sources: &[
        "the critics",
        "my friends",
        "the papers",
        "my colleagues",
        "my brothers",
    ],
    settings: &[
        "I saw it [last|on a] [Friday|Tuesday|Sunday] with [my sister|two friends|a full house].",
        "We watched it at home on [Friday|Saturday] [evening|night].",
        "It [runs|lasts] for [almost|about|over] two hours.",
        "This was our [second|third] trip to the cinema this [month|year].",
        "A [friend|colleague] gave me the ticket.",
    ],
    asides: &[
        "on a [wet|cold|warm] evening in [March|May|November]",
        "after [two|three] hours in the [back|front|third] row",
        "with [my sister|two friends] in the next seat",
        "on the [big|small] screen",
        "when we talked about it on the way home",
    ],
    closings: &[
        "It is [still|now] on in most cinemas.",
        "We went home by [bus|train].",
        "It comes out on disc in [March|May|November].",
    ],
};

const BOOK: Domain = Domain {
    wholes: &["book", "novel"],
    aspects: &[
        one(Story, "plot"),
        one(Story, "ending"),
        one(Story, "first chapter"),
        one(Story, "dialogue"),
        one(Story, "middle part"),
        many(Story, "characters"),
        one(Performance, "narrator"),
        one(Performance, "translation"),
        many(Art, "pictures"),
        one(Art, "cover"),
    ],
    unit: one(Story, "page"),
    sources: &[
        "the critics",
        "my friends",
        "the papers",
        "my students",
        "my parents",
    ],
    settings: &[
        "I read it [on the train|in two days|over the summer|in bed].",
        "My [aunt|brother] gave it to me [last year|for my birthday].",
        "It has [about|over|almost] [three|four|five] hundred pages.",
        "Our reading group chose it for [March|May|November].",
        "I found it in the [library|shop on the corner].",
    ],
    asides: &[
        "after [two|three] [long|short] evenings",
        "on the train to [work|Leeds|Berlin]",
        "with a cup of tea in my hand",
        "when I got to the last [page|chapter]",
        "on a [wet|cold|warm] evening in [March|May|November]",
    ],
    closings: &[
        "It is now back on the shelf.",
        "The [second|third] part comes out in [March|May|November].",
        "I read it in [paperback|two days].",
    ],
};

const RESTAURANT: Domain = Domain {
    wholes: &["restaurant", "meal"],
    aspects: &[
        one(Food, "soup"),
        one(Food, "bread"),
        one(Food, "pasta"),
        one(Food, "dessert"),
        many(Food, "vegetables"),
        one(Food, "fish"),
        one(Service, "service"),
        one(Service, "waiter"),
        one(Place, "dining room"),
        one(Place, "terrace"),
    ],
    unit: one(Food, "dish"),
    sources: &[
        "the guides",
        "my friends",
        "our neighbours",
        "my colleagues",
        "my parents",
    ],
    settings: &[
        "We booked a table for [two|four|six] on [Friday|Saturday|Sunday].",
        "[My sister|A colleague] and I came here for [lunch|dinner].",
        "It is [close to|across from|behind] the station.",
        "We were [two|four|six] people with a [child|dog].",
        "They [opened|moved here] in [March|May|November].",
    ],
    asides: &[
        "on a [busy|quiet] [Friday|Saturday|Sunday] evening",
        "after [ten|twenty] minutes at the bar",
        "at a [small|round] table by the [window|door]",
        "with [four|six] of us around the table",
        "when we had lunch there in [March|May|November]",
    ],
    closings: &[
        "We paid by card.",
        "They [open|close] at [ten|eleven].",
        "We [walked|drove] home at [ten|eleven].",
    ],
};

const HOTEL: Domain = Domain {
    wholes: &["hotel", "place"],
    aspects: &[
        one(Place, "room"),
        one(Place, "bathroom"),
        one(Place, "lobby"),
        one(Place, "garden"),
        many(Place, "beds"),
        many(Service, "porters"),
        one(Service, "reception"),
        many(Service, "staff"),
        one(Food, "breakfast"),
        one(Food, "coffee"),
    ],
    unit: one(Place, "corner"),
    sources: &[
        "the guides",
        "my friends",
        "our neighbours",
        "my colleagues",
        "the other guests",
    ],
    settings: &[
        "We stayed for [two|three|four] nights in [March|May|November].",
        "I was here [on business|for a wedding|with my parents].",
        "We had [two rooms|a room] on the [second|third|fourth] floor.",
        "It is [close to|across from|behind] the station.",
        "We arrived by [bus|train] on [Friday|Saturday|Sunday].",
    ],
    asides: &[
        "after [two|three] nights on the [second|third|fourth] floor",
        "on a [busy|quiet] weekend in [March|May|November]",
        "after [ten|twelve] hours on the road",
        "with [two|three] children and a dog",
        "when we came down in the morning",
    ],
    closings: &[
        "We left on [Friday|Saturday|Sunday].",
        "We had booked [online|in March|in May].",
        "The [bus|train] stops outside.",
    ],
};

const PHONE: Domain = Domain {
    wholes: &["phone", "laptop"],
    aspects: &[
        one(Device, "screen"),
        one(Device, "battery"),
        one(Device, "camera"),
        one(Device, "charger"),
        many(Device, "speakers"),
        many(Device, "buttons"),
        one(Device, "software"),
        one(Service, "help line"),
        one(Service, "support team"),
        one(Art, "design"),
    ],
    unit: one(Device, "part"),
    sources: &[
        "the papers",
        "my friends",
        "the reviewers",
        "my colleagues",
        "my brothers",
    ],
    settings: &[
        "I bought it [last year|in March|in May|online].",
        "It came in a [small|plain] box on [Friday|Saturday|Tuesday].",
        "I use it [for work|every day|on the train].",
        "This is my [second|third|fourth] one from the same maker.",
        "A [friend|colleague] sold it to me.",
    ],
    asides: &[
        "after [two|three|four] [weeks|months] of daily use",
        "at [home|work] as well as on the [train|bus]",
        "when I took it out of the box",
        "with the [first|second|third] update",
        "on a [long|short] trip in [March|May|November]",
    ],
    closings: &[
        "It comes in [black|white|blue].",
        "I had the [black|white|blue] one.",
        "The cable is in the box.",
    ],
};

const CONCERT: Domain = Domain {
    wholes: &["concert", "show"],
    aspects: &[
        one(Performance, "singer"),
        one(Performance, "band"),
        one(Performance, "drummer"),
        many(Performance, "dancers"),
        one(Art, "stage set"),
        many(Art, "songs"),
        many(Art, "costumes"),
        one(Place, "hall"),
        many(Place, "seats"),
        many(Service, "ushers"),
    ],
    unit: one(Art, "song"),
    sources: &[
        "the critics",
        "my friends",
        "the papers",
        "our neighbours",
        "my students",
    ],
    settings: &[
        "We had [two|four|six] tickets for [Friday|Saturday|Sunday].",
        "It [began|ended] at [ten|eleven].",
        "I went with [my sister|my parents|two friends|a colleague].",
        "This was our [second|third|fourth] time in that hall.",
        "They played for [almost|about|over] two hours.",
    ],
    asides: &[
        "on a [wet|cold|warm] evening in [March|May|November]",
        "from our seats in the [back|front|third] row",
        "after [ten|twenty] minutes in the queue",
        "with [my sister|two friends] in the next seat",
        "between the [first|second] song and the last",
    ],
    closings: &[
        "They play in [Leeds|Berlin] next.",
        "We went home by [bus|train].",
        "The tour ends in [March|May|November].",
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_enough_parts_for_any_sentence() {
        for domain in DOMAINS {
            assert!(domain.aspects.len() >= 4, "{:?}", domain.wholes);
        }
    }
}
