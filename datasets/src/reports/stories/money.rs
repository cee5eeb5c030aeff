//! Sales, auctions, and who leads what.

use super::{Sentence, Slot, Story};

const SALES_SLOTS: &[(&str, Slot)] = &[
    ("company", Slot::Name),
    ("seat", Slot::Name),
    ("head", Slot::Name),
    ("rival", Slot::Name),
    ("analyst", Slot::Name),
    ("plant", Slot::Name),
    ("sold", Slot::Figure),
    ("before", Slot::Figure),
    ("rival's", Slot::Figure),
    ("guess", Slot::Figure),
    ("staff", Slot::Figure),
    ("goods", Slot::Word(GOODS)),
];

const GOODS: &[&str] = &[
    "lamps", "bicycles", "tents", "pianos", "kettles", "boots", "radios", "pumps",
];

const SALES_TITLE: Sentence = &[
    "{company} , [the maker of {goods} from {seat}|which makes {goods} in {seat}] , [published|gave out] its figures for {month} [on {weekday}|this week]",
    "figures for {month} [were published|were given out] by {company} , [the maker of {goods} from {seat}|which makes {goods} in {seat}]",
];

const SALES_ASIDES: &[Sentence] = &[
    &[
        "{rival} , a [rival|competitor] of {company} , sold {rival's} {goods} [in the same month|at the same time]",
        "a [rival|competitor] named {rival} sold {rival's} {goods} [in the same month|at the same time]",
    ],
    &[
        "{head} , who leads {company} , [hopes for|counts on] {guess} {goods} in {other month}",
        "in {other month} it could be {guess} {goods} , [says|hopes] {head} , the head of the firm",
    ],
    &[
        "[analyst|the analyst] {analyst} had [expected|foretold] sales of {guess}",
        "sales of {guess} had been [expected|foretold] by {analyst} , an analyst",
    ],
    &[
        "at the plant in {plant} {staff} people [are at work|have work]",
        "{staff} workers at the plant in {plant} get [a bonus|more pay]",
    ],
];

/// A company sells more than the year before.
pub const SALES_RISE: Story = Story {
    slots: SALES_SLOTS,
    greater: &[("sold", "before")],
    summary: "{company} sold {sold} {goods} in {month} , more than last year",
    tellings: &[
        &[&[
            "{company} sold {sold} {goods} in {month} , up from {before} a year [ago|earlier]",
            "in {month} [the firm|the company] {company} from {seat} sold {sold} {goods} , [well above|clearly more than] the {before} of last year",
            "sales of {goods} by {company} [rose|climbed] from {before} to {sold} in {month}",
            "the {sold} {goods} that {company} sold in {month} are [far|clearly] more than the {before} of a year [ago|earlier]",
        ]],
        &[
            SALES_TITLE,
            &[
                "+it sold {sold} pieces , [after|against] only {before} a year [ago|earlier]",
                "+sales [rose|climbed] from {before} to {sold}",
                "sales of {company} were {sold} and so [well above|clearly more than] the {before} of last year",
                "from {before} a year [ago|earlier] sales of {company} [rose|climbed] to {sold}",
            ],
        ],
    ],
    asides: SALES_ASIDES,
};

/// A company sells less than the year before.
pub const SALES_FALL: Story = Story {
    slots: SALES_SLOTS,
    greater: &[("before", "sold")],
    summary: "{company} sold {sold} {goods} in {month} , fewer than last year",
    tellings: &[
        &[&[
            "{company} sold {sold} {goods} in {month} , down from {before} a year [ago|earlier]",
            "in {month} [the firm|the company] {company} from {seat} sold {sold} {goods} , [well below|clearly fewer than] the {before} of last year",
            "sales of {goods} by {company} [fell|dropped] from {before} to {sold} in {month}",
            "the {sold} {goods} that {company} sold in {month} are [far|clearly] fewer than the {before} of a year [ago|earlier]",
        ]],
        &[
            SALES_TITLE,
            &[
                "+it sold only {sold} pieces , [after|against] {before} a year [ago|earlier]",
                "+sales [fell|dropped] from {before} to {sold}",
                "sales of {company} were {sold} and so [well below|clearly fewer than] the {before} of last year",
                "from {before} a year [ago|earlier] sales of {company} [fell|dropped] to {sold}",
            ],
        ],
    ],
    asides: SALES_ASIDES,
};

/// Somebody buys a work of art.
pub const AUCTION: Story = Story {
    slots: &[
        ("buyer", Slot::Name),
        ("seller", Slot::Name),
        ("maker", Slot::Name),
        ("other maker", Slot::Name),
        ("bidder", Slot::Name),
        ("expert", Slot::Name),
        ("town", Slot::Name),
        ("price", Slot::Figure),
        ("bid", Slot::Figure),
        ("other price", Slot::Figure),
        ("value", Slot::Figure),
        ("work", Slot::Word(WORKS)),
        ("other work", Slot::Word(WORKS)),
    ],
    greater: &[("price", "bid")],
    summary: "{buyer} paid {price} euros for a {work} by {maker}",
    tellings: &[
        &[&[
            "a {work} by {maker} [went|was sold] to {buyer} for {price} euros [in {town}|on {weekday}]",
            "for {price} euros {buyer} [bought|got] a {work} by {maker} from {seller} [in {town}|on {weekday}]",
            "{seller} sold {buyer} a {work} by {maker} for {price} euros [in {town}|on {weekday}]",
            "{buyer} , not {bidder} , [bought|got] a {work} by {maker} [in {town}|on {weekday}] and paid {price} euros",
        ]],
        &[
            &[
                "a {work} by {maker} was [sold|put up for auction] [in {town}|on {weekday}]",
                "{seller} had a {work} by {maker} put up for auction [in {town}|on {weekday}]",
                "the auction [in {town}|on {weekday}] was all about a {work} by {maker}",
            ],
            &[
                "+it went to {buyer} for {price} euros , not to {bidder} , who offered {bid}",
                "+{bidder} stopped at {bid} euros , {buyer} got it for {price}",
                "+to {buyer} it was worth {price} euros , to {bidder} only {bid}",
                "the winning bid was that of {buyer} , {price} euros , just above the {bid} of {bidder}",
            ],
        ],
    ],
    asides: &[
        &[
            "a {other work} by {other maker} [found no buyer|stayed unsold] at {other price} euros",
            "for a {other work} by {other maker} nobody wanted to give {other price} euros",
        ],
        &[
            "[years ago|in {month}] the [owner|seller] had got the piece for {value} euros",
            "{expert} , an expert , had [put its value at|expected] {value} euros",
        ],
        &[
            "in {month} somebody had paid {other price} euros for a {other work} by {other maker}",
            "the next auction is in {other month} , with a {other work} by {other maker}",
        ],
    ],
};

const WORKS: &[&str] = &[
    "painting", "violin", "carpet", "vase", "desk", "statue", "drawing", "mask",
];

/// Somebody takes over a firm from somebody else.
pub const APPOINTMENT: Story = Story {
    slots: &[
        ("company", Slot::Name),
        ("new", Slot::Name),
        ("old", Slot::Name),
        ("passed over", Slot::Name),
        ("rival", Slot::Name),
        ("paper", Slot::Name),
        ("town", Slot::Name),
        ("staff", Slot::Figure),
        ("rival's", Slot::Figure),
        ("pay", Slot::Figure),
        (
            "post",
            Slot::Word(&["head", "director", "manager", "chair"]),
        ),
    ],
    greater: &[],
    summary: "{new} follows {old} as {post} of {company} with its {staff} workers",
    tellings: &[
        &[&[
            "{company} , which has {staff} workers , [named|chose] {new} as {post} in place of {old} [on {weekday}|this week]",
            "in place of {old} , {company} and its {staff} workers get {new} as {post} [in {month}|on {weekday}]",
            "{new} [becomes|will be] {post} of {company} , where {staff} people work , because {old} [retires|leaves]",
            "{old} hands over {company} with its {staff} workers to {new} , the next {post} , [in {month}|on {weekday}]",
        ]],
        &[
            &[
                "{new} [becomes|will be] {post} of {company} [in {month}|on {weekday}]",
                "not {passed over} but {new} [becomes|will be] {post} of {company} [in {month}|on {weekday}]",
                "the board of {company} [named|chose] {new} as {post} , not {passed over}",
                "the next {post} of {company} is {new}",
            ],
            &[
                "+{old} , who led the {staff} workers for {years} years , [retires|leaves]",
                "+the firm has {staff} workers and was led by {old} [until now|for {years} years]",
                "{old} , the {post} of {staff} workers [until now|for {years} years] , [retires|leaves]",
                "after {years} years {old} [retires|leaves] as {post} , with now {staff} workers",
            ],
        ],
    ],
    asides: &[
        &[
            "{passed over} , who had hoped for the post , [goes|moves] to {rival} with its {rival's} workers",
            "{rival} , a [rival|competitor] with {rival's} workers , wanted {passed over}",
        ],
        &[
            "the newspaper {paper} had [named|expected] {passed over}",
            "{passed over} had been [named|expected] by the newspaper {paper}",
        ],
        &[
            "the pay is {pay} euros a year , [as {paper} writes|more than at {rival}]",
            "{pay} euros a year are paid for the post , [as {paper} writes|more than at {rival}]",
        ],
        &["the firm has its seat in {town} and another plant in {rival}"],
    ],
};
