//! The sentences that give an opinion: where the label comes from.
//!
//! A template is written from the label's point of view. `{same}` is a clause that agrees with the
//! label and `{other}` one that contradicts it, so each line of this file *is* a rule: "Although
//! {other}, {same}." says that the main clause decides, and "I cannot say that {other}." that the
//! frame turns its clause round.
//!
//! | slot | stands for |
//! | --- | --- |
//! | `{same}` `{other}` | a clause: "the soup was bland", "the acting won me over" |
//! | `{1}` `{2}` | the name of a part: "soup" |
//! | `{1 was}` `{1 it}` `{1 object}` | "was" or "were", "it" or "they", "it" or "them" |
//! | `{1 same}` `{1 other}` | an adjective that fits the part: "delicious" |
//! | `{unit}` `{unit same}` `{unit other}` | "scene", and an adjective for it |
//! | `{whole}` | "film" |
//! | `{verdict same}` `{verdict other}` | "a delight", "a mess" |
//! | `{effect same}` `{effect other}` | "delight", "annoy" |
//! | `{source}` | other people: "the critics" |
//! | `{person}` | what follows "nobody": "at our table" |
//! | `{aside}` `{,aside,}` | often nothing, else neutral words from the domain, the second with commas |
//! | `{,remark,}` | often nothing, else neutral words from the writer, between commas |
//! | `[a\|b]` | either; may hold slots |

use super::Label;

/// One way to say it.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// The sentence, with slots.
    pub text: &'static str,
    /// The only label that this sentence can have in natural English; `None` for both.
    pub only: Option<Label>,
}

/// Sentences that work in the same way.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// What decides the label.
    pub rule: &'static str,
    /// How often it is drawn, in per cent of all reviews.
    pub percent: usize,
    /// The sentences, equally frequent.
    pub templates: &'static [Template],
}

const fn both(text: &'static str) -> Template {
    Template { text, only: None }
}

const fn good(text: &'static str) -> Template {
    Template {
        text,
        only: Some(Label::Positive),
    }
}

const fn bad(text: &'static str) -> Template {
    Template {
        text,
        only: Some(Label::Negative),
    }
}

/// All constructions.
pub const FAMILIES: &[Family] = &[PLAIN, NEGATION, CONTRAST, COMPARISON, FRAME, EXPECTATION];

const PLAIN: Family = Family {
    rule: "a plain statement means what it says",
    percent: 58,
    templates: &[
        both("{same}, and {same}{aside}."),
        both("{same}{aside}, and {same}."),
        both("{same}{aside}."),
        both("{same}. {same}{aside}, and that [mattered|did matter to me]."),
        both("The {1} {1 was} {1 same} and {1 same}{aside}."),
        both("[We all|All of us|My sister and I] [thought|felt|agreed]{,aside,} that {same}."),
        both("[I have to say|I must say|Let me tell you]{,remark,} that {same}."),
        both("I am writing this{,remark,} because {same}."),
        both("What I remember{,remark,} is how {1 same} the {1} {1 was}."),
        both("Not only {1 was} the {1} {1 same}{aside}, but {same} too."),
        both("The {1} {1 was} [nothing if not|never less than] {1 same}{aside}."),
        both("The {1} never failed{,aside,} to {effect same} [me|us]."),
        both("There was one {unit same} {unit} after another in the whole {whole}{aside}."),
        both("The {whole} was {verdict same}{aside}, and the {1} {1 was} {1 same} as well."),
    ],
};

const NEGATION: Family = Family {
    rule: "a negation turns round what stands in its scope, and two negations cancel",
    percent: 11,
    templates: &[
        both("The {1} {1 was} [far from|anything but|by no means|hardly] {1 other}{aside}."),
        both("The {1} {1 was} not once{,aside,} {1 other}."),
        both("Not once{,aside,} {1 was} the {1} {1 other}."),
        both("At no [point|time]{,aside,} {1 was} the {1} {1 other}."),
        both("Nobody {person} could [call|have called] the {1} {1 other}{aside}."),
        both("Nobody {person} could [call|have called] the {1} anything but {1 same}{aside}."),
        both("There was [not one|hardly one|no] {unit other} {unit} in the whole {whole}{aside}."),
        both("The {1} failed{,aside,} to {effect other} [me|us]."),
        both("The {1} did not{,aside,} {effect other} [me|us]."),
        both("I [cannot|could not] [say|claim]{,remark,} that {other}."),
        both("I [cannot|could not] [deny|forget]{,remark,} that {same}."),
        both("The {whole} was [far from|anything but|by no means|hardly] {verdict other}{aside}."),
    ],
};

const CONTRAST: Family = Family {
    rule: "where two clauses disagree, the main clause, or the one after \"but\", decides",
    percent: 13,
    templates: &[
        both("[Although|Even though|While] {other}{aside}, {same}."),
        both("{same}{aside}, [although|even though|while] {other}."),
        both("{other}{aside}, but {same}."),
        both("{other}{aside}. [Still|Even so], {same}."),
        both("{same}. {other}{aside}, but that [hardly mattered|did not matter to me]."),
        both("[I admit|It is true]{,remark,} that {other}, but {same}."),
        both("{same}, [though|although] I admit{,remark,} that {other}."),
        both("[Despite|In spite of] the {1 other} {1}, {same}{aside}."),
        both("{same}{aside}, [despite|in spite of] the {1 other} {1}."),
        both(
            "The {1 same} {1} [mattered more to me|counted for more]{,remark,} than the {2 other} {2}.",
        ),
        both(
            "The {1 other} {1} [mattered less to me|counted for less]{,remark,} than the {2 same} {2}.",
        ),
        both("The {1 same} {1}{,remark,} outweighed the {2 other} {2}."),
        both("The {1 other} {1} [could not outweigh|{1 was} outweighed by] the {2 same} {2}."),
        both("The {1} {1 was} so {1 same} that I forgot{,aside,} how {2 other} the {2} {2 was}."),
    ],
};

const COMPARISON: Family = Family {
    rule: "of two words for one thing, the one that is affirmed decides",
    percent: 5,
    templates: &[
        both("The {1} {1 was}{,aside,} more {1 same} than {1 other}."),
        both("The {1} {1 was}{,aside,} less {1 other} than {1 same}."),
        both("The {1} {1 was}{,aside,} {1 same} rather than {1 other}."),
        both("The {1} {1 was}{,aside,} not {1 other} but {1 same}."),
        both("The {1} {1 was}{,aside,} {1 same} and not {1 other}."),
        both("The {1} {1 was}{,aside,} not so much {1 other} as {1 same}."),
        both("I would call the {whole}{,remark,} {verdict same} rather than {verdict other}."),
        both("I would call the {whole}{,remark,} not {verdict other} but {verdict same}."),
    ],
};

const FRAME: Family = Family {
    rule: "the frame around a claim, however far away, says whether to believe it",
    percent: 8,
    templates: &[
        both("I cannot agree with {source}{,remark,} that {other}."),
        both("I can only agree with {source}{,remark,} that {same}."),
        both("Nobody {person} would [claim|say]{,remark,} that {other}."),
        both("Nobody {person} would [deny|doubt]{,remark,} that {same}."),
        both("It is not true, whatever {source} [say|write], that {other}."),
        both("It is quite true, whatever {source} [say|write], that {same}."),
        both("Do not believe {source} when they tell you that {other}."),
        both("Do believe {source} when they tell you that {same}."),
        both(
            "{source} [told us|wrote|claimed]{,aside,} that {other}; they were [wrong|not right].",
        ),
        both("{source} [told us|wrote|claimed]{,aside,} that {same}; they were [right|not wrong]."),
        both("It would be [wrong|a lie]{,remark,} to say that {other}."),
        both("It would be [right|no lie]{,remark,} to say that {same}."),
        bad("I wish I could [say|tell you|agree with {source}]{,remark,} that {other}."),
        good("I wish I could give it [another|one more] star, because {same}."),
        bad("If only{,aside,} the {1} had been {1 other}!"),
        good("If only all of them were like this one, because{,remark,} {same}!"),
    ],
};

const EXPECTATION: Family = Family {
    rule: "what the writer found counts, not what was expected, said by others or thought at first",
    percent: 5,
    templates: &[
        both("I had expected the {1} to be {1 other}{aside}, and instead {1 it} {1 was} {1 same}."),
        both("The {1} {1 was} {1 same}{aside}, and not {1 other} as I had expected."),
        both(
            "{source} had told me that the {1} would be {1 other}{aside}, but {1 it} {1 was} {1 same}.",
        ),
        both("{source} thought{,aside,} that {other}; I did not agree."),
        both("I thought{,aside,} that {same}; {source} did not agree."),
        both("Unlike {source}, I thought{,aside,} that {same}."),
        both("Unlike me, {source} thought{,aside,} that {other}."),
        both("For {source} the {1} {1 was} {1 other}{aside}; for me {1 it} {1 was} {1 same}."),
        both("For me the {1} {1 was} {1 same}{aside}; for {source} {1 it} {1 was} {1 other}."),
        both("At first I found the {1} {1 other}{aside}, but in the end {1 it} {1 was} {1 same}."),
        both(
            "In the end the {1} {1 was} {1 same}{aside}, although at first I found {1 object} {1 other}.",
        ),
        bad("I had hoped{,aside,} that {other}, and I was mistaken."),
        good("I had feared{,aside,} that {other}, and I was mistaken."),
        bad("It was{,remark,} as I had feared: {same}."),
        good("It was{,remark,} as I had hoped: {same}."),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_make_up_one_hundred_per_cent() {
        assert_eq!(
            FAMILIES.iter().map(|family| family.percent).sum::<usize>(),
            100
        );
    }

    #[test]
    fn templates_for_one_label_come_in_pairs() {
        for family in FAMILIES {
            let only = |label| {
                family
                    .templates
                    .iter()
                    .filter(|t| t.only == Some(label))
                    .count()
            };
            assert_eq!(
                only(Label::Positive),
                only(Label::Negative),
                "{}",
                family.rule
            );
        }
    }
}
