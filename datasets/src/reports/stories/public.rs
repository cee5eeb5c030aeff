//! Storms and accidents.

use super::{Sentence, Slot, Story};

const STORM_SLOTS: &[(&str, Slot)] = &[
    ("storm", Slot::Name),
    ("land", Slot::Name),
    ("old storm", Slot::Name),
    ("old land", Slot::Name),
    ("mayor", Slot::Name),
    ("town", Slot::Name),
    ("forecaster", Slot::Name),
    ("supplier", Slot::Name),
    ("homes", Slot::Figure),
    ("old homes", Slot::Figure),
    ("people", Slot::Figure),
    ("dead", Slot::Between(2, 39)),
    ("wind", Slot::Between(60, 99)),
];

const STORM_ASIDES: &[Sentence] = &[
    &[
        "in {month} storm {old storm} had [damaged|hit] {old homes} homes in {old land}",
        "{old homes} homes had been [damaged|hit] by storm {old storm} in {old land} in {month}",
    ],
    &[
        "{mayor} , the mayor of {town} , asked {people} people to [stay at home|leave their houses]",
        "{people} people were asked by {mayor} , the mayor of {town} , to [stay at home|leave their houses]",
    ],
    &[
        "{forecaster} had foretold winds of {wind} miles [an hour|per hour] for {town}",
        "winds of {wind} miles [an hour|per hour] were measured in {town} by {forecaster}",
    ],
    &[
        "trains to {town} do not run [until {other weekday}|today]",
        "the school in {town} stays closed [until {other weekday}|today]",
    ],
];

const STORM_TITLE: Sentence = &[
    "storm {storm} [reached|hit] {land} [on {weekday}|last night]",
    "{land} was [reached|hit] by storm {storm} [on {weekday}|last night]",
    "[heavy rain|a bad night] came to {land} with storm {storm}",
];

/// A storm breaks power lines.
pub const POWER_CUT: Story = Story {
    slots: STORM_SLOTS,
    greater: &[],
    summary: "storm {storm} cut off the power of {homes} homes in {land}",
    tellings: &[
        &[&[
            "storm {storm} [tore down|broke] power lines in {land} [on {weekday}|last night] , so that {homes} homes [were without|had no] power",
            "{homes} homes in {land} have [had no|been without] power since storm {storm} [reached|hit] the coast [on {weekday}|last night]",
            "the power failed in {homes} homes when storm {storm} [reached|hit] {land} [on {weekday}|last night]",
            "in {land} , {homes} homes lost their power in storm {storm} [on {weekday}|last night]",
        ]],
        &[
            STORM_TITLE,
            &[
                "+{homes} homes [were without|had no] power",
                "+there the power failed in {homes} homes",
                "{homes} homes are still without power , says {supplier} , which runs the lines",
                "{supplier} , which runs the power lines , speaks of {homes} homes without power",
            ],
        ],
    ],
    asides: STORM_ASIDES,
};

/// A storm floods homes and kills.
pub const FLOOD: Story = Story {
    slots: STORM_SLOTS,
    greater: &[],
    summary: "storm {storm} flooded {homes} homes in {land} and killed {dead} people",
    tellings: &[
        &[&[
            "storm {storm} put {homes} homes in {land} under water [on {weekday}|last night] , and {dead} people [died|lost their lives]",
            "{dead} people [died|lost their lives] in {land} when storm {storm} [flooded|put under water] {homes} homes [on {weekday}|last night]",
            "the water of storm {storm} is in {homes} homes in {land} , where {dead} people [died|lost their lives] [on {weekday}|last night]",
            "in {land} , {homes} homes were flooded and {dead} people killed by storm {storm} [on {weekday}|last night]",
        ]],
        &[
            STORM_TITLE,
            &[
                "+{homes} homes are under water , and {dead} people [died|lost their lives]",
                "+{dead} people [died|lost their lives] , and {homes} homes are under water",
                "the police speak of {dead} dead and of {homes} flooded homes",
                "of {homes} flooded homes and {dead} dead speak the police",
            ],
        ],
    ],
    asides: STORM_ASIDES,
};

/// A vehicle has an accident.
pub const ACCIDENT: Story = Story {
    slots: &[
        ("near", Slot::Name),
        ("from", Slot::Name),
        ("to", Slot::Name),
        ("driver", Slot::Name),
        ("witness", Slot::Name),
        ("detour", Slot::Name),
        ("other place", Slot::Name),
        ("hurt", Slot::Between(2, 69)),
        ("wrong", Slot::Between(2, 69)),
        ("age", Slot::Between(30, 69)),
        ("cost", Slot::Figure),
        ("other cost", Slot::Figure),
        ("vehicle", Slot::Word(VEHICLES)),
        ("other vehicle", Slot::Word(VEHICLES)),
    ],
    greater: &[],
    summary: "a {vehicle} accident near {near} hurt {hurt} people and cost {cost} euros",
    tellings: &[
        &[&[
            "a {vehicle} [from {from}|on the way to {to}] [hit a tree|caught fire] near {near} , so that {hurt} people were hurt and {cost} euros of damage done",
            "near {near} a {vehicle} [from {from}|on the way to {to}] [hit a tree|caught fire] , which hurt {hurt} people and did damage of {cost} euros",
            "{hurt} people were hurt when a {vehicle} [from {from}|on the way to {to}] [hit a tree|caught fire] near {near} , with damage of {cost} euros",
            "damage of {cost} euros was done and {hurt} people were hurt by a {vehicle} that [hit a tree|caught fire] near {near}",
        ]],
        &[
            &[
                "a {vehicle} [from {from} to {to}|on the way to {to}] [hit a tree|caught fire] near {near} [on {weekday}|last night]",
                "near {near} a {vehicle} [from {from} to {to}|on the way to {to}] [hit a tree|caught fire] [on {weekday}|last night]",
                "[on {weekday}|last night] a {vehicle} full of guests from {from} [hit a tree|caught fire] near {near}",
            ],
            &[
                "+{hurt} people were hurt , and repairs cost {cost} euros",
                "+repairs cost {cost} euros , and {hurt} people were hurt",
                "the police speak of {hurt} hurt people and of {cost} euros of damage",
                "of {cost} euros of damage and of {hurt} hurt people speak the police",
            ],
        ],
    ],
    asides: &[
        &[
            "{witness} , who saw the accident , had first told of {wrong} hurt people",
            "at first {witness} , who saw the accident , had told of {wrong} hurt people",
        ],
        &[
            "in {month} a {other vehicle} accident near {other place} had cost {other cost} euros",
            "damage of {other cost} euros had been done by a {other vehicle} near {other place} in {month}",
        ],
        &[
            "the driver , {driver} , aged {age} , was [drunk|tired|not hurt]",
            "{driver} , the driver , aged {age} , was [drunk|tired|not hurt]",
        ],
        &["the way by {detour} is [free|open] until {other weekday}"],
    ],
};

const VEHICLES: &[&str] = &["bus", "train", "tram", "ferry", "truck", "van", "taxi"];
