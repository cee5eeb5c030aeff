//! The words that carry an opinion.
//!
//! Every list has as many positive as negative entries, and every construction draws from both, so
//! that no word decides alone.

/// What sort of thing is judged: soup is not "gripping" and a plot is not "soggy".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Plots, chapters, endings: what is told.
    Story,
    /// Actors, singers, narrators: how it is performed.
    Performance,
    /// Pictures, costumes, songs: what is seen and heard.
    Art,
    /// Waiters, receptions, help lines.
    Service,
    /// What is eaten.
    Food,
    /// Rooms, halls, terraces.
    Place,
    /// Screens, batteries, keys.
    Device,
}

/// Words of praise and words of blame that can stand in the same places.
#[derive(Debug, Clone, Copy)]
pub struct Opinions {
    /// Praise.
    pub positive: &'static [&'static str],
    /// Blame.
    pub negative: &'static [&'static str],
}

impl Kind {
    /// The adjectives that fit this kind only.
    pub fn adjectives(self) -> Opinions {
        match self {
            Kind::Story => Opinions {
                positive: &[
                    "gripping",
                    "clever",
                    "moving",
                    "witty",
                    "original",
                    "thrilling",
                ],
                negative: &[
                    "dull",
                    "predictable",
                    "tedious",
                    "confusing",
                    "silly",
                    "clumsy",
                ],
            },
            Kind::Performance => Opinions {
                positive: &["convincing", "charming", "brilliant", "lively", "graceful"],
                negative: &["wooden", "lifeless", "awkward", "stiff", "forgettable"],
            },
            Kind::Art => Opinions {
                positive: &["beautiful", "stunning", "brilliant", "charming", "lovely"],
                negative: &["ugly", "dreary", "forgettable", "dull", "cheap"],
            },
            Kind::Service => Opinions {
                positive: &["friendly", "helpful", "attentive", "polite", "patient"],
                negative: &["rude", "slow", "careless", "grumpy", "impatient"],
            },
            Kind::Food => Opinions {
                positive: &["delicious", "fresh", "tasty", "perfect", "tempting"],
                negative: &["bland", "stale", "greasy", "soggy", "tasteless"],
            },
            Kind::Place => Opinions {
                positive: &["spotless", "comfortable", "pleasant", "cosy", "inviting"],
                negative: &["dirty", "uncomfortable", "drab", "cramped", "shabby"],
            },
            Kind::Device => Opinions {
                positive: &["reliable", "sturdy", "impressive", "responsive", "perfect"],
                negative: &["unreliable", "flimsy", "useless", "sluggish", "faulty"],
            },
        }
    }
}

/// Adjectives that fit everything.
pub const GENERAL: Opinions = Opinions {
    positive: &["wonderful", "excellent", "superb", "outstanding"],
    negative: &["awful", "dreadful", "disappointing", "terrible"],
};

/// What the whole thing can be called.
pub const VERDICTS: Opinions = Opinions {
    positive: &["a delight", "a triumph", "a pleasure", "a joy", "a treat"],
    negative: &["a disaster", "a letdown", "a mess", "a chore", "a bore"],
};

/// What a part can have done to its audience; the subject may be one or many.
pub const DEEDS: Opinions = Opinions {
    positive: &[
        "won us over",
        "lifted our mood",
        "exceeded our hopes",
        "made our day",
    ],
    negative: &[
        "let us down",
        "got on our nerves",
        "fell short of our hopes",
        "tried our patience",
    ],
};

/// The same in the form that follows "to" and "did not".
pub const EFFECTS: Opinions = Opinions {
    positive: &["delight", "impress", "charm", "please"],
    negative: &["annoy", "disappoint", "frustrate", "irritate"],
};
