//! The stemmer of Porter (1980), "An algorithm for suffix stripping", with NLTK's departures from it.
//!
//! rouge-score stems with NLTK's `PorterStemmer` as it is by default (`NLTK_EXTENSIONS`), which is neither
//! the paper's stemmer nor Porter's own later one nor Snowball's English one ("Porter 2"). Steps have the
//! paper's names; what only NLTK does is marked as such.
//!
//! A word is a slice of bytes, lower-case letters and digits. Digits are consonants, as in NLTK.

/// Forms with a stem of their own; NLTK's.
const IRREGULAR: [(&[u8], &[u8]); 16] = [
    (b"sky", b"sky"),
    (b"skies", b"sky"),
    (b"dying", b"die"),
    (b"lying", b"lie"),
    (b"tying", b"tie"),
    (b"news", b"news"),
    (b"innings", b"inning"),
    (b"inning", b"inning"),
    (b"outings", b"outing"),
    (b"outing", b"outing"),
    (b"cannings", b"canning"),
    (b"canning", b"canning"),
    (b"howe", b"howe"),
    (b"proceed", b"proceed"),
    (b"exceed", b"exceed"),
    (b"succeed", b"succeed"),
];

/// A suffix, and what stands in its place.
type Rule = (&'static [u8], &'static [u8]);

/// (m > 0) of the stem. NLTK: BLI instead of ABLI, as Porter's later programs, and FULLI.
const STEP_2: [Rule; 21] = [
    (b"ational", b"ate"),
    (b"tional", b"tion"),
    (b"enci", b"ence"),
    (b"anci", b"ance"),
    (b"izer", b"ize"),
    (b"bli", b"ble"),
    (b"alli", b"al"),
    (b"entli", b"ent"),
    (b"eli", b"e"),
    (b"ousli", b"ous"),
    (b"ization", b"ize"),
    (b"ation", b"ate"),
    (b"ator", b"ate"),
    (b"alism", b"al"),
    (b"iveness", b"ive"),
    (b"fulness", b"ful"),
    (b"ousness", b"ous"),
    (b"aliti", b"al"),
    (b"iviti", b"ive"),
    (b"biliti", b"ble"),
    (b"fulli", b"ful"),
];

/// (m > 0) of the stem.
const STEP_3: [Rule; 7] = [
    (b"icate", b"ic"),
    (b"ative", b""),
    (b"alize", b"al"),
    (b"iciti", b"ic"),
    (b"ical", b"ic"),
    (b"ful", b""),
    (b"ness", b""),
];

/// (m > 1) of the stem, which for ION ends in S or T too.
const STEP_4: [&[u8]; 19] = [
    b"al", b"ance", b"ence", b"er", b"ic", b"able", b"ible", b"ant", b"ement", b"ment", b"ent",
    b"ion", b"ou", b"ism", b"ate", b"iti", b"ous", b"ive", b"ize",
];

/// Replaces a word by its stem.
pub fn stem(word: &mut Vec<u8>) {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(form, _)| form == word) {
        word.clear();
        word.extend_from_slice(stem);
        return;
    }
    // As Porter's later programs; the paper's stemmer takes the S from AS.
    if word.len() <= 2 {
        return;
    }
    step_1a(word);
    step_1b(word);
    step_1c(word);
    step_2(word);
    step_3(word);
    step_4(word);
    step_5a(word);
    step_5b(word);
}

/// Plurals: SSES → SS, IES → I, SS → SS, S → nothing. NLTK: IES → IE in words of four letters.
fn step_1a(word: &mut Vec<u8>) {
    let cut = if word.ends_with(b"ies") && word.len() == 4 {
        1
    } else if word.ends_with(b"sses") || word.ends_with(b"ies") {
        2
    } else if word.ends_with(b"s") && !word.ends_with(b"ss") {
        1
    } else {
        0
    };
    word.truncate(word.len() - cut);
}

/// Past tenses and participles: (m > 0) EED → EE, (a vowel) ED → nothing, (a vowel) ING → nothing. NLTK: IED → IE
/// in words of four letters, else I.
fn step_1b(word: &mut Vec<u8>) {
    if word.ends_with(b"ied") {
        let cut = if word.len() == 4 { 1 } else { 2 };
        word.truncate(word.len() - cut);
        return;
    }
    if let Some(stem) = word.strip_suffix(b"eed") {
        if measure(stem) > 0 {
            word.pop();
        }
        return;
    }
    let stem = word
        .strip_suffix(b"ed")
        .or_else(|| word.strip_suffix(b"ing"));
    if let Some(stem) = stem.filter(|stem| has_vowel(stem)) {
        word.truncate(stem.len());
        complete(word);
    }
}

/// What follows on the loss of ED or ING: AT → ATE, BL → BLE, IZ → IZE; one letter for a double consonant
/// other than L, S and Z; (m = 1 and \*o) → E.
fn complete(word: &mut Vec<u8>) {
    if [b"at", b"bl", b"iz"]
        .into_iter()
        .any(|end| word.ends_with(end))
    {
        word.push(b'e');
    } else if let [.., one, other] = word[..]
        && one == other
        && is_consonant(word, word.len() - 1)
    {
        if !matches!(other, b'l' | b's' | b'z') {
            word.pop();
        }
    } else if measure(word) == 1 && ends_in_short_syllable(word) {
        word.push(b'e');
    }
}

/// Y → I. NLTK: behind a consonant that is not the first letter (ENJOY stays, FLY becomes FLI), where
/// the paper has: behind any vowel.
fn step_1c(word: &mut [u8]) {
    if let [stem @ .., last @ b'y'] = word
        && stem.len() > 1
        && is_consonant(stem, stem.len() - 1)
    {
        *last = b'i';
    }
}

/// Double suffixes. NLTK: ALLI → AL comes first, and what it leaves goes through the step again; LOGI → LOG
/// counts the L as part of the stem.
fn step_2(word: &mut Vec<u8>) {
    while let Some(stem) = word.strip_suffix(b"alli")
        && measure(stem) > 0
    {
        word.truncate(word.len() - 2);
    }
    if replace(word, &STEP_2) {
        return;
    }
    if word.ends_with(b"logi") && measure(&word[..word.len() - 3]) > 0 {
        word.pop();
    }
}

fn step_3(word: &mut Vec<u8>) {
    replace(word, &STEP_3);
}

/// The first rule whose suffix the word has is applied if m > 0. Whether there is such a rule.
fn replace(word: &mut Vec<u8>, rules: &[Rule]) -> bool {
    for &(suffix, replacement) in rules {
        if let Some(stem) = word.strip_suffix(suffix) {
            if measure(stem) > 0 {
                word.truncate(stem.len());
                word.extend_from_slice(replacement);
            }
            return true;
        }
    }
    false
}

/// The first of the suffixes that the word has goes if m > 1.
fn step_4(word: &mut Vec<u8>) {
    for suffix in STEP_4 {
        if let Some(stem) = word.strip_suffix(suffix) {
            let fits = suffix != b"ion" || matches!(stem.last(), Some(b's' | b't'));
            if fits && measure(stem) > 1 {
                word.truncate(stem.len());
            }
            return;
        }
    }
}

/// (m > 1) E → nothing, (m = 1 and not \*o) E → nothing.
fn step_5a(word: &mut Vec<u8>) {
    if let Some(stem) = word.strip_suffix(b"e") {
        let measure = measure(stem);
        if measure > 1 || measure == 1 && !ends_in_short_syllable(stem) {
            word.pop();
        }
    }
}

/// (m > 1) LL → L; m is that of the word with one L.
fn step_5b(word: &mut Vec<u8>) {
    if word.ends_with(b"ll") && measure(&word[..word.len() - 1]) > 1 {
        word.pop();
    }
}

/// Of each letter whether it is a consonant: none of A, E, I, O, U, and no Y behind a consonant.
fn consonants(word: &[u8]) -> impl Iterator<Item = bool> {
    let mut before = false;
    word.iter().map(move |letter| {
        before = match letter {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => !before,
            _ => true,
        };
        before
    })
}

fn is_consonant(word: &[u8], place: usize) -> bool {
    consonants(&word[..=place]).last() == Some(true)
}

fn has_vowel(word: &[u8]) -> bool {
    consonants(word).any(|is_consonant| !is_consonant)
}

/// m: how many times a vowel stands before a consonant, [C](VC){m}[V].
fn measure(word: &[u8]) -> usize {
    let mut after_vowel = false;
    let closes =
        |is_consonant: bool| std::mem::replace(&mut after_vowel, !is_consonant) && is_consonant;
    consonants(word).map(closes).filter(|&it| it).count()
}

/// \*o: the word ends in consonant, vowel, consonant, the last not W, X or Y. NLTK: so does a word of a vowel
/// and a consonant.
fn ends_in_short_syllable(word: &[u8]) -> bool {
    let mut flags = consonants(word).skip(word.len().saturating_sub(3));
    match (word.len(), flags.next(), flags.next(), flags.next()) {
        (2, Some(false), Some(true), _) => true,
        (_, Some(true), Some(false), Some(true)) => {
            !matches!(word.last(), Some(b'w' | b'x' | b'y'))
        }
        _ => false,
    }
}
