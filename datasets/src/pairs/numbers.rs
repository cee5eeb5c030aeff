//! Numbers in figures and in words.

const ONES: [[&str; 2]; 20] = [
    ["null", "zero"],
    ["eins", "one"],
    ["zwei", "two"],
    ["drei", "three"],
    ["vier", "four"],
    ["fünf", "five"],
    ["sechs", "six"],
    ["sieben", "seven"],
    ["acht", "eight"],
    ["neun", "nine"],
    ["zehn", "ten"],
    ["elf", "eleven"],
    ["zwölf", "twelve"],
    ["dreizehn", "thirteen"],
    ["vierzehn", "fourteen"],
    ["fünfzehn", "fifteen"],
    ["sechzehn", "sixteen"],
    ["siebzehn", "seventeen"],
    ["achtzehn", "eighteen"],
    ["neunzehn", "nineteen"],
];
const TENS: [[&str; 2]; 8] = [
    ["zwanzig", "twenty"],
    ["dreißig", "thirty"],
    ["vierzig", "forty"],
    ["fünfzig", "fifty"],
    ["sechzig", "sixty"],
    ["siebzig", "seventy"],
    ["achtzig", "eighty"],
    ["neunzig", "ninety"],
];

/// 47 as "siebenundvierzig".
///
/// # Panics
/// If it is 100 or more.
pub fn german(number: usize) -> String {
    match (number / 10, number % 10) {
        (0 | 1, _) => ONES[number][0].to_owned(),
        (tens, 0) => TENS[tens - 2][0].to_owned(),
        (tens, 1) => format!("einund{}", TENS[tens - 2][0]),
        (tens, ones) => format!("{}und{}", ONES[ones][0], TENS[tens - 2][0]),
    }
}

/// 47 as "forty-seven".
///
/// # Panics
/// If it is 100 or more.
pub fn english(number: usize) -> String {
    match (number / 10, number % 10) {
        (0 | 1, _) => ONES[number][1].to_owned(),
        (tens, 0) => TENS[tens - 2][1].to_owned(),
        (tens, ones) => format!("{}-{}", TENS[tens - 2][1], ONES[ones][1]),
    }
}

/// 3 as "3rd".
pub fn ordinal(number: usize) -> String {
    let ending = match (number / 10 % 10, number % 10) {
        (1, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        for (number, words, translated) in [
            (2, "zwei", "two"),
            (17, "siebzehn", "seventeen"),
            (30, "dreißig", "thirty"),
            (21, "einundzwanzig", "twenty-one"),
            (47, "siebenundvierzig", "forty-seven"),
            (99, "neunundneunzig", "ninety-nine"),
        ] {
            assert_eq!(german(number), words);
            assert_eq!(english(number), translated);
        }
    }

    #[test]
    fn ordinals_end_as_they_are_spoken() {
        let written = [1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 30, 112].map(ordinal);
        let expected = "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 23rd 30th 112th";
        assert_eq!(written.join(" "), expected);
    }
}
