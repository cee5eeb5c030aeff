use std::collections::HashMap;

use super::*;

const FILES: [&str; 3] = ["train.tsv", "valid.tsv", "test.tsv"];

/// The lines of one shipped file as source and target.
fn shipped(file: &str) -> Vec<(&'static str, &'static str)> {
    let set = crate::shipped(NAME).expect("the set ships");
    let contents = set.file(file).expect("the file ships");
    let pair = |line: &'static str| line.split_once('\t').expect("a tab between the sides");
    contents.lines().map(pair).collect()
}

#[test]
fn generating_again_gives_the_shipped_files_byte_for_byte() {
    let set = crate::shipped(NAME).expect("the set ships");
    set.assert_generated(generate(SEED).files());
}

#[test]
fn every_line_is_what_the_rules_say() {
    for (source, target) in FILES.into_iter().flat_map(shipped) {
        assert_eq!(translate(source).as_deref(), Ok(target), "{source}");
    }
}

#[test]
fn the_rules_translate_as_people_do() {
    for (source, target) in [
        // Cases, not places, say who does what.
        ("den hund sucht die frau .", "the woman looks for the dog ."),
        (
            "die katze sucht die frau .",
            "the cat looks for the woman .",
        ),
        (
            "die katzen sucht die frau .",
            "the woman looks for the cats .",
        ),
        (
            "den malerinnen hilft das mädchen .",
            "the girl helps the painters .",
        ),
        // The noun is the same for one and for many.
        (
            "die lehrer arbeiten in der schule .",
            "the teachers work in the school .",
        ),
        (
            "der lehrer sieht die esel .",
            "the teacher sees the donkeys .",
        ),
        (
            "der lehrer sieht den esel .",
            "the teacher sees the donkey .",
        ),
        // Verbs in two parts.
        (
            "die tante ruft heute jeden arzt an .",
            "the aunt calls every doctor today .",
        ),
        (
            "hat das kind die alte uhr weggeworfen ?",
            "did the child throw away the old clock ?",
        ),
        (
            "das kind muss die uhr nicht wegwerfen .",
            "the child does not have to throw away the clock .",
        ),
        (
            "will der könig die lampe für einundzwanzig euro kaufen ?",
            "does the king want to buy the lamp for 21 euros ?",
        ),
        // Clauses within clauses.
        (
            "der hund , den die kinder füttern , ist müde .",
            "the dog which the children feed is tired .",
        ),
        (
            "die frauen , denen der arzt hilft , waren krank .",
            "the women whom the doctor helps were ill .",
        ),
        (
            "der könig , der die katze sieht , wartet .",
            "the king who sees the cat waits .",
        ),
        (
            "obwohl der maler singt , schlafen die enten zwei stunden .",
            "although the painter sings , the ducks sleep for 2 hours .",
        ),
        (
            "der von malo gelobte bruder zeigt der königin das bild des arztes .",
            "the brother praised by malo shows the doctor's picture to the queen .",
        ),
        // Whose it is, and what it is.
        (
            "das mädchen sucht seinen hund .",
            "the girl looks for her dog .",
        ),
        (
            "das kind sucht seinen hund .",
            "the child looks for its dog .",
        ),
        (
            "die kinder suchen ihren hund .",
            "the children look for their dog .",
        ),
        ("wijo sucht ihren hund .", "viyo looks for her dog ."),
        ("wijo sucht seinen hund .", "viyo looks for his dog ."),
        (
            "der maler repariert die uhr , weil sie kaputt ist .",
            "the painter repairs the clock because it is broken .",
        ),
        (
            "die tante füttert die hunde , weil sie müde ist .",
            "the aunt feeds the dogs because she is tired .",
        ),
        (
            "die tante füttert die hunde , weil sie müde sind .",
            "the aunt feeds the dogs because they are tired .",
        ),
        // Names, numbers and dates.
        (
            "schalas hund findet 31 graue briefe .",
            "shala's dog finds thirty-one grey letters .",
        ),
        (
            "am 22. märz 1999 findet zebon den korb .",
            "on march 22nd 1999 tsebon finds the basket .",
        ),
        (
            "um viertel vor zwei singt der bäcker .",
            "at 1:45 the baker sings .",
        ),
        (
            "der könig wartet um zwölf uhr .",
            "the king waits at 12:00 .",
        ),
    ] {
        assert_eq!(translate(source).as_deref(), Ok(target), "{source}");
    }
}

#[test]
fn errors_name_the_word() {
    let message = |source| translate(source).expect_err("no sentence").to_string();
    let end = ": no sentence of the grammar goes on like this";
    assert_eq!(
        message("die frau sucht die hund ."),
        format!("word 5, \"hund\"{end}")
    );
    assert_eq!(
        message("der hund"),
        format!("word 3, the end of the line{end}")
    );
    assert_eq!(message(""), format!("word 1, the end of the line{end}"));
    assert_eq!(
        message("der hund schläft . ."),
        format!("word 5, \".\"{end}")
    );
    assert_eq!(message("0 hunde schlafen ."), format!("word 1, \"0\"{end}"));
}

#[test]
fn what_disagrees_is_no_sentence() {
    for source in [
        "die hund schläft .",
        "der hund schlafen .",
        "ein alte hund schläft .",
        "der hund , das die frau sucht , schläft .",
        "der hund , den die frau sucht schläft .",
        "die frau ruft den arzt .",
        "die frau hilft den arzt .",
        "der hund kauft das buch für zehn euro .",
        "das mädchen sucht ihren hund .",
        "am 31. mai schläft der hund .",
        "am 03. mai schläft der hund .",
        "der hund schläft siebenzehn stunden .",
        "malos lehrer schläft .",
        "will der könig die lampe kaufen ?",
    ] {
        assert!(translate(source).is_err(), "{source}");
    }
}

#[test]
fn no_order_of_words_makes_the_reader_panic() {
    let mut random = SplitMix64::new(5);
    for (source, _) in shipped("test.tsv") {
        let mut words: Vec<&str> = source.split(' ').collect();
        random.shuffle(&mut words);
        let _ = translate(&words.join(" "));
        let mut words: Vec<&str> = source.split(' ').collect();
        words.remove(random.below(words.len()));
        let _ = translate(&words.join(" "));
    }
    for source in ["\t", "é", "0 0", "s s", "malo", ", , ,", "der der der"] {
        assert!(translate(source).is_err(), "{source}");
    }
}

#[test]
fn sides_are_plain_text_of_the_promised_length() {
    for (source, target) in FILES.into_iter().flat_map(shipped) {
        for side in [source, target] {
            assert!(WORDS.contains(&side.split(' ').count()), "{side}");
            assert!(!side.split(' ').any(str::is_empty), "{side}");
            assert!(side.ends_with(" .") || side.ends_with(" ?"), "{side}");
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || " .,?".contains(c);
        assert!(
            source.chars().all(|c| plain(c) || "äöüß".contains(c)),
            "{source}"
        );
        assert!(
            target.chars().all(|c| plain(c) || "'-:".contains(c)),
            "{target}"
        );
    }
}

#[test]
fn no_source_stands_twice_in_the_set() {
    let mut seen = HashSet::new();
    for (source, _) in FILES.into_iter().flat_map(shipped) {
        assert!(seen.insert(source), "{source}");
    }
    assert_eq!(seen.len(), TRAIN + VALID + TEST);
}

/// Words of either language that the grammar has in lists: no names, no numbers.
fn listed(word: &str) -> bool {
    let number = |number| numbers::german(number) == word || numbers::english(number) == word;
    !is_name(word) && !word.starts_with(|c: char| c.is_ascii_digit()) && !(2..100).any(number)
}

/// Whether a word of either language is a name, or what belongs to one.
fn is_name(word: &str) -> bool {
    let name = word.trim_end_matches('s').trim_end_matches('\'');
    let german = [("sh", "sch"), ("y", "j"), ("v", "w"), ("ts", "z")];
    let spelled = german
        .iter()
        .fold(name.to_owned(), |name, (english, german)| {
            name.replace(english, german)
        });
    names::part(name).is_some() || names::part(&spelled).is_some()
}

#[test]
fn names_of_the_other_parts_are_new_and_all_other_words_are_not() {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (source, _) in shipped("train.tsv") {
        for word in source.split(' ') {
            *counts.entry(word).or_default() += 1;
        }
    }
    for file in ["valid.tsv", "test.tsv"] {
        for word in shipped(file)
            .into_iter()
            .flat_map(|(source, _)| source.split(' '))
        {
            let count = counts.get(word).copied().unwrap_or(0);
            match names::part(word.strip_suffix('s').unwrap_or(word)) {
                Some(_) => assert_eq!(count, 0, "{word}"),
                None if listed(word) => assert!(count >= 5, "{word} stands there {count} times"),
                None => assert!(count >= 1 || word.len() == 4, "{word}"),
            }
        }
    }
}

#[test]
fn another_seed_gives_another_set() {
    assert_ne!(generate(1).test, generate(2).test);
}

/// A number as README.md has it.
fn thousands(number: usize) -> String {
    match number / 1000 {
        0 => number.to_string(),
        more => format!("{},{:03}", thousands(more), number % 1000),
    }
}

/// The figures in README.md; `datasets/README.md` is stale if one is not there.
#[test]
fn the_readme_has_the_figures() {
    let readme = include_str!("../../README.md");
    let parts = FILES.map(shipped);
    let mut expected = Vec::new();
    for (file, pairs) in FILES.iter().zip(&parts) {
        let contents = crate::shipped(NAME).and_then(|set| set.file(file));
        let words = |side: fn(&(&'static str, &'static str)) -> &'static str| {
            let words = pairs.iter().map(|pair| side(pair).split(' ').count());
            words.sum::<usize>() as f64 / pairs.len() as f64
        };
        expected.push(format!(
            "| `pairs/{file}` | {} | {} | {:.1} | {:.1} |",
            thousands(pairs.len()),
            thousands(contents.map_or(0, str::len)),
            words(|pair| pair.0),
            words(|pair| pair.1),
        ));
    }
    let mut counts: HashMap<Phenomenon, [usize; 2]> = HashMap::new();
    for (place, file) in [(0, &parts[0]), (1, &parts[2])] {
        for (source, _) in file {
            for shown in phenomena(source).expect("the lines are sentences") {
                counts.entry(shown).or_default()[place] += 1;
            }
        }
    }
    for phenomenon in Phenomenon::ALL {
        let [train, test] = counts[&phenomenon];
        expected.push(format!(
            "| {} | {} | {test} |",
            phenomenon.name(),
            thousands(train)
        ));
    }
    let words = |side: fn(&(&'static str, &'static str)) -> &'static str| {
        let all = parts[0].iter().flat_map(|pair| side(pair).split(' '));
        all.collect::<HashSet<_>>()
    };
    let german = words(|pair| pair.0).into_iter().filter(|word| listed(word));
    let english = words(|pair| pair.1).into_iter().filter(|word| listed(word));
    let (german, english) = (german.count(), english.count());
    expected.push(format!("{german} German and {english} English words"));
    let missing: Vec<_> = expected.iter().filter(|e| !readme.contains(*e)).collect();
    assert!(missing.is_empty(), "README.md lacks {missing:#?}");
}
