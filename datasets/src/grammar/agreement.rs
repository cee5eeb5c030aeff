//! What agrees with what in a sentence, told from the words alone, without the rules that made it.
//!
//! Places and relative clauses are taken out, the last first, so that what a word agrees with
//! comes to stand beside it; what remains is read from left to right.

use super::words::{
    ADJECTIVES, ADVERBS, ASK, BE, CHASE, CONJUNCTIONS, DO, FOLLOW, Kind, Number, PREPOSITIONS,
    Pair, SAY, SCARE, TO_ANYTHING, WAKE,
};

type Check<T> = Result<T, String>;

const NUMBERS: [Number; 2] = [Number::Singular, Number::Plural];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    /// A whole phrase: article, adjective, noun.
    Noun(Kind, Number),
    Verb(Verb, Number),
    Be(Number),
    Do(Number),
    Quality(&'static [Kind]),
    Reflexive(&'static str),
    Place,
    Relative(&'static str),
    Other(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Verb {
    subjects: &'static [Kind],
    /// What it may be done to; none if it has no object.
    objects: &'static [Kind],
    quotes: bool,
}

const PEOPLE: &[Kind] = &[Kind::Man, Kind::Woman];

fn only(kind: Kind) -> &'static [Kind] {
    match kind {
        Kind::Man | Kind::Woman => PEOPLE,
        Kind::Animal => &[Kind::Animal],
        Kind::Machine => &[Kind::Machine],
    }
}

fn verbs() -> Vec<(Pair, Verb)> {
    let mut verbs = Vec::new();
    let mut add = |pairs: &[Pair], subjects, objects, quotes| {
        let verb = Verb {
            subjects,
            objects,
            quotes,
        };
        verbs.extend(pairs.iter().map(|&pair| (pair, verb)));
    };
    for kind in [Kind::Man, Kind::Animal, Kind::Machine] {
        add(kind.deeds(), only(kind), &[], false);
        add(kind.treatments(), PEOPLE, only(kind), false);
    }
    add(TO_ANYTHING, &Kind::ALL, &Kind::ALL, false);
    add(&[CHASE], only(Kind::Animal), only(Kind::Animal), false);
    add(&[FOLLOW], only(Kind::Animal), PEOPLE, false);
    add(&[WAKE], only(Kind::Machine), PEOPLE, false);
    add(&[SCARE], only(Kind::Machine), only(Kind::Animal), false);
    add(&[SAY, ASK], PEOPLE, &[], true);
    verbs
}

/// The number that an article asks for; an inner `None` is either.
fn article(word: &str) -> Option<Option<Number>> {
    match word {
        "the" | "which" => Some(None),
        "every" | "this" => Some(Some(Number::Singular)),
        "some" | "these" => Some(Some(Number::Plural)),
        _ => None,
    }
}

fn noun(word: &str) -> Option<(Kind, Number)> {
    for kind in Kind::ALL {
        for number in NUMBERS {
            if kind.nouns().iter().any(|&noun| number.of(noun) == word) {
                return Some((kind, number));
            }
        }
    }
    None
}

fn token(word: &str) -> Check<Token> {
    for number in NUMBERS {
        for (pair, verb) in verbs() {
            if number.of(pair) == word {
                return Ok(Token::Verb(verb, number));
            }
        }
        if number.of(BE) == word {
            return Ok(Token::Be(number));
        }
        if number.of(DO) == word {
            return Ok(Token::Do(number));
        }
        for kind in Kind::ALL {
            if kind.reflexive(number) == word {
                return Ok(Token::Reflexive(kind.reflexive(number)));
            }
        }
    }
    for kind in Kind::ALL {
        if kind.qualities().contains(&word) {
            return Ok(Token::Quality(only(kind)));
        }
        if kind.relative() == word {
            return Ok(Token::Relative(kind.relative()));
        }
    }
    if PREPOSITIONS.contains(&word) {
        return Ok(Token::Place);
    }
    let others = ["either", "or", "if", "then", "both", "and", "\"", ".", "?"];
    let mut others = others.iter().chain(ADVERBS).chain(CONJUNCTIONS);
    let other = others.find(|&&other| other == word);
    other.map_or(Err(format!("{word:?} is unknown")), |&w| {
        Ok(Token::Other(w))
    })
}

/// The sentence with each phrase as one token.
fn tokens(line: &str) -> Check<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut words = line.split(' ');
    while let Some(word) = words.next() {
        let Some(asked) = article(word) else {
            tokens.push(token(word)?);
            continue;
        };
        let next = words.find(|word| !ADJECTIVES.contains(word));
        let (kind, number) = next
            .and_then(noun)
            .ok_or(format!("no noun after {word:?}"))?;
        if asked.is_some_and(|asked| asked != number) {
            return Err(format!("{word:?} before {next:?}"));
        }
        tokens.push(Token::Noun(kind, number));
    }
    Ok(tokens)
}

fn agree(holds: bool, what: &str, with: impl std::fmt::Debug) -> Check<()> {
    holds
        .then_some(())
        .ok_or_else(|| format!("{what}: {with:?}"))
}

/// Checks a verb with its subject, and what follows the verb; returns how many tokens that is.
fn predicate(subject: (Kind, Number), form: Number, tokens: &[Token]) -> Check<usize> {
    let at = |index: usize| tokens.get(index).copied();
    match at(0) {
        Some(Token::Be(number)) => {
            agree(number == form, "number of \"be\"", tokens)?;
            let fits = matches!(at(1), Some(Token::Quality(kinds)) if kinds.contains(&subject.0));
            agree(fits, "quality", tokens)?;
            Ok(2)
        }
        Some(Token::Verb(verb, number)) => {
            agree(number == form, "number of the verb", tokens)?;
            agree(verb.subjects.contains(&subject.0), "subject's kind", tokens)?;
            match at(1) {
                _ if verb.objects.is_empty() => Ok(1),
                Some(Token::Noun(kind, _)) => {
                    agree(verb.objects.contains(&kind), "object's kind", tokens)?;
                    Ok(2)
                }
                Some(Token::Reflexive(word)) => {
                    let expected = subject.0.reflexive(subject.1);
                    agree(word == expected, "reflexive", (subject, tokens))?;
                    Ok(2)
                }
                _ => Err(format!("no object: {tokens:?}")),
            }
        }
        _ => Err(format!("no verb: {tokens:?}")),
    }
}

/// Takes out all places and relative clauses.
fn strip(tokens: &mut Vec<Token>) -> Check<()> {
    while let Some(at) = tokens.iter().position(|&token| token == Token::Place) {
        tokens.drain(at..at + 2);
    }
    while let Some(at) = tokens.iter().rposition(|t| matches!(t, Token::Relative(_))) {
        let (Token::Noun(kind, number), Token::Relative(word)) = (tokens[at - 1], tokens[at])
        else {
            return Err(format!("no noun before the relative clause: {tokens:?}"));
        };
        agree(word == kind.relative(), "relative pronoun", &tokens)?;
        let clause = &tokens[at + 1..];
        let length = match clause {
            &[Token::Noun(owner, owners), Token::Verb(verb, form), ..] => {
                agree(form == owners, "number in the relative clause", clause)?;
                agree(verb.subjects.contains(&owner), "owner's kind", clause)?;
                agree(verb.objects.contains(&kind), "object named before", clause)?;
                2
            }
            clause => predicate((kind, number), number, clause)?,
        };
        tokens.drain(at..=at + length);
    }
    Ok(())
}

/// Reads clauses up to one of `ends` and returns where that stands.
fn clauses(tokens: &[Token], from: usize, ends: &[&str]) -> Check<usize> {
    let mut at = from;
    let mut subject = None;
    let mut base = false;
    let mut both = false;
    loop {
        match tokens.get(at).copied() {
            Some(Token::Other(word)) if ends.contains(&word) => return Ok(at),
            Some(Token::Other("both")) => both = true,
            Some(Token::Other("either")) => at = clauses(tokens, at + 1, &["or"])?,
            Some(Token::Other("if")) => at = clauses(tokens, at + 1, &["then"])?,
            Some(Token::Other("and")) => {}
            Some(Token::Other(word)) if ADVERBS.contains(&word) => {}
            Some(Token::Other(word)) if CONJUNCTIONS.contains(&word) => {
                (base, both) = (false, false)
            }
            Some(Token::Do(number)) => {
                let fits = matches!(tokens.get(at + 1), Some(Token::Noun(_, n)) if *n == number);
                agree(fits, "number of \"do\"", tokens)?;
                base = true;
            }
            Some(Token::Be(number)) if subject.is_none() => {
                let asked = [tokens.get(at + 1), tokens.get(at + 2)];
                let [Some(&Token::Noun(kind, n)), Some(&Token::Quality(kinds))] = asked else {
                    return Err(format!("no question with \"be\": {tokens:?}"));
                };
                agree(n == number && kinds.contains(&kind), "question", tokens)?;
                at += 2;
            }
            Some(Token::Noun(kind, _)) if both && subject.is_some() => {
                subject = Some((kind, Number::Plural));
            }
            Some(Token::Noun(kind, number)) => subject = Some((kind, number)),
            Some(Token::Verb(verb, number)) if verb.quotes => {
                let (kind, form) = subject.ok_or("a quotation without a speaker")?;
                agree(verb.subjects.contains(&kind), "speaker", tokens)?;
                agree(number == form, "number of the speaker", tokens)?;
                let opened = tokens.get(at + 1) == Some(&Token::Other("\""));
                agree(opened, "opening quotation mark", tokens)?;
                at = clauses(tokens, at + 2, &["\"", "?"])?;
                if tokens[at] == Token::Other("?") {
                    at += 1;
                    let closed = tokens.get(at) == Some(&Token::Other("\""));
                    agree(closed, "closing quotation mark", tokens)?;
                }
            }
            Some(Token::Verb(..) | Token::Be(_)) => {
                let subject = subject.ok_or("a verb without a subject")?;
                let form = if base { Number::Plural } else { subject.1 };
                at += predicate(subject, form, &tokens[at..])? - 1;
            }
            token => return Err(format!("{token:?} stands at {at}: {tokens:?}")),
        }
        at += 1;
    }
}

/// Says what does not agree.
pub fn check(line: &str) -> Check<()> {
    let opening = ["does", "do", "is", "are", "which"];
    let asks = opening
        .iter()
        .any(|word| line.split(' ').next() == Some(word));
    let mut tokens = tokens(line)?;
    strip(&mut tokens)?;
    let end = clauses(&tokens, 0, &[if asks { "?" } else { "." }])?;
    agree(end + 1 == tokens.len(), "words after the end", &tokens)
}

#[test]
fn disagreement_is_found() {
    assert_eq!(check("the dogs near the car are tame ."), Ok(()));
    for line in [
        "the dogs near the car is tame .",
        "the girl who the men know sees himself .",
        "the clock that the girls train stops .",
        "the clock that the girls repairs stops .",
        "either the dog runs .",
        "does the dog runs ?",
        "do the dogs run .",
        "every dogs run .",
        "the man says \" the dog runs .",
        "both the man and the boy sings .",
    ] {
        assert!(check(line).is_err(), "{line}");
    }
}
