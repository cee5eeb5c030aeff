//! When, where, how long and for how much.

use super::derivation::Derivation;
use super::numbers;
use super::phenomena::Phenomenon;
use super::words::{ADVERBS, Gender, MONTHS, PLACES, PREPOSITIONS, UNITS, WEEKDAYS};

/// When: an adverb, a weekday, a date or a time of the day.
pub fn time(d: &mut Derivation) -> Option<String> {
    match d.choose(&[35, 15, 25, 25]) {
        0 => Some(d.pick(ADVERBS, |[german, _]| german.to_owned())?[1].to_owned()),
        1 => {
            d.say("am")?;
            let [_, day] = d.pick(WEEKDAYS, |[german, _]| german.to_owned())?;
            Some(format!("on {day}"))
        }
        2 => date(d),
        _ => clock(d),
    }
}

/// "am 3. mai 1987": "on may 3rd 1987".
fn date(d: &mut Derivation) -> Option<String> {
    d.say("am")?;
    let day = d.open_word(
        |random, _| format!("{}.", 1 + random.below(28)),
        |word| in_figures(word.strip_suffix('.')?, 1..=28),
    )?;
    let [_, month] = d.pick(MONTHS, |[german, _]| german.to_owned())?;
    d.show(Phenomenon::Date);
    let date = format!("on {month} {}", numbers::ordinal(day));
    if !d.chance(40) {
        return Some(date);
    }
    let year = d.open_word(
        |random, _| (1900 + random.below(130)).to_string(),
        |word| in_figures(word, 1900..=2029),
    )?;
    Some(format!("{date} {year}"))
}

/// "um halb acht": "at 7:30".
fn clock(d: &mut Derivation) -> Option<String> {
    d.say("um")?;
    d.show(Phenomenon::Clock);
    let before = [
        Some("halb"),
        Some("viertel nach"),
        Some("viertel vor"),
        None,
    ];
    let before = before[d.choose(&[1, 1, 1, 1])];
    if let Some(words) = before {
        d.say(words)?;
    }
    let hours: Vec<usize> = (2..=12).collect();
    let hour = d.pick(&hours, numbers::german)?;
    Some(match before {
        Some("halb") => format!("at {}:30", hour - 1),
        Some("viertel nach") => format!("at {hour}:15"),
        Some(_) => format!("at {}:45", hour - 1),
        None => {
            d.say("uhr")?;
            format!("at {hour}:00")
        }
    })
}

/// "in dem garten".
pub fn place(d: &mut Derivation) -> Option<String> {
    let [_, preposition] = d.pick(PREPOSITIONS, |[german, _]| german.to_owned())?;
    let feminine = d.pick(&[false, true], |feminine| match feminine {
        false => "dem".to_owned(),
        true => "der".to_owned(),
    })?;
    let fits = |&&(gender, _): &&(Gender, _)| (gender == Gender::Feminine) == feminine;
    let places: Vec<_> = PLACES.iter().filter(fits).copied().collect();
    let (_, [_, place]) = d.pick(&places, |(_, [german, _])| german.to_owned())?;
    Some(format!("{preposition} the {place}"))
}

/// How long: "siebzehn stunden", "for 17 hours".
pub fn duration(d: &mut Derivation) -> Option<String> {
    let number = in_words(d)?;
    let [_, unit] = d.pick(UNITS, |[german, _]| german.to_owned())?;
    Some(format!("for {number} {unit}"))
}

/// For how much: "für siebzehn euro", "for 17 euros".
pub fn price(d: &mut Derivation) -> Option<String> {
    d.say("für")?;
    let number = in_words(d)?;
    d.say("euro")?;
    Some(format!("for {number} euros"))
}

/// A number that German has in words.
fn in_words(d: &mut Derivation) -> Option<usize> {
    d.show(Phenomenon::Amount);
    d.open_word(
        |random, _| numbers::german(2 + random.below(98)),
        |word| (2..100).find(|&number| numbers::german(number) == word),
    )
}

/// A number that German has in figures, without a sign or a leading zero.
pub fn in_figures(word: &str, range: std::ops::RangeInclusive<usize>) -> Option<usize> {
    let number = word.parse().ok()?;
    (range.contains(&number) && number.to_string() == word).then_some(number)
}
