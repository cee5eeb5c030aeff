//! Matches, votes and finds.

use super::{Slot, Story};

/// One team beats another.
pub const MATCH: Story = Story {
    slots: &[
        ("winner", Slot::Name),
        ("loser", Slot::Name),
        ("town", Slot::Name),
        ("scorer", Slot::Name),
        ("coach", Slot::Name),
        ("next", Slot::Name),
        ("after next", Slot::Name),
        ("high", Slot::Between(70, 99)),
        ("low", Slot::Between(40, 69)),
        ("points", Slot::Between(12, 39)),
        ("crowd", Slot::Figure),
        ("other crowd", Slot::Figure),
        ("seats", Slot::Figure),
    ],
    greater: &[("high", "low")],
    summary: "{winner} beat {loser} {high} to {low} in front of {crowd} people",
    tellings: &[
        &[&[
            "{winner} [beat|defeated] {loser} {high} to {low} [on {weekday}|in {town}] before {crowd} [people|spectators]",
            "{loser} lost {low} to {high} against {winner} before {crowd} [people|spectators] [on {weekday}|in {town}]",
            "before {crowd} [people|spectators] {loser} was [beaten|defeated] {high} to {low} by {winner} [on {weekday}|in {town}]",
            "{crowd} [people|spectators] saw a game [on {weekday}|in {town}] that {winner} won {high} to {low} against {loser}",
        ]],
        &[
            &[
                "{winner} won the [final|game] against {loser} [on {weekday}|in {town}]",
                "{loser} lost the [final|game] against {winner} [on {weekday}|in {town}]",
                "{loser} had no chance against {winner} in the [final|game] [on {weekday}|in {town}]",
                "against {loser} the [final|game] [on {weekday}|in {town}] was won by {winner}",
            ],
            &[
                "+it ended {high} to {low} , and {crowd} [people|spectators] saw it",
                "+{crowd} [people|spectators] saw how it ended {high} to {low}",
                "{high} to {low} was the [score|result] that {crowd} [people|spectators] saw",
                "the {crowd} [people|spectators] in the hall saw the winners score {high} and the losers {low}",
            ],
        ],
    ],
    asides: &[
        &[
            "{scorer} made {points} points for the [winners|losers]",
            "{points} points of the [winners|losers] came from {scorer}",
        ],
        &[
            "[on {other weekday}|next week] {next} plays against {after next}",
            "the next game of the winners is [on {other weekday}|next week] against {next} , whose hall has {seats} seats",
        ],
        &[
            "a year [ago|earlier] {other crowd} people had come to see {next} beat {after next}",
            "[in {month}|a year ago] {next} and {after next} had played before {other crowd} people",
        ],
        &[
            "{coach} , who trains the [winners|losers] , [was content|was angry]",
            "the coach of the [winners|losers] , {coach} , [was content|was angry]",
        ],
    ],
};

/// A town elects somebody.
pub const VOTE: Story = Story {
    slots: &[
        ("elected", Slot::Name),
        ("loser", Slot::Name),
        ("town", Slot::Name),
        ("old", Slot::Name),
        ("village", Slot::Name),
        ("neighbour", Slot::Name),
        ("votes", Slot::Figure),
        ("loser's", Slot::Figure),
        ("old votes", Slot::Figure),
        ("at home", Slot::Figure),
        ("office", Slot::Word(OFFICES)),
        ("other office", Slot::Word(OFFICES)),
    ],
    greater: &[("votes", "loser's")],
    summary: "{elected} was elected {office} of {town} with {votes} votes",
    tellings: &[
        &[&[
            "{town} [elected|chose] {elected} as its {office} [on {weekday}|this week] with {votes} votes against {loser's} for {loser}",
            "{elected} [got|won] {votes} votes [on {weekday}|this week] and [becomes|will be] {office} of {town}",
            "with {votes} votes against {loser's} {elected} [beat|defeated] {loser} and [becomes|will be] {office} of {town}",
            "{loser} with {loser's} votes lost to {elected} with {votes} , who [becomes|will be] {office} of {town}",
        ]],
        &[
            &[
                "{town} has a new {office} [since {weekday}|this week] , as {elected} [beat|defeated] {loser}",
                "{loser} lost the vote for the {office} of {town} against {elected} [on {weekday}|this week]",
                "{elected} , not {loser} , [becomes|will be] {office} of {town}",
            ],
            &[
                "+{votes} votes were for the winner and {loser's} for the loser",
                "+only {loser's} votes were for the loser , but {votes} for the winner",
                "{loser} got {loser's} votes , {elected} got {votes}",
                "the [count|result] is {votes} votes for {elected} and {loser's} for {loser}",
            ],
        ],
    ],
    asides: &[
        &[
            "{old} , in office for {years} years , [did not stand again|had given up]",
            "[four years|years] ago {old} had [got|won] {old votes} votes",
        ],
        &[
            "in {neighbour} {old} stays {other office} with {old votes} votes",
            "{neighbour} [elects|chooses] a new {other office} in {month}",
        ],
        &[
            "{at home} people [stayed at home|did not vote]",
            "votes in {village} are counted again [on {other weekday}|next week]",
        ],
    ],
};

const OFFICES: &[&str] = &["mayor", "judge", "sheriff", "governor", "treasurer"];

/// Somebody finds something old.
pub const FIND: Story = Story {
    slots: &[
        ("finder", Slot::Name),
        ("place", Slot::Name),
        ("home", Slot::Name),
        ("expert", Slot::Name),
        ("museum", Slot::Name),
        ("other finder", Slot::Name),
        ("other place", Slot::Name),
        ("owner", Slot::Name),
        ("count", Slot::Figure),
        ("age", Slot::Figure),
        ("other count", Slot::Figure),
        ("price", Slot::Figure),
        ("visitors", Slot::Figure),
        ("finds", Slot::Word(FINDS)),
        ("other finds", Slot::Word(FINDS)),
    ],
    greater: &[],
    summary: "{finder} found {count} {finds} in {place} , {age} years old",
    tellings: &[
        &[&[
            "{finder} , a [farmer|teacher|diver] from {home} , [found|dug up] {count} {finds} in {place} that are {age} years old",
            "in {place} , {count} {finds} of an age of {age} years were [found|dug up] by {finder} from {home}",
            "the {count} {finds} that {finder} [found|dug up] in {place} [on {weekday}|this week] are {age} years old",
            "{age} years old are the {count} {finds} [found|dug up] in {place} by {finder} , a [farmer|teacher|diver]",
        ]],
        &[
            &[
                "{finder} , a [farmer|teacher|diver] from {home} , [found|dug up] {count} {finds} in {place}",
                "in {place} {finder} [found|dug up] {count} {finds} [on {weekday}|this week]",
                "{count} {finds} were [found|dug up] in {place} by {finder} [on {weekday}|this week]",
            ],
            &[
                "+they are {age} years old , [says|thinks] {expert}",
                "+{expert} from the museum in {museum} [says|thinks] that they are {age} years old",
                "the new {finds} are {age} years old , [says|thinks] {expert} from {museum}",
                "an expert named {expert} puts the age of the new {finds} at {age} years",
            ],
        ],
    ],
    asides: &[
        &[
            "in {month} {other count} {other finds} had been [found|dug up] in {other place} by {other finder}",
            "{other finder} had [found|dug up] {other count} {other finds} in {other place} [years ago|in {month}]",
        ],
        &[
            "{owner} , who owns the field , wants {price} euros for the {finds}",
            "the museum in {museum} [offers|has] {price} euros for the {finds}",
        ],
        &[
            "{visitors} people saw the museum of {museum} last year",
            "the museum of {museum} , with {visitors} visitors a year , will show the {finds} [in {other month}|soon]",
        ],
    ],
};

const FINDS: &[&str] = &[
    "coins", "bones", "vases", "rings", "swords", "letters", "shells", "beads",
];
